//! The composition root: builds the parts in order, accepts connections, and takes all apart again.

mod good_bye;
mod shared;
mod work;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::announcer::Announcer;
use crate::appender::Appender;
use crate::bus::{self, Bus, Local, Periods, Speaker, Tasks};
use crate::clock;
use crate::cluster::{JoinError, Lost, Membership};
use crate::cluster_secret::SecretError;
use crate::config::Config;
use crate::console::Console;
use crate::data_dir::{DataDir, DataDirError};
use crate::dispatch::{About, Dispatch};
use crate::faults;
use crate::files::{Depot, DepotError, Nudge, Sweeper};
use crate::hub::Hub;
use crate::last_seen;
use crate::mail::{self, Mailer, Means, Post, PostError};
use crate::orders::Ending;
use crate::password::Hasher;
use crate::presence::Online;
use crate::redis::RedisError;
use crate::service::{Around, FileRoom, Services, Settings};
use crate::session::{self, Limits, Shared};
use crate::store::{Database, StoreError};
use crate::tls::{self, Fingerprint, TlsError};
use crate::transport::{Acceptor, BindError, Identity, Keys, Listeners};

use self::good_bye::FLUSH;
use self::shared::Community;
use self::work::Work;

/// A node that serves.
pub struct Node {
    address: SocketAddr,
    fingerprint: Fingerprint,
    stop: CancellationToken,
    console: Console,
    serving: JoinHandle<Option<Ending>>,
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
    #[error("prepare to send mail")]
    Mail(#[from] PostError),
    #[error("prepare the place for files")]
    Files(#[from] DepotError),
    #[error("join the cluster")]
    Join(#[from] JoinError),
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
        let keys = Keys::of(&config, &data.secret()?)?;
        let post = config.smtp.as_ref().map(Post::new).transpose()?;
        let tls::Offer { config: tls, fingerprint, renewal } = tls::server(&config)?;
        let depot = Depot::open(&config.files.place)?;
        // Before anything that takes long, so that a port that is taken is told at once.
        let listeners = Listeners::bind(&config)?;
        let address = listeners.address();
        let database = shared::database(&config, &data).await?;
        let community = shared::community(&config, &data, listeners.workers()).await?;
        let lease = match &community {
            Some(community) => Some(community.membership.process().node),
            // Without Redis, somebody must have given numbers to the nodes that routers know by name.
            None => config.cluster.as_ref().and_then(|it| it.node),
        };
        let acceptor = listeners.serve(tls, Identity { keys, lease }).await?;
        let parts = Parts::assemble(&config, database, depot, hasher, post, community).await?;
        if let Some(renewal) = renewal {
            parts.work.spawn(renewal.watch(parts.background.clone()));
        }
        let stop = CancellationToken::new();
        let asked = stop.clone();
        let console = parts.console.clone();
        let serving = tokio::spawn(async move {
            let ending = parts.serve(acceptor, asked).await;
            drop(data);
            ending
        });
        Ok(Self { address, fingerprint, stop, console, serving })
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

    /// Where the host gives orders to it.
    #[must_use]
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// Returns when the node has stopped serving: because an admin said so, or for a fault that the log
    /// tells of.
    pub async fn ended(&mut self) -> Option<Ending> {
        (&mut self.serving).await.ok().flatten()
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
    work: Work,
    membership: Option<Membership>,
    console: Console,
    /// Routers may be sending us people.
    routed: bool,
}

impl Parts {
    async fn assemble(
        config: &Config,
        database: Database,
        depot: Option<Depot>,
        hasher: Hasher,
        post: Option<Post>,
        community: Option<Community>,
    ) -> Result<Self, StoreError> {
        let hub = Hub::default();
        let online = Online::default();
        let background = CancellationToken::new();
        let work = Work::default();
        let mailing = post.map(|post| {
            let server = config.name.clone();
            let means = Means { database: database.clone(), hasher: hasher.clone(), post, server };
            Mailer::new(means, background.clone())
        });
        let (mailer, mailing) = mailing.unzip();
        let settings = Settings {
            sign_up: config.sign_up,
            welcome: config.welcome.after_login.clone(),
            logins: config.limits.logins,
            sign_ups: config.limits.sign_ups,
            mails: config.limits.mails,
            codes: config.limits.codes,
            mailer,
            first_is_admin: config.database.is_none() && config.cluster.is_none(),
        };
        let nudge = Nudge::default();
        let room =
            FileRoom { depot: depot.clone(), settings: config.files.clone(), nudge: nudge.clone() };
        let (bus, membership, tasks) = match community {
            Some(Community { membership, bus }) => {
                let me = membership.process();
                let me = Speaker { node: me.node, epoch: me.epoch };
                let periods = Periods::PRODUCTION;
                let (hub, stop) = (hub.clone(), background.clone());
                let (bus, mut tasks) = Bus::redis(me, hub, database.clone(), bus, periods, stop);
                tasks.extend(membership.work(&online, database.clone(), &background));
                (bus, Some(membership), tasks)
            }
            None => {
                // A file is nobody else's; a server may be shared with nodes that are not heard.
                let (others, stop) = (config.database.is_some(), background.clone());
                let local = Local::new(hub.clone(), database.clone());
                let tasks: Tasks = vec![Box::pin(bus::reconcile(local.clone(), others, stop))];
                (Bus::Local(local), None, tasks)
            }
        };
        let around = Around {
            orders: hub.orders(),
            membership: membership.clone(),
            bus: Some(bus.health()),
            has_mail: mailing.is_some(),
        };
        let services =
            Services::new(database.clone(), hasher, online.clone(), settings, room, around).await?;
        let about = About {
            server: config.name.clone(),
            sign_up: config.sign_up,
            email_required: mailing.is_some(),
            started: clock::now(),
            address: config.address.clone(),
            welcome: config.welcome.before_login.clone(),
        };
        // Nothing can fail any more, so nothing is left running by a start that failed.
        for task in tasks {
            work.spawn(task);
        }
        if let Some(mailing) = mailing {
            work.spawn(mailing);
        }
        work.spawn(mail::sweep(database.clone(), background.clone()));
        let dispatch = Dispatch::new(services, bus.clone(), online.clone(), about);
        let (appender, appending) = Appender::new(database.clone(), bus.clone());
        work.spawn(appending);
        let announcer = Announcer::new(online.clone(), database.clone(), hub.clone());
        work.spawn(announcer.run(background.clone()));
        if let Some(depot) = depot {
            let keep = config.files.keep;
            let sweeper =
                Sweeper { database: database.clone(), depot, nudge, keep, clock: clock::now };
            work.spawn(sweeper.run(background.clone()));
        }
        work.spawn(last_seen::keep(online.clone(), database.clone(), background.clone()));
        let limits = Arc::new(session_limits(config));
        let bulk = Arc::new(Semaphore::new(BULK));
        let transfers = Arc::new(Semaphore::new(config.limits.files_at_once));
        let stop = CancellationToken::new();
        let console = Console::new(dispatch.clone(), bus.clone());
        let shared = Shared { dispatch, appender, bus, hub, online, limits, bulk, transfers, stop };
        let routed = config.cluster.is_some();
        Ok(Self { database, shared, background, work, membership, console, routed })
    }

    /// Serves until `asked` to stop, until an admin says so, or until the store can do nothing more; then
    /// hands everybody over.
    async fn serve(self, acceptor: Acceptor, asked: CancellationToken) -> Option<Ending> {
        let (sessions, orders) = (TaskTracker::new(), self.shared.hub.orders());
        let mut ending = None;
        tokio::select! {
            biased;
            () = asked.cancelled() => {}
            given = orders.given() => {
                tracing::info!(?given, "An admin ends the node");
                ending = Some(given);
            }
            () = self.database.broken() => {
                tracing::error!("The store can do nothing more: the node ends");
            }
            () = self.work.broken() => {
                tracing::error!("A part of the node has failed, by a fault in it: the node ends");
            }
            lost = self.displaced() => {
                tracing::error!(error = &lost as &dyn std::error::Error, "The node ends");
            }
            () = self.report(&acceptor) => {}
            () = self.accept(&acceptor, &sessions) => {
                tracing::error!("The sockets are closed, and nobody asked for it: the node ends");
            }
        }
        tracing::info!(connections = sessions.len(), "Stopping: clients are told to go elsewhere");
        acceptor.drain();
        sessions.close();
        let refused = TaskTracker::new();
        if let Some(membership) = &self.membership {
            membership.set_draining();
        }
        let farewell = async {
            if self.routed {
                sleep(good_bye::ROUTERS_KNOW).await;
            }
            self.shared.stop.cancel();
            let go_away = if self.alone() { good_bye::ALONE } else { self.shared.limits.go_away };
            good_bye::say(&self.shared.hub, &sessions, go_away).await;
        };
        tokio::select! {
            () = farewell => {}
            // Whoever still comes is turned away at once, and need not find out by waiting.
            () = self.accept(&acceptor, &refused) => {}
        }
        drop(timeout(FLUSH, acceptor.close()).await);
        self.background.cancel();
        let Self { database, shared, work, membership, console, .. } = self;
        console.close();
        drop(shared);
        if timeout(FLUSH, work.ended()).await.is_err() {
            tracing::warn!("Background work did not end in time");
        }
        if let Some(membership) = membership {
            membership.leave().await;
        }
        database.close().await;
        tracing::info!("Stopped");
        ending
    }

    /// Whether there is no other node that would take our people in.
    fn alone(&self) -> bool {
        let Some(membership) = &self.membership else { return !self.routed };
        let me = membership.process().node;
        !membership.members().iter().any(|it| it.id != me && !it.draining)
    }

    /// Another process has the number of this node, and routers will send it our people.
    async fn displaced(&self) -> Lost {
        match &self.membership {
            Some(membership) => membership.lost().await,
            None => std::future::pending().await,
        }
    }

    /// Writes into the lease how busy the node is.
    async fn report(&self, acceptor: &Acceptor) {
        let Some(membership) = &self.membership else { return std::future::pending().await };
        loop {
            let connections = u32::try_from(acceptor.connections()).unwrap_or(u32::MAX);
            membership.set_load(connections, acceptor.load());
            sleep(REPORT).await;
        }
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

/// How old the load in the lease may be; routers ask the node itself much more often.
const REPORT: Duration = Duration::from_secs(1);
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
        // Never less than one of its connections may ask for.
        account_requests: limits.account_requests.max(limits.requests),
        file_turn: limits.file_turn,
        file_pace: limits.file_pace,
    }
}
