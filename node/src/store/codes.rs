//! Codes that are sent by mail: made within what an address may get, and tried a few times. What a
//! right one does is in `addresses`.

use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;

use crate::store::error::{Cause, Doing};
use crate::store::ids::fresh_id;
use crate::store::undisturbed::undisturbed;
use crate::store::value::values;
use crate::store::{Database, StoreError};

/// What a code is for. Of each there is one for an account.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Purpose {
    /// A new account.
    Verify,
    /// A forgotten password.
    Reset,
    /// Another address.
    Change,
}

/// A code that replaces the one before it.
#[derive(Clone, Debug)]
pub struct NewCode {
    pub user: UserId,
    /// A PHC string.
    pub hash: String,
}

/// The rules of a mail with codes.
#[derive(Clone, Copy, Debug)]
pub struct Issue<'a> {
    pub purpose: Purpose,
    pub now: Time,
    pub expires: Time,
    /// Of everybody together; see also [`Try`].
    pub tries: usize,
    /// Mails since then count: those with codes for a new account or another address together, those for
    /// a forgotten password for themselves, which anybody can ask for.
    pub since: Time,
    /// So many of them, and there is no further one.
    pub at_most: usize,
    /// Who asked for it, of those mails that anybody can ask for; else empty.
    pub requester: &'a str,
    /// So many of them for one requester.
    pub at_most_each: usize,
}

/// Somebody types a code.
#[derive(Clone, Copy, Debug)]
pub struct Try<'a> {
    pub username: &'a Username,
    pub purpose: Purpose,
    /// What counts as one caller.
    pub requester: &'a str,
    /// So many from each of them, for one code.
    pub at_most: usize,
    pub now: Time,
}

/// What a try is compared with.
#[derive(Clone, Debug)]
pub struct Claimed {
    pub user: UserId,
    pub hash: String,
}

/// A mail that was counted.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Counted(pub(super) i64);

impl Purpose {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Verify => "verify",
            Self::Reset => "reset",
            Self::Change => "change",
        }
    }

    /// Among which mails its mails are counted.
    fn kind(self) -> &'static str {
        match self {
            Self::Verify | Self::Change => "code",
            Self::Reset => "reset",
        }
    }
}

impl Database {
    /// Counts one mail to this address and stores the codes in it. `None`, and nothing happened: the
    /// address has had enough, or no account is in need of such a code any more.
    ///
    /// # Errors
    /// The store failed; nothing has happened.
    pub async fn issue_codes(
        &self,
        email: &EmailAddress,
        codes: &[NewCode],
        rules: Issue<'_>,
    ) -> Result<Option<Counted>, StoreError> {
        undisturbed(|| self.try_issue_codes(email, codes, rules)).await
    }

    async fn try_issue_codes(
        &self,
        email: &EmailAddress,
        codes: &[NewCode],
        rules: Issue<'_>,
    ) -> Result<Option<Counted>, StoreError> {
        let doing = "make codes for a mail";
        let mut transaction = self.begin(doing).await?;
        let kind = rules.purpose.kind();
        let params = values![email.folded(), rules.since, kind, rules.requester];
        let sent = transaction.run(COUNT_MAILS, params).await?;
        let sent = sent.first().map_or(Ok((0, 0)), |row| Ok((row.get(0)?, row.get(1)?)));
        let (all, theirs): (i64, i64) = sent.doing(doing)?;
        let most = |most: usize| i64::try_from(most).unwrap_or(i64::MAX);
        if most(rules.at_most) <= all || most(rules.at_most_each) <= theirs {
            return Ok(None);
        }
        let tries = i64::try_from(rules.tries).unwrap_or(i64::MAX);
        let upsert = match rules.purpose {
            Purpose::Verify => UPSERT_FOR_WAITING,
            Purpose::Reset | Purpose::Change => UPSERT_FOR_VERIFIED,
        };
        for code in codes {
            let params = values![
                code.user,
                rules.purpose.word(),
                code.hash.as_str(),
                email.as_str(),
                rules.expires,
                tries
            ];
            if transaction.run(upsert, params).await?.is_empty() {
                return Ok(None);
            }
            transaction.run(DELETE_TRIES, values![code.user, rules.purpose.word()]).await?;
        }
        let mail = fresh_id(rules.now);
        let params = values![mail, email.folded(), kind, rules.now, rules.requester];
        transaction.run(INSERT_MAIL, params).await?;
        transaction.commit().await?;
        Ok(Some(Counted(mail)))
    }

