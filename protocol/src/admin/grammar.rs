//! From a line that a person typed to a command: `/ban bob 12/24/2026 spam`. The slash may be left out.
//!
//! A word in double quotes may have blanks in it. What a reason or an alert says is the rest of the line,
//! as it is. Whether a name exists is for the node to say.

use super::dates::{self, InvalidEnd};
use super::{Address, AdminCommand, Ban, BanFiles, CreateUser, Until};
use crate::limits;
use crate::secret::Secret;

/// What a line asks for.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Line {
    Command(AdminCommand),
    /// The words that may be typed: all, or those of one command.
    Help(Option<&'static Usage>),
}

/// How one command is written.
#[derive(Debug, Eq, PartialEq)]
pub struct Usage {
    pub word: &'static str,
    /// What follows the word.
    pub arguments: &'static str,
    pub says: &'static str,
}

/// Why a line is no command.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum NotUnderstood {
    #[error("nothing was typed; /help lists the commands")]
    Empty,
    #[error("there is no command /{0}; /help lists them")]
    Unknown(String),
    #[error("something is missing: /{} {}", .0.word, .0.arguments)]
    Missing(&'static Usage),
    #[error("that is more than the command takes: /{} {}", .0.word, .0.arguments)]
    TooMuch(&'static Usage),
    #[error("{word}: {why}")]
    End { word: String, why: InvalidEnd },
    #[error("{0} is neither a date (MM/DD/YYYY, YYYY-MM-DD) nor a duration (30m, 12h, 3d, 2w)")]
    NoEnd(String),
    #[error("{0} is no number of lines")]
    NoNumber(String),
    #[error("a quotation mark is not closed")]
    OpenQuote,
}

/// Every command, in the order of the help.
pub const COMMANDS: &[Usage] = &[
    usage("admin", "USER", "Make somebody an admin."),
    usage("unadmin", "USER", "Take that right away again."),
    usage("create", "USER PASSWORD [EMAIL]", "Make an account for somebody."),
    usage("del", "USER", "Delete an account. Its name rests for 90 days."),
    usage(
        "ban",
        "USER DATE|DURATION [REASON]",
        "Keep somebody out: 12/24/2026 or 2026-12-24 to the end of that day (UTC), 3d, 12h; \
         12/31/9999 is for ever.",
    ),
    usage("unban", "USER", "Let somebody in again."),
    usage("bans", "", "List the bans that are in force."),
    usage(
        "banfile",
        "USER EXTENSION|* [DATE|DURATION] [REASON]",
        "Keep somebody from sending files of a kind, or any; without an end, for ever.",
    ),
    usage("unbanfile", "USER [EXTENSION]", "Take file bans back: one kind, or all."),
    usage("alert", "TEXT", "Tell everybody who is online."),
    usage("who", "", "List who is online."),
    usage("audit", "[LINES]", "List what admins did, the newest first."),
    usage("restart", "", "Restart this server."),
    usage("exit", "[all]", "Stop this server; with all, every node of the cluster."),
    usage("help", "[COMMAND]", "List the commands."),
];

/// Lines of the audit that are shown when no number is given.
const AUDIT_LINES: u32 = 20;

const fn usage(word: &'static str, arguments: &'static str, says: &'static str) -> Usage {
    Usage { word, arguments, says }
}

/// # Errors
/// What is wrong with the line.
pub fn parse(line: &str) -> Result<Line, NotUnderstood> {
    let line = line.trim();
    let mut words = Words { rest: line.strip_prefix('/').unwrap_or(line) };
    let Some(word) = words.next()? else { return Err(NotUnderstood::Empty) };
    let usage = named(&word)?;
    let command = match usage.word {
        "admin" => AdminCommand::Promote { username: words.only(usage)? },
        "unadmin" => AdminCommand::Demote { username: words.only(usage)? },
        "create" => create(&mut words, usage)?,
        "del" => AdminCommand::DeleteUser { username: words.only(usage)? },
        "ban" => ban(&mut words, usage)?,
        "unban" => AdminCommand::Unban { username: words.only(usage)? },
        "bans" => words.end(usage).map(|()| AdminCommand::Bans {})?,
        "banfile" => ban_files(&mut words, usage)?,
        "unbanfile" => {
            let username = words.need(usage)?;
            let extension = words.next()?;
            words.end(usage)?;
            AdminCommand::UnbanFiles { username, extension }
        }
        "alert" => match words.rest() {
            "" => return Err(NotUnderstood::Missing(usage)),
            text => AdminCommand::Alert { text: text.to_owned() },
        },
        "who" => words.end(usage).map(|()| AdminCommand::Who {})?,
        "audit" => audit(&mut words, usage)?,
        "restart" => words.end(usage).map(|()| AdminCommand::Restart {})?,
        "exit" => match words.next()? {
            None => AdminCommand::Stop { all: false },
            Some(all) if all.eq_ignore_ascii_case("all") => {
                words.end(usage).map(|()| AdminCommand::Stop { all: true })?
            }
            Some(_) => return Err(NotUnderstood::TooMuch(usage)),
        },
        // The only one that is left.
        _ => {
            let topic = words.next()?;
            let topic = topic.map(|it| named(it.strip_prefix('/').unwrap_or(&it))).transpose()?;
            words.end(usage)?;
            return Ok(Line::Help(topic));
        }
    };
    Ok(Line::Command(command))
}

fn named(word: &str) -> Result<&'static Usage, NotUnderstood> {
    let is_it = |usage: &&Usage| usage.word.eq_ignore_ascii_case(word);
    let shown = || word.chars().take(40).collect();
    COMMANDS.iter().find(is_it).ok_or_else(|| NotUnderstood::Unknown(shown()))
}

