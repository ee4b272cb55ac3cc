//! The bus between nodes: through Redis, which may lose anything.
//!
//! - Everybody who is connected here is told at once and directly; Redis only carries to other nodes.
//! - Every node listens to the same few channels, so that nobody subscribes to anything when somebody logs
//!   in, and a batch of messages is a handful of commands in one write.
//! - An entry is encoded once, by the node that stored it. Others hand its bytes on.
//! - Nothing that a client waits for waits for Redis ([`publisher`]); whether anything is heard is not
//!   believed but tried ([`subscriber`]); what is lost is found ([`reconcile`](crate::bus::reconcile())).

mod codec;
mod outgoing;
mod publisher;
mod subscriber;

use std::sync::Arc;

use futures_util::future::BoxFuture;
use tokio_util::sync::CancellationToken;

use self::codec::PARTITIONS;
pub use self::codec::Speaker;
use self::publisher::Publisher;
use self::subscriber::Subscriber;
use super::figures::{Figures, add};
use super::filler::Filler;
use super::health::{Health, Reporter};
use super::periods::Periods;
use super::reconcile::Reconcile;
use super::{Bus, Committed};
use crate::hub::{Delivery, Hub};
use crate::news::News;
use crate::redis;
use crate::store::Database;

#[derive(Clone)]
pub struct Redis {
    hub: Hub,
    /// Where conversations are read in which something is said for the first time.
    database: Database,
    publisher: Publisher,
    filler: Filler,
    figures: Arc<Figures>,
    health: Health,
}

/// What has to run for a bus, each in a task of its own. They end with `stop`; the one that publishes ends
/// when every handle of the bus is dropped and all is said.
pub type Tasks = Vec<BoxFuture<'static, ()>>;

impl Redis {
    /// `me` must be another one for each node and each start. Give it a connection of its own: large
    /// batches shall not hold up the renewal of a lease.
    pub(super) fn start(
        me: Speaker,
        hub: Hub,
        database: Database,
        redis: redis::Redis,
        periods: Periods,
        stop: CancellationToken,
    ) -> (Bus, Tasks) {
        let figures = Arc::<Figures>::default();
        let (reporter, health) = Reporter::start();
        let channels: Arc<[String]> = channels(redis.prefix()).into();
        let filler = Filler::new(hub.clone(), database.clone(), Arc::clone(&figures), periods.gap);
        let (publisher, publishing) = Publisher::new(
            me,
            redis.clone(),
            Arc::clone(&channels),
            Arc::clone(&figures),
            reporter.clone(),
            periods,
        );
        let subscriber = Subscriber {
            me,
            hub: hub.clone(),
            filler: filler.clone(),
            redis,
            channels,
            figures: Arc::clone(&figures),
            reporter,
            periods,
        };
        let reconcile = Reconcile {
            hub: hub.clone(),
            database: database.clone(),
            filler: filler.clone(),
            figures: Arc::clone(&figures),
            health: health.clone(),
            periods,
        };
        let tasks: Tasks = vec![
            Box::pin(publishing.run()),
            Box::pin(subscriber.run(stop.clone())),
            Box::pin(filler.clone().run(stop.clone())),
            Box::pin(reconcile.run(true, stop)),
        ];
        (Bus::Redis(Self { hub, database, publisher, filler, figures, health }), tasks)
    }

    /// Delivers here, and has it said elsewhere. Never waits.
    pub(super) fn deliver(&self, committed: Vec<Committed>) {
        let deliveries: Vec<_> = committed.into_iter().map(Delivery::from).collect();
        let gaps = self.hub.deliver(&deliveries);
        add(&self.figures.gaps, gaps.len());
        self.filler.fill(&gaps);
        self.publisher.entries(&deliveries);
    }

    pub(super) fn tell(&self, news: &[News]) {
        for one in news {
            self.hub.tell(one);
        }
        self.publisher.news(news);
    }

    pub(super) fn database(&self) -> &Database {
        &self.database
    }

    pub(super) fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }

    pub(super) fn health(&self) -> Health {
        self.health.clone()
    }
}

/// One channel for each partition. The braces make the slot of a cluster depend on the partition alone.
fn channels(prefix: &str) -> Vec<String> {
    (0..PARTITIONS).map(|partition| format!("{prefix}bus/{{p{partition}}}")).collect()
}

#[cfg(test)]
mod tests;
