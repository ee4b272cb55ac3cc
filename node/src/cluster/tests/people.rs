//! Who is seen on which node, whatever becomes of nodes, of Redis and of what is said through it.

use std::time::{Duration, Instant};

use thrive_protocol::people::Availability::{Busy, Invisible, Offline, Online as Here};
use thrive_services::Redis as Server;

use super::rig::{LISTEN, Node, PERIODS, POLL, World, for_a_while, newest, until};
use crate::cluster::Periods;
use crate::presence::DEBOUNCE;

#[tokio::test]
async fn a_friend_is_seen_from_another_node_and_a_status_at_once() {
    let world = World::new().await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    let bob = other.watch(world.bob).await;
    one.connect(world.ann).await;
    bob.hears(world.ann, Here).await;
    one.choose(world.ann, Busy).await;
    bob.hears(world.ann, Busy).await;
    one.choose(world.ann, Invisible).await;
    bob.hears(world.ann, Offline).await;
    until("all see the same", || async { one.online.count() == 1 && other.online.count() == 1 })
        .await;
}

#[tokio::test]
async fn a_status_of_which_nothing_was_said_is_found_in_the_store() {
    let world = World::new().await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    one.connect(world.ann).await;
    other.sees(world.ann, Here).await;
    world.database.choose_status(world.ann, super::rig::presence(Invisible)).await.unwrap();
    one.sees(world.ann, Offline).await;
    other.sees(world.ann, Offline).await;
}

#[tokio::test]
async fn the_device_on_another_node_takes_over_what_was_chosen() {
    let world = World::new().await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    let third = world.node("c").await;
    one.connect(world.ann).await;
    other.connect(world.ann).await;
    third.sees(world.ann, Here).await;
    // Nobody can find it in the store, so it was heard.
    other.online.chose(world.ann, newest(Invisible));
    third.sees(world.ann, Offline).await;
    one.sees(world.ann, Offline).await;
    other.disconnect(world.ann);
    for_a_while(PERIODS.beat * 3, || third.online.of(world.ann).availability == Offline).await;
}

#[tokio::test]
async fn people_of_a_node_that_died_are_offline_and_each_watcher_hears_it_once() {
    let world = World::new().await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    let third = world.node("c").await;
    let bob = other.watch(world.bob).await;
    one.connect(world.ann).await;
    other.sees(world.ann, Here).await;
    third.sees(world.ann, Here).await;
    bob.hears(world.ann, Here).await;
    let died = Instant::now();
    one.crash();
    other.sees(world.ann, Offline).await;
    assert!(died.elapsed() < PERIODS.ttl + Duration::from_secs(4), "{:?}", died.elapsed());
    third.sees(world.ann, Offline).await;
    for_a_while(Duration::from_millis(500), || true).await;
    assert_eq!(bob.heard().await, [(world.ann, Offline)]);
}

#[tokio::test]
async fn who_comes_back_on_another_node_in_time_was_never_away() {
    let world = World::new().await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    let bob = one.watch(world.bob).await;
    one.connect(world.ann).await;
    bob.hears(world.ann, Here).await;
    one.disconnect(world.ann);
    for_a_while(Duration::from_millis(500), || true).await;
    other.connect(world.ann).await;
    let seen = || [&one, &other].iter().all(|it| it.online.of(world.ann).availability == Here);
    for_a_while(DEBOUNCE + Duration::from_millis(700), seen).await;
    assert_eq!(bob.heard().await, []);
}

#[tokio::test]
async fn what_was_not_heard_is_read_when_the_lease_shows_it() {
    let world = World::new().await;
    let one = world.node("a").await;
    let deaf = world.join("b", None).await.unwrap();
    let deaf = Node::start(deaf, &world.database, |place| place != LISTEN);
    until("the first look is done", || async { deaf.membership.members().len() == 2 }).await;
    for_a_while(PERIODS.correct * 4, || true).await;
    one.connect(world.ann).await;
    deaf.sees(world.ann, Here).await;
    one.disconnect(world.ann);
    deaf.sees(world.ann, Offline).await;
}

