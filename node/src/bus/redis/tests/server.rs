//! The server cuts, forgets, and holds still.

use std::time::{Duration, Instant};

use crate::bus::Periods;
use crate::bus::rig::{NEVER, Side, World, eager, quiet};

/// Heals only by what a break of the bus causes.
fn by_break() -> Periods {
    Periods { compare: NEVER, compare_degraded: NEVER, ..eager() }
}

/// Heals only by that, and by what is compared more often while the bus is degraded.
fn when_degraded() -> Periods {
    Periods { compare: NEVER, ..eager() }
}

/// A message that is said on the one and heard on the other.
async fn works(world: &World, here: &Side, there: &Side, number: u64) {
    let received = there.figures().received;
    let committed = world.store(number..=number).await;
    here.bus.publish_committed(committed).await;
    there.hears(number..=number).await;
    // The first one comes with the two introductions.
    let more = if number == 1 { 3 } else { 1 };
    there.until("it came by the bus", |it| it.figures().received == received + more).await;
}

#[tokio::test]
async fn what_is_missed_while_a_subscriber_is_cut_off_is_found_as_soon_as_it_is_back() {
    let server = thrive_services::Redis::start().unwrap();
    let world = World::new().await;
    let here = world.node(&server.url(), world.ann, quiet()).await;
    let there = world.node(&server.url(), world.bob, by_break()).await;
    there.sound().await;
    world.store(1..=3).await;
    there.hears_nothing();
    server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).unwrap();
    there.hears(1..=3).await;
    assert!(2 <= there.figures().subscriptions);
    there.sound().await;
    works(&world, &here, &there, 4).await;
}

#[tokio::test]
async fn a_subscriber_that_was_cut_off_for_being_slow_comes_back_and_finds_what_it_missed() {
    let server = thrive_services::Redis::start().unwrap();
    let world = World::new().await;
    let here = world.node(&server.url(), world.ann, quiet()).await;
    let there = world.node(&server.url(), world.bob, by_break()).await;
    here.sound().await;
    there.sound().await;
    let limit = ["CONFIG", "SET", "client-output-buffer-limit", "pubsub 1mb 1mb 1"];
    server.command(&limit).unwrap();
    world.store(1..=3).await;
    there.hears_nothing();
    // This thread is also the one that reads: while it is here, nobody does.
    let much = "x".repeat(1 << 20);
    let clients = || server.command(&["CLIENT", "LIST", "TYPE", "pubsub"]).unwrap();
    for _ in 0..64 {
        server.command(&["PUBLISH", &world.channel(0), &much]).unwrap();
    }
    assert_eq!(clients().text().trim(), "", "the server cuts those who do not read");
    there.hears(1..=3).await;
    assert!(2 <= there.figures().subscriptions);
    here.sound().await;
    there.sound().await;
    works(&world, &here, &there, 4).await;
}

#[tokio::test]
async fn a_server_that_dies_and_comes_back_empty_costs_only_time() {
    let server = thrive_services::Redis::start().unwrap();
    let world = World::new().await;
    let here = world.node(&server.url(), world.ann, by_break()).await;
    let there = world.node(&server.url(), world.bob, when_degraded()).await;
    here.sound().await;
    there.sound().await;
    server.kill().unwrap();
    let committed = world.store(1..=3).await;
    here.bus.publish_committed(committed).await;
    there.hears(1..=3).await;
    assert!(there.bus.health().now().is_degraded());
    here.until("the loss is counted", |it| it.figures().dropped_failed == 5).await;
    server.start_again().unwrap();
    there.sound().await;
    here.sound().await;
    works(&world, &here, &there, 4).await;
}

#[tokio::test]
async fn a_server_that_holds_still_delays_no_send_and_delivery_goes_through_the_store_meanwhile() {
    let server = thrive_services::Redis::start().unwrap();
    let world = World::new().await;
    let here = world.node(&server.url(), world.ann, eager()).await;
    let there = world.node(&server.url(), world.bob, when_degraded()).await;
    here.sound().await;
    there.sound().await;
    works(&world, &here, &there, 1).await;
    server.pause().unwrap();
    here.hears(1..=1).await;
    for number in 2..=50 {
        let committed = world.store(number..=number).await;
        let start = Instant::now();
        here.bus.publish_committed(committed).await;
        assert!(start.elapsed() < Duration::from_millis(100), "{:?}", start.elapsed());
    }
    here.hears(2..=50).await;
    there.hears(2..=50).await;
    here.until("a batch took too long", |it| 0 < it.figures().dropped_slow).await;
    here.until("the silence is noticed", |it| !it.bus.health().now().hears).await;
    server.resume().unwrap();
    here.sound().await;
    there.sound().await;
    // What was on its way when the server held still may come now: it is known, and heard no more.
    let committed = world.store(51..=60).await;
    here.bus.publish_committed(committed).await;
    there.hears(51..=60).await;
    there.hears_nothing();
}
