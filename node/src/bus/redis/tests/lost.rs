//! What never got onto the bus is found all the same.

use std::time::{Duration, Instant};

use thrive_protocol::Event;
use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::version::close;

use crate::bus::Periods;
use crate::bus::rig::{NEVER, World, eager, quiet};
use crate::news::{Audience, News};
use crate::store::contract::message;

#[tokio::test]
async fn what_a_node_stored_and_died_before_saying_is_found_by_comparing_heads() {
    let world = World::new().await;
    let there =
        world.hearing(world.bob, Periods { canary: NEVER, silence: NEVER, ..eager() }).await;
    world.store(1..=450).await;
    there.hears(1..=450).await;
    let figures = there.figures();
    assert_eq!((figures.received, figures.repaired_entries), (0, 450));
    world.store(451..=451).await;
    there.hears(451..=451).await;
}

#[tokio::test]
async fn a_lost_entry_between_others_is_read_at_once_and_nothing_else_is() {
    let world = World::new().await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(world.bob, quiet()).await);
    let mut committed = world.store(1..=9).await;
    drop(committed.drain(3..5));
    let start = Instant::now();
    here.bus.publish_committed(committed).await;
    there.hears(1..=9).await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!(there.figures().repaired_entries, 2);
}

#[tokio::test]
async fn the_lost_end_of_a_burst_is_found_by_comparing_heads() {
    let world = World::new().await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(world.bob, eager()).await);
    let mut committed = world.store(1..=10).await;
    committed.truncate(7);
    here.bus.publish_committed(committed).await;
    there.hears(1..=10).await;
    assert!(1 <= there.figures().tails);
}

#[tokio::test]
async fn what_finds_no_room_in_the_queue_is_counted_and_found_in_the_store() {
    let world = World::new().await;
    let (here, there) =
        (world.hearing(world.ann, quiet()).await, world.hearing(world.bob, eager()).await);
    let event = Event::ContactGone { user: UserId(1) };
    let nobody = News { to: Audience::User(UserId(1)), event, origin: None };
    // The first one of a conversation is told after its introduction was read, which lets the queue be emptied.
    let first = world.store(1..=1).await;
    here.bus.publish_committed(first).await;
    there.hears(1..=1).await;
    let committed = world.store(2..=6).await;
    let too_many = vec![nobody; 70_000];
    let start = Instant::now();
    here.bus.publish(&too_many);
    here.bus.publish_committed(committed).await;
    assert!(start.elapsed() < Duration::from_secs(5));
    assert!(70_000 - 65_536 + 5 <= here.figures().dropped_full, "{:?}", here.figures());
    there.hears(2..=6).await;
    assert_eq!(there.figures().repaired_entries, 5);
}

#[tokio::test]
async fn a_session_that_was_ended_is_closed_everywhere_although_nobody_was_told() {
    let world = World::new().await;
    let there = world.hearing(world.bob, eager()).await;
    let other = world.session(world.bob).await;
    world.database.end_session(world.bob, other).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    there.hears_nothing();
    assert!(!there.outbox.is_ended());
    assert!(world.database.end_session(world.bob, there.session).await.unwrap());
    assert_eq!(there.events(1).await, [Event::SessionEnded {}]);
    assert_eq!(there.outbox.ended().await, close::SESSION_ENDED);
    assert_eq!(there.figures().ended_sessions, 1);
}

#[tokio::test]
async fn a_conversation_that_nobody_was_told_of_is_found_by_its_members_with_what_was_said_in_it() {
    let world = World::new().await;
    let carol = world.account("carol").await;
    let there = world.hearing(carol, eager()).await;
    let others = world.hearing(world.bob, eager()).await;
    let empty = world.open(world.ann, carol).await;
    there.until("it is followed", |it| it.hub.followed().contains(&empty)).await;
    there.hears_nothing();
    world.store_in(empty, 1..=3).await;
    there.hears(1..=3).await;

    let dora = world.account("dora").await;
    let chat = world.open(dora, carol).await;
    world.database.append(vec![message(chat, dora, 1)]).await.unwrap();
    let found = there.events(1).await.remove(0);
    match found {
        Event::Conversation(found) => {
            assert_eq!((found.conversation, found.peer, found.head.0), (chat, dora, 1));
        }
        // It was found in the moment before something was said.
        Event::Entry(entry) => assert_eq!((entry.conversation, entry.seq.0), (chat, 1)),
        other => panic!("{other:?}"),
    }
    assert_eq!(others.figures().invitations, 0);
    others.hears_nothing();
}

#[tokio::test]
async fn an_invitation_is_found_even_when_the_node_that_made_it_has_a_clock_that_is_a_day_late() {
    let world = World::new().await;
    let carol = world.account("carol").await;
    let there = world.hearing(carol, eager()).await;
    let yesterday = Time(crate::clock::now().0 - 24 * 3_600_000);
    let chat = world.database.create_direct(world.ann, carol, yesterday).await.unwrap().unwrap();
    there.until("it is followed", |it| it.hub.followed().contains(&chat)).await;
    there.hears_nothing();
    world.store_in(chat, 1..=3).await;
    there.hears(1..=3).await;
}
