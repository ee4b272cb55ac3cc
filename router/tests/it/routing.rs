//! Datagrams go where their connection ids say, and answers come back.

use std::collections::BTreeSet;

use quinn_udp::{EcnCodepoint, Transmit, UdpSocketState};
use thrive_protocol::encapsulation::State;
use thrive_router::Router;
use thrive_router::counters::Fact;
use thrive_router::verdict::Way;

use crate::rig::{Client, Node, Shared, counted, eventually, initial, short};

#[tokio::test]
async fn each_connection_reaches_the_node_that_its_ids_name_and_is_answered() {
    let shared = Shared::new();
    let (one, two) = (Node::start(&shared, 1).await, Node::start(&shared, 2).await);
    let router = shared.router(&[&one, &two]).await;
    let client = Client::dial(router.address()).await;
    for nonce in 0..20 {
        let lease = 1 + u32::from(nonce % 2);
        assert_eq!(client.asks(&short(shared.id(lease, nonce))).await, lease);
    }
    assert!(one.seen().got.iter().all(|it| it.client == client.address));
    assert_eq!(router.figures().way(Way::ConnectionId), 20);
    counted(&router, "all were counted", |it| {
        (it.fact(Fact::ToNodes), it.fact(Fact::ToClients)) == (20, 20)
    })
    .await;
}

#[tokio::test]
async fn the_packets_of_one_handshake_reach_one_node_and_those_of_many_reach_all() {
    let shared = Shared::new();
    let nodes = [Node::start(&shared, 1).await, Node::start(&shared, 2).await];
    let router = shared.router(&[&nodes[0], &nodes[1]]).await;
    let client = Client::dial(router.address()).await;
    let mut met = BTreeSet::new();
    for source in 0..40 {
        let first = client.asks(&initial(source, 1_200)).await;
        assert_eq!(client.asks(&initial(source, 1_300)).await, first);
        met.insert(first);
    }
    assert_eq!(met.len(), 2);
    let figures = router.figures();
    assert_eq!((figures.way(Way::Chosen), figures.way(Way::Flight)), (40, 40));
}

#[tokio::test]
async fn a_client_that_moved_is_answered_where_it_is() {
    let shared = Shared::new();
    let node = Node::start(&shared, 1).await;
    let router = shared.router(&[&node]).await;
    for _ in 0..3 {
        let client = Client::dial(router.address()).await;
        assert_eq!(client.asks(&short(shared.id(1, 3))).await, 1);
        assert_eq!(node.seen().got.last().unwrap().client, client.address);
    }
}

#[tokio::test]
async fn a_router_that_was_killed_goes_on_where_it_stopped() {
    let shared = Shared::new();
    let nodes = [Node::start(&shared, 1).await, Node::start(&shared, 2).await];
    let router = shared.router(&[&nodes[0], &nodes[1]]).await;
    let mut config = shared.config(&[&nodes[0], &nodes[1]]);
    (config.listen, config.backend) = (router.address(), router.backends()[0]);
    let client = Client::dial(router.address()).await;
    let first = client.asks(&initial(5, 1_200)).await;
    drop(router.stop());

    let router = Router::start(config).await.unwrap();
    for (lease, nonce) in [(1, 1), (2, 2), (1, 3)] {
        assert_eq!(client.asks(&short(shared.id(lease, nonce))).await, lease);
    }
    // The handshake that was under way: nothing is remembered, and nothing has to be.
    eventually("both answer", || nodes.iter().all(|node| 2 <= node.seen().pings)).await;
    assert_eq!(client.asks(&initial(5, 1_200)).await, first);
    drop(router);
}

#[tokio::test]
async fn a_draining_node_keeps_its_connections_and_gets_nothing_new() {
    let shared = Shared::new();
    let (one, two) = (Node::start(&shared, 1).await, Node::start(&shared, 2).await);
    let router = shared.router(&[&one, &two]).await;
    one.change(|it| it.state = State::Draining);
    let pings = one.seen().pings;
    let pongs = router.figures().fact(Fact::Pongs);
    eventually("the node was asked again", || pings + 1 < one.seen().pings).await;
    counted(&router, "its answer was heard", |it| pongs + 3 < it.fact(Fact::Pongs)).await;
    let client = Client::dial(router.address()).await;
    for source in 0..40 {
        assert_eq!(client.asks(&initial(source, 1_200)).await, 2);
    }
    assert_eq!(client.asks(&short(shared.id(1, 1))).await, 1);
}

