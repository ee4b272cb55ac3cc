//! Hears what other nodes say.
//!
//! A connection that stands proves nothing: a driver may come back without its subscriptions, a server may
//! hold still. So this node hears itself: on a partition where nothing at all comes for a while, not even
//! its own sign of life, it is deaf, and it begins again. Whatever was missed meanwhile is found by the
//! comparison with the store that every new subscription causes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use super::codec::{self, Item, PARTITIONS, Speaker};
use crate::bus::figures::{Figures, add};
use crate::bus::filler::Filler;
use crate::bus::health::Reporter;
use crate::bus::periods::Periods;
use crate::hub::{Delivery, Hub};
use crate::redis::{Message, PubSub, Redis, RedisError};

pub(super) struct Subscriber {
    pub(super) me: Speaker,
    pub(super) hub: Hub,
    pub(super) filler: Filler,
    pub(super) redis: Redis,
    pub(super) channels: Arc<[String]>,
    pub(super) figures: Arc<Figures>,
    pub(super) reporter: Reporter,
    pub(super) periods: Periods,
}

/// Why nothing is heard any more.
#[derive(Debug, thiserror::Error)]
enum Deaf {
    #[error(transparent)]
    Redis(#[from] RedisError),
    #[error("the connection that listens is closed")]
    Closed,
    #[error("partition {0} is silent")]
    Silent(usize),
}

/// The silence is looked for so often in its own length.
const LOOKS: u32 = 8;
/// Messages after which it is looked whether some were dropped: where they never cease, no tick comes.
const EVERY: u32 = 1_024;
/// After so long, a connection that breaks is a new misfortune and not the same one again.
const STEADY: Duration = Duration::from_secs(10);

impl Subscriber {
    /// Listens until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.listen_on()).await;
    }

    async fn listen_on(&self) {
        let (first, longest) = self.periods.again;
        let mut delay = first;
        loop {
            let start = Instant::now();
            let Err(error) = self.listen().await;
            self.reporter.deaf(&error);
            if STEADY <= start.elapsed() {
                delay = first;
            }
            // Spread, so that nodes do not come back together.
            let half = delay / 2;
            tokio::time::sleep(half + half.mul_f64(f64::from(crate::random::byte()) / 128.0)).await;
            delay = (delay * 2).min(longest);
        }
    }

    async fn listen(&self) -> Result<std::convert::Infallible, Deaf> {
        let mut connection = self.redis.pubsub().await?;
        connection.subscribe(&self.channels, self.periods.subscribe).await?;
        add(&self.figures.subscriptions, 1);
        self.reporter.hears();
        self.hear(&mut connection).await
    }

    /// The reader only decodes and hands over, so that the server never finds it slow.
    async fn hear(&self, connection: &mut PubSub) -> Result<std::convert::Infallible, Deaf> {
        let mut heard = [Instant::now(); PARTITIONS];
        let (mut dropped, mut unlooked) = (0, 0);
        let mut look = interval(self.periods.silence / LOOKS);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                // Messages first: what waits here is no silence.
                biased;
                message = connection.next() => {
                    let message = message.ok_or(Deaf::Closed)?;
                    if let Some(partition) = self.partition_of(&message) {
                        heard[partition] = Instant::now();
                    }
                    self.take_in(&message.payload);
                    unlooked += 1;
                    if EVERY <= unlooked {
                        unlooked = 0;
                        self.count_dropped(connection.dropped(), &mut dropped);
                    }
                }
                _ = look.tick() => {
                    let silent = heard.iter().position(|at| self.periods.silence <= at.elapsed());
                    if let Some(partition) = silent {
                        add(&self.figures.canaries_missed, 1);
                        return Err(Deaf::Silent(partition));
                    }
                    self.count_dropped(connection.dropped(), &mut dropped);
                }
            }
        }
    }

    /// What was dropped is looked for in the store. `known` is what was dropped before.
    fn count_dropped(&self, so_far: u64, known: &mut u64) {
        if *known != so_far {
            add(&self.figures.dropped_unread, (so_far - *known) as usize);
            *known = so_far;
            self.reporter.missed();
        }
    }

    fn partition_of(&self, message: &Message) -> Option<usize> {
        self.channels.iter().position(|it| it.as_bytes() == message.channel)
    }

    /// Delivers what a message says, in its order. Never waits.
    fn take_in(&self, message: &[u8]) {
        let (speaker, items) = match codec::open(message) {
            Ok(Some(open)) => open,
            Ok(None) => return add(&self.figures.unknown, 1),
            Err(_) => return add(&self.figures.malformed, 1),
        };
        if speaker == self.me {
            // What happened here was delivered here, before it was said.
            return;
        }
        let mut deliveries = Vec::new();
        let mut received = 0;
        for item in items {
            match item {
                Ok(Item::Entry(delivery)) => deliveries.push(delivery),
                Ok(Item::News(news)) => {
                    self.deliver(&mut deliveries);
                    self.hub.tell(&news);
                }
                Ok(Item::Canary) => continue,
                Ok(Item::Unknown) => {
                    add(&self.figures.unknown, 1);
                    continue;
                }
                Err(_) => {
                    add(&self.figures.malformed, 1);
                    continue;
                }
            }
            received += 1;
        }
        self.deliver(&mut deliveries);
        add(&self.figures.received, received);
    }

    fn deliver(&self, deliveries: &mut Vec<Delivery>) {
        if deliveries.is_empty() {
            return;
        }
        let gaps = self.hub.deliver(deliveries);
        add(&self.figures.gaps, gaps.len());
        self.filler.fill(&gaps);
        deliveries.clear();
    }
}
