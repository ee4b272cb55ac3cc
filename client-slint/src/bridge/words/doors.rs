//! Wishes and news about the ways in.

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum DoorWish {}

/// What came of it.
#[derive(Clone, Debug)]
pub enum DoorNews {}
