//! Who uses how much processor time: nodes, routers, Postgres, Redis and the generator apart.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};

use crate::cluster::Cluster;
use crate::usage;

/// Processor time so far, of each part.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    pub nodes: Duration,
    pub routers: Duration,
    pub postgres: Duration,
    pub redis: Duration,
    pub generator: Duration,
}

impl Costs {
    /// # Errors
    /// A process has ended.
    pub fn of(cluster: &Cluster) -> Result<Self> {
        let sum = |pids: Vec<(usize, u32)>| -> Result<Duration> {
            pids.into_iter().map(|(_, pid)| usage::processor(pid)).sum()
        };
        Ok(Self {
            nodes: sum(cluster.node_pids())?,
            routers: sum(cluster.router_pids())?,
            postgres: usage::processor_with_children(cluster.own_postgres()?.pid())?,
            redis: usage::processor(cluster.own_redis()?.pid())?,
            generator: usage::processor(std::process::id())?,
        })
    }

    /// What was used since `before`.
    #[must_use]
    pub fn since(self, before: Self) -> Self {
        Self {
            nodes: self.nodes - before.nodes,
            routers: self.routers - before.routers,
            postgres: self.postgres - before.postgres,
            redis: self.redis - before.redis,
            generator: self.generator - before.generator,
        }
    }

    /// Milliseconds for each 1 000 of `count`.
    #[must_use]
    pub fn per_thousand(self, count: u64) -> Value {
        let ms = |time: Duration| round(time.as_secs_f64() * 1e6 / count.max(1) as f64);
        json!({ "node": ms(self.nodes), "router": ms(self.routers), "postgres": ms(self.postgres),
            "redis": ms(self.redis), "generator": ms(self.generator) })
    }
}

/// Two digits are more than the machine is steady to.
#[must_use]
pub fn round(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}
