//! Measurements. Each prints its method with its figures, and one line of JSON.

pub mod cluster;
pub mod costs;
pub mod fan_out;
pub mod idle;
pub mod load;
pub mod local;
pub mod sessions;
