//! Who has written what our programs are made of, and under which licences: each text once, with the
//! names of all that it belongs to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::stock::{Item, entries};
use crate::shell;

/// How the file with a licence begins.
const FILES: &[&str] = &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// `THIRD-PARTY.txt` for what is linked into a program.
pub(super) fn items(package: &str, target: &str) -> Result<Option<Item>> {
    let text = write(&linked(package, target)?, &places()?)?;
    Ok(Some(Item::new("THIRD-PARTY.txt", text)))
}

/// Name and version of each crate, with its licence.
fn linked(package: &str, target: &str) -> Result<BTreeMap<(String, String), String>> {
    let text = shell::output(&mut shell::cargo(&[
        "tree",
        "--locked",
        "--package",
        package,
        "--target",
        target,
        "--edges",
        "normal",
        "--prefix",
        "none",
        "--format",
        "{p}|{l}",
    ]))?;
    Ok(read(&text))
}

/// Reads lines of `name v1.2.3 (proc-macro)|MIT`. What has a path is ours.
fn read(text: &str) -> BTreeMap<(String, String), String> {
    let mut crates = BTreeMap::new();
    for line in text.lines().filter(|line| !line.contains("(/")) {
        let Some((package, licence)) = line.split_once('|') else { continue };
        let mut words = package.split(' ');
        if let (Some(name), Some(version)) = (words.next(), words.next()) {
            let version = version.trim_start_matches('v').to_owned();
            let licence = licence.trim_end_matches("(*)").trim().to_owned();
            crates.insert((name.to_owned(), version), licence);
        }
    }
    crates
}

/// Where the sources of each crate lie.
fn places() -> Result<BTreeMap<(String, String), PathBuf>> {
    let text = shell::output(&mut shell::cargo(&["metadata", "--format-version=1", "--locked"]))?;
    let metadata: Value = serde_json::from_str(&text).context("cargo writes JSON")?;
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let packages = metadata["packages"].as_array().cloned().unwrap_or_default();
    let place = |it: &Value| {
        let folder = Path::new(it["manifest_path"].as_str()?).parent()?.to_owned();
        Some(((word(&it["name"]), word(&it["version"])), folder))
    };
    Ok(packages.iter().filter_map(place).collect())
}

fn write(
    crates: &BTreeMap<(String, String), String>,
    places: &BTreeMap<(String, String), PathBuf>,
) -> Result<String> {
    let mut text = format!(
        "This program contains the work of {} other projects. Their licences are named here, and the texts that\n\
         came with them follow.\n\n",
        crates.len()
    );
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (named, licence) in crates {
        let (name, version) = named;
        text.push_str(&format!("{name} {version}: {licence}\n"));
        let Some(place) = places.get(named) else { continue };
        for file in entries(place)? {
            let title = file.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
            if file.is_file()
                && FILES.iter().any(|start| title.starts_with(start))
                && let Ok(licence) = fs::read_to_string(&file)
            {
                let licence = licence.replace("\r\n", "\n").trim().to_owned();
                texts.entry(licence).or_default().insert(format!("{name} {version}"));
            }
        }
    }
    for (licence, names) in texts {
        let names: Vec<_> = names.into_iter().collect();
        text.push_str(&format!("\n\n{}\n{}\n\n{licence}\n", "=".repeat(100), names.join(", ")));
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_crates_are_not_the_work_of_others() {
        let text = "thrive-slint v0.1.0 (/a/client-slint)|MIT OR Apache-2.0\nserde v1.0.0|MIT\n\
                    serde_derive v1.0.0 (proc-macro)|MIT (*)\n\nserde v1.0.0|MIT (*)\n";
        let crates = read(text);
        assert_eq!(crates.len(), 2);
        assert_eq!(crates[&("serde_derive".to_owned(), "1.0.0".to_owned())], "MIT");
    }
}
