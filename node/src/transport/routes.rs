//! The way back to each client: through which router its last datagram came, and where that router is.
//!
//! Time is an argument: milliseconds since the socket was opened.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use parking_lot::RwLock;

/// Where a router is, as the socket sees it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Way {
    pub(super) router: SocketAddr,
    /// Our own address that the router has sent to, of several that this machine may have.
    pub(super) local: Option<IpAddr>,
}

/// One worker's view. What is known already is only read and marked, which many can do at once.
#[derive(Debug, Default)]
pub(super) struct Routes(RwLock<Tables>);

#[derive(Debug, Default)]
struct Tables {
    clients: HashMap<SocketAddr, Client>,
    /// At most 65 536, by the width of the id.
    routers: HashMap<u16, Router>,
    swept: u64,
}

#[derive(Debug)]
struct Client {
    router: AtomicRouter,
    seen: AtomicU64,
    /// It has got through a handshake, as far as this layer can see.
    settled: AtomicBool,
}

#[derive(Debug)]
struct Router {
    way: Way,
    seen: AtomicU64,
}

type AtomicRouter = std::sync::atomic::AtomicU16;

/// Clients of one worker. At some 100 bytes each it is 20 MB, and more than a node can serve.
const MOST_CLIENTS: usize = 200_000;
/// Thrice the time after which QUIC itself gives a silent client up.
const FORGOTTEN: u64 = 180_000;
/// One that has not got through a handshake may be an address that somebody made up.
const UNSETTLED: u64 = 15_000;
/// A router asks every 200 ms. When it was silent for so long, another may reach its clients: where
/// all routers share an address it does, and elsewhere nothing is lost.
const SILENT: u64 = 1_000;
/// Time between two looks at all clients.
const SWEEP: u64 = 15_000;
/// The same when there is no place left.
const SWEEP_FULL: u64 = 1_000;
/// Places that are made when there is none left, and nobody was silent for long enough.
const ROOM: usize = MOST_CLIENTS / 8;

impl Routes {
    /// A router has spoken, and is there from now on.
    pub(super) fn heard(&self, router: u16, way: Way, now: u64) {
        if !self.0.read().mark_router(router, way, now) {
            self.0.write().note_router(router, way, now);
        }
    }

    /// A router has sent a datagram of a client. `false` when there is no place for one more.
    pub(super) fn saw(
        &self,
        client: SocketAddr,
        settled: bool,
        router: u16,
        way: Way,
        now: u64,
    ) -> bool {
        {
            let tables = self.0.read();
            if tables.mark_router(router, way, now)
                && tables.mark_client(client, settled, router, now)
            {
                return true;
            }
        }
        let mut tables = self.0.write();
        tables.note_router(router, way, now);
        if tables.mark_client(client, settled, router, now) {
            return true;
        }
        tables.sweep_if_due(now);
        if MOST_CLIENTS <= tables.clients.len() {
            return false;
        }
        let new = Client {
            router: AtomicRouter::new(router),
            seen: AtomicU64::new(now),
            settled: AtomicBool::new(settled),
        };
        tables.clients.insert(client, new);
        true
    }

    /// How a datagram gets to a client, and through which router.
    pub(super) fn way(&self, client: SocketAddr, now: u64) -> Option<(u16, Way)> {
        let tables = self.0.read();
        let known = tables.clients.get(&client).filter(|it| it.is_known(now))?;
        let id = known.router.load(Ordering::Relaxed);
        let own = tables.routers.get(&id);
        if let Some(own) = own
            && now.saturating_sub(own.seen.load(Ordering::Relaxed)) < SILENT
        {
            return Some((id, own.way));
        }
        let seen = |it: &Router| it.seen.load(Ordering::Relaxed);
        let (id, last) = tables.routers.iter().max_by_key(|(id, it)| (seen(it), **id))?;
        Some((*id, last.way))
    }
}

impl Tables {
    fn mark_router(&self, id: u16, way: Way, now: u64) -> bool {
        let Some(router) = self.routers.get(&id).filter(|it| it.way == way) else { return false };
        router.seen.store(now, Ordering::Relaxed);
        true
    }

    fn note_router(&mut self, id: u16, way: Way, now: u64) {
        self.routers.insert(id, Router { way, seen: AtomicU64::new(now) });
    }

    fn mark_client(&self, address: SocketAddr, settled: bool, router: u16, now: u64) -> bool {
        let Some(client) = self.clients.get(&address) else { return false };
        client.router.store(router, Ordering::Relaxed);
        client.seen.store(now, Ordering::Relaxed);
        if settled && !client.settled.load(Ordering::Relaxed) {
            client.settled.store(true, Ordering::Relaxed);
        }
        true
    }

    /// Forgets whoever was silent for too long: now and then, or more often when it is full.
    fn sweep_if_due(&mut self, now: u64) {
        let full = MOST_CLIENTS <= self.clients.len();
        let due = self.swept + if full { SWEEP_FULL } else { SWEEP };
        if due <= now {
            self.swept = now;
            self.clients.retain(|_, client| client.is_known(now));
            if full {
                self.make_room(now);
            }
            self.routers.retain(|_, router| {
                now.saturating_sub(router.seen.load(Ordering::Relaxed)) < FORGOTTEN
            });
        }
    }

