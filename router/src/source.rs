//! Where the list of nodes comes from: the leases that nodes hold in Redis, or a configuration.
//!
//! What Redis said last is kept, in memory and in a file, for the time when Redis is away: then the list
//! stands still, and pings alone tell how the nodes are.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::config::{Config, Nodes};
use crate::table::Listing;

use self::leases::Leases;

pub mod copy;
pub mod leases;

/// Finds the nodes.
pub struct Source {
    from: From,
    kept: Option<PathBuf>,
    first: Arc<Listing>,
}

enum From {
    Configuration,
    Redis(Box<Leases>),
}

#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("the settings of Redis cannot be used")]
    Settings(#[source] redis::RedisError),
    #[error("{path} cannot be read")]
    File { path: PathBuf, source: io::Error },
}

/// How often Redis is asked.
const POLL: Duration = Duration::from_millis(500);
/// How often the log says again that Redis does not answer.
const REMIND: Duration = Duration::from_secs(30);

impl Source {
    /// # Errors
    /// A file of the settings cannot be read.
    pub fn open(config: &Config) -> Result<Self, SourceError> {
        Ok(match &config.nodes {
            Nodes::Listed(members) => {
                let first = Arc::new(Listing { members: members.clone(), leased: false });
                Self { from: From::Configuration, kept: None, first }
            }
            Nodes::Leased(redis) => {
                let kept = config.table.clone();
                let first = kept.as_deref().map(copy::read).unwrap_or_default();
                let from = From::Redis(Box::new(Leases::prepare(redis)?));
                Self { from, kept, first: Arc::new(first) }
            }
        })
    }

    /// What is known before anybody was asked.
    #[must_use]
    pub fn first(&self) -> Arc<Listing> {
        Arc::clone(&self.first)
    }

    /// Tells `to` every list that differs from the one before, and the first in any case.
    pub async fn run(self, to: watch::Sender<Arc<Listing>>, stop: CancellationToken) {
        let Self { from, kept, first } = self;
        match from {
            From::Configuration => {
                to.send_replace(first);
                stop.cancelled().await;
            }
            From::Redis(leases) => {
                tokio::select! {
                    biased;
                    () = stop.cancelled() => {}
                    () = follow(*leases, kept, to) => {}
                }
            }
        }
    }
}

async fn follow(mut leases: Leases, kept: Option<PathBuf>, to: watch::Sender<Arc<Listing>>) {
    let mut polls = interval(POLL);
    polls.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut heard = false;
    let mut said: Option<tokio::time::Instant> = None;
    loop {
        polls.tick().await;
        match leases.read().await {
            Ok(mut listing) => {
                // Redis was emptied, and the nodes are about to write their leases anew.
                if !heard && listing.members.is_empty() {
                    listing = Listing::clone(&to.borrow());
                }
                if said.take().is_some() {
                    tracing::info!(nodes = listing.members.len(), "Redis answers again");
                }
                if heard && **to.borrow() == listing {
                    continue;
                }
                heard = true;
                if let Some(path) = &kept
                    // Redis may have been emptied: then nobody is in the list for a moment.
                    && !listing.members.is_empty()
                    && let Err(error) = copy::write(path, &listing)
                {
                    tracing::warn!(%error, path = %path.display(), "The list of nodes is not kept");
                }
                to.send_replace(Arc::new(listing));
            }
            Err(error) => {
                if said.is_none_or(|at| REMIND <= at.elapsed()) {
                    said = Some(tokio::time::Instant::now());
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "Redis does not tell the nodes; keeping those I know");
                }
            }
        }
    }
}
