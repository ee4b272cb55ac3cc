//! The requests of one connection as they come in. While one of them takes its time, what comes behind it
//! is read ahead, and signs of life are answered at once: otherwise a client would take a node that waits
//! for its database for one that is dead.

use std::collections::VecDeque;
use std::pin::pin;

use bytes::Bytes;
use thrive_protocol::{ClientFrame, Request, limits};

use super::outbox::Outbox;
use crate::transport::{Framed, ReadError};

pub(super) struct Incoming {
    framed: Framed,
    /// Read before their turn; after an error, nothing more comes.
    ahead: VecDeque<Result<Bytes, ReadError>>,
}

/// Bytes that are read ahead, and one frame more: what a client has under way that waits for answers.
const AHEAD: usize = 64 * 1_024;

impl Incoming {
    pub(super) fn new(framed: Framed) -> Self {
        Self { framed, ahead: VecDeque::new() }
    }

    /// The next frame, once the client has read enough of the answers to the ones before. Cancel-safe.
    ///
    /// # Errors
    /// There are no more.
    pub(super) async fn next(&mut self, outbox: &Outbox) -> Result<Bytes, ReadError> {
        outbox.room().await;
        match self.ahead.pop_front() {
            Some(frame) => frame,
            None => self.framed.next(limits::FRAME).await,
        }
    }

    /// Waits for `work`. The numbers of heartbeats that come meanwhile go to `beat`.
    pub(super) async fn during<T>(
        &mut self,
        work: impl Future<Output = T>,
        outbox: &Outbox,
        mut beat: impl FnMut(u32),
    ) -> T {
        let mut work = pin!(work);
        loop {
            let takes = self.takes();
            let frame = async {
                outbox.room().await;
                self.framed.next(limits::FRAME).await
            };
            tokio::select! {
                biased;
                done = &mut work => return done,
                frame = frame, if takes => match heartbeat(&frame) {
                    Some(id) => beat(id),
                    None => self.ahead.push_back(frame),
                },
            }
        }
    }

    fn takes(&self) -> bool {
        let bytes: usize = self.ahead.iter().flatten().map(Bytes::len).sum();
        bytes < AHEAD && self.ahead.back().is_none_or(Result::is_ok)
    }
}

fn heartbeat(frame: &Result<Bytes, ReadError>) -> Option<u32> {
    match ClientFrame::decode(frame.as_ref().ok()?) {
        Ok(ClientFrame { id, rq: Request::Heartbeat {} }) => Some(id),
        Ok(_) | Err(_) => None,
    }
}
