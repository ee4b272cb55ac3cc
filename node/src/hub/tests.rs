//! News reaches those whom it concerns, once, in order.

use bytes::Bytes;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::frame::HEADER;
use thrive_protocol::ids::{ClientMsgId, Seq, Time};
use thrive_protocol::text::MessageText;
use thrive_protocol::version::close;
use thrive_protocol::{Event, NodeFrame};

use super::*;
use crate::news::{Audience, News};
use crate::rate::Rate;

const ANN: UserId = UserId(1);
const BOB: UserId = UserId(2);
const CHAT: ConversationId = ConversationId(10);

fn delivery(seq: u64, origin: Option<Outbox>) -> Delivery {
    let text = MessageText::parse("hi").unwrap();
    let body = Body::Message { id: ClientMsgId([seq as u8; 16]), text };
    let entry = Entry { conversation: CHAT, seq: Seq(seq), sender: ANN, time: Time(0), body };
    Delivery::of(entry, origin)
}

fn entry(seq: u64) -> Delivery {
    delivery(seq, None)
}

struct Device {
    outbox: Outbox,
}

impl Device {
    fn of(hub: &Hub, user: UserId, session: i64) -> Self {
        let outbox = Outbox::bounded(1 << 20);
        hub.connect(
            user,
            SessionId(session),
            outbox.clone(),
            Buckets::full(Rate::new(9, 9.0), Rate::new(9, 9.0)),
            4,
        );
        Self { outbox }
    }

    /// The events that wait to be written.
    async fn hears(&self) -> Vec<Event> {
        let mut frames = Vec::new();
        while !self.outbox.is_empty() {
            self.outbox.take(&mut frames, 99).await;
        }
        let event = |frame: &Bytes| match NodeFrame::decode(&frame[HEADER..]).unwrap().unwrap() {
            NodeFrame::Event(event) => event,
            NodeFrame::Reply { .. } => panic!("an event was expected"),
        };
        frames.iter().map(event).collect()
    }

    async fn hears_seqs(&self) -> Vec<u64> {
        let seq = |event| match event {
            Event::Entry(entry) => entry.seq.0,
            other => panic!("an entry was expected, not {other:?}"),
        };
        self.hears().await.into_iter().map(seq).collect()
    }
}

fn following(hub: &Hub, user: UserId, head: u64) {
    hub.follow(user, [CHAT]);
    hub.raise([Head { conversation: CHAT, seq: Seq(head) }]);
}

#[tokio::test]
async fn an_entry_reaches_every_device_of_every_member_but_the_one_that_sent_it() {
    let hub = Hub::default();
    let phone = Device::of(&hub, ANN, 1);
    let laptop = Device::of(&hub, ANN, 2);
    let bob = Device::of(&hub, BOB, 3);
    let stranger = Device::of(&hub, UserId(3), 4);
    following(&hub, ANN, 0);
    following(&hub, BOB, 0);
    assert_eq!(hub.deliver(&[delivery(1, Some(phone.outbox.clone()))]), []);
    assert_eq!(phone.hears_seqs().await, [0; 0]);
    assert_eq!(laptop.hears_seqs().await, [1]);
    assert_eq!(bob.hears_seqs().await, [1]);
    assert_eq!(stranger.hears_seqs().await, [0; 0]);
}

#[tokio::test]
async fn a_repeated_entry_is_not_delivered_twice_and_a_gap_is_named() {
    let hub = Hub::default();
    let bob = Device::of(&hub, BOB, 3);
    following(&hub, BOB, 4);
    let gap = Gap { conversation: CHAT, after: Seq(5), to: Seq(8) };
    assert_eq!(hub.deliver(&[5, 5, 4, 8].map(entry)), [gap]);
    assert_eq!(bob.hears_seqs().await, [5]);
    assert_eq!(hub.missing(&[gap]), [Gap { to: Seq(7), ..gap }]);
    assert_eq!(hub.deliver(&[6, 7, 8].map(entry)), []);
    assert_eq!(bob.hears_seqs().await, [6, 7, 8]);
    assert_eq!(hub.missing(&[gap]), []);
}

#[tokio::test]
async fn entries_that_overtake_each_other_are_delivered_in_order_without_the_store() {
    let hub = Hub::default();
    let phone = Device::of(&hub, ANN, 1);
    let bob = Device::of(&hub, BOB, 3);
    following(&hub, ANN, 0);
    following(&hub, BOB, 0);
    hub.deliver(&[entry(3), delivery(2, Some(phone.outbox.clone())), entry(5)]);
    assert_eq!(bob.hears_seqs().await, [0; 0]);
    hub.deliver(&[entry(1)]);
    assert_eq!(bob.hears_seqs().await, [1, 2, 3]);
    // What the phone sent is not told to it, however late.
    assert_eq!(phone.hears_seqs().await, [1, 3]);
    hub.deliver(&[entry(2), entry(4)]);
    assert_eq!(bob.hears_seqs().await, [4, 5]);
}

