//! What a worker did, in numbers. Each worker counts for itself; readers add them up.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value};

use crate::verdict::{Reason, Way};

/// What is counted besides verdicts.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fact {
    FromClients,
    FromNodes,
    ToClients,
    ToNodes,
    Pings,
    Pongs,
    /// A datagram from an address that no node has.
    Stranger,
    /// A frame from the address of a node that no holder of the secret made, or that is cut.
    BadFrame,
    /// A frame of a node that says nothing to a router: a ping, or a pong that nobody asked for.
    Unexpected,
    /// The system would not send it.
    SendFailed,
    /// There was no room to send it, and none came in time.
    SendFull,
    ReceiveCalls,
    SendCalls,
}

impl Fact {
    pub const ALL: [Self; 13] = [
        Self::FromClients,
        Self::FromNodes,
        Self::ToClients,
        Self::ToNodes,
        Self::Pings,
        Self::Pongs,
        Self::Stranger,
        Self::BadFrame,
        Self::Unexpected,
        Self::SendFailed,
        Self::SendFull,
        Self::ReceiveCalls,
        Self::SendCalls,
    ];

    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::FromClients => "from_clients",
            Self::FromNodes => "from_nodes",
            Self::ToClients => "to_clients",
            Self::ToNodes => "to_nodes",
            Self::Pings => "pings",
            Self::Pongs => "pongs",
            Self::Stranger => "stranger",
            Self::BadFrame => "bad_frame",
            Self::Unexpected => "unexpected",
            Self::SendFailed => "send_failed",
            Self::SendFull => "send_full",
            Self::ReceiveCalls => "receive_calls",
            Self::SendCalls => "send_calls",
        }
    }
}

/// The numbers of one worker, which alone writes them.
#[derive(Debug, Default)]
pub struct Counters {
    facts: [AtomicU64; Fact::ALL.len()],
    ways: [AtomicU64; Way::ALL.len()],
    drops: [AtomicU64; Reason::ALL.len()],
}

impl Counters {
    pub fn count(&self, fact: Fact) {
        self.add(fact, 1);
    }

    pub fn add(&self, fact: Fact, number: usize) {
        add(&self.facts[fact as usize], number);
    }

    pub fn routed(&self, way: Way) {
        add(&self.ways[way as usize], 1);
    }

    pub fn dropped(&self, reason: Reason) {
        add(&self.drops[reason as usize], 1);
    }
}

/// The numbers of a router at one moment.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Figures {
    facts: [u64; Fact::ALL.len()],
    ways: [u64; Way::ALL.len()],
    drops: [u64; Reason::ALL.len()],
}

impl Figures {
    #[must_use]
    pub fn of<'a>(workers: impl Iterator<Item = &'a Counters>) -> Self {
        let mut sum = Self::default();
        for worker in workers {
            gather(&mut sum.facts, &worker.facts);
            gather(&mut sum.ways, &worker.ways);
            gather(&mut sum.drops, &worker.drops);
        }
        sum
    }

    #[must_use]
    pub fn fact(&self, fact: Fact) -> u64 {
        self.facts[fact as usize]
    }

    #[must_use]
    pub fn way(&self, way: Way) -> u64 {
        self.ways[way as usize]
    }

    #[must_use]
    pub fn drops(&self, reason: Reason) -> u64 {
        self.drops[reason as usize]
    }

    /// One line.
    #[must_use]
    pub fn json(&self) -> String {
        let object = |all: Vec<(&str, u64)>| -> Map<String, Value> {
            all.into_iter().map(|(name, number)| (name.to_owned(), Value::from(number))).collect()
        };
        let mut line = object(Fact::ALL.map(|it| (it.name(), self.fact(it))).into());
        let ways = object(Way::ALL.map(|it| (it.name(), self.way(it))).into());
        let drops = object(Reason::ALL.map(|it| (it.name(), self.drops(it))).into());
        line.insert("routed".into(), ways.into());
        line.insert("dropped".into(), drops.into());
        Value::from(line).to_string()
    }
}

/// Without a locked instruction, since nobody else writes.
fn add(counter: &AtomicU64, number: usize) {
    counter.store(counter.load(Ordering::Relaxed) + number as u64, Ordering::Relaxed);
}

fn gather(into: &mut [u64], from: &[AtomicU64]) {
    for (sum, counter) in into.iter_mut().zip(from) {
        *sum += counter.load(Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_of_all_workers_are_added_up_under_their_names() {
        let (one, two) = (Counters::default(), Counters::default());
        one.add(Fact::ToNodes, 3);
        two.count(Fact::ToNodes);
        two.routed(Way::Reset);
        one.dropped(Reason::NoNode);
        let figures = Figures::of([&one, &two].into_iter());
        assert_eq!((figures.fact(Fact::ToNodes), figures.way(Way::Reset)), (4, 1));
        let line: Value = serde_json::from_str(&figures.json()).unwrap();
        assert_eq!(line["to_nodes"], 4);
        assert_eq!(line["routed"]["reset"], 1);
        assert_eq!(line["dropped"]["no_node"], 1);
        assert!(!figures.json().contains('\n'));
    }

    #[test]
    fn each_number_has_a_place_and_a_name_of_its_own() {
        let places: Vec<_> = Fact::ALL.iter().map(|it| *it as usize).collect();
        assert!(places.iter().copied().eq(0..Fact::ALL.len()));
        let names = Fact::ALL.map(Fact::name).into_iter();
        let names = names.chain(Way::ALL.map(Way::name)).chain(Reason::ALL.map(Reason::name));
        let mut names: Vec<_> = names.collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all);
    }
}
