//! The content of a file on a stream of its own, in or out. What is slow here holds up nothing else: a stream
//! has a part of the window of its connection, and downloads go behind everything else that is to be sent.

use std::sync::Arc;
use std::time::Duration;

use quinn::SendStream;
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::FileId;
use thrive_protocol::version::close;
use thrive_protocol::{Code, NodeFrame, Refusal, Reply};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout, timeout_at};

use super::Shared;
use crate::bus::Committed;
use crate::files::PART;
use crate::service::Caller;
use crate::service::files::Upload;
use crate::transport::{Framed, ReadError, write_frames};

/// A request that turned out to be about the content of a file.
pub(super) struct Transfer {
    pub(super) re: u32,
    pub(super) way: Way,
    pub(super) frames: Framed,
    pub(super) send: SendStream,
}

#[derive(Clone, Copy)]
pub(super) enum Way {
    Up(FileId),
    Down(FileId, u64),
}

/// Turns of one connection, or of all the connections of an account.
#[derive(Clone)]
pub(crate) struct Turns {
    up: Arc<Semaphore>,
    down: Arc<Semaphore>,
}

impl Turns {
    pub(super) fn of_connection() -> Self {
        Self::each_way(OF_CONNECTION)
    }

    pub(crate) fn of_account() -> Self {
        Self::each_way(OF_ACCOUNT)
    }

    fn each_way(turns: usize) -> Self {
        Self { up: Arc::new(Semaphore::new(turns)), down: Arc::new(Semaphore::new(turns)) }
    }

    fn of(self, way: Way) -> Arc<Semaphore> {
        match way {
            Way::Up(_) => self.up,
            Way::Down(..) => self.down,
        }
    }
}

/// A stream that stands still holds up to 256 KiB of the 768 KiB that the connection may have under way each
/// way: with two of them, the control stream has as much left.
const OF_CONNECTION: usize = 2;
/// Two devices, or one that comes back while nobody knows yet that its former connection is dead. Nobody
/// can take all turns of a node by opening more connections.
const OF_ACCOUNT: usize = 4;
/// Behind news and answers.
const PRIORITY: i32 = -1;
/// When to ask again for one more.
pub(super) const PAUSE: Duration = Duration::from_secs(1);
/// When to ask again if all turns of the node are taken.
const CROWDED: Duration = Duration::from_secs(10);

/// How long one part may take, either way: whoever is slower gives up the turn, though a byte comes or goes
/// now and then.
struct Pace {
    each: Duration,
    bytes: usize,
    by: Instant,
}

impl Pace {
    fn begin(each: Duration, now: Instant) -> Self {
        Self { each, bytes: 0, by: now + each }
    }

    /// So many bytes have moved.
    fn moved(&mut self, bytes: usize, now: Instant) {
        self.bytes += bytes;
        if PART <= self.bytes {
            self.bytes %= PART;
            self.by = now + self.each;
        }
    }
}

/// Moves the bytes, unless the client has gone or stands still: what has arrived stays stored.
pub(super) async fn serve(
    shared: Shared,
    caller: Arc<Caller>,
    connection: Turns,
    account: Turns,
    transfer: Transfer,
) {
    let Transfer { re, way, mut frames, mut send } = transfer;
    let (connection, account) = (connection.of(way), account.of(way));
    // First of the connection, then of the account, then of the node. The client waits meanwhile and sends
    // nothing.
    let Ok(_of_connection) = connection.acquire().await else { return };
    let Ok(_of_account) = account.acquire().await else { return };
    // Those are few, and whoever has them may be slow: nobody waits for them without an answer.
    let of_node = timeout(shared.limits.file_turn, shared.transfers.acquire()).await;
    let Ok(Ok(_of_node)) = of_node else {
        let refusal = Refusal::after(Code::SlowDown, CROWDED);
        return end(&shared, &mut send, re, Err(refusal)).await;
    };
    match way {
        Way::Up(file) => up(&shared, &caller, file, re, &mut frames, &mut send).await,
        Way::Down(file, from) => down(&shared, &caller, file, from, re, &mut send).await,
    }
}

/// Tells the client to come back later.
pub(super) async fn refuse(shared: Shared, mut transfer: Transfer) {
    let refusal = Refusal::after(Code::SlowDown, PAUSE);
    end(&shared, &mut transfer.send, transfer.re, Err(refusal)).await;
}

