//! A connection that listens. Messages wait in a bounded queue; what does not fit is dropped and counted,
//! because a reader that waits would make the server cut the connection, and with it lose more.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use ::redis::{PushInfo, PushKind, Value};
use bytes::Bytes;
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::error::RedisError;
use super::opening::Link;

/// What somebody published.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    pub channel: Bytes,
    pub payload: Bytes,
}

/// A connection of its own. Dropping it closes it.
pub struct PubSub {
    link: Link,
    messages: mpsc::Receiver<Message>,
    dropped: Arc<AtomicU64>,
}

/// Messages that may wait for their reader.
const WAITING: usize = 8_192;

impl PubSub {
    /// Listens to these channels too, and returns when the server has confirmed all of them. In a
    /// cluster they are sharded channels.
    ///
    /// # Errors
    /// Not confirmed within `wait`, or the connection is gone. Then drop it.
    pub async fn subscribe(
        &mut self,
        channels: &[String],
        wait: Duration,
    ) -> Result<(), RedisError> {
        let all = async {
            match &mut self.link {
                Link::Single(it) => {
                    for channel in channels {
                        it.subscribe(channel).await?;
                    }
                }
                Link::Cluster(it) => {
                    // One by one: channels of one command must share a slot.
                    for channel in channels {
                        it.ssubscribe(channel).await?;
                    }
                }
            }
            Ok::<_, redis::RedisError>(())
        };
        Ok(timeout(wait, all).await.map_err(|_| RedisError::Slow)??)
    }

    /// The next message; `None` when the connection is gone. Cancel safe. That nothing comes does not
    /// mean that nothing was said: whoever listens makes sure of it by hearing itself.
    pub async fn next(&mut self) -> Option<Message> {
        self.messages.recv().await
    }

    /// Messages that found no room, since the connection was made.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// The side that the library calls.
pub(super) struct Sender {
    /// Emptied when the connection goes, so that the reader sees the end.
    messages: Mutex<Option<mpsc::Sender<Message>>>,
    dropped: Arc<AtomicU64>,
    cluster: bool,
}

/// The other one, still without a connection.
pub(super) struct Receiver {
    messages: mpsc::Receiver<Message>,
    dropped: Arc<AtomicU64>,
}

pub(super) fn listener(cluster: bool) -> (Sender, Receiver) {
    let (sender, messages) = mpsc::channel(WAITING);
    let dropped = Arc::new(AtomicU64::new(0));
    let sender =
        Sender { messages: Mutex::new(Some(sender)), dropped: Arc::clone(&dropped), cluster };
    (sender, Receiver { messages, dropped })
}

impl Receiver {
    pub(super) fn on(self, link: Link) -> PubSub {
        PubSub { link, messages: self.messages, dropped: self.dropped }
    }
}

impl Sender {
    /// # Errors
    /// None: the library would stop calling.
    pub(super) fn push(&self, info: PushInfo) -> Result<(), std::convert::Infallible> {
        match info.kind {
            PushKind::Message | PushKind::SMessage => self.message(info.data),
            // In a cluster this is a channel that moved to another server; the library follows, and
            // may miss something on the way. A connection made anew is compared from the start.
            PushKind::Disconnection => drop(self.messages.lock().take()),
            PushKind::SUnsubscribe if self.cluster => drop(self.messages.lock().take()),
            _ => {}
        }
        Ok(())
    }

    fn message(&self, data: Vec<Value>) {
        let mut parts = data.into_iter().filter_map(|value| match value {
            Value::BulkString(it) => Some(Bytes::from(it)),
            _ => None,
        });
        let (Some(channel), Some(payload)) = (parts.next(), parts.next()) else { return };
        let guard = self.messages.lock();
        let Some(messages) = guard.as_ref() else { return };
        if messages.try_send(Message { channel, payload }).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }
}
