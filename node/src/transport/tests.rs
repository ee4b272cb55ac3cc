//! Real nodes and clients, with a router between them that is part of the test.

mod broken;
mod rig;
mod router;

use std::net::UdpSocket;

use quinn::ConnectionError;
use thrive_protocol::cluster::{Keys, Secret};
use thrive_protocol::encapsulation::State;
use thrive_protocol::version::close;
use tokio::time::timeout;

use self::rig::{Client, DEADLINE, LATER, Node, start_doomed, until};
use self::router::{Front, Router};
use crate::config::Limits;

const SECRET: &[u8] = b"a secret that only this test knows";

fn keys() -> Keys {
    Keys::derive(&Secret::new(SECRET.to_vec()).unwrap())
}

/// A router that sends everybody who is new to worker 1 of the node.
async fn behind_router(node: &Node) -> (Front, Router) {
    let front = Front::bind().await;
    for (index, worker) in node.workers.iter().enumerate() {
        front.add(node.server(index as u8), *worker);
    }
    front.otherwise(node.workers[0]);
    let router = front.start().await;
    (front, router)
}

#[tokio::test]
async fn small_and_large_frames_get_through_a_router_and_back() {
    let node = Node::start(5).await;
    let (front, _router) = behind_router(&node).await;
    let mut client = Client::connect(front.address()).await.unwrap();
    client.echo(1).await;
    client.echo(900_000).await;
    assert_eq!(node.acceptor.connections(), 1);
    let routed = node.acceptor.figures().routed;
    assert!(600 < routed.received && 600 < routed.sent, "{routed:?}");
    assert_eq!((routed.forged, routed.unroutable, routed.failed), (0, 0, 0));
}

#[tokio::test]
async fn everybody_gets_to_the_same_echo_and_stays_with_the_worker_where_they_began() {
    let node = Node::start(5).await;
    let (front, _router) = behind_router(&node).await;
    let mut first = Client::connect(front.address()).await.unwrap();
    front.otherwise(node.workers[1]);
    let mut second = Client::connect(front.address()).await.unwrap();
    let mut direct = Client::connect(node.address).await.unwrap();
    for client in [&mut first, &mut second, &mut direct] {
        client.echo(10).await;
    }
    assert_eq!(node.acceptor.connections(), 3);
    front.remove(node.server(1));
    front.otherwise(node.workers[0]);
    first.echo(10).await;
    // Its worker is not known any more, and the other one says that it has no such connection.
    second.push(b"are you there?").await;
    assert_eq!(second.end().await, ConnectionError::Reset);
}

#[tokio::test]
async fn above_the_threshold_an_address_proves_itself_and_gets_in() {
    let node = Node::start(5).await;
    let (front, _router) = behind_router(&node).await;
    node.acceptor.pretend_handshakes(1_000);
    let mut client = Client::connect(front.address()).await.unwrap();
    client.echo(10).await;
    assert_eq!(node.acceptor.figures().retried, 1);
}

#[tokio::test]
async fn an_address_that_has_half_of_its_places_proves_itself_for_the_rest() {
    let limits = Limits { connections_per_address: 4, ..Limits::default() };
    let node = Node::with(5, "127.0.0.1:0", limits).await;
    let mut clients = Vec::new();
    for expected in [0, 0, 1, 2] {
        let mut client = Client::connect(node.address).await.unwrap();
        client.echo(10).await;
        assert_eq!(node.acceptor.figures().retried, expected);
        clients.push(client);
    }
}

#[tokio::test]
async fn the_proof_that_one_node_asks_for_satisfies_another() {
    let (asking, other) = (Node::start(5).await, Node::start(6).await);
    let (front, _router) = behind_router(&asking).await;
    asking.acceptor.pretend_handshakes(1_000);
    other.acceptor.pretend_handshakes(1_000);
    front.proven(other.workers[0]);
    front.add(other.server(0), other.workers[0]);
    let mut client = Client::connect(front.address()).await.unwrap();
    client.echo(10).await;
    let retried = [&asking, &other].map(|it| it.acceptor.figures().retried);
    assert_eq!((retried, other.acceptor.connections()), ([1, 0], 1));
}

