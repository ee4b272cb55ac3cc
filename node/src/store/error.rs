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
            | Cause::Engine(_) => None,
        }
    }

    /// Whether it was only too much at the moment.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        matches!(self.cause, Cause::Busy | Cause::Deadline)
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
    pub const SESSION_PKEY: &str = "session_pkey";
    pub const SESSION_TOKEN_HASH_KEY: &str = "session_token_hash_key";
    pub const CONVERSATION_PKEY: &str = "conversation_pkey";
    pub const DIRECT_PAIR_KEY: &str = "direct_pair_key";
    pub const MESSAGE_CLIENT_MSG_ID_KEY: &str = "message_client_msg_id_key";
    /// A rule that nobody should run into; its name is in the log of the engine only.
    pub const OTHER: &str = "other";
}
