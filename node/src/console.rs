//! The console of a node: whoever types there is at the machine of the server, and may do what an admin may.
//! The same words as everywhere ([`thrive_protocol::admin::grammar`]).

use std::io::{self, IsTerminal as _};
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
        let read = move || read(&typed);
        drop(std::thread::Builder::new().name("console".to_owned()).spawn(read));
    }
    lines
}

/// Until the terminal is gone, or nobody takes lines any more. A program in the background of a shell that
/// reads from its terminal is stopped by the system: what is typed then is not for us.
#[cfg(unix)]
fn read(typed: &mpsc::Sender<String>) {
    use rustix::event::{PollFd, PollFlags, poll};
    use rustix::io::Errno;

    let stdin = io::stdin();
    let (mut line, mut bytes) = (Vec::new(), [0; 1_024]);
    loop {
        match poll(&mut [PollFd::new(&stdin, PollFlags::IN)], None) {
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            Err(_) => return,
        }
        match rustix::termios::tcgetpgrp(&stdin) {
            Ok(front) if front == rustix::process::getpgrp() => {}
            Ok(_) => {
                std::thread::sleep(BEHIND);
                continue;
            }
            Err(_) => return,
        }
        let read = match rustix::io::read(&stdin, &mut bytes) {
            Ok(0) => return,
            Ok(read) => read,
            Err(Errno::INTR) => continue,
            Err(_) => return,
        };
        for byte in &bytes[..read] {
            match byte {
                b'\n' => {
                    let whole = String::from_utf8_lossy(&line).into_owned();
                    line.clear();
                    if typed.blocking_send(whole).is_err() {
                        return;
                    }
                }
                // Nobody types a line as long as that.
                _ if LONGEST <= line.len() => line.clear(),
                byte => line.push(*byte),
            }
        }
    }
}

#[cfg(not(unix))]
fn read(typed: &mpsc::Sender<String>) {
    use std::io::BufRead as _;

    for line in io::stdin().lock().lines().map_while(Result::ok) {
        if typed.blocking_send(line).is_err() {
            return;
        }
    }
}

/// How often a program in the background looks whether it is in front again.
#[cfg(unix)]
const BEHIND: std::time::Duration = std::time::Duration::from_secs(1);
/// Bytes of a line.
#[cfg(unix)]
const LONGEST: usize = 16 * 1_024;
