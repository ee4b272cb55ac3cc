//! Wishes and news about the host and its admins.

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum HostWish {}

/// What came of it.
#[derive(Clone, Debug)]
pub enum HostNews {}
