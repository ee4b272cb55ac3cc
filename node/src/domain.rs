//! Rules of the messenger as pure functions: no clock, no store, no async.

pub mod admin;
pub mod catch_up;
pub mod file_kind;
pub mod former;
pub mod group;
pub mod offer;
pub mod page;
pub mod password;
pub mod relation;
