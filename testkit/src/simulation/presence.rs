//! Who is online: the real tables of the nodes, over a Redis that goes away and is emptied, and what
//! people are shown of it.

use std::collections::BTreeMap;
use std::time::Duration;

use thrive_node::presence::{Gossip, Process, Snapshot, Status};
use thrive_protocol::ids::UserId;
use thrive_protocol::lease::Digest;
use thrive_protocol::people::{Availability, Presence};

use super::event::Event;
use super::network::Down;
use super::world::{NODES, World, contacts_of};

/// What the nodes have written down where all of them can read it.
#[derive(Default)]
pub(super) struct Board {
    leases: BTreeMap<u32, (Process, Digest, Duration)>,
    asserted: BTreeMap<Process, (Snapshot, Duration)>,
    /// What the store says of each account: which change it was, and whether others may see it.
    chosen: BTreeMap<UserId, (u64, bool)>,
}

/// As the periods of a member are.
const TTL: Duration = Duration::from_secs(10);
const RENEWAL: Duration = Duration::from_secs(3);
const PATIENCE: Duration = Duration::from_secs(6);
const POLL: Duration = Duration::from_secs(1);
const STATUSES: Duration = Duration::from_secs(5);
/// What changes together is said together.
const GATHER: Duration = Duration::from_millis(250);

impl Board {
    /// Everything that is not in the store is gone.
    pub(super) fn empty(&mut self) {
        self.leases.clear();
        self.asserted.clear();
    }

    fn is_visible(&self, user: UserId) -> bool {
        self.chosen.get(&user).is_none_or(|(_, visible)| *visible)
    }
}

impl World {
    pub(super) fn process(&self, node: usize) -> Process {
        let epoch = if self.rules.epochs { self.nodes[node].life } else { 1 };
        Process { node: u32::try_from(node + 1).unwrap_or_default(), epoch }
    }

    pub(super) fn join(&mut self, node: usize) {
        let (process, life) = (self.process(node), self.nodes[node].life);
        self.nodes[node].online.join(process);
        for event in [
            Event::Renew { node, life },
            Event::Poll { node, life },
            Event::Spread { node, life },
            Event::Reread { node, life },
        ] {
            let wait = self.ms(0, 40);
            self.agenda.after(wait, event);
        }
    }

    fn redis_is_up(&self) -> bool {
        self.weather.bus_down_until <= self.agenda.now()
    }

    fn status(&self, user: UserId) -> Status {
        let (changed, visible) = self.board.chosen.get(&user).copied().unwrap_or((1, true));
        let availability = if visible { Availability::Online } else { Availability::Invisible };
        let changed = if self.rules.newest_status { changed } else { 1 };
        Status { changed, presence: Presence { availability, ..Presence::default() } }
    }

    /// A person chooses to be seen, or not to be.
    pub(super) fn choose(&mut self, connection: usize) {
        if !self.store.is_up(self.agenda.now()) {
            return;
        }
        let it = &self.connections[connection];
        let (node, user) = (it.node, self.devices[it.device].user);
        let (changed, visible) = self.board.chosen.get(&user).copied().unwrap_or((1, true));
        self.board.chosen.insert(user, (changed + 1, !visible));
        self.note(|| format!("user {user} is visible from now on: {}", !visible));
        let status = self.status(user);
        self.nodes[node].online.chose(user, status);
    }

    /// Somebody has a connection to a node.
    pub(super) fn arrived(&self, connection: usize) {
        let it = &self.connections[connection];
        let (node, user) = (it.node, self.devices[it.device].user);
        let status = self.status(user);
        let online = &self.nodes[node].online;
        online.arrived(user);
        online.learn(user, status);
    }

    // What nodes do now and then.

    pub(super) fn renew(&mut self, node: usize, life: u64) {
        if !self.nodes[node].lives(life) {
            return;
        }
        self.agenda.after(RENEWAL, Event::Renew { node, life });
        if !self.redis_is_up() {
            return;
        }
        let (process, until) = (self.process(node), self.agenda.now() + TTL);
        let online = &self.nodes[node].online;
        self.board.leases.insert(process.node, (process, online.digest(), until));
        let snapshot = online.snapshot().unwrap_or_default();
        self.board.asserted.insert(process, (snapshot, until));
    }