#[tokio::test]
async fn a_client_that_seems_to_have_moved_keeps_its_connection() {
    let node = Node::start(5).await;
    let (front, _router) = behind_router(&node).await;
    let mut client = Client::connect(front.address()).await.unwrap();
    for translation in [0, 1, 2, 0] {
        front.translate(translation);
        client.echo(5_000).await;
    }
    // And one that knows that it has.
    client.endpoint.rebind(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    client.echo(5_000).await;
    assert_eq!(client.connection.close_reason(), None);
    assert_eq!(node.acceptor.connections(), 1);
}

#[tokio::test]
async fn a_router_that_comes_back_elsewhere_costs_no_connection() {
    let node = Node::start(5).await;
    let (front, router) = behind_router(&node).await;
    let mut client = Client::connect(front.address()).await.unwrap();
    client.push(LATER).await;
    node.waiting.notified().await;
    drop(router);
    front.mute(true);
    let mut router = front.start().await;
    // Its ping alone says where it is: nothing that the client says gets through.
    let (state, pong) = router.ping(node.workers[0], 1).await;
    assert_eq!((state, pong.connections), (State::Ready, 1));
    node.later.notify_one();
    assert_eq!(client.next().await, LATER);
    front.mute(false);
    client.echo(5_000).await;
    assert_eq!(client.connection.close_reason(), None);
}

#[tokio::test]
async fn frames_of_somebody_without_the_key_are_counted_and_hurt_nobody() {
    let node = Node::start(5).await;
    let (front, _router) = behind_router(&node).await;
    let mut client = Client::connect(front.address()).await.unwrap();
    let stranger = UdpSocket::bind("127.0.0.1:0").unwrap();
    for len in [0, 1, 31, 32, 33, 64, 1_000, 2_000] {
        stranger.send_to(&vec![0x51; len], node.workers[0]).unwrap();
    }
    let seen = || node.acceptor.figures().routed;
    until(|| seen().forged == 4 && seen().short == 3).await;
    client.echo(5_000).await;
}

#[test]
fn a_sibling_tells_the_clients_of_a_dead_node_at_once() {
    let here = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    let (doomed, node) = start_doomed(5);
    here.block_on(async {
        let node = node.await.unwrap();
        let sibling = Node::start(6).await;
        let (front, _router) = behind_router(&node).await;
        let mut client = Client::connect(front.address()).await.unwrap();
        client.echo(10).await;
        // Without a close: what the client hears, it hears from the sibling.
        doomed.shutdown_background();
        front.remove(node.server(0));
        front.otherwise(sibling.workers[1]);
        // An acknowledgment on its way may have brought the answer already.
        client.poke().await;
        assert_eq!(client.end().await, ConnectionError::Reset);
        let mut again = Client::connect(front.address()).await.unwrap();
        again.echo(10).await;
    });
}

#[tokio::test]
async fn a_draining_node_keeps_whom_it_has_and_takes_nobody_new() {
    let node = Node::start(5).await;
    let (front, mut router) = behind_router(&node).await;
    let mut client = Client::connect(front.address()).await.unwrap();
    assert_eq!(router.ping(node.workers[0], 1).await.0, State::Ready);
    node.acceptor.drain();
    for (counter, worker) in (2..).zip(&node.workers) {
        assert_eq!(router.ping(*worker, counter).await.0, State::Draining);
    }
    for address in [front.address(), node.address] {
        let refused = Client::connect(address).await.err().unwrap();
        assert!(matches!(refused, ConnectionError::ConnectionClosed(_)), "{refused}");
    }
    client.echo(5_000).await;
    assert_eq!(node.acceptor.figures().refused, 2);
}

#[tokio::test]
async fn the_number_of_connections_is_one_for_all_sockets() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let node = Node::with(5, "127.0.0.1:0", limits).await;
    let (front, mut router) = behind_router(&node).await;
    let direct = Client::connect(node.address).await.unwrap();
    let _routed = Client::connect(front.address()).await.unwrap();
    assert!(Client::connect(front.address()).await.is_err());
    assert!(Client::connect(node.address).await.is_err());
    let (_, pong) = router.ping(node.workers[1], 1).await;
    assert_eq!((pong.connections, pong.load), (2, 16));
    direct.connection.close(0_u8.into(), b"");
    until(|| node.acceptor.connections() == 1).await;
    assert!(Client::connect(front.address()).await.is_ok());
}

#[tokio::test]
async fn closing_tells_the_clients_of_every_socket() {
    let node = Node::start(5).await;
    let (front, _router) = behind_router(&node).await;
    let mut clients = [
        Client::connect(front.address()).await.unwrap(),
        Client::connect(node.address).await.unwrap(),
    ];
    for client in &mut clients {
        client.echo(10).await;
    }
    timeout(DEADLINE, node.acceptor.close()).await.unwrap();
    for client in clients {
        let end = client.end().await;
        let ConnectionError::ApplicationClosed(end) = end else { panic!("{end}") };
        assert_eq!(end.error_code, close::GOING_AWAY.into());
    }
}

#[tokio::test]
async fn a_socket_for_both_families_shows_plain_addresses() {
    let node = Node::with(5, "[::]:0", Limits::default()).await;
    let port = node.address.port();
    let mut old = Client::connect(([127, 0, 0, 1], port).into()).await.unwrap();
    old.echo(5_000).await;
    // A new port at the same IPv4 address is what QUIC takes for a translation.
    old.endpoint.rebind(UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
    old.echo(5_000).await;
    let mut new = Client::connect((std::net::Ipv6Addr::LOCALHOST, port).into()).await.unwrap();
    new.echo(5_000).await;
}