    /// A mail that was counted was not delivered: it does not count.
    ///
    /// # Errors
    /// The store failed.
    pub async fn uncount(&self, mail: Counted) -> Result<(), StoreError> {
        self.write("take a mail back", DELETE_MAIL, values![mail.0]).await.map(drop)
    }

    /// Takes one try from the code of an account, before it is compared. `None`: there is no such code,
    /// it is too old, or was tried too often, by this caller or by all together. Whoever has no try left
    /// takes none from the others.
    ///
    /// # Errors
    /// The store failed; nothing has happened.
    pub async fn claim_try(&self, claim: Try<'_>) -> Result<Option<Claimed>, StoreError> {
        undisturbed(|| self.try_claim_try(claim)).await
    }

    async fn try_claim_try(&self, claim: Try<'_>) -> Result<Option<Claimed>, StoreError> {
        let doing = "try a code";
        let Try { username, purpose, requester, at_most, now } = claim;
        let mut transaction = self.begin(doing).await?;
        let params = values![username.as_str(), purpose.word(), now];
        let rows = transaction.run(UPDATE_TRIES, params).await?;
        let claimed = |row: &crate::store::Row| {
            Ok::<_, Cause>(Claimed { user: row.get(0)?, hash: row.get(1)? })
        };
        let Some(claimed) = rows.first().map(claimed).transpose().doing(doing)? else {
            return Ok(None);
        };
        let most = i64::try_from(at_most).unwrap_or(i64::MAX);
        let params = values![claimed.user, purpose.word(), requester, most];
        if transaction.run(COUNT_TRY, params).await?.is_empty() {
            return Ok(None);
        }
        transaction.commit().await?;
        Ok(Some(claimed))
    }

    /// Whether this is still the code that counts: a mail with another one says nothing of use.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_current(
        &self,
        code: &NewCode,
        purpose: Purpose,
        now: Time,
    ) -> Result<bool, StoreError> {
        let params = values![code.user, purpose.word(), code.hash.as_str(), now];
        Ok(!self.read("look for a code", SELECT_CURRENT, params).await?.is_empty())
    }
}

const COUNT_MAILS: &str = "
    SELECT count(*), coalesce(sum(CASE WHEN requester = $4 THEN 1 ELSE 0 END), 0)
    FROM mail_sent WHERE email_folded = $1 AND $2 < sent AND kind = $3";

const INSERT_MAIL: &str = "
    INSERT INTO mail_sent (id, email_folded, kind, sent, requester) VALUES ($1, $2, $3, $4, $5)";

const DELETE_MAIL: &str = "DELETE FROM mail_sent WHERE id = $1";

const DELETE_TRIES: &str = "DELETE FROM mail_code_try WHERE account = $1 AND purpose = $2";

const COUNT_TRY: &str = "
    INSERT INTO mail_code_try (account, purpose, requester, tries) VALUES ($1, $2, $3, 1)
    ON CONFLICT (account, purpose, requester) DO UPDATE SET tries = mail_code_try.tries + 1
    WHERE mail_code_try.tries < $4
    RETURNING tries";

const UPSERT_FOR_WAITING: &str = "
    INSERT INTO mail_code (account, purpose, code_hash, email, expires, tries_left)
    SELECT id, $2, $3, $4, $5, $6 FROM account
    WHERE id = $1 AND deleted = 0 AND 0 < unverified_until AND email = $4
    ON CONFLICT (account, purpose) DO UPDATE SET
      code_hash = excluded.code_hash, email = excluded.email,
      expires = excluded.expires, tries_left = excluded.tries_left
    RETURNING account";

const UPSERT_FOR_VERIFIED: &str = "
    INSERT INTO mail_code (account, purpose, code_hash, email, expires, tries_left)
    SELECT id, $2, $3, $4, $5, $6 FROM account
    WHERE id = $1 AND deleted = 0 AND unverified_until = 0
    ON CONFLICT (account, purpose) DO UPDATE SET
      code_hash = excluded.code_hash, email = excluded.email,
      expires = excluded.expires, tries_left = excluded.tries_left
    RETURNING account";

const UPDATE_TRIES: &str = "
    UPDATE mail_code SET tries_left = tries_left - 1
    WHERE account = (SELECT id FROM account WHERE username = $1 AND deleted = 0)
      AND purpose = $2 AND 0 < tries_left AND $3 < expires
    RETURNING account, code_hash";

const SELECT_CURRENT: &str = "
    SELECT account FROM mail_code
    WHERE account = $1 AND purpose = $2 AND code_hash = $3 AND $4 < expires";
