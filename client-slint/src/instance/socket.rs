//! The line to the first program: a socket in a folder that only its user can enter.

use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::Duration;
use std::{fs, thread};

use super::{WAKE, WOKEN};

/// Listens on a thread of its own until the program ends.
pub(super) fn listen(place: &Path, heard: impl Fn() + Send + 'static) -> io::Result<()> {
    if let Some(folder) = place.parent() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        // It may have been there, with other rights.
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    }
    // Whoever has the lock of the data folder is alone: what lies here is of one that has ended.
    match fs::remove_file(place) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(place)?;
    thread::Builder::new().name("instance".into()).spawn(move || {
        for caller in listener.incoming() {
            match caller.and_then(answer) {
                Ok(()) => heard(),
                Err(error) => {
                    tracing::debug!(%error, "A second start was not understood");
                    // Where no more files can be opened, the next one fails at once.
                    thread::sleep(AFTER_A_FAILURE);
                }
            }
        }
    })?;
    Ok(())
}

fn answer(mut caller: UnixStream) -> io::Result<()> {
    caller.set_read_timeout(Some(PATIENCE))?;
    caller.set_write_timeout(Some(PATIENCE))?;
    let mut said = [0; WAKE.len()];
    caller.read_exact(&mut said)?;
    if said != WAKE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    caller.write_all(WOKEN)
}

/// Wakes whoever listens, and waits for the answer.
pub(super) fn call(place: &Path) -> io::Result<()> {
    let mut line = UnixStream::connect(place)?;
    line.set_read_timeout(Some(PATIENCE))?;
    line.write_all(WAKE)?;
    let mut heard = [0; WOKEN.len()];
    line.read_exact(&mut heard)?;
    if heard == WOKEN { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

const AFTER_A_FAILURE: Duration = Duration::from_millis(100);
/// It is on the same computer.
const PATIENCE: Duration = Duration::from_secs(1);
