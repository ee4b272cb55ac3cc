//! The node from the outside, one file for each theme.

mod process;
