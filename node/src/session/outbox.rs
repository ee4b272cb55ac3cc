//! What waits to be written to one client. Bounded in bytes; pushing never waits.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use thrive_protocol::ids::{ClientMsgId, ConversationId};
use tokio::sync::Notify;

use crate::faults::{self, Bug};

/// The queueing end. Cheap to clone; any task may hold one.
#[derive(Clone)]
pub struct Outbox {
    shared: Arc<Shared>,
}

struct Shared {
    /// Guards the queue for a few lines at a time; never held over an await.
    queue: Mutex<Queue>,
    /// Something to write, or the end.
    filled: Notify,
    /// Under the limit again after having been over it.
    room: Notify,
    /// The end was set.
    ending: Notify,
    limit: usize,
}

#[derive(Default)]
struct Queue {
    frames: VecDeque<Bytes>,
    bytes: usize,
    behind: bool,
    end: Option<u32>,
    /// Messages of this connection that could not be stored; see [`Outbox::failed`].
    failed: Vec<(ConversationId, ClientMsgId)>,
}

/// What became of a push.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Pushed {
    Queued,
    /// The reader is too slow: dropped, and the connection is marked behind. It hears of it once
    /// it is writable again.
    Dropped,
    /// The connection is ending.
    Ended,
}

/// What the writer takes out.
#[derive(Debug)]
pub enum Taken {
    /// Write these, in order.
    Frames,
    /// Everything is written, and pushes were dropped meanwhile: say so.
    Behind,
    /// Everything is written; close the connection with this code.
    End(u32),
}

impl Outbox {
    #[must_use]
    pub fn bounded(limit: usize) -> Self {
        Self {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                filled: Notify::new(),
                room: Notify::new(),
                ending: Notify::new(),
                limit,
            }),
        }
    }

    /// Queues news. Never waits: a slow reader must not slow a sender.
    pub fn push(&self, frame: Bytes) -> Pushed {
        let mut queue = self.shared.queue.lock();
        if queue.end.is_some() {
            return Pushed::Ended;
        }
        if self.shared.limit < queue.bytes + cost(&frame) && !faults::bug(Bug::OutboxUnbounded) {
            queue.behind = true;
            return Pushed::Dropped;
        }
        queue.add(frame);
        drop(queue);
        self.shared.filled.notify_one();
        Pushed::Queued
    }

    /// Queues the answer to a request. It is always taken: their number is bounded by [`Self::room`],
    /// which the reader of requests waits for.
    pub fn answer(&self, frame: Bytes) {
        self.shared.queue.lock().add(frame);
        self.shared.filled.notify_one();
    }

    /// Waits until the client has read enough that another request may be answered.
    pub async fn room(&self) {
        loop {
            let room = self.shared.room.notified();
            {
                let queue = self.shared.queue.lock();
                if queue.bytes < self.shared.limit || queue.end.is_some() {
                    return;
                }
            }
            room.await;
        }
    }

    /// Nothing more is queued; after what is queued the connection is closed with `code`.
    pub fn end(&self, code: u32) {
        self.shared.queue.lock().end.get_or_insert(code);
        self.shared.filled.notify_one();
        self.shared.room.notify_waiters();
        self.shared.ending.notify_waiters();
    }

    /// Waits for the end; returns its code.
    pub async fn ended(&self) -> u32 {
        loop {
            let ending = self.shared.ending.notified();
            if let Some(code) = self.shared.queue.lock().end {
                return code;
            }
            ending.await;
        }
    }

    #[must_use]
    pub fn is_ended(&self) -> bool {
        self.shared.queue.lock().end.is_some()
    }

    /// A message of this connection could not be stored: what follows it in its conversation must not
    /// overtake it.
    pub fn fail(&self, conversation: ConversationId, id: ClientMsgId) {
        let failed = &mut self.shared.queue.lock().failed;
        if failed.len() < FAILED {
            failed.push((conversation, id));
        }
    }

    /// Messages that failed since this was asked last, in the order in which they were sent.
    #[must_use]
    pub fn failed(&self) -> Vec<(ConversationId, ClientMsgId)> {
        std::mem::take(&mut self.shared.queue.lock().failed)
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.shared.queue.lock().frames.is_empty()
    }

    /// Whether both are the same connection.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.shared, &other.shared)
    }

    /// Moves up to `max` frames into `frames`, waiting for the first. For the one writer only.
    pub(crate) async fn take(&self, frames: &mut Vec<Bytes>, max: usize) -> Taken {
        loop {
            if let Some(taken) = self.take_now(frames, max) {
                return taken;
            }
            self.shared.filled.notified().await;
        }
    }

    /// The same without waiting: `None` when there is nothing to write.
    pub fn take_now(&self, frames: &mut Vec<Bytes>, max: usize) -> Option<Taken> {
        let mut queue = self.shared.queue.lock();
        if !queue.frames.is_empty() {
            let was_full = self.shared.limit <= queue.bytes;
            let count = queue.frames.len().min(max);
            frames.extend(queue.frames.drain(..count));
            queue.bytes -= frames.iter().map(cost).sum::<usize>();
            if queue.frames.is_empty() {
                // An idle connection keeps no buffer from a busy moment.
                queue.frames = VecDeque::new();
            }
            if was_full && queue.bytes < self.shared.limit {
                self.shared.room.notify_waiters();
            }
            return Some(Taken::Frames);
        }
        if std::mem::take(&mut queue.behind) {
            return Some(Taken::Behind);
        }
        queue.end.map(Taken::End)
    }
}

