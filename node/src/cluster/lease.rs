//! The lease of this node: taken, renewed, given back. Each is one script, so nothing comes between
//! looking and writing. A script touches keys of one slot only, so it runs in a cluster of servers, too.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thrive_protocol::cid::ServerId;
use thrive_protocol::ids::Time;
use thrive_protocol::lease::{Digest, Lease, members_key, node_key};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::{Inner, JoinError, Lost, Owner, Periods, millis};
use crate::clock;
use crate::presence::Online;
use crate::redis::{Redis, RedisError, cmd};

/// Looking for a number.
pub(super) struct Allotment<'a> {
    pub(super) redis: &'a Redis,
    pub(super) owner: &'a Owner,
    pub(super) periods: Periods,
    pub(super) workers: Vec<SocketAddr>,
}

enum Taken {
    Yes(Lease),
    /// Somebody else's lease lives.
    Held,
    /// Somebody else's lease is over, and its number is not free yet.
    Resting(Duration),
}

/// What became of a renewal.
enum Renewed {
    Yes,
    /// The lease was gone: the server was emptied, or was away for longer than the lease lives.
    Again,
    /// Somebody else has the number.
    Lost,
}

/// With a larger difference between clocks than this, somebody should look after them.
const CLOCK_WARN: Duration = Duration::from_secs(5);
/// With a larger one, people would see times that make no sense.
const CLOCK_REFUSE: Duration = Duration::from_secs(300);
/// Beyond the life of a lease, until a preferred number is given up.
const GRACE: Duration = Duration::from_secs(2);

impl Allotment<'_> {
    /// # Errors
    /// Waiting would not help.
    pub(super) async fn take(&self, preferred: Option<u32>) -> Result<Lease, JoinError> {
        let mut waiting = Waiting::default();
        loop {
            match self.try_once(preferred, &mut waiting).await {
                Ok(Some(lease)) => return Ok(lease),
                Ok(None) => {}
                Err(JoinError::Redis(error)) if !error.is_permanent() => {
                    waiting.say("redis", || {
                        tracing::warn!(
                            error = &error as &dyn std::error::Error,
                            "Waiting for Redis, to join the cluster"
                        );
                    });
                }
                Err(error) => return Err(error),
            }
            sleep(self.periods.again).await;
        }
    }

    async fn try_once(
        &self,
        preferred: Option<u32>,
        waiting: &mut Waiting,
    ) -> Result<Option<Lease>, JoinError> {
        let (now, off) = self.time().await?;
        if CLOCK_REFUSE < off {
            return Err(JoinError::Clock { seconds: off.as_secs() });
        }
        if CLOCK_WARN < off && !std::mem::replace(&mut waiting.clock, true) {
            let seconds = off.as_secs();
            tracing::warn!(seconds, "The clock of this machine and the one of Redis differ");
        }
        match preferred {
            Some(node) => self.take_preferred(node, now, waiting).await,
            None => self.take_any(now).await,
        }
    }

    async fn take_preferred(
        &self,
        node: u32,
        now: u64,
        waiting: &mut Waiting,
    ) -> Result<Option<Lease>, JoinError> {
        match self.attempt(node, now).await? {
            Taken::Yes(lease) => Ok(Some(lease)),
            Taken::Held => {
                let until = *waiting
                    .held_until
                    .get_or_insert_with(|| Instant::now() + self.periods.ttl + GRACE);
                if until <= Instant::now() {
                    return Err(JoinError::Taken { node });
                }
                waiting.say("held", || {
                    tracing::warn!(node, "Waiting: another node has the number of this one");
                });
                Ok(None)
            }
            Taken::Resting(time) => {
                let seconds = time.as_secs();
                waiting.say("resting", || {
                    tracing::warn!(
                        node,
                        seconds,
                        "Waiting: another node had the number of this one a moment ago"
                    );
                });
                Ok(None)
            }
        }
    }

    async fn take_any(&self, now: u64) -> Result<Option<Lease>, JoinError> {
        // With the number of last time, what is on its way to this node still arrives here.
        let last: Option<u32> =
            self.redis.query(cmd("GET").arg(hint_key(self.redis, self.owner))).await?;
        let last = last.filter(|it| (1..=ServerId::LAST_LEASE).contains(it));
        for node in last.into_iter().chain(1..=ServerId::LAST_LEASE) {
            if let Taken::Yes(lease) = self.attempt(node, now).await? {
                return Ok(Some(lease));
            }
        }
        Err(JoinError::NoneFree)
    }

    async fn attempt(&self, id: u32, now: u64) -> Result<Taken, RedisError> {
        let mut epoch = now;
        loop {
            let lease = Lease {
                id,
                epoch,
                owner: self.owner.0.clone(),
                workers: self.workers.clone(),
                connections: 0,
                load: 0,
                draining: false,
                presence: Digest::default(),
            };
            let (code, number): (u8, i64) =
                run(self.redis, TAKE, &lease, self.owner, self.periods).await?;
            match code {
                TAKEN => {
                    announce(self.redis, id, self.owner, self.periods).await?;
                    return Ok(Taken::Yes(lease));
                }
                HELD => return Ok(Taken::Held),
                RESTING => {
                    return Ok(Taken::Resting(Duration::from_millis(number.unsigned_abs())));
                }
                // The clock of the server went back.
                _ => epoch = number.unsigned_abs() + 1,
            }
        }
    }

    /// The time of the server in microseconds, from which epochs are made, and how far off ours is.
    async fn time(&self) -> Result<(u64, Duration), RedisError> {
        let before = clock::now();
        let (seconds, micros): (u64, u64) = self.redis.query(&cmd("TIME")).await?;
        let after = clock::now();
        let server = seconds * 1_000 + micros / 1_000;
        Ok((seconds * 1_000_000 + micros, off(before, server, after)))
    }
}

