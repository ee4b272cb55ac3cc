//! While nothing goes wrong, nothing is read from the store and nobody waits.

use thrive_protocol::Event;
use thrive_protocol::ids::Seq;
use thrive_protocol::version::close;

use crate::bus::Committed;
use crate::bus::rig::{World, quiet};
use crate::news::{Audience, News};

#[tokio::test]
async fn what_is_stored_on_one_node_is_heard_on_another_once_and_in_order() {
    let world = World::new().await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(world.bob, quiet()).await);
    let mut committed = world.store(1..=3_000).await;
    while !committed.is_empty() {
        let some = committed.drain(..committed.len().min(37)).collect();
        here.bus.publish_committed(some).await;
    }
    there.hears(1..=3_000).await;
    here.hears(1..=3_000).await;
    let figures = there.figures();
    assert_eq!(
        (figures.received, figures.gaps, figures.repaired_entries),
        (3_002, 0, 0),
        "with the introductions"
    );
    here.until("all is counted", |it| it.figures().published == 3_002).await;
    assert!(here.figures().batches < 3_000 / 20, "{:?}", here.figures());
    assert_eq!((here.figures().received, here.figures().malformed), (0, 0));
}

#[tokio::test]
async fn the_connection_that_sent_a_message_does_not_get_it_and_other_nodes_do() {
    let world = World::new().await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(world.ann, quiet()).await);
    let mut committed = world.store(1..=2).await;
    committed[0].origin = Some(here.outbox.clone());
    here.bus.publish_committed(committed).await;
    there.hears(1..=2).await;
    here.hears(2..=2).await;
    here.hears_nothing();
}

#[tokio::test]
async fn news_reaches_everybody_of_its_audience_on_every_node_except_whoever_caused_it() {
    let world = World::new().await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(world.bob, quiet()).await);
    let read = |user, seq| Event::Read { conversation: world.chat, user, seq: Seq(seq) };
    let to = Audience::Conversation(world.chat);
    here.bus.publish(&[
        News { to, event: read(world.ann, 1), origin: Some(here.session) },
        News { to: Audience::User(world.bob), event: read(world.ann, 2), origin: None },
        News { to: Audience::User(world.ann), event: read(world.ann, 3), origin: None },
        News { to, event: read(world.ann, 4), origin: Some(there.session) },
        News { to, event: read(world.ann, 5), origin: None },
    ]);
    let mut heard = there.events(3).await;
    // What is about a person and what is about a conversation may overtake each other.
    heard.sort_by_key(|event| match event {
        Event::Read { seq, .. } => *seq,
        other => panic!("{other:?}"),
    });
    assert_eq!(heard, [1, 2, 5].map(|seq| read(world.ann, seq)));
    assert_eq!(here.events(3).await, [3, 4, 5].map(|seq| read(world.ann, seq)));
}

#[tokio::test]
async fn a_session_that_is_ended_on_one_node_is_closed_on_another() {
    let world = World::new().await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(world.bob, quiet()).await);
    let to = Audience::EndSession(there.user, there.session);
    here.bus.publish(&[News { to, event: Event::SessionEnded {}, origin: None }]);
    assert_eq!(there.events(1).await, [Event::SessionEnded {}]);
    assert_eq!(there.outbox.ended().await, close::SESSION_ENDED);
}

#[tokio::test]
async fn whoever_hears_of_a_new_conversation_from_another_node_follows_it_from_then_on() {
    let world = World::new().await;
    let carol = world.account("carol").await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(carol, quiet()).await);
    let chat = world.open(world.ann, carol).await;
    let seen = world.database.conversation(carol, chat).await.unwrap().unwrap();
    let event = Event::Conversation(seen);
    here.bus.publish(&[News { to: Audience::User(carol), event: event.clone(), origin: None }]);
    assert_eq!(there.events(1).await, [event]);
    let committed = world.store_in(chat, 1..=2).await;
    here.bus.publish_committed(committed).await;
    there.hears(1..=2).await;
}

#[tokio::test]
async fn whoever_follows_in_silence_on_another_node_hears_of_a_conversation_when_something_is_said()
{
    let world = World::new().await;
    let carol = world.account("carol").await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(carol, quiet()).await);
    let chat = world.open(world.ann, carol).await;
    let seen = world.database.conversation(carol, chat).await.unwrap().unwrap();
    let event = Event::Conversation(seen);
    let to = Audience::Follower(carol);
    here.bus.publish(&[News { to, event: event.clone(), origin: None }]);
    there.until("she follows", |it| it.hub.followed().contains(&chat)).await;
    there.hears_nothing();
    let committed = world.store_in(chat, 1..=1).await;
    here.bus.publish_committed(committed).await;
    assert_eq!(there.events(1).await, [event]);
    there.hears(1..=1).await;
}

#[tokio::test]
async fn entries_of_two_nodes_that_overtake_each_other_are_heard_in_order_without_the_store() {
    let world = World::new().await;
    let patient = crate::bus::Periods { gap: crate::bus::rig::NEVER, ..quiet() };
    let one = world.hearing(world.ann, patient).await;
    let two = world.hearing(world.ann, patient).await;
    let there = world.hearing(world.bob, patient).await;
    let committed = world.store(1..=40).await;
    let (odd, even): (Vec<Committed>, Vec<Committed>) =
        committed.into_iter().partition(|it| it.entry.seq.0 % 2 == 1);
    // All even ones first, by the one node; then the odd ones, by the other.
    one.bus.publish_committed(even).await;
    there.until("the even ones came", |it| it.figures().received == 20).await;
    there.hears_nothing();
    two.bus.publish_committed(odd).await;
    there.hears(1..=40).await;
    assert_eq!(there.figures().repaired_entries, 0);
}

#[tokio::test]
async fn what_waits_to_be_said_when_a_node_stops_is_said() {
    let world = World::new().await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(world.bob, quiet()).await);
    let committed = world.store(1..=100).await;
    here.bus.publish_committed(committed).await;
    here.leave().await;
    there.hears(1..=100).await;
}

#[tokio::test]
async fn what_only_a_newer_node_says_and_what_is_no_message_is_counted_and_passed_over() {
    let world = World::new().await;
    let there = world.hearing(world.bob, quiet()).await;
    let redis = thrive_services::redis();
    let newer = String::from_utf8(vec![9, 1, 2, 3]).unwrap();
    redis.command(&["PUBLISH", &world.channel(3), &newer]).unwrap();
    redis.command(&["PUBLISH", &world.channel(3), "\u{1}"]).unwrap();
    redis.command(&["PUBLISH", &world.channel(4), ""]).unwrap();
    there.until("both were counted", |it| it.figures().malformed == 2).await;
    assert_eq!(there.figures().unknown, 1);
    assert!(there.bus.health().now().hears);
}