impl Queue {
    fn add(&mut self, frame: Bytes) {
        self.bytes += cost(&frame);
        self.frames.push_back(frame);
    }
}

/// Failures that are remembered: more than a client has messages under way.
const FAILED: usize = 256;

/// What a frame takes in memory: a small one is mostly bookkeeping.
fn cost(frame: &Bytes) -> usize {
    frame.len() + 64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(byte: u8) -> Bytes {
        Bytes::from(vec![byte; 10])
    }

    #[tokio::test]
    async fn a_full_outbox_drops_news_and_says_so_once_when_it_is_empty() {
        let outbox = Outbox::bounded(160);
        assert_eq!(outbox.push(frame(1)), Pushed::Queued);
        assert_eq!(outbox.push(frame(2)), Pushed::Queued);
        assert_eq!(outbox.push(frame(3)), Pushed::Dropped);
        let mut taken = Vec::new();
        assert!(matches!(outbox.take(&mut taken, 64).await, Taken::Frames));
        assert_eq!(taken, [frame(1), frame(2)]);
        assert!(matches!(outbox.take(&mut taken, 64).await, Taken::Behind));
        assert_eq!(outbox.push(frame(4)), Pushed::Queued);
        taken.clear();
        assert!(matches!(outbox.take(&mut taken, 64).await, Taken::Frames));
        assert_eq!(taken, [frame(4)]);
    }

    #[tokio::test]
    async fn answers_are_taken_over_the_limit_and_the_reader_of_requests_waits_for_room() {
        let outbox = Outbox::bounded(80);
        outbox.answer(frame(1));
        outbox.answer(frame(2));
        let waiting = tokio::spawn({
            let outbox = outbox.clone();
            async move { outbox.room().await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        let mut taken = Vec::new();
        outbox.take(&mut taken, 1).await;
        waiting.await.unwrap();
    }

    #[tokio::test]
    async fn what_was_queued_before_the_end_is_still_written() {
        let outbox = Outbox::bounded(100);
        assert!(!outbox.is_ended());
        outbox.push(frame(1));
        outbox.end(4);
        outbox.end(5);
        assert_eq!(outbox.ended().await, 4);
        assert_eq!(outbox.push(frame(2)), Pushed::Ended);
        let mut taken = Vec::new();
        assert!(matches!(outbox.take(&mut taken, 64).await, Taken::Frames));
        assert!(matches!(outbox.take(&mut taken, 64).await, Taken::End(4)));
    }
}
