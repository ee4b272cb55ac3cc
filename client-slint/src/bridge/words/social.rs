//! Wishes and news about people beyond the contact list.

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SocialWish {}

/// What came of it.
#[derive(Clone, Debug)]
pub enum SocialNews {}
