//! A real router on loopback, with small nodes that answer pings and send back what they get.

mod health;
mod hostile;
mod leases;
mod process;
mod rig;
mod routing;