/// How far a clock is off that showed these milliseconds before and after another one was asked.
fn off(before: Time, server: u64, after: Time) -> Duration {
    let (before, after) = (before.0.unsigned_abs(), after.0.unsigned_abs());
    Duration::from_millis(before.saturating_sub(server).max(server.saturating_sub(after)))
}

/// Says once what is waited for.
#[derive(Default)]
struct Waiting {
    said: Option<&'static str>,
    held_until: Option<Instant>,
    /// The clock was complained of.
    clock: bool,
}

impl Waiting {
    fn say(&mut self, what: &'static str, say: impl FnOnce()) {
        if self.said.replace(what) != Some(what) {
            say();
        }
    }
}

/// Renews until `stop`, or until the lease is lost.
pub(super) async fn renew(inner: Arc<Inner>, online: Online, stop: CancellationToken) {
    let mut away = false;
    let mut pause = inner.periods.renewal;
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = inner.renew.notified() => {}
            () = sleep(pause) => {}
        }
        pause = inner.periods.renewal;
        // Given up at once: nothing of it may come after the lease is given back.
        let renewed = stop.run_until_cancelled(renew_once(&inner, &online)).await;
        let Some(renewed) = renewed else { return };
        match renewed {
            Ok(renewed) => {
                if std::mem::take(&mut away) {
                    tracing::info!("The lease of this node is renewed again");
                }
                match renewed {
                    Renewed::Yes => {}
                    Renewed::Again => {
                        tracing::warn!("The lease of this node was gone and is written again");
                        inner.others.lock().hold(inner.periods.patience());
                        inner.reassert.notify_one();
                    }
                    Renewed::Lost => {
                        let lost = Lost { node: inner.process.node };
                        inner.lost.send_replace(Some(lost));
                        return;
                    }
                }
            }
            Err(error) => {
                pause = inner.periods.again;
                inner.others.lock().hold(inner.periods.patience());
                if !std::mem::replace(&mut away, true) {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "The lease of this node cannot be renewed; serving on"
                    );
                }
            }
        }
    }
}

async fn renew_once(inner: &Inner, online: &Online) -> Result<Renewed, RedisError> {
    let lease = {
        let mut lease = inner.lease.lock();
        lease.presence = online.digest();
        lease.clone()
    };
    let (redis, periods) = (&inner.redis, inner.periods);
    let code: u8 = run(redis, RENEW, &lease, &inner.owner, periods).await?;
    if code == LOST {
        return Ok(Renewed::Lost);
    }
    announce(redis, lease.id, &inner.owner, periods).await?;
    Ok(if code == AGAIN { Renewed::Again } else { Renewed::Yes })
}

/// Ends the lease, not the reservation of its number; and what was asserted under it.
pub(super) async fn release(inner: &Inner) -> Result<(), RedisError> {
    let lease = inner.lease.lock().clone();
    let code: u8 = run(&inner.redis, RELEASE, &lease, &inner.owner, inner.periods).await?;
    if code == LOST {
        return Ok(());
    }
    let mut forget = cmd("SREM");
    forget.arg(members_key(inner.redis.prefix())).arg(lease.id);
    let mut withdraw = cmd("DEL");
    withdraw.arg(inner.presence_key(inner.process));
    inner.redis.send_all(&[forget, withdraw], inner.periods.answer).await
}

