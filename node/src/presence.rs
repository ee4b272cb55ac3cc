//! Who is online, as others may see it: connections here, what other nodes assert, a stored status,
//! and a debounced end.
//!
//! The state is pure and takes the time; [`Online`] is the handle that others hold. Whatever changes
//! what others see of somebody, whether it happened here or was heard of, puts them into one set of the
//! changed. Whoever tells people about it takes from that set, and reads what is so by then.
//!
//! A status belongs to the account and not to a device. Each change of it has a number that only rises
//! ([`Status::changed`]), so the newest status wins wherever it was chosen and in whatever order nodes
//! hear of it: a node that still believes in an older one cannot show somebody who has become invisible.

mod claims;
mod gossip;
mod mirror;
mod table;

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use thrive_protocol::ids::UserId;
use thrive_protocol::lease::Digest;
use thrive_protocol::people::{Availability, Presence};

pub use self::claims::Snapshot;
pub use self::gossip::{Change, Gossip, decode_status, encode_status};
use self::table::Table;

/// Somebody whose last connection went is still shown for so long: a reconnect is no news.
pub const DEBOUNCE: Duration = Duration::from_secs(5);
/// The same for people of a node that is gone: that took time to be noticed already.
pub const DEBOUNCE_SWEPT: Duration = Duration::from_secs(2);

/// The status of an account, as it is stored.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Status {
    /// Higher with each change, whichever node made it.
    #[serde(rename = "c")]
    pub changed: u64,
    #[serde(rename = "p")]
    pub presence: Presence,
}

/// A process of a node: what it asserts ends with it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Process {
    pub node: u32,
    /// Higher for each process that holds the number.
    pub epoch: u64,
}

/// A cheap handle.
#[derive(Clone, Default)]
pub struct Online {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    /// Guards the table for a few lines; never held over an await.
    table: Mutex<Table>,
    /// Rung after something changed.
    bells: Mutex<Vec<Bell>>,
}

type Bell = Box<dyn Fn() + Send + Sync>;

impl Online {
    /// What others see of `user`: offline when invisible or not connected.
    #[must_use]
    pub fn of(&self, user: UserId) -> Presence {
        self.shared.table.lock().seen(user)
    }

    /// People who are seen as online now, on any node.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.shared.table.lock().visible()
    }

    /// At most `most` people who are seen as online now, on any node, and what is seen of them.
    #[must_use]
    pub fn seen(&self, most: usize) -> Vec<(UserId, Presence)> {
        self.shared.table.lock().all_seen(most)
    }

    /// One connection more. What others see changes with [`Self::learn`], which is called next.
    pub fn arrived(&self, user: UserId) {
        self.change(|table| table.arrived(user));
    }

    /// One connection less. Others see nothing of it yet; see [`Self::expire`].
    pub fn left(&self, user: UserId, now: Instant) {
        self.change(|table| table.left(user, now));
    }

    /// The account has this status stored. An older one than is known changes nothing.
    pub fn learn(&self, user: UserId, status: Status) {
        self.change(|table| table.learn(user, status));
    }

    /// The same for many.
    pub fn learn_all(&self, statuses: impl IntoIterator<Item = (UserId, Status)>) {
        self.change(|table| {
            for (user, status) in statuses {
                table.learn(user, status);
            }
        });
    }

    /// The person chose this status on this node, so others hear of it even when they have left.
    pub fn chose(&self, user: UserId, status: Status) {
        self.change(|table| table.chose(user, status));
    }

    /// Lets those go who have been away for long enough.
    pub fn expire(&self, now: Instant) {
        self.change(|table| table.expire(now));
    }

    /// At most `most` people of whom others see something else than before.
    #[must_use]
    pub fn take_changed(&self, most: usize) -> Vec<UserId> {
        self.shared.table.lock().take_changed(most)
    }

    /// People of this node whom others began or ceased to see since the last call: a moment at which they
    /// were last seen.
    #[must_use]
    pub fn take_sightings(&self) -> Vec<UserId> {
        self.shared.table.lock().take_sightings()
    }

    /// People of this node whom others see now, also those who have just left.
    #[must_use]
    pub fn seen_here(&self) -> Vec<UserId> {
        self.shared.table.lock().seen_here()
    }

    /// Everybody whom others see, on any node; `None` when those are more than `most`.
    #[must_use]
    pub fn seen_everywhere(&self, most: usize) -> Option<Vec<UserId>> {
        self.shared.table.lock().seen_everywhere(most)
    }

    /// They could not be told of; they are told of later.
    pub fn put_back(&self, users: impl IntoIterator<Item = UserId>) {
        self.shared.table.lock().put_back(users);
    }

    /// Calls `bell` after every change, also one of no interest. It must return at once.
    pub fn on_change(&self, bell: impl Fn() + Send + Sync + 'static) {
        self.shared.bells.lock().push(Box::new(bell));
    }

    /// Everybody who is connected here.
    #[must_use]
    pub fn here(&self) -> Vec<UserId> {
        self.shared.table.lock().here()
    }

    #[must_use]
    pub fn is_anybody_here(&self) -> bool {
        self.shared.table.lock().is_anybody_here()
    }

    /// From now on this node asserts to others who is connected here.
    pub fn join(&self, process: Process) {
        self.change(|table| table.join(process));
    }

    /// What has changed of that since the last call, at most `most` people; `None`: nothing.
    #[must_use]
    pub fn changes(&self, most: usize) -> Option<Gossip> {
        self.shared.table.lock().changes(most)
    }

    /// A sign of life, by which others see whether they missed something.
    #[must_use]
    pub fn beat(&self) -> Option<Gossip> {
        self.shared.table.lock().beat()
    }

    /// All that was said so far, for those who missed something.
    #[must_use]
    pub fn snapshot(&self) -> Option<Snapshot> {
        self.shared.table.lock().snapshot()
    }

    /// What the lease carries for comparison.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.shared.table.lock().digest()
    }

    /// Somebody else said this. Says whether it was this process itself.
    pub fn hear(&self, gossip: Gossip, now: Instant) -> bool {
        self.change(|table| table.hear(gossip, now))
    }

    /// These processes have a lease, with the digest in it. What others asserted who have none ends,
    /// if `sweep`; say no when the leases themselves may have been lost.
    pub fn members(&self, members: &[(Process, Digest)], sweep: bool, now: Instant) {
        self.change(|table| table.members(members, sweep, now));
    }

    /// Something may have been missed of everybody.
    pub fn doubt(&self) {
        self.shared.table.lock().doubt();
    }

    /// Whose assertions must be read anew.
    #[must_use]
    pub fn doubtful(&self) -> Vec<Process> {
        self.shared.table.lock().doubtful()
    }

    /// What a process has asserted, all of it, as of `snapshot.seq`. Says whether it was new enough.
    pub fn correct(&self, of: Process, snapshot: Snapshot, now: Instant) -> bool {
        self.change(|table| table.correct(of, snapshot, now))
    }

    fn change<T>(&self, change: impl FnOnce(&mut Table) -> T) -> T {
        let result = change(&mut self.shared.table.lock());
        for bell in self.shared.bells.lock().iter() {
            bell();
        }
        result
    }
}

impl Status {
    /// What others see of somebody who is connected with it.
    fn seen(&self) -> Presence {
        match self.presence.availability {
            Availability::Offline | Availability::Invisible => Presence::default(),
            Availability::Online
            | Availability::Away
            | Availability::Busy
            | Availability::DoNotDisturb => self.presence.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
