//! Ends a program when we are gone without having ended it, as after `kill -9`.
//!
//! The watcher is a shell that reads from a pipe. The pipe ends with us, however that comes about.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// `$1`: the process id. A word means that the program has ended, and its id may be somebody else's by now.
const SCRIPT: &str = r#"trap '' HUP INT TERM; read -r word || kill -9 "$1""#;

pub(super) struct Watcher {
    shell: Child,
}

impl Watcher {
    /// Of the process with this id, which must be a child of ours and not yet waited for.
    pub(super) fn of(id: u32) -> Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "thrive-watcher", &id.to_string()]).current_dir("/");
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        super::own_group(&mut command);
        Ok(Self { shell: command.spawn().context("start the watcher of a program")? })
    }

    /// The process has ended.
    pub(super) fn dismiss(mut self) {
        if let Some(pipe) = &mut self.shell.stdin {
            // One that somebody has ended needs no word.
            pipe.write_all(b"ended\n").ok();
        }
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        self.shell.wait().ok();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sleeper() -> Child {
        Command::new("sleep").arg("600").spawn().expect("sleep starts")
    }

    #[test]
    fn a_program_ends_with_the_pipe() {
        let mut program = sleeper();
        drop(Watcher::of(program.id()).expect("sh starts"));
        assert_eq!(program.wait().expect("it is ours").code(), None);
    }

    #[test]
    fn after_the_word_nobody_is_ended() {
        let mut program = sleeper();
        Watcher::of(program.id()).expect("sh starts").dismiss();
        assert!(program.try_wait().expect("it is ours").is_none());
        program.kill().expect("it is ours");
        program.wait().expect("it is ours");
    }
}