fn create(words: &mut Words<'_>, usage: &'static Usage) -> Result<AdminCommand, NotUnderstood> {
    let username = words.need(usage)?;
    let password = Secret::new(words.need(usage)?);
    let email = words.next()?.map(Address);
    words.end(usage)?;
    Ok(AdminCommand::CreateUser(CreateUser { username, password, email }))
}

fn ban(words: &mut Words<'_>, usage: &'static Usage) -> Result<AdminCommand, NotUnderstood> {
    let username = words.need(usage)?;
    let word = words.need(usage)?;
    let until = end(&word)?.ok_or(NotUnderstood::NoEnd(word))?;
    Ok(AdminCommand::Ban(Ban { username, until, reason: words.rest().to_owned() }))
}

fn ban_files(words: &mut Words<'_>, usage: &'static Usage) -> Result<AdminCommand, NotUnderstood> {
    let username = words.need(usage)?;
    let extension = words.need(usage)?;
    let before = words.rest;
    let mut until = Until::Forever {};
    if let Some(word) = words.next_plain() {
        match end(word)? {
            Some(given) => until = given,
            // It was the beginning of the reason.
            None => words.rest = before,
        }
    }
    let reason = words.rest().to_owned();
    Ok(AdminCommand::BanFiles(BanFiles { username, extension, until, reason }))
}

fn audit(words: &mut Words<'_>, usage: &'static Usage) -> Result<AdminCommand, NotUnderstood> {
    let limit = match words.next()? {
        None => AUDIT_LINES,
        Some(word) => match word.parse() {
            Ok(number) if (1..=limits::AUDIT_PAGE as u32).contains(&number) => number,
            Ok(_) | Err(_) => return Err(NotUnderstood::NoNumber(word)),
        },
    };
    words.end(usage)?;
    Ok(AdminCommand::Audit { before: None, limit })
}

fn end(word: &str) -> Result<Option<Until>, NotUnderstood> {
    let read = dates::end(word).transpose();
    read.map_err(|why| NotUnderstood::End { word: word.to_owned(), why })
}

/// What is left of a line.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    /// The next word, without its quotation marks.
    fn next(&mut self) -> Result<Option<String>, NotUnderstood> {
        let rest = self.rest.trim_start();
        if let Some(quoted) = rest.strip_prefix('"') {
            let (word, after) = quoted.split_once('"').ok_or(NotUnderstood::OpenQuote)?;
            self.rest = after;
            return Ok(Some(word.to_owned()));
        }
        Ok(self.next_plain().map(str::to_owned))
    }

    /// The next word as it is.
    fn next_plain(&mut self) -> Option<&'a str> {
        let rest = self.rest.trim_start();
        let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
        let (word, after) = rest.split_at(length);
        self.rest = after;
        (!word.is_empty()).then_some(word)
    }

    fn need(&mut self, usage: &'static Usage) -> Result<String, NotUnderstood> {
        let word = self.next()?.filter(|word| !word.is_empty());
        word.ok_or(NotUnderstood::Missing(usage))
    }

    fn only(&mut self, usage: &'static Usage) -> Result<String, NotUnderstood> {
        let word = self.need(usage)?;
        self.end(usage)?;
        Ok(word)
    }

    fn end(&self, usage: &'static Usage) -> Result<(), NotUnderstood> {
        if self.rest.trim().is_empty() { Ok(()) } else { Err(NotUnderstood::TooMuch(usage)) }
    }

    fn rest(&self) -> &'a str {
        self.rest.trim()
    }
}

#[cfg(test)]
mod tests;
