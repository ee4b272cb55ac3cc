//! What the documents tell people to type must exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use thrive_protocol::admin::grammar;
use thrive_testkit::bin;

const PROGRAMS: [&str; 3] = ["thrive", "thrive-node", "thrive-router"];

/// Every page for people who use or run Thrive.
fn pages() -> Result<Vec<PathBuf>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?;
    let mut pages = vec![root.join("README.md")];
    for entry in std::fs::read_dir(root.join("docs"))? {
        let path = entry?.path();
        let name = path.file_name().and_then(|it| it.to_str()).unwrap_or_default();
        // What was is history, and what two programs say to each other is no command.
        if name.ends_with(".md") && !["CHANGELOG.md", "PROTOCOL.md"].contains(&name) {
            pages.push(path);
        }
    }
    Ok(pages)
}

/// Lines of blocks of code, and code within a line.
fn code(page: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut in_block = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
        } else if in_block {
            found.push(line.trim());
        } else {
            found.extend(line.split('`').skip(1).step_by(2));
        }
    }
    found
}

/// The words of one of our programs, up to where the shell or an explanation takes over.
fn words(line: &str) -> Option<(&'static str, Vec<String>)> {
    let line = line.strip_prefix("$ ").unwrap_or(line);
    let program = PROGRAMS.into_iter().find(|it| line.split(' ').next() == Some(it))?;
    let mut words: Vec<String> = vec![String::new()];
    let mut quoted = false;
    for letter in line.chars() {
        match letter {
            '"' => quoted = !quoted,
            '#' | '|' | '<' | '>' | '&' | ';' | '…' | '[' if !quoted => break,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut()?.push(letter),
        }
    }
    words.retain(|it| !it.is_empty());
    // Where the reader is to put a number.
    words
        .iter_mut()
        .filter(|it| ["ID", "NUMBER"].contains(&it.as_str()))
        .for_each(|it| *it = "7".into());
    words.remove(0);
    Some((program, words))
}

#[test]
fn weakness_29_every_command_that_the_documents_name_exists() -> Result<()> {
    let mut tried = 0;
    for path in pages()? {
        let page = std::fs::read_to_string(&path)?;
        for line in code(&page) {
            let Some((program, words)) = words(line) else { continue };
            // What a program prints, not what is typed.
            if words.first().is_some_and(|it| it == "ready") {
                continue;
            }
            tried += 1;
            if let ("thrive", [admin, order @ ..]) = (program, &words[..])
                && admin == "admin"
            {
                // What is left out is asked for.
                let word = order.first().map(|word| format!("/help {word}"));
                let read = word.is_none_or(|it| grammar::parse(&it).is_ok());
                ensure!(read, "{}: {line}", path.display());
                continue;
            }
            // Everything before it is read, and nothing is done.
            let mut command = Command::new(bin(program)?);
            let said = command.args(&words).arg("--help").output()?;
            ensure!(
                said.status.success(),
                "{}: {line}\n{}",
                path.display(),
                String::from_utf8_lossy(&said.stderr)
            );
        }
    }
    ensure!(40 < tried, "only {tried} commands were found");
    Ok(())
}

/// The names of all tests and functions in the sources.
fn functions(folder: &Path, found: &mut BTreeSet<String>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            if path.file_name().is_some_and(|it| it != "target" && it != ".git") {
                functions(&path, found)?;
            }
        } else if path.extension().is_some_and(|it| it == "rs") {
            let text = std::fs::read_to_string(&path)?;
            let after = text.split("fn ").skip(1).filter_map(|it| it.split(['(', '<']).next());
            found.extend(after.map(str::to_owned));
        }
    }
    Ok(())
}

#[test]
fn every_test_that_the_page_about_parity_names_exists_and_every_weakness_has_one() -> Result<()> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().context("the repository")?;
    let mut found = BTreeSet::new();
    functions(root, &mut found)?;
    let page = std::fs::read_to_string(root.join("docs/PARITY.md"))?;
    let named: Vec<_> = code(&page).into_iter().filter(|it| it.contains('_')).collect();
    for test in &named {
        ensure!(found.contains(*test), "{test} is no test");
    }
    for number in 1..=29 {
        let start = format!("weakness_{number:02}_");
        ensure!(named.iter().any(|it| it.starts_with(&start)), "{start} has no test on the page");
    }
    Ok(())
}
