//! Programs that run beside us. Each is ended with us: asked first, by its own process id only; without
//! asking when we were killed ourselves.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{self, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::{deadline, shell};

mod watcher;

use self::watcher::Watcher;

/// What a program may take to end after it was asked; a server tells its clients good-bye first.
const PATIENCE: Duration = Duration::from_secs(10);

/// Lines of a program's output that may wait to be read. Further ones wait in its pipe.
const LINES: usize = 256;

/// A running program, ended when this is dropped.
pub(crate) struct Child {
    name: String,
    process: process::Child,
    /// Where its complaints go, if not to our terminal.
    log: Option<PathBuf>,
    /// Asked twice, a server leaves at once instead of handing its people over.
    asked: bool,
    /// Until it has ended.
    watcher: Option<Watcher>,
}

impl Child {
    /// Starts it in a process group of its own, so that Ctrl+C reaches only us and we end it in
    /// order.
    pub(crate) fn start(name: &str, command: &mut Command) -> Result<Self> {
        own_group(command);
        let process = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("cannot start `{}`", shell::line(command)))?;
        let name = name.to_owned();
        let mut child = Self { name, process, log: None, asked: false, watcher: None };
        // Elsewhere there is no shell to watch.
        if cfg!(unix) {
            child.watcher = Some(Watcher::of(child.id())?);
        }
        Ok(child)
    }

    /// Starts it with everything it prints going to `log`.
    pub(crate) fn logged(name: &str, command: &mut Command, log: &Path) -> Result<Self> {
        let file = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        command.stdout(file.try_clone().context("a log file can be shared")?).stderr(file);
        let mut child = Self::start(name, command)?;
        child.log = Some(log.to_owned());
        Ok(child)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let status = self.process.try_wait().ok().flatten()?;
        self.dismiss_watcher();
        Some(status)
    }

    fn dismiss_watcher(&mut self) {
        if let Some(watcher) = self.watcher.take() {
            watcher.dismiss();
        }
    }

    /// An error if it is no longer there, with the end of its log.
    pub(crate) fn still_there(&mut self) -> Result<()> {
        match self.ended() {
            None => Ok(()),
            Some(status) => bail!("{} ended with {status}{}", self.name, self.last_words()),
        }
    }

    /// The end of its log, for a message.
    pub(crate) fn last_words(&self) -> String {
        let Some(log) = &self.log else { return String::new() };
        let text = fs::read_to_string(log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        let tail = &lines[lines.len().saturating_sub(15)..];
        format!("; the end of {}:\n    {}", log.display(), tail.join("\n    "))
    }

    /// The lines that it prints, from now on. It must have been started with its output piped.
    pub(crate) fn lines(&mut self) -> Result<Lines> {
        let output = self.process.stdout.take().context("the output is piped and not yet taken")?;
        let (sender, lines) = mpsc::sync_channel(LINES);
        thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        Ok(Lines { lines })
    }

    /// What it writes to its standard error. It must have been started with that piped.
    pub(crate) fn complaints(&mut self) -> Result<process::ChildStderr> {
        self.process.stderr.take().context("the errors are piped and not yet taken")
    }

    /// Asks it to end, and does not wait.
    pub(crate) fn ask_to_end(&mut self) {
        self.asked = self.asked || ask_to_end(self.process.id());
    }

    /// Asks it to end and waits; ends it by force when it does not.
    pub(crate) fn end(&mut self) -> Option<ExitStatus> {
        if let Some(status) = self.ended() {
            return Some(status);
        }
        self.ask_to_end();
        if self.asked {
            if let Ok(status) = deadline::wait("its end", PATIENCE, || Ok(self.ended())) {
                return Some(status);
            }
            println!("  {} did not end when asked, so it is ended by force.", self.name);
        }
        self.process.kill().ok();
        let status = self.process.wait().ok()?;
        self.dismiss_watcher();
        Some(status)
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        self.end();
    }
}

/// What a program prints, line by line.
pub(crate) struct Lines {
    lines: Receiver<String>,
}

