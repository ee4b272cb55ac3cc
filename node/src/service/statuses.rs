//! The status that somebody chose: kept with the account, for all devices. Who is connected, and what
//! others see of it, is not known here.

use thrive_protocol::ids::UserId;
use thrive_protocol::limits::STATUS_CHARS;
use thrive_protocol::people::{Availability, Presence};
use thrive_protocol::request::SetPresence;
use thrive_protocol::text::StatusText;
use thrive_protocol::{Code, Refusal};

use super::Caller;
use crate::news::{Answer, Fault};
use crate::presence::Status;
use crate::store::{Database, StoreError};

#[derive(Clone)]
pub struct Statuses {
    database: Database,
}

#[derive(Debug, thiserror::Error)]
pub enum SetPresenceError {
    #[error("nobody chooses to be offline; there is invisible")]
    Offline,
    #[error("the status text is too long")]
    TooLong,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Statuses {
    pub(super) fn new(database: Database) -> Self {
        Self { database }
    }

    /// Whether somebody can have this status.
    ///
    /// # Errors
    /// They cannot.
    pub fn check(request: &SetPresence) -> Result<(), SetPresenceError> {
        if request.availability == Availability::Offline {
            return Err(SetPresenceError::Offline);
        }
        StatusText::parse(&request.text).map(drop).map_err(|_| SetPresenceError::TooLong)
    }

    /// Stores a status and returns it as it was stored, with its number.
    ///
    /// # Errors
    /// It is no status that a person can have.
    pub async fn set(
        &self,
        caller: &Caller,
        request: SetPresence,
    ) -> Result<Status, SetPresenceError> {
        Self::check(&request)?;
        let text = StatusText::parse(&request.text).map_err(|_| SetPresenceError::TooLong)?;
        let preset = request.preset;
        let presence = Presence { preset, ..Presence::new(request.availability, text) };
        Ok(self.database.choose_status(caller.user, presence).await?)
    }

    /// The status that an account has stored.
    ///
    /// # Errors
    /// The store failed.
    pub async fn of_account(&self, user: UserId) -> Result<Status, StoreError> {
        let statuses = self.database.statuses_of(&[user]).await?;
        // Nobody chooses anything for an account that is gone.
        Ok(statuses.into_iter().next().map(|(_, status)| status).unwrap_or_default())
    }
}

impl Answer for SetPresenceError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Offline => Code::BadRequest.into(),
            Self::TooLong => Refusal::over(Code::StatusTooLong, STATUS_CHARS),
            Self::Store(error) => error.refusal(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Offline | Self::TooLong => Fault::Peer,
            Self::Store(error) => error.fault(),
        }
    }
}
