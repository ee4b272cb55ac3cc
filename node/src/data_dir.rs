//! The folder that holds all that must survive: private to its owner, and of one node at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

/// The folder, locked until this is dropped.
#[derive(Debug)]
pub struct DataDir {
    path: PathBuf,
    /// The system gives the lock back when this is closed, also after a crash.
    _lock: File,
}

#[derive(Debug, thiserror::Error)]
pub enum DataDirError {
    #[error("{doing} {}", path.display())]
    Io { doing: &'static str, path: PathBuf, source: io::Error },
    #[error("another node{owner} is using the folder {}", path.display())]
    InUse { path: PathBuf, owner: String },
    #[error("{} is damaged: it has {len} bytes instead of {SECRET_LEN}", path.display())]
    DamagedSecret { path: PathBuf, len: usize },
}

impl DataDir {
    /// Makes the folder if it is not there, and takes it.
    ///
    /// # Errors
    /// See [`DataDirError`].
    pub fn open(path: &Path) -> Result<Self, DataDirError> {
        make_private_folder(path).map_err(failed("make the folder", path))?;
        warn_if_open_to_others(path);
        let lock_path = path.join(LOCK);
        let mut lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(&lock_path)
            .map_err(failed("open", &lock_path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let owner = owner_of(&mut lock);
                return Err(DataDirError::InUse { path: path.to_owned(), owner });
            }
            Err(TryLockError::Error(source)) => return Err(failed("lock", &lock_path)(source)),
        }
        // Only for the message above; the lock itself is what counts.
        let note = lock.set_len(0).and_then(|()| writeln!(lock, "{}", std::process::id()));
        note.map_err(failed("write", &lock_path))?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// The process that uses the folder now, if one does.
    ///
    /// # Errors
    /// There is no such folder, or it cannot be looked into.
    pub fn user(path: &Path) -> Result<Option<u32>, DataDirError> {
        let lock_path = path.join(LOCK);
        let mut lock = File::open(&lock_path).map_err(failed("open", &lock_path))?;
        match lock.try_lock_shared() {
            Ok(()) => Ok(None),
            Err(TryLockError::WouldBlock) => Ok(pid_of(&mut lock)),
            Err(TryLockError::Error(source)) => Err(failed("lock", &lock_path)(source)),
        }
    }

    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the database.
    #[must_use]
    pub fn database(&self) -> PathBuf {
        Self::database_in(&self.path)
    }

    /// The file of the database of a folder that is not open.
    #[must_use]
    pub fn database_in(folder: &Path) -> PathBuf {
        folder.join(DATABASE)
    }

    /// What keys of the node are derived from. Made once; never leaves the folder.
    ///
    /// # Errors
    /// It cannot be read or written, or was damaged.
    pub fn secret(&self) -> Result<[u8; SECRET_LEN], DataDirError> {
        let path = self.path.join(SECRET);
        match fs::read(&path) {
            Ok(bytes) => bytes.as_slice().try_into().map_err(|_| {
                // Not made anew in silence: whatever was derived from it would change.
                DataDirError::DamagedSecret { path, len: bytes.len() }
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let mut secret = [0; SECRET_LEN];
                getrandom::fill(&mut secret)
                    .map_err(io::Error::from)
                    .map_err(failed("get random bytes for", &path))?;
                write_private(&path, &secret).map_err(failed("write", &path))?;
                Ok(secret)
            }
            Err(error) => Err(failed("read", &path)(error)),
        }
    }
}

/// Writes a file that only its owner can read: whole or not at all, also when the power fails.
///
/// # Errors
/// The system refuses a step; the file is as it was before.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(".new");
    let draft = PathBuf::from(draft);
    // Left over from a start that was cut off; its permissions are not known.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    fs::rename(&draft, path)?;
    // The new name itself must reach the disk. Only Unix can do that through the folder.
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

const LOCK: &str = "node.lock";
const DATABASE: &str = "thrive.db";
const SECRET: &str = "node.secret";
const SECRET_LEN: usize = 32;

fn failed(doing: &'static str, path: &Path) -> impl FnOnce(io::Error) -> DataDirError {
    let path = path.to_owned();
    move |source| DataDirError::Io { doing, path, source }
}

fn make_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(unix)]
fn warn_if_open_to_others(path: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = fs::metadata(path).map_or(0, |it| it.permissions().mode());
    if mode & 0o077 != 0 {
        let path = path.display();
        tracing::warn!(%path, "Other accounts of this machine can look into the data folder");
    }
}

#[cfg(not(unix))]
fn warn_if_open_to_others(_path: &Path) {}

/// For the message; where the system does not let us read a locked file, it is shorter.
fn owner_of(lock: &mut File) -> String {
    pid_of(lock).map_or_else(String::new, |pid| format!(" (process {pid})"))
}

fn pid_of(lock: &mut File) -> Option<u32> {
    let mut pid = String::new();
    lock.rewind().and_then(|()| lock.take(20).read_to_string(&mut pid)).ok()?;
    pid.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    fn mode(path: &Path) -> u32 {
        use std::os::unix::fs::PermissionsExt as _;
        fs::metadata(path).unwrap().permissions().mode() & 0o777
    }

    #[test]
    #[cfg(unix)]
    fn the_folder_and_its_secrets_are_private() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(&folder.path().join("deep/data")).unwrap();
        data.secret().unwrap();
        assert_eq!(mode(data.path()), 0o700);
        assert_eq!(mode(&data.path().join(SECRET)), 0o600);
    }

    #[test]
    fn a_second_node_on_the_same_folder_is_refused_until_the_first_has_ended() {
        let folder = tempfile::tempdir().unwrap();
        let first = DataDir::open(folder.path()).unwrap();
        let refused = DataDir::open(folder.path()).unwrap_err();
        assert!(matches!(refused, DataDirError::InUse { .. }));
        let message = refused.to_string();
        assert!(message.contains("another node") && message.contains("is using the folder"));
        #[cfg(unix)]
        assert!(message.contains(&std::process::id().to_string()), "{message}");
        drop(first);
        DataDir::open(folder.path()).unwrap();
    }

    #[test]
    fn who_uses_a_folder_can_be_asked_and_nobody_does_in_the_end() {
        let folder = tempfile::tempdir().unwrap();
        assert!(DataDir::user(folder.path()).is_err());
        let data = DataDir::open(folder.path()).unwrap();
        #[cfg(unix)]
        assert_eq!(DataDir::user(folder.path()).unwrap(), Some(std::process::id()));
        drop(data);
        assert_eq!(DataDir::user(folder.path()).unwrap(), None);
    }

    #[test]
    fn the_secret_is_made_once_and_a_damaged_one_is_not_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let data = DataDir::open(folder.path()).unwrap();
        let secret = data.secret().unwrap();
        assert_ne!(secret, [0; SECRET_LEN]);
        assert_eq!(secret, data.secret().unwrap());
        fs::write(folder.path().join(SECRET), b"short").unwrap();
        assert!(matches!(data.secret(), Err(DataDirError::DamagedSecret { len: 5, .. })));
        assert_eq!(fs::read(folder.path().join(SECRET)).unwrap(), b"short");
    }

    #[test]
    fn a_file_is_replaced_whole_and_leaves_no_draft() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(folder.path().join("file.new"), b"left over").unwrap();
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, b"").unwrap();
        let error = DataDir::open(&file.join("data")).unwrap_err();
        assert!(error.to_string().starts_with("make the folder"), "{error}");
    }
}
