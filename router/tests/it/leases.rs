//! Nodes that hold leases in a real Redis.

use thrive_protocol::encapsulation::State;
use thrive_protocol::lease::{Digest, Lease, members_key, node_key};
use thrive_router::config::{Config, Nodes, Redis, Url};
use thrive_router::verdict::Way;
use thrive_router::{Router, source};

use crate::rig::{Client, Node, Shared, eventually, initial, short, until};

fn settings(url: &str, prefix: &str) -> Redis {
    Redis {
        url: Url::parse(url, &["redis"]).unwrap(),
        password_file: None,
        ca: None,
        prefix: prefix.to_owned(),
    }
}

fn lease(node: &Node, epoch: u64, draining: bool) -> String {
    Lease {
        id: node.lease,
        epoch,
        owner: "0".repeat(32),
        workers: vec![node.address],
        connections: 0,
        load: 0,
        draining,
        presence: Digest::default(),
    }
    .encode()
}

/// Writes leases as nodes do, without an end.
fn hold(redis: &thrive_services::Redis, prefix: &str, nodes: &[(&Node, bool)]) {
    for (node, draining) in nodes {
        let id = node.lease.to_string();
        let key = node_key(prefix, node.lease);
        redis.command(&["SET", &key, &lease(node, 1, *draining)]).unwrap();
        redis.command(&["SADD", &members_key(prefix), &id]).unwrap();
    }
}

#[tokio::test]
async fn nodes_are_found_followed_and_lost_by_their_leases() {
    let shared = Shared::new();
    let redis = thrive_services::redis();
    let prefix = redis.fresh_prefix();
    let (one, two) = (Node::start(&shared, 1).await, Node::start(&shared, 2).await);
    hold(redis, &prefix, &[(&one, false)]);
    // Neither a member without a lease nor a lease that makes no sense disturbs.
    redis.command(&["SADD", &members_key(&prefix), "7", "8"]).unwrap();
    redis.command(&["SET", &node_key(&prefix, 8), "{}"]).unwrap();
    let nodes = Nodes::Leased(settings(&redis.url(), &prefix));
    let router = Router::start(Config::local(shared.secret(), nodes)).await.unwrap();
    assert_eq!(router.nodes(), 1);
    let client = Client::dial(router.address()).await;
    assert_eq!(client.asks(&short(shared.id(1, 1))).await, 1);

    hold(redis, &prefix, &[(&one, true), (&two, false)]);
    eventually("the second node is found", || router.nodes() == 2).await;
    eventually("it answers", || 2 <= two.seen().pings).await;
    for source in 0..20 {
        // The first one answers as if nothing were, but its lease says that it is draining.
        assert_eq!(one.seen().state, State::Ready);
        assert_eq!(client.asks(&initial(source, 1_200)).await, 2);
    }

    // Redis was emptied: who answers stays.
    redis.command(&["DEL", &members_key(&prefix)]).unwrap();
    eventually("the list is empty", || router.nodes() == 0).await;
    assert_eq!(client.asks(&short(shared.id(1, 2))).await, 1);
    // Who is silent too is dead after a while.
    one.change(|it| it.mute = true);
    until("the other one answers for it", || async {
        client.send(&short(shared.id(1, 3))).await;
        0 < router.figures().way(Way::Reset)
    })
    .await;
}

#[tokio::test]
async fn a_router_serves_with_what_was_kept_while_redis_is_away() {
    let shared = Shared::new();
    let redis = thrive_services::Redis::start().unwrap();
    let node = Node::start(&shared, 1).await;
    hold(&redis, "away:", &[(&node, false)]);
    let config = || Config {
        table: Some(shared.folder.path().join("nodes")),
        ..Config::local(shared.secret(), Nodes::Leased(settings(&redis.url(), "away:")))
    };
    let router = Router::start(config()).await.unwrap();
    assert_eq!(router.nodes(), 1);
    let client = Client::dial(router.address()).await;
    assert_eq!(client.asks(&initial(1, 1_200)).await, 1);

    // A server that stands still gives no answer at all.
    redis.pause().unwrap();
    assert_eq!(client.asks(&initial(2, 1_200)).await, 1);
    let second = Router::start(config()).await.unwrap();
    assert_eq!(second.nodes(), 1);
    let client = Client::dial(second.address()).await;
    assert_eq!(client.asks(&short(shared.id(1, 1))).await, 1);

    // A server that was emptied says nothing that is believed before it has something to say.
    redis.kill().unwrap();
    redis.start_again().unwrap();
    redis.command(&["FLUSHALL"]).unwrap();
    let third = Router::start(config()).await.unwrap();
    let client = Client::dial(third.address()).await;
    assert_eq!(client.asks(&initial(3, 1_200)).await, 1);
    let two = Node::start(&shared, 2).await;
    hold(&redis, "away:", &[(&node, false), (&two, false)]);
    for router in [&router, &second, &third] {
        eventually("all find the new node", || router.nodes() == 2).await;
    }
}

#[tokio::test]
async fn the_kept_list_is_the_last_one() {
    let shared = Shared::new();
    let redis = thrive_services::redis();
    let prefix = redis.fresh_prefix();
    let node = Node::start(&shared, 9).await;
    let path = shared.folder.path().join("nodes");
    let nodes = Nodes::Leased(settings(&redis.url(), &prefix));
    let config = Config { table: Some(path.clone()), ..Config::local(shared.secret(), nodes) };
    let router = Router::start(config).await.unwrap();
    assert_eq!((router.nodes(), path.exists()), (0, false));
    hold(redis, &prefix, &[(&node, false)]);
    eventually("the node is found", || router.nodes() == 1).await;
    eventually("the list is kept", || source::copy::read(&path).members.len() == 1).await;
}
