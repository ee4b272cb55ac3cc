//! Accounts: who may log in.

use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;

use crate::store::audit;
use crate::store::error::{Doing, rule};
use crate::store::ids::fresh_id;
use crate::store::invites::give_back;
use crate::store::undisturbed::undisturbed;
use crate::store::value::{FromValue, Row, Value, values};
use crate::store::{Database, StoreError, Transaction};

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
    /// Whoever is the first on this server is its admin. Not for an account that waits for a code: it is
    /// nobody yet.
    pub first_is_admin: bool,
    /// `None`: it has none.
    pub address: Option<NewAddress>,
}

/// The address of a new account.
#[derive(Clone)]
pub struct NewAddress {
    pub email: EmailAddress,
    /// Nobody can log in before the address is verified, and the name is free again if that has not
    /// happened then. 0: nothing is waited for.
    pub unverified_until: Time,
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
                    Some(rule::ACCOUNT_USERNAME_KEY) => {
                        if !self.forget_expired(&new.username, new.created).await? {
                            return Err(CreateAccountError::Taken);
                        }
                    }
                    // Somebody else got this id in the same millisecond.
                    Some(rule::ACCOUNT_PKEY | rule::AUDIT_PKEY) => {}
                    Some(_) | None => return Err(error.into()),
                },
                other => return other,
            }
        }
    }

    /// Whether there was a sign-up of this name whose time is over.
    async fn forget_expired(&self, username: &Username, now: Time) -> Result<bool, StoreError> {
        undisturbed(async || {
            let mut transaction = self.begin("forget a sign-up whose time is over").await?;
            let params = values![username.as_str(), now];
            let gone = transaction.run(DELETE_EXPIRED, params).await?;
            give_back(&mut transaction, &gone).await?;
            transaction.commit().await?;
            Ok(!gone.is_empty())
        })
        .await
    }

    async fn insert_account(
        &self,
        user: UserId,
        new: &NewAccount,
    ) -> Result<Created, CreateAccountError> {
        let rows = self.write("create an account", INSERT_ACCOUNT, new.params(user, 0)).await?;
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
        let waits = new.address.as_ref().is_some_and(|it| it.unverified_until != Time(0));
        let mut to_give_back = 0;
        if let Some(code_hash) = new.invite {
            let params = values![code_hash.to_vec(), new.created];
            let used = transaction.run(USE_INVITE, params).await?;
            let invite = used.first().ok_or(CreateAccountError::NotInvited)?.get(0).doing(doing)?;
            to_give_back = if waits { invite } else { 0 };
        }
        let params = new.params(user, to_give_back);
        if transaction.run(INSERT_ACCOUNT, params).await?.is_empty() {
            return Err(CreateAccountError::Taken);
        }
        let is_admin = new.first_is_admin
            && !waits
            && promote_the_first(&mut transaction, user, &new.username, new.created).await?;
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

/// Makes this account the admin, if there is no other one that is or was more than a sign-up which waits
/// for its code. Says whether.
pub(super) async fn promote_the_first(
    transaction: &mut Transaction,
    user: UserId,
    username: &Username,
    now: Time,
) -> Result<bool, StoreError> {
    let others = transaction.run(COUNT_OTHERS, values![user]).await?;
    let others: i64 =
        others.first().map_or(Ok(0), |row| row.get(0)).doing("look for the first account")?;
    if others != 0 {
        return Ok(false);
    }
    transaction.run(INSERT_FIRST_ADMIN, values![user, now]).await?;
    let line = audit::Line {
        time: now,
        actor: None,
        action: "promote",
        target: Some(user),
        target_name: username.as_str(),
        detail: "the first account of this server",
        outcome: "done",
    };
    audit::write(transaction, &line).await?;
    Ok(true)
}

impl NewAccount {
    /// Of [`INSERT_ACCOUNT`]; with the invitation that is given back if it waits for its code in vain, or 0.
    pub(super) fn params(&self, user: UserId, invite: i64) -> Vec<Value> {
        let Self { username, password_hash, created, freed_before, address, .. } = self;
        let (email, folded, until) = match address {
            Some(NewAddress { email, unverified_until }) => {
                (email.as_str(), email.folded(), *unverified_until)
            }
            None => ("", String::new(), Time(0)),
        };
        values![
            user,
            username.as_str(),
            password_hash.as_str(),
            *created,
            *freed_before,
            email,
            folded,
            until,
            invite
        ]
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

pub(super) const INSERT_ACCOUNT: &str = "
    INSERT INTO account
      (id, username, password_hash, created, email, email_folded, unverified_until, invite)
    SELECT $1, $2, $3, $4, $6, $7, $8, $9
    WHERE NOT EXISTS (SELECT 1 FROM freed_username WHERE username = $2 AND $5 < freed)
    RETURNING id";

/// Of a sign-up whose time is over; its codes go with it, and nothing else can hang on it. Its invitation is
/// to be given back.
pub(super) const DELETE_EXPIRED: &str = "
    DELETE FROM account
    WHERE username = $1 AND 0 < unverified_until AND unverified_until <= $2
    RETURNING id, invite";

const USE_INVITE: &str = "
    UPDATE invite SET uses = uses - 1
    WHERE code_hash = $1 AND 0 < uses AND $2 <= ends
    RETURNING id";

/// Deleted ones too: a server that had people is not new. Whoever waits for a code is nobody yet.
const COUNT_OTHERS: &str = "
    SELECT count(*) FROM account WHERE id <> $1 AND unverified_until = 0";

const INSERT_FIRST_ADMIN: &str = "
    INSERT INTO admin (account, since, made_by) VALUES ($1, $2, 0)";

const SELECT_ACCOUNTS: &str = "
    SELECT account.id, account.username, account.created, coalesce(admin.account, 0)
    FROM account LEFT JOIN admin ON admin.account = account.id
    WHERE account.deleted = 0 AND account.unverified_until = 0 AND $1 < account.username
    ORDER BY account.username LIMIT $2";

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