#[tokio::test]
async fn a_member_who_does_not_follow_is_a_stranger_and_a_session_can_be_ended_everywhere() {
    let hub = Hub::default();
    let bob = Device::of(&hub, BOB, 3);
    let members = [(CHAT, ANN), (CHAT, BOB)];
    // Who has not begun yet may be about to follow it.
    assert_eq!(hub.strangers(members), []);
    hub.follow(BOB, []);
    assert_eq!(hub.strangers(members), [(CHAT, BOB)]);
    following(&hub, BOB, 0);
    assert_eq!(hub.strangers(members), []);
    assert_eq!(hub.sessions(), [(BOB, SessionId(3))]);
    let _ann = Device::of(&hub, ANN, 1);
    assert_eq!(hub.people_after(UserId(0), 9), [ANN, BOB]);
    assert_eq!(hub.people_after(UserId(0), 1), [ANN]);
    assert_eq!(hub.people_after(ANN, 9), [BOB]);
    assert_eq!(hub.people_after(BOB, 9), []);
    hub.end_session(BOB, SessionId(4), Event::SessionEnded {});
    assert!(!bob.outbox.is_ended());
    hub.end_session(BOB, SessionId(3), Event::SessionEnded {});
    assert_eq!(bob.outbox.ended().await, close::SESSION_ENDED);
    assert_eq!(bob.hears().await, [Event::SessionEnded {}]);
}

#[tokio::test]
async fn a_head_of_the_store_beyond_ours_is_a_gap() {
    let hub = Hub::default();
    let _bob = Device::of(&hub, BOB, 3);
    following(&hub, BOB, 4);
    let gap = Gap { conversation: CHAT, after: Seq(4), to: Seq(6) };
    assert_eq!(hub.raise([Head { conversation: CHAT, seq: Seq(6) }]), [gap]);
}

#[tokio::test]
async fn a_heartbeat_names_what_changed_since_the_last_one() {
    let hub = Hub::default();
    let _bob = Device::of(&hub, BOB, 3);
    following(&hub, BOB, 0);
    let (heads, since) = hub.heads(BOB, 0);
    assert_eq!(heads, []);
    hub.deliver(&[entry(1), entry(2)]);
    let (heads, since) = hub.heads(BOB, since);
    assert_eq!(heads, [Head { conversation: CHAT, seq: Seq(2) }]);
    assert_eq!(hub.heads(BOB, since).0, []);
}

#[tokio::test]
async fn whoever_is_told_of_a_new_conversation_follows_it() {
    let hub = Hub::default();
    let bob = Device::of(&hub, BOB, 3);
    let conversation = thrive_protocol::people::Conversation {
        conversation: CHAT,
        peer: ANN,
        peer_name: thrive_protocol::name::Username::parse("ann").unwrap(),
        head: Seq(0),
        read: Seq(0),
        peer_read: Seq(0),
        peer_delivered: Seq(0),
    };
    let event = Event::Conversation(conversation);
    hub.tell(&News { to: Audience::User(BOB), event, origin: None });
    hub.deliver(&[entry(1)]);
    assert_eq!(bob.hears().await.len(), 2);
}

#[tokio::test]
async fn the_last_connection_to_go_is_told_apart_and_leaves_nothing_behind() {
    let hub = Hub::default();
    let phone = Device::of(&hub, ANN, 1);
    let laptop = Device::of(&hub, ANN, 2);
    following(&hub, ANN, 0);
    assert!(!hub.disconnect(ANN, &phone.outbox, Instant::now()));
    assert!(hub.disconnect(ANN, &laptop.outbox, Instant::now()));
    assert!(!hub.disconnect(ANN, &laptop.outbox, Instant::now()));
    assert_eq!(hub.followed(), []);
}

#[tokio::test]
async fn leaving_and_coming_back_fills_none_of_the_buckets() {
    let hub = Hub::default();
    let rate = Rate::new(2, 0.001);
    let outbox = Outbox::bounded(1_000);
    let connect = |user| {
        let fresh = Buckets::full(rate, rate);
        hub.connect(user, SessionId(1), outbox.clone(), fresh, 4).buckets
    };
    let now = Instant::now();
    let (anns, bobs) = (connect(ANN), connect(BOB));
    for _ in 0..2 {
        anns.lock().messages.take(now).unwrap();
        bobs.lock().requests.take(now).unwrap();
    }
    for user in [ANN, BOB] {
        hub.disconnect(user, &outbox, now);
    }
    assert!(connect(ANN).lock().messages.take(now).is_err());
    assert!(connect(BOB).lock().requests.take(now).is_err());
    assert_eq!(connect(BOB).lock().messages.take(now), Ok(()));
}

#[tokio::test]
async fn what_is_stored_after_somebody_opened_a_conversation_is_missing_until_it_is_delivered() {
    let hub = Hub::default();
    let ann = Device::of(&hub, ANN, 1);
    hub.follow_from(ANN, CHAT, Seq(1));
    // Nobody said it: the first that is heard of it is the comparison with the store.
    let gap = Gap { conversation: CHAT, after: Seq(1), to: Seq(2) };
    assert_eq!(hub.raise([Head { conversation: CHAT, seq: Seq(2) }]), [gap]);
    assert_eq!(hub.missing(&[gap]), [gap]);
    hub.deliver(&[entry(2)]);
    assert_eq!(ann.hears_seqs().await, [2]);
}
