//! Who has which number, for how long, and who must stop.

use std::time::Duration;

use thrive_services::{Redis as Server, RedisOptions};
use tokio::time::timeout;

use super::rig::{Node, PERIODS, World, until};
use crate::cluster::{JoinError, Lost};

#[tokio::test]
async fn each_member_has_a_number_of_its_own_and_knows_the_others() {
    let world = World::new().await;
    let nodes = [world.node("a").await, world.node("b").await, world.node("c").await];
    let numbers = nodes.each_ref().map(|node| node.membership.process().node);
    assert_eq!(numbers, [1, 2, 3]);
    nodes[0].membership.set_load(7, 3);
    nodes[0].membership.set_draining();
    until("all know all", || async {
        nodes.iter().all(|node| {
            let members = node.membership.members();
            let first = members.iter().find(|lease| lease.id == 1);
            members.len() == 3
                && first.is_some_and(|it| it.draining && (it.connections, it.load) == (7, 3))
        })
    })
    .await;
}

#[tokio::test]
async fn a_number_that_was_given_back_stays_with_its_owner_for_a_while() {
    let world = World::new().await;
    let node = world.node("a").await;
    let epoch = node.membership.process().epoch;
    node.stop().await;
    assert_eq!(world.lease_of(1), "");
    let key = format!("{0}quarantine/{{{0}node/1}}", world.prefix);
    let left = world.command(&["PTTL", &key]).number();
    assert!((55_000..=61_500).contains(&left), "{left} ms");
    assert_eq!(world.join("b", None).await.unwrap().process().node, 2);
    let again = world.join("a", None).await.unwrap().process();
    assert!(again.node == 1 && epoch < again.epoch, "{again:?}");
}

#[tokio::test]
async fn a_renewal_that_comes_after_the_lease_was_given_back_writes_nothing() {
    let world = World::new().await;
    let node = world.node("a").await;
    node.membership.leave().await;
    node.membership.set_draining();
    timeout(Duration::from_secs(5), node.membership.lost()).await.unwrap();
    assert_eq!(world.lease_of(1), "");
    assert_eq!(world.join("a", None).await.unwrap().process().node, 1);
}

#[tokio::test]
async fn a_member_that_came_back_while_it_was_forgotten_stays_in_the_list() {
    let world = World::new().await;
    let membership = world.join("a", None).await.unwrap();
    let list = thrive_protocol::lease::members_key(&world.prefix);
    world.command(&["SADD", &list, "9"]);
    crate::cluster::members::forget(&membership.inner, &[1, 9]).await.unwrap();
    let is_in = |id| world.command(&["SISMEMBER", &list, id]).number();
    assert_eq!([is_in("1"), is_in("9")], [1, 0]);
}

#[tokio::test]
async fn the_owner_takes_its_lease_over_at_once_and_the_former_process_is_fenced() {
    let world = World::new().await;
    let first = world.node("a").await;
    let second = world.join("a", Some(1)).await.unwrap();
    assert!(first.membership.process().epoch < second.process().epoch);
    let lost = timeout(Duration::from_secs(5), first.membership.lost()).await.unwrap();
    assert_eq!(lost, Lost { node: 1 });
    // Nothing that the former process still does touches the lease of the later one.
    first.stop().await;
    let epoch = format!("\"epoch\":{}", second.process().epoch);
    assert!(world.lease_of(1).contains(&epoch));
}

#[tokio::test]
async fn a_stolen_lease_fences_the_node_and_is_not_taken_back() {
    let world = World::new().await;
    let node = world.node("a").await;
    let thief = r#"{"id":1,"epoch":9007199254740991,"owner":"thief"}"#;
    world.command(&["SET", &format!("{}node/1", world.prefix), thief]);
    timeout(Duration::from_secs(5), node.membership.lost()).await.unwrap();
    assert_eq!(world.lease_of(1), thief);
}

#[tokio::test]
async fn a_server_that_comes_back_with_an_older_state_fences_nobody() {
    let world = World::new().await;
    let node = world.node("a").await;
    let (now, key) = (world.lease_of(1), format!("{}node/1", world.prefix));
    let epoch = |number: u64| format!("\"epoch\":{number}");
    let mine = node.membership.process().epoch;
    let before = now.replace(&epoch(mine), &epoch(mine - 1));
    assert_ne!(now, before);
    world.command(&["SET", &key, &before]);
    until("the lease is written again", || async { world.lease_of(1).contains(&epoch(mine)) })
        .await;
    // Neither by what is left of the reservation.
    let owner = before.split("\"owner\":\"").nth(1).unwrap().split('"').next().unwrap();
    let rest = format!("{0}quarantine/{{{0}node/1}}", world.prefix);
    world.command(&["SET", &rest, &format!("{} {owner}", mine - 1)]);
    world.command(&["DEL", &key]);
    until("the lease is written again", || async { world.lease_of(1).contains(&epoch(mine)) })
        .await;
    assert!(timeout(PERIODS.renewal * 3, node.membership.lost()).await.is_err());
}

#[tokio::test]
async fn a_number_that_another_node_uses_is_refused() {
    let world = World::new().await;
    let _holder = world.node("a").await;
    let refused = world.join("b", Some(1)).await.err().unwrap();
    assert!(matches!(refused, JoinError::Taken { node: 1 }), "{refused:?}");
}

#[tokio::test]
async fn a_number_that_another_node_had_is_waited_for() {
    let world = World::new().await;
    let node = world.node("a").await;
    node.stop().await;
    let key = format!("{0}quarantine/{{{0}node/1}}", world.prefix);
    world.command(&["PEXPIRE", &key, "700"]);
    let joined = timeout(Duration::from_secs(5), world.join("b", Some(1))).await.unwrap();
    assert_eq!(joined.unwrap().process().node, 1);
}

#[tokio::test]
async fn a_lease_that_was_lost_with_the_server_is_written_again() {
    let server = Server::start().unwrap();
    let world = World::on(server.clone()).await;
    let node = world.node("a").await;
    world.command(&["FLUSHALL"]);
    until("the lease is back", || async { world.lease_of(1).contains("\"epoch\"") }).await;
    server.kill().unwrap();
    server.start_again().unwrap();
    until("the lease is back", || async { world.lease_of(1).contains("\"epoch\"") }).await;
    let lost = timeout(PERIODS.renewal * 3, node.membership.lost()).await;
    assert!(lost.is_err(), "a node was fenced because the server was emptied");
}

#[tokio::test]
async fn members_meet_over_a_cluster_of_servers_too() {
    let server = Server::start_with(RedisOptions { cluster: true, ..RedisOptions::default() });
    let server = server.unwrap();
    let world = World::on(server.clone()).await;
    let (one, other) = (world.node("a").await, world.node("b").await);
    assert_eq!((one.membership.process().node, other.membership.process().node), (1, 2));
    one.connect(world.ann).await;
    other.sees(world.ann, thrive_protocol::people::Availability::Online).await;
    let again = Node::start(world.join("a", None).await.unwrap(), &world.database, |_| true);
    assert_eq!(again.membership.process().node, 1);
    timeout(Duration::from_secs(5), one.membership.lost()).await.unwrap();
}
