//! One bulk request on a stream of its own: one frame in, one frame out. A request about the content of a
//! file is handed on.

use std::sync::Arc;
use std::time::Duration;

use quinn::{RecvStream, SendStream};
use thrive_protocol::message::BadRequest;
use thrive_protocol::request::Stream;
use thrive_protocol::version::close;
use thrive_protocol::{ClientFrame, Code, NodeFrame, Refusal, Reply, Request, limits};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::Shared;
use super::transfer::{Transfer, Way};
use crate::service::Caller;
use crate::transport::{Framed, write_frames};

/// The request must be here by then.
const READ: Duration = Duration::from_secs(10);
/// The whole answer must be taken by then, also by a slow line: 1 MiB at 10 kB a second.
const WRITE: Duration = Duration::from_secs(105);

/// Answers, unless the client has gone or is too slow: then the stream is reset. Returns what it does not
/// answer itself.
pub(super) async fn serve(
    shared: Shared,
    caller: Arc<Caller>,
    turns: Arc<Semaphore>,
    mut send: SendStream,
    receive: RecvStream,
) -> Option<Transfer> {
    let mut frames = Framed::new(receive);
    let Ok(Ok(body)) = timeout(READ, frames.next(limits::FRAME)).await else {
        give_up(&mut send);
        return None;
    };
    if let Some((re, way)) = transfer_in(&body) {
        return Some(Transfer { re, way, frames, send });
    }
    // First of the account, then of the node: one account cannot take all turns of the others.
    let _of_account = turns.acquire().await.ok()?;
    let _of_node = shared.bulk.acquire().await.ok()?;
    let (re, result) = answer(&shared, &caller, &body).await;
    write(&shared, &mut send, NodeFrame::Reply { re, result }).await;
    None
}

fn transfer_in(body: &[u8]) -> Option<(u32, Way)> {
    match ClientFrame::decode(body).ok()? {
        ClientFrame { id, rq: Request::UploadFile { file } } => Some((id, Way::Up(file))),
        ClientFrame { id, rq: Request::DownloadFile { file, from } } => {
            Some((id, Way::Down(file, from)))
        }
        _ => None,
    }
}

/// Tells the client to come back later, without looking at what it asks.
pub(super) async fn refuse(
    shared: Shared,
    mut send: SendStream,
    refusal: Refusal,
) -> Option<Transfer> {
    write(&shared, &mut send, NodeFrame::Reply { re: 0, result: Err(refusal) }).await;
    None
}

async fn write(shared: &Shared, send: &mut SendStream, frame: NodeFrame) {
    let mut frames = vec![frame.encode()];
    let written = timeout(WRITE, write_frames(send, &mut frames, shared.limits.stall)).await;
    match written {
        // Fails only when the client has stopped the stream: it does not want the answer.
        Ok(Ok(())) => drop(send.finish()),
        Ok(Err(_)) | Err(_) => give_up(send),
    }
}

/// Without this, dropping the stream would end it like a whole answer.
fn give_up(send: &mut SendStream) {
    drop(send.reset(close::TOO_SLOW.into()));
}

async fn answer(shared: &Shared, caller: &Caller, body: &[u8]) -> (u32, Result<Reply, Refusal>) {
    match ClientFrame::decode(body) {
        Ok(ClientFrame { id, rq }) => match rq.stream() {
            Stream::Bulk => (id, shared.dispatch.answer_bulk(caller, rq).await),
            Stream::Control | Stream::Transfer => (id, Err(Code::WrongStream.into())),
        },
        Err(BadRequest::Unknown { id }) => (id, Err(Code::UnknownRequest.into())),
        Err(BadRequest::Malformed { id, .. }) => (id, Err(Code::BadRequest.into())),
        Err(BadRequest::Hopeless(_)) => (0, Err(Code::BadRequest.into())),
    }
}
