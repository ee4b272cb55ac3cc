//! Ties docs/PROTOCOL.md to the sources of the protocol, so that one cannot change without
//! somebody reading the other.

use std::fs;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use super::{Complaint, Source};
use crate::root;

/// What makes up the wire, in this order.
const WIRE: &[&str] = &[
    "request",
    "reply",
    "event",
    "code",
    "frame",
    "codec",
    "message",
    "entry",
    "people",
    "ids",
    "limits",
    "preset",
    "directory",
    "file",
    "admin",
];

const DOCUMENT: &str = "docs/PROTOCOL.md";

/// How the document carries the hash.
const OPENING: &str = "<!-- protocol: ";
const CLOSING: &str = " -->";

pub(super) fn hash_matches(sources: &[Source]) -> Vec<Complaint> {
    let text = |path: &str| {
        sources.iter().find(|source| source.path == path).map(|source| source.text.as_str())
    };
    let Some(document) = text(DOCUMENT) else {
        return vec![Complaint::about(DOCUMENT, "is missing")];
    };
    let wire: Option<Vec<_>> = WIRE.iter().map(|name| text(&file(name))).collect();
    let Some(wire) = wire else {
        return vec![Complaint::about("protocol/src", "a file of the wire is missing: see WIRE")];
    };
    let now = hash(&wire);
    match carried(document) {
        Some(carried) if carried == now => vec![],
        _ => vec![Complaint::about(
            DOCUMENT,
            "the protocol's sources changed since this was read against them: bring it up to date, \
             then `cargo xtask protocol-hash --write`",
        )],
    }
}

/// Prints the hash, or writes it into the document.
pub(crate) fn hash_command(write: bool) -> Result<()> {
    let read = |path: String| {
        fs::read_to_string(root().join(&path)).with_context(|| format!("cannot read {path}"))
    };
    let wire = WIRE.iter().map(|name| read(file(name))).collect::<Result<Vec<_>>>()?;
    let now = hash(&wire.iter().map(String::as_str).collect::<Vec<_>>());
    if !write {
        println!("{now}");
        return Ok(());
    }
    let document = read(DOCUMENT.to_owned())?;
    let Some(old) = carried(&document) else {
        bail!("{DOCUMENT} has no line `{OPENING}HASH{CLOSING}`: put it second");
    };
    let (old, new) = (format!("{OPENING}{old}{CLOSING}"), format!("{OPENING}{now}{CLOSING}"));
    fs::write(root().join(DOCUMENT), document.replacen(&old, &new, 1))
        .with_context(|| format!("cannot write {DOCUMENT}"))?;
    println!("{DOCUMENT} now carries {now}.");
    Ok(())
}

fn file(name: &str) -> String {
    format!("protocol/src/{name}.rs")
}

/// Half a SHA-256: it guards against forgetting, not against an enemy.
fn hash(wire: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for text in wire {
        // The length keeps a text from flowing into the next one.
        hasher.update((text.len() as u64).to_be_bytes());
        hasher.update(text.as_bytes());
    }
    hasher.finalize().iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn carried(document: &str) -> Option<&str> {
    document.lines().find_map(|line| line.strip_prefix(OPENING)?.strip_suffix(CLOSING))
}

#[cfg(test)]
mod tests {
    use super::super::sample;
    use super::*;

    fn repository(document: &str) -> Vec<Source> {
        let mut sources: Vec<_> =
            WIRE.iter().map(|name| sample(&file(name), &format!("//! The {name}.\n"))).collect();
        sources.push(sample(DOCUMENT, document));
        sources
    }

    fn right() -> String {
        let texts: Vec<_> = WIRE.iter().map(|name| format!("//! The {name}.\n")).collect();
        hash(&texts.iter().map(String::as_str).collect::<Vec<_>>())
    }

    #[test]
    fn a_document_with_the_hash_of_the_sources_is_up_to_date() {
        let document = format!("# Protocol\n{OPENING}{}{CLOSING}\n", right());
        assert_eq!(hash_matches(&repository(&document)), []);
    }

    #[test]
    fn a_change_of_the_wire_asks_for_a_change_of_the_document() {
        let document = format!("# Protocol\n{OPENING}{}{CLOSING}\n", right());
        let mut sources = repository(&document);
        sources[0].text.push_str("pub struct New;\n");
        assert_eq!(hash_matches(&sources).len(), 1);
    }

    #[test]
    fn a_document_without_a_hash_is_not_up_to_date() {
        assert_eq!(hash_matches(&repository("# Protocol\n")).len(), 1);
    }

    #[test]
    fn text_that_moves_from_one_file_to_the_next_changes_the_hash() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
    }
}
