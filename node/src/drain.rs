//! `thrive-node drain`: asks the node on a data folder to hand its people over to others and to end, and
//! waits until it has.

use std::path::Path;
use std::time::{Duration, Instant};

use crate::data_dir::{DataDir, DataDirError};

#[derive(Debug, thiserror::Error)]
pub enum DrainError {
    #[error("no node is running on {0}")]
    NotRunning(String),
    #[error(transparent)]
    Folder(#[from] DataDirError),
    #[error("ask process {0} to stop")]
    Ask(u32, #[source] std::io::Error),
    #[error("process {0} still runs after {1:?}")]
    StillRunning(u32, Duration),
}

/// How often we look whether it is over.
const LOOK: Duration = Duration::from_millis(50);

/// Blocks until the node has ended.
///
/// # Errors
/// See [`DrainError`].
pub fn drain(folder: &Path, patience: Duration) -> Result<(), DrainError> {
    let gone = || DrainError::NotRunning(folder.display().to_string());
    let pid = DataDir::user(folder)?.ok_or_else(gone)?;
    ask(pid).map_err(|source| DrainError::Ask(pid, source))?;
    let deadline = Instant::now() + patience;
    while DataDir::user(folder)?.is_some() {
        if deadline < Instant::now() {
            return Err(DrainError::StillRunning(pid, patience));
        }
        std::thread::sleep(LOOK);
    }
    Ok(())
}

#[cfg(unix)]
fn ask(pid: u32) -> std::io::Result<()> {
    use rustix::process::{Pid, Signal, kill_process};

    let none = || std::io::Error::from(std::io::ErrorKind::NotFound);
    let process = i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(none)?;
    Ok(kill_process(process, Signal::TERM)?)
}

#[cfg(not(unix))]
fn ask(_: u32) -> std::io::Result<()> {
    // Windows has no such signal; a service is stopped by its service manager.
    Err(std::io::ErrorKind::Unsupported.into())
}