    /// Looks at the leases, and reads what is missing.
    pub(super) fn poll(&mut self, node: usize, life: u64) {
        if !self.nodes[node].lives(life) {
            return;
        }
        self.agenda.after(POLL, Event::Poll { node, life });
        let (now, moment, own) = (self.agenda.now(), self.moment(), self.process(node));
        let up = self.redis_is_up();
        self.board.leases.retain(|_, (_, _, until)| now < *until);
        self.board.asserted.retain(|_, (_, until)| now < *until);
        let leases = self.board.leases.values();
        let members: Vec<_> = leases.map(|(process, digest, _)| (*process, *digest)).collect();
        let it = &mut self.nodes[node];
        let has_lease = members.iter().any(|(process, _)| *process == own);
        if !up || !has_lease {
            // Nothing is known of the others while nothing can be read, or was forgotten there.
            it.sweeps_from = now + PATIENCE;
        }
        if !up {
            return;
        }
        it.online.members(&members, it.sweeps_from <= now, moment);
        for process in it.online.doubtful() {
            if let Some((snapshot, _)) = self.board.asserted.get(&process) {
                it.online.correct(process, snapshot.clone(), moment);
            }
        }
        if !has_lease {
            self.agenda.after(Duration::ZERO, Event::Renew { node, life });
        }
        self.announce(node);
    }

    /// Writes down first, says then.
    pub(super) fn spread(&mut self, node: usize, life: u64) {
        if !self.nodes[node].lives(life) {
            return;
        }
        self.agenda.after(GATHER, Event::Spread { node, life });
        let moment = self.moment();
        self.nodes[node].online.expire(moment);
        if self.redis_is_up() {
            let process = self.process(node);
            while let Some(gossip) = self.nodes[node].online.changes(8) {
                let until = self.agenda.now() + TTL;
                let snapshot = self.nodes[node].online.snapshot().unwrap_or_default();
                self.board.asserted.insert(process, (snapshot, until));
                self.say_to_all(node, &gossip);
            }
            if self.chance(125)
                && let Some(beat) = self.nodes[node].online.beat()
            {
                self.say_to_all(node, &beat);
            }
        }
        self.announce(node);
    }

    fn say_to_all(&mut self, node: usize, gossip: &Gossip) {
        for other in (0..NODES).filter(|other| *other != node) {
            let life = self.nodes[other].life;
            for wait in self.carried() {
                let gossip = gossip.clone();
                self.agenda.after(wait, Event::Hear { node: other, life, gossip });
            }
        }
    }

    pub(super) fn hear(&mut self, node: usize, life: u64, gossip: Gossip) {
        if !self.nodes[node].lives(life) {
            return;
        }
        let moment = self.moment();
        self.nodes[node].online.hear(gossip, moment);
        self.announce(node);
    }

    /// Looks at the stored statuses of those who are connected.
    pub(super) fn reread(&mut self, node: usize, life: u64) {
        if !self.nodes[node].lives(life) {
            return;
        }
        self.agenda.after(STATUSES, Event::Reread { node, life });
        if self.store.is_up(self.agenda.now()) {
            let mut here = self.nodes[node].online.here();
            here.sort_unstable();
            let statuses: Vec<_> = here.iter().map(|&user| (user, self.status(user))).collect();
            self.nodes[node].online.learn_all(statuses);
            self.announce(node);
        }
    }

    /// Tells those who are connected here what has changed in what they see.
    fn announce(&mut self, node: usize) {
        let mut changed = self.nodes[node].online.take_changed(usize::MAX);
        changed.sort_unstable();
        for user in changed {
            let online = self.sees(node, user);
            for connection in self.nodes[node].connections.clone() {
                let watcher = self.devices[self.connections[connection].device].user;
                if contacts_of(watcher).contains(&user) {
                    let frame = self.frame(Down::Presence { user, online });
                    self.connections[connection].outbox.push(frame);
                    self.write_one(connection);
                }
            }
        }
    }

    /// Whether somebody is online as far as a node knows.
    pub(super) fn sees(&self, node: usize, user: UserId) -> bool {
        self.nodes[node].online.of(user).availability != Availability::Offline
    }

    /// Everybody sees everybody else as they are.
    pub(super) fn judge_presence(&self) -> Result<(), String> {
        for device in self.devices.iter().filter(|it| it.runs()) {
            for user in contacts_of(device.user) {
                let is_there = self.devices.iter().any(|it| it.user == user && it.runs());
                let truth = is_there && self.board.is_visible(user);
                if device.sees(user) != truth {
                    let sees = if truth { "offline" } else { "online" };
                    return Err(format!("I10: {} sees user {user} {sees}", device.name()));
                }
            }
        }
        Ok(())
    }
}
