//! Where a datagram of a client goes. Pure: no clock, no socket, nothing to wait for.
//!
//! 1. A connection id of ours leads to the server that made it, also while that one is draining.
//! 2. If that server is dead: packets of a connection that stood go to a live node, which answers with a
//!    reset, so that the client comes back at once. Not when most nodes fell silent together, or when we
//!    stood still, nor soon after: then the fault is ours, and resets would end connections that are well.
//! 3. The first packets of a new connection go where those before them went, or else to the node of
//!    their rendezvous.
//! 4. Everything else is dropped and counted.

use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use thrive_protocol::cid::{Codec, ServerId};

use crate::classify::{Packet, Truncated, classify};
use crate::flights::{Flight, Flights};
use crate::rendezvous::Rendezvous;
use crate::table::{Condition, Entry, Table, canonical};

/// What to do with a datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Verdict {
    To { server: ServerId, address: SocketAddr, way: Way },
    Drop(Reason),
}

/// Why a datagram goes where it goes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// Its connection id says so.
    ConnectionId,
    /// Those before it went there.
    Flight,
    /// It is the first of its connection.
    Chosen,
    /// Its server is dead; another one answers.
    Reset,
}

/// Why a datagram goes nowhere.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Reason {
    /// It ends before its connection ids do.
    Truncated,
    /// The first of a connection, and shorter than QUIC allows in any version, which would make an answer
    /// longer than the question, and a flood of them cheap.
    SmallInitial,
    /// A packet of a connection, with an id that is none of ours.
    ForeignId,
    /// The server in its id is not known here.
    UnknownServer,
    /// Its server is dead, and a reset would be of no use or may be wrong.
    DeadServer,
    /// No node takes new connections, or none is there to answer.
    NoNode,
}

impl Way {
    pub const ALL: [Self; 4] = [Self::ConnectionId, Self::Flight, Self::Chosen, Self::Reset];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ConnectionId => "connection_id",
            Self::Flight => "flight",
            Self::Chosen => "chosen",
            Self::Reset => "reset",
        }
    }
}

impl Reason {
    pub const ALL: [Self; 6] = [
        Self::Truncated,
        Self::SmallInitial,
        Self::ForeignId,
        Self::UnknownServer,
        Self::DeadServer,
        Self::NoNode,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Truncated => "truncated",
            Self::SmallInitial => "small_initial",
            Self::ForeignId => "foreign_id",
            Self::UnknownServer => "unknown_server",
            Self::DeadServer => "dead_server",
            Self::NoNode => "no_node",
        }
    }
}

/// What a verdict is made with, besides the table.
pub struct Judge {
    codec: Codec,
    rendezvous: Rendezvous,
    flights: Flights,
}

impl Judge {
    #[must_use]
    pub fn new(codec: Codec, rendezvous: Rendezvous) -> Self {
        Self { codec, rendezvous, flights: Flights::default() }
    }

    /// Handshakes that are remembered.
    #[must_use]
    pub fn flights(&self) -> usize {
        self.flights.len()
    }

    /// `client` is where the datagram came from.
    pub fn decide(
        &mut self,
        datagram: &[u8],
        client: SocketAddr,
        table: &Table,
        now: Instant,
    ) -> Verdict {
        match classify(datagram) {
            Err(Truncated) => Verdict::Drop(Reason::Truncated),
            Ok(Packet::Short { destination }) => match self.codec.decode(destination) {
                None => Verdict::Drop(Reason::ForeignId),
                Some(server) => self.standing(server, destination, table, now),
            },
            Ok(Packet::Long { destination, source, .. }) => {
                let known = self.codec.decode(destination).and_then(|it| table.entry(it));
                match known.map(|entry| (entry, entry.condition(now))) {
                    Some((_, Condition::Dead)) => Verdict::Drop(Reason::DeadServer),
                    Some((entry, _)) => to(entry, Way::ConnectionId),
                    // An id of our form that no node has may well be one that a client made up.
                    None if datagram.len() < SHORTEST_INITIAL => {
                        Verdict::Drop(Reason::SmallInitial)
                    }
                    None => self.first(client, source, table, now),
                }
            }
        }
    }

    /// A packet of a connection that stood.
    fn standing(&self, server: ServerId, id: &[u8], table: &Table, now: Instant) -> Verdict {
        let Some(entry) = table.entry(server) else {
            return Verdict::Drop(Reason::UnknownServer);
        };
        match entry.condition(now) {
            Condition::Unknown | Condition::Up | Condition::Suspect => to(entry, Way::ConnectionId),
            Condition::Dead if table.in_doubt(now) => Verdict::Drop(Reason::DeadServer),
            Condition::Dead => {
                let up = table.entries().iter().filter(|it| it.condition(now) == Condition::Up);
                // Load is of no matter: whoever answers has nothing to keep.
                let up = up.map(|entry| (entry.server(), 1, entry));
                match self.rendezvous.choose(id, up) {
                    Some(entry) => to(entry, Way::Reset),
                    None => Verdict::Drop(Reason::NoNode),
                }
            }
        }
    }

    /// A packet of a connection that begins.
    fn first(&mut self, client: SocketAddr, source: &[u8], table: &Table, now: Instant) -> Verdict {
        let client = canonical(client);
        let flight = Flight { client, source: source.into() };
        let before = self.flights.server(&flight, now).and_then(|server| table.entry(server));
        if let Some(entry) = before.filter(|it| it.condition(now) != Condition::Dead) {
            return to(entry, Way::Flight);
        }
        let all = table.entries().iter().map(|it| (it.server(), it.weight(now), it));
        let answering = all.clone().filter(|(.., it)| it.condition(now) == Condition::Up);
        let subject = subject(client, source);
        // Who never answered is asked to take a client only when there is nobody else, as in the first
        // moment of a router.
        let chosen = self.rendezvous.choose(&subject, answering);
        match chosen.or_else(|| self.rendezvous.choose(&subject, all)) {
            Some(entry) => {
                self.flights.remember(flight, entry.server(), now);
                to(entry, Way::Chosen)
            }
            None => Verdict::Drop(Reason::NoNode),
        }
    }
}

/// RFC 9000, 14.1.
pub const SHORTEST_INITIAL: usize = 1_200;

fn to(entry: &Entry, way: Way) -> Verdict {
    Verdict::To { server: entry.server(), address: entry.address(), way }
}

fn subject(client: SocketAddr, source: &[u8]) -> Vec<u8> {
    let ip = match client.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    [&ip.octets()[..], &client.port().to_be_bytes(), source].concat()
}

#[cfg(test)]
mod tests;
