//! The state behind the handle: people, what other processes assert of them, and what this one asserts.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Instant;

use thrive_protocol::ids::UserId;
use thrive_protocol::lease::Digest;
use thrive_protocol::people::{Availability, Presence};

use super::claims::{Effect, Own, Snapshot};
use super::gossip::{Change, Gossip};
use super::mirror::{Effects, Mirror};
use super::{DEBOUNCE, DEBOUNCE_SWEPT, Process, Status};
use crate::faults::{self, Bug};

#[derive(Default)]
pub(super) struct Table {
    people: HashMap<UserId, Person>,
    /// Those of `people` who are connected here: a few among all whom other nodes have.
    here: HashSet<UserId>,
    /// Those of `people` whom others see.
    visible: u64,
    /// When those are to be seen to be gone whom nobody asserts any more.
    leaving: BTreeSet<(Instant, UserId)>,
    changed: HashSet<UserId>,
    /// People of this node whom others began or ceased to see, until somebody notes when that was.
    sightings: HashSet<UserId>,
    /// The newest process of each other node.
    mirrors: BTreeMap<u32, Mirror>,
    /// The epoch of the last process of a node whose lease ran out. What it said before that may still
    /// be on its way, and only a lease can bring it back to life.
    ended: BTreeMap<u32, u64>,
    /// Only a node that is one of many asserts anything.
    own: Option<Own>,
}

/// Somebody who is connected somewhere, or was a moment ago.
#[derive(Default)]
struct Person {
    /// Connections here.
    here: u32,
    /// Other processes that assert a connection.
    elsewhere: u32,
    /// Nobody else has seen them later than this node.
    last_here: bool,
    /// The newest that is known; nobody sees somebody whose status is not known yet.
    status: Option<Status>,
    gone_at: Option<Instant>,
}

impl Table {
    pub(super) fn seen(&self, user: UserId) -> Presence {
        self.people.get(&user).map(Person::seen).unwrap_or_default()
    }

    pub(super) fn visible(&self) -> u64 {
        self.visible
    }

    pub(super) fn all_seen(&self, most: usize) -> Vec<(UserId, Presence)> {
        let seen = self.people.iter().filter(|(_, person)| person.is_seen());
        seen.map(|(user, person)| (*user, person.seen())).take(most).collect()
    }

    pub(super) fn here(&self) -> Vec<UserId> {
        self.here.iter().copied().collect()
    }

    pub(super) fn is_anybody_here(&self) -> bool {
        !self.here.is_empty()
    }

    pub(super) fn arrived(&mut self, user: UserId) {
        self.people.entry(user).or_default();
        self.alter(user, None, |person| {
            person.here += 1;
            person.last_here = true;
        });
    }

    pub(super) fn left(&mut self, user: UserId, now: Instant) {
        let leave = |person: &mut Person| {
            person.here = person.here.saturating_sub(1);
            person.last_here = true;
        };
        self.alter(user, Some(now + DEBOUNCE), leave);
    }

    pub(super) fn learn(&mut self, user: UserId, status: Status) {
        self.alter(user, None, |person| person.learn(status));
    }

    pub(super) fn chose(&mut self, user: UserId, status: Status) {
        if let Some(own) = &mut self.own {
            own.chosen.insert(user, status.clone());
        }
        self.learn(user, status);
    }

    pub(super) fn expire(&mut self, now: Instant) {
        while let Some((at, user)) = self.leaving.first().copied()
            && at <= now
        {
            self.leaving.pop_first();
            if let Some(person) = self.people.remove(&user)
                && person.is_seen()
            {
                self.visible -= 1;
                self.changed.insert(user);
                if person.last_here {
                    self.sightings.insert(user);
                }
            }
        }
    }

    pub(super) fn take_changed(&mut self, most: usize) -> Vec<UserId> {
        let taken: Vec<_> = self.changed.iter().copied().take(most).collect();
        for user in &taken {
            self.changed.remove(user);
        }
        taken
    }

    /// People of this node whom others began or ceased to see since the last call.
    pub(super) fn take_sightings(&mut self) -> Vec<UserId> {
        std::mem::take(&mut self.sightings).into_iter().collect()
    }

