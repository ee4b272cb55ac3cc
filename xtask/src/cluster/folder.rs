//! The folder of a cluster, which is that of one cluster at a time.

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

/// Locked for as long as a cluster runs on the folder; the system unlocks it when we are killed.
const LOCK: &str = "cluster.lock";
/// By which a folder is known as that of a cluster.
pub(crate) const SECRET: &str = "cluster.secret";

pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

impl Folder {
    /// Makes it if there is none; with `fresh`, forgets what is in it.
    pub(crate) fn open(path: PathBuf, fresh: bool) -> Result<Self> {
        if fresh && path.exists() {
            // Only what a cluster has put there, should the name be a slip.
            ensure!(
                path.join(SECRET).is_file(),
                "{} holds no cluster, so --fresh does not remove it",
                path.display()
            );
        }
        fs::create_dir_all(&path).with_context(|| format!("make {}", path.display()))?;
        let lock = lock(&path)?;
        if fresh {
            empty(&path).with_context(|| format!("empty {}", path.display()))?;
        }
        Ok(Self { path, _lock: lock })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

fn lock(path: &Path) -> Result<File> {
    let file = path.join(LOCK);
    let lock = File::options().write(true).create(true).truncate(false).open(&file);
    let lock = lock.with_context(|| format!("open {}", file.display()))?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            bail!("a cluster runs on {}; end it, or give --data another folder", path.display())
        }
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("lock {}", file.display()))
        }
    }
}

/// Removes everything but the lock, which is ours.
fn empty(path: &Path) -> Result<()> {
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        if entry.file_name() == LOCK {
            continue;
        }
        let removed = if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())
        } else {
            fs::remove_file(entry.path())
        };
        removed.with_context(|| format!("remove {}", entry.path().display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a cluster leaves.
    fn used() -> (tempfile::TempDir, PathBuf) {
        let outer = tempfile::tempdir().expect("a folder");
        let path = outer.path().join("cluster");
        fs::create_dir_all(path.join("node-1")).expect("it is ours");
        fs::write(path.join(SECRET), "secret").expect("it is ours");
        (outer, path)
    }

    #[test]
    fn the_data_of_a_cluster_that_runs_is_not_removed_nor_used_by_another_one() {
        let (_outer, path) = used();
        let running = Folder::open(path.clone(), false).expect("nobody has it");
        for fresh in [true, false] {
            let error = Folder::open(path.clone(), fresh).err().expect("it is in use");
            assert!(error.to_string().contains("a cluster runs on"), "{error}");
        }
        assert!(running.path().join(SECRET).exists() && path.join("node-1").exists());
    }

    #[test]
    fn the_data_of_a_cluster_that_ended_is_kept_or_with_fresh_forgotten() {
        let (_outer, path) = used();
        drop(Folder::open(path.clone(), false).expect("nobody has it"));
        assert!(path.join(SECRET).exists() && path.join("node-1").exists());
        drop(Folder::open(path.clone(), true).expect("nobody has it"));
        let left: Vec<_> = fs::read_dir(&path).expect("it is there").flatten().collect();
        assert_eq!(left.iter().map(fs::DirEntry::file_name).collect::<Vec<_>>(), [LOCK]);
    }

    #[test]
    fn a_folder_that_is_not_of_a_cluster_is_not_emptied() {
        let outer = tempfile::tempdir().expect("a folder");
        fs::write(outer.path().join("diary"), "dear").expect("it is ours");
        assert!(Folder::open(outer.path().to_owned(), true).is_err());
        let left = fs::read_dir(outer.path()).expect("it is there").count();
        assert_eq!(left, 1);
    }
}
