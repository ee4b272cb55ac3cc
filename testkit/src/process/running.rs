//! A program of ours that runs: heard until it is ready, held still, asked to end, killed.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use parking_lot::Mutex;
use rustix::process::{Pid, Signal, kill_process};

/// How long a start may take; a debug build on a busy machine is slow.
const START: Duration = Duration::from_secs(30);
/// How long it may take to print a line.
const ANSWER: Duration = Duration::from_secs(10);
/// Lines that it has printed and nobody has read; further ones are dropped.
const LINES: usize = 16;
/// How long a stop may take, beyond what the program takes to hand its people over.
const STOP: Duration = Duration::from_secs(25);

/// A running program. It is killed when this is dropped.
pub struct Running {
    child: Child,
    log: PathBuf,
    /// What it prints; in a lock only because a receiver is for one at a time.
    lines: Mutex<mpsc::Receiver<String>>,
    /// From the start of the process to its ready line.
    pub started_in: Duration,
}

impl Running {
    /// Starts it with its log going to a file, and waits for the first line that it prints.
    ///
    /// # Errors
    /// It ends instead, or does not get ready in time.
    pub fn start(command: &mut Command, log: &Path) -> Result<(Self, String)> {
        let begun = Instant::now();
        let mut child = spawn(command, log)?;
        let stdout = child.stdout.take().context("its output is piped")?;
        let (line, lines) = mpsc::sync_channel(LINES);
        // Reads on until the process ends, so that it never writes into a full pipe.
        thread::spawn(move || {
            for text in BufReader::new(stdout).lines().map_while(Result::ok) {
                drop(line.try_send(text));
            }
        });
        // From here on it does not outlive a failure.
        let lines = Mutex::new(lines);
        let mut running = Self { child, log: log.to_owned(), lines, started_in: Duration::ZERO };
        let first = running.lines.lock().recv_timeout(START);
        let Ok(ready) = first else {
            drop(running.child.kill());
            let status = running.child.wait()?;
            bail!("no ready line ({status}); the end of its log:\n{}", running.last_words(20));
        };
        running.started_in = begun.elapsed();
        Ok((running, ready))
    }

    /// Starts it and waits for its end, which must come by itself.
    ///
    /// # Errors
    /// It goes on running.
    pub fn start_in_vain(command: &mut Command, log: &Path) -> Result<ExitStatus> {
        wait(&mut spawn(command, log)?)
    }

    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it has.
    ///
    /// # Errors
    /// The system cannot say.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end, which must come by itself.
    ///
    /// # Errors
    /// It goes on running.
    pub fn wait(&mut self) -> Result<ExitStatus> {
        wait(&mut self.child)
    }

    /// SIGKILL: no chance to do anything any more.
    ///
    /// # Errors
    /// It had ended before.
    pub fn kill(mut self) -> Result<()> {
        if let Some(status) = self.child.try_wait()? {
            bail!("it had ended before it was killed: {status}");
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
        self.send(Signal::TERM)?;
        wait(&mut self.child)
    }

    /// SIGSTOP: it is there and does nothing.
    ///
    /// # Errors
    /// It has ended.
    pub fn pause(&self) -> Result<()> {
        self.send(Signal::STOP)
    }

    /// SIGCONT.
    ///
    /// # Errors
    /// It has ended.
    pub fn resume(&self) -> Result<()> {
        self.send(Signal::CONT)
    }

    /// Asks it with SIGUSR1 to print what it has counted, and gives the line.
    ///
    /// # Errors
    /// It prints nothing.
    pub fn figures(&self) -> Result<String> {
        let lines = self.lines.lock();
        while lines.try_recv().is_ok() {}
        self.send(Signal::USR1)?;
        lines.recv_timeout(ANSWER).context("a line with figures")
    }

    /// The end of its log.
    #[must_use]
    pub fn last_words(&self, lines: usize) -> String {
        last_lines(&self.log, lines)
    }

    fn send(&self, signal: Signal) -> Result<()> {
        let pid = Pid::from_raw(i32::try_from(self.pid())?).context("a process id")?;
        kill_process(pid, signal).context("send a signal")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Most often it has ended already, and that is what these say.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The last lines of a log; nothing if there is none.
pub(crate) fn last_lines(log: &Path, lines: usize) -> String {
    let text = std::fs::read_to_string(log).unwrap_or_default();
    let all: Vec<_> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn spawn(command: &mut Command, log: &Path) -> Result<Child> {
    let log = File::options().create(true).append(true).open(log).context("open its log")?;
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
    command.spawn().with_context(|| format!("run {}", command.get_program().display()))
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
            bail!("it still runs after {STOP:?}");
        }
        thread::sleep(Duration::from_millis(5));
    }
}
