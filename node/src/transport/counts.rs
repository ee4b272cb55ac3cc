//! What became of the datagrams between routers and a worker.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicU64, Ordering};

/// One fate of a datagram.
#[derive(Clone, Copy, Debug)]
#[repr(usize)]
pub(super) enum Fate {
    /// Handed to QUIC.
    Received,
    /// Sent to a client through a router.
    Sent,
    /// A ping that was answered.
    Answered,
    /// Too short for a header and something behind it.
    Short,
    /// Its seal is not that of our routers.
    Forged,
    /// A kind that only nodes send.
    Unexpected,
    /// Larger than what we have told clients.
    Large,
    /// From a client for whom there is no place among the known ones.
    Crowded,
    /// To a client of whom no router has spoken, or not for long.
    Unroutable,
    /// The system could not read, or not send a pong.
    Failed,
}

/// Counted since the start.
#[derive(Debug, Default)]
pub(super) struct Counts([AtomicU64; FATES]);

const FATES: usize = Fate::Failed as usize + 1;

impl Counts {
    pub(super) fn count(&self, fate: Fate) {
        self.add(fate, 1);
    }

    pub(super) fn add(&self, fate: Fate, number: usize) {
        if let Some(counter) = self.0.get(fate as usize) {
            counter.fetch_add(number as u64, Ordering::Relaxed);
        }
    }

    fn of(&self, fate: Fate) -> u64 {
        self.0.get(fate as usize).map_or(0, |it| it.load(Ordering::Relaxed))
    }

    pub(super) fn figures(&self) -> Routed {
        Routed {
            received: self.of(Fate::Received),
            sent: self.of(Fate::Sent),
            answered: self.of(Fate::Answered),
            short: self.of(Fate::Short),
            forged: self.of(Fate::Forged),
            unexpected: self.of(Fate::Unexpected),
            large: self.of(Fate::Large),
            crowded: self.of(Fate::Crowded),
            unroutable: self.of(Fate::Unroutable),
            failed: self.of(Fate::Failed),
        }
    }
}

/// Datagrams between routers and this node since its start, by what became of them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Routed {
    pub received: u64,
    pub sent: u64,
    pub answered: u64,
    pub short: u64,
    pub forged: u64,
    pub unexpected: u64,
    pub large: u64,
    pub crowded: u64,
    pub unroutable: u64,
    pub failed: u64,
}

impl AddAssign for Routed {
    fn add_assign(&mut self, other: Self) {
        self.received += other.received;
        self.sent += other.sent;
        self.answered += other.answered;
        self.short += other.short;
        self.forged += other.forged;
        self.unexpected += other.unexpected;
        self.large += other.large;
        self.crowded += other.crowded;
        self.unroutable += other.unroutable;
        self.failed += other.failed;
    }
}
