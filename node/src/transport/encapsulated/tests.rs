//! Headers of real datagrams, and what the socket does with frames that are not in order.

use std::future::poll_fn;
use std::net::UdpSocket as StdSocket;
use std::time::Duration;

use super::*;
use crate::transport::counts::Routed;

fn key() -> EncapKey {
    EncapKey::new(&[3; 16])
}

fn header(kind: Kind, client: &str) -> Header {
    Header { kind, state: State::Starting, client: client.parse().unwrap(), router: 7 }
}

fn frame(header: Header, payload: &[u8]) -> Vec<u8> {
    [&encapsulation::seal(&key(), header, payload)[..], payload].concat()
}

fn transmit(contents: &[u8], segment_size: Option<usize>) -> Transmit<'_> {
    let destination = "192.0.2.1:5".parse().unwrap();
    Transmit { destination, ecn: None, contents, segment_size, src_ip: None }
}

#[test]
fn each_segment_gets_a_header_of_its_own() {
    let contents: Vec<u8> = (0..2_500_u32).map(|it| it as u8).collect();
    let data = header(Kind::Data, "192.0.2.1:5");
    let mut outbound = Vec::new();
    let size = wrap(&key(), data, &transmit(&contents, Some(1_000)), &mut outbound);
    assert_eq!(size, Some(1_000 + HEADER));
    let mut payloads = Vec::new();
    for datagram in outbound.chunks(1_000 + HEADER) {
        let (header, payload) = encapsulation::open(&key(), datagram).unwrap();
        assert_eq!(header, data);
        payloads.extend_from_slice(payload);
    }
    assert_eq!((payloads, outbound.len()), (contents, 2_500 + 3 * HEADER));
}

#[test]
fn one_datagram_is_not_called_several() {
    let data = header(Kind::Data, "192.0.2.1:5");
    let mut outbound = vec![1; 9];
    for (len, size) in [(700, None), (700, Some(700)), (700, Some(1_200))] {
        let contents = vec![5; len];
        let transmit = transmit(&contents, size);
        assert_eq!(wrap(&key(), data, &transmit, &mut outbound), None);
        assert_eq!((outbound.len(), segments(&transmit)), (len + HEADER, 1));
    }
    let contents = vec![5; 1_401];
    assert_eq!(segments(&transmit(&contents, Some(700))), 3);
}

/// A worker's socket, and a socket that speaks to it as a router does.
struct Rig {
    socket: Arc<Encapsulated>,
    standing: Arc<Standing>,
    counts: Arc<Counts>,
    router: StdSocket,
}

async fn rig() -> Rig {
    bound("127.0.0.1:0").await
}

async fn bound(address: &str) -> Rig {
    let standing = Arc::new(Standing::new(160));
    let counts = Arc::new(Counts::default());
    let worker = StdSocket::bind(address).unwrap();
    let router = StdSocket::bind("127.0.0.1:0").unwrap();
    router.connect(("127.0.0.1", worker.local_addr().unwrap().port())).unwrap();
    router.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let socket =
        Encapsulated::new(worker, key(), Arc::clone(&standing), Arc::clone(&counts)).unwrap();
    socket.writable().await.unwrap();
    Rig { socket: Arc::new(socket), standing, counts, router }
}

impl Rig {
    /// What QUIC would get next: from whom, and what.
    async fn receive(&self) -> (SocketAddr, Vec<u8>) {
        let mut buffer = [0; DATAGRAM as usize];
        let receive = poll_fn(|cx| {
            let mut metas = [RecvMeta::default()];
            let mut bufs = [IoSliceMut::new(&mut buffer)];
            self.socket.poll_recv(cx, &mut bufs, &mut metas).map(|it| {
                assert_eq!(it.unwrap(), 1);
                metas[0]
            })
        });
        let meta = tokio::time::timeout(Duration::from_secs(5), receive).await.unwrap();
        assert_eq!(meta.stride, meta.len);
        (meta.addr, buffer[..meta.len].to_vec())
    }

