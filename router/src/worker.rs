//! One worker: a socket that clients see, a socket that nodes see, and everything between the two on one
//! thread. Workers share nothing but the list of nodes that the source gives to each of them.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn_udp::RecvMeta;
use thrive_protocol::cid::ServerId;
use thrive_protocol::encapsulation::{EncapKey, Header, Kind, Ping, Pong, State, open, seal};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tokio_util::sync::CancellationToken;

use crate::batch::Parcel;
use crate::counters::{Counters, Fact};
use crate::io::{Port, Sender};
use crate::table::{Condition, Heard, Listing, PING, Table, canonical};
use crate::verdict::{Judge, Verdict};

/// What a worker is made of.
pub struct Parts {
    pub front: std::net::UdpSocket,
    pub back: std::net::UdpSocket,
    pub judge: Judge,
    pub key: EncapKey,
    /// By which nodes know where answers go.
    pub router: u16,
    pub listing: watch::Receiver<Arc<Listing>>,
    pub counters: Arc<Counters>,
    /// Whether this worker tells the log how nodes are. One of them is enough.
    pub tells: bool,
}

struct Worker {
    front: Port,
    back: Port,
    sender: Sender,
    judge: Judge,
    key: EncapKey,
    router: u16,
    table: Table,
    /// In the next ping.
    counter: u64,
    counters: Arc<Counters>,
    /// What the log was told of each server.
    told: Option<HashMap<ServerId, Condition>>,
    /// When the log was last told of a frame that no holder of our secret made.
    warned: Option<Instant>,
}

/// After so many batches the clock and the list get a turn,
const ROUNDS: usize = 16;
/// or after so long, which is much when there is no room to send. Pings must not wait.
const TURN: Duration = Duration::from_millis(20);
/// How often the log is told of frames with another secret.
const WARN: Duration = Duration::from_secs(60);

/// Works until `stop`.
///
/// # Errors
/// The sockets are of no use.
pub async fn run(parts: Parts, stop: CancellationToken) -> io::Result<()> {
    let Parts { front, back, judge, key, router, mut listing, counters, tells } = parts;
    let mut worker = Worker {
        front: Port::new(front)?,
        back: Port::new(back)?,
        sender: Sender::default(),
        judge,
        key,
        router,
        table: Table::default(),
        counter: u64::from_ne_bytes(random()),
        counters,
        told: tells.then(HashMap::new),
        warned: None,
    };
    worker.apply(&mut listing).await;
    let mut pings = interval(PING);
    // After a stop of the machine one ping is enough.
    pings.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        // The clock before the datagrams: a flood must not make us believe that nodes are silent.
        tokio::select! {
            biased;
            () = stop.cancelled() => return Ok(()),
            _ = pings.tick() => worker.ping().await,
            Ok(()) = listing.changed() => worker.apply(&mut listing).await,
            ready = worker.front.readable() => ready?,
            ready = worker.back.readable() => ready?,
        }
        // Both in turn, whichever was ready, so that neither direction starves the other.
        let begin = Instant::now();
        for _ in 0..ROUNDS {
            let clients = worker.serve_clients().await;
            let nodes = worker.serve_nodes().await;
            if (!clients && !nodes) || TURN < begin.elapsed() {
                break;
            }
        }
        tokio::task::yield_now().await;
    }
}

impl Worker {
    /// Whether there was anything.
    async fn serve_clients(&mut self) -> bool {
        let batches = self.front.receive(&self.counters);
        if batches == 0 {
            return false;
        }
        let Self { front, back, sender, judge, key, router, table, counters, .. } = self;
        let now = Instant::now();
        let mut parcels = Vec::new();
        for (meta, datagram) in front.datagrams(batches) {
            counters.count(Fact::FromClients);
            match judge.decide(datagram, meta.addr, table, now) {
                Verdict::Drop(reason) => counters.dropped(reason),
                Verdict::To { address, way, .. } => {
                    counters.routed(way);
                    let header = Header {
                        kind: Kind::Data,
                        state: State::Starting,
                        client: meta.addr,
                        router: *router,
                    };
                    let header = Some(seal(key, header, datagram));
                    parcels.push(Parcel {
                        to: address,
                        ecn: marks(meta),
                        header,
                        payload: datagram,
                    });
                }
            }
        }
        sender.send(back, parcels, Fact::ToNodes, counters).await;
        true
    }

