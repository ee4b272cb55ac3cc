//! Waiting for something to become true, with an end.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How long a test waits for what should happen at once: long, since it is never waited in full by a
/// test that passes, and machines that build at the same time are slow.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks again and again until there is an answer.
///
/// # Errors
/// There was none for [`PATIENCE`].
pub async fn eventually<T>(
    what: &str,
    mut ask: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        if deadline < Instant::now() {
            bail!("waited for {PATIENCE:?}, in vain, until {what}");
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