    /// People of this node whom others see now, also those who have just left.
    pub(super) fn seen_here(&self) -> Vec<UserId> {
        let left = self.leaving.iter().map(|(_, user)| user);
        let of_here = |user: &&UserId| {
            self.people.get(user).is_some_and(|person| person.last_here && person.is_seen())
        };
        self.here.iter().chain(left).filter(of_here).copied().collect()
    }

    /// Everybody whom others see, unless those are more than `most`.
    pub(super) fn seen_everywhere(&self, most: usize) -> Option<Vec<UserId>> {
        let few = usize::try_from(self.visible).is_ok_and(|visible| visible <= most);
        let seen = || self.people.iter().filter(|(_, it)| it.is_seen()).map(|(user, _)| *user);
        few.then(|| seen().collect())
    }

    pub(super) fn put_back(&mut self, users: impl IntoIterator<Item = UserId>) {
        self.changed.extend(users);
    }

    pub(super) fn join(&mut self, process: Process) {
        let mut own = Own::new(process);
        own.dirty.extend(self.here());
        self.own = Some(own);
    }

    pub(super) fn changes(&mut self, most: usize) -> Option<Gossip> {
        let own = self.own.as_mut()?;
        let mut changes = Vec::new();
        while changes.len() < most
            && let Some(user) = own.dirty.pop_first()
        {
            let person = self.people.get(&user);
            let status = person.filter(|it| 0 < it.here).and_then(|it| it.status.clone());
            if own.claims.get(user) != status.as_ref() {
                let change = Change { user, status };
                own.claims.apply(change.clone());
                changes.push(change);
            }
        }
        let chosen: Vec<_> = std::mem::take(&mut own.chosen).into_iter().collect();
        if changes.is_empty() && chosen.is_empty() {
            return None;
        }
        own.claims.seq += u64::from(!changes.is_empty());
        let Process { node, epoch } = own.process;
        Some(Gossip { node, epoch, seq: own.claims.seq, changes, chosen })
    }

    pub(super) fn beat(&self) -> Option<Gossip> {
        let own = self.own.as_ref()?;
        let Process { node, epoch } = own.process;
        let (changes, chosen) = (Vec::new(), Vec::new());
        Some(Gossip { node, epoch, seq: own.claims.seq, changes, chosen })
    }

    pub(super) fn snapshot(&self) -> Option<Snapshot> {
        self.own.as_ref().map(|own| own.claims.snapshot())
    }

    pub(super) fn digest(&self) -> Digest {
        self.own.as_ref().map(|own| own.claims.digest()).unwrap_or_default()
    }

    pub(super) fn hear(&mut self, gossip: Gossip, now: Instant) -> bool {
        let process = gossip.process();
        if self.is_own(process.node) {
            return self.own.as_ref().is_some_and(|own| own.process == process);
        }
        // What was chosen is true whoever says it, and however late.
        for (user, status) in gossip.chosen {
            self.learn(user, status);
        }
        if let Some(mirror) = self.mirror(process, now) {
            let effects = mirror.hear(gossip.seq, gossip.changes);
            self.apply(effects, now + DEBOUNCE);
        }
        false
    }

    pub(super) fn members(&mut self, members: &[(Process, Digest)], sweep: bool, now: Instant) {
        let mut living = HashSet::new();
        for (process, digest) in members {
            living.insert(process.node);
            self.ended.remove(&process.node);
            if !self.is_own(process.node)
                && let Some(mirror) = self.mirror(*process, now)
            {
                mirror.compare(*digest);
            }
        }
        if !sweep || faults::bug(Bug::PresenceWithoutEpoch) {
            return;
        }
        let gone: Vec<_> =
            self.mirrors.keys().copied().filter(|node| !living.contains(node)).collect();
        for node in gone {
            self.ended.extend(self.mirrors.get(&node).map(|it| (node, it.epoch)));
            self.end(node, now + DEBOUNCE_SWEPT);
        }
    }

    pub(super) fn doubt(&mut self) {
        for mirror in self.mirrors.values_mut() {
            mirror.doubtful = true;
        }
    }

    pub(super) fn doubtful(&self) -> Vec<Process> {
        let doubtful = self.mirrors.iter().filter(|(_, it)| it.doubtful);
        doubtful.map(|(node, it)| Process { node: *node, epoch: it.epoch }).collect()
    }

