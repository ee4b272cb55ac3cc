//! Golden vectors are only ever added: they are what clients out there already speak.

use anyhow::Result;

use super::Complaint;
use crate::shell;

const FOLDER: &str = "protocol/tests/vectors";

/// Compares with the last commit, with the one before it, and with the newest release.
pub(super) fn check() -> Result<Vec<Complaint>> {
    let mut found = Vec::new();
    for base in bases() {
        let mut diff = shell::command("git");
        // Added files are fine; whatever else happened to one is not.
        diff.args([
            "diff",
            "--name-status",
            "--no-renames",
            "--diff-filter=a",
            &base,
            "--",
            FOLDER,
        ]);
        found.extend(judge(&shell::output(&mut diff)?, &base));
    }
    found.sort();
    found.dedup_by(|one, other| one.path == other.path);
    Ok(found)
}

/// What there is to compare with; a shallow clone has less.
fn bases() -> Vec<String> {
    let known = |name: &str| {
        let mut parse = shell::command("git");
        parse.args(["rev-parse", "--verify", "--quiet", &format!("{name}^{{commit}}")]);
        shell::output(&mut parse).is_ok()
    };
    let mut describe = shell::command("git");
    describe.args(["describe", "--tags", "--abbrev=0", "--match", "v*"]);
    let release = shell::output(&mut describe).ok().map(|name| name.trim().to_owned());
    let recent = ["HEAD", "HEAD~1"].map(str::to_owned);
    recent.into_iter().chain(release).filter(|name| known(name)).collect()
}

/// Reads lines of `M<tab>path`.
fn judge(differences: &str, base: &str) -> Vec<Complaint> {
    let changed = differences.lines().filter_map(|line| line.split_once('\t'));
    changed
        // The readable side explains; only the bytes are golden.
        .filter(|(_, path)| path.ends_with(".cbor"))
        .map(|(_, path)| {
            Complaint::about(path, format!("differs from {base}: bring the old bytes back"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_or_deleted_vector_is_named() {
        let differences = "M\tprotocol/tests/vectors/a.cbor\nD\tprotocol/tests/vectors/b.cbor\n";
        assert_eq!(judge(differences, "HEAD").len(), 2);
    }

    #[test]
    fn a_better_explanation_of_a_vector_is_welcome() {
        assert_eq!(judge("M\tprotocol/tests/vectors/a.txt\n", "HEAD"), []);
        assert_eq!(judge("", "HEAD"), []);
    }
}
