//! Nodes and clients that do only what a test needs.

use std::future::Future;
use std::io::IoSliceMut;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use quinn_udp::{BATCH_SIZE, EcnCodepoint, RecvMeta, Transmit, UdpSocketState};
use thrive_protocol::cid::{Codec, DEFAULT_CONFIG, ServerId};
use thrive_protocol::cluster::{Keys, Secret};
use thrive_protocol::encapsulation::{EncapKey, Header, Kind, Ping, Pong, State, open, seal};
use thrive_router::Router;
use thrive_router::config::{Config, Nodes};
use thrive_router::counters::Figures;
use thrive_router::table::Member;
use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::task::JoinHandle;

/// Long enough for anything that happens at all.
pub(crate) const SOON: Duration = Duration::from_secs(20);

/// A secret, and the folder that it is in.
pub(crate) struct Shared {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) keys: Keys,
}

impl Shared {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bytes: Vec<u8> = (0..40).collect();
        std::fs::write(folder.path().join("secret"), &bytes).unwrap();
        Self { folder, keys: Keys::derive(&Secret::new(bytes).unwrap()) }
    }

    pub(crate) fn secret(&self) -> PathBuf {
        self.folder.path().join("secret")
    }

    pub(crate) fn encapsulation(&self) -> EncapKey {
        EncapKey::new(&self.keys.encapsulation)
    }

    /// A connection id as the first worker of this node makes it.
    pub(crate) fn id(&self, lease: u32, nonce: u8) -> [u8; 17] {
        let server = ServerId::new(lease, 1).unwrap();
        Codec::new(DEFAULT_CONFIG, &self.keys.cid).encode(server, [nonce; 12])
    }

    pub(crate) fn config(&self, nodes: &[&Node]) -> Config {
        let member = |node: &&Node| Member {
            lease: node.lease,
            epoch: 1,
            workers: vec![node.address],
            draining: false,
        };
        Config::local(self.secret(), Nodes::Listed(nodes.iter().map(member).collect()))
    }

    /// A router that found all of these up.
    pub(crate) async fn router(&self, nodes: &[&Node]) -> Router {
        let router = Router::start(self.config(nodes)).await.unwrap();
        for node in nodes {
            eventually("each node was asked twice", || 2 <= node.seen().pings).await;
        }
        eventually("each answer was heard", || {
            let pongs = router.figures().fact(thrive_router::counters::Fact::Pongs);
            2 * nodes.len() as u64 <= pongs
        })
        .await;
        router
    }
}

/// One datagram as a node got it.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) client: SocketAddr,
    pub(crate) ecn: Option<EcnCodepoint>,
}

/// What a node does, and what it saw.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) state: State,
    pub(crate) load: u8,
    /// Neither pings nor datagrams are heard.
    pub(crate) mute: bool,
    pub(crate) got: Vec<Got>,
    pub(crate) pings: usize,
    /// Frames without the right hash.
    pub(crate) bad: usize,
}

/// It echoes each datagram, with a word of its own before it.
pub(crate) struct Node {
    pub(crate) lease: u32,
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

impl Node {
    pub(crate) async fn start(shared: &Shared, lease: u32) -> Self {
        Self::at(shared, lease, SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await
    }

    pub(crate) async fn at(shared: &Shared, lease: u32, address: SocketAddr) -> Self {
        let socket = UdpSocket::bind(address).await.unwrap();
        let address = socket.local_addr().unwrap();
        let seen =
            Seen { state: State::Ready, load: 0, mute: false, got: Vec::new(), pings: 0, bad: 0 };
        let seen = Arc::new(Mutex::new(seen));
        let task = tokio::spawn(echo(lease, socket, shared.encapsulation(), Arc::clone(&seen)));
        Self { lease, address, seen, task }
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.lock().clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Seen)) {
        change(&mut self.seen.lock());
    }

