//! How many connections there may be, on all sockets together.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

use super::standing::Standing;
use crate::throttle::Network;

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    pub connections: usize,
    pub per_address: usize,
}

pub(super) struct Places {
    allowed: Allowed,
    standing: Arc<Standing>,
    /// Live connections by address, or network where one person has many; guarded for a few lines.
    networks: Mutex<HashMap<Network, usize>>,
}

/// One of the allowed connections; given back when dropped.
pub struct Permit {
    network: Network,
    places: Arc<Places>,
}

impl Places {
    pub(super) fn new(allowed: Allowed, standing: Arc<Standing>) -> Arc<Self> {
        Arc::new(Self { allowed, standing, networks: Mutex::default() })
    }

    /// Whether half of what one address may have is in use.
    pub(super) fn half_taken(&self, address: IpAddr) -> bool {
        let here = self.networks.lock().get(&Network::of(address)).copied().unwrap_or_default();
        self.allowed.per_address <= here.saturating_mul(2)
    }

    pub(super) fn take(self: &Arc<Self>, address: IpAddr) -> Option<Permit> {
        let network = Network::of(address);
        let mut networks = self.networks.lock();
        let total = self.standing.connections();
        let here = networks.get(&network).copied().unwrap_or_default();
        if self.allowed.connections <= total || self.allowed.per_address <= here {
            return None;
        }
        networks.insert(network, here + 1);
        self.standing.add();
        Some(Permit { network, places: Arc::clone(self) })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut networks = self.places.networks.lock();
        self.places.standing.subtract();
        if let Some(here) = networks.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                networks.remove(&self.network);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(connections: usize, per_address: usize) -> Arc<Places> {
        let standing = Arc::new(Standing::new(connections));
        Places::new(Allowed { connections, per_address }, standing)
    }

    fn address(last: u8) -> IpAddr {
        [192, 0, 2, last].into()
    }

    #[test]
    fn one_address_has_its_share_and_no_more() {
        let places = places(10, 2);
        assert!(!places.half_taken(address(1)));
        let first = places.take(address(1)).unwrap();
        assert!(places.half_taken(address(1)) && !places.half_taken(address(2)));
        let _second = places.take(address(1)).unwrap();
        assert!(places.take(address(1)).is_none());
        assert!(places.take(address(2)).is_some());
        drop(first);
        assert!(places.take(address(1)).is_some());
    }

    #[test]
    fn all_together_are_bounded_and_nothing_is_left_when_they_are_gone() {
        let places = places(3, 2);
        let permits: Vec<_> = (1..=3).map(|it| places.take(address(it)).unwrap()).collect();
        assert!(places.take(address(4)).is_none());
        assert_eq!(places.standing.connections(), 3);
        drop(permits);
        assert_eq!(places.standing.connections(), 0);
        assert!(places.networks.lock().is_empty());
    }
}
