//! Rules of the messenger as pure functions: no clock, no store, no async.

pub mod catch_up;
pub mod former;
pub mod page;
pub mod password;
pub mod relation;
