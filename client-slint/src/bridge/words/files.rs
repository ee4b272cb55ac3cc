//! Wishes and news about files.

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FileWish {}

/// What came of it.
#[derive(Clone, Debug)]
pub enum FileNews {}
