//! What a node that is alone loses is found again.

use thrive_protocol::bounded::List;
use thrive_protocol::frame::HEADER;
use thrive_protocol::ids::{Seq, SessionId, Time, UserId};
use thrive_protocol::text::RequestText;
use thrive_protocol::{Event, NodeFrame};

use super::filler::Filler;
use super::reconcile::Reconcile;
use super::rig::{World, quiet};
use super::*;
use crate::domain::relation::Pair;
use crate::hub::Buckets;
use crate::rate::Rate;
use crate::store::contract::message;

/// Bob, connected and following his conversation from where it stands.
async fn listen(world: &World, hub: &Hub, user: UserId) -> Outbox {
    let outbox = Outbox::bounded(1 << 20);
    hub.connect(
        user,
        SessionId(1),
        outbox.clone(),
        Buckets::full(Rate::new(1, 1.0), Rate::new(1, 1.0)),
        4,
    );
    let heads = world.database.heads_of(user).await.unwrap();
    hub.follow(user, heads.iter().map(|head| head.conversation));
    hub.raise(heads);
    outbox
}

async fn heard(outbox: &Outbox) -> usize {
    let mut frames = Vec::new();
    while !outbox.is_empty() {
        outbox.take(&mut frames, 999).await;
    }
    frames.len()
}

fn reconcile_of(world: &World, hub: &Hub) -> Reconcile {
    let (figures, periods) = (Arc::<Figures>::default(), quiet());
    let filler =
        Filler::new(hub.clone(), world.database.clone(), Arc::clone(&figures), periods.gap);
    let (hub, database) = (hub.clone(), world.database.clone());
    Reconcile { hub, database, filler, figures, health: Health::perfect(), periods }
}

#[tokio::test]
async fn a_lost_tail_is_found_by_comparing_heads_with_the_store() {
    let world = World::new().await;
    let hub = Hub::default();
    let outbox = listen(&world, &hub, world.bob).await;
    world.store(1..=450).await;
    let reconcile = reconcile_of(&world, &hub);
    let stop = CancellationToken::new();
    let filling = tokio::spawn(reconcile.filler.clone().run(stop.clone()));
    reconcile.heads().await.unwrap();
    let gap = crate::hub::Gap { conversation: world.chat, after: Seq(0), to: Seq(450) };
    let all = async {
        while !hub.missing(&[gap]).is_empty() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(20), all).await.unwrap();
    assert_eq!(heard(&outbox).await, 450);
    reconcile.heads().await.unwrap();
    assert_eq!(reconcile.figures.snapshot().tails, 1);
    stop.cancel();
    filling.await.unwrap();
}

#[tokio::test]
async fn a_gap_is_filled_from_the_store_before_what_follows_it() {
    let world = World::new().await;
    let hub = Hub::default();
    let outbox = listen(&world, &hub, world.bob).await;
    let all = world.store(1..=4).await;
    let bus = Bus::Local(Local::new(hub, world.database.clone()));
    let (first, last) = (all[0].clone(), all[3].clone());
    bus.publish_committed(vec![first.clone(), last, first]).await;
    assert_eq!(heard(&outbox).await, 1 + 4, "with the introduction");
    assert_eq!(bus.figures().snapshot().repaired_entries, 2);
}

#[tokio::test]
async fn members_of_new_conversations_are_told_late_and_once_and_nobody_else_is() {
    let world = World::new().await;
    let (hub, carol) = (Hub::default(), world.account("carol").await);
    let (bobs, carols) = (listen(&world, &hub, world.bob).await, listen(&world, &hub, carol).await);
    let reconcile = reconcile_of(&world, &hub);
    let now = crate::clock::now();
    let old = Time(now.0 - 600_000);
    let chat = world.database.create_direct(world.bob, carol, old).await.unwrap().unwrap();
    world.database.append(vec![message(chat, carol, 1)]).await.unwrap();
    for _ in 0..2 {
        reconcile.invitations(now).await.unwrap();
        assert_eq!((heard(&bobs).await, heard(&carols).await), (0, 0));
    }
    let chat = world.open(world.ann, carol).await;
    world.store_in(chat, 1..=1).await;
    reconcile.invitations(now).await.unwrap();
    assert_eq!((heard(&bobs).await, heard(&carols).await), (0, 1));
    reconcile.invitations(now).await.unwrap();
    assert_eq!((heard(&bobs).await, heard(&carols).await), (0, 0));
    // Whatever is too old for that is found when it is somebody's turn.
    let mut last = UserId(-1);
    reconcile.turn(&mut last).await.unwrap();
    assert_eq!((heard(&bobs).await, heard(&carols).await), (1, 1));
    assert_eq!(last, world.bob.max(carol));
    reconcile.turn(&mut last).await.unwrap();
    assert_eq!((heard(&bobs).await, last), (0, UserId(-1)));
    assert_eq!(reconcile.figures.snapshot().invitations, 3);
}

