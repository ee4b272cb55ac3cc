//! Addresses of e-mail: whose is whose, and accounts that wait for the code which was sent to theirs.

use thrive_protocol::ids::{SessionId, Time, UserId};
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;

use crate::store::accounts::promote_the_first;
use crate::store::codes::{Counted, Purpose};
use crate::store::error::{Cause, Doing, rule};
use crate::store::ids::fresh_id;
use crate::store::invites::give_back;
use crate::store::sessions::session_ids;
use crate::store::undisturbed::undisturbed;
use crate::store::value::{FromValue, Value, values};
use crate::store::{Database, StoreError, Transaction};

/// An account that gets a mail.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Addressee {
    pub user: UserId,
    pub username: Username,
    pub email: EmailAddress,
}

/// What a right code did.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Redeemed {
    /// Nothing: it was used meanwhile, replaced, or is too old.
    Void,
    /// Nothing: the address has as many accounts as it may.
    Full,
    /// The address belongs to the account now; the one before, if there was another.
    Done { before: Option<EmailAddress>, is_first_admin: bool },
}

impl Database {
    /// An account with this name that waits for its code.
    ///
    /// # Errors
    /// The store failed.
    pub async fn waiting_account(
        &self,
        username: &Username,
        now: Time,
    ) -> Result<Option<Addressee>, StoreError> {
        let params = values![username.as_str(), now];
        Ok(self.addressees("find an unverified account", SELECT_WAITING, params).await?.pop())
    }

    /// The account with this name, if it has an address that is verified.
    ///
    /// # Errors
    /// The store failed.
    pub async fn addressee_named(
        &self,
        username: &Username,
    ) -> Result<Option<Addressee>, StoreError> {
        let params = values![username.as_str()];
        Ok(self.addressees("find the address of a name", SELECT_NAMED, params).await?.pop())
    }

    /// The account with this number, if it has an address that is verified.
    ///
    /// # Errors
    /// The store failed.
    pub async fn addressee(&self, user: UserId) -> Result<Option<Addressee>, StoreError> {
        let params = values![user];
        Ok(self.addressees("find the address of an account", SELECT_NUMBERED, params).await?.pop())
    }

    /// Every account whose address is this one, and verified.
    ///
    /// # Errors
    /// The store failed.
    pub async fn accounts_of(&self, email: &EmailAddress) -> Result<Vec<Addressee>, StoreError> {
        let params = values![email.folded()];
        self.addressees("find the accounts of an address", SELECT_OF_ADDRESS, params).await
    }

    /// The address of an account, and the one that waits for its code.
    ///
    /// # Errors
    /// The store failed.
    pub async fn addresses(
        &self,
        user: UserId,
        now: Time,
    ) -> Result<(Option<EmailAddress>, Option<EmailAddress>), StoreError> {
        let doing = "read the addresses of an account";
        let rows = self.read(doing, SELECT_CHANGING, values![user, now]).await?;
        let changing = rows.first().map(|row| row.get(0)).transpose().doing(doing)?;
        Ok((self.addressee(user).await?.map(|it| it.email), changing))
    }

