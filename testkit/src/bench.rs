//! Measurements. Each prints its method with its figures, and one line of JSON.

pub mod idle;
pub mod load;
pub mod local;
