//! The console of a node: whoever types there is at the machine of the server, and may do what an admin may.
//! The same words as everywhere ([`thrive_protocol::admin::grammar`]).

use std::io::{self, BufRead as _, IsTerminal as _};
use std::sync::Arc;

use parking_lot::Mutex;
use thrive_protocol::admin::grammar::{self, Line};
use thrive_protocol::admin::words;
use tokio::sync::mpsc;

use crate::bus::Bus;
use crate::dispatch::Dispatch;

/// A cheap handle. It does nothing more once the node ends.
#[derive(Clone)]
pub struct Console {
    /// Guards two handles; taken when the node ends, so that they keep nothing from ending.
    node: Arc<Mutex<Option<(Dispatch, Bus)>>>,
}

/// Lines that wait: somebody who types is never ahead by more than what was pasted.
const LINES: usize = 16;

impl Console {
    pub(crate) fn new(dispatch: Dispatch, bus: Bus) -> Self {
        Self { node: Arc::new(Mutex::new(Some((dispatch, bus)))) }
    }

    pub(crate) fn close(&self) {
        self.node.lock().take();
    }

    /// Does what a line says. Returns what is to be shown.
    pub async fn obey(&self, line: &str) -> String {
        let command = match grammar::parse(line) {
            Ok(Line::Help(of)) => return words::help(of),
            Ok(Line::Command(command)) => command,
            Err(why) => return format!("Not understood: {why}."),
        };
        let Some((dispatch, bus)) = self.node.lock().clone() else {
            return "The server is about to end.".to_owned();
        };
        match dispatch.host(command).await {
            Ok(done) => {
                bus.publish(&done.news);
                done.reply.to_string()
            }
            Err(refusal) => format!("It was not done: {}.", why(&refusal)),
        }
    }
}

/// For people at the machine.
#[must_use]
pub fn why(refusal: &thrive_protocol::Refusal) -> String {
    use thrive_protocol::Code;

    let words = match refusal.code {
        Code::NoSuchUser => "there is nobody of that name",
        Code::AlreadyAdmin => "they are an admin already",
        Code::NotAnAdmin => "they are no admin",
        Code::LastAdmin => "they are the last admin",
        Code::NotBanned => "they are not banned",
        Code::EndIsPast => "that would be over already",
        Code::ExtensionInvalid => "that is no extension of files",
        Code::NoSuchFileBan => "there is no such file ban",
        Code::InviteInvalid => "there is no such invitation",
        Code::EmailUnsupported => "this server keeps no addresses of mail",
        Code::UsernameTaken => "this user name is taken, or was freed less than 90 days ago",
        Code::UsernameInvalid => "a user name has 3 to 32 letters, digits, and . _ - between them",
        Code::UsernameReserved => "this user name is reserved",
        Code::PasswordTooShort => "the password is too short",
        Code::PasswordTooLong => "the password is too long",
        Code::PasswordTooCommon => "everybody would guess this password",
        Code::TextEmpty => "the text is empty",
        Code::TextTooLong => "the text is too long",
        Code::Busy => "there is too much to do at the moment",
        other => other.word(),
    };
    match refusal.limit {
        Some(limit) => format!("{words} (the limit is {limit})"),
        None => words.to_owned(),
    }
}

/// What is typed, when this process has a terminal to be typed at; nothing at all otherwise.
#[must_use]
pub fn lines() -> mpsc::Receiver<String> {
    let (typed, lines) = mpsc::channel(LINES);
    if io::stdin().is_terminal() {
        // Not joined: it waits for a key that nobody may press, and ends with the process.
        let read = move || {
            for line in io::stdin().lock().lines().map_while(Result::ok) {
                if typed.blocking_send(line).is_err() {
                    return;
                }
            }
        };
        drop(std::thread::Builder::new().name("console".to_owned()).spawn(read));
    }
    lines
}
