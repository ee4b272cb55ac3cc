//! Being one node of many: a number that nobody else has, a lease that says so, and knowing the others.
//!
//! ```text
//! join ─► lease (renewed) ─► members (polled) ─► who is online, mirrored: spread, listen, mirror, statuses
//! ```
//!
//! Expiry is up to the clock of Redis alone. When Redis is away, the node goes on serving: what is known
//! stays known. Only another process under the number of this node ends it ([`Membership::lost`]).

mod lease;
mod listen;
mod members;
mod mirror;
mod periods;
mod spread;
mod statuses;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use sha2::{Digest as _, Sha256};
use thrive_protocol::lease::Lease;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

pub use self::periods::Periods;
use crate::presence::{Online, Process};
use crate::redis::{Redis, RedisError};
use crate::store::Database;

/// What it takes to become a member.
pub struct Joining {
    pub redis: Redis,
    /// The number to have; `None`: the one of last time, or the lowest that is free.
    pub node: Option<u32>,
    pub owner: Owner,
    /// Where routers reach the workers of this node.
    pub workers: Vec<SocketAddr>,
    pub periods: Periods,
}

/// Whose data folder it is. The folder is locked, so a lease of the same owner is one of a process that
/// is dead.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Owner(String);

/// A cheap handle.
#[derive(Clone)]
pub struct Membership {
    inner: Arc<Inner>,
}

struct Inner {
    redis: Redis,
    periods: Periods,
    process: Process,
    owner: Owner,
    /// Guards a few fields; never held over an await.
    lease: Mutex<Lease>,
    /// Renew at once.
    renew: Notify,
    /// What this node asserts must be written anew.
    reassert: Notify,
    lost: watch::Sender<Option<Lost>>,
    others: Mutex<members::Others>,
}

#[derive(Debug, thiserror::Error)]
pub enum JoinError {
    #[error("Redis does not let this node join")]
    Redis(#[from] RedisError),
    #[error(
        "another node has the number {node}: give each node a cluster.node of its own, or none at all"
    )]
    Taken { node: u32 },
    #[error("no number is free for this node")]
    NoneFree,
    #[error(
        "the clock of this machine differs by {seconds} s from the clock of Redis: set it, or times of messages are wrong"
    )]
    Clock { seconds: u64 },
}

/// Another process has the number of this node.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("another process has taken the number {node}: is a copy of the data folder in use?")]
pub struct Lost {
    pub node: u32,
}

impl Owner {
    /// From the secret of the data folder, which it does not give away.
    #[must_use]
    pub fn of(secret: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"thrive owner of a lease");
        hash.update(secret);
        let hash: [u8; 32] = hash.finalize().into();
        Self(data_encoding::HEXLOWER.encode(&hash[..16]))
    }
}

impl Membership {
    /// Takes a number and writes the lease. Waits, and says for what, while Redis is away or a number is
    /// about to become free.
    ///
    /// # Errors
    /// Waiting would not help.
    pub async fn join(joining: Joining) -> Result<Self, JoinError> {
        let Joining { redis, node, owner, workers, periods } = joining;
        let allotment = lease::Allotment { redis: &redis, owner: &owner, periods, workers };
        let lease = allotment.take(node).await?;
        let process = Process { node: lease.id, epoch: lease.epoch };
        tracing::info!(node = process.node, epoch = process.epoch, "Joined the cluster");
        let inner = Inner {
            redis,
            periods,
            process,
            owner,
            lease: Mutex::new(lease),
            renew: Notify::new(),
            reassert: Notify::new(),
            lost: watch::Sender::new(None),
            others: Mutex::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The number of this node and of this process of it.
    #[must_use]
    pub fn process(&self) -> Process {
        self.inner.process
    }

    /// What has to run, each in a task of its own, until `stop`.
    #[must_use]
    pub fn work(
        &self,
        online: &Online,
        database: Database,
        stop: &CancellationToken,
    ) -> Vec<BoxFuture<'static, ()>> {
        online.join(self.inner.process);
        let inner = || Arc::clone(&self.inner);
        let (online, stop) = (|| online.clone(), || stop.clone());
        vec![
            Box::pin(lease::renew(inner(), online(), stop())),
            Box::pin(members::poll(inner(), online(), stop())),
            Box::pin(spread::spread(inner(), online(), stop())),
            Box::pin(listen::listen(inner(), online(), stop())),
            Box::pin(mirror::correct(inner(), online(), stop())),
            Box::pin(statuses::reread(inner().periods, online(), database, stop())),
        ]
    }

    /// How busy this node is, for the next renewal.
    pub fn set_load(&self, connections: u32, load: u8) {
        let mut lease = self.inner.lease.lock();
        (lease.connections, lease.load) = (connections, load);
    }

    /// Tells routers to send nobody new, at once.
    pub fn set_draining(&self) {
        self.inner.lease.lock().draining = true;
        self.inner.renew.notify_one();
    }

    /// The other nodes and this one, as they were a moment ago.
    #[must_use]
    pub fn members(&self) -> Vec<Lease> {
        self.inner.others.lock().leases()
    }

    /// Returns when this node must stop, because it is not the only one with its number.
    pub async fn lost(&self) -> Lost {
        let mut lost = self.inner.lost.subscribe();
        match lost.wait_for(Option::is_some).await.map(|it| it.clone()) {
            Ok(Some(lost)) => lost,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }

    /// Gives the lease back, so that others need not wait for its end. The number stays reserved for this
    /// owner for a while: connections of its clients may still be on their way to it. Call it when the
    /// tasks have ended.
    pub async fn leave(&self) {
        match lease::release(&self.inner).await {
            Ok(()) => tracing::info!(node = self.inner.process.node, "Left the cluster"),
            Err(error) => tracing::warn!(
                error = &error as &dyn std::error::Error,
                "The lease could not be given back; it ends by itself"
            ),
        }
    }
}

impl Inner {
    /// Where this or another process writes who is connected to it.
    fn presence_key(&self, of: Process) -> String {
        format!("{}presence/{}/{}", self.redis.prefix(), of.node, of.epoch)
    }

    /// Where all of them say what changes.
    fn channel(&self) -> String {
        format!("{}presence", self.redis.prefix())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
