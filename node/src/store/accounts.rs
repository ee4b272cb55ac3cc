//! Accounts: who may log in.

use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::mail::EmailAddress;
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
    /// The code that was sent to its address has not come back yet.
    pub unverified: bool,
}

/// Who has a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Holder {
    Nobody,
    /// An account that waits for the code which was sent to its address.
    Waiting,
    Somebody,
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
        self.insert_account(new, "", String::new(), Time(0)).await
    }

    /// One that nobody can log in to before its address is verified, and whose name is free again if
    /// that has not happened `until` then.
    ///
    /// # Errors
    /// The name is taken, or the store failed.
    pub async fn create_unverified(
        &self,
        new: NewAccount,
        email: &EmailAddress,
        until: Time,
    ) -> Result<UserId, CreateAccountError> {
        self.insert_account(new, email.as_str(), email.folded(), until).await
    }

    async fn insert_account(
        &self,
        new: NewAccount,
        email: &str,
        email_folded: String,
        until: Time,
    ) -> Result<UserId, CreateAccountError> {
        let doing = "create an account";
        loop {
            let id = fresh_id(new.created);
            let params = values![
                id,
                new.username.as_str(),
                new.password_hash.as_str(),
                new.created,
                new.freed_before,
                email,
                email_folded.as_str(),
                until
            ];
            match self.write(doing, INSERT_ACCOUNT, params).await {
                Ok(rows) if rows.is_empty() => return Err(CreateAccountError::Taken),
                Ok(_) => return Ok(UserId(id)),
                Err(error) => match error.rule() {
                    Some(rule::ACCOUNT_USERNAME_KEY) => {
                        let params = values![new.username.as_str(), new.created];
                        if self.write(doing, DELETE_EXPIRED, params).await?.is_empty() {
                            return Err(CreateAccountError::Taken);
                        }
                    }
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
        let params = values![username.as_str(), crate::clock::now()];
        let rows = self.read(doing, SELECT_CREDENTIALS, params).await?;
        let credentials = |row: &Row| {
            let unverified = row.get::<i64>(2)? != 0;
            Ok(Credentials { user: row.get(0)?, password_hash: row.get(1)?, unverified })
        };
        rows.first().map(credentials).transpose().doing(doing)
    }

    /// # Errors
    /// The store failed.
    pub async fn holder(&self, username: &Username, now: Time) -> Result<Holder, StoreError> {
        let doing = "look for the holder of a name";
        let rows = self.read(doing, SELECT_HOLDER, values![username.as_str()]).await?;
        let until = rows.first().map(|row| row.get(0)).transpose().doing(doing)?;
        Ok(match until {
            None => Holder::Nobody,
            Some(Time(0)) => Holder::Somebody,
            Some(until) if until <= now => Holder::Nobody,
            Some(_) => Holder::Waiting,
        })
    }

    /// Somebody who may be met: an account that was never verified is nobody yet.
    ///
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
    INSERT INTO account
      (id, username, password_hash, created, email, email_folded, unverified_until)
    SELECT $1, $2, $3, $4, $6, $7, $8
    WHERE NOT EXISTS (SELECT 1 FROM freed_username WHERE username = $2 AND $5 < freed)
    RETURNING id";

/// Of a sign-up whose time is over; its codes go with it, and nothing else can hang on it.
const DELETE_EXPIRED: &str = "
    DELETE FROM account
    WHERE username = $1 AND 0 < unverified_until AND unverified_until <= $2
    RETURNING id";

const SELECT_CREDENTIALS: &str = "
    SELECT id, password_hash, unverified_until FROM account
    WHERE username = $1 AND deleted = 0 AND (unverified_until = 0 OR $2 < unverified_until)";

const SELECT_HOLDER: &str = "
    SELECT unverified_until FROM account WHERE username = $1 AND deleted = 0";

const SELECT_USER: &str = "
    SELECT id FROM account WHERE username = $1 AND deleted = 0 AND unverified_until = 0";

const SELECT_USERNAME: &str = "SELECT username FROM account WHERE id = $1 AND deleted = 0";

const COUNT_ACCOUNTS: &str = "
    SELECT count(*) FROM account WHERE deleted = 0 AND unverified_until = 0";
