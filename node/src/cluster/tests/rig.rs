//! Members with short periods, one store for all of them, and people who watch.

use std::future::Future;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use thrive_protocol::frame::HEADER;
use thrive_protocol::ids::{SessionId, UserId};
use thrive_protocol::people::{Availability, Presence};
use thrive_protocol::text::{RequestText, StatusText};
use thrive_protocol::{Event, NodeFrame};
use thrive_services::Redis as Server;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use crate::announcer::Announcer;
use crate::cluster::{JoinError, Joining, Membership, Owner, Periods};
use crate::config;
use crate::domain::relation::Pair;
use crate::hub::{Buckets, Hub};
use crate::presence::{Online, Status};
use crate::rate::Rate;
use crate::redis::Redis;
use crate::session::outbox::Outbox;
use crate::store::Database;
use crate::store::contract::ann_and_bob;

/// Short enough for tests, and long enough for a machine that is busy with others.
pub(super) const PERIODS: Periods = Periods {
    ttl: Duration::from_millis(1_500),
    renewal: Duration::from_millis(300),
    quarantine: Duration::from_secs(60),
    poll: Duration::from_millis(100),
    beat: Duration::from_millis(200),
    silence: Duration::from_millis(1_000),
    correct: Duration::from_millis(50),
    statuses: Duration::from_millis(400),
    answer: Duration::from_millis(1_000),
    again: Duration::from_millis(100),
};

pub(super) struct World {
    pub(super) server: Server,
    pub(super) prefix: String,
    pub(super) database: Database,
    /// Contacts of each other.
    pub(super) ann: UserId,
    pub(super) bob: UserId,
    _folder: TempDir,
}

impl World {
    /// On the server of all tests.
    pub(super) async fn new() -> Self {
        Self::on(thrive_services::redis().clone()).await
    }

    /// On a server of its own.
    pub(super) async fn on(server: Server) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("thrive.db")).unwrap();
        let (ann, bob, _) = ann_and_bob(&database).await;
        let ask = |pair: &mut Pair| pair.request(&RequestText::cut("It is Ann."));
        database.change_contact(ann, bob, ask).await.unwrap();
        database.change_contact(bob, ann, Pair::accept).await.unwrap();
        let prefix = server.fresh_prefix();
        Self { server, prefix, database, ann, bob, _folder: folder }
    }

    pub(super) fn config(&self) -> config::Redis {
        let url = config::Url::parse(&self.server.url(), &["redis"]).unwrap();
        config::Redis { url, password_file: None, ca: None, prefix: self.prefix.clone() }
    }

    pub(super) async fn join(
        &self,
        owner: &str,
        node: Option<u32>,
    ) -> Result<Membership, JoinError> {
        self.join_at(owner, node, PERIODS).await
    }

    pub(super) async fn join_at(
        &self,
        owner: &str,
        node: Option<u32>,
        periods: Periods,
    ) -> Result<Membership, JoinError> {
        let redis = Redis::connect(&self.config()).await.unwrap();
        let (owner, workers) = (Owner::of(owner.as_bytes()), vec!["127.0.0.1:9".parse().unwrap()]);
        Membership::join(Joining { redis, node, owner, workers, periods }).await
    }

    pub(super) async fn node(&self, owner: &str) -> Node {
        Node::start(self.join(owner, None).await.unwrap(), &self.database, |_| true)
    }

    pub(super) fn command(&self, words: &[&str]) -> thrive_services::Value {
        self.server.command(words).unwrap()
    }

    pub(super) fn lease_of(&self, node: u32) -> String {
        self.command(&["GET", &format!("{}node/{node}", self.prefix)]).text().to_owned()
    }
}

/// A member with its tasks, and what it shows to its people.
pub(super) struct Node {
    pub(super) membership: Membership,
    pub(super) online: Online,
    pub(super) hub: Hub,
    database: Database,
    stop: CancellationToken,
    tasks: JoinSet<()>,
}

