//! Members of one cluster in one process, over a real Redis.

mod numbers;
mod people;
mod rig;
