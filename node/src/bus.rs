//! How news gets from the node where it happened to the nodes where people are connected.
//!
//! The bus may lose anything: what it lost is found again by sequence number ([`reconcile()`]).

mod local;
mod reconcile;

use thrive_protocol::entry::Entry;

pub use self::local::Local;
pub use self::reconcile::reconcile;
use crate::news::News;
use crate::session::outbox::Outbox;

/// A closed set of real forms: in process for one node, and (in a cluster) through Redis.
#[derive(Clone)]
pub enum Bus {
    Local(Local),
}

/// An entry that is on disk.
#[derive(Clone)]
pub struct Committed {
    pub entry: Entry,
    /// The connection on this node that sent it and was told by its acknowledgement.
    pub origin: Option<Outbox>,
}

impl Bus {
    /// Spreads entries, in the order of their logs.
    pub async fn publish_committed(&self, committed: Vec<Committed>) {
        match self {
            Self::Local(local) => local.deliver(committed).await,
        }
    }

    /// Spreads news that has no place in a log.
    pub fn publish(&self, news: &[News]) {
        match self {
            Self::Local(local) => local.tell(news),
        }
    }
}

#[cfg(test)]
mod tests;