    /// Gives an account that waits for its code another address; whoever asks has proved the password.
    /// False: it does not wait, or has another password now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn readdress(
        &self,
        user: UserId,
        verified: &str,
        email: &EmailAddress,
    ) -> Result<bool, StoreError> {
        let params = values![user, verified, email.as_str(), email.folded()];
        let changed = self.write("correct an address", UPDATE_WAITING, params).await?;
        Ok(!changed.is_empty())
    }

    /// Lets an account in that waits for a code, although none came: the server sends no mail any more. With
    /// `first_is_admin`, it is the admin if it is the first; whether. `None`: it does not wait, or has
    /// another password now.
    ///
    /// # Errors
    /// The store failed; nothing has happened.
    pub async fn admit_without_mail(
        &self,
        user: UserId,
        verified: &str,
        now: Time,
        first_is_admin: bool,
    ) -> Result<Option<bool>, StoreError> {
        let admit = || self.try_admit_without_mail(user, verified, now, first_is_admin);
        loop {
            match undisturbed(admit).await {
                // Somebody else got this number of a line of the audit in the same millisecond.
                Err(error) if error.rule() == Some(rule::AUDIT_PKEY) => {}
                other => return other,
            }
        }
    }

    async fn try_admit_without_mail(
        &self,
        user: UserId,
        verified: &str,
        now: Time,
        first_is_admin: bool,
    ) -> Result<Option<bool>, StoreError> {
        let doing = "let an account in";
        let mut transaction = self.begin(doing).await?;
        let admitted = transaction.run(UPDATE_ADMITTED, values![user, verified]).await?;
        let Some(username) = admitted.first().map(|row| row.get(0)).transpose().doing(doing)?
        else {
            return Ok(None);
        };
        let is_first_admin =
            first_is_admin && promote_the_first(&mut transaction, user, &username, now).await?;
        // The address is not the one of the account, so a code that was sent there opens nothing.
        transaction.run(DELETE_CODES, values![user]).await?;
        transaction.commit().await?;
        Ok(Some(is_first_admin))
    }

    /// The code with this hash was right: the account has the address that it was sent to. With
    /// `first_is_admin`, an account that has waited for it is the admin, if it is the first that waits no more.
    ///
    /// # Errors
    /// The store failed; nothing has happened.
    pub async fn redeem_address(
        &self,
        user: UserId,
        purpose: Purpose,
        code_hash: &str,
        now: Time,
        at_most: usize,
        first_is_admin: bool,
    ) -> Result<Redeemed, StoreError> {
        let redeem =
            || self.try_redeem_address(user, purpose, code_hash, now, at_most, first_is_admin);
        loop {
            match undisturbed(redeem).await {
                // Somebody else got this number of a line of the audit in the same millisecond.
                Err(error) if error.rule() == Some(rule::AUDIT_PKEY) => {}
                other => return other,
            }
        }
    }

    async fn try_redeem_address(
        &self,
        user: UserId,
        purpose: Purpose,
        code_hash: &str,
        now: Time,
        at_most: usize,
        first_is_admin: bool,
    ) -> Result<Redeemed, StoreError> {
        let doing = "verify an address";
        let mut transaction = self.begin(doing).await?;
        let Some(email) = take_code(&mut transaction, user, purpose, code_hash, now).await? else {
            return Ok(Redeemed::Void);
        };
        let others = transaction.run(COUNT_OTHERS, values![email.folded(), user]).await?;
        let others: i64 = others.first().map_or(Ok(0), |row| row.get(0)).doing(doing)?;
        if i64::try_from(at_most).unwrap_or(i64::MAX) <= others {
            return Ok(Redeemed::Full);
        }
        let before = transaction.run(SELECT_EMAIL, values![user]).await?;
        let before: Option<String> =
            before.first().map(|row| row.get(0)).transpose().doing(doing)?;
        let params = values![user, email.as_str(), email.folded()];
        let updated = transaction.run(UPDATE_EMAIL, params).await?;
        let Some(username) = updated.first().map(|row| row.get(0)).transpose().doing(doing)? else {
            return Ok(Redeemed::Void);
        };
        let is_first_admin = first_is_admin
            && purpose == Purpose::Verify
            && promote_the_first(&mut transaction, user, &username, now).await?;
        // A code that was sent to the old address must not open the account any more.
        transaction.run(DELETE_CODES, values![user]).await?;
        transaction.commit().await?;
        let before = before.and_then(|it| EmailAddress::parse(&it).ok());
        let before = before.filter(|it| it.folded() != email.folded());
        Ok(Redeemed::Done { before, is_first_admin })
    }

    /// The code with this hash was right: the account has another password, and no session any more;
    /// those that ended. `None`, and nothing happened: the code was used meanwhile, or is too old.
    ///
    /// # Errors
    /// The store failed; nothing has happened.
    pub async fn redeem_reset(
        &self,
        user: UserId,
        code_hash: &str,
        password_hash: &str,
        now: Time,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        undisturbed(|| self.try_redeem_reset(user, code_hash, password_hash, now)).await
    }

    async fn try_redeem_reset(
        &self,
        user: UserId,
        code_hash: &str,
        password_hash: &str,
        now: Time,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let doing = "reset a password";
        let mut transaction = self.begin(doing).await?;
        let taken = take_code(&mut transaction, user, Purpose::Reset, code_hash, now).await?;
        if taken.is_none() {
            return Ok(None);
        }
        if transaction.run(UPDATE_PASSWORD, values![user, password_hash]).await?.is_empty() {
            return Ok(None);
        }
        // Also a change of the address that somebody else may have begun.
        transaction.run(DELETE_CODES, values![user]).await?;
        let ended = transaction.run(DELETE_SESSIONS, values![user]).await?;
        let ended = session_ids(&ended).doing(doing)?;
        transaction.commit().await?;
        Ok(Some(ended))
    }

    /// Counts a notice to this address, if there may be one more `since` then. `None`: there may not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn may_notify(
        &self,
        email: &EmailAddress,
        now: Time,
        since: Time,
        at_most: usize,
    ) -> Result<Option<Counted>, StoreError> {
        let (mail, most) = (fresh_id(now), i64::try_from(at_most).unwrap_or(i64::MAX));
        let params = values![mail, email.folded(), now, since, most];
        let counted = self.write("count a notice", INSERT_NOTICE, params).await?;
        Ok((!counted.is_empty()).then_some(Counted(mail)))
    }

    /// Forgets sign-ups that were never verified, codes that are too old, and mails that do not count
    /// any more.
    ///
    /// # Errors
    /// The store failed.
    pub async fn forget_unverified(&self, now: Time, sent: Time) -> Result<usize, StoreError> {
        let doing = "forget what was never verified";
        self.write(doing, DELETE_OLD_CODES, values![now]).await?;
        self.write(doing, DELETE_OLD_MAILS, values![sent]).await?;
        let mut forgotten = 0;
        loop {
            let gone = undisturbed(|| self.try_forget_some(now)).await?;
            forgotten += gone;
            if gone < UNVERIFIED_AT_ONCE {
                return Ok(forgotten);
            }
        }
    }

    async fn try_forget_some(&self, now: Time) -> Result<usize, StoreError> {
        let mut transaction = self.begin("forget what was never verified").await?;
        let params = values![now, UNVERIFIED_AT_ONCE as i64];
        let gone = transaction.run(DELETE_UNVERIFIED, params).await?;
        give_back(&mut transaction, &gone).await?;
        transaction.commit().await?;
        Ok(gone.len())
    }

    async fn addressees(
        &self,
        doing: &'static str,
        sql: &'static str,
        params: Vec<Value>,
    ) -> Result<Vec<Addressee>, StoreError> {
        let rows = self.read(doing, sql, params).await?;
        let addressee = |row: &crate::store::Row| {
            Ok(Addressee { user: row.get(0)?, username: row.get(1)?, email: row.get(2)? })
        };
        rows.iter().map(addressee).collect::<Result<_, Cause>>().doing(doing)
    }
}

