//! Accounts: who may log in.

use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::text::StatusText;

use crate::store::error::{Doing, rule};
use crate::store::ids::fresh_id;
use crate::store::value::{FromValue, Row, Value, values};
use crate::store::{Database, StoreError};

pub struct NewAccount {
    pub username: Username,
    /// A PHC string.
    pub password_hash: String,
    pub created: Time,
    /// Names that were freed later than this may not be taken yet.
    pub freed_before: Time,
}

/// What a login by password is compared with.
pub struct Credentials {
    pub user: UserId,
    pub password_hash: String,
}

#[derive(Debug, thiserror::Error)]
pub enum CreateAccountError {
    /// By a living account, or by one that was deleted a short while ago.
    #[error("the user name is taken")]
    Taken,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Database {
    /// # Errors
    /// The name is taken, or the store failed.
    pub async fn create_account(&self, new: NewAccount) -> Result<UserId, CreateAccountError> {
        let doing = "create an account";
        loop {
            let id = fresh_id(new.created);
            let params = values![
                id,
                new.username.as_str(),
                new.password_hash.as_str(),
                new.created,
                new.freed_before
            ];
            match self.write(doing, INSERT_ACCOUNT, params).await {
                Ok(rows) if rows.is_empty() => return Err(CreateAccountError::Taken),
                Ok(_) => return Ok(UserId(id)),
                Err(error) => match error.rule() {
                    Some(rule::ACCOUNT_USERNAME_KEY) => return Err(CreateAccountError::Taken),
                    // Somebody else got this id in the same millisecond.
                    Some(rule::ACCOUNT_PKEY) => {}
                    Some(_) | None => return Err(error.into()),
                },
            }
        }
    }

    /// # Errors
    /// The store failed.
    pub async fn credentials(
        &self,
        username: &Username,
    ) -> Result<Option<Credentials>, StoreError> {
        let doing = "find an account for a login";
        let rows = self.read(doing, SELECT_CREDENTIALS, values![username.as_str()]).await?;
        let credentials =
            |row: &Row| Ok(Credentials { user: row.get(0)?, password_hash: row.get(1)? });
        rows.first().map(credentials).transpose().doing(doing)
    }

    /// # Errors
    /// The store failed.
    pub async fn find_user(&self, username: &Username) -> Result<Option<UserId>, StoreError> {
        let doing = "find a user by name";
        let rows = self.read(doing, SELECT_USER, values![username.as_str()]).await?;
        rows.first().map(|row| row.get(0)).transpose().doing(doing)
    }

    /// # Errors
    /// The store failed.
    pub async fn username(&self, user: UserId) -> Result<Option<Username>, StoreError> {
        let doing = "find the name of a user";
        let rows = self.read(doing, SELECT_USERNAME, values![user]).await?;
        rows.first().map(|row| row.get(0)).transpose().doing(doing)
    }

    /// The status that somebody chose, whether they are connected or not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn count_accounts(&self) -> Result<u64, StoreError> {
        let doing = "count the accounts";
        let rows = self.read(doing, COUNT_ACCOUNTS, values![]).await?;
        let count: i64 = rows.first().map_or(Ok(0), |row| row.get(0)).doing(doing)?;
        Ok(count.unsigned_abs())
    }
}

impl FromValue for Username {
    fn from_value(value: &Value) -> Option<Self> {
        Self::parse(&String::from_value(value)?).ok()
    }
}

impl FromValue for StatusText {
    fn from_value(value: &Value) -> Option<Self> {
        Some(Self::cut(&String::from_value(value)?))
    }
}

const INSERT_ACCOUNT: &str = "
    INSERT INTO account (id, username, password_hash, created)
    SELECT $1, $2, $3, $4
    WHERE NOT EXISTS (SELECT 1 FROM freed_username WHERE username = $2 AND $5 < freed)
    RETURNING id";

const SELECT_CREDENTIALS: &str = "
    SELECT id, password_hash FROM account WHERE username = $1 AND deleted = 0";

const SELECT_USER: &str = "SELECT id FROM account WHERE username = $1 AND deleted = 0";

const SELECT_USERNAME: &str = "SELECT username FROM account WHERE id = $1 AND deleted = 0";

const COUNT_ACCOUNTS: &str = "SELECT count(*) FROM account WHERE deleted = 0";
