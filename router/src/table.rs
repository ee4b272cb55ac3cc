//! The nodes that a router knows, and how each of them is as seen from here.
//!
//! A source lists the nodes; pings tell which of them answer. The list may be old (Redis may be away),
//! so it never takes a node away that answers, and a node that does not answer is left alone for a while
//! before its connections are given up: a reset ends them for good, and the fault may be on our side.
//!
//! Pure: what time it is comes as an argument.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use thrive_protocol::cid::ServerId;
use thrive_protocol::encapsulation::{FULL, State};

/// What a source says of all nodes.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Listing {
    pub members: Vec<Member>,
    /// The members hold leases, which end by themselves when a node is gone. Those that somebody wrote
    /// into a configuration do not.
    pub leased: bool,
}

/// What a source says of one node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Member {
    pub lease: u32,
    /// Of two members at one address, the one with the higher epoch is there.
    pub epoch: u64,
    /// Worker n is at index n - 1.
    pub workers: Vec<SocketAddr>,
    pub draining: bool,
}

/// One socket of a node.
#[derive(Clone, Debug)]
pub struct Entry {
    server: ServerId,
    address: SocketAddr,
    standing: Standing,
    draining: bool,
    /// Since when this server is known at this address.
    since: Instant,
    /// When it last answered.
    heard: Option<Instant>,
    /// Answers since it was last silent for too long.
    in_row: u32,
    /// Whether it was ever up at this address.
    was_up: bool,
    state: State,
    load: u8,
}

/// What the source says of a server now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    Listed {
        leased: bool,
    },
    /// No longer listed.
    Gone(Instant),
    /// Another server is at its address now.
    Displaced(Instant),
}

/// How a server is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Condition {
    /// It was never up, and there was not enough time for it yet.
    Unknown,
    Up,
    /// Silent for a moment, or not yet long enough back.
    Suspect,
    Dead,
}

/// The nodes. At most [`MOST`] sockets of them.
#[derive(Default)]
pub struct Table {
    entries: Vec<Entry>,
    by_server: HashMap<ServerId, usize>,
    by_address: HashMap<SocketAddr, usize>,
    /// The number in the last pings.
    asked: u64,
    /// When we last looked, and when we last had reason to doubt ourselves.
    watched: Option<Instant>,
    doubted: Option<Instant>,
}

/// What became of an answer.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Heard {
    /// Not an answer to anything that was asked lately, or from nobody who is known.
    Nothing,
    /// One more answer makes it up: worth asking at once.
    Nearly,
    Noted,
}

/// How often each server is asked.
pub const PING: Duration = Duration::from_millis(200);
/// After so much silence a server gets no new connections.
pub const SUSPECT: Duration = Duration::from_millis(700);
/// After so much silence a server is dead.
pub const DEAD: Duration = Duration::from_secs(3);
/// So many answers in a row make a server up.
const UP: u32 = 2;
/// Servers whose silence began longer ago than this, and who hold no lease, do not count as silent
/// together with others.
const TOGETHER: Duration = Duration::from_secs(30);
/// Servers that are gone are remembered for so long, so that their clients can be told.
const REMEMBERED: Duration = Duration::from_secs(600);
/// Sockets of nodes that are known at once: far beyond any cluster, and a bound on what a broken source
/// can do.
pub const MOST: usize = 4_096;
/// An answer to one of so many last pings counts: 3 s of them.
const PINGS: u64 = 16;

impl Entry {
    #[must_use]
    pub fn server(&self) -> ServerId {
        self.server
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    #[must_use]
    pub fn condition(&self, now: Instant) -> Condition {
        let silence = self.silence(now);
        // One that is gone from the list is no more dead than others: Redis may have been emptied, or be
        // out of reach for that node alone, and it serves its clients all the same.
        if DEAD <= silence || matches!(self.standing, Standing::Displaced(_)) {
            Condition::Dead
        } else if silence < SUSPECT && UP <= self.in_row {
            Condition::Up
        } else if !self.was_up {
            Condition::Unknown
        } else {
            Condition::Suspect
        }
    }

    /// How much it gets of the new connections: 1 to 16, or 0 when it takes none.
    #[must_use]
    pub fn weight(&self, now: Instant) -> u8 {
        let takes = match self.condition(now) {
            Condition::Up | Condition::Unknown => self.state == State::Ready && !self.draining,
            Condition::Suspect | Condition::Dead => false,
        };
        if takes { (FULL - self.load).max(1) } else { 0 }
    }

    fn silence(&self, now: Instant) -> Duration {
        let last = self.heard.map_or(self.since, |heard| heard.max(self.since));
        now.saturating_duration_since(last)
    }
}

impl Table {
    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    #[must_use]
    pub fn entry(&self, server: ServerId) -> Option<&Entry> {
        self.by_server.get(&server).and_then(|&at| self.entries.get(at))
    }

    /// Whether datagrams from there come from one of the nodes.
    #[must_use]
    pub fn knows(&self, address: SocketAddr) -> bool {
        self.by_address.contains_key(&address)
    }

