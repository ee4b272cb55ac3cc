//! The content of a file on a stream of its own, in or out. What is slow here holds up nothing else: a stream
//! has a part of the window of its connection, and downloads go behind everything else that is to be sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::SendStream;
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::FileId;
use thrive_protocol::version::close;
use thrive_protocol::{Code, NodeFrame, Refusal, Reply};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Shared;
use crate::bus::Committed;
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
/// For one part of an upload: whoever is slower (3.5 KB a second) gives up the turn. A part is never
/// waited for in vain for ever, though a byte comes now and then.
const PACE: Duration = Duration::from_secs(300);
/// Behind news and answers.
const PRIORITY: i32 = -1;
/// When to ask again for one more.
pub(super) const PAUSE: Duration = Duration::from_secs(1);

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
    let Ok(_of_node) = shared.transfers.acquire().await else { return };
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
    let (mut at, mut since) = (upload.at(), Instant::now());
    loop {
        match timeout(shared.limits.stall, frames.raw()).await {
            Ok(Ok(bytes)) => {
                if let Err(refusal) = shared.dispatch.take(upload, bytes).await {
                    return Some(Err(refusal));
                }
                if at != upload.at() {
                    (at, since) = (upload.at(), Instant::now());
                } else if PACE < since.elapsed() {
                    return None;
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
    loop {
        match shared.dispatch.next_of(&mut download).await {
            Ok(Some(bytes)) => {
                if write_frames(send, &mut vec![bytes], shared.limits.stall).await.is_err() {
                    return give_up(send);
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
