//! The handle to Redis: one connection that all commands share and that comes back by itself, and
//! connections of their own for who listens. Who asks what is not known here.
//!
//! Nothing waits for a server that is away: while there is no connection a command fails at once, and a
//! task tries to connect, with a bounded back-off. A server that was stopped (the connection stands, no
//! answer comes) is found by the time a command may take.

mod error;
mod listen;
mod opening;

use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use ::redis::aio::ConnectionLike as _;
use parking_lot::Mutex;
use tokio::time::{sleep, timeout};

pub use self::error::RedisError;
pub use self::listen::{Message, PubSub};
use self::opening::{Link, Opening};
use crate::config;
pub use ::redis::{Cmd, FromRedisValue, Value, cmd};

/// A cheap handle.
#[derive(Clone)]
pub struct Redis {
    inner: Arc<Inner>,
}

struct Inner {
    opening: Opening,
    prefix: String,
    /// Guards a few fields; never held over an await.
    line: Mutex<Line>,
}

/// The connection for commands, or its absence.
struct Line {
    link: Option<Link>,
    /// Counts connections, so that a failure of the last one does not end the present one.
    generation: u64,
    /// When the server was last heard of.
    heard: Instant,
}

/// What a command may take when its caller has no other idea.
pub const ANSWER: Duration = Duration::from_secs(1);
/// A server that is silent for so long, while it is asked, is dialed anew.
const SILENCE: Duration = Duration::from_secs(1);
const FIRST_DELAY: Duration = Duration::from_millis(50);
const LAST_DELAY: Duration = Duration::from_millis(500);

impl Redis {
    /// Connects once.
    ///
    /// # Errors
    /// The settings are of no use, or the server cannot be reached now; see [`RedisError::is_permanent`].
    pub async fn connect(config: &config::Redis) -> Result<Self, RedisError> {
        let opening = Opening::prepare(config)?;
        let (opening, link) = opening.first().await?;
        let line = Line { link: Some(link), generation: 0, heard: Instant::now() };
        let inner = Inner { opening, prefix: config.prefix.clone(), line: Mutex::new(line) };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// Connects as soon as the server can be reached, however long that takes, and says what it waits for.
    ///
    /// # Errors
    /// Waiting would not help.
    pub async fn reach(config: &config::Redis) -> Result<Self, RedisError> {
        let mut said: Option<Instant> = None;
        loop {
            match Self::connect(config).await {
                Ok(redis) => return Ok(redis),
                Err(error) if error.is_permanent() => return Err(error),
                Err(error) if said.is_none_or(|at| REMIND <= at.elapsed()) => {
                    said = Some(Instant::now());
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(redis.url = %config.url, error, "Waiting for Redis");
                }
                Err(_) => {}
            }
            sleep(LAST_DELAY).await;
        }
    }

    /// What every key and channel begins with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.inner.prefix
    }

    /// Whether keys and channels are spread over several servers: then a script may only touch keys of
    /// one slot, and channels are sharded (`SSUBSCRIBE`, `SPUBLISH`).
    #[must_use]
    pub fn is_cluster(&self) -> bool {
        self.inner.opening.is_cluster()
    }

