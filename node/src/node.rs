//! The composition root: builds the parts in order, accepts connections, and takes all apart again.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thrive_protocol::version::close;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::announcer::Announcer;
use crate::appender::Appender;
use crate::bus::{self, Bus, Local};
use crate::clock;
use crate::cluster_secret::SecretError;
use crate::config::Config;
use crate::dispatch::{About, Dispatch};
use crate::hub::Hub;
use crate::password::Hasher;
use crate::presence::Online;
use crate::service::{Services, Settings};
use crate::session::{self, Limits, Shared};
use crate::store::{Database, StoreError};
use crate::tls::{self, Fingerprint, TlsError};
use crate::transport::{Acceptor, BindError, Identity, Keys, Listeners, Peer, Permit};

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
    Data(#[from] crate::data_dir::DataDirError),
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
    #[error("the start was broken off")]
    Interrupted,
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
        let data = crate::data_dir::DataDir::open(&config.data)?;
        let tls::Offer { config: tls, fingerprint, renewal } = tls::server(&config)?;
        let path = data.database();
        let open = tokio::task::spawn_blocking(move || Database::open(&path));
        let database = open.await.map_err(|_| StartError::Interrupted)??;
        let keys = Keys::of(&config, &data.secret()?)?;
        let listeners = Listeners::bind(&config)?;
        let address = listeners.address();
        let lease = config.cluster.as_ref().and_then(|it| it.node);
        let acceptor = listeners.serve(tls, Identity { keys, lease }).await?;
        let stop = CancellationToken::new();
        let parts = Parts::assemble(&config, database, hasher, stop.clone()).await?;
        if let Some(renewal) = renewal {
            parts.tasks.spawn(renewal.watch(parts.background.clone()));
        }
        let serving = tokio::spawn(async move {
            parts.serve(acceptor).await;
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
}

impl Parts {
    async fn assemble(
        config: &Config,
        database: Database,
        hasher: Hasher,
        stop: CancellationToken,
    ) -> Result<Self, StoreError> {
        let hub = Hub::default();
        let online = Online::default();
        let bus = Bus::Local(Local::new(hub.clone(), database.clone()));
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
        let dispatch = Dispatch::new(services, bus.clone(), online.clone(), about);
        // Nothing can fail any more, so nothing is left running by a start that failed.
        let (appender, appending) = Appender::new(database.clone(), bus.clone());
        tasks.spawn(appending);
        tasks.spawn(bus::reconcile(hub.clone(), database.clone(), background.clone()));
        let announcer = Announcer::new(online.clone(), database.clone(), hub.clone());
        tasks.spawn(announcer.run(background.clone()));
        let limits = Arc::new(session_limits(config));
        let bulk = Arc::new(Semaphore::new(BULK));
        let shared = Shared { dispatch, appender, bus, hub, online, limits, bulk, stop };
        Ok(Self { database, shared, background, tasks })
    }

    async fn serve(self, acceptor: Acceptor) {
        let sessions = TaskTracker::new();
        loop {
            let incoming = tokio::select! {
                biased;
                () = self.shared.stop.cancelled() => break,
                incoming = acceptor.attempt() => incoming,
            };
            let Some(incoming) = incoming else { break };
            let (acceptor, shared) = (acceptor.clone(), self.shared.clone());
            sessions.spawn(async move {
                if let Some((peer, permit)) = acceptor.establish(incoming).await {
                    attend(shared, peer, permit).await;
                }
            });
        }
        tracing::info!("Stopping: telling clients, storing what was accepted");
        sessions.close();
        self.say_good_bye(&sessions).await;
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

    /// Each session has sent its `GoAway`; when that is written, or time is up, it ends.
    async fn say_good_bye(&self, sessions: &TaskTracker) {
        let told_by = Instant::now() + GO_AWAY;
        while Instant::now() < told_by && !sessions.is_empty() {
            sleep(Duration::from_millis(20)).await;
        }
        for outbox in self.shared.hub.outboxes() {
            outbox.end(close::GOING_AWAY);
        }
        if timeout(FLUSH, sessions.wait()).await.is_err() {
            tracing::debug!("Some clients did not read their good-bye");
        }
    }
}

/// Bulk answers under way at once: with 1 MiB each, what they may hold together.
const BULK: usize = 128;
/// How long clients have to leave by themselves when the node stops.
const GO_AWAY: Duration = Duration::from_millis(500);
/// How long the last bytes may take, to clients and to the disk.
const FLUSH: Duration = Duration::from_secs(3);

async fn attend(shared: Shared, peer: Peer, permit: Permit) {
    Box::pin(session::serve(shared, peer)).await;
    drop(permit);
}

fn session_limits(config: &Config) -> Limits {
    let limits = &config.limits;
    Limits {
        hello: limits.hello_deadline,
        login: limits.login_deadline,
        stall: limits.write_stall,
        go_away: GO_AWAY,
        outbox: limits.outbox_bytes,
        bulk: limits.bulk_streams,
        messages: limits.messages,
        requests: limits.requests,
    }
}