/// Places in what a member has to run.
pub(super) const LISTEN: usize = 3;
pub(super) const POLL: usize = 1;

impl Node {
    /// With those of its tasks that are wanted.
    pub(super) fn start(
        membership: Membership,
        database: &Database,
        wanted: impl Fn(usize) -> bool,
    ) -> Self {
        let (online, hub, stop) = (Online::default(), Hub::default(), CancellationToken::new());
        let mut tasks = JoinSet::new();
        let announcer = Announcer::new(online.clone(), database.clone(), hub.clone());
        tasks.spawn(announcer.run(stop.clone()));
        let work = membership.work(&online, database.clone(), &stop);
        for (_, one) in work.into_iter().enumerate().filter(|(place, _)| wanted(*place)) {
            tasks.spawn(one);
        }
        Self { membership, online, hub, database: database.clone(), stop, tasks }
    }

    /// Somebody connects, as a session does it.
    pub(super) async fn connect(&self, user: UserId) {
        self.online.arrived(user);
        let status = self.database.statuses_of(&[user]).await.unwrap().remove(0).1;
        self.online.learn(user, status);
    }

    pub(super) fn disconnect(&self, user: UserId) {
        self.online.left(user, Instant::now());
    }

    pub(super) async fn choose(&self, user: UserId, availability: Availability) {
        let status = self.database.choose_status(user, presence(availability)).await.unwrap();
        self.online.chose(user, status);
    }

    /// Somebody connects and listens.
    pub(super) async fn watch(&self, user: UserId) -> Watcher {
        let outbox = Outbox::bounded(1 << 20);
        let bucket = Buckets::full(Rate::new(1, 1.0), Rate::new(1, 1.0));
        self.hub.connect(user, SessionId(1), outbox.clone(), bucket, 4);
        self.connect(user).await;
        Watcher { outbox }
    }

    pub(super) async fn sees(&self, user: UserId, availability: Availability) {
        until("is seen", || async { self.online.of(user).availability == availability }).await;
    }

    /// Ends it in order.
    pub(super) async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
        self.membership.leave().await;
    }

    /// Ends it like a power cut.
    pub(super) fn crash(mut self) {
        self.tasks.abort_all();
    }
}

pub(super) struct Watcher {
    outbox: Outbox,
}

impl Watcher {
    /// Waits for the next thing that it is told.
    pub(super) async fn hears(&self, user: UserId, availability: Availability) {
        until("something is told", || async { !self.outbox.is_empty() }).await;
        assert_eq!(self.heard().await, [(user, availability)]);
    }

    /// What it was told since the last call, in order.
    pub(super) async fn heard(&self) -> Vec<(UserId, Availability)> {
        let mut frames = Vec::new();
        while !self.outbox.is_empty() {
            self.outbox.take(&mut frames, 999).await;
        }
        let event = |frame: &bytes::Bytes| match NodeFrame::decode(&frame[HEADER..]) {
            Ok(Some(NodeFrame::Event(Event::Presence { user, presence }))) => {
                (user, presence.availability)
            }
            other => panic!("a presence was expected, not {other:?}"),
        };
        frames.iter().map(event).collect()
    }
}

pub(super) fn presence(availability: Availability) -> Presence {
    Presence::new(availability, StatusText::default())
}

/// Waits for something to become true.
pub(super) async fn until<F: Future<Output = bool>>(what: &str, mut is: impl FnMut() -> F) {
    let wait = async {
        while !is().await {
            sleep(Duration::from_millis(10)).await;
        }
    };
    assert!(timeout(Duration::from_secs(15), wait).await.is_ok(), "never: {what}");
}

/// For what must not happen: long enough for it to happen if it can.
pub(super) async fn for_a_while(time: Duration, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + time;
    while Instant::now() < end {
        assert!(holds());
        sleep(Duration::from_millis(20)).await;
    }
}

/// Never stored, and newer than anything that is.
pub(super) fn newest(availability: Availability) -> Status {
    Status { changed: u64::MAX, presence: presence(availability) }
}