    /// Whether there was anything.
    async fn serve_nodes(&mut self) -> bool {
        let batches = self.back.receive(&self.counters);
        if batches == 0 {
            return false;
        }
        let Self { front, back, sender, key, table, counters, warned, .. } = self;
        let now = Instant::now();
        let mut parcels = Vec::new();
        let mut nearly = Vec::new();
        for (meta, frame) in back.datagrams(batches) {
            counters.count(Fact::FromNodes);
            let from = canonical(meta.addr);
            if !table.knows(from) {
                counters.count(Fact::Stranger);
                continue;
            }
            let Some((header, payload)) = open(key, frame) else {
                counters.count(Fact::BadFrame);
                // Most likely a mistake, and nobody would find it in silence.
                if warned.is_none_or(|at| WARN <= now.saturating_duration_since(at)) {
                    *warned = Some(now);
                    tracing::warn!(
                        node = %from,
                        "A frame of a node was sealed with another secret than this router's"
                    );
                }
                continue;
            };
            match (header.kind, Pong::decode(payload)) {
                (Kind::Data, _) if !payload.is_empty() => {
                    parcels.push(Parcel {
                        to: header.client,
                        ecn: marks(meta),
                        header: None,
                        payload,
                    });
                }
                (Kind::Pong, Some(pong)) => {
                    match table.hear(from, pong.counter, header.state, pong.load, now) {
                        Heard::Nothing => counters.count(Fact::Unexpected),
                        Heard::Noted => counters.count(Fact::Pongs),
                        Heard::Nearly => {
                            counters.count(Fact::Pongs);
                            nearly.push(from);
                        }
                    }
                }
                (Kind::Data | Kind::Ping | Kind::Pong, _) => counters.count(Fact::Unexpected),
            }
        }
        sender.send(front, parcels, Fact::ToClients, counters).await;
        if !nearly.is_empty() {
            self.ask(nearly).await;
        }
        true
    }

    /// Asks every server how it is.
    async fn ping(&mut self) {
        self.counter = self.counter.wrapping_add(1);
        self.table.watch(Instant::now());
        let addresses = self.table.ask(self.counter).map(|entry| entry.address()).collect();
        self.ask(addresses).await;
        self.tell();
    }

    async fn ask(&mut self, addresses: Vec<SocketAddr>) {
        let ping = Ping { counter: self.counter }.encode();
        let header = Header::without_client(Kind::Ping, State::Starting, self.router);
        let header = Some(seal(&self.key, header, &ping));
        let parcel = |to| Parcel { to, ecn: 0, header, payload: &ping };
        let parcels = addresses.into_iter().map(parcel).collect();
        self.sender.send(&self.back, parcels, Fact::Pings, &self.counters).await;
    }

    /// Takes over what the source says, and asks those who are new at once.
    async fn apply(&mut self, listing: &mut watch::Receiver<Arc<Listing>>) {
        let new = Arc::clone(&listing.borrow_and_update());
        self.table.apply(&new, Instant::now());
        self.ping().await;
    }

    /// Says in the log what changed.
    fn tell(&mut self) {
        let Some(told) = &mut self.told else { return };
        let now = Instant::now();
        for entry in self.table.entries() {
            let condition = entry.condition(now);
            if told.insert(entry.server(), condition) == Some(condition) {
                continue;
            }
            let (node, worker) = (entry.server().lease(), entry.server().worker());
            let address = entry.address();
            match condition {
                Condition::Unknown => tracing::info!(node, worker, %address, "Node found"),
                Condition::Up => tracing::info!(node, worker, %address, "Node answers"),
                Condition::Suspect => tracing::warn!(node, worker, %address, "Node is silent"),
                Condition::Dead => tracing::warn!(node, worker, %address, "Node is dead"),
            }
        }
        told.retain(|server, _| self.table.entry(*server).is_some());
    }
}

fn marks(meta: &RecvMeta) -> u8 {
    meta.ecn.map_or(0, |ecn| ecn as u8)
}

/// # Panics
/// When the operating system has no randomness to give.
#[must_use]
pub fn random<const N: usize>() -> [u8; N] {
    let mut octets = [0; N];
    getrandom::fill(&mut octets).expect("the operating system gives random bytes");
    octets
}
