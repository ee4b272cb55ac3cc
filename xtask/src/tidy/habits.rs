//! Habits in the code that a compiler would let pass.

use super::{Complaint, Source, numbered, rust};

/// What promises work instead of doing it. In halves, so that this file keeps its own rule.
const WISHES: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("todo", "!("),
    concat!("unimplemented", "!("),
    concat!("dbg", "!("),
    concat!("#[ign", "ore"),
    concat!("#[should_", "panic"),
];

/// Queues that grow for as long as somebody is slow.
const BOUNDLESS: &[&str] = &[concat!("unbounded", "_channel"), concat!("::unbounded", "(")];

pub(super) fn wishes(sources: &[Source]) -> Vec<Complaint> {
    let program = |path: &str| {
        [".rs", ".slint", ".py", ".sh", ".sql", ".toml"].iter().any(|end| path.ends_with(end))
    };
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| program(&source.path)) {
        for (number, line) in numbered(&source.text) {
            for wish in WISHES.iter().filter(|wish| line.contains(**wish)) {
                let what = format!("{wish} stands for work: do it, or write an issue");
                found.push(Complaint::new(source, number, what));
            }
        }
    }
    found
}

pub(super) fn reasons(sources: &[Source]) -> Vec<Complaint> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| rust(&source.path)) {
        for opening in [concat!("#[al", "low("), concat!("#![al", "low(")] {
            for (at, _) in source.text.match_indices(opening) {
                let rest = &source.text[at..];
                let attribute = rest.split(")]").next().unwrap_or(rest);
                if !attribute.contains("reason =") {
                    let line = source.text[..at].lines().count().max(1);
                    let what = "say #[expect(…, reason = \"…\")] instead";
                    found.push(Complaint::new(source, line, what));
                }
            }
        }
    }
    found
}

pub(super) fn bounds(sources: &[Source]) -> Vec<Complaint> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| rust(&source.path)) {
        for (number, line) in super::code(&source.text) {
            if BOUNDLESS.iter().any(|words| line.contains(words)) || without_bound(line) {
                let what = "give the queue a bound, and say what happens when it is full";
                found.push(Complaint::new(source, number, what));
            }
        }
    }
    found
}

/// The standard library's queue without a bound has the same name as the one of tokio that has
/// one: only the empty brackets tell.
fn without_bound(line: &str) -> bool {
    let Some((_, rest)) = line.split_once("mpsc::channel") else { return false };
    rest.starts_with("()") || rest.starts_with("::<") && rest.contains(">()")
}

#[cfg(test)]
mod tests {
    use super::super::complaints;
    use super::*;

    #[test]
    fn a_wish_is_not_work() {
        let wish = concat!("// TO", "DO: handle errors\n");
        assert_eq!(complaints(wishes, "a.rs", wish), 1);
        assert_eq!(complaints(wishes, "a.slint", wish), 1);
        assert_eq!(complaints(wishes, "a.rs", "// Errors end the session.\n"), 0);
    }

    #[test]
    fn a_test_that_never_runs_is_a_wish_too() {
        assert_eq!(complaints(wishes, "a.rs", concat!("#[ign", "ore]\nfn a() {}\n")), 1);
    }

    #[test]
    fn a_lint_is_silenced_only_with_a_reason() {
        assert_eq!(complaints(reasons, "a.rs", concat!("#[al", "low(dead_code)]\n")), 1);
        let given = concat!("#[al", "low(\n    dead_code,\n    reason = \"made by Slint\"\n)]\n");
        assert_eq!(complaints(reasons, "a.rs", given), 0);
    }

    #[test]
    fn a_queue_without_a_bound_is_named() {
        let boundless = |line: &str| complaints(bounds, "a.rs", &format!("{line}\n"));
        assert_eq!(boundless("let (a, b) = mpsc::channel();"), 1);
        assert_eq!(boundless("let (a, b) = mpsc::channel::<Job>();"), 1);
        assert_eq!(boundless("let (a, b) = mpsc::channel(64);"), 0);
        assert_eq!(boundless("let (a, b) = mpsc::channel::<()>(1);"), 0);
    }
}
