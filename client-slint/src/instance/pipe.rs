//! The line to the first program on Windows: a named pipe. The rights that Windows gives to a new pipe let
//! other users read from it and only its own user write into it.

use std::io::{self, Read, Write};
use std::path::Path;
use std::thread;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::windows::named_pipe::ServerOptions;

use super::{WAKE, WOKEN};

fn name(place: &Path) -> String {
    let last = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    format!(r"\\.\pipe\thrive-messenger-{last}")
}

/// Listens on a thread of its own until the program ends.
pub(super) fn listen(place: &Path, heard: impl Fn() + Send + 'static) -> io::Result<()> {
    let name = name(place);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    thread::Builder::new().name("instance".into()).spawn(move || {
        let served: io::Result<()> = runtime.block_on(async {
            let mut first = true;
            loop {
                let mut pipe = ServerOptions::new().first_pipe_instance(first).create(&name)?;
                first = false;
                pipe.connect().await?;
                let mut said = [0; WAKE.len()];
                let whole = pipe.read_exact(&mut said).await.is_ok();
                if whole && said == WAKE && pipe.write_all(WOKEN).await.is_ok() {
                    heard();
                }
            }
        });
        if let Err(error) = served {
            tracing::warn!(%error, "A second start will not find this one");
        }
    })?;
    Ok(())
}

/// Wakes whoever listens, and waits for the answer.
pub(super) fn call(place: &Path) -> io::Result<()> {
    let mut line = std::fs::OpenOptions::new().read(true).write(true).open(name(place))?;
    line.write_all(WAKE)?;
    let mut heard = [0; WOKEN.len()];
    line.read_exact(&mut heard)?;
    if heard == WOKEN { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}
