//! The real verdict of a router, on datagrams that are made up: which node a connection is given to, and
//! who answers for a node that is dead.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use thrive_protocol::cid::{Codec, ServerId};
use thrive_protocol::encapsulation::State;
use thrive_router::rendezvous::Rendezvous;
use thrive_router::table::{Listing, Member, PING, Table};
use thrive_router::verdict::{Judge, SHORTEST_INITIAL, Verdict, Way};

use super::event::Event;
use super::world::{NODES, World};

pub(super) struct Router {
    table: Table,
    judge: Judge,
    codec: Codec,
    pings: u64,
}

/// Who a datagram reaches.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reaches {
    /// The node that made its connection id.
    Own,
    /// Another one, which knows nothing of it and says so.
    Other(usize),
    Nobody,
}

/// A lease ends by itself so long after it was renewed last.
const LEASE: Duration = Duration::from_secs(10);
const CONFIG: u8 = 1;
const KEY: [u8; 16] = [7; 16];
/// The first bits of a packet of a connection that stands, and of one that begins.
const SHORT: u8 = 0x40;
const INITIAL: u8 = 0xC0;

impl Default for Router {
    fn default() -> Self {
        let codec = || Codec::new(CONFIG, &KEY);
        let judge = Judge::new(codec(), Rendezvous::new(&KEY));
        Self { table: Table::default(), judge, codec: codec(), pings: 0 }
    }
}

impl Router {
    /// Which node gets a connection that begins. `flight` numbers the sockets that clients open.
    pub(super) fn place(&mut self, flight: u64, now: Instant) -> Option<usize> {
        let mut datagram = vec![INITIAL, 0, 0, 0, 1];
        for id in [flight.to_le_bytes(), flight.to_be_bytes()] {
            datagram.push(8);
            datagram.extend(id);
        }
        datagram.resize(SHORTEST_INITIAL, 0);
        let port = u16::try_from(flight % 60_000).unwrap_or_default() + 1_024;
        match self.judge.decide(&datagram, (Ipv4Addr::LOCALHOST, port).into(), &self.table, now) {
            Verdict::To { server, .. } => node_of(server),
            Verdict::Drop(_) => None,
        }
    }

    /// Who gets a datagram of a connection to `node` that stands.
    pub(super) fn reaches(&mut self, node: usize, connection: usize, now: Instant) -> Reaches {
        let Some(server) = server(node) else { return Reaches::Nobody };
        let mut nonce = [0; 12];
        nonce[..8].copy_from_slice(&connection.to_be_bytes());
        let mut datagram = vec![SHORT];
        datagram.extend(self.codec.encode(server, nonce));
        datagram.resize(60, 0);
        match self.judge.decide(&datagram, address(99), &self.table, now) {
            Verdict::To { way: Way::ConnectionId, .. } => Reaches::Own,
            Verdict::To { server, .. } => node_of(server).map_or(Reaches::Nobody, Reaches::Other),
            Verdict::Drop(_) => Reaches::Nobody,
        }
    }
}

impl World {
    /// The router asks all nodes whether they are there, and reads the leases now and then.
    pub(super) fn ping(&mut self) {
        let (now, moment) = (self.agenda.now(), self.moment());
        self.router.pings += 1;
        if self.router.pings % 5 == 1 {
            let member = |(node, it): (usize, &super::node::Node)| {
                let has_lease = it.silent_since.is_none_or(|since| now < since + LEASE);
                let workers = vec![address(node)];
                let lease = u32::try_from(node + 1).unwrap_or_default();
                let draining = it.is_draining;
                has_lease.then_some(Member { lease, epoch: it.life, workers, draining })
            };
            let members = self.nodes.iter().enumerate().filter_map(member).collect();
            self.router.table.apply(&Listing { members, leased: true }, moment);
        }
        let counter = self.router.pings;
        self.router.table.watch(moment);
        drop(self.router.table.ask(counter));
        for node in 0..NODES {
            let it = &self.nodes[node];
            if it.is_alive && it.frozen(now).is_none() {
                let state = if it.is_draining { State::Draining } else { State::Ready };
                self.router.table.hear(address(node), counter, state, 0, moment);
            }
        }
        self.agenda.after(PING, Event::Ping);
    }
}

fn server(node: usize) -> Option<ServerId> {
    ServerId::new(u32::try_from(node + 1).ok()?, 1)
}

fn node_of(server: ServerId) -> Option<usize> {
    usize::try_from(server.lease()).ok()?.checked_sub(1)
}

fn address(node: usize) -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 20_000 + u16::try_from(node).unwrap_or_default()).into()
}
