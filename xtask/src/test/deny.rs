//! Licences, sources and known weaknesses of what we depend on.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::shell;

/// What cargo-deny says when the list of known weaknesses cannot be fetched.
const UNREACHABLE: &[&str] = &["failed to fetch advisory database", "failed to load advisory"];

pub(super) fn check(program: Option<Result<PathBuf>>) -> Result<()> {
    let program = program.context("cargo-deny was not asked for")??;
    let mut rules = shell::command(&program);
    rules.args(["--all-features", "--locked", "check", "bans", "licenses", "sources"]);
    shell::run(&mut rules)?;

    let mut advisories = shell::command(&program);
    advisories.args(["--all-features", "--locked", "check", "advisories"]);
    let (well, lines) = shell::watch(&mut advisories)?;
    if well {
        return Ok(());
    }
    if cannot_be_reached(&lines) {
        println!(
            "  NOT CHECKED: the list of known weaknesses cannot be reached from this machine. \
             Licences, bans and sources were checked."
        );
        return Ok(());
    }
    bail!("a dependency has a known weakness, see above")
}

fn cannot_be_reached(lines: &[String]) -> bool {
    lines.iter().any(|line| UNREACHABLE.iter().any(|words| line.contains(words)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_list_that_cannot_be_had_is_forgiven() {
        let told = |line: &str| cannot_be_reached(&[line.to_owned()]);
        assert!(told("2026-01-01 00:00:00 [ERROR] failed to fetch advisory database https://…"));
        assert!(!told("error[vulnerability]: a buffer may overflow"));
    }
}
