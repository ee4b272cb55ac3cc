//! What another process asserts, as far as it was heard, and whether something is missing.

use std::collections::VecDeque;

use thrive_protocol::ids::UserId;
use thrive_protocol::lease::Digest;

use super::claims::{Claims, Effect, Snapshot};
use super::gossip::Change;

#[derive(Debug, Default)]
pub(super) struct Mirror {
    pub(super) epoch: u64,
    claims: Claims,
    /// After each of the last messages. A lease is older than what was heard since, and must not look
    /// like a difference for that.
    recent: VecDeque<Digest>,
    /// Leases in a row whose digest was never ours.
    differs: u8,
    /// Something is missing, so all must be read.
    pub(super) doubtful: bool,
}

/// Changes of people, to be applied to what is seen of them.
pub(super) type Effects = Vec<(UserId, Effect)>;

/// Messages in the time between two renewals, and more.
const RECENT: usize = 256;
/// A lease is compared while a message is on its way, so one difference says nothing.
const DIFFERENCES: u8 = 2;

impl Mirror {
    /// Of a process that was not known: nothing is held, so all must be read.
    pub(super) fn new(epoch: u64) -> Self {
        Self { epoch, doubtful: true, ..Self::default() }
    }

    /// A message came. One that comes late or twice is dropped; one that comes early shows that another
    /// one is missing.
    pub(super) fn hear(&mut self, seq: u64, changes: Vec<Change>) -> Effects {
        let known = self.claims.seq;
        if changes.is_empty() {
            self.doubtful |= known < seq;
            return Effects::new();
        }
        if seq <= known {
            return Effects::new();
        }
        self.doubtful |= known + 1 < seq;
        self.claims.seq = seq;
        self.apply(changes)
    }

    /// All that is asserted was read. It may be older than what was heard meanwhile; then nothing
    /// changes, and it must be read again. A mirror that is whole keeps what it has.
    pub(super) fn correct(&mut self, snapshot: Snapshot) -> Option<Effects> {
        if snapshot.seq < self.claims.seq {
            return None;
        }
        // What was so before a message was missed may be so again without our having heard of it.
        self.recent.clear();
        let effects = self.apply(self.claims.difference(&snapshot.entries));
        self.claims.seq = snapshot.seq;
        (self.doubtful, self.differs) = (false, 0);
        Some(effects)
    }

    /// The lease says so.
    pub(super) fn compare(&mut self, digest: Digest) {
        if self.claims.digest() == digest || self.recent.contains(&digest) {
            self.differs = 0;
            return;
        }
        self.differs = self.differs.saturating_add(1);
        self.doubtful |= DIFFERENCES <= self.differs;
    }

    /// Everybody who was asserted, when the process is gone.
    pub(super) fn end(self) -> impl Iterator<Item = UserId> {
        self.claims.into_users()
    }

    fn apply(&mut self, changes: Vec<Change>) -> Effects {
        let effects = changes.into_iter().map(|change| (change.user, self.claims.apply(change)));
        let effects = effects.filter(|(_, effect)| *effect != Effect::Nothing).collect();
        if RECENT <= self.recent.len() {
            self.recent.pop_front();
        }
        self.recent.push_back(self.claims.digest());
        effects
    }
}
