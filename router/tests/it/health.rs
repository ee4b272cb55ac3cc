//! A node that dies: what its clients get, and when.

use std::time::{Duration, Instant};

use thrive_router::table::DEAD;
use thrive_router::verdict::{Reason, Way};

use crate::rig::{Client, Node, Shared, counted, eventually, initial, short};

#[tokio::test]
async fn a_dead_nodes_packets_reach_a_live_one_after_3_s_and_none_before() {
    let shared = Shared::new();
    let (one, two) = (Node::start(&shared, 1).await, Node::start(&shared, 2).await);
    let router = shared.router(&[&one, &two]).await;
    let client = Client::dial(router.address()).await;
    let died = Instant::now();
    one.change(|it| it.mute = true);
    let reached = loop {
        client.send(&short(shared.id(1, 1))).await;
        if 0 < two.got() {
            break Instant::now();
        }
        assert!(died.elapsed() < crate::rig::SOON, "nobody answers for it");
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    // It may have answered up to one ping before it died.
    let least = DEAD - Duration::from_millis(250);
    assert!(least <= reached - died, "after {:?}", reached - died);
    assert!(0 < router.figures().way(Way::Reset));
    // Its handshakes are given up, and new ones go elsewhere.
    let another = Client::dial(router.address()).await;
    assert_eq!(another.asks(&initial(1, 1_200)).await, 2);

    // Once it is back, it has its own packets again.
    one.change(|it| it.mute = false);
    eventually("it has its packets again", || {
        drop(client.socket.try_send(&short(shared.id(1, 9))));
        0 < one.got()
    })
    .await;
}

#[tokio::test]
async fn a_silent_node_gets_nothing_new_long_before_it_is_dead() {
    let shared = Shared::new();
    let (one, two) = (Node::start(&shared, 1).await, Node::start(&shared, 2).await);
    let router = shared.router(&[&one, &two]).await;
    let client = Client::dial(router.address()).await;
    one.change(|it| it.mute = true);
    let died = Instant::now();
    // Handshakes until twenty in a row met the other one.
    let (mut source, mut in_row) = (0, 0);
    while in_row < 20 {
        let before = two.got();
        source += 1;
        client.send(&initial(source, 1_200)).await;
        let met = tokio::time::timeout(Duration::from_millis(40), async {
            eventually("", || before < two.got()).await;
        });
        in_row = if met.await.is_ok() { in_row + 1 } else { 0 };
        assert!(died.elapsed() < crate::rig::SOON);
    }
    assert!(died.elapsed() < DEAD, "after {:?}", died.elapsed());
    assert_eq!(router.figures().way(Way::Reset), 0);
}

#[tokio::test]
async fn nobody_answers_for_others_when_most_fell_silent() {
    let shared = Shared::new();
    let nodes = [
        Node::start(&shared, 1).await,
        Node::start(&shared, 2).await,
        Node::start(&shared, 3).await,
    ];
    let router = shared.router(&[&nodes[0], &nodes[1], &nodes[2]]).await;
    let client = Client::dial(router.address()).await;
    for node in &nodes[..2] {
        node.change(|it| it.mute = true);
    }
    let died = Instant::now();
    while router.figures().drops(Reason::DeadServer) < 20 {
        client.send(&short(shared.id(1, 1))).await;
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(died.elapsed() < crate::rig::SOON);
    }
    assert_eq!((nodes[2].got(), router.figures().way(Way::Reset)), (0, 0));
    assert_eq!(client.asks(&short(shared.id(3, 1))).await, 3);
    counted(&router, "nothing was reset", |it| it.way(Way::Reset) == 0).await;
}
