//! How a node stands, in the words of its answers to routers.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Shared by the sockets, which say it, and the acceptor, which knows it.
#[derive(Debug)]
pub(super) struct Standing {
    connections: AtomicUsize,
    /// At so many it is full.
    most: usize,
    draining: AtomicBool,
}

/// How full a node can be, at most.
const FULL: usize = 16;

impl Standing {
    pub(super) fn new(most: usize) -> Self {
        Self {
            connections: AtomicUsize::new(0),
            most: most.max(1),
            draining: AtomicBool::new(false),
        }
    }

    pub(super) fn add(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn subtract(&self) {
        self.connections.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }

    /// From 0, empty, to 16, full.
    pub(super) fn load(&self) -> u8 {
        let sixteenths = self.connections().saturating_mul(FULL).div_ceil(self.most);
        u8::try_from(sixteenths.min(FULL)).unwrap_or(u8::MAX)
    }

    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    pub(super) fn draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn load_grows_from_nothing_to_sixteen() {
        let standing = Standing::new(100);
        assert_eq!(standing.load(), 0);
        standing.add();
        assert_eq!(standing.load(), 1);
        for _ in 0..49 {
            standing.add();
        }
        assert_eq!(standing.load(), 8);
        for _ in 0..500 {
            standing.add();
        }
        assert_eq!((standing.load(), standing.connections()), (16, 550));
        standing.subtract();
        assert_eq!(standing.connections(), 549);
        assert_eq!(Standing::new(0).load(), 0);
    }
}
