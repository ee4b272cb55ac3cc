//! What a person may ask for, one file for each theme. A service checks, stores, and returns what
//! happened as data; it knows no socket and writes no SQL.

pub mod accounts;
pub mod admins;
mod caller;
pub mod contacts;
pub mod conversations;
mod sessions;
pub mod statuses;
mod sync;
mod token;

use thrive_protocol::reply::SignUp;
use thrive_protocol::text::{InvalidText, MessageText};
use thrive_protocol::{Code, Refusal};

use self::accounts::Accounts;
use self::admins::Admins;
pub use self::caller::Caller;
use self::contacts::Contacts;
use self::conversations::Conversations;
use self::statuses::Statuses;
use crate::cluster::Membership;
use crate::orders::Orders;
use crate::password::Hasher;
use crate::presence::Online;
use crate::rate::Rate;
use crate::store::{Database, StoreError};
use crate::throttle::ThrottleRules;

/// All of them.
#[derive(Clone)]
pub struct Services {
    pub accounts: Accounts,
    pub contacts: Contacts,
    pub conversations: Conversations,
    pub presence: Statuses,
    pub admins: Admins,
}

/// What is around a node, as far as admins give orders to it.
#[derive(Clone, Default)]
pub struct Around {
    pub orders: Orders,
    /// `None`: it is alone.
    pub membership: Option<Membership>,
}

/// What the operator decides about services.
#[derive(Clone, Debug)]
pub struct Settings {
    pub sign_up: SignUp,
    /// Attempts with a password.
    pub logins: ThrottleRules,
    /// New accounts of one address.
    pub sign_ups: Rate,
    /// Whoever makes the first account is the admin.
    pub first_is_admin: bool,
}

impl Services {
    /// # Errors
    /// The epoch of the store cannot be read.
    pub async fn new(
        database: Database,
        hasher: Hasher,
        online: Online,
        settings: Settings,
        around: Around,
    ) -> Result<Self, StoreError> {
        let epoch = database.epoch().await?;
        Ok(Self {
            admins: Admins::new(database.clone(), hasher.clone(), online.clone(), around),
            accounts: Accounts::new(database.clone(), hasher, epoch, settings),
            contacts: Contacts::new(database.clone(), online),
            conversations: Conversations::new(database.clone(), epoch),
            presence: Statuses::new(database),
        })
    }
}

/// Parses the text of a message on its way in.
///
/// # Errors
/// What the sender is told.
pub fn message_text(raw: &str) -> Result<MessageText, Refusal> {
    MessageText::parse(raw).map_err(|error| match error {
        InvalidText::Empty => Code::TextEmpty.into(),
        InvalidText::TooLong { max } => Refusal::over(Code::TextTooLong, max),
        // The limit of a refusal is one of characters, and here it is lines.
        InvalidText::TooManyLines { .. } => Code::TextTooLong.into(),
    })
}

#[cfg(test)]
mod tests;