    pub(crate) fn got(&self) -> usize {
        self.seen.lock().got.len()
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn echo(lease: u32, socket: UdpSocket, key: EncapKey, seen: Arc<Mutex<Seen>>) {
    let port = UdpSocketState::new((&socket).into()).unwrap();
    let mut buffer = vec![0; BATCH_SIZE * 65_536];
    loop {
        socket.readable().await.unwrap();
        let mut slots: Vec<_> = buffer.chunks_mut(65_536).map(IoSliceMut::new).collect();
        let mut metas = [RecvMeta::default(); BATCH_SIZE];
        let received = socket
            .try_io(Interest::READABLE, || port.recv((&socket).into(), &mut slots, &mut metas));
        let Ok(received) = received else { continue };
        for (meta, slot) in metas.iter().zip(&slots).take(received) {
            for frame in slot[..meta.len].chunks(meta.stride) {
                let Some(answer) = answer(lease, meta, frame, &key, &mut seen.lock()) else {
                    continue;
                };
                let transmit = Transmit {
                    destination: meta.addr,
                    ecn: meta.ecn,
                    contents: &answer,
                    segment_size: None,
                    src_ip: None,
                };
                port.send((&socket).into(), &transmit).unwrap();
            }
        }
    }
}

fn answer(
    lease: u32,
    meta: &RecvMeta,
    frame: &[u8],
    key: &EncapKey,
    seen: &mut Seen,
) -> Option<Vec<u8>> {
    if seen.mute {
        return None;
    }
    let Some((header, payload)) = open(key, frame) else {
        seen.bad += 1;
        return None;
    };
    let (header, payload) = match header.kind {
        Kind::Ping => {
            seen.pings += 1;
            let counter = Ping::decode(payload).unwrap().counter;
            let pong = Pong { counter, connections: 0, load: seen.load };
            (Header { kind: Kind::Pong, state: seen.state, ..header }, pong.encode().to_vec())
        }
        Kind::Data => {
            let client = header.client;
            seen.got.push(Got { client, ecn: meta.ecn });
            (header, [&[lease as u8], payload].concat())
        }
        Kind::Pong => panic!("a router sends no pong"),
    };
    Some([&seal(key, header, &payload), payload.as_slice()].concat())
}

/// A socket that sends what a test says.
pub(crate) struct Client {
    pub(crate) socket: UdpSocket,
    pub(crate) address: SocketAddr,
}

impl Client {
    pub(crate) async fn dial(router: SocketAddr) -> Self {
        let any: SocketAddr =
            if router.is_ipv4() { "127.0.0.1:0".parse() } else { "[::1]:0".parse() }.unwrap();
        let socket = UdpSocket::bind(any).await.unwrap();
        socket.connect(router).await.unwrap();
        let address = socket.local_addr().unwrap();
        Self { socket, address }
    }

    pub(crate) async fn send(&self, datagram: &[u8]) {
        self.socket.send(datagram).await.unwrap();
    }

    /// Which node echoed, and what.
    pub(crate) async fn answer(&self) -> (u32, Vec<u8>) {
        let mut buffer = vec![0; 65_536];
        let length = tokio::time::timeout(SOON, self.socket.recv(&mut buffer));
        let length = length.await.expect("an answer in time").unwrap();
        (u32::from(buffer[0]), buffer[1..length].to_vec())
    }

    /// Which node a datagram reaches.
    pub(crate) async fn asks(&self, datagram: &[u8]) -> u32 {
        self.send(datagram).await;
        let (node, payload) = self.answer().await;
        assert!(payload == datagram, "it came back as it went");
        node
    }
}

/// A packet of a connection that stands.
pub(crate) fn short(id: [u8; 17]) -> Vec<u8> {
    [&[0x43][..], &id, &[7; 40]].concat()
}

/// The first packet of a connection.
pub(crate) fn initial(source: u32, length: usize) -> Vec<u8> {
    let mut octets = vec![0xC3, 0, 0, 0, 1, 20];
    octets.extend([9; 20]);
    octets.push(4);
    octets.extend(source.to_be_bytes());
    octets.resize(length, 0);
    octets
}

/// Waits until something is so.
pub(crate) async fn eventually(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + SOON;
    while !holds() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Waits until something that takes a while to find out is so.
pub(crate) async fn until<F: Future<Output = bool>>(what: &str, holds: impl Fn() -> F) {
    let deadline = Instant::now() + SOON;
    while !holds().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until the numbers of a router are so.
pub(crate) async fn counted(router: &Router, what: &str, holds: impl Fn(&Figures) -> bool) {
    eventually(what, || holds(&router.figures())).await;
}
