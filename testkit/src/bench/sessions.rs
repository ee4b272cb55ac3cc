//! How many people can come in within a second: by password, by token, and by a bare connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;
use thrive_protocol::secret::Secret;
use tokio::task::JoinSet;

use crate::dial::Dialer;
use crate::door::Door;

/// What one attempt does.
#[derive(Clone)]
pub enum Entrance {
    /// Handshake, hello, welcome.
    Connection,
    /// The same, and in by token.
    Token(Arc<[Secret]>),
    /// The same, and in by password; names of accounts with the usual password.
    Password(Arc<[String]>),
}

/// Histogram in microseconds.
pub struct Figures {
    pub entered: u64,
    pub took: Duration,
    pub times: Histogram<u64>,
}

/// Lets people come in for `time`, `at_once` at a time, each leaving at once.
///
/// # Errors
/// Somebody is not let in.
pub async fn measure(
    door: &Door,
    entrance: &Entrance,
    at_once: usize,
    time: Duration,
) -> Result<Figures> {
    let begun = Instant::now();
    let turn = Arc::new(AtomicU64::new(0));
    let mut running = JoinSet::new();
    for _ in 0..at_once {
        let (door, entrance, turn) = (door.by(Dialer::new()?), entrance.clone(), Arc::clone(&turn));
        running.spawn(async move {
            let mut times = Histogram::<u64>::new_with_bounds(1, 60_000_000, 3)?;
            while begun.elapsed() < time {
                let turn = turn.fetch_add(1, Ordering::Relaxed) as usize;
                let from = Instant::now();
                let client = match &entrance {
                    Entrance::Connection => door.guest().await?,
                    Entrance::Token(tokens) => door.resume(&tokens[turn % tokens.len()]).await?,
                    Entrance::Password(names) => door.log_in(&names[turn % names.len()]).await?,
                };
                times.record(u64::try_from(from.elapsed().as_micros())?)?;
                client.connection.close(0_u32.into(), b"");
            }
            Ok::<_, anyhow::Error>(times)
        });
    }
    let mut times = Histogram::new_with_bounds(1, 60_000_000, 3)?;
    while let Some(outcome) = running.join_next().await {
        times.add(&outcome??)?;
    }
    Ok(Figures { entered: times.len(), took: begun.elapsed(), times })
}
