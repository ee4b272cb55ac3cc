//! Outbox → wire: its own task, so that a slow query never holds back news, nor a slow reader a query.

use std::time::Duration;

use quinn::SendStream;
use thrive_protocol::version::close;
use tokio::time::{sleep, timeout};

use super::outbox::{Outbox, Taken};
use crate::transport::{Peer, WriteError, write_frames};

/// Frames handed to the stream at once: enough to fill datagrams, little enough to stay fair.
const BATCH: usize = 64;
/// How long all that was queued before the end may take.
const DRAIN: Duration = Duration::from_secs(5);
/// How long the last bytes may take to be acknowledged.
const FLUSH: Duration = Duration::from_secs(1);

/// Writes until the outbox ends, the peer is gone, or nothing could be written for `stall`. The
/// connection is closed then. `catch_up` makes the frame that tells the client what it missed.
pub(super) async fn write(
    peer: &Peer,
    outbox: &Outbox,
    mut stream: SendStream,
    stall: Duration,
    catch_up: impl Fn() -> bytes::Bytes,
) {
    let drained = async {
        outbox.ended().await;
        sleep(DRAIN).await;
    };
    let code = tokio::select! {
        code = write_until_end(outbox, &mut stream, stall, catch_up) => code,
        () = drained => close::SLOW_READER,
    };
    outbox.end(code);
    peer.close(code);
}

/// Returns the code to close with.
async fn write_until_end(
    outbox: &Outbox,
    stream: &mut SendStream,
    stall: Duration,
    catch_up: impl Fn() -> bytes::Bytes,
) -> u32 {
    let mut frames = Vec::new();
    loop {
        match outbox.take(&mut frames, BATCH).await {
            Taken::Frames => {}
            Taken::Behind => frames.push(catch_up()),
            Taken::End(code) => {
                // What is written must arrive before the connection closes over it.
                drop(stream.finish());
                drop(timeout(FLUSH, stream.stopped()).await);
                return code;
            }
        }
        match write_frames(stream, &mut frames, stall).await {
            Ok(()) => {}
            Err(WriteError::Gone) => return close::DONE,
            Err(WriteError::Stalled) => {
                tracing::debug!("Client reads nothing any more; connection closed");
                return close::SLOW_READER;
            }
        }
        if BATCH < frames.capacity() {
            frames = Vec::new();
        }
    }
}
