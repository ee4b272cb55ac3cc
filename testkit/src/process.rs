//! The real `thrive-node` program on a folder: to be stopped, killed and started again.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::bin::bin;
use crate::door::Door;

/// How long a start may take; a debug build on a busy machine is slow.
const START: Duration = Duration::from_secs(30);
/// How long a stop may take.
const STOP: Duration = Duration::from_secs(15);

/// What to run: a folder, a port, and settings as `key=value`. It outlives the processes on it.
#[derive(Clone, Debug)]
pub struct Place {
    pub program: PathBuf,
    pub folder: PathBuf,
    /// 0: any that is free.
    pub port: u16,
    pub settings: Vec<String>,
}

/// A running node. It is killed when this is dropped. It is also the [`Door`] to itself.
pub struct NodeProcess {
    child: Child,
    door: Door,
    /// As it was printed.
    pub fingerprint: String,
    /// From the start of the process to its ready line.
    pub started_in: Duration,
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
        let begun = Instant::now();
        let mut child = self.spawn()?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let (line, lines) = mpsc::sync_channel(1);
        // Reads on until the process ends, so that it never writes into a full pipe.
        thread::spawn(move || {
            for text in BufReader::new(stdout).lines().map_while(Result::ok) {
                drop(line.try_send(text));
            }
        });
        let Ok(ready) = lines.recv_timeout(START) else {
            drop(child.kill());
            let status = child.wait()?;
            bail!("no ready line ({status}); its log is {}", self.log().display());
        };
        let started_in = begun.elapsed();
        let words = ready.strip_prefix("thrive-node ready on ").context("a ready line")?;
        let (address, fingerprint) = words.split_once(", certificate ").context("both parts")?;
        Ok(NodeProcess {
            child,
            door: Door::new(address.parse()?)?,
            fingerprint: fingerprint.to_owned(),
            started_in,
        })
    }

    /// Starts it and waits for its end, which must come by itself.
    ///
    /// # Errors
    /// It goes on running.
    pub fn start_in_vain(&self) -> Result<ExitStatus> {
        wait(&mut self.spawn()?)
    }

    /// Where it logs to.
    #[must_use]
    pub fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    fn spawn(&self) -> Result<Child> {
        let log = File::options().create(true).append(true).open(self.log())?;
        let mut command = Command::new(&self.program);
        command
            .arg("--data")
            .arg(&self.folder)
            .args(["--listen", &format!("127.0.0.1:{}", self.port)])
            .args(["--log", "warn", "--log-format", "json"]);
        for setting in &self.settings {
            command.args(["--set", setting]);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        command.spawn().with_context(|| format!("run {}", self.program.display()))
    }
}

impl NodeProcess {
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// SIGKILL: no chance to do anything any more.
    ///
    /// # Errors
    /// It had ended before.
    pub fn kill(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("the node had ended before it was killed: {status}");
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// SIGTERM, and its exit status.
    ///
    /// # Errors
    /// It goes on running.
    pub fn terminate(mut self) -> Result<ExitStatus> {
        let pid = self.pid().to_string();
        // The standard library knows only SIGKILL.
        let sent = Command::new("kill").args(["-TERM", &pid]).status()?;
        anyhow::ensure!(sent.success(), "the signal could not be sent");
        wait(&mut self.child)
    }
}

impl Deref for NodeProcess {
    type Target = Door;

    fn deref(&self) -> &Door {
        &self.door
    }
}

impl Drop for NodeProcess {
    fn drop(&mut self) {
        // Most often it has ended already, and that is what these say.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

fn wait(child: &mut Child) -> Result<ExitStatus> {
    let deadline = Instant::now() + STOP;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if deadline < Instant::now() {
            drop(child.kill());
            child.wait()?;
            bail!("the node still runs after {STOP:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}
