//! What nobody should send: all of it is dropped, counted and survived.

use std::net::SocketAddr;

use thrive_protocol::cid::Codec;
use thrive_protocol::encapsulation::{EncapKey, Header, Kind, Pong, State, seal};
use thrive_router::counters::Fact;
use thrive_router::verdict::{Reason, SHORTEST_INITIAL};
use tokio::net::UdpSocket;

use crate::rig::{Client, Node, SOON, Shared, counted, initial, short};

/// Octets that look like chance, and are the same each time.
fn noise(seed: u64, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..length).map(|_| next()).collect()
}

#[tokio::test]
async fn what_no_client_should_send_is_dropped_and_counted_by_its_reason() {
    let shared = Shared::new();
    let node = Node::start(&shared, 1).await;
    let router = shared.router(&[&node]).await;
    let client = Client::dial(router.address()).await;
    let server = thrive_protocol::cid::ServerId::new(1, 1).unwrap();
    let foreign = Codec::new(5, &shared.keys.cid).encode(server, [1; 12]);
    for (reason, datagram) in [
        (Reason::Truncated, vec![]),
        (Reason::Truncated, vec![0xC0, 0, 0, 0, 1]),
        (Reason::Truncated, short(shared.id(1, 1))[..17].to_vec()),
        (Reason::Truncated, initial(1, 1_200)[..20].to_vec()),
        (Reason::ForeignId, short(foreign)),
        (Reason::UnknownServer, short(shared.id(77, 1))),
        (Reason::SmallInitial, initial(1, SHORTEST_INITIAL - 1)),
        (Reason::SmallInitial, vec![0xFF, 0xFA, 0xCE, 0xB0, 0x0C, 0, 0]),
    ] {
        let before = router.figures().drops(reason);
        client.send(&datagram).await;
        counted(&router, reason.name(), |it| it.drops(reason) == before + 1).await;
    }
    assert_eq!(node.got(), 0);
    assert_eq!(client.asks(&short(shared.id(1, 1))).await, 1);
}

#[tokio::test]
async fn noise_is_survived_and_reaches_no_node() {
    let shared = Shared::new();
    let node = Node::start(&shared, 1).await;
    let router = shared.router(&[&node]).await;
    let client = Client::dial(router.address()).await;
    let backend = Client::dial(router.backends()[0]).await;
    let before = router.figures();
    for seed in 0..400 {
        let mut octets = noise(seed, (seed as usize * 7) % 1_500);
        if let Some(first) = octets.first_mut() {
            // A long header of any version may begin a connection of a later QUIC, so it is let through.
            *first &= 0x7F;
        }
        client.send(&octets).await;
        backend.send(&octets).await;
        // Slow enough for the buffers of any machine.
        if seed % 50 == 49 {
            let all = before.fact(Fact::FromClients) + seed + 1;
            counted(&router, "all were looked at", |it| it.fact(Fact::FromClients) == all).await;
        }
    }
    counted(&router, "strangers are counted", |it| it.fact(Fact::Stranger) == 400).await;
    assert_eq!((node.got(), node.seen().bad), (0, 0));
    assert_eq!(client.asks(&short(shared.id(1, 1))).await, 1);
}

/// A node whose frames the test writes itself.
struct Liar {
    socket: UdpSocket,
    router: SocketAddr,
    victim: Client,
}

impl Liar {
    async fn send(&self, key: &EncapKey, header: Header, payload: &[u8]) {
        let frame = [&seal(key, header, payload), payload].concat();
        self.socket.send_to(&frame, self.router).await.unwrap();
    }

    fn header(&self, kind: Kind) -> Header {
        Header { kind, state: State::Ready, client: self.victim.address, router: 1 }
    }
}

#[tokio::test]
async fn frames_are_taken_only_from_nodes_and_only_with_the_right_hash() {
    let shared = Shared::new();
    let node = Node::start(&shared, 1).await;
    // The second node of the list is the test itself.
    let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let mut config = shared.config(&[&node]);
    let thrive_router::config::Nodes::Listed(members) = &mut config.nodes else { unreachable!() };
    let own = socket.local_addr().unwrap();
    members.push(thrive_router::table::Member {
        lease: 2,
        epoch: 1,
        workers: vec![own],
        draining: false,
    });
    let router = thrive_router::Router::start(config).await.unwrap();
    let victim = Client::dial(router.address()).await;
    let liar = Liar { socket, router: router.backends()[0], victim };
    let key = shared.encapsulation();
    let data = liar.header(Kind::Data);

    liar.send(&EncapKey::new(&[1; 16]), data, b"forged").await;
    counted(&router, "a wrong hash", |it| it.fact(Fact::BadFrame) == 1).await;
    liar.socket.send_to(&seal(&key, data, b"cut")[..31], liar.router).await.unwrap();
    counted(&router, "a cut header", |it| it.fact(Fact::BadFrame) == 2).await;

    let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let frame = [&seal(&key, data, b"replayed")[..], b"replayed"].concat();
    stranger.send_to(&frame, liar.router).await.unwrap();
    counted(&router, "a stranger", |it| it.fact(Fact::Stranger) == 1).await;

    liar.send(&key, liar.header(Kind::Ping), &[0; 8]).await;
    let pong = Pong { counter: 1, connections: 0, load: 0 }.encode();
    liar.send(&key, liar.header(Kind::Pong), &pong).await;
    liar.send(&key, liar.header(Kind::Pong), &pong[..12]).await;
    liar.send(&key, data, b"").await;
    counted(&router, "frames without a sense", |it| it.fact(Fact::Unexpected) == 4).await;

    assert_eq!(router.figures().fact(Fact::ToClients), 0);
    // Nobody can be reached at port 0.
    let nowhere = Header { client: "127.0.0.1:0".parse().unwrap(), ..data };
    liar.send(&key, nowhere, b"lost").await;
    counted(&router, "a client that is nowhere", |it| it.fact(Fact::SendFailed) == 1).await;
    // And one that is right, to see that the others were wrong for their reasons.
    liar.send(&key, data, b"\x02right").await;
    assert_eq!(liar.victim.answer().await, (2, b"right".to_vec()));
}

#[tokio::test]
async fn a_node_that_refuses_ends_nothing() {
    let shared = Shared::new();
    let (node, closed) = (Node::start(&shared, 1).await, Node::start(&shared, 2).await);
    let router = shared.router(&[&node, &closed]).await;
    drop(closed);
    let client = Client::dial(router.address()).await;
    for _ in 0..50 {
        client.send(&short(shared.id(2, 1))).await;
    }
    assert_eq!(client.asks(&short(shared.id(1, 1))).await, 1);
}

#[tokio::test]
async fn a_datagram_that_is_too_long_for_its_way_costs_only_itself() {
    let shared = Shared::new();
    let node = Node::start(&shared, 1).await;
    let router = shared.router(&[&node]).await;
    let client = Client::dial(router.address()).await;
    // With its header it is longer than UDP allows.
    let long = [short(shared.id(1, 1)), vec![0; 65_440]].concat();
    client.send(&long).await;
    counted(&router, "it cannot be sent", |it| it.fact(Fact::SendFailed) == 1).await;
    let together = tokio::time::timeout(SOON, client.asks(&short(shared.id(1, 2)))).await;
    assert_eq!(together, Ok(1));
}
