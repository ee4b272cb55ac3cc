//! How a file looks from outside: its head, its length, its name, its line ends.

use super::{Complaint, Source, numbered, rust};

/// A file beyond this is about more than one thing.
const WALL: usize = 600;

/// Kinds of file with a wall. Documents may be as long as they need.
const WALLED: &[&str] = &[".rs", ".slint", ".py", ".sh", ".sql"];

pub(super) fn headers(sources: &[Source]) -> Vec<Complaint> {
    let bare = sources.iter().filter(|source| rust(&source.path));
    bare.filter(|source| !source.text.starts_with("//! "))
        .map(|source| Complaint::new(source, 1, "begin with `//!` and say what the file is for"))
        .collect()
}

pub(super) fn lengths(sources: &[Source]) -> Vec<Complaint> {
    let walled = |path: &str| WALLED.iter().any(|ending| path.ends_with(ending));
    let mut long = Vec::new();
    for source in sources.iter().filter(|source| walled(&source.path)) {
        let lines = source.text.lines().count();
        if WALL < lines {
            long.push(Complaint::new(source, 0, format!("{lines} lines: split it by subject")));
        }
    }
    long
}

pub(super) fn no_mod_rs(sources: &[Source]) -> Vec<Complaint> {
    let named_mod = |path: &str| path.rsplit('/').next() == Some("mod.rs");
    sources
        .iter()
        .filter(|source| named_mod(&source.path))
        .map(|source| Complaint::new(source, 0, "call it `<folder>.rs`, beside its folder"))
        .collect()
}

pub(super) fn line_ends(sources: &[Source]) -> Vec<Complaint> {
    let mut found = Vec::new();
    for source in sources {
        // Texts of others stay as they came.
        if source.path == "Cargo.lock" || source.path.starts_with("LICENSE") {
            continue;
        }
        for (number, line) in numbered(&source.text) {
            if line.ends_with([' ', '\t', '\r']) {
                found.push(Complaint::new(source, number, "white space at the end of the line"));
            }
        }
        if !source.text.is_empty() && !source.text.ends_with('\n') {
            found.push(Complaint::new(source, 0, "the last line has no end"));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::complaints;
    use super::*;

    #[test]
    fn a_rust_file_without_a_head_is_named() {
        assert_eq!(complaints(headers, "a/src/b.rs", "use std::fs;\n"), 1);
        assert_eq!(complaints(headers, "a/src/b.rs", "//! About b.\n"), 0);
        assert_eq!(complaints(headers, "a/readme.md", "About b.\n"), 0);
    }

    #[test]
    fn the_wall_stands_behind_line_600() {
        assert_eq!(complaints(lengths, "a.rs", &"x\n".repeat(600)), 0);
        assert_eq!(complaints(lengths, "a.rs", &"x\n".repeat(601)), 1);
        assert_eq!(complaints(lengths, "a.slint", &"x\n".repeat(601)), 1);
        assert_eq!(complaints(lengths, "docs/PROTOCOL.md", &"x\n".repeat(2_000)), 0);
    }

    #[test]
    fn a_module_is_not_called_mod() {
        assert_eq!(complaints(no_mod_rs, "a/src/b/mod.rs", "//! B.\n"), 1);
        assert_eq!(complaints(no_mod_rs, "a/src/b.rs", "//! B.\n"), 0);
    }

    #[test]
    fn white_space_at_the_end_of_a_line_is_named() {
        assert_eq!(complaints(line_ends, "a.md", "one \ntwo\n"), 1);
        assert_eq!(complaints(line_ends, "a.md", "one\ntwo"), 1);
        assert_eq!(complaints(line_ends, "a.md", "one\ntwo\n"), 0);
    }
}
