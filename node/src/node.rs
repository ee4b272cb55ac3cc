//! The composition root: builds the parts in order, accepts connections, and takes all apart again.

mod good_bye;
mod shared;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::announcer::Announcer;
use crate::appender::Appender;
use crate::bus::{self, Bus, Local, Periods, Speaker};
use crate::clock;
use crate::cluster_secret::SecretError;
use crate::config::Config;
use crate::data_dir::{DataDir, DataDirError};
use crate::dispatch::{About, Dispatch};
use crate::faults;
use crate::hub::Hub;
use crate::password::Hasher;
use crate::presence::Online;
use crate::redis::{Redis, RedisError};
use crate::service::{Services, Settings};
use crate::session::{self, Limits, Shared};
use crate::store::{Database, StoreError};
use crate::tls::{self, Fingerprint, TlsError};
use crate::transport::{Acceptor, BindError, Identity, Keys, Listeners};

use self::good_bye::FLUSH;

/// A node that serves.
pub struct Node {
    address: SocketAddr,
    fingerprint: Fingerprint,
    stop: CancellationToken,
    serving: JoinHandle<()>,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error("open the data folder")]
    Data(#[from] DataDirError),
    #[error("prepare the certificate")]
    Tls(#[from] TlsError),
    #[error("open the database")]
    Store(#[from] StoreError),
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(transparent)]
    Bind(#[from] BindError),
    #[error("start the threads that hash passwords")]
    Hasher(#[source] std::io::Error),
    #[error("connect to Redis")]
    Redis(#[from] RedisError),
}

impl Node {
    /// Opens the data folder, binds the socket and serves.
    ///
    /// # Errors
    /// Something of that is not possible; nothing is left running then.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        Self::start_with(config, Hasher::start().map_err(StartError::Hasher)?).await
    }

    /// The same with passwords hashed at a cost of the caller's choice, which tests keep low.
    ///
    /// # Errors
    /// As [`Self::start`].
    pub async fn start_with(config: Config, hasher: Hasher) -> Result<Self, StartError> {
        faults::arm(config.faults);
        let data = DataDir::open(&config.data)?;
        let tls::Offer { config: tls, fingerprint, renewal } = tls::server(&config)?;
        let keys = Keys::of(&config, &data.secret()?)?;
        // Before anything that takes long, so that a port that is taken is told at once.
        let listeners = Listeners::bind(&config)?;
        let address = listeners.address();
        let database = shared::database(&config, &data).await?;
        let lease = config.cluster.as_ref().and_then(|it| it.node);
        let redis = match &config.redis {
            Some(redis) => Some(Redis::reach(redis).await?),
            None => None,
        };
        let acceptor = listeners.serve(tls, Identity { keys, lease }).await?;
        let parts = Parts::assemble(&config, database, hasher, redis).await?;
        if let Some(renewal) = renewal {
            parts.tasks.spawn(renewal.watch(parts.background.clone()));
        }
        let stop = CancellationToken::new();
        let asked = stop.clone();
        let serving = tokio::spawn(async move {
            parts.serve(acceptor, asked).await;
            drop(data);
        });
        Ok(Self { address, fingerprint, stop, serving })
    }

    /// Where it listens; the port is a real one even when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub fn fingerprint(&self) -> &Fingerprint {
        &self.fingerprint
    }

    /// Returns when the node has stopped serving without being asked to.
    pub async fn ended(&mut self) {
        // How it ended is told by `stop`, which is called next.
        drop((&mut self.serving).await);
    }

    /// Says good-bye to every client, stores what was accepted, and ends.
    pub async fn stop(self) {
        self.stop.cancel();
        if !self.serving.is_finished()
            && let Err(error) = self.serving.await
        {
            tracing::error!(error = &error as &dyn std::error::Error, "The node did not end well");
        }
    }
}

/// Everything that runs, between assembly and end.
struct Parts {
    database: Database,
    shared: Shared,
    /// Not part of `shared.stop`, so that work goes on while clients are told.
    background: CancellationToken,
    tasks: TaskTracker,
    clustered: bool,
}

impl Parts {
    async fn assemble(
        config: &Config,
        database: Database,
        hasher: Hasher,
        redis: Option<Redis>,
    ) -> Result<Self, StoreError> {
        let hub = Hub::default();
        let online = Online::default();
        let background = CancellationToken::new();
        let tasks = TaskTracker::new();
        let settings = Settings {
            sign_up: config.sign_up,
            logins: config.limits.logins,
            sign_ups: config.limits.sign_ups,
        };
        let services = Services::new(database.clone(), hasher, online.clone(), settings).await?;
        let about =
            About { server: config.name.clone(), sign_up: config.sign_up, started: clock::now() };
        // Nothing can fail any more, so nothing is left running by a start that failed.
        let bus = match redis {
            Some(redis) => {
                let node = config.cluster.as_ref().and_then(|it| it.node).unwrap_or_default();
                let me = Speaker { node, epoch: clock::now().0.unsigned_abs() };
                let periods = Periods::PRODUCTION;
                let (hub, database) = (hub.clone(), database.clone());
                let (bus, work) = Bus::redis(me, hub, database, redis, periods, background.clone());
                for one in work {
                    tasks.spawn(one);
                }
                bus
            }
            None => {
                let reconcile = bus::reconcile(hub.clone(), database.clone(), background.clone());
                tasks.spawn(reconcile);
                Bus::Local(Local::new(hub.clone(), database.clone()))
            }
        };
        let dispatch = Dispatch::new(services, bus.clone(), online.clone(), about);
        let (appender, appending) = Appender::new(database.clone(), bus.clone());
        tasks.spawn(appending);
        let announcer = Announcer::new(online.clone(), database.clone(), hub.clone());
        tasks.spawn(announcer.run(background.clone()));
        let limits = Arc::new(session_limits(config));
        let bulk = Arc::new(Semaphore::new(BULK));
        let stop = CancellationToken::new();
        let shared = Shared { dispatch, appender, bus, hub, online, limits, bulk, stop };
        Ok(Self { database, shared, background, tasks, clustered: config.cluster.is_some() })
    }

    /// Serves until `asked` to stop, or until the store can do nothing more; then hands everybody over.
    async fn serve(self, acceptor: Acceptor, asked: CancellationToken) {
        let sessions = TaskTracker::new();
        tokio::select! {
            biased;
            () = asked.cancelled() => {}
            () = self.database.broken() => {
                tracing::error!("The store can do nothing more: the node ends");
            }
            () = self.accept(&acceptor, &sessions) => {}
        }
        tracing::info!(connections = sessions.len(), "Stopping: clients are told to go elsewhere");
        acceptor.drain();
        sessions.close();
        let refused = TaskTracker::new();
        let farewell = async {
            if self.clustered {
                sleep(good_bye::ROUTERS_KNOW).await;
            }
            self.shared.stop.cancel();
            good_bye::say(&self.shared.hub, &sessions, self.shared.limits.go_away).await;
        };
        tokio::select! {
            () = farewell => {}
            // Whoever still comes is turned away at once, and need not find out by waiting.
            () = self.accept(&acceptor, &refused) => {}
        }
        drop(timeout(FLUSH, acceptor.close()).await);
        self.background.cancel();
        let Self { database, shared, tasks, .. } = self;
        drop(shared);
        tasks.close();
        if timeout(FLUSH, tasks.wait()).await.is_err() {
            tracing::warn!("Background work did not end in time");
        }
        database.close().await;
        tracing::info!("Stopped");
    }

    /// Lets in whoever may come, until the sockets are closed.
    async fn accept(&self, acceptor: &Acceptor, sessions: &TaskTracker) {
        while let Some(incoming) = acceptor.attempt().await {
            let (acceptor, shared) = (acceptor.clone(), self.shared.clone());
            sessions.spawn(async move {
                if let Some((peer, permit)) = acceptor.establish(incoming).await {
                    Box::pin(session::serve(shared, peer)).await;
                    drop(permit);
                }
            });
        }
    }
}

/// Bulk answers under way at once: with 1 MiB each, what they may hold together.
const BULK: usize = 128;

fn session_limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        hello: limits.hello_deadline,
        login: limits.login_deadline,
        stall: limits.write_stall,
        go_away: good_bye::of(config),
        outbox: limits.outbox_bytes,
        bulk: limits.bulk_streams,
        messages: limits.messages,
        requests: limits.requests,
    }
}
