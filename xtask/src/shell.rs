//! Starts other programs and waits for them: says which, and what came of it.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Command, Stdio};
use std::thread;

use anyhow::{Context, Result, bail};

/// A cargo command at the root of the repository.
pub(crate) fn cargo(arguments: &[&str]) -> Command {
    let mut cargo = command("cargo");
    cargo.args(arguments);
    cargo
}

/// A command at the root of the repository.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(crate::root());
    command
}

/// Runs it with our terminal; an error if it does not end well.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    println!("  $ {}", line(command));
    let status = command.status().with_context(|| format!("cannot start `{}`", line(command)))?;
    if !status.success() {
        bail!("`{}` ended with {status}", line(command));
    }
    Ok(())
}

/// Runs it and gives what it printed; an error with what it said if it does not end well.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("`{}` ended with {}: {}", line(command), output.status, said.trim());
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs it, shows what it prints and gives that back too, with whether it ended well.
pub(crate) fn watch(command: &mut Command) -> Result<(bool, Vec<String>)> {
    println!("  $ {}", line(command));
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start `{}`", line(command)))?;
    let stdout = child.stdout.take().context("the output was piped")?;
    let stderr = child.stderr.take().context("the errors were piped")?;
    let lines = thread::scope(|scope| {
        let errors = scope.spawn(|| echo(stderr));
        let mut lines = echo(stdout);
        lines.extend(errors.join().unwrap_or_default());
        lines
    });
    let status = child.wait().context("a program that was started can be waited for")?;
    Ok((status.success(), lines))
}

/// Shows what arrives and keeps it.
fn echo(from: impl Read) -> Vec<String> {
    let mut kept = Vec::new();
    let mut reader = BufReader::new(from);
    let mut raw = Vec::new();
    while let Ok(1..) = reader.read_until(b'\n', &mut raw) {
        let line = String::from_utf8_lossy(&raw).trim_end().to_owned();
        // A closed terminal is no reason to stop: the outcome still counts.
        writeln!(std::io::stdout(), "{line}").ok();
        kept.push(line);
        raw.clear();
    }
    kept
}

/// The command as a person would type it, for messages only.
pub(crate) fn line(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted = words.map(|word| {
        let word = word.to_string_lossy();
        if word.is_empty() || word.contains(char::is_whitespace) {
            format!("'{word}'")
        } else {
            word.into_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_a_person_would_type_it() {
        let mut command = Command::new("thrive");
        command.args(["send", "bob", "good morning"]);
        assert_eq!(line(&command), "thrive send bob 'good morning'");
    }

    #[test]
    fn a_watched_command_gives_its_lines_and_its_outcome() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; exit 3"]);
        let (well, mut lines) = watch(&mut command).expect("sh starts");
        lines.sort();
        assert_eq!((well, lines), (false, vec!["one".to_owned(), "two".to_owned()]));
    }

    #[test]
    fn a_command_that_fails_says_what_it_complained_about() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo no such luck >&2; exit 1"]);
        let error = output(&mut command).expect_err("it fails");
        assert!(error.to_string().contains("no such luck"), "{error}");
    }
}
