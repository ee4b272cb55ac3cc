//! One program for each data folder. A second start wakes the first one, which brings its windows to the
//! front, and ends. Only the same user of the computer can do that.

use std::fs::{File, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::sync::mpsc::{self, Receiver};

#[cfg_attr(windows, path = "instance/pipe.rs")]
#[cfg_attr(not(windows), path = "instance/socket.rs")]
mod line;

/// What this start is.
#[derive(Debug)]
pub enum Start {
    /// Nobody else uses the folder.
    First(First),
    /// The first one was woken; there is nothing more to do.
    Woken,
}

/// Holds the folder for as long as it lives. The system takes the lock back however the program ends.
#[derive(Debug)]
pub struct First {
    _lock: Option<File>,
    /// Once for each start that was not the first.
    pub wakes: Receiver<()>,
}

/// # Errors
/// Another program uses the folder and does not answer.
pub fn start(dir: &Path, runtime: Option<&Path>) -> io::Result<Start> {
    let place = place(dir, runtime);
    let lock = File::options()
        .create(true)
        .write(true)
        .truncate(false)
        .open(dir.join("instance.lock"))
        .map_err(TryLockError::Error)
        .and_then(|file| file.try_lock().map(|()| file));
    let lock = match lock {
        Ok(file) => Some(file),
        Err(TryLockError::WouldBlock) => return wake(&place).map(|()| Start::Woken),
        Err(TryLockError::Error(error)) => {
            // Some file systems lock nothing; then two programs may use one folder, as before.
            tracing::warn!(%error, "The data folder cannot be locked");
            None
        }
    };
    // One who wakes is enough: the windows come to the front once.
    let (wake, wakes) = mpsc::channel(1);
    if lock.is_some() {
        let heard = move || {
            if wake.try_send(()).is_err() {
                tracing::debug!("The windows are being woken already");
            }
        };
        if let Err(error) = line::listen(&place, heard) {
            tracing::warn!(%error, "A second start will not find this one");
        }
    }
    Ok(Start::First(First { _lock: lock, wakes }))
}

/// The first one may have the folder and not listen yet.
fn wake(place: &Path) -> io::Result<()> {
    let mut result = Ok(());
    for _ in 0..TRIES {
        result = line::call(place);
        if result.is_ok() {
            break;
        }
        std::thread::sleep(BETWEEN);
    }
    result
}

/// Where the first one listens: in the folder of this user alone.
fn place(dir: &Path, runtime: Option<&Path>) -> PathBuf {
    let mut hasher = DefaultHasher::new();
    let whole = dir.canonicalize().unwrap_or_else(|_| dir.to_owned());
    whole.hash(&mut hasher);
    let folder = runtime.map_or_else(|| dir.join("instance"), |it| it.join("thrive-messenger"));
    folder.join(format!("{:016x}", hasher.finish()))
}

const TRIES: u32 = 30;
const BETWEEN: Duration = Duration::from_millis(100);
/// What is said, and what is answered.
const WAKE: &[u8] = b"wake";
const WOKEN: &[u8] = b"woke";

#[cfg(test)]
mod tests {
    use super::*;

    fn first(dir: &Path, runtime: Option<&Path>) -> First {
        match start(dir, runtime).unwrap() {
            Start::First(first) => first,
            Start::Woken => panic!("somebody else is there"),
        }
    }

    #[test]
    fn a_second_start_wakes_the_first_and_a_third_too() {
        let dir = tempfile::tempdir().unwrap();
        let runtime = tempfile::tempdir().unwrap();
        let mut running = first(dir.path(), Some(runtime.path()));
        for _ in 0..2 {
            assert!(matches!(start(dir.path(), Some(runtime.path())).unwrap(), Start::Woken));
            assert_eq!(running.wakes.blocking_recv(), Some(()));
        }
    }

    #[test]
    fn without_a_folder_of_the_system_the_data_folder_serves() {
        let dir = tempfile::tempdir().unwrap();
        let mut running = first(dir.path(), None);
        assert!(matches!(start(dir.path(), None).unwrap(), Start::Woken));
        assert_eq!(running.wakes.blocking_recv(), Some(()));
    }

    #[test]
    fn another_folder_is_another_program() {
        let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let runtime = tempfile::tempdir().unwrap();
        let _running = first(one.path(), Some(runtime.path()));
        let _beside = first(other.path(), Some(runtime.path()));
    }

    #[test]
    fn what_a_program_left_behind_that_was_killed_is_in_nobodys_way() {
        let dir = tempfile::tempdir().unwrap();
        let left = place(dir.path(), None);
        std::fs::create_dir_all(left.parent().unwrap()).unwrap();
        std::fs::write(&left, "").unwrap();
        std::fs::write(dir.path().join("instance.lock"), "").unwrap();
        let mut running = first(dir.path(), None);
        assert!(matches!(start(dir.path(), None).unwrap(), Start::Woken));
        assert_eq!(running.wakes.blocking_recv(), Some(()));
    }

    #[cfg(unix)]
    #[test]
    fn nobody_else_can_enter_the_folder_where_the_first_one_listens() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let _running = first(dir.path(), None);
        let folder = place(dir.path(), None).parent().unwrap().to_owned();
        let mode = std::fs::metadata(folder).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
