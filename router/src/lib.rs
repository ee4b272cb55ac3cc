//! The QUIC load balancer of a Thrive cluster. It never sees plaintext and keeps nothing of a connection
//! that matters: the server's number is in the connection ids that the server gives out.
//!
//! ```text
//! clients ─► front socket ─► classify ─► verdict ─► batch ─► back socket ─► nodes        with a header
//! clients ◄─ front socket ◄─ batch ◄─ header: which client ◄─ back socket ◄─ nodes
//!                                table ◄─ pongs, list of nodes ◄─ source (Redis or configuration)
//! ```
//!
//! What decides is pure: [`classify`], [`verdict`], [`table`], [`flights`], [`rendezvous`], [`batch`].

pub mod batch;
pub mod classify;
pub mod cli;
pub mod config;
pub mod counters;
pub mod flights;
pub mod io;
pub mod log;
pub mod rendezvous;
pub mod router;
pub mod source;
pub mod table;
pub mod verdict;
pub mod worker;

pub use crate::config::Config;
pub use crate::router::{Router, StartError};