    /// Whether there is a connection now.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.inner.line.lock().link.is_some()
    }

    /// Runs one command, for [`ANSWER`] at most.
    ///
    /// # Errors
    /// No connection, no answer in time, or the server refused.
    pub async fn query<T: FromRedisValue>(&self, command: &Cmd) -> Result<T, RedisError> {
        self.query_within(command, ANSWER).await
    }

    /// Runs one command, for `wait` at most.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn query_within<T: FromRedisValue>(
        &self,
        command: &Cmd,
        wait: Duration,
    ) -> Result<T, RedisError> {
        let (mut link, generation) = self.link()?;
        let answer = match &mut link {
            Link::Single(it) => timeout(wait, it.req_packed_command(command)).await,
            Link::Cluster(it) => timeout(wait, it.req_packed_command(command)).await,
        };
        let value = self.judge(generation, answer)?;
        let value = value.extract_error().map_err(|error| self.refused(generation, error))?;
        ::redis::from_redis_value(value).map_err(|error| RedisError::Unexpected(error.into()))
    }

    /// Sends commands together and waits for all of them, for `wait` at most. What they answer is of no
    /// interest. On one server they are one write; in a cluster, one for each.
    ///
    /// # Errors
    /// The first error; others may have taken effect.
    pub async fn send_all(&self, commands: &[Cmd], wait: Duration) -> Result<(), RedisError> {
        if commands.is_empty() {
            return Ok(());
        }
        let (link, generation) = self.link()?;
        match link {
            Link::Single(mut it) => {
                let mut pipeline = ::redis::Pipeline::with_capacity(commands.len());
                for command in commands {
                    pipeline.add_command(command.clone()).ignore();
                }
                let answers = it.req_packed_commands(&pipeline, 0, commands.len());
                let answers = self.judge(generation, timeout(wait, answers).await)?;
                for answer in answers {
                    answer.extract_error().map_err(|error| self.refused(generation, error))?;
                }
            }
            Link::Cluster(it) => {
                let one = |command: &Cmd| {
                    let (mut it, command) = (it.clone(), command.clone());
                    async move { it.req_packed_command(&command).await }
                };
                let all = futures_util::future::try_join_all(commands.iter().map(one));
                self.judge(generation, timeout(wait, all).await)?;
            }
        }
        Ok(())
    }

    /// Runs commands on one key, all or none, for `wait` at most. What they answer is of no interest.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn transaction(&self, commands: &[Cmd], wait: Duration) -> Result<(), RedisError> {
        let mut pipeline = ::redis::Pipeline::with_capacity(commands.len());
        pipeline.atomic();
        for command in commands {
            pipeline.add_command(command.clone()).ignore();
        }
        let (link, generation) = self.link()?;
        let answer = match link {
            Link::Single(mut it) => timeout(wait, pipeline.exec_async(&mut it)).await,
            Link::Cluster(mut it) => timeout(wait, pipeline.exec_async(&mut it)).await,
        };
        self.judge(generation, answer)
    }

    /// A connection of its own, for listening. It does not come back by itself: whoever listens must
    /// look again for what it missed, and so has to know.
    ///
    /// # Errors
    /// The server cannot be reached now.
    pub async fn pubsub(&self) -> Result<PubSub, RedisError> {
        self.inner.opening.pubsub().await
    }

    fn link(&self) -> Result<(Link, u64), RedisError> {
        let line = self.inner.line.lock();
        line.link.clone().map(|link| (link, line.generation)).ok_or(RedisError::NoConnection)
    }

    /// Draws the conclusions for the connection.
    fn judge<T>(
        &self,
        generation: u64,
        answer: Result<Result<T, ::redis::RedisError>, tokio::time::error::Elapsed>,
    ) -> Result<T, RedisError> {
        let error = match answer {
            Ok(Ok(value)) => {
                self.inner.line.lock().heard = Instant::now();
                return Ok(value);
            }
            Ok(Err(error)) if error.is_unrecoverable_error() => RedisError::from(error),
            Ok(Err(error)) => {
                self.inner.line.lock().heard = Instant::now();
                return Err(error.into());
            }
            Err(_) => {
                if self.inner.line.lock().heard.elapsed() < SILENCE {
                    return Err(RedisError::Slow);
                }
                RedisError::Slow
            }
        };
        self.lose(generation, &error);
        Err(error)
    }

    /// The server answered, and it was no.
    fn refused(&self, generation: u64, error: ::redis::RedisError) -> RedisError {
        let is_replica = error.code() == Some("READONLY");
        let error = RedisError::from(error);
        if is_replica {
            // Another server writes now; the name of the server leads to it, this connection does not.
            self.lose(generation, &error);
        }
        error
    }

    fn lose(&self, generation: u64, error: &RedisError) {
        {
            let mut line = self.inner.line.lock();
            if line.generation != generation || line.link.is_none() {
                return;
            }
            line.link = None;
        }
        let error = error as &dyn std::error::Error;
        tracing::warn!(error, "The connection to Redis is lost; connecting again");
        tokio::spawn(come_back(Arc::downgrade(&self.inner)));
    }
}

/// How often a start that waits says so.
const REMIND: Duration = Duration::from_secs(30);

/// Connects again and ends; or ends when nobody holds the handle any more.
async fn come_back(inner: Weak<Inner>) {
    let (mut delay, mut attempts, mut said) = (FIRST_DELAY, 0_u64, None);
    loop {
        attempts += 1;
        // Spread, so that nodes do not dial together.
        sleep(delay / 2 + delay.mul_f64(f64::from(crate::random::byte()) / 512.0)).await;
        delay = (delay * 2).min(LAST_DELAY);
        let Some(inner) = inner.upgrade() else { return };
        match inner.opening.link().await {
            Ok(link) => {
                let mut line = inner.line.lock();
                line.link = Some(link);
                line.generation += 1;
                line.heard = Instant::now();
                tracing::info!(attempts, "Redis is back");
                return;
            }
            // Said once for each reason: somebody has to change a setting, and may take hours for it.
            Err(error) if error.is_permanent() && said.as_ref() != Some(&error.to_string()) => {
                said = Some(error.to_string());
                let error = &error as &dyn std::error::Error;
                tracing::error!(error, "Redis refuses this node; trying on");
            }
            Err(error) => {
                tracing::debug!(error = &error as &dyn std::error::Error, "Redis is still away");
            }
        }
    }
}

#[cfg(test)]
mod tests;
