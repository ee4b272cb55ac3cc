//! Outbox → wire: its own task, so that a slow query never holds back news, nor a slow reader a query.

use std::time::Duration;

use quinn::SendStream;
use thrive_protocol::version::close;
use tokio::time::timeout;

use super::outbox::{Outbox, Taken};
use crate::transport::Peer;

/// Frames handed to the stream at once: enough to fill datagrams, little enough to stay fair.
const BATCH: usize = 64;

/// Writes until the outbox ends, the peer is gone, or nothing could be written for `stall`.
/// `catch_up` makes the frame that tells the client what it missed.
pub(super) async fn write(
    peer: &Peer,
    outbox: &Outbox,
    mut stream: SendStream,
    stall: Duration,
    catch_up: impl Fn() -> bytes::Bytes,
) {
    let mut frames = Vec::new();
    loop {
        match outbox.take(&mut frames, BATCH).await {
            Taken::Frames => {}
            Taken::Behind => frames.push(catch_up()),
            Taken::End(code) => {
                // What is written must arrive before the connection closes over it.
                drop(stream.finish());
                drop(timeout(FLUSH, stream.stopped()).await);
                peer.close(code);
                return;
            }
        }
        match timeout(stall, stream.write_all_chunks(&mut frames)).await {
            Ok(Ok(())) => frames.clear(),
            Ok(Err(_)) => return outbox.end(close::DONE),
            Err(_) => {
                tracing::debug!("Client reads too slowly; connection closed");
                outbox.end(close::SLOW_READER);
                peer.close(close::SLOW_READER);
                return;
            }
        }
        if frames.capacity() > BATCH {
            frames = Vec::new();
        }
    }
}

/// How long the last frames may take to be acknowledged.
const FLUSH: Duration = Duration::from_secs(1);
