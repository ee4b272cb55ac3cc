//! Reads what other nodes have written, where what they said was not heard whole.

use std::sync::Arc;
use std::time::Instant;

use thrive_protocol::ids::UserId;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Inner;
use crate::presence::{Online, Process, Snapshot, decode_status};
use crate::redis::{RedisError, cmd};

/// The field with the number of the last message that is in the others. It is no number of a person.
pub(super) const SEQ: &str = "#";

/// Until `stop`.
pub(super) async fn correct(inner: Arc<Inner>, online: Online, stop: CancellationToken) {
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = sleep(inner.periods.correct) => {}
        }
        for process in online.doubtful() {
            match read(&inner, process).await {
                Ok(Some(snapshot)) => drop(online.correct(process, snapshot, Instant::now())),
                // Not written yet, or not any more: then its lease goes, too.
                Ok(None) => {}
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(node = process.node, error, "Who is there cannot be read");
                    break;
                }
            }
        }
    }
}

async fn read(inner: &Inner, process: Process) -> Result<Option<Snapshot>, RedisError> {
    let mut read = cmd("HGETALL");
    read.arg(inner.presence_key(process));
    let fields: Vec<(String, Vec<u8>)> =
        inner.redis.query_within(&read, inner.periods.answer).await?;
    let (mut seq, mut snapshot) = (None, Snapshot::default());
    for (name, value) in fields {
        if name == SEQ {
            seq = std::str::from_utf8(&value).ok().and_then(|it| it.parse().ok());
        } else if let Ok(user) = name.parse()
            && let Some(status) = decode_status(&value)
        {
            snapshot.entries.insert(UserId(user), status);
        }
    }
    Ok(seq.map(|seq| Snapshot { seq, ..snapshot }))
}