    fn heard(&self) -> (Header, Vec<u8>) {
        let mut buffer = [0; 2_000];
        let len = self.router.recv(&mut buffer).unwrap();
        let (header, payload) = encapsulation::open(&key(), &buffer[..len]).unwrap();
        (header, payload.to_vec())
    }
}

#[tokio::test]
async fn what_is_no_frame_of_a_router_is_counted_and_nothing_else() {
    let rig = rig().await;
    let data = |payload: &[u8]| frame(header(Kind::Data, "192.0.2.1:5"), payload);
    let mut forged = data(b"a payload that somebody changed");
    forged[HEADER] ^= 1;
    let large = vec![0x40; usize::from(DATAGRAM) + 1];
    for bad in [
        b"".to_vec(),
        b"short".to_vec(),
        vec![0x51; HEADER],
        forged,
        vec![0xFF; 900],
        data(&large),
        data(b""),
        frame(header(Kind::Ping, "[::]:0"), b"short"),
        frame(header(Kind::Pong, "[::]:0"), &Pong { counter: 1, connections: 1, load: 1 }.encode()),
    ] {
        rig.router.send(&bad).unwrap();
    }
    rig.router.send(&data(&large[1..])).unwrap();
    let (client, payload) = rig.receive().await;
    assert_eq!((client.to_string().as_str(), payload.len()), ("192.0.2.1:5", 1_350));
    let expected =
        Routed { received: 1, short: 4, forged: 2, large: 1, unexpected: 1, ..Routed::default() };
    assert_eq!(rig.counts.figures(), expected);
}

#[tokio::test]
async fn a_ping_is_answered_with_how_the_node_stands() {
    let rig = rig().await;
    rig.standing.add();
    let client = frame(header(Kind::Data, "192.0.2.1:5"), b"\x40 wakes the test");
    let ping = |counter| frame(header(Kind::Ping, "[::]:0"), &Ping { counter }.encode());
    for (counter, state) in [(41, State::Ready), (u64::MAX, State::Draining)] {
        rig.router.send(&ping(counter)).unwrap();
        rig.router.send(&client).unwrap();
        rig.receive().await;
        let (header, payload) = rig.heard();
        assert_eq!((header.kind, header.state, header.router), (Kind::Pong, state, 7));
        assert_eq!(Pong::decode(&payload), Some(Pong { counter, connections: 1, load: 1 }));
        rig.standing.drain();
    }
    assert_eq!(rig.counts.figures().answered, 2);
}

#[tokio::test]
async fn several_datagrams_go_out_at_once_and_to_nobody_who_is_unknown() {
    let rig = rig().await;
    let contents: Vec<u8> = (0..2_500_u32).map(|it| it as u8).collect();
    rig.socket.try_send(&transmit(&contents, Some(1_200))).unwrap();
    assert_eq!(rig.counts.figures().unroutable, 3);
    rig.router.send(&frame(header(Kind::Data, "192.0.2.1:5"), b"\x40 hello")).unwrap();
    rig.receive().await;
    rig.socket.try_send(&transmit(&contents, Some(1_200))).unwrap();
    for chunk in contents.chunks(1_200) {
        let (header, payload) = rig.heard();
        assert_eq!((header.kind, header.client), (Kind::Data, "192.0.2.1:5".parse().unwrap()));
        assert_eq!(payload, chunk);
    }
    assert_eq!(rig.counts.figures().sent, 3);
}

#[tokio::test]
async fn a_socket_for_both_families_serves_routers_and_clients_of_either() {
    let rig = bound("[::]:0").await;
    for client in ["192.0.2.1:5", "[2001:db8::1]:6"] {
        rig.router.send(&frame(header(Kind::Data, client), b"\x40 hello")).unwrap();
        let (from, payload) = rig.receive().await;
        assert_eq!((from.to_string().as_str(), payload), (client, b"\x40 hello".to_vec()));
        let answer = Transmit { destination: from, ..transmit(b"\x40 and back", None) };
        rig.socket.try_send(&answer).unwrap();
        let (header, payload) = rig.heard();
        assert_eq!((header.client, payload), (from, b"\x40 and back".to_vec()));
    }
}
