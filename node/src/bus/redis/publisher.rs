//! Says to other nodes what happened on this one. Nobody waits for it: what finds no room in the queue, or
//! takes too long, is counted and lost, and other nodes find it in the store.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval};

use super::codec::{self, Speaker};
use super::outgoing::{Message, Outgoing};
use crate::bus::figures::{Figures, add};
use crate::bus::health::Reporter;
use crate::bus::periods::Periods;
use crate::faults::{self, Point};
use crate::hub::Delivery;
use crate::news::News;
use crate::redis::{Redis, RedisError, cmd};

/// The saying end. Cheap to clone; when the last one is dropped, what waits is said and the loop ends.
#[derive(Clone)]
pub(super) struct Publisher {
    end: Arc<End>,
}

struct End {
    queue: Arc<Queue>,
}

struct Queue {
    /// Guards what waits while something is added or all is taken; never held over an await.
    outgoing: Mutex<Outgoing>,
    filled: Notify,
    closed: AtomicBool,
    figures: Arc<Figures>,
}

/// The loop.
pub(super) struct Publishing {
    queue: Arc<Queue>,
    redis: Redis,
    channels: Arc<[String]>,
    reporter: Reporter,
    periods: Periods,
}

/// A build that can be ordered to die between two partitions publishes them one by one.
const APART: bool = cfg!(feature = "faults");

impl Publisher {
    pub(super) fn new(
        speaker: Speaker,
        redis: Redis,
        channels: Arc<[String]>,
        figures: Arc<Figures>,
        reporter: Reporter,
        periods: Periods,
    ) -> (Self, Publishing) {
        let queue = Arc::new(Queue {
            outgoing: Mutex::new(Outgoing::new(speaker)),
            filled: Notify::new(),
            closed: AtomicBool::new(false),
            figures,
        });
        let end = Arc::new(End { queue: Arc::clone(&queue) });
        (Self { end }, Publishing { queue, redis, channels, reporter, periods })
    }

    pub(super) fn entries(&self, deliveries: &[Delivery]) {
        if deliveries.is_empty() || faults::drops_hints() {
            return;
        }
        self.end
            .queue
            .add(|outgoing| deliveries.iter().filter(|delivery| !outgoing.entry(delivery)).count());
    }

    pub(super) fn news(&self, news: &[News]) {
        if news.is_empty() || faults::drops_hints() {
            return;
        }
        let encoded: Vec<_> = news.iter().map(codec::encode_news).collect();
        self.end.queue.add(|outgoing| {
            let both = news.iter().zip(&encoded);
            both.filter(|(news, encoded)| !outgoing.news(news, encoded)).count()
        });
    }
}

impl Drop for End {
    fn drop(&mut self) {
        self.queue.closed.store(true, Ordering::Release);
        self.queue.filled.notify_one();
    }
}

impl Queue {
    /// `put` returns for how many there was no room.
    fn add(&self, put: impl FnOnce(&mut Outgoing) -> usize) {
        let refused = put(&mut self.outgoing.lock());
        add(&self.figures.dropped_full, refused);
        self.filled.notify_one();
    }
}

impl Publishing {
    /// Publishes until every [`Publisher`] is dropped.
    pub(super) async fn run(self) {
        let mut canary = interval(self.periods.canary);
        canary.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                biased;
                _ = canary.tick() => self.queue.outgoing.lock().canaries(),
                () = self.queue.filled.notified() => {}
            }
            // Asked first: what is added before the last handle goes is taken below.
            let closed = self.queue.closed.load(Ordering::Acquire);
            let messages = self.queue.outgoing.lock().take();
            self.publish(&messages).await;
            if closed {
                return;
            }
        }
    }

    async fn publish(&self, messages: &[Message]) {
        if messages.is_empty() {
            return;
        }
        let items = messages.iter().map(|it| it.items).sum();
        let figures = &self.queue.figures;
        match self.send(messages).await {
            Ok(()) => {
                add(&figures.published, items);
                add(&figures.batches, messages.len());
                self.reporter.speaks();
            }
            Err(error) => {
                let slow = matches!(error, RedisError::Slow);
                add(if slow { &figures.dropped_slow } else { &figures.dropped_failed }, items);
                self.reporter.mute(&error);
            }
        }
    }

    async fn send(&self, messages: &[Message]) -> Result<(), RedisError> {
        let word = if self.redis.is_cluster() { "SPUBLISH" } else { "PUBLISH" };
        let command = |message: &Message| {
            let mut command = cmd(word);
            command.arg(&self.channels[message.partition]).arg(&message.bytes[..]);
            command
        };
        let commands: Vec<_> = messages.iter().map(command).collect();
        if !APART {
            return self.redis.send_all(&commands, self.periods.publish).await;
        }
        for command in commands.chunks(1) {
            self.redis.send_all(command, self.periods.publish).await?;
            faults::point(Point::MidPublish);
        }
        Ok(())
    }
}
