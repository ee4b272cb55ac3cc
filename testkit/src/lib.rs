//! Dev only: what tests and measurements need of a real node, as words.
//!
//! - [`TestNode`]: a node inside of the test, on a folder and a port of its own.
//! - [`NodeProcess`]: the real `thrive-node` program, to be killed and started again.
//! - [`Cluster`]: nodes and routers as processes over a real Postgres and Redis.
//! - [`chaos`]: bad networks between all of them.
//! - [`Door`], [`RawClient`]: a client of our own that speaks frames and hides nothing, so that a test
//!   can be exact, or hostile.
//! - [`Ledger`]: what was tried, acknowledged and shown, and whether the delivery contract was kept.
//! - [`usage`]: memory and processor time of a process.
//!
//! Nothing that is shipped depends on this crate.

pub mod bench;
pub mod bin;
pub mod chaos;
pub mod cluster;
pub mod crowd;
pub mod dial;
pub mod door;
pub mod faults;
pub mod ledger;
pub mod node;
pub mod process;
pub mod raw;
pub mod seed;
pub mod simulation;
pub mod usage;
pub mod wait;

pub use crate::bin::bin;
pub use crate::cluster::Cluster;
pub use crate::dial::Dialer;
pub use crate::door::{Door, PASSWORD, Pair};
pub use crate::ledger::Ledger;
pub use crate::node::TestNode;
pub use crate::process::NodeProcess;
pub use crate::raw::{RawClient, message_id};
pub use crate::wait::{PATIENCE, eventually};