    /// Lets go of those who have used up most of the silence that is granted to them. One connection can
    /// speak from as many addresses as somebody has or makes up, so a full table must turn away neither
    /// who comes new nor who speaks; whoever was let go and speaks again is known again.
    fn make_room(&mut self, now: u64) {
        let keep = MOST_CLIENTS - ROOM;
        let mut used: Vec<_> = self.clients.values().map(|client| client.used(now)).collect();
        let Some(mut surplus) = used.len().checked_sub(keep).filter(|it| 0 < *it) else { return };
        let limit = *used.select_nth_unstable(keep).1;
        self.clients.retain(|_, client| {
            let goes = 0 < surplus && limit <= client.used(now);
            surplus -= usize::from(goes);
            !goes
        });
    }
}

impl Client {
    fn is_known(&self, now: u64) -> bool {
        self.age(now) < self.granted()
    }

    /// How much of its time has gone by, in thousandths.
    fn used(&self, now: u64) -> u64 {
        self.age(now).saturating_mul(1_000) / self.granted()
    }

    fn age(&self, now: u64) -> u64 {
        now.saturating_sub(self.seen.load(Ordering::Relaxed))
    }

    fn granted(&self) -> u64 {
        if self.settled.load(Ordering::Relaxed) { FORGOTTEN } else { UNSETTLED }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(number: u32) -> SocketAddr {
        SocketAddr::from((number.to_be_bytes(), 7))
    }

    fn way(port: u16) -> Way {
        Way { router: SocketAddr::from(([127, 0, 0, 1], port)), local: None }
    }

    #[test]
    fn an_answer_goes_through_the_router_of_the_last_datagram() {
        let routes = Routes::default();
        assert_eq!(routes.way(client(1), 0), None);
        assert!(routes.saw(client(1), true, 1, way(1), 0));
        assert!(routes.saw(client(2), true, 2, way(2), 0));
        assert_eq!(routes.way(client(1), 5), Some((1, way(1))));
        assert!(routes.saw(client(1), true, 2, way(2), 10));
        assert_eq!(routes.way(client(1), 15), Some((2, way(2))));
        assert_eq!(routes.way(client(3), 15), None);
    }

    #[test]
    fn a_router_that_comes_back_elsewhere_is_found_by_its_next_ping() {
        let routes = Routes::default();
        routes.saw(client(1), true, 1, way(1), 0);
        routes.heard(1, way(9), 500);
        assert_eq!(routes.way(client(1), 500), Some((1, way(9))));
    }

    #[test]
    fn while_its_router_is_silent_another_one_is_tried() {
        let routes = Routes::default();
        routes.saw(client(1), true, 1, way(1), 0);
        routes.heard(2, way(2), 900);
        assert_eq!(routes.way(client(1), SILENT - 1), Some((1, way(1))));
        assert_eq!(routes.way(client(1), SILENT), Some((2, way(2))));
        routes.heard(1, way(1), SILENT + 1);
        assert_eq!(routes.way(client(1), SILENT + 1), Some((1, way(1))));
    }

    #[test]
    fn a_client_is_forgotten_after_a_silence_and_sooner_before_its_handshake() {
        let routes = Routes::default();
        routes.saw(client(1), true, 1, way(1), 0);
        routes.saw(client(2), false, 1, way(1), 0);
        routes.saw(client(3), false, 1, way(1), 0);
        routes.saw(client(3), true, 1, way(1), 1);
        let known = |now| [1, 2, 3].map(|it| routes.way(client(it), now).is_some());
        assert_eq!(known(UNSETTLED - 1), [true, true, true]);
        assert_eq!(known(UNSETTLED), [true, false, true]);
        assert_eq!(known(FORGOTTEN - 1), [true, false, true]);
        assert_eq!(known(FORGOTTEN), [false, false, true]);
        assert_eq!(known(FORGOTTEN + 1), [false, false, false]);
        // And its place is given back.
        routes.saw(client(4), true, 1, way(1), FORGOTTEN + 1);
        assert_eq!(routes.0.read().clients.len(), 1);
    }

    #[test]
    fn addresses_that_somebody_made_up_turn_away_nobody_who_is_there_or_comes() {
        let routes = Routes::default();
        routes.saw(client(u32::MAX), true, 1, way(1), 0);
        for number in 0..MOST_CLIENTS as u32 - 1 {
            assert!(routes.saw(client(number), false, 1, way(1), 0));
        }
        // Somebody waits for a second at most.
        assert!(!routes.saw(client(1 << 30), false, 1, way(1), SWEEP_FULL - 1));
        assert_eq!(routes.0.read().clients.len(), MOST_CLIENTS);
        assert!(routes.saw(client(1 << 30), false, 1, way(1), SWEEP_FULL));
        assert_eq!(routes.0.read().clients.len(), MOST_CLIENTS - ROOM + 1);
        assert!(routes.way(client(u32::MAX), SWEEP_FULL).is_some());
        let later = SWEEP_FULL + SWEEP;
        assert!(routes.saw(client(1 << 31), false, 1, way(1), later));
        assert!(routes.way(client(u32::MAX), later).is_some());
        assert_eq!(routes.0.read().clients.len(), 2);
    }

    #[test]
    fn one_connection_with_many_addresses_pushes_out_none_that_speaks_now_and_then() {
        let routes = Routes::default();
        let keep_alive = 20_000;
        for number in 1_000..MOST_CLIENTS as u32 {
            assert!(routes.saw(client(number), true, 1, way(1), 0));
        }
        for number in 0..1_000 {
            assert!(routes.saw(client(number), true, 1, way(1), 1_000));
        }
        assert!(routes.saw(client(1 << 30), false, 1, way(1), keep_alive));
        assert!((0..1_000).all(|it| routes.way(client(it), keep_alive).is_some()));
        assert!(routes.way(client(1 << 30), keep_alive).is_some());
        assert_eq!(routes.0.read().clients.len(), MOST_CLIENTS - ROOM + 1);
    }
}
