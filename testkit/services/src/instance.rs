//! A server process in its folder: started, asked to end, killed, held still, and started again.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use crate::folder::{self, Folder};

/// How long a start, a stop, or a recovery may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(10);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Signal {
    Terminate,
    Interrupt,
    Quit,
    Kill,
    Stop,
    Continue,
}

/// A server process, or the place of one that has ended.
pub(crate) struct Instance {
    name: &'static str,
    child: Option<Child>,
    folder: Folder,
}

impl Instance {
    pub(crate) fn new(name: &'static str, folder: Folder) -> Self {
        Self { name, child: None, folder }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Whether it runs; false also when it has ended by itself, and then it can be started again.
    pub(crate) fn runs(&mut self) -> bool {
        let Some(child) = &mut self.child else { return false };
        if matches!(child.try_wait(), Ok(None)) {
            return true;
        }
        // Its children see its end a moment later.
        if self.wait().is_err() {
            return true;
        }
        false
    }

    /// Starts it inside of the folder and waits until `ready` has something to give.
    pub(crate) fn start<T>(
        &mut self,
        command: &mut Command,
        ready: impl Fn() -> Option<T>,
    ) -> Result<T> {
        ensure!(self.child.is_none(), "{} runs already", self.name);
        let log = File::options().create(true).append(true).open(self.log()).context("its log")?;
        folder::own_group(command);
        command
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("a log can be shared")?)
            .stderr(log);
        let child = command.spawn().with_context(|| format!("start {}", self.name))?;
        let child = self.child.insert(child);
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = child.try_wait()? {
                self.child = None;
                bail!("{} ended at its start ({status}): {}", self.name, self.last_words());
            }
            if let Some(found) = ready() {
                return Ok(found);
            }
            if deadline < Instant::now() {
                self.kill()?;
                bail!("{} is not ready after {PATIENCE:?}: {}", self.name, self.last_words());
            }
            thread::sleep(PAUSE);
        }
    }

    /// Asks its first process to end, in the way that the signal means, and waits until all have.
    pub(crate) fn stop(&mut self, how: Signal) -> Result<()> {
        let id = self.pid().with_context(|| format!("{} does not run", self.name))?;
        send(how, &[id])?;
        self.wait()
    }

    /// SIGKILL to all its processes at once.
    pub(crate) fn kill(&mut self) -> Result<()> {
        ensure!(self.child.is_some(), "{} does not run", self.name);
        send(Signal::Kill, &self.all())?;
        self.wait()
    }

    /// Holds all its processes still: connections stay open and nothing answers.
    pub(crate) fn pause(&self) -> Result<()> {
        ensure!(self.child.is_some(), "{} does not run", self.name);
        let deadline = Instant::now() + PATIENCE;
        loop {
            // The first one first, which makes the others; what it made meanwhile is found at the next look.
            let all = self.all();
            send(Signal::Stop, &all)?;
            // A signal only asks: on a busy machine its effect takes a while.
            if all.iter().all(|id| stands_still(*id)) && self.all() == all {
                return Ok(());
            }
            ensure!(Instant::now() < deadline, "{} still runs after {PATIENCE:?}", self.name);
            thread::sleep(PAUSE);
        }
    }

    pub(crate) fn resume(&self) -> Result<()> {
        ensure!(self.child.is_some(), "{} does not run", self.name);
        send(Signal::Continue, &self.all())
    }

    /// All its processes, the first one first.
    fn all(&self) -> Vec<u32> {
        let first = self.pid();
        let others = self.folder.members().into_iter().filter(|id| Some(*id) != first);
        first.into_iter().chain(others).collect()
    }

    fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let ended = match &mut self.child {
                Some(child) => child.try_wait()?.is_some(),
                None => true,
            };
            if ended {
                self.child = None;
                if self.folder.members().is_empty() {
                    return Ok(());
                }
            }
            ensure!(Instant::now() < deadline, "{} still runs after {PATIENCE:?}", self.name);
            thread::sleep(PAUSE);
        }
    }

    fn last_words(&self) -> String {
        let text = fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(15)..].join("\n")
    }
}

impl Drop for Instance {
    fn drop(&mut self) {
        if self.child.is_some() {
            // The folder's watcher ends what this leaves.
            drop(self.kill());
        }
    }
}

/// Stopped, or gone.
fn stands_still(id: u32) -> bool {
    let state = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name before it may hold anything, also brackets.
    state.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['T', 'Z', 'X']))
}

/// Sends to each; one that is gone already needs none.
#[cfg(unix)]
fn send(signal: Signal, to: &[u32]) -> Result<()> {
    use rustix::process::{Pid, kill_process};
    let signal = match signal {
        Signal::Terminate => rustix::process::Signal::TERM,
        Signal::Interrupt => rustix::process::Signal::INT,
        Signal::Quit => rustix::process::Signal::QUIT,
        Signal::Kill => rustix::process::Signal::KILL,
        Signal::Stop => rustix::process::Signal::STOP,
        Signal::Continue => rustix::process::Signal::CONT,
    };
    for id in to {
        let pid = i32::try_from(*id).ok().and_then(Pid::from_raw).context("a process id")?;
        match kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => {}
            Err(error) => return Err(error).context("send a signal to a service"),
        }
    }
    Ok(())
}

#[cfg(not(unix))]
fn send(signal: Signal, _to: &[u32]) -> Result<()> {
    bail!("{signal:?} cannot be sent on this system")
}
