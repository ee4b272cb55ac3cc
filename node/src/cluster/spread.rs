//! Tells the other nodes who is connected here: written first where all can read it, said then on a
//! channel. What is not heard can be read; what cannot be written is written whole when that is possible
//! again.

use std::sync::Arc;

use tokio::sync::Notify;
use tokio::time::{Duration, interval, sleep};
use tokio_util::sync::CancellationToken;

use super::mirror::SEQ;
use super::{Inner, millis};
use crate::faults;
use crate::presence::{Gossip, Online, encode_status};
use crate::redis::{Cmd, RedisError, cmd};

/// What changes together is said together.
const GATHER: Duration = Duration::from_millis(10);
/// People in one message.
const AT_ONCE: usize = 512;

/// Until `stop`.
pub(super) async fn spread(inner: Arc<Inner>, online: Online, stop: CancellationToken) {
    let bell = Arc::new(Notify::new());
    let ring = Arc::clone(&bell);
    online.on_change(move || ring.notify_one());
    let mut beat = interval(inner.periods.beat);
    let mut keep = interval(inner.periods.renewal);
    let mut spreader = Spreader { inner, online, is_written: false };
    loop {
        let result = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            () = spreader.inner.reassert.notified() => {
                spreader.is_written = false;
                spreader.say_changes().await
            }
            _ = keep.tick() => spreader.keep().await,
            _ = beat.tick() => spreader.remind().await,
            () = bell.notified() => {
                sleep(GATHER).await;
                spreader.say_changes().await
            }
        };
        if let Err(error) = result {
            let error = &error as &dyn std::error::Error;
            tracing::debug!(error, "Other nodes could not be told who is here");
        }
    }
    // Those who have left at the very end.
    drop(spreader.say_changes().await);
}

struct Spreader {
    inner: Arc<Inner>,
    online: Online,
    /// What was said is also written. If not, nobody may rely on it.
    is_written: bool,
}

impl Spreader {
    async fn say_changes(&mut self) -> Result<(), RedisError> {
        while let Some(gossip) = self.online.changes(AT_ONCE) {
            if self.is_written && !gossip.changes.is_empty() {
                self.write(&gossip).await?;
            }
            if !faults::drops_hints() {
                self.say(&gossip).await?;
            }
        }
        if self.is_written {
            return Ok(());
        }
        self.write_all().await?;
        self.beat().await
    }

    /// What is written lives as long as the lease.
    async fn keep(&mut self) -> Result<(), RedisError> {
        let mut keep = cmd("PEXPIRE");
        keep.arg(self.key()).arg(millis(self.inner.periods.ttl));
        let lives: bool = self.inner.redis.query_within(&keep, self.inner.periods.answer).await?;
        self.is_written &= lives;
        self.say_changes().await
    }

    /// A sign of life, after what may have failed before.
    async fn remind(&mut self) -> Result<(), RedisError> {
        self.say_changes().await?;
        self.beat().await
    }

    async fn beat(&self) -> Result<(), RedisError> {
        match self.online.beat() {
            Some(gossip) => self.say(&gossip).await,
            None => Ok(()),
        }
    }

    async fn say(&self, gossip: &Gossip) -> Result<(), RedisError> {
        let redis = &self.inner.redis;
        let mut publish = cmd(if redis.is_cluster() { "SPUBLISH" } else { "PUBLISH" });
        publish.arg(self.inner.channel()).arg(gossip.encode());
        redis.send_all(&[publish], self.inner.periods.answer).await
    }

    async fn write(&mut self, gossip: &Gossip) -> Result<(), RedisError> {
        let key = self.key();
        let mut set = cmd("HSET");
        set.arg(&key).arg(SEQ).arg(gossip.seq);
        let mut delete = cmd("HDEL");
        delete.arg(&key);
        let mut deletes = false;
        for change in &gossip.changes {
            match &change.status {
                Some(status) => drop(set.arg(change.user.0).arg(encode_status(status))),
                None => {
                    delete.arg(change.user.0);
                    deletes = true;
                }
            }
        }
        let mut commands = vec![set];
        if deletes {
            commands.push(delete);
        }
        self.commit(commands).await
    }

    async fn write_all(&mut self) -> Result<(), RedisError> {
        let Some(snapshot) = self.online.snapshot() else { return Ok(()) };
        let key = self.key();
        let mut delete = cmd("DEL");
        delete.arg(&key);
        let mut seq = cmd("HSET");
        seq.arg(&key).arg(SEQ).arg(snapshot.seq);
        let mut commands = vec![delete, seq];
        let entries: Vec<_> = snapshot.entries.iter().collect();
        for chunk in entries.chunks(AT_ONCE) {
            let mut set = cmd("HSET");
            set.arg(&key);
            for (user, status) in chunk {
                set.arg(user.0).arg(encode_status(status));
            }
            commands.push(set);
        }
        self.commit(commands).await
    }

    /// All of it or nothing, so that whoever reads sees one moment.
    async fn commit(&mut self, mut commands: Vec<Cmd>) -> Result<(), RedisError> {
        let mut keep = cmd("PEXPIRE");
        keep.arg(self.key()).arg(millis(self.inner.periods.ttl));
        commands.push(keep);
        // Until it is known to be there, it is not.
        self.is_written = false;
        self.inner.redis.transaction(&commands, self.inner.periods.answer).await?;
        self.is_written = true;
        Ok(())
    }

    fn key(&self) -> String {
        self.inner.presence_key(self.inner.process)
    }
}