/// Lets others find the lease, and this owner the number when it comes back.
async fn announce(
    redis: &Redis,
    id: u32,
    owner: &Owner,
    periods: Periods,
) -> Result<(), RedisError> {
    let mut member = cmd("SADD");
    member.arg(members_key(redis.prefix())).arg(id);
    let mut hint = cmd("SET");
    let reserved = millis(periods.ttl + periods.quarantine);
    hint.arg(hint_key(redis, owner)).arg(id).arg("PX").arg(reserved);
    redis.send_all(&[member, hint], periods.answer).await
}

/// The number that an owner had last.
fn hint_key(redis: &Redis, owner: &Owner) -> String {
    format!("{}owner/{}", redis.prefix(), owner.0)
}

/// Whose number it is, beyond the end of the lease. The braces put it into the slot of the lease.
fn quarantine_key(node_key: &str, prefix: &str) -> String {
    format!("{prefix}quarantine/{{{node_key}}}")
}

async fn run<T: crate::redis::FromRedisValue>(
    redis: &Redis,
    script: &str,
    lease: &Lease,
    owner: &Owner,
    periods: Periods,
) -> Result<T, RedisError> {
    let key = node_key(redis.prefix(), lease.id);
    let mut eval = cmd("EVAL");
    eval.arg(format!("{READ}{script}")).arg(2);
    eval.arg(&key).arg(quarantine_key(&key, redis.prefix()));
    eval.arg(&owner.0).arg(lease.epoch).arg(lease.encode());
    eval.arg(millis(periods.ttl)).arg(millis(periods.ttl + periods.quarantine));
    redis.query_within(&eval, periods.answer).await
}

const TAKEN: u8 = 0;
const HELD: u8 = 1;
const RESTING: u8 = 2;

const AGAIN: u8 = 1;
const LOST: u8 = 2;

/// `owner` and `epoch` of the lease or, when it is over, of the reservation; `is_held` tells which. What
/// cannot be read is nobody's. Epochs are below 2^53, so a number of Lua holds them exactly.
const READ: &str = "
local is_held, epoch, owner = false, nil, nil
local held = redis.call('GET', KEYS[1])
if held then
  local fine, lease = pcall(cjson.decode, held)
  if fine and type(lease) == 'table' and type(lease.epoch) == 'number' then
    is_held, epoch, owner = true, lease.epoch, lease.owner
  end
end
if not is_held then
  local rest = redis.call('GET', KEYS[2])
  if rest then
    local first, second = string.match(rest, '^(%d+) (.+)$')
    epoch, owner = tonumber(first), second
  end
end
local mine, at = ARGV[1], tonumber(ARGV[2])
local function write()
  redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
  redis.call('SET', KEYS[2], ARGV[2] .. ' ' .. mine, 'PX', ARGV[5])
end
";

/// Free, or of the same owner: then the epoch must rise.
const TAKE: &str = "
if owner and owner ~= mine then
  if is_held then return {1, redis.call('PTTL', KEYS[1])} end
  return {2, redis.call('PTTL', KEYS[2])}
end
if epoch and at <= epoch then return {3, epoch} end
write()
return {0, 0}
";

/// Only when nobody has come since. An older epoch of the same owner is no one who came: a server that
/// comes back with what it had saved a while ago knows only of the process before this one.
const RENEW: &str = "
if owner and (owner ~= mine or at < epoch) then return 2 end
write()
if is_held then return 0 end
return 1
";

/// The reservation is that of a later process, so that a renewal that was on its way finds itself too late.
const RELEASE: &str = "
if owner and (owner ~= mine or at < epoch) then return 2 end
redis.call('DEL', KEYS[1])
redis.call('SET', KEYS[2], string.format('%.0f', at + 1) .. ' ' .. mine, 'PX', ARGV[5])
return 0
";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_an_answer_takes_is_no_difference_between_clocks() {
        let seconds = |before, server, after| off(Time(before), server, Time(after)).as_secs();
        assert_eq!(seconds(10_000, 12_500, 15_000), 0);
        assert_eq!(seconds(10_000, 3_000, 10_001), 7);
        assert_eq!(seconds(10_000, 400_001, 10_001), 390);
    }
}
