//! Sessions: one login of one device each, found by the hash of its token.

use std::collections::HashMap;
use std::iter::repeat;

use thrive_protocol::ids::{SessionId, Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Session;
use thrive_protocol::text::DeviceName;

use crate::store::addresses::DELETE_CODES;
use crate::store::conversations::placeholders;
use crate::store::error::{Cause, Doing, rule};
use crate::store::ids::fresh_id;
use crate::store::undisturbed::undisturbed;
use crate::store::value::{Row, Value, values};
use crate::store::{Database, StoreError};

pub struct NewSession {
    pub user: UserId,
    /// The password hash that the login was verified with.
    pub verified: String,
    /// SHA-256 of the token.
    pub token_hash: [u8; 32],
    pub device: DeviceName,
    pub created: Time,
    /// Sessions of this account that may stay, this one included; the others that were unused for
    /// longest end.
    pub at_most: usize,
}

pub struct BegunSession {
    pub session: SessionId,
    /// Those that had to end for it.
    pub ended: Vec<SessionId>,
}

/// Whose token it is.
pub struct FoundSession {
    pub session: SessionId,
    pub user: UserId,
    pub username: Username,
    pub last_seen: Time,
}

impl Database {
    /// Begins a session, if the account still has the password that was verified. `None`: it has
    /// another one by now, is banned, or is gone.
    ///
    /// # Errors
    /// The store failed.
    pub async fn begin_session(
        &self,
        new: &NewSession,
    ) -> Result<Option<BegunSession>, StoreError> {
        undisturbed(|| self.try_begin_session(new)).await
    }

    async fn try_begin_session(
        &self,
        new: &NewSession,
    ) -> Result<Option<BegunSession>, StoreError> {
        let doing = "begin a session";
        loop {
            let mut transaction = self.begin(doing).await?;
            let session = fresh_id(new.created);
            let inserted = transaction
                .run(
                    INSERT_SESSION,
                    values![
                        session,
                        new.user,
                        new.token_hash.to_vec(),
                        new.device.as_str(),
                        new.created,
                        new.verified.as_str()
                    ],
                )
                .await;
            match inserted {
                Ok(rows) if rows.is_empty() => return Ok(None),
                Ok(_) => {}
                Err(error) if error.rule() == Some(rule::SESSION_PKEY) => continue,
                Err(error) => return Err(error),
            }
            let others = i64::try_from(new.at_most).unwrap_or(i64::MAX) - 1;
            let ended = transaction.run(DELETE_OLDEST, values![new.user, session, others]).await?;
            let ended = session_ids(&ended).doing(doing)?;
            transaction.commit().await?;
            return Ok(Some(BegunSession { session: SessionId(session), ended }));
        }
    }

    /// # Errors
    /// The store failed.
    pub async fn find_session(
        &self,
        token_hash: [u8; 32],
    ) -> Result<Option<FoundSession>, StoreError> {
        let doing = "find a session by its token";
        let rows = self.read(doing, SELECT_BY_TOKEN, values![token_hash.to_vec()]).await?;
        let found = |row: &Row| {
            Ok(FoundSession {
                session: row.get(0)?,
                user: row.get(1)?,
                username: row.get(2)?,
                last_seen: row.get(3)?,
            })
        };
        rows.first().map(found).transpose().doing(doing)
    }

    /// # Errors
    /// The store failed.
    pub async fn touch_session(&self, session: SessionId, now: Time) -> Result<(), StoreError> {
        self.write("touch a session", UPDATE_LAST_SEEN, values![session, now]).await.map(drop)
    }

    /// The version of the contacts of somebody; `None` when this session of theirs is no more.
    ///
    /// # Errors
    /// The store failed.
    pub async fn contacts_version(
        &self,
        user: UserId,
        session: SessionId,
    ) -> Result<Option<i64>, StoreError> {
        let doing = "look for a session";
        let found = self.read(doing, SELECT_ONE, values![user, session]).await?;
        found.first().map(|row| row.get(0)).transpose().doing(doing)
    }

    /// Which of these sessions live, and the version of the contacts of their people. Those of accounts
    /// that were deleted do not.
    ///
    /// # Errors
    /// The store failed.
    pub async fn live_sessions(
        &self,
        sessions: &[SessionId],
    ) -> Result<HashMap<SessionId, i64>, StoreError> {
        let doing = "look for sessions";
        let mut live = HashMap::new();
        for chunk in sessions.chunks(SESSIONS_AT_ONCE) {
            // Filled up with repeats, so that there is one statement to prepare.
            let padded = chunk.iter().chain(repeat(&chunk[0])).take(SESSIONS_AT_ONCE);
            let params = padded.map(|id| Value::from(*id)).collect();
            let sql = format!("{SELECT_LIVE} ({})", placeholders(SESSIONS_AT_ONCE));
            for row in &self.read(doing, sql, params).await? {
                live.insert(row.get(0).doing(doing)?, row.get(1).doing(doing)?);
            }
        }
        Ok(live)
    }

    /// The live sessions of somebody, the last used first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list_sessions(
        &self,
        user: UserId,
        current: SessionId,
    ) -> Result<Vec<Session>, StoreError> {
        let doing = "list sessions";
        let rows = self.read(doing, SELECT_OF_ACCOUNT, values![user]).await?;
        let session = |row: &Row| {
            let session = row.get(0)?;
            Ok(Session {
                session,
                device: row.get(1)?,
                created: row.get(2)?,
                last_seen: row.get(3)?,
                current: session == current,
            })
        };
        rows.iter().map(session).collect::<Result<_, _>>().doing(doing)
    }

    /// Whether there was such a session of this account.
    ///
    /// # Errors
    /// The store failed.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        let ended = self.write("end a session", DELETE_SESSION, values![user, session]).await?;
        Ok(!ended.is_empty())
    }

    /// Writes another hash of the same password, if the account still has the one that was verified. Says
    /// whether it had.
    ///
    /// # Errors
    /// The store failed.
    pub async fn renew_hash(
        &self,
        user: UserId,
        verified: &str,
        hash: &str,
    ) -> Result<bool, StoreError> {
        let params = values![user, verified, hash];
        let changed = self.write("hash a password again", UPDATE_PASSWORD, params).await?;
        Ok(!changed.is_empty())
    }

    /// Writes the hash of another password, and voids every code that was sent: somebody else may have asked
    /// for it. With `keep`, every other session ends; returns the ended ones. `None`, and nothing happened:
    /// the account has not the password any more that was verified.
    ///
    /// # Errors
    /// The store failed; nothing has happened.
    pub async fn change_password(
        &self,
        user: UserId,
        verified: &str,
        hash: &str,
        keep: Option<SessionId>,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        undisturbed(|| self.try_change_password(user, verified, hash, keep)).await
    }

    async fn try_change_password(
        &self,
        user: UserId,
        verified: &str,
        hash: &str,
        keep: Option<SessionId>,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let doing = "change a password";
        let mut transaction = self.begin(doing).await?;
        if transaction.run(UPDATE_PASSWORD, values![user, verified, hash]).await?.is_empty() {
            return Ok(None);
        }
        transaction.run(DELETE_CODES, values![user]).await?;
        let ended = match keep {
            Some(keep) => transaction.run(DELETE_OTHERS, values![user, keep]).await?,
            None => Vec::new(),
        };
        let ended = session_ids(&ended).doing(doing)?;
        transaction.commit().await?;
        Ok(Some(ended))
    }
}

