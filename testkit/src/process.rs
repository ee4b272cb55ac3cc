//! The real `thrive-node` program on a folder: to be stopped, killed and started again.

use std::net::SocketAddr;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::bin::bin;
use crate::door::Door;

mod router;
mod running;

pub use self::router::RouterPlace;
pub use self::running::Running;
pub(crate) use self::running::last_lines;

/// What to run: a folder, a port, and settings as `key=value`. It outlives the processes on it.
#[derive(Clone, Debug)]
pub struct Place {
    pub program: PathBuf,
    pub folder: PathBuf,
    /// 0: any that is free.
    pub port: u16,
    pub settings: Vec<String>,
    /// Variables of its environment, such as for a clock that is wrong.
    pub environment: Vec<(String, String)>,
    /// Which log lines it writes, and how.
    pub log_filter: String,
    pub log_format: &'static str,
}

/// A running node. It is killed when this is dropped. It is also the [`Door`] to itself.
pub struct NodeProcess {
    running: Running,
    door: Door,
    /// As it was printed.
    pub fingerprint: String,
    /// From the start of the process to its ready line.
    pub started_in: Duration,
}

/// What a node says when it is ready.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Ready {
    pub address: SocketAddr,
    pub fingerprint: String,
}

impl Place {
    /// With limits under which a test does not have to wait.
    ///
    /// # Errors
    /// `thrive-node` has not been built.
    pub fn new(folder: &Path) -> Result<Self> {
        let settings = [
            "limits.message_burst=100000",
            "limits.messages_per_second=100000",
            "limits.request_burst=100000",
            "limits.requests_per_second=100000",
            "limits.sign_up_burst=100000",
            "limits.sign_ups_per_minute=100000",
            "limits.mail_burst=100000",
            "limits.mails_per_ten_minutes=100000",
            "limits.code_burst=100000",
            "limits.codes_per_ten_minutes=100000",
            "limits.login_address_burst=100000",
            "limits.login_address_per_ten_minutes=100000",
            "limits.connections=50000",
            "limits.connections_per_address=50000",
        ];
        Ok(Self {
            program: bin("thrive-node")?,
            folder: folder.to_owned(),
            port: 0,
            settings: settings.map(str::to_owned).into(),
            environment: Vec::new(),
            log_filter: "warn".into(),
            log_format: "json",
        })
    }

    /// The same, with one more setting; it wins over those before it.
    #[must_use]
    pub fn set(mut self, key: &str, value: impl std::fmt::Display) -> Self {
        self.settings.push(format!("{key}={value}"));
        self
    }

    /// Starts the program and waits until it says that it is ready.
    ///
    /// # Errors
    /// It ends instead, or does not get ready in time.
    pub fn start(&self) -> Result<NodeProcess> {
        let (running, ready) = self.launch()?;
        let started_in = running.started_in;
        let door = Door::new(ready.address)?;
        Ok(NodeProcess { running, door, fingerprint: ready.fingerprint, started_in })
    }

    /// The same without a door, so that it can be done outside of a runtime.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub fn launch(&self) -> Result<(Running, Ready)> {
        let (running, line) = Running::start(&mut self.command(), &self.log())?;
        let words = line.strip_prefix("thrive-node ready on ").context("a ready line")?;
        let (address, fingerprint) = words.split_once(", certificate ").context("both parts")?;
        let ready = Ready { address: address.parse()?, fingerprint: fingerprint.to_owned() };
        Ok((running, ready))
    }

    /// Starts it and waits for its end, which must come by itself.
    ///
    /// # Errors
    /// It goes on running.
    pub fn start_in_vain(&self) -> Result<ExitStatus> {
        Running::start_in_vain(&mut self.command(), &self.log())
    }

    /// The command that brings the database up to date, as an operator runs it.
    #[must_use]
    pub fn migrate(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.arg("migrate");
        self.configure(&mut command);
        command
    }

    /// A command of the host, with what follows the name of the program.
    #[must_use]
    pub fn host(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        self.configure(&mut command);
        command
    }

    /// Where it logs to.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    /// The command that serves, for who wants to look at it from the outside.
    #[must_use]
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        self.configure(&mut command);
        command
    }

    fn configure(&self, command: &mut Command) {
        command
            .arg("--data")
            .arg(&self.folder)
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--log", &self.log_filter, "--log-format", self.log_format]);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.envs(self.environment.iter().map(|(key, value)| (key, value)));
    }
}

impl NodeProcess {
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// SIGKILL: no chance to do anything any more.
    ///
    /// # Errors
    /// It had ended before.
    pub fn kill(self) -> Result<()> {
        self.running.kill()
    }

    /// Waits for its end, which must come by itself.
    ///
    /// # Errors
    /// It goes on running.
    pub fn ended(mut self) -> Result<ExitStatus> {
        self.running.wait()
    }

    /// SIGTERM, and its exit status.
    ///
    /// # Errors
    /// It goes on running.
    pub fn terminate(self) -> Result<ExitStatus> {
        self.running.terminate()
    }
}

impl Deref for NodeProcess {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}