#[tokio::test]
async fn what_is_said_first_brings_its_conversation_and_before_that_its_peer_follows_in_silence() {
    let world = World::new().await;
    let (hub, carol) = (Hub::default(), world.account("carol").await);
    let (anns, carols) = (listen(&world, &hub, world.ann).await, listen(&world, &hub, carol).await);
    let reconcile = reconcile_of(&world, &hub);
    let bus = Bus::Local(Local::new(hub.clone(), world.database.clone()));
    let [told, not_told] = [world.open(world.ann, carol).await, world.chat];
    // Whether or not the news of it was lost.
    let seen = world.database.conversation(world.ann, told).await.unwrap().unwrap();
    let event = Event::Conversation(seen);
    bus.publish(&[News { to: Audience::Follower(carol), event, origin: None }]);
    hub.disconnect(world.ann, &anns, std::time::Instant::now());
    let bobs = listen(&world, &hub, world.bob).await;
    for _ in 0..2 {
        reconcile.invitations(crate::clock::now()).await.unwrap();
        reconcile.turn(&mut UserId(-1)).await.unwrap();
    }
    assert!(hub.followed().contains(&told) && hub.followed().contains(&not_told));
    assert_eq!(hub.strangers([(told, carol), (not_told, world.bob)]), []);
    assert_eq!((heard(&carols).await, heard(&bobs).await), (0, 0));
    assert_eq!(reconcile.figures.snapshot().invitations, 0);

    let mut committed = world.store_in(told, 1..=2).await;
    committed.extend(world.store(1..=1).await);
    bus.publish_committed(committed).await;
    let frames = |outbox: &Outbox| {
        let mut frames = Vec::new();
        assert!(outbox.take_now(&mut frames, 9).is_some(), "nothing was told");
        let event = |frame: &bytes::Bytes| match NodeFrame::decode(&frame[HEADER..]) {
            Ok(Some(NodeFrame::Event(event))) => event,
            other => panic!("{other:?}"),
        };
        frames.iter().map(event).collect::<Vec<_>>()
    };
    let of_carol = frames(&carols);
    let [Event::Conversation(it), Event::Entry(one), Event::Entry(two)] = &of_carol[..] else {
        panic!("{of_carol:?}")
    };
    assert_eq!((it.conversation, it.peer, it.head), (told, world.ann, Seq(0)));
    assert_eq!((one.seq, two.seq), (Seq(1), Seq(2)));
    let of_bob = frames(&bobs);
    assert!(matches!(&of_bob[..], [Event::Conversation(_), Event::Entry(_)]), "{of_bob:?}");
}

#[tokio::test]
async fn a_node_without_a_bus_finds_what_others_did_to_the_database_they_share() {
    let world = World::new().await;
    let (hub, carol) = (Hub::default(), world.account("carol").await);
    let (session, outbox) = (world.session(carol).await, Outbox::bounded(1 << 20));
    hub.connect(
        carol,
        session,
        outbox.clone(),
        Buckets::full(Rate::new(1, 1.0), Rate::new(1, 1.0)),
        4,
    );
    hub.follow(carol, []);
    let stop = CancellationToken::new();
    let local = Local::new(hub, world.database.clone());
    let figures = Arc::clone(local.figures());
    let work = tokio::spawn(reconcile(local, true, stop.clone()));
    let chat = world.open(world.ann, carol).await;
    world.store_in(chat, 1..=1).await;
    let all = async {
        while outbox.is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(heard(&outbox).await, 1);
        assert!(!outbox.is_ended());
        world.database.end_session(carol, session).await.unwrap();
        outbox.ended().await
    };
    let code = timeout(Duration::from_secs(20), all).await.unwrap();
    assert_eq!(code, thrive_protocol::version::close::SESSION_ENDED);
    // What it did is in the figures of the bus.
    let figures = figures.snapshot();
    assert_eq!((figures.invitations, figures.ended_sessions), (1, 1));
    stop.cancel();
    work.await.unwrap();
}

#[tokio::test]
async fn whoever_was_not_told_of_a_contact_is_told_to_look_again_and_once() {
    let world = World::new().await;
    let (hub, outbox) = (Hub::default(), Outbox::bounded(1 << 20));
    let session = world.session(world.bob).await;
    hub.connect(
        world.bob,
        session,
        outbox.clone(),
        Buckets::full(Rate::new(1, 1.0), Rate::new(1, 1.0)),
        4,
    );
    let reconcile = reconcile_of(&world, &hub);
    let version = world.database.contacts_version(world.bob, session).await.unwrap().unwrap();
    hub.contacts_are_at(world.bob, version);
    reconcile.sessions().await.unwrap();
    assert_eq!(heard(&outbox).await, 0);
    let ask = |pair: &mut Pair| pair.request(&RequestText::default());
    world.database.change_contact(world.ann, world.bob, ask).await.unwrap();
    // Another device that comes now knows of it; the first one still does not.
    let version = world.database.contacts_version(world.bob, session).await.unwrap().unwrap();
    hub.contacts_are_at(world.bob, version);
    reconcile.sessions().await.unwrap();
    let mut frames = Vec::new();
    assert!(outbox.take_now(&mut frames, 9).is_some(), "nothing was told");
    let told = NodeFrame::decode(&frames[0][HEADER..]).unwrap();
    let event = Event::Heads { heads: List::default() };
    assert_eq!((told, frames.len()), (Some(NodeFrame::Event(event)), 1));
    reconcile.sessions().await.unwrap();
    assert_eq!(heard(&outbox).await, 0);
    assert_eq!(reconcile.figures.snapshot().contact_looks, 1);
}
