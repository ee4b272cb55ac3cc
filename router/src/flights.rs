//! Where the first packets of a connection went, until the client knows a connection id of its server.
//!
//! It only has to keep the packets of one handshake together while loads and lists change, so it may
//! forget: then the rendezvous nearly always gives the same answer.

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use thrive_protocol::cid::ServerId;

/// A handshake takes less than this, or is given up.
pub const EXPIRY: Duration = Duration::from_secs(15);
/// Handshakes that are remembered at once: about 10 MB. Beyond that, none is added, so that a flood
/// cannot push out those that are under way.
pub const MOST: usize = 65_536;
/// RFC 9000, 17.2. Other versions may have longer ids; who writes one here only wants to fill our memory.
const LONGEST_ID: usize = 20;

/// The first packets of one connection: their client and the connection id that it chose for itself.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct Flight {
    pub client: SocketAddr,
    pub source: Box<[u8]>,
}

#[derive(Default)]
pub struct Flights {
    servers: HashMap<Flight, (ServerId, Instant)>,
    /// Each entry once, the oldest in front.
    order: VecDeque<(Instant, Flight)>,
}

impl Flights {
    #[must_use]
    pub fn server(&self, flight: &Flight, now: Instant) -> Option<ServerId> {
        let (server, since) = self.servers.get(flight)?;
        (now.saturating_duration_since(*since) < EXPIRY).then_some(*server)
    }

    /// Remembers where a flight goes. One that is known keeps its age; one with a longer id than this
    /// version of QUIC allows is not kept.
    pub fn remember(&mut self, flight: Flight, server: ServerId, now: Instant) {
        self.forget_old(now);
        if LONGEST_ID < flight.source.len() {
            return;
        }
        if let Some((known, _)) = self.servers.get_mut(&flight) {
            *known = server;
        } else if self.servers.len() < MOST {
            self.servers.insert(flight.clone(), (server, now));
            self.order.push_back((now, flight));
        }
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.servers.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.servers.is_empty()
    }

    fn forget_old(&mut self, now: Instant) {
        while let Some((since, _)) = self.order.front()
            && EXPIRY <= now.saturating_duration_since(*since)
            && let Some((_, flight)) = self.order.pop_front()
        {
            self.servers.remove(&flight);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(number: u32) -> Flight {
        let client = SocketAddr::from(([10, 0, 0, 1], 5));
        Flight { client, source: number.to_be_bytes().into() }
    }

    fn server(lease: u32) -> ServerId {
        ServerId::new(lease, 1).unwrap()
    }

    #[test]
    fn a_flight_is_remembered_until_it_expires() {
        let start = Instant::now();
        let mut flights = Flights::default();
        flights.remember(flight(1), server(1), start);
        let just_before = start + EXPIRY - Duration::from_millis(1);
        assert_eq!(flights.server(&flight(1), just_before), Some(server(1)));
        assert_eq!(flights.server(&flight(1), start + EXPIRY), None);
        assert_eq!(flights.server(&flight(2), start), None);
    }

    #[test]
    fn the_same_id_of_another_client_is_another_flight() {
        let now = Instant::now();
        let mut flights = Flights::default();
        flights.remember(flight(1), server(1), now);
        let other = Flight { client: SocketAddr::from(([10, 0, 0, 1], 6)), ..flight(1) };
        assert_eq!(flights.server(&other, now), None);
    }

    #[test]
    fn a_flight_whose_server_went_gets_another_one() {
        let now = Instant::now();
        let mut flights = Flights::default();
        flights.remember(flight(1), server(1), now);
        flights.remember(flight(1), server(2), now + Duration::from_secs(5));
        assert_eq!(flights.server(&flight(1), now + Duration::from_secs(6)), Some(server(2)));
        assert_eq!(flights.server(&flight(1), now + EXPIRY), None);
        assert_eq!(flights.len(), 1);
    }

    #[test]
    fn an_id_that_is_longer_than_quic_allows_takes_no_memory() {
        let now = Instant::now();
        let mut flights = Flights::default();
        let of_length = |length| Flight { source: vec![1; length].into(), ..flight(1) };
        for length in 0..=255 {
            flights.remember(of_length(length), server(1), now);
        }
        assert_eq!(flights.len(), 21);
        assert_eq!(flights.server(&of_length(20), now), Some(server(1)));
        assert_eq!(flights.server(&of_length(21), now), None);
    }

    #[test]
    fn a_flood_adds_nothing_beyond_the_bound_and_pushes_nothing_out() {
        let start = Instant::now();
        let mut flights = Flights::default();
        for number in 0..MOST as u32 + 100 {
            flights.remember(flight(number), server(1), start);
        }
        assert_eq!(flights.len(), MOST);
        assert!(flights.server(&flight(0), start).is_some());
        assert!(flights.server(&flight(MOST as u32), start).is_none());

        flights.remember(flight(MOST as u32), server(2), start + EXPIRY);
        assert_eq!((flights.len(), flights.order.len()), (1, 1));
    }
}