async fn up(
    shared: &Shared,
    caller: &Caller,
    file: FileId,
    re: u32,
    frames: &mut Framed,
    send: &mut SendStream,
) {
    let mut upload = match shared.dispatch.upload(caller, file).await {
        Ok(upload) => upload,
        Err(refusal) => return end(shared, send, re, Err(refusal)).await,
    };
    let begun = NodeFrame::Reply { re, result: Ok(Reply::Upload { from: upload.at() }) };
    if write(shared, send, begun).await.is_err() {
        return;
    }
    let taken = match receive(shared, &mut upload, frames).await {
        Some(Ok(())) => shared.dispatch.finish_upload(&mut upload).await,
        Some(Err(refusal)) => Err(refusal),
        // Interrupted: the client comes back and goes on.
        None => return,
    };
    let result = match taken {
        Ok(entry) => {
            publish(shared, entry).await;
            Ok(Reply::Done {})
        }
        Err(refusal) => {
            if let Code::FileNotAsOffered | Code::FileTypeRefused = refusal.code {
                publish(shared, shared.dispatch.refuse_upload(upload).await).await;
            }
            Err(refusal)
        }
    };
    end(shared, send, re, result).await;
}

/// Until all has come. `None`: nothing more comes, or too slowly.
async fn receive(
    shared: &Shared,
    upload: &mut Upload,
    frames: &mut Framed,
) -> Option<Result<(), Refusal>> {
    let mut pace = Pace::begin(shared.limits.file_pace, Instant::now());
    loop {
        let by = pace.by.min(Instant::now() + shared.limits.stall);
        match timeout_at(by, frames.raw()).await {
            Ok(Ok(bytes)) => {
                pace.moved(bytes.len(), Instant::now());
                if let Err(refusal) = shared.dispatch.take(upload, bytes).await {
                    return Some(Err(refusal));
                }
            }
            Ok(Err(ReadError::End)) => return Some(Ok(())),
            Ok(Err(ReadError::Frame(_) | ReadError::Broken)) | Err(_) => return None,
        }
    }
}

async fn down(
    shared: &Shared,
    caller: &Caller,
    file: FileId,
    from: u64,
    re: u32,
    send: &mut SendStream,
) {
    // The stream may be gone, which the next writing tells.
    drop(send.set_priority(PRIORITY));
    let mut download = match shared.dispatch.download(caller, file, from).await {
        Ok(download) => download,
        Err(refusal) => return end(shared, send, re, Err(refusal)).await,
    };
    let begun = NodeFrame::Reply { re, result: Ok(Reply::Download { size: download.size() }) };
    if write(shared, send, begun).await.is_err() {
        return;
    }
    let mut pace = Pace::begin(shared.limits.file_pace, Instant::now());
    loop {
        match shared.dispatch.next_of(&mut download).await {
            Ok(Some(bytes)) => {
                let (size, mut frames) = (bytes.len(), vec![bytes]);
                let written = write_frames(send, &mut frames, shared.limits.stall);
                match timeout_at(pace.by, written).await {
                    Ok(Ok(())) => pace.moved(size, Instant::now()),
                    Ok(Err(_)) | Err(_) => return give_up(send),
                }
            }
            // Fails only when the client has stopped the stream.
            Ok(None) => return drop(send.finish()),
            Err(_) => return give_up(send),
        }
    }
}

async fn publish(shared: &Shared, entry: Option<Entry>) {
    if let Some(entry) = entry {
        shared.bus.publish_committed(vec![Committed { entry, origin: None }]).await;
    }
}

async fn end(shared: &Shared, send: &mut SendStream, re: u32, result: Result<Reply, Refusal>) {
    if write(shared, send, NodeFrame::Reply { re, result }).await.is_ok() {
        drop(send.finish());
    }
}

async fn write(shared: &Shared, send: &mut SendStream, frame: NodeFrame) -> Result<(), ()> {
    let written = write_frames(send, &mut vec![frame.encode()], shared.limits.stall).await;
    written.map_err(|_| give_up(send))
}

/// Without this, dropping the stream would end it like a whole answer.
fn give_up(send: &mut SendStream) {
    drop(send.reset(close::TOO_SLOW.into()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_has_its_time_and_a_byte_now_and_then_gives_none() {
        let (start, each) = (Instant::now(), Duration::from_secs(300));
        let mut pace = Pace::begin(each, start);
        let at = |seconds| start + Duration::from_secs(seconds);
        pace.moved(PART - 1, at(200));
        pace.moved(0, at(250));
        assert_eq!(pace.by, at(300));
        pace.moved(11, at(290));
        assert_eq!(pace.by, at(590));
        pace.moved(PART - 11, at(500));
        assert_eq!(pace.by, at(590));
        pace.moved(1, at(501));
        assert_eq!(pace.by, at(801));
    }
}
