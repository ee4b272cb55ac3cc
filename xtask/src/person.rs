//! Somebody who chats by the `thrive` command.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

use crate::shell;

pub(crate) struct Person {
    pub(crate) name: &'static str,
    /// The `thrive` program.
    pub(crate) program: PathBuf,
    /// Where the program keeps this person's things.
    pub(crate) folder: PathBuf,
    /// The file with the password.
    pub(crate) password: PathBuf,
    pub(crate) server: SocketAddr,
}

impl Person {
    /// Does what the words say, for example `["send", "bob", "Hello"]`, and gives what was printed.
    pub(crate) fn does(&self, words: &[&str]) -> Result<String> {
        shell::output(self.thrive().args(words))
    }

    pub(crate) fn creates_account(&self) -> Result<String> {
        self.with_password(&["account", "create", self.name])
    }

    pub(crate) fn logs_in(&self) -> Result<String> {
        self.with_password(&["login", self.name])
    }

    fn with_password(&self, words: &[&str]) -> Result<String> {
        shell::output(self.thrive().args(words).arg("--password-file").arg(&self.password))
    }

    fn thrive(&self) -> Command {
        let mut command = shell::command(&self.program);
        command.args(["--server", &self.server.to_string()]).arg("--dir").arg(&self.folder);
        command
    }
}
