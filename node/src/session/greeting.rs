//! Connected, not yet known. Only what anybody may ask is answered here, one request at a time, in
//! small frames, until a deadline; a login consumes this state.

use quinn::SendStream;
use thrive_protocol::message::BadRequest;
use thrive_protocol::version::{self, close};
use thrive_protocol::{ClientFrame, Code, NodeFrame, Refusal, Reply, Request, limits};
use tokio::time::{Instant, timeout_at};

use super::Shared;
use crate::dispatch::Login;
use crate::transport::{Framed, Peer, ReadError};

pub(super) struct Greeting<'a> {
    shared: &'a Shared,
    peer: &'a Peer,
    frames: Framed,
    stream: SendStream,
    /// Requests before login are few; more than this is a flood.
    left: u32,
}

/// Requests that one connection may make before it is logged in.
const REQUESTS: u32 = 32;

impl<'a> Greeting<'a> {
    pub(super) fn new(
        shared: &'a Shared,
        peer: &'a Peer,
        frames: Framed,
        stream: SendStream,
    ) -> Self {
        Self { shared, peer, frames, stream, left: REQUESTS }
    }

    /// Answers until somebody has logged in, by deadlines from `start` on; `None` when the connection ended before.
    pub(super) async fn until_login(
        mut self,
        start: Instant,
    ) -> Option<(Login, Framed, SendStream)> {
        let hello_by = start + self.shared.limits.hello;
        let login_by = start + self.shared.limits.login;
        self.hello(hello_by).await?;
        loop {
            let (id, request) = self.request(login_by).await?;
            let answer = Box::pin(self.shared.dispatch.greet(self.peer.address(), request));
            match answer.await {
                Ok((reply, login)) => {
                    self.answer(id, Ok(reply)).await?;
                    if let Some(login) = login {
                        return Some((login, self.frames, self.stream));
                    }
                }
                Err(refusal) => self.answer(id, Err(refusal)).await?,
            }
        }
    }

    async fn hello(&mut self, deadline: Instant) -> Option<()> {
        loop {
            let (id, request) = self.request(deadline).await?;
            match request {
                Request::Hello(hello) if hello.version == version::VERSION => {
                    let welcome = self.shared.dispatch.welcome();
                    return self.answer(id, Ok(Reply::Welcome(welcome))).await;
                }
                Request::Hello(_) => {
                    self.answer(id, Err(Code::VersionUnsupported.into())).await?;
                }
                _ => self.answer(id, Err(Code::HelloFirst.into())).await?,
            }
        }
    }

    /// The next request that can be read; what can only be refused is answered here.
    async fn request(&mut self, deadline: Instant) -> Option<(u32, Request)> {
        loop {
            let next = timeout_at(deadline, self.frames.next(limits::FRAME_BEFORE_LOGIN));
            let body = tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => return self.end(close::GOING_AWAY),
                body = next => body,
            };
            let body = match body {
                Ok(Ok(body)) => body,
                Ok(Err(ReadError::End)) => return self.end(close::DONE),
                Ok(Err(ReadError::Frame(_) | ReadError::Broken)) => {
                    return self.end(close::PROTOCOL);
                }
                Err(_) => return self.end(close::TOO_SLOW),
            };
            let Some(left) = self.left.checked_sub(1) else { return self.end(close::BUSY) };
            self.left = left;
            match ClientFrame::decode(&body) {
                Ok(ClientFrame { id, rq }) => return Some((id, rq)),
                Err(BadRequest::Unknown { id }) => {
                    self.answer(id, Err(Code::UnknownRequest.into())).await?;
                }
                Err(BadRequest::Malformed { id, .. }) => {
                    self.answer(id, Err(Code::BadRequest.into())).await?;
                }
                Err(BadRequest::Hopeless(_)) => return self.end(close::PROTOCOL),
            }
        }
    }

    async fn answer(&mut self, re: u32, result: Result<Reply, Refusal>) -> Option<()> {
        let frame = NodeFrame::Reply { re, result }.encode();
        let write = self.stream.write_chunk(frame);
        match tokio::time::timeout(self.shared.limits.stall, write).await {
            Ok(Ok(())) => Some(()),
            Ok(Err(_)) => None,
            Err(_) => self.end(close::SLOW_READER),
        }
    }

    fn end<T>(&self, code: u32) -> Option<T> {
        self.peer.close(code);
        None
    }
}