#[tokio::test]
async fn subscribers_that_are_cut_off_listen_again_and_read_what_they_missed() {
    let server = Server::start().unwrap();
    let world = World::on(server.clone()).await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    one.connect(world.ann).await;
    other.sees(world.ann, Here).await;
    for _ in 0..3 {
        world.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        one.choose(world.ann, Busy).await;
        other.sees(world.ann, Busy).await;
        world.command(&["CLIENT", "KILL", "TYPE", "normal"]);
        one.choose(world.ann, Here).await;
        other.sees(world.ann, Here).await;
    }
}

#[tokio::test]
async fn an_emptied_server_makes_nobody_look_offline_and_all_is_asserted_again() {
    let server = Server::start().unwrap();
    let world = World::on(server.clone()).await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    let bob = other.watch(world.bob).await;
    one.connect(world.ann).await;
    bob.hears(world.ann, Here).await;
    let written = format!("{}presence/1/{}", world.prefix, one.membership.process().epoch);
    until("it is written", || async { 2 <= world.command(&["HLEN", &written]).number() }).await;
    world.command(&["FLUSHALL"]);
    let emptied = Instant::now();
    until("it is written", || async { 2 <= world.command(&["HLEN", &written]).number() }).await;
    assert!(emptied.elapsed() < PERIODS.renewal * 3, "{:?}", emptied.elapsed());
    // A node that comes now reads it.
    let third = world.node("c").await;
    third.sees(world.ann, Here).await;
    for_a_while(PERIODS.ttl * 2, || other.online.of(world.ann).availability == Here).await;
    assert_eq!(bob.heard().await, []);
}

#[tokio::test]
async fn a_node_that_is_slow_to_come_back_after_the_server_was_emptied_is_not_given_up() {
    let server = Server::start().unwrap();
    let world = World::on(server.clone()).await;
    let slow = Periods { renewal: Duration::from_secs(5), ..Periods::PRODUCTION };
    let slow = world.join_at("a", None, slow).await.unwrap();
    // It notices only by its next renewal, which takes longer than a sweep and its debounce.
    let slow = Node::start(slow, &world.database, |place| place != POLL);
    let other = world.join_at("b", None, Periods::PRODUCTION).await.unwrap();
    let other = Node::start(other, &world.database, |_| true);
    slow.connect(world.ann).await;
    other.sees(world.ann, Here).await;
    world.command(&["FLUSHALL"]);
    let seen = || other.online.of(world.ann).availability == Here;
    for_a_while(Duration::from_secs(7), seen).await;
    assert!(world.lease_of(slow.membership.process().node).contains("\"epoch\""));
}

#[tokio::test]
async fn a_server_that_stands_still_stops_nobody_and_all_is_whole_soon_after() {
    let server = Server::start().unwrap();
    let world = World::on(server.clone()).await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    let bob = other.watch(world.bob).await;
    one.connect(world.ann).await;
    bob.hears(world.ann, Here).await;
    server.pause().unwrap();
    one.choose(world.ann, Busy).await;
    assert_eq!(one.online.of(world.ann).availability, Busy);
    // Longer than the leases live.
    for_a_while(PERIODS.ttl * 2, || other.online.of(world.ann).availability == Here).await;
    server.resume().unwrap();
    let back = Instant::now();
    other.sees(world.ann, Busy).await;
    assert!(back.elapsed() < Duration::from_secs(6), "{:?}", back.elapsed());
    let busy = || other.online.of(world.ann).availability == Busy;
    for_a_while(PERIODS.ttl * 2, busy).await;
    assert_eq!(bob.heard().await, [(world.ann, Busy)]);
}

#[tokio::test]
async fn a_server_that_dies_and_comes_back_empty_is_filled_again() {
    let server = Server::start().unwrap();
    let world = World::on(server.clone()).await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    one.connect(world.ann).await;
    other.sees(world.ann, Here).await;
    server.kill().unwrap();
    one.choose(world.ann, Busy).await;
    for_a_while(PERIODS.ttl * 2, || other.online.of(world.ann).availability == Here).await;
    server.start_again().unwrap();
    let back = Instant::now();
    other.sees(world.ann, Busy).await;
    assert!(back.elapsed() < Duration::from_secs(6), "{:?}", back.elapsed());
}
