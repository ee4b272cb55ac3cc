//! The fault runner: a crowd talks, something is broken and healed, and the ledger is checked.
//!
//! - [`scenario`]: what can be broken; each group of them has a file.
//! - [`site`]: what it is broken on. [`run`]: the course of one run. [`report`]: what was found.
//! - [`planted`]: proof that each check can fail.
//!
//! Every choice comes from the seed. What a machine does with the same choices is never quite the same,
//! so a seed repeats the load and the faults, not the outcome.

pub mod alone;
pub mod clients;
pub mod clocks;
pub mod duplicates;
pub mod embedded;
pub mod loud;
pub mod network;
pub mod nodes;
pub mod planted;
pub mod postgres;
pub mod programs;
pub mod redis;
pub mod report;
pub mod rights;
pub mod routers;
pub mod run;
pub mod scenario;
pub mod site;

use std::path::PathBuf;

use thrive_node::faults::Bug;

pub use self::report::{Report, Thresholds};
pub use self::run::{Cast, Run};
pub use self::scenario::Scenario;
pub use self::site::Site;

/// What one run is to be like.
#[derive(Clone, Debug)]
pub struct Plan {
    pub seed: u64,
    /// Few people and few seconds.
    pub short: bool,
    /// How the nodes are to break the contract.
    pub bug: Option<Bug>,
    /// The programs, of a build with the feature `faults`.
    pub node: PathBuf,
    pub router: PathBuf,
    /// Where the journal is written in the end.
    pub journal: Option<PathBuf>,
    /// Other figures than the usual ones.
    pub people: Option<usize>,
    pub rate: Option<f64>,
}

impl Plan {
    /// A seed for a run that repeats no other. It is printed, so that another run can repeat this one.
    #[must_use]
    pub fn any_seed() -> u64 {
        uuid::Uuid::new_v4().as_u64_pair().0 % 1_000_000
    }
}