#[tokio::test]
async fn congestion_marks_pass_in_both_directions() {
    let shared = Shared::new();
    let node = Node::start(&shared, 1).await;
    for listen in ["127.0.0.1:0", "[::]:0"] {
        let mut config = shared.config(&[&node]);
        config.listen = listen.parse().unwrap();
        let router = Router::start(config).await.unwrap();
        let destination = format!("127.0.0.1:{}", router.address().port()).parse().unwrap();
        let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let state = UdpSocketState::new((&socket).into()).unwrap();
        for ecn in [Some(EcnCodepoint::Ect0), Some(EcnCodepoint::Ce), None] {
            let contents = &short(shared.id(1, 1));
            let transmit =
                Transmit { destination, ecn, contents, segment_size: None, src_ip: None };
            let before = node.got();
            state.send((&socket).into(), &transmit).unwrap();
            eventually("the node got it", || before < node.got()).await;
            assert_eq!(node.seen().got.last().unwrap().ecn, ecn, "towards the node");
            let mut buffer = [0; 2_000];
            let mut metas = [quinn_udp::RecvMeta::default()];
            let deadline = std::time::Instant::now() + crate::rig::SOON;
            while state
                .recv((&socket).into(), &mut [std::io::IoSliceMut::new(&mut buffer)], &mut metas)
                .is_err()
            {
                assert!(std::time::Instant::now() < deadline, "no answer");
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            assert_eq!(metas[0].ecn, ecn, "towards the client");
        }
    }
}

#[tokio::test]
async fn clients_of_both_families_are_served_at_one_address_and_seen_as_they_are() {
    let shared = Shared::new();
    let node = Node::start(&shared, 1).await;
    let mut config = shared.config(&[&node]);
    config.listen = "[::]:0".parse().unwrap();
    config.workers = 2;
    let router = Router::start(config).await.unwrap();
    let port = router.address().port();
    for address in [format!("127.0.0.1:{port}"), format!("[::1]:{port}")] {
        let client = Client::dial(address.parse().unwrap()).await;
        assert_eq!(client.asks(&short(shared.id(1, 1))).await, 1);
        assert_eq!(node.seen().got.last().unwrap().client, client.address);
    }
}

#[tokio::test]
async fn nodes_are_reached_over_ipv6_too() {
    let shared = Shared::new();
    let node = Node::at(&shared, 1, "[::1]:0".parse().unwrap()).await;
    let mut config = shared.config(&[&node]);
    config.backend = "[::]:0".parse().unwrap();
    let router = Router::start(config).await.unwrap();
    let client = Client::dial(router.address()).await;
    assert_eq!(client.asks(&short(shared.id(1, 1))).await, 1);
}

#[tokio::test]
async fn bursts_of_many_clients_arrive_whole_over_several_workers() {
    let shared = Shared::new();
    let nodes = [Node::start(&shared, 1).await, Node::start(&shared, 2).await];
    let mut config = shared.config(&[&nodes[0], &nodes[1]]);
    config.workers = 3;
    let router = Router::start(config).await.unwrap();
    let mut clients = Vec::new();
    for at in 0..16_u8 {
        let client = Client::dial(router.address()).await;
        clients.push(tokio::spawn({
            // Of sizes that may be sent together, and of others.
            let packets: Vec<_> = (0..30_usize)
                .map(|nth| {
                    let id = shared.id(1 + u32::from(at % 2), at);
                    let size = if nth % 5 == 4 { 100 + nth } else { 900 };
                    [short(id), vec![nth as u8; size]].concat()
                })
                .collect();
            async move {
                for burst in packets.chunks(10) {
                    for packet in burst {
                        client.send(packet).await;
                    }
                    for packet in burst {
                        let (node, echoed) = client.answer().await;
                        assert_eq!(node, 1 + u32::from(at % 2));
                        assert!(echoed == *packet, "in their order, as they were");
                    }
                }
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    let figures = router.figures();
    assert_eq!(figures.way(Way::ConnectionId), 16 * 30);
    assert_eq!(figures.fact(Fact::SendFailed) + figures.fact(Fact::SendFull), 0);
}
