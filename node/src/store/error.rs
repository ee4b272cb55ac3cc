//! Why the store did not do something. The names of constraints are in here, so that a rule that the
//! database keeps becomes an answer.

use std::sync::Arc;
use std::time::Duration;

use thrive_protocol::{Code, Refusal};

use crate::news::{Answer, Fault};

/// What the store was doing, and why it did not work.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{doing}")]
pub struct StoreError {
    /// In the words of the domain: "create an account".
    pub doing: &'static str,
    #[source]
    pub cause: Cause,
}

/// Cloned to everybody whose work was in the transaction that failed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Cause {
    #[error("the rule {0} of the database says no")]
    Rule(&'static str),
    #[error("more work is waiting than the store takes")]
    Busy,
    #[error("the transaction was given up after its deadline")]
    Deadline,
    #[error("the store has stopped")]
    Stopped,
    #[error("column {0} of the answer has another type than expected")]
    Column(usize),
    #[error("a stored value breaks the rules of its type")]
    Corrupt,
    #[error("the database has migration {found}, this program knows {known}: it is too old for it")]
    FromTheFuture { found: i64, known: i64 },
    #[error("others changed the same at the same time")]
    Conflict,
    #[error("the connection to the database broke; what was asked may have happened or not")]
    Lost(#[source] Arc<dyn std::error::Error + Send + Sync>),
    #[error("the database cannot be reached")]
    Unreachable(#[source] Arc<dyn std::error::Error + Send + Sync>),
    #[error("the database does not let this node in")]
    Refused(#[source] Arc<dyn std::error::Error + Send + Sync>),
    #[error("the settings of the database cannot be used")]
    Settings(#[source] Arc<dyn std::error::Error + Send + Sync>),
    #[error("the database engine failed")]
    Engine(#[source] Arc<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// The rule of the database that said no, if it was one.
    #[must_use]
    pub fn rule(&self) -> Option<&'static str> {
        match self.cause {
            Cause::Rule(rule) => Some(rule),
            Cause::Busy
            | Cause::Deadline
            | Cause::Stopped
            | Cause::Column(_)
            | Cause::Corrupt
            | Cause::FromTheFuture { .. }
            | Cause::Conflict
            | Cause::Lost(_)
            | Cause::Unreachable(_)
            | Cause::Refused(_)
            | Cause::Settings(_)
            | Cause::Engine(_) => None,
        }
    }

    /// Whether the same may work in a moment: there was too much to do, or the database is away. At the
    /// start of a node, this is what is worth waiting for.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        match self.cause {
            Cause::Busy
            | Cause::Deadline
            | Cause::Conflict
            | Cause::Lost(_)
            | Cause::Unreachable(_) => true,
            Cause::Rule(_)
            | Cause::Stopped
            | Cause::Column(_)
            | Cause::Corrupt
            | Cause::FromTheFuture { .. }
            | Cause::Refused(_)
            | Cause::Settings(_)
            | Cause::Engine(_) => false,
        }
    }
}

impl Cause {
    pub(super) fn settings(wrong: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::Settings(Arc::from(wrong.into()))
    }
}

impl Answer for StoreError {
    fn refusal(&self) -> Refusal {
        if self.is_busy() {
            return Refusal::after(Code::Busy, BREATHER);
        }
        Code::Internal.into()
    }

    fn fault(&self) -> Fault {
        Fault::Ours
    }
}

/// When to come back to a store that has too much to do.
const BREATHER: Duration = Duration::from_secs(1);

/// Says what was being done when a cause ends it.
pub(super) trait Doing<T> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError>;
}

impl<T> Doing<T> for Result<T, Cause> {
    fn doing(self, doing: &'static str) -> Result<T, StoreError> {
        self.map_err(|cause| StoreError { doing, cause })
    }
}

/// Constraints that a person can run into, as `schema.sql` names them.
pub mod rule {
    pub const ACCOUNT_PKEY: &str = "account_pkey";
    pub const ACCOUNT_USERNAME_KEY: &str = "account_username_key";
    pub const AUDIT_PKEY: &str = "audit_pkey";
    pub const INVITE_PKEY: &str = "invite_pkey";
    pub const SESSION_PKEY: &str = "session_pkey";
    pub const SESSION_TOKEN_HASH_KEY: &str = "session_token_hash_key";
    pub const CONVERSATION_PKEY: &str = "conversation_pkey";
    pub const DIRECT_PAIR_KEY: &str = "direct_pair_key";
    pub const MESSAGE_ID_KEY: &str = "message_id_key";
    pub const FILE_PKEY: &str = "file_pkey";
    /// A rule that nobody should run into; its name is in the log of the engine only.
    pub const OTHER: &str = "other";

    pub(in crate::store) const ALL: [&str; 10] = [
        ACCOUNT_PKEY,
        ACCOUNT_USERNAME_KEY,
        AUDIT_PKEY,
        INVITE_PKEY,
        SESSION_PKEY,
        SESSION_TOKEN_HASH_KEY,
        CONVERSATION_PKEY,
        DIRECT_PAIR_KEY,
        MESSAGE_ID_KEY,
        FILE_PKEY,
    ];

    /// The constraint of this name.
    pub(in crate::store) fn named(name: &str) -> &'static str {
        ALL.into_iter().find(|rule| *rule == name).unwrap_or(OTHER)
    }
}
