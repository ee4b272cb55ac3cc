//! One bulk request on a stream of its own: one frame in, one frame out.

use std::sync::Arc;
use std::time::Duration;

use quinn::{RecvStream, SendStream};
use thrive_protocol::message::BadRequest;
use thrive_protocol::request::Stream;
use thrive_protocol::{ClientFrame, Code, NodeFrame, Refusal, Reply, limits};
use tokio::time::timeout;

use super::Shared;
use crate::service::Caller;
use crate::transport::Framed;

/// The request must be here by then.
const READ: Duration = Duration::from_secs(10);
/// The answer must be taken by then: a slow reader may hold no memory for longer.
const WRITE: Duration = Duration::from_secs(30);

/// Answers, unless the client has gone or is too slow: then the stream is reset by being dropped.
pub(super) async fn serve(
    shared: Shared,
    caller: Arc<Caller>,
    mut send: SendStream,
    receive: RecvStream,
) {
    let mut frames = Framed::new(receive);
    let Ok(Ok(body)) = timeout(READ, frames.next(limits::FRAME)).await else { return };
    let (re, result) = answer(&shared, &caller, &body).await;
    let frame = NodeFrame::Reply { re, result }.encode();
    let write = async {
        send.write_chunk(frame).await.ok()?;
        send.finish().ok()
    };
    drop(timeout(WRITE, write).await);
}

async fn answer(shared: &Shared, caller: &Caller, body: &[u8]) -> (u32, Result<Reply, Refusal>) {
    match ClientFrame::decode(body) {
        Ok(ClientFrame { id, rq }) => match rq.stream() {
            Stream::Bulk => (id, shared.dispatch.answer_bulk(caller, rq).await),
            Stream::Control => (id, Err(Code::WrongStream.into())),
        },
        Err(BadRequest::Unknown { id }) => (id, Err(Code::UnknownRequest.into())),
        Err(BadRequest::Malformed { id, .. }) => (id, Err(Code::BadRequest.into())),
        Err(BadRequest::Hopeless(_)) => (0, Err(Code::BadRequest.into())),
    }
}
