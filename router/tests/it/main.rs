//! A real router on loopback, with small nodes that answer pings and send back what they get.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod datagrams;
mod health;
mod hostile;
mod leases;
mod process;
mod rig;
mod routing;