pub(super) fn session_ids(rows: &[Row]) -> Result<Vec<SessionId>, Cause> {
    rows.iter().map(|row| row.get(0)).collect()
}

/// One statement of a size that both engines plan quickly.
const SESSIONS_AT_ONCE: usize = 128;

const INSERT_SESSION: &str = "
    INSERT INTO session (id, account, token_hash, device, created, last_seen)
    SELECT $1, id, $3, $4, $5, $5 FROM account
    WHERE id = $2 AND password_hash = $6 AND deleted = 0 AND unverified_until = 0
      AND NOT EXISTS (SELECT 1 FROM ban WHERE ban.account = account.id AND $5 <= ban.ends)
    RETURNING id";

const DELETE_OLDEST: &str = "
    DELETE FROM session WHERE id IN (
      SELECT id FROM session WHERE account = $1 AND id <> $2
      ORDER BY last_seen DESC, id DESC LIMIT 1000 OFFSET $3
    ) RETURNING id";

const SELECT_BY_TOKEN: &str = "
    SELECT session.id, account.id, account.username, session.last_seen
    FROM session JOIN account ON account.id = session.account
    WHERE session.token_hash = $1 AND account.deleted = 0";

const SELECT_ONE: &str = "
    SELECT account.contacts_version
    FROM session JOIN account ON account.id = session.account
    WHERE session.account = $1 AND session.id = $2 AND account.deleted = 0";

const SELECT_LIVE: &str = "
    SELECT session.id, account.contacts_version
    FROM session JOIN account ON account.id = session.account
    WHERE account.deleted = 0 AND session.id IN";

const UPDATE_LAST_SEEN: &str = "
    UPDATE session SET last_seen = $2 WHERE id = $1 AND last_seen < $2";

const SELECT_OF_ACCOUNT: &str = "
    SELECT id, device, created, last_seen FROM session
    WHERE account = $1 ORDER BY last_seen DESC, id DESC";

const DELETE_SESSION: &str = "
    DELETE FROM session WHERE account = $1 AND id = $2 RETURNING id";

const DELETE_OTHERS: &str = "
    DELETE FROM session WHERE account = $1 AND id <> $2 RETURNING id";

const UPDATE_PASSWORD: &str = "
    UPDATE account SET password_hash = $3
    WHERE id = $1 AND password_hash = $2 AND deleted = 0 RETURNING id";
