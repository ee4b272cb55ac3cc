//! Accounts: who may log in.

use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::text::StatusText;

use crate::store::audit;
use crate::store::error::{Doing, rule};
use crate::store::ids::fresh_id;
use crate::store::undisturbed::undisturbed;
use crate::store::value::{FromValue, Row, Value, values};
use crate::store::{Database, StoreError};

#[derive(Clone)]
pub struct NewAccount {
    pub username: Username,
    /// A PHC string.
    pub password_hash: String,
    pub created: Time,
    /// Names that were freed later than this may not be taken yet.
    pub freed_before: Time,
    /// The hash of the code of an invitation, which is used up by this.
    pub invite: Option<[u8; 32]>,
    /// Whoever is the first on this server is its admin.
    pub first_is_admin: bool,
}

/// An account that was made.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Created {
    pub user: UserId,
    pub is_admin: bool,
}

/// One line of the list that the host reads.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ListedAccount {
    pub user: UserId,
    pub username: Username,
    pub created: Time,
    pub is_admin: bool,
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
    #[error("nobody is invited by this code")]
    NotInvited,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Database {
    /// # Errors
    /// The name is taken, or the store failed.
    pub async fn create_account(&self, new: NewAccount) -> Result<Created, CreateAccountError> {
        loop {
            let user = UserId(fresh_id(new.created));
            let alone = new.invite.is_none() && !new.first_is_admin;
            let created = match alone {
                true => self.insert_account(user, &new).await,
                false => undisturbed(|| self.insert_account_and_more(user, &new)).await,
            };
            match created {
                Err(CreateAccountError::Store(error)) => match error.rule() {
                    Some(rule::ACCOUNT_USERNAME_KEY) => return Err(CreateAccountError::Taken),
                    // Somebody else got this id in the same millisecond.
                    Some(rule::ACCOUNT_PKEY | rule::AUDIT_PKEY) => {}
                    Some(_) | None => return Err(error.into()),
                },
                other => return other,
            }
        }
    }

    async fn insert_account(
        &self,
        user: UserId,
        new: &NewAccount,
    ) -> Result<Created, CreateAccountError> {
        let rows = self.write("create an account", INSERT_ACCOUNT, new.params(user)).await?;
        if rows.is_empty() {
            return Err(CreateAccountError::Taken);
        }
        Ok(Created { user, is_admin: false })
    }

    async fn insert_account_and_more(
        &self,
        user: UserId,
        new: &NewAccount,
    ) -> Result<Created, CreateAccountError> {
        let doing = "create an account";
        let mut transaction = self.begin(doing).await?;
        if let Some(code_hash) = new.invite {
            let used =
                transaction.run(USE_INVITE, values![code_hash.to_vec(), new.created]).await?;
            if used.is_empty() {
                return Err(CreateAccountError::NotInvited);
            }
        }
        if transaction.run(INSERT_ACCOUNT, new.params(user)).await?.is_empty() {
            return Err(CreateAccountError::Taken);
        }
        let mut is_admin = false;
        if new.first_is_admin {
            let rows = transaction.run(COUNT_ALL, values![]).await?;
            let all: i64 = rows.first().map_or(Ok(0), |row| row.get(0)).doing(doing)?;
            is_admin = all == 1;
        }
        if is_admin {
            transaction.run(INSERT_FIRST_ADMIN, values![user, new.created]).await?;
            let line = audit::Line {
                time: new.created,
                actor: None,
                action: "promote",
                target: Some(user),
                target_name: new.username.as_str(),
                detail: "the first account of this server",
                outcome: "done",
            };
            audit::write(&mut transaction, &line).await?;
        }
        transaction.commit().await?;
        Ok(Created { user, is_admin })
    }

    /// Everybody who has an account, by name: the next `limit` after this name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn accounts_after(
        &self,
        name: &str,
        limit: usize,
    ) -> Result<Vec<ListedAccount>, StoreError> {
        let doing = "list accounts";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.read(doing, SELECT_ACCOUNTS, values![name, limit]).await?;
        let account = |row: &Row| {
            Ok(ListedAccount {
                user: row.get(0)?,
                username: row.get(1)?,
                created: row.get(2)?,
                is_admin: 0 < row.get::<i64>(3)?,
            })
        };
        rows.iter().map(account).collect::<Result<_, _>>().doing(doing)
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

impl NewAccount {
    /// Of [`INSERT_ACCOUNT`].
    pub(super) fn params(&self, user: UserId) -> Vec<Value> {
        let Self { username, password_hash, created, freed_before, .. } = self;
        values![user, username.as_str(), password_hash.as_str(), *created, *freed_before]
    }
}

/// Its hash is not for logs.
impl std::fmt::Debug for NewAccount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("NewAccount")
            .field("username", &self.username)
            .finish_non_exhaustive()
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

pub(super) const INSERT_ACCOUNT: &str = "
    INSERT INTO account (id, username, password_hash, created)
    SELECT $1, $2, $3, $4
    WHERE NOT EXISTS (SELECT 1 FROM freed_username WHERE username = $2 AND $5 < freed)
    RETURNING id";

const USE_INVITE: &str = "
    UPDATE invite SET uses = uses - 1
    WHERE code_hash = $1 AND 0 < uses AND $2 <= ends
    RETURNING id";

/// Deleted ones too: a server that had people is not new.
const COUNT_ALL: &str = "SELECT count(*) FROM account";

const INSERT_FIRST_ADMIN: &str = "
    INSERT INTO admin (account, since, made_by) VALUES ($1, $2, 0)";

const SELECT_ACCOUNTS: &str = "
    SELECT account.id, account.username, account.created, coalesce(admin.account, 0)
    FROM account LEFT JOIN admin ON admin.account = account.id
    WHERE account.deleted = 0 AND $1 < account.username
    ORDER BY account.username LIMIT $2";

const SELECT_CREDENTIALS: &str = "
    SELECT id, password_hash FROM account WHERE username = $1 AND deleted = 0";

const SELECT_USER: &str = "SELECT id FROM account WHERE username = $1 AND deleted = 0";

const SELECT_USERNAME: &str = "SELECT username FROM account WHERE id = $1 AND deleted = 0";

const COUNT_ACCOUNTS: &str = "SELECT count(*) FROM account WHERE deleted = 0";
