//! Documents: what they must name, and what they must not.

use super::{Complaint, Source, numbered};

/// The two commands that do everything for a newcomer.
const RUN: &str = "cargo xtask run";
const TEST: &str = "cargo xtask test";

/// Folders that exist on one machine only. In halves, so that this file keeps its own rule.
const MACHINES: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("/fa", "rm/"),
    concat!("/ro", "ot/"),
    concat!("/ho", "me/"),
    concat!("/Us", "ers/"),
    concat!("/tm", "p/"),
];

/// What every decision record says.
const PARTS: &[&str] = &["## Situation", "## Decision", "## Cost", "## When to think again"];

pub(super) fn machines(sources: &[Source]) -> Vec<Complaint> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path.ends_with(".md")) {
        for (number, line) in numbered(&source.text) {
            for folder in MACHINES.iter().filter(|folder| line.contains(**folder)) {
                let what = format!("{folder} means nothing on another machine");
                found.push(Complaint::new(source, number, what));
            }
        }
    }
    found
}

pub(super) fn commands(sources: &[Source]) -> Vec<Complaint> {
    let wanted = [("README.md", RUN), ("README.md", TEST), (".ci/run", TEST)];
    let mut found = Vec::new();
    for (path, command) in wanted {
        let named =
            sources.iter().any(|source| source.path == path && source.text.contains(command));
        if !named {
            found.push(Complaint::about(path, format!("must name `{command}`")));
        }
    }
    found
}

/// A pack is a folder of `sounds`; `sounds/README.md` names it in a line that names its licence.
pub(super) fn sounds(sources: &[Source]) -> Vec<Complaint> {
    let licensed = |pack: &str| {
        sources.iter().filter(|source| source.path == "sounds/README.md").any(|source| {
            let text = &source.text;
            text.contains(pack)
                && (text.contains("CC0") || text.contains("icence") || text.contains("icense"))
        })
    };
    let packs: std::collections::BTreeSet<_> = sources
        .iter()
        .filter_map(|source| source.path.strip_prefix("sounds/")?.split_once('/'))
        .map(|(pack, _)| pack)
        .collect();
    packs
        .into_iter()
        .filter(|pack| !licensed(pack))
        .map(|pack| Complaint::about("sounds/README.md", format!("must say the licence of {pack}")))
        .collect()
}

pub(super) fn decisions(sources: &[Source]) -> Vec<Complaint> {
    let mut found = Vec::new();
    for source in sources.iter().filter(|source| source.path.starts_with("docs/adr/")) {
        for part in PARTS.iter().filter(|part| !source.text.contains(**part)) {
            found.push(Complaint::new(source, 0, format!("has no part `{part}`")));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::{complaints, sample};
    use super::*;

    #[test]
    fn a_folder_of_one_machine_is_named() {
        assert_eq!(complaints(machines, "docs/A.md", concat!("see /wo", "rk/main\n")), 1);
        assert_eq!(complaints(machines, "docs/A.md", "see docs/B.md\n"), 0);
    }

    #[test]
    fn a_readme_that_forgets_a_command_is_named() {
        let ci = || sample(".ci/run", "exec cargo xtask test\n");
        let readme = sample("README.md", "`cargo xtask run` and `cargo xtask test`\n");
        assert_eq!(commands(&[ci(), readme]), []);
        let forgetful = sample("README.md", "`cargo xtask test`\n");
        assert_eq!(commands(&[ci(), forgetful]).len(), 1);
        assert_eq!(commands(&[]).len(), 3);
    }

    #[test]
    fn a_sound_pack_without_a_licence_is_named() {
        let pack = || sample("sounds/default/pack.toml", "");
        assert_eq!(sounds(&[pack()]).len(), 1);
        let readme = sample("sounds/README.md", "`default`: made by us, CC0.\n");
        assert_eq!(sounds(&[pack(), readme]), []);
    }

    #[test]
    fn a_decision_record_says_when_to_think_again() {
        let whole = format!("# 0001\n{}\n", PARTS.join("\n"));
        assert_eq!(complaints(decisions, "docs/adr/0001-a.md", &whole), 0);
        assert_eq!(complaints(decisions, "docs/adr/0001-a.md", "# 0001\n## Situation\n"), 3);
    }
}
