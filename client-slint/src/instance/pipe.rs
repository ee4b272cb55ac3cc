//! The line to the first program on Windows: a named pipe. The rights that Windows gives to a new pipe let
//! other users read from it and only its own user write into it.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::windows::named_pipe::{ClientOptions, NamedPipeServer, ServerOptions};
use tokio::time::{sleep, timeout};

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
        runtime.block_on(async {
            let mut first = true;
            loop {
                match served(&name, &mut first).await {
                    Ok(()) => heard(),
                    Err(error) => {
                        tracing::debug!(%error, "A second start was not understood");
                        sleep(AFTER_A_FAILURE).await;
                    }
                }
            }
        });
    })?;
    Ok(())
}

/// Waits for one who wakes, and answers.
async fn served(name: &str, first: &mut bool) -> io::Result<()> {
    let mut pipe = ServerOptions::new().first_pipe_instance(*first).create(name)?;
    *first = false;
    pipe.connect().await?;
    timeout(PATIENCE, answer(&mut pipe)).await?
}

async fn answer(pipe: &mut NamedPipeServer) -> io::Result<()> {
    let mut said = [0; WAKE.len()];
    pipe.read_exact(&mut said).await?;
    if said != WAKE {
        return Err(io::ErrorKind::InvalidData.into());
    }
    pipe.write_all(WOKEN).await
}

/// Wakes whoever listens, and waits for the answer. Whoever it is learns who calls and cannot act in our name:
/// that is what `ClientOptions` says from the start.
pub(super) fn call(place: &Path) -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let calling = async {
        let mut line = ClientOptions::new().open(name(place))?;
        line.write_all(WAKE).await?;
        let mut heard = [0; WOKEN.len()];
        line.read_exact(&mut heard).await?;
        if heard == WOKEN { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
    };
    runtime.block_on(async { timeout(PATIENCE, calling).await? })
}

const AFTER_A_FAILURE: Duration = Duration::from_millis(100);
/// It is on the same computer.
const PATIENCE: Duration = Duration::from_secs(1);
