//! For the tests of the bus: one database, and nodes on it with somebody connected to each.

use std::time::Duration;

use thrive_protocol::frame::HEADER;
use thrive_protocol::ids::{ConversationId, Seq, SessionId, Time, UserId};
use thrive_protocol::text::DeviceName;
use thrive_protocol::{Event, NodeFrame};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::config;
use crate::config::Url;
use crate::hub::Buckets;
use crate::rate::Rate;
use crate::store::contract::{account, ann_and_bob, message};
use crate::store::sessions::NewSession;

/// Long enough that it never comes.
pub(super) const NEVER: Duration = Duration::from_secs(3600);
/// How long a test waits for what must come.
const PATIENCE: Duration = Duration::from_secs(20);

/// Ann and Bob, and what they said.
pub(super) struct World {
    pub(super) database: Database,
    pub(super) ann: UserId,
    pub(super) bob: UserId,
    pub(super) chat: ConversationId,
    prefix: String,
    _folder: tempfile::TempDir,
}

/// A node with one person connected, who follows all conversations from where they stand.
pub(super) struct Side {
    pub(super) hub: Hub,
    pub(super) bus: Bus,
    pub(super) user: UserId,
    pub(super) session: SessionId,
    pub(super) outbox: Outbox,
    tasks: JoinSet<()>,
    _stop: tokio_util::sync::DropGuard,
}

/// What nobody has to wait for: nothing is compared with the store, nobody looks for silence.
pub(super) fn quiet() -> Periods {
    Periods {
        compare: NEVER,
        compare_degraded: NEVER,
        sessions: NEVER,
        gap: Duration::from_millis(5),
        canary: NEVER,
        silence: NEVER,
        ..Periods::PRODUCTION
    }
}

/// All that heals, in a hurry.
pub(super) fn eager() -> Periods {
    Periods {
        compare: Duration::from_millis(300),
        compare_degraded: Duration::from_millis(100),
        sessions: Duration::from_millis(200),
        gap: Duration::from_millis(5),
        canary: Duration::from_millis(200),
        silence: Duration::from_millis(800),
        again: (Duration::from_millis(20), Duration::from_millis(200)),
        ..Periods::PRODUCTION
    }
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("thrive.db")).unwrap();
        let (ann, bob, chat) = ann_and_bob(&database).await;
        let prefix = thrive_services::redis().fresh_prefix();
        Self { database, ann, bob, chat, prefix, _folder: folder }
    }

    /// Stores messages of Ann with these numbers and says nothing of it.
    pub(super) async fn store(&self, numbers: std::ops::RangeInclusive<u64>) -> Vec<Committed> {
        self.store_in(self.chat, numbers).await
    }

    pub(super) async fn store_in(
        &self,
        chat: ConversationId,
        numbers: std::ops::RangeInclusive<u64>,
    ) -> Vec<Committed> {
        let after = Seq(numbers.start() - 1);
        let count = numbers.clone().count();
        let batch = numbers.map(|number| message(chat, self.ann, number)).collect();
        self.database.append(batch).await.unwrap();
        let entries = self.database.entries_after(chat, after, count).await.unwrap();
        assert_eq!(entries.len(), count);
        entries.into_iter().map(|entry| Committed { entry, origin: None }).collect()
    }

    pub(super) async fn account(&self, name: &str) -> UserId {
        account(&self.database, name).await
    }

    /// Makes a conversation and says nothing of it.
    pub(super) async fn open(&self, one: UserId, other: UserId) -> ConversationId {
        let now = crate::clock::now();
        self.database.create_direct(one, other, now).await.unwrap().unwrap()
    }

    pub(super) async fn session(&self, user: UserId) -> SessionId {
        let new = NewSession {
            user,
            verified: "$argon2id$".to_owned(),
            token_hash: crate::random::bytes(),
            device: DeviceName::cut("test"),
            created: Time(1_800_000_000_000),
            at_most: 20,
        };
        self.database.begin_session(&new).await.unwrap().unwrap().session
    }

    /// A node that shares this Redis with others.
    pub(super) async fn node(&self, url: &str, user: UserId, periods: Periods) -> Side {
        let url = Url::parse(url, &["redis"]).unwrap();
        let prefix = self.prefix.clone();
        let config = config::Redis { url, password_file: None, ca: None, prefix };
        let redis = crate::redis::Redis::connect(&config).await.unwrap();
        let me = Speaker { node: 1, epoch: u64::from_be_bytes(crate::random::bytes()) };
        let (hub, stop) = (Hub::default(), CancellationToken::new());
        let (bus, tasks) =
            Bus::redis(me, hub.clone(), self.database.clone(), redis, periods, stop.clone());
        self.side(hub, bus, tasks, user, stop).await
    }

    /// The same on the Redis of all tests, when it hears.
    pub(super) async fn hearing(&self, user: UserId, periods: Periods) -> Side {
        let side = self.node(&thrive_services::redis().url(), user, periods).await;
        side.sound().await;
        side
    }

    pub(super) fn channel(&self, partition: usize) -> String {
        format!("{}bus/{{p{partition}}}", self.prefix)
    }

    async fn side(
        &self,
        hub: Hub,
        bus: Bus,
        tasks: Tasks,
        user: UserId,
        stop: CancellationToken,
    ) -> Side {
        let outbox = Outbox::bounded(64 << 20);
        let session = self.session(user).await;
        hub.connect(
            user,
            session,
            outbox.clone(),
            Buckets::full(Rate::new(1, 1.0), Rate::new(1, 1.0)),
            4,
        );
        let heads = self.database.heads_of(user).await.unwrap();
        hub.follow(user, heads.iter().map(|head| head.conversation));
        hub.raise(heads);
        let tasks = tasks.into_iter().collect();
        Side { hub, bus, user, session, outbox, tasks, _stop: stop.drop_guard() }
    }
}

