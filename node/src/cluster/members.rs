//! Who else is there: the leases of all nodes, looked at again and again.
//!
//! A node whose lease is gone is gone, and so is what it said of its people. But a server that was emptied,
//! or that was away, shows no leases either: then everybody gets the time to come back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thrive_protocol::lease::{Lease, members_key, node_key};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Inner;
use crate::presence::{Online, Process};
use crate::redis::{RedisError, cmd};

/// What is known of the members.
#[derive(Default)]
pub(super) struct Others {
    leases: Vec<Lease>,
    /// Until then a lease that is not there may come back.
    held_until: Option<Instant>,
    /// Members without a lease, and since when.
    missing: HashMap<u32, Instant>,
}

/// A member that has had no lease for so long is taken out of the list.
const FORGET: Duration = Duration::from_secs(60);
/// Nodes that a list may have: more is a mistake, and not to be asked for.
const MOST: usize = 10_000;

impl Others {
    pub(super) fn leases(&self) -> Vec<Lease> {
        self.leases.clone()
    }

    /// Leases may be missing although their nodes live.
    pub(super) fn hold(&mut self, patience: Duration) {
        self.held_until = Some(Instant::now() + patience);
    }

    fn holds(&self) -> bool {
        self.held_until.is_some_and(|until| Instant::now() < until)
    }

    /// Those who are missing for long enough.
    fn note(&mut self, ids: &[u32], leases: Vec<Lease>, now: Instant) -> Vec<u32> {
        let is_missing = |id: &u32| !leases.iter().any(|lease| lease.id == *id);
        let missing = ids.iter().copied().filter(is_missing);
        let since = |id| (id, self.missing.get(&id).copied().unwrap_or(now));
        self.missing = missing.map(since).collect();
        self.leases = leases;
        let long = self.missing.iter().filter(|(_, since)| **since + FORGET < now);
        long.map(|(id, _)| *id).collect()
    }
}

/// Looks at the leases until `stop`.
pub(super) async fn poll(inner: Arc<Inner>, online: Online, stop: CancellationToken) {
    let mut away = false;
    loop {
        match look(&inner, &online).await {
            Ok(()) => away = false,
            Err(error) => {
                inner.others.lock().hold(inner.periods.patience());
                // The renewal of our own lease fails as well, and says so louder.
                if !std::mem::replace(&mut away, true) {
                    let error = &error as &dyn std::error::Error;
                    tracing::debug!(error, "The leases of other nodes cannot be read");
                }
            }
        }
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = sleep(inner.periods.poll) => {}
        }
    }
}

async fn look(inner: &Inner, online: &Online) -> Result<(), RedisError> {
    let (redis, wait) = (&inner.redis, inner.periods.answer);
    let mut list = cmd("SMEMBERS");
    list.arg(members_key(redis.prefix()));
    let mut ids: Vec<u32> = redis.query_within(&list, wait).await?;
    ids.sort_unstable();
    ids.truncate(MOST);
    let mut read = cmd("MGET");
    for id in &ids {
        read.arg(node_key(redis.prefix(), *id));
    }
    let found: Vec<Option<Vec<u8>>> =
        if ids.is_empty() { Vec::new() } else { redis.query_within(&read, wait).await? };
    let leases = found.into_iter().flatten().filter_map(|bytes| Lease::decode(&bytes).ok());
    let leases: Vec<_> = leases.collect();
    let member = |lease: &Lease| (Process { node: lease.id, epoch: lease.epoch }, lease.presence);
    let members: Vec<_> = leases.iter().map(member).collect();
    let (sweep, forget) = {
        let mut others = inner.others.lock();
        // Our own lease lives as long as the server does: without it, the server was emptied.
        if !members.iter().any(|(process, _)| *process == inner.process) {
            others.hold(inner.periods.patience());
            inner.renew.notify_one();
        }
        (!others.holds(), others.note(&ids, leases, Instant::now()))
    };
    online.members(&members, sweep, Instant::now());
    if !forget.is_empty() {
        self::forget(inner, &forget).await?;
    }
    Ok(())
}

/// Takes members out of the list. The list and a lease are in different slots, so no script can look at
/// both; but a node writes its lease first and its name into the list second, so whoever has come back
/// meanwhile shows in a look at the leases afterwards.
pub(super) async fn forget(inner: &Inner, ids: &[u32]) -> Result<(), RedisError> {
    let (redis, wait) = (&inner.redis, inner.periods.answer);
    let mut remove = cmd("SREM");
    remove.arg(members_key(redis.prefix())).arg(ids);
    redis.send_all(&[remove], wait).await?;
    let mut read = cmd("MGET");
    for id in ids {
        read.arg(node_key(redis.prefix(), *id));
    }
    let leases: Vec<Option<Vec<u8>>> = redis.query_within(&read, wait).await?;
    let back = ids.iter().zip(leases).filter(|(_, lease)| lease.is_some());
    let back: Vec<_> = back.map(|(id, _)| *id).collect();
    if back.is_empty() {
        return Ok(());
    }
    let mut add = cmd("SADD");
    add.arg(members_key(redis.prefix())).arg(back);
    redis.send_all(&[add], wait).await
}
