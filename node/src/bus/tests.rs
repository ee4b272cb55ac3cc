//! What the bus loses is found again.

use thrive_protocol::frame::HEADER;
use thrive_protocol::ids::{ConversationId, SessionId, UserId};
use thrive_protocol::{Event, NodeFrame};

use super::reconcile::compare;
use super::*;
use crate::hub::Hub;
use crate::rate::{Bucket, Rate};
use crate::store::Database;
use crate::store::contract::{ann_and_bob, message};

struct Listener {
    hub: Hub,
    outbox: Outbox,
}

impl Listener {
    /// Bob, connected and following his conversation from where it stands.
    async fn start(database: &Database, bob: UserId) -> Self {
        let hub = Hub::default();
        let outbox = Outbox::bounded(1 << 20);
        hub.connect(bob, SessionId(1), outbox.clone(), Bucket::full(Rate::new(1, 1.0)), 4);
        let heads = database.heads_of(bob).await.unwrap();
        hub.follow(bob, heads.iter().map(|head| head.conversation));
        hub.raise(heads);
        Self { hub, outbox }
    }

    async fn hears(&self) -> Vec<u64> {
        let mut frames = Vec::new();
        while !self.outbox.is_empty() {
            self.outbox.take(&mut frames, 999).await;
        }
        let seq = |frame: &bytes::Bytes| match NodeFrame::decode(&frame[HEADER..]) {
            Ok(Some(NodeFrame::Event(Event::Entry(entry)))) => entry.seq.0,
            other => panic!("an entry was expected, not {other:?}"),
        };
        frames.iter().map(seq).collect()
    }
}

async fn store(
    database: &Database,
    conversation: ConversationId,
    sender: UserId,
    numbers: std::ops::RangeInclusive<u64>,
) {
    let batch = numbers.map(|number| message(conversation, sender, number)).collect();
    database.append(batch).await.unwrap();
}

/// What the store holds at `seq`, as the appender would publish it.
async fn committed(database: &Database, conversation: ConversationId, seq: u64) -> Committed {
    let after = thrive_protocol::ids::Seq(seq - 1);
    let entries = database.entries_after(conversation, after, 1).await.unwrap();
    Committed { entry: entries[0].clone(), origin: None }
}

#[tokio::test]
async fn a_lost_tail_is_found_by_comparing_heads_with_the_store() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("thrive.db")).unwrap();
    let (ann, bob, conversation) = ann_and_bob(&database).await;
    let listener = Listener::start(&database, bob).await;
    store(&database, conversation, ann, 1..=450).await;
    assert_eq!(listener.hears().await, [0; 0]);
    compare(&listener.hub, &database).await;
    assert_eq!(listener.hears().await, (1..=450).collect::<Vec<_>>());
    compare(&listener.hub, &database).await;
    assert_eq!(listener.hears().await, [0; 0]);
}

#[tokio::test]
async fn a_gap_is_filled_from_the_store_before_what_follows_it() {
    let folder = tempfile::tempdir().unwrap();
    let database = Database::open(&folder.path().join("thrive.db")).unwrap();
    let (ann, bob, conversation) = ann_and_bob(&database).await;
    let listener = Listener::start(&database, bob).await;
    store(&database, conversation, ann, 1..=4).await;
    let bus = Bus::Local(Local::new(listener.hub.clone(), database.clone()));
    let (first, last) =
        (committed(&database, conversation, 1).await, committed(&database, conversation, 4).await);
    bus.publish_committed(vec![first.clone(), last, first]).await;
    assert_eq!(listener.hears().await, [1, 2, 3, 4]);
}