    pub(super) fn correct(&mut self, of: Process, snapshot: Snapshot, now: Instant) -> bool {
        let mirror = self.mirrors.get_mut(&of.node).filter(|it| it.epoch == of.epoch);
        let Some(effects) = mirror.and_then(|it| it.correct(snapshot)) else { return false };
        self.apply(effects, now + DEBOUNCE);
        true
    }

    fn is_own(&self, node: u32) -> bool {
        self.own.as_ref().is_some_and(|own| own.process.node == node)
    }

    /// The mirror of a process; `None` when a later process of that node is known. What an earlier one
    /// asserted ends with the first sign of a later one.
    fn mirror(&mut self, process: Process, now: Instant) -> Option<&mut Mirror> {
        if self.ended.get(&process.node).is_some_and(|ended| process.epoch <= *ended) {
            return None;
        }
        let known = self.mirrors.get(&process.node).map(|it| it.epoch);
        match known {
            Some(epoch) if process.epoch < epoch => return None,
            Some(epoch) if epoch < process.epoch && faults::bug(Bug::PresenceWithoutEpoch) => {
                // Wrong on purpose: what died with the former process stays.
                self.mirrors.get_mut(&process.node)?.epoch = process.epoch;
            }
            Some(epoch) if epoch < process.epoch => {
                self.end(process.node, now + DEBOUNCE);
            }
            Some(_) | None => {}
        }
        Some(self.mirrors.entry(process.node).or_insert_with(|| Mirror::new(process.epoch)))
    }

    /// Nobody asserts any more what this node did.
    fn end(&mut self, node: u32, gone_at: Instant) {
        if let Some(mirror) = self.mirrors.remove(&node) {
            let effects = mirror.end().map(|user| (user, Effect::Went)).collect();
            self.apply(effects, gone_at);
        }
    }

    fn apply(&mut self, effects: Effects, gone_at: Instant) {
        for (user, effect) in effects {
            match effect {
                Effect::Came(status) => {
                    self.people.entry(user).or_default();
                    self.alter(user, None, |person| {
                        person.elsewhere += 1;
                        person.last_here = 0 < person.here;
                        person.learn(status);
                    });
                }
                Effect::Chose(status) => self.learn(user, status),
                Effect::Went => self.alter(user, Some(gone_at), |person| {
                    person.elsewhere = person.elsewhere.saturating_sub(1);
                    person.last_here = 0 < person.here;
                }),
                Effect::Nothing => {}
            }
        }
    }

    /// The only place where a person changes: keeps everything that follows from it.
    fn alter(&mut self, user: UserId, gone_at: Option<Instant>, change: impl FnOnce(&mut Person)) {
        let Some(person) = self.people.get_mut(&user) else { return };
        let (before, was_here) = (person.seen(), 0 < person.here);
        change(person);
        match (was_here, 0 < person.here) {
            (false, true) => drop(self.here.insert(user)),
            (true, false) => drop(self.here.remove(&user)),
            (false, false) | (true, true) => {}
        }
        let is_asserted = 0 < person.here || 0 < person.elsewhere;
        if is_asserted && let Some(at) = person.gone_at.take() {
            self.leaving.remove(&(at, user));
        }
        if !is_asserted && person.gone_at.is_none() {
            // Without a time, somebody changed who was away already.
            person.gone_at = gone_at;
            self.leaving.extend(gone_at.map(|at| (at, user)));
        }
        let after = person.seen();
        if before != after {
            let (was_seen, is_seen) =
                [&before, &after].map(|it| it.availability != Availability::Offline).into();
            self.visible -= u64::from(was_seen);
            self.visible += u64::from(is_seen);
            self.changed.insert(user);
            if was_seen != is_seen && person.last_here {
                self.sightings.insert(user);
            }
        }
        if let Some(own) = &mut self.own
            && (was_here || 0 < person.here)
        {
            own.dirty.insert(user);
        }
    }
}

impl Person {
    fn learn(&mut self, status: Status) {
        if self.status.as_ref().is_none_or(|known| known.changed < status.changed) {
            self.status = Some(status);
        }
    }

    fn seen(&self) -> Presence {
        self.status.as_ref().map(Status::seen).unwrap_or_default()
    }

    fn is_seen(&self) -> bool {
        self.seen().availability != Availability::Offline
    }
}