/// Uses a code up; the address that it was sent to.
async fn take_code(
    transaction: &mut Transaction,
    user: UserId,
    purpose: Purpose,
    code_hash: &str,
    now: Time,
) -> Result<Option<EmailAddress>, StoreError> {
    let params = values![user, purpose.word(), code_hash, now];
    let taken = transaction.run(DELETE_CODE, params).await?;
    taken.first().map(|row| row.get(0)).transpose().doing("use a code up")
}

impl FromValue for EmailAddress {
    fn from_value(value: &Value) -> Option<Self> {
        Self::parse(&String::from_value(value)?).ok()
    }
}

const SELECT_WAITING: &str = "
    SELECT id, username, email FROM account
    WHERE username = $1 AND deleted = 0 AND $2 < unverified_until";

const SELECT_NAMED: &str = "
    SELECT id, username, email FROM account
    WHERE username = $1 AND deleted = 0 AND unverified_until = 0 AND email <> ''";

const SELECT_NUMBERED: &str = "
    SELECT id, username, email FROM account
    WHERE id = $1 AND deleted = 0 AND unverified_until = 0 AND email <> ''";

const SELECT_OF_ADDRESS: &str = "
    SELECT id, username, email FROM account
    WHERE email_folded = $1 AND email_folded <> '' AND deleted = 0 AND unverified_until = 0
    ORDER BY username LIMIT 100";

const SELECT_CHANGING: &str = "
    SELECT email FROM mail_code WHERE account = $1 AND purpose = 'change' AND $2 < expires";

const SELECT_EMAIL: &str = "
    SELECT email FROM account WHERE id = $1 AND unverified_until = 0 AND email <> ''";

const UPDATE_WAITING: &str = "
    UPDATE account SET email = $3, email_folded = $4
    WHERE id = $1 AND password_hash = $2 AND deleted = 0 AND 0 < unverified_until
    RETURNING id";

const UPDATE_ADMITTED: &str = "
    UPDATE account SET email = '', email_folded = '', unverified_until = 0, invite = 0
    WHERE id = $1 AND password_hash = $2 AND deleted = 0 AND 0 < unverified_until
    RETURNING username";

pub(super) const COUNT_OTHERS: &str = "
    SELECT count(*) FROM account
    WHERE email_folded = $1 AND email_folded <> '' AND deleted = 0 AND unverified_until = 0
      AND id <> $2";

const UPDATE_EMAIL: &str = "
    UPDATE account SET email = $2, email_folded = $3, unverified_until = 0, invite = 0
    WHERE id = $1 AND deleted = 0 RETURNING username";

const UPDATE_PASSWORD: &str = "
    UPDATE account SET password_hash = $2
    WHERE id = $1 AND deleted = 0 AND unverified_until = 0 RETURNING id";

const DELETE_CODE: &str = "
    DELETE FROM mail_code
    WHERE account = $1 AND purpose = $2 AND code_hash = $3 AND $4 < expires
    RETURNING email";

pub(super) const DELETE_CODES: &str = "DELETE FROM mail_code WHERE account = $1";

const DELETE_SESSIONS: &str = "DELETE FROM session WHERE account = $1 RETURNING id";

const INSERT_NOTICE: &str = "
    INSERT INTO mail_sent (id, email_folded, kind, sent)
    SELECT $1, $2, 'notice', $3
    WHERE (
      SELECT count(*) FROM mail_sent WHERE email_folded = $2 AND kind = 'notice' AND $4 < sent
    ) < $5
    RETURNING id";

const DELETE_OLD_CODES: &str = "DELETE FROM mail_code WHERE expires <= $1";

const DELETE_OLD_MAILS: &str = "DELETE FROM mail_sent WHERE sent <= $1";

pub(super) const DELETE_UNVERIFIED: &str = "
    DELETE FROM account WHERE id IN (
      SELECT id FROM account WHERE 0 < unverified_until AND unverified_until <= $1
      ORDER BY unverified_until LIMIT $2
    ) RETURNING id, invite";

/// So many that a slow store does it within a part of its deadline, and others wait for a moment only.
const UNVERIFIED_AT_ONCE: usize = 200;
