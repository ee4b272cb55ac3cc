//! Puts a new version into the place of the one that runs. Each part of the program changes places by a
//! rename, the program itself as the last; what the package does not have, such as a `client.conf` or a sound
//! pack of one's own, stays.
//! The parts of the former version are kept in the folder `former`, and go back by hand or, when a step
//! fails, by themselves.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Refusal;

/// An empty folder on the same disk as the program.
///
/// # Errors
/// The folder of the program cannot be written to.
pub fn fresh(root: &Path) -> io::Result<PathBuf> {
    let fresh = root.join(FRESH);
    remove(&fresh)?;
    fs::create_dir(&fresh)?;
    Ok(fresh)
}

/// Puts everything in `fresh` into the folder of the program.
///
/// # Errors
/// The new version has no program in it, or something could not be renamed; then everything is back
/// where it was.
pub fn replace(root: &Path, fresh: &Path, program: &Path) -> Result<(), Refusal> {
    let name = program.file_name().unwrap_or_default();
    let mut parts = Vec::new();
    for entry in fs::read_dir(fresh)? {
        parts.push(entry?.file_name());
    }
    if !parts.iter().any(|it| it == name) || parts.iter().any(|it| it == FORMER || it == FRESH) {
        return Err(Refusal::Unsafe("the parts are not those of the program".into()));
    }
    parts.sort_by_key(|part| (part == name, part.clone()));
    keep_packs(&root.join(PACKS), &fresh.join(PACKS))?;

    let former = root.join(FORMER);
    remove(&former)?;
    fs::create_dir(&former)?;
    let mut done: Vec<&OsString> = Vec::new();
    for part in &parts {
        if let Err(error) = exchange(root, fresh, &former, part) {
            tracing::warn!(%error, ?part, "A part of the new version cannot take its place");
            done.iter().rev().for_each(|part| put_back(root, &former, part));
            return Err(error.into());
        }
        done.push(part);
    }
    if let Err(error) = remove(fresh) {
        tracing::debug!(%error, "An empty folder is not removed");
    }
    Ok(())
}

/// Sound packs that a person has put among those of the program go along with it. Copied, so that the former
/// version has them too.
fn keep_packs(here: &Path, new: &Path) -> io::Result<()> {
    // Without a folder of them in the package, the one here stays.
    if !here.is_dir() || !new.is_dir() {
        return Ok(());
    }
    for entry in fs::read_dir(here)? {
        let entry = entry?;
        let to = new.join(entry.file_name());
        if entry.path().is_dir() && !to.try_exists()? {
            copy(&entry.path(), &to)?;
        }
    }
    Ok(())
}

/// The files of a folder, and the folders in it. A link to a folder may lead around, and is left out.
fn copy(folder: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let (path, to) = (entry.path(), to.join(entry.file_name()));
        if entry.file_type()?.is_dir() {
            copy(&path, &to)?;
        } else if path.is_file() {
            fs::copy(&path, &to)?;
        }
    }
    Ok(())
}

/// One part goes, and its successor comes.
fn exchange(root: &Path, fresh: &Path, former: &Path, part: &OsString) -> io::Result<()> {
    let (here, new, kept) = (root.join(part), fresh.join(part), former.join(part));
    // Where the system allows it, there is no moment without the file.
    if cfg!(unix) && here.is_file() && fs::hard_link(&here, &kept).is_ok() {
        return fs::rename(&new, &here);
    }
    let there = here.try_exists()?;
    if there {
        // Windows lets nobody overwrite a program that runs, and everybody rename it.
        fs::rename(&here, &kept)?;
    }
    fs::rename(&new, &here).inspect_err(|_| {
        if there {
            put_back(root, former, part);
        }
    })
}

fn put_back(root: &Path, former: &Path, part: &OsString) {
    let (here, kept) = (root.join(part), former.join(part));
    let back = if here.is_dir() { fs::remove_dir_all(&here) } else { Ok(()) };
    let back = back.and_then(|()| match kept.try_exists()? {
        true => fs::rename(&kept, &here),
        // It is new in this version.
        false if here.is_file() => fs::remove_file(&here),
        false => Ok(()),
    });
    if let Err(error) = back {
        tracing::error!(%error, ?part, "A part of the former version does not come back");
    }
}

fn remove(folder: &Path) -> io::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

