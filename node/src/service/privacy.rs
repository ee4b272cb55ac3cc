//! What somebody lets others see of them.

use thrive_protocol::directory::{Privacy, SetPrivacy};
use thrive_protocol::ids::Time;
use thrive_protocol::people::Availability;

use super::Caller;
use crate::clock;
use crate::presence::Online;
use crate::store::{Database, StoreError};

#[derive(Clone)]
pub struct Privacies {
    database: Database,
    online: Online,
}

impl Privacies {
    pub(super) fn new(database: Database, online: Online) -> Self {
        Self { database, online }
    }

    /// # Errors
    /// The store failed.
    pub async fn of(&self, caller: &Caller) -> Result<Privacy, StoreError> {
        self.database.privacy_of(caller.user).await
    }

    /// # Errors
    /// The store failed, and nothing has changed.
    pub async fn set(&self, caller: &Caller, set: SetPrivacy) -> Result<Privacy, StoreError> {
        let is_seen = self.online.of(caller.user).availability != Availability::Offline;
        let seen = if is_seen { clock::now() } else { Time(0) };
        self.database.set_privacy(caller.user, set, seen).await
    }
}
