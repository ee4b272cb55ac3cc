//! `cargo xtask tidy`: the rules of the repository that no other tool knows.
//!
//! A rule is a pure function from sources to complaints, so that each is tested on sample text.

use std::fs;

use anyhow::{Context, Result};

use crate::{root, shell};

mod borders;
mod habits;
mod layers;
mod layout;
mod papers;
pub(crate) mod protocol;
mod vectors;

/// A file of the repository.
pub(crate) struct Source {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// What is wrong, where, and what to do.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Complaint {
    pub(crate) path: String,
    /// 0 when it is about the whole file.
    pub(crate) line: usize,
    pub(crate) what: String,
}

impl Complaint {
    fn new(source: &Source, line: usize, what: impl Into<String>) -> Self {
        Self { path: source.path.clone(), line, what: what.into() }
    }

    fn about(path: &str, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: 0, what: what.into() }
    }
}

type Rule = (&'static str, fn(&[Source]) -> Vec<Complaint>);

/// The rules that need nothing but the text of the files.
const RULES: &[Rule] = &[
    ("every Rust file begins by saying what it is for", layout::headers),
    ("no file is longer than 600 lines", layout::lengths),
    ("a module is named by its file", layout::no_mod_rs),
    ("no line ends in white space", layout::line_ends),
    ("nothing is left for later", habits::wishes),
    ("a lint is expected with a reason", habits::reasons),
    ("every queue has a bound", habits::bounds),
    ("only stores speak to the database", borders::database),
    ("only transports speak QUIC", borders::quic),
    ("only the desktop client knows Slint", borders::slint),
    ("decisions have no clock and do not wait", borders::purity),
    ("only config reads the environment", borders::environment),
    ("the protocol document was read against the code", protocol::hash_matches),
    ("no document names a folder of one machine", papers::machines),
    ("the two commands are named where people look", papers::commands),
    ("every sound pack has a licence", papers::sounds),
    ("every decision record is complete", papers::decisions),
];

/// Applies every rule and prints what breaks one. True when nothing does.
pub(crate) fn run() -> Result<bool> {
    let sources = sources()?;
    let mut clean = true;
    let mut heard = |name: &str, complaints: Vec<Complaint>| {
        if complaints.is_empty() {
            return;
        }
        clean = false;
        println!("  Broken: {name}");
        for Complaint { path, line, what } in complaints {
            match line {
                0 => println!("    {path}: {what}"),
                _ => println!("    {path}:{line}: {what}"),
            }
        }
    };
    for (name, rule) in RULES {
        heard(name, rule(&sources));
    }
    heard("each part depends only on what it may", layers::check()?);
    heard("a golden vector never changes", vectors::check()?);
    if clean {
        println!("  {} rules hold for {} files.", RULES.len() + 2, sources.len());
    }
    Ok(clean)
}

/// Every file that is in git or would be added.
fn sources() -> Result<Vec<Source>> {
    let listing = shell::output(shell::command("git").args([
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "-z",
    ]))
    .context("the list of files comes from git")?;
    let mut sources = Vec::new();
    for path in listing.split('\0').filter(|path| !path.is_empty()) {
        // A file that was just deleted is still listed.
        if let Ok(bytes) = fs::read(root().join(path)) {
            // One that is no text has a name, but no lines to judge.
            let text = String::from_utf8(bytes).unwrap_or_default();
            sources.push(Source { path: path.to_owned(), text });
        }
    }
    Ok(sources)
}

/// Lines with their number from 1.
fn numbered(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().map(|(index, line)| (index + 1, line))
}

/// The lines of a Rust file that run in the product: no comments, nothing after its unit tests
/// begin.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    numbered(text)
        .take_while(|(_, line)| line.trim() != "#[cfg(test)]")
        .map(|(number, line)| (number, line.split("//").next().unwrap_or_default()))
}

/// A Rust file of a shipped program or library, tests apart.
fn shipped(path: &str) -> bool {
    let parts = ["protocol/src/", "node/src/", "client/src/", "client-slint/src/", "router/src/"];
    parts.iter().any(|part| path.starts_with(part)) && rust(path) && !path.ends_with("/tests.rs")
}

fn rust(path: &str) -> bool {
    path.ends_with(".rs")
}

#[cfg(test)]
fn sample(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

/// How many complaints a rule has about one sample file.
#[cfg(test)]
fn complaints(rule: fn(&[Source]) -> Vec<Complaint>, path: &str, text: &str) -> usize {
    rule(&[sample(path, text)]).len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_what_runs_in_the_product() {
        let text = "//! Head.\nlet a = 1; // tokio\n#[cfg(test)]\nmod tests { use tokio; }\n";
        let lines: Vec<_> = code(text).collect();
        assert_eq!(lines, [(1, ""), (2, "let a = 1; ")]);
    }

    #[test]
    fn tests_are_not_shipped() {
        assert!(shipped("node/src/store/append.rs"));
        assert!(!shipped("node/src/store/tests.rs"));
        assert!(!shipped("node/tests/it/main.rs"));
        assert!(!shipped("testkit/src/lib.rs"));
    }
}