    /// Takes over what the source says now.
    pub fn apply(&mut self, listing: &Listing, now: Instant) {
        let mut members: Vec<_> = listing.members.iter().collect();
        members.sort_by_key(|member| (member.epoch, member.lease));
        let mut listed: HashMap<SocketAddr, ServerId> = HashMap::new();
        let mut named: HashMap<ServerId, (SocketAddr, bool)> = HashMap::new();
        for member in members {
            for (&address, worker) in member.workers.iter().zip(1..=u8::MAX) {
                if let Some(server) = ServerId::new(member.lease, worker) {
                    let address = canonical(address);
                    if let Some(before) = listed.insert(address, server) {
                        named.remove(&before);
                    }
                    named.insert(server, (address, member.draining));
                }
            }
        }
        // A server that an older member of the list had may have lost its address to a newer one.
        listed.retain(|address, server| named.get(server).is_some_and(|it| it.0 == *address));

        for entry in &mut self.entries {
            if let Some((address, draining)) = named.remove(&entry.server) {
                if entry.address != address || matches!(entry.standing, Standing::Displaced(_)) {
                    (entry.address, entry.since) = (address, now);
                    (entry.heard, entry.in_row, entry.was_up) = (None, 0, false);
                    entry.state = State::Ready;
                }
                entry.standing = Standing::Listed { leased: listing.leased };
                entry.draining = draining;
            } else if listed.contains_key(&entry.address) {
                if !matches!(entry.standing, Standing::Displaced(_)) {
                    entry.standing = Standing::Displaced(now);
                }
            } else if matches!(entry.standing, Standing::Listed { .. }) {
                entry.standing = Standing::Gone(now);
            }
        }
        self.entries.retain(|entry| match entry.standing {
            Standing::Listed { .. } => true,
            Standing::Gone(when) | Standing::Displaced(when) => {
                entry.condition(now) != Condition::Dead
                    || now.saturating_duration_since(when) < REMEMBERED
            }
        });
        let mut new: Vec<_> = named.into_iter().collect();
        new.sort_by_key(|(server, _)| *server);
        let room = MOST.saturating_sub(self.entries.len());
        self.entries.extend(new.into_iter().take(room).map(|(server, (address, draining))| {
            Entry {
                server,
                address,
                standing: Standing::Listed { leased: listing.leased },
                draining,
                since: now,
                heard: None,
                in_row: 0,
                was_up: false,
                // Until it says otherwise.
                state: State::Ready,
                load: 0,
            }
        }));
        self.index();
    }

    /// Those who are to be asked, with the number to ask them with.
    pub fn ask(&mut self, counter: u64) -> impl Iterator<Item = &Entry> {
        self.asked = counter;
        let there = |entry: &&Entry| !matches!(entry.standing, Standing::Displaced(_));
        self.entries.iter().filter(there)
    }

    /// Notes what a node answered.
    pub fn hear(
        &mut self,
        from: SocketAddr,
        counter: u64,
        state: State,
        load: u8,
        now: Instant,
    ) -> Heard {
        if PINGS <= self.asked.wrapping_sub(counter) {
            return Heard::Nothing;
        }
        let Some(entry) = self.by_address.get(&from).and_then(|&at| self.entries.get_mut(at))
        else {
            return Heard::Nothing;
        };
        if SUSPECT <= entry.silence(now) {
            entry.in_row = 0;
        }
        entry.in_row = entry.in_row.saturating_add(1);
        entry.was_up |= UP <= entry.in_row;
        entry.heard = Some(now);
        (entry.state, entry.load) = (state, load.min(FULL));
        if entry.in_row < UP { Heard::Nearly } else { Heard::Noted }
    }

    /// Whether more than half of the nodes fell silent, which says more about our own network than about
    /// them. Counted in nodes: all sockets of one usually fall silent together.
    #[must_use]
    pub fn mostly_silent(&self, now: Instant) -> bool {
        // For each node: whether it counts, and whether one of its sockets answers.
        let mut nodes: HashMap<u32, (bool, bool)> = HashMap::new();
        for entry in &self.entries {
            let silence = entry.silence(now);
            let counts = match entry.standing {
                Standing::Listed { leased: true } => true,
                Standing::Listed { leased: false } => silence < TOGETHER,
                Standing::Gone(_) => silence < DEAD,
                Standing::Displaced(_) => false,
            };
            let node = nodes.entry(entry.server.lease()).or_default();
            *node = (node.0 || counts, node.1 || silence < SUSPECT);
        }
        let counted = nodes.values().filter(|(counts, _)| *counts);
        let (all, silent) = counted
            .fold((0, 0), |(all, silent), (_, answers)| (all + 1, silent + usize::from(!answers)));
        all < 2 * silent
    }

    /// Looks whether silence means anything now. To be called before each round of pings.
    pub fn watch(&mut self, now: Instant) {
        if self.stood_still(now) || self.mostly_silent(now) {
            self.doubted = Some(now);
        }
        self.watched = Some(now);
    }

    /// Whether the silence of one server may be our own fault, so that nobody may answer for it: most are
    /// silent, or we stood still ourselves. After either, every server first has the time to answer again;
    /// the first one that does must not end the connections of the others.
    #[must_use]
    pub fn in_doubt(&self, now: Instant) -> bool {
        let lately = |at| now.saturating_duration_since(at) < DEAD;
        self.doubted.is_some_and(lately) || self.stood_still(now) || self.mostly_silent(now)
    }

    /// Who did not ask has no answers to miss.
    fn stood_still(&self, now: Instant) -> bool {
        self.watched.is_some_and(|at| SUSPECT <= now.saturating_duration_since(at))
    }

    fn index(&mut self) {
        self.by_server.clear();
        self.by_address.clear();
        for (at, entry) in self.entries.iter().enumerate() {
            self.by_server.insert(entry.server, at);
            if !matches!(entry.standing, Standing::Displaced(_)) {
                self.by_address.insert(entry.address, at);
            }
        }
    }
}

/// An IPv4 address in the clothes of IPv6, as sockets for both give it, is the IPv4 address.
#[must_use]
pub fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
}

#[cfg(test)]
mod tests;
