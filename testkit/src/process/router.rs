//! The real `thrive-router` program. It keeps nothing, so its place is a port and settings.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Result, ensure};

use super::Running;
use crate::bin::bin;

/// What to run.
#[derive(Clone, Debug)]
pub struct RouterPlace {
    pub program: PathBuf,
    /// The log is this with `.log` at its end.
    pub name: PathBuf,
    /// 0: any that is free.
    pub port: u16,
    pub settings: Vec<String>,
    pub log_filter: String,
}

impl RouterPlace {
    /// # Errors
    /// `thrive-router` has not been built.
    pub fn new(name: &Path) -> Result<Self> {
        Ok(Self {
            program: bin("thrive-router")?,
            name: name.to_owned(),
            port: 0,
            settings: Vec::new(),
            log_filter: "warn".into(),
        })
    }

    /// The same, with one more setting; it wins over those before it.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl Display) -> Self {
        self.settings.push(format!("{key}={value}"));
        self
    }

    /// Starts the program and waits until it says that it is ready.
    ///
    /// # Errors
    /// It ends instead, or does not get ready in time.
    pub fn launch(&self) -> Result<Running> {
        let (running, line) = Running::start(&mut self.command(), &self.log())?;
        ensure!(line.starts_with("thrive-router ready on "), "this is no ready line: {line}");
        Ok(running)
    }

    /// Where it logs to.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.name.with_extension("log")
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(["--listen", &format!("127.0.0.1:{}", self.port)]);
        command.args(["--log", &self.log_filter, "--set", "log_format=text"]);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command
    }
}
