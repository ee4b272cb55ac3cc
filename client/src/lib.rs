//! The Thrive client without a window: connect, log in, sync, send, cache.
//!
//! ```text
//! Client (handle) ── commands ──► engine (one task) ── requests ──► session ── wire ──► node
//!    ▲      ▲                      │  model, sync, outbox, backoff: pure    ◄── replies, events
//!    │      └── changes ───────────┤
//!    └───── reads ── cache (SQLite, own thread) ◄── one transaction for each batch
//! ```
//!
//! A message that [`Client::send`] has taken is on this disk. It is repeated with the same id until the
//! server has said that it is stored, or refused it. Messages are shown in the order of their places in
//! the conversation, each once, whatever the network does.

mod account;
pub mod admin;
pub mod away;
mod backoff;
mod cache;
mod chance;
mod dial;
mod directory;
mod email;
mod engine;
mod file_name;
mod files;
mod handle;
mod history;
mod missed;
mod model;
mod outbox;
mod people;
mod pin;
mod session;
mod signs;
mod size;
mod sync;
mod transfer;
pub mod types;
pub mod vault;
mod wire;

/// What the engine decides without a clock and without waiting: public so that a simulation can step it
/// together with what nodes decide.
pub mod decide {
    pub use crate::backoff::{Backoff, Loss};
    pub use crate::outbox::{Offer, Outbox, Row, Text};
    pub use crate::signs::Signs;
    pub use crate::sync::{Placed, Sync};
}

pub use crate::email::{OwnEmail, SignedUp};
pub use crate::files::default_folder as default_files_folder;
pub use crate::handle::{Changes, Client, Options};
pub use crate::people::groups;
pub use crate::size::size_in_words;
pub use crate::types::{
    Account, Arrival, Availability, Change, Code, Connection, Contact, ConversationId, Device,
    Failure, File, FileId, FileLimits, FileState, Found, FoundPage, Greeting, GroupRenamed,
    InvalidUsername, Message, MessageKey, MessageState, Missed, Presence, Preset, Privacy,
    Relation, Secret, ServerAddress, ServerInfo, SessionId, SetPrivacy, Tab, Talk, UserId,
    Username,
};
pub use crate::vault::Vault;
