//! A router as small as it can be: it knows where each worker is, and nothing of health or load.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU16, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use thrive_protocol::cid::{self, Codec, ServerId};
use thrive_protocol::encapsulation::{
    EncapKey, HEADER, Header, Kind, Ping, Pong, State, open, seal,
};
use tokio::net::UdpSocket;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::keys;

/// What survives a router that comes back at another address.
#[derive(Clone)]
pub(super) struct Front {
    socket: Arc<UdpSocket>,
    table: Arc<Mutex<Table>>,
    /// What the addresses of clients are changed by, as an address translation does.
    translation: Arc<AtomicU16>,
    mute: Arc<AtomicBool>,
}

#[derive(Default)]
struct Table {
    workers: HashMap<ServerId, SocketAddr>,
    /// For whoever has no worker yet, or one that is gone.
    otherwise: Option<SocketAddr>,
    /// For first datagrams with a proof of their address, wherever they belong.
    proven: Option<SocketAddr>,
}

/// Ends when dropped.
pub(super) struct Router {
    back: Arc<UdpSocket>,
    pongs: watch::Receiver<Option<(State, Pong)>>,
    _tasks: JoinSet<()>,
}

impl Front {
    pub(super) async fn bind() -> Self {
        Self {
            socket: Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap()),
            table: Arc::default(),
            translation: Arc::default(),
            mute: Arc::default(),
        }
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    pub(super) fn add(&self, server: ServerId, worker: SocketAddr) {
        self.table.lock().workers.insert(server, worker);
    }

    pub(super) fn remove(&self, server: ServerId) {
        self.table.lock().workers.remove(&server);
    }

    /// Where those without a worker go.
    pub(super) fn otherwise(&self, worker: SocketAddr) {
        self.table.lock().otherwise = Some(worker);
    }

    /// Where those go who prove their address.
    pub(super) fn proven(&self, worker: SocketAddr) {
        self.table.lock().proven = Some(worker);
    }

    /// From now on clients seem to have other ports.
    pub(super) fn translate(&self, by: u16) {
        self.translation.store(by, Ordering::Relaxed);
    }

    /// Whether what clients say is lost.
    pub(super) fn mute(&self, mute: bool) {
        self.mute.store(mute, Ordering::Relaxed);
    }

    pub(super) async fn start(&self) -> Router {
        let back = Arc::new(UdpSocket::bind("127.0.0.1:0").await.unwrap());
        let (heard, pongs) = watch::channel(None);
        let mut tasks = JoinSet::new();
        tasks.spawn(to_nodes(self.clone(), Arc::clone(&back)));
        tasks.spawn(to_clients(self.clone(), Arc::clone(&back), heard));
        Router { back, pongs, _tasks: tasks }
    }

    fn verdict(&self, codec: &Codec, datagram: &[u8]) -> Option<SocketAddr> {
        let cid = match datagram {
            [first, rest @ ..] if first & 0x80 == 0 => rest.get(..cid::LEN)?,
            [_, _, _, _, _, len, rest @ ..] => rest.get(..usize::from(*len))?,
            _ => return None,
        };
        let table = self.table.lock();
        if table.proven.is_some() && has_token(datagram) {
            return table.proven;
        }
        let known = codec.decode(cid).and_then(|it| table.workers.get(&it).copied());
        known.or(table.otherwise)
    }

    fn translated(&self, mut client: SocketAddr) -> SocketAddr {
        client.set_port(client.port() ^ self.translation.load(Ordering::Relaxed));
        client
    }
}

/// Whether it is the first datagram of a client, with a token in it.
fn has_token(datagram: &[u8]) -> bool {
    let after = |rest: &[u8]| -> Option<usize> {
        let (len, rest) = rest.split_first()?;
        let (len, rest) = rest.get(usize::from(*len)..)?.split_first()?;
        rest.get(usize::from(*len)..)?.first().map(|it| usize::from(*it))
    };
    match datagram {
        [first, _, _, _, _, rest @ ..] => {
            first & 0xB0 == 0x80 && after(rest).is_some_and(|it| 0 < it)
        }
        _ => false,
    }
}

async fn to_nodes(front: Front, back: Arc<UdpSocket>) {
    let codec = Codec::new(cid::DEFAULT_CONFIG, &keys().cid);
    let key = EncapKey::new(&keys().encapsulation);
    let mut buffer = [0; 2_000];
    while let Ok((len, client)) = front.socket.recv_from(&mut buffer).await {
        let payload = &buffer[..len];
        let mute = front.mute.load(Ordering::Relaxed);
        if let Some(worker) = front.verdict(&codec, payload).filter(|_| !mute) {
            let client = front.translated(client);
            let header = Header { kind: Kind::Data, state: State::Starting, client, router: ID };
            let datagram = [&seal(&key, header, payload)[..], payload].concat();
            back.send_to(&datagram, worker).await.unwrap();
        }
    }
}

async fn to_clients(
    front: Front,
    back: Arc<UdpSocket>,
    heard: watch::Sender<Option<(State, Pong)>>,
) {
    let key = EncapKey::new(&keys().encapsulation);
    let mut buffer = [0; 2_000];
    while let Ok((len, _)) = back.recv_from(&mut buffer).await {
        let (header, payload) = open(&key, &buffer[..len]).unwrap();
        match header.kind {
            Kind::Data => {
                assert!(len <= HEADER + 1_350, "too large for an overlay network: {len}");
                front.socket.send_to(payload, front.translated(header.client)).await.unwrap();
            }
            Kind::Pong => drop(heard.send(Some((header.state, Pong::decode(payload).unwrap())))),
            Kind::Ping => panic!("nodes send no pings"),
        }
    }
}

impl Router {
    /// Asks a worker how it is.
    pub(super) async fn ping(&mut self, worker: SocketAddr, counter: u64) -> (State, Pong) {
        let key = EncapKey::new(&keys().encapsulation);
        let payload = Ping { counter }.encode();
        let header = Header::without_client(Kind::Ping, State::Starting, ID);
        let datagram = [&seal(&key, header, &payload)[..], &payload].concat();
        self.back.send_to(&datagram, worker).await.unwrap();
        let answer = self.pongs.wait_for(|it| it.is_some_and(|(_, pong)| pong.counter == counter));
        let answer = tokio::time::timeout(Duration::from_secs(5), answer).await;
        answer.unwrap().unwrap().unwrap()
    }
}

const ID: u16 = 12;
