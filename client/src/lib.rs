//! The Thrive client without a window: connect, log in, sync, send, cache.

pub mod handle;
pub mod types;
pub mod vault;

pub use crate::handle::{Changes, Client, Options};
pub use crate::types::*;
pub use crate::vault::Vault;
