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

use thrive_protocol::entry::Entry;
use tokio_util::sync::CancellationToken;

pub use self::figures::{Figures, Snapshot};
pub use self::health::{Health, Standing};
pub use self::local::Local;
pub use self::periods::Periods;
pub use self::reconcile::reconcile;
pub use self::redis::{Redis, Speaker, Tasks};
use crate::hub::{Delivery, Hub};
use crate::news::News;
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
        match self {
            Self::Local(local) => local.deliver(committed).await,
            Self::Redis(redis) => redis.deliver(committed),
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
