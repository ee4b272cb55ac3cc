//! How news gets from the node where it happened to the nodes where people are connected.
//!
//! Those who are connected to the node where it happened are told directly. To other nodes goes a hint,
//! with all that is in the news: the bus may lose anything, reorder it, and say it twice. Order and
//! completeness come from the numbers of the log: a gap is read from the store a moment after it shows
//! (`filler`), and what shows nowhere is found by comparing with the store ([`reconcile()`]).

mod figures;
mod filler;
mod health;
mod local;
mod periods;
mod reconcile;
mod redis;

use std::sync::Arc;
use std::time::Duration;

use thrive_protocol::Event;
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::Seq;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

pub use self::figures::{Figures, Snapshot};
pub use self::health::{Health, Standing};
pub use self::local::Local;
pub use self::periods::Periods;
pub use self::reconcile::reconcile;
pub use self::redis::{Redis, Speaker, Tasks};
use crate::hub::{Delivery, Hub};
use crate::news::{Audience, News};
use crate::session::outbox::Outbox;
use crate::store::Database;

/// A closed set of real forms: in process for one node, and through Redis for many.
#[derive(Clone)]
pub enum Bus {
    Local(Local),
    Redis(Redis),
}

/// An entry that is on disk.
#[derive(Clone)]
pub struct Committed {
    pub entry: Entry,
    /// The connection on this node that sent it and was told by its acknowledgement.
    pub origin: Option<Outbox>,
}

/// The first entry of a log.
const FIRST: Seq = Seq(1);

/// Messages wait for it, those of other conversations too. Clients ask about one that they do not know.
const INTRODUCED_WITHIN: Duration = Duration::from_millis(250);

impl Bus {
    /// A bus between nodes, and what has to run for it, reconciliation included. `me` must be another one
    /// for each node and each start of it. Give it a handle to Redis of its own: its batches shall not
    /// hold up the renewal of a lease.
    #[must_use]
    pub fn redis(
        me: Speaker,
        hub: Hub,
        database: Database,
        redis: crate::redis::Redis,
        periods: Periods,
        stop: CancellationToken,
    ) -> (Self, Tasks) {
        Redis::start(me, hub, database, redis, periods, stop)
    }

    /// Spreads entries, in the order of their logs.
    pub async fn publish_committed(&self, committed: Vec<Committed>) {
        self.introduce(&committed).await;
        match self {
            Self::Local(local) => local.deliver(committed).await,
            Self::Redis(redis) => redis.deliver(committed),
        }
    }

    /// Tells everybody of a conversation in which something is said for the first time, before that is
    /// said: until now only whoever opened it knew of it.
    async fn introduce(&self, committed: &[Committed]) {
        let first = |it: &&Committed| it.entry.seq == FIRST;
        let begun: Vec<_> =
            committed.iter().filter(first).map(|it| it.entry.conversation).collect();
        if begun.is_empty() {
            return;
        }
        let read = self.database().introductions(&begun);
        let Ok(read) = timeout(INTRODUCED_WITHIN, read).await else {
            return tracing::warn!("New conversations are read too slowly; their members ask");
        };
        match read {
            Ok(introductions) => {
                let news = |(user, it)| News {
                    to: Audience::User(user),
                    event: Event::Conversation(it),
                    origin: None,
                };
                self.publish(&introductions.into_iter().map(news).collect::<Vec<_>>());
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "New conversations could not be read; their members ask");
            }
        }
    }

    fn database(&self) -> &Database {
        match self {
            Self::Local(local) => &local.database,
            Self::Redis(redis) => redis.database(),
        }
    }

    /// Spreads news that has no place in a log.
    pub fn publish(&self, news: &[News]) {
        match self {
            Self::Local(local) => local.tell(news),
            Self::Redis(redis) => redis.tell(news),
        }
    }

    /// What it did so far.
    #[must_use]
    pub fn figures(&self) -> &Arc<Figures> {
        match self {
            Self::Local(local) => local.figures(),
            Self::Redis(redis) => redis.figures(),
        }
    }

    /// Whether it works.
    #[must_use]
    pub fn health(&self) -> Health {
        match self {
            Self::Local(_) => Health::perfect(),
            Self::Redis(redis) => redis.health(),
        }
    }
}

impl From<Committed> for Delivery {
    fn from(committed: Committed) -> Self {
        Self::of(committed.entry, committed.origin)
    }
}

#[cfg(test)]
mod rig;
#[cfg(test)]
mod tests;