const FRESH: &str = ".update";
/// The sound packs beside the program.
const PACKS: &str = "sounds";
/// What was here before the last update.
pub const FORMER: &str = "former";

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fill(dir.path(), files);
        dir
    }

    fn fill(dir: &Path, files: &[(&str, &str)]) {
        for (name, text) in files {
            let path = dir.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
    }

    fn text(dir: &Path, name: &str) -> String {
        fs::read_to_string(dir.join(name)).unwrap_or_else(|_| "gone".into())
    }

    const OLD: &[(&str, &str)] =
        &[("thrive-messenger", "1"), ("sounds/a", "1"), ("client.conf", "mine")];

    #[test]
    fn the_new_version_takes_the_place_of_the_old_one_which_is_kept() {
        let root = folder(OLD);
        let root = root.path();
        for turn in ["2", "3"] {
            let fresh = fresh(root).unwrap();
            fill(&fresh, &[("thrive-messenger", turn), ("sounds/b", turn), ("KEYS.md", turn)]);
            replace(root, &fresh, &root.join("thrive-messenger")).unwrap();
            assert_eq!(text(root, "thrive-messenger"), turn);
            assert_eq!(
                (text(root, "sounds/b"), text(root, "sounds/a")),
                (turn.into(), "gone".into())
            );
            assert_eq!(text(root, "client.conf"), "mine");
            assert!(!root.join(FRESH).exists());
        }
        assert_eq!(text(root, "former/thrive-messenger"), "2");
        assert_eq!(text(root, "former/sounds/b"), "2");
    }

    #[test]
    fn sound_packs_of_ones_own_stay_where_they_are_and_those_of_the_package_are_renewed() {
        let root = folder(OLD);
        let root = root.path();
        fill(root, &[("sounds/marimba/receive.wav", "mine"), ("sounds/marimba/more/a", "mine")]);
        fill(root, &[("sounds/classic/receive.wav", "1"), ("sounds/classic/old.wav", "1")]);
        for turn in ["2", "3"] {
            let fresh = fresh(root).unwrap();
            fill(&fresh, &[("thrive-messenger", turn), ("sounds/classic/receive.wav", turn)]);
            replace(root, &fresh, &root.join("thrive-messenger")).unwrap();
            assert_eq!(text(root, "sounds/marimba/receive.wav"), "mine", "{turn}");
            assert_eq!(text(root, "sounds/marimba/more/a"), "mine");
            assert_eq!(text(root, "sounds/classic/receive.wav"), turn);
            assert_eq!(text(root, "sounds/classic/old.wav"), "gone");
            // Whoever goes back by hand has them too.
            assert_eq!(text(root, "former/sounds/marimba/receive.wav"), "mine");
        }
        let fresh = fresh(root).unwrap();
        fill(&fresh, &[("thrive-messenger", "4")]);
        replace(root, &fresh, &root.join("thrive-messenger")).unwrap();
        assert_eq!(text(root, "sounds/marimba/receive.wav"), "mine", "a package without any");
    }

    #[test]
    fn a_version_without_the_program_changes_nothing() {
        let root = folder(OLD);
        let root = root.path();
        let fresh = fresh(root).unwrap();
        fill(&fresh, &[("sounds/b", "2")]);
        assert!(replace(root, &fresh, &root.join("thrive-messenger")).is_err());
        assert_eq!(
            (text(root, "thrive-messenger"), text(root, "sounds/a")),
            ("1".into(), "1".into())
        );
    }

    #[test]
    fn a_step_that_fails_takes_all_before_it_back() {
        let root = folder(OLD);
        let root = root.path();
        let fresh = fresh(root).unwrap();
        fill(&fresh, &[("thrive-messenger", "2"), ("sounds/b", "2"), ("KEYS.md", "2")]);
        // The program cannot take the place of a folder that has something in it.
        fs::remove_file(root.join("thrive-messenger")).unwrap();
        fill(root, &[("thrive-messenger/in the way", "1")]);
        let former = root.join(FORMER);
        fs::create_dir(&former).unwrap();
        let parts = ["KEYS.md", "sounds"].map(OsString::from);
        for part in &parts {
            exchange(root, &fresh, &former, part).unwrap();
        }
        assert_eq!((text(root, "KEYS.md"), text(root, "sounds/b")), ("2".into(), "2".into()));
        parts.iter().rev().for_each(|part| put_back(root, &former, part));
        assert_eq!((text(root, "KEYS.md"), text(root, "sounds/a")), ("gone".into(), "1".into()));
        assert_eq!(text(root, "sounds/b"), "gone");
    }
}
