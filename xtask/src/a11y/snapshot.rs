//! The trees of the screens as they were last found good: `client-slint/tests/bus/<screen>.txt`.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use super::window::Window;

/// Compares screens with their files, or writes the files anew.
pub(super) struct Snapshots {
    bless: bool,
    folder: PathBuf,
}

impl Snapshots {
    pub(super) fn new(bless: bool) -> Self {
        Self { bless, folder: crate::root().join("client-slint").join("tests").join("bus") }
    }

    /// Compares the active window; what is not as before, in words.
    pub(super) fn complaint(
        &self,
        screen: &str,
        window: &mut Window<'_>,
    ) -> Result<Option<String>> {
        let seen = window.settled()?.lines();
        Ok(self.compare(screen, &seen)?.map(|difference| {
            format!(
                "{screen} does not read as before (after a wanted change: cargo xtask a11y \
                 --bless):\n{difference}"
            )
        }))
    }

    /// What differs, if anything.
    fn compare(&self, screen: &str, seen: &str) -> Result<Option<String>> {
        let file = self.folder.join(format!("{screen}.txt"));
        if self.bless {
            fs::create_dir_all(&self.folder).context("the folder of the snapshots")?;
            fs::write(&file, seen).with_context(|| format!("cannot write {}", file.display()))?;
            return Ok(None);
        }
        let Ok(kept) = fs::read_to_string(&file) else {
            return Ok(Some(format!("{} is missing", file.display())));
        };
        Ok(difference(&kept, seen))
    }
}

/// The lines that went (`-`) and came (`+`), in the order in which they stand.
fn difference(kept: &str, seen: &str) -> Option<String> {
    if kept == seen {
        return None;
    }
    let (kept, seen): (Vec<_>, Vec<_>) = (kept.lines().collect(), seen.lines().collect());
    let same = |(one, other): &(&&str, &&str)| one == other;
    let start = kept.iter().zip(&seen).take_while(same).count();
    let (old, new) = (&kept[start..], &seen[start..]);
    let end = old.iter().rev().zip(new.iter().rev()).take_while(same).count();
    let gone = old[..old.len() - end].iter().map(|line| format!("- {line}"));
    let come = new[..new.len() - end].iter().map(|line| format!("+ {line}"));
    Some(gone.chain(come).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_trees_do_not_differ() {
        assert_eq!(difference("a\nb\n", "a\nb\n"), None);
    }

    #[test]
    fn only_what_changed_is_shown() {
        let told = difference("a\nb\nc\n", "a\nx\ny\nc\n").expect("they differ");
        assert_eq!(told, "- b\n+ x\n+ y");
    }

    #[test]
    fn a_line_that_is_only_in_one_of_them_is_shown() {
        assert_eq!(difference("a\nb\n", "a\n").as_deref(), Some("- b"));
        assert_eq!(difference("a\n", "a\nb\n").as_deref(), Some("+ b"));
    }
}