impl Lines {
    /// The first line for which `wanted` gives something. Other lines are passed over.
    pub(crate) fn find<T>(
        &self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> Result<T> {
        let found = self.look_for(what, within, wanted)?;
        found.with_context(|| format!("waited {} s in vain for {what}", within.as_secs()))
    }

    /// As [`Self::find`]; `None` when the time is over, and then the lines after that can be looked at.
    pub(crate) fn look_for<T>(
        &self,
        what: &str,
        within: Duration,
        wanted: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>> {
        let end = Instant::now() + within;
        loop {
            match self.lines.recv_timeout(end.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    if let Some(found) = wanted(&line) {
                        return Ok(Some(found));
                    }
                }
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => bail!("the program ended before {what}"),
            }
        }
    }

    /// Reads the rest and shows none of it.
    pub(crate) fn pass_over_rest(self) {
        thread::spawn(move || self.lines.into_iter().for_each(drop));
    }

    /// Shows the rest as it comes, so that the program's pipe never fills up.
    pub(crate) fn show_rest(self) {
        thread::spawn(move || {
            for line in self.lines {
                println!("{line}");
            }
        });
    }
}

#[cfg(unix)]
fn own_group(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn own_group(_command: &mut Command) {}

/// False where there is no way to ask.
#[cfg(unix)]
fn ask_to_end(id: u32) -> bool {
    use rustix::process::{Pid, Signal, kill_process};
    let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
    pid.is_some_and(|pid| kill_process(pid, Signal::TERM).is_ok())
}

#[cfg(not(unix))]
fn ask_to_end(_id: u32) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piped(script: &str) -> Child {
        let mut command = Command::new("sh");
        command.args(["-c", script]).stdout(Stdio::piped());
        Child::start("a script", &mut command).expect("sh starts")
    }

    #[test]
    fn a_child_is_asked_before_it_is_ended() {
        let mut child = piped("trap 'exit 7' TERM; echo ready; while :; do sleep 0.05; done");
        let lines = child.lines().expect("piped");
        lines
            .find("ready", Duration::from_secs(10), |line| (line == "ready").then_some(()))
            .expect("it gets ready");
        let status = child.end().expect("it ends");
        assert_eq!(status.code(), Some(7));
    }

    #[test]
    fn a_child_is_asked_once_however_often_we_ask() {
        let script =
            "trap 'asked=x$asked; echo asked' TERM; echo ready; while [ -z $asked ]; do sleep 0.05; done;
                      sleep 0.5; test $asked = x";
        let mut child = piped(script);
        let lines = child.lines().expect("piped");
        lines
            .find("ready", Duration::from_secs(10), |line| (line == "ready").then_some(()))
            .expect("it gets ready");
        child.ask_to_end();
        // A second one must not hide behind the first.
        lines
            .find("its trap", Duration::from_secs(10), |line| (line == "asked").then_some(()))
            .expect("it hears us");
        let status = child.end().expect("it ends");
        assert!(status.success(), "{status}");
    }

    #[cfg(unix)]
    #[test]
    fn a_child_does_not_outlive_us_when_nobody_is_left_to_end_it() {
        let mut child = piped("exec sleep 600");
        // The pipe ends as it would if we were killed.
        drop(child.watcher.take());
        let status = child.process.wait().expect("it is ours");
        assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(9));
    }

    #[test]
    fn a_line_that_never_comes_is_an_error_and_not_a_wait() {
        let mut child = piped("echo something else");
        let lines = child.lines().expect("piped");
        let found = lines
            .find("readiness", Duration::from_secs(10), |line| (line == "ready").then_some(()));
        assert!(found.expect_err("never said").to_string().contains("readiness"));
    }

    #[test]
    fn a_child_that_ended_by_itself_leaves_its_last_words() {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("log");
        let mut command = Command::new("sh");
        command.args(["-c", "echo the disk is full >&2; exit 1"]);
        let mut child = Child::logged("a script", &mut command, &log).expect("sh starts");
        deadline::wait("its end", Duration::from_secs(10), || Ok(child.ended())).expect("it ends");
        let error = child.still_there().expect_err("it is gone");
        assert!(error.to_string().contains("the disk is full"), "{error}");
    }
}
