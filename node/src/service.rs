//! What a person may ask for, one file for each theme. A service checks, stores, and returns what
//! happened as data; it knows no socket and writes no SQL.

pub mod accounts;
pub mod admins;
mod caller;
pub mod contacts;
pub mod conversations;
mod counted;
pub mod directory;
pub mod emails;
pub mod files;
pub mod privacy;
mod sessions;
pub mod statuses;
mod sync;
mod token;

use thrive_protocol::reply::SignUp;
use thrive_protocol::text::{InvalidText, MessageText, WelcomeText};
use thrive_protocol::{Code, Refusal};

use self::accounts::Accounts;
use self::admins::Admins;
pub use self::caller::Caller;
use self::contacts::Contacts;
use self::conversations::Conversations;
use self::directory::People;
use self::emails::Emails;
use self::files::Files;
use self::privacy::Privacies;
use self::statuses::Statuses;
use crate::bus::Health;
use crate::cluster::Membership;
use crate::config;
use crate::files::{Depot, Nudge};
use crate::mail::Mailer;
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
    pub emails: Emails,
    pub presence: Statuses,
    pub files: Files,
    pub people: People,
    pub privacy: Privacies,
    pub admins: Admins,
}

/// What is around a node, as far as admins give orders to it.
#[derive(Clone, Default)]
pub struct Around {
    pub orders: Orders,
    /// `None`: it is alone.
    pub membership: Option<Membership>,
    /// Whether other nodes hear what is said to all. `None`: there is no node here, or no other one.
    pub bus: Option<Health>,
    /// Accounts have addresses, since mail is sent.
    pub has_mail: bool,
}

/// What the operator decides about services.
#[derive(Clone)]
pub struct Settings {
    pub sign_up: SignUp,
    /// For people who have logged in.
    pub welcome: WelcomeText,
    /// Attempts with a password.
    pub logins: ThrottleRules,
    /// New accounts of one address.
    pub sign_ups: Rate,
    /// Mails that one address asks for, and codes that it tries.
    pub mails: Rate,
    pub codes: Rate,
    /// With it, a new account needs an address.
    pub mailer: Option<Mailer>,
    /// Whoever makes the first account is the admin.
    pub first_is_admin: bool,
}

/// Where files are kept, and what is taken.
pub struct FileRoom {
    /// `None`: no files are taken.
    pub depot: Option<Depot>,
    pub settings: config::Files,
    pub nudge: Nudge,
}

impl Services {
    /// # Errors
    /// The epoch of the store cannot be read.
    pub async fn new(
        database: Database,
        hasher: Hasher,
        online: Online,
        settings: Settings,
        room: FileRoom,
        around: Around,
    ) -> Result<Self, StoreError> {
        let epoch = database.epoch().await?;
        let (mails, codes) = (settings.mails, settings.codes);
        let accounts = Accounts::new(database.clone(), hasher.clone(), epoch, settings);
        Ok(Self {
            admins: Admins::new(database.clone(), hasher, online.clone(), around),
            emails: Emails::new(accounts.clone(), mails, codes),
            accounts,
            contacts: Contacts::new(database.clone(), online.clone()),
            conversations: Conversations::new(database.clone(), epoch),
            people: People::new(database.clone(), online.clone()),
            privacy: Privacies::new(database.clone(), online),
            presence: Statuses::new(database.clone()),
            files: Files::new(database, room.depot, room.settings, room.nudge),
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
