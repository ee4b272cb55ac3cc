//! Everything that is printed: text for people, or one JSON object a line. No colors, no moving of the
//! cursor, no control characters.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use serde_json::{Value, json};

use super::{Trouble, words};

/// Where results go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// One result, in the form that was asked for.
    pub(crate) fn say(self, text: &str, record: &Value) -> Result<(), Trouble> {
        if self.json { self.line(&record.to_string()) } else { self.line(text) }
    }

    /// Something beside the result; programs do not need it.
    pub(crate) fn note(self, text: &str) {
        if !self.json {
            // Without standard error there is no other place to say it.
            drop(writeln!(io::stderr(), "{}", plain(text)));
        }
    }

    /// Bytes as they are.
    pub(crate) fn raw(self, bytes: &[u8]) -> Result<(), Trouble> {
        written(io::stdout().write_all(bytes))
    }

    /// Says what went wrong, and with which code to end.
    pub(crate) fn trouble(self, trouble: &Trouble) -> ExitCode {
        self.complain(trouble);
        ExitCode::from(trouble.exit_code())
    }

    pub(crate) fn is_json(self) -> bool {
        self.json
    }

    /// Says what went wrong with one of several things. What is left is the exit code.
    pub(crate) fn complain_of(self, what: &dyn Display, trouble: &Trouble) -> Trouble {
        self.tell(trouble, &format!("{what}: {}", words::trouble(trouble)));
        Trouble::Said(trouble.exit_code())
    }

    /// Says what went wrong.
    pub(crate) fn complain(self, trouble: &Trouble) {
        self.tell(trouble, &words::trouble(trouble));
    }

    fn tell(self, trouble: &Trouble, message: &str) {
        let code = trouble.exit_code();
        if !matches!(trouble, Trouble::Closed | Trouble::Said(_)) {
            if self.json {
                let error = json!({
                    "code": words::trouble_code(trouble),
                    "message": message,
                    "exit": code,
                });
                // The exit code says it once more.
                drop(self.line(&json!({ "error": error }).to_string()));
            } else {
                drop(writeln!(io::stderr(), "thrive: {}", plain(message)));
            }
        }
    }

    fn line(self, text: &str) -> Result<(), Trouble> {
        let mut out = io::stdout().lock();
        written(writeln!(out, "{}", plain(text)).and_then(|()| out.flush()))
    }
}

fn written(result: io::Result<()>) -> Result<(), Trouble> {
    result.map_err(|error| match error.kind() {
        io::ErrorKind::BrokenPipe => Trouble::Closed,
        _ => Trouble::Local(format!("standard output: {error}")),
    })
}

/// Takes out what a terminal could obey.
fn plain(text: &str) -> String {
    text.chars().filter(|&c| c == '\n' || c == '\t' || !c.is_control()).collect()
}

/// A text of several lines, so that none of them can pass for a line of ours.
pub(crate) fn indented(text: &str) -> String {
    text.replace('\n', "\n    ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_terminal_gets_nothing_to_obey() {
        assert_eq!(plain("a\u{1b}[2Jb\u{9b}c\r\n\td"), "a[2Jbc\n\td");
    }

    #[test]
    fn the_second_line_of_a_message_cannot_pass_for_a_message() {
        assert_eq!(indented("hi\nann: bye"), "hi\n    ann: bye");
    }
}
