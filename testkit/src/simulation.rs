//! A whole cluster in one thread, without a clock, a socket or a task: what clients and nodes decide,
//! stepped by a schedule that a seed makes.
//!
//! Real here are the decisions: the node's hub with its topics and outboxes, what a device lacks, the
//! client's sync, outbox, back-off and doubts. Made up is what lies between them: a store with the rules
//! of the append, a bus that drops, doubles, delays and reorders, links, a router, people and disasters.
//! After a while the disasters stop; then everything must heal by itself, and the ledger must be clean.
//!
//! The same seed gives the same run, to the last event. A rule that is switched off ([`Rules`]) must be
//! missed: a simulation that cannot fail proves nothing.

mod agenda;
mod bus;
mod device;
mod disaster;
mod event;
mod network;
mod node;
mod presence;
mod router;
mod store;
mod world;

use std::fmt;
use std::num::NonZero;
use std::ops::{AddAssign, Range};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use self::event::Event;
use self::world::World;

/// Clients write and disasters happen until then.
const CALM: Duration = Duration::from_secs(36);
/// Everything must be as if nothing had happened by then. Clients still write.
const HEALED: Duration = Duration::from_secs(50);
/// Clients write nothing any more.
const SILENT: Duration = Duration::from_secs(56);
/// The end.
const END: Duration = Duration::from_secs(60);
/// What a message takes to everybody when all is well. It is seldom more than a tenth of it.
const PROMPT: Duration = Duration::from_millis(1_500);

/// What the cluster under test does right. Each can be switched off, to see that it is missed.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// Nodes compare heads with the store and read what the bus lost.
    pub reconcile: bool,
    /// The store knows a message that it has already.
    pub duplicate_check: bool,
    /// The store takes the next number under a lock.
    pub sequence_lock: bool,
    /// A node acknowledges after the commit.
    pub commit_first: bool,
    /// What waits behind a message that failed fails, too.
    pub failure_holds_back: bool,
    /// A client shows nothing behind a gap.
    pub gap_waits: bool,
    /// A client repeats what it has no answer to.
    pub repeat: bool,
    /// A client makes a second connection when the first is silent.
    pub doubt: bool,
    /// What a process says ends with it: the next one of its node has another epoch.
    pub epochs: bool,
    /// Of two statuses the one that was chosen later counts.
    pub newest_status: bool,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            reconcile: true,
            duplicate_check: true,
            sequence_lock: true,
            commit_first: true,
            failure_holds_back: true,
            gap_waits: true,
            repeat: true,
            doubt: true,
            epochs: true,
            newest_status: true,
        }
    }
}

/// What went on in one run.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Figures {
    pub runs: u64,
    pub events: u64,
    pub messages: u64,
    pub shown: u64,
    pub crashes: u64,
    pub drains: u64,
    pub reconnects: u64,
    pub moves: u64,
    pub duplicates: u64,
    pub bus_lost: u64,
    pub overflows: u64,
}

/// A promise that was not kept.
#[derive(Clone, Debug)]
pub struct Violation {
    pub seed: u64,
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "seed {}: {}", self.seed, self.what)
    }
}

impl std::error::Error for Violation {}

/// One minute of a cluster.
///
/// # Errors
/// The first promise that was not kept.
pub fn run(seed: u64, rules: Rules) -> Result<Figures, Violation> {
    let mut world = World::new(seed, rules);
    world.run().map_err(|what| Violation { seed, what })
}

/// The same, and what happened in words, for whoever looks for the cause of a failure.
pub fn tell(seed: u64, rules: Rules) -> (Result<Figures, Violation>, Vec<String>) {
    let mut world = World::new(seed, rules);
    world.trail = Some(Vec::new());
    let outcome = world.run().map_err(|what| Violation { seed, what });
    (outcome, world.trail.unwrap_or_default())
}

/// One minute of a cluster for each seed, on all cores.
///
/// # Errors
/// What the lowest seed found that found anything.
pub fn many(seeds: Range<u64>, rules: Rules) -> Result<Figures, Violation> {
    let cores = thread::available_parallelism().map_or(1, NonZero::get);
    let next = AtomicU64::new(seeds.start);
    let work = || -> Result<Figures, Violation> {
        let mut sum = Figures::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seeds.end <= seed {
                return Ok(sum);
            }
            sum += run(seed, rules).inspect_err(|_| next.store(seeds.end, Ordering::Relaxed))?;
        }
    };
    let outcomes: Vec<_> = thread::scope(|scope| {
        let workers: Vec<_> = (0..cores).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|it| it.join().expect("a run does not panic")).collect()
    });
    let mut sum = Figures::default();
    let mut worst: Option<Violation> = None;
    for outcome in outcomes {
        match outcome {
            Ok(figures) => sum += figures,
            Err(found) if worst.as_ref().is_some_and(|it| it.seed < found.seed) => {}
            Err(found) => worst = Some(found),
        }
    }
    worst.map_or(Ok(sum), Err)
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.runs += other.runs;
        self.events += other.events;
        self.messages += other.messages;
        self.shown += other.shown;
        self.crashes += other.crashes;
        self.drains += other.drains;
        self.reconnects += other.reconnects;
        self.moves += other.moves;
        self.duplicates += other.duplicates;
        self.bus_lost += other.bus_lost;
        self.overflows += other.overflows;
    }
}