impl Side {
    pub(super) fn figures(&self) -> Snapshot {
        self.bus.figures().snapshot()
    }

    /// Waits until the bus works, and what a break of it causes is done.
    pub(super) async fn sound(&self) {
        self.until("the bus works", |it| {
            let standing = it.bus.health().now();
            !standing.is_degraded() && standing.breaks <= it.figures().comparisons
        })
        .await;
    }

    pub(super) async fn until(&self, what: &str, done: impl Fn(&Self) -> bool) {
        let deadline = tokio::time::Instant::now() + PATIENCE;
        while !done(self) {
            assert!(
                tokio::time::Instant::now() < deadline,
                "not in time: {what}; {:?} {:?}",
                self.bus.health().now(),
                self.figures()
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    /// The next events.
    pub(super) async fn events(&self, count: usize) -> Vec<Event> {
        let mut frames = Vec::new();
        while frames.len() < count {
            let (so_far, mut more) = (frames.len(), Vec::new());
            let taken = self.outbox.take(&mut more, count - so_far);
            let taken = timeout(PATIENCE, taken).await;
            assert!(taken.is_ok(), "{so_far} of {count} events came; {:?}", self.figures());
            frames.append(&mut more);
        }
        let event = |frame: &bytes::Bytes| match NodeFrame::decode(&frame[HEADER..]) {
            Ok(Some(NodeFrame::Event(event))) => event,
            other => panic!("an event was expected, not {other:?}"),
        };
        frames.iter().map(event).collect()
    }

    /// Hears these entries next, in this order, each once. The first of a conversation may come with its
    /// introduction.
    pub(super) async fn hears(&self, numbers: std::ops::RangeInclusive<u64>) {
        let mut seqs = Vec::new();
        while seqs.len() < numbers.clone().count() {
            for event in self.events(numbers.clone().count() - seqs.len()).await {
                match event {
                    Event::Entry(entry) => seqs.push(entry.seq.0),
                    Event::Conversation(it) if seqs.is_empty() && it.head == Seq::START => {}
                    other => panic!("an entry was expected, not {other:?}"),
                }
            }
        }
        assert_eq!(seqs, numbers.collect::<Vec<_>>());
    }

    pub(super) fn hears_nothing(&self) {
        assert!(self.outbox.is_empty(), "nothing was to be heard");
    }

    /// Ends the node like a stop does: the last handle of the bus goes, and what waits is said.
    pub(super) async fn leave(self) {
        let Self { bus, hub, mut tasks, _stop, .. } = self;
        drop((bus, hub, _stop));
        while let Some(ended) = timeout(PATIENCE, tasks.join_next()).await.unwrap() {
            ended.unwrap();
        }
    }
}
