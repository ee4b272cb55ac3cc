//! What a process has asserted so far: its own, and what a mirror of another one holds.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sha2::{Digest as _, Sha256};
use thrive_protocol::ids::UserId;
use thrive_protocol::lease::Digest;

use super::gossip::{Change, encode_status};
use super::{Process, Status};

/// All that a process has asserted, as of its message `seq`.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Snapshot {
    pub seq: u64,
    pub entries: HashMap<UserId, Status>,
}

/// The entries with their digest.
#[derive(Debug, Default)]
pub(super) struct Claims {
    pub(super) seq: u64,
    entries: HashMap<UserId, Status>,
    hash: u64,
}

/// What a change did.
#[derive(Debug, Eq, PartialEq)]
pub(super) enum Effect {
    Came(Status),
    Chose(Status),
    Went,
    Nothing,
}

/// What this process asserts.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) process: Process,
    pub(super) claims: Claims,
    /// People whose entry may have to change. Each of them is or was connected here.
    pub(super) dirty: BTreeSet<UserId>,
    /// Chosen here and not yet said.
    pub(super) chosen: BTreeMap<UserId, Status>,
}

impl Own {
    pub(super) fn new(process: Process) -> Self {
        Self { process, claims: Claims::default(), dirty: BTreeSet::new(), chosen: BTreeMap::new() }
    }
}

impl Claims {
    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { seq: self.seq, entries: self.entries.clone() }
    }

    pub(super) fn get(&self, user: UserId) -> Option<&Status> {
        self.entries.get(&user)
    }

    pub(super) fn into_users(self) -> impl Iterator<Item = UserId> {
        self.entries.into_keys()
    }

    pub(super) fn apply(&mut self, change: Change) -> Effect {
        let Change { user, status } = change;
        let before = match &status {
            Some(status) => {
                self.hash ^= hash_of(user, status);
                self.entries.insert(user, status.clone())
            }
            None => self.entries.remove(&user),
        };
        if let Some(before) = &before {
            self.hash ^= hash_of(user, before);
        }
        match (before, status) {
            (None, Some(status)) => Effect::Came(status),
            (Some(before), Some(status)) if before != status => Effect::Chose(status),
            (Some(_), Some(_)) | (None, None) => Effect::Nothing,
            (Some(_), None) => Effect::Went,
        }
    }

    /// What must change to become like `to`.
    pub(super) fn difference(&self, to: &HashMap<UserId, Status>) -> Vec<Change> {
        let gone = self.entries.keys().filter(|user| !to.contains_key(user));
        let gone = gone.map(|user| Change { user: *user, status: None });
        let other = to.iter().filter(|(user, status)| self.entries.get(user) != Some(status));
        let other = other.map(|(user, it)| Change { user: *user, status: Some(it.clone()) });
        gone.chain(other).collect()
    }

    pub(super) fn digest(&self) -> Digest {
        let count = u32::try_from(self.entries.len()).unwrap_or(u32::MAX);
        Digest { count, hash: self.hash }
    }
}

/// Entries are summed up by exclusive or, so a change costs the same however many there are. No
/// defense against a malicious node, only against a lost message.
fn hash_of(user: UserId, status: &Status) -> u64 {
    let mut hash = Sha256::new();
    hash.update(user.0.to_be_bytes());
    hash.update(encode_status(status));
    let bytes: [u8; 32] = hash.finalize().into();
    u64::from_be_bytes(bytes.first_chunk().copied().unwrap_or_default())
}
