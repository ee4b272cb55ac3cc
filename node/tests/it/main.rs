//! The node from the outside, one file for each theme.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod process;
