//! Bans, as far as they are asked for; they are made in [`super::admins`].

use thrive_protocol::admin::{BanEntry, Extension};
use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::text::Reason;

use crate::store::error::{Cause, Doing};
use crate::store::value::{Row, values};
use crate::store::{Database, StoreError};

/// The end of a ban that has none: the end of the year 9999.
pub const FOREVER: Time = Time(253_402_300_799_999);

/// What keeps somebody out, or from sending something.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BanInForce {
    /// The last moment of it; `None`: for ever.
    pub until: Option<Time>,
    pub reason: Reason,
}

impl Database {
    /// What keeps somebody from logging in now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn ban(&self, user: UserId, now: Time) -> Result<Option<BanInForce>, StoreError> {
        let doing = "look for a ban";
        let rows = self.read(doing, SELECT_BAN, values![user, now]).await?;
        rows.first().map(|row| in_force(row, 0)).transpose().doing(doing)
    }

    /// What keeps somebody from sending files with this extension (without a dot, in any case) now. Of
    /// several bans, the one that lasts longest.
    ///
    /// # Errors
    /// The store failed.
    pub async fn file_ban(
        &self,
        user: UserId,
        extension: &str,
        now: Time,
    ) -> Result<Option<BanInForce>, StoreError> {
        let doing = "look for a ban of files";
        let params = values![user, extension.to_lowercase(), now];
        let rows = self.read(doing, SELECT_FILE_BAN, params).await?;
        rows.first().map(|row| in_force(row, 0)).transpose().doing(doing)
    }

    /// Every ban that is in force, by name, at most `limit`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn bans(&self, now: Time, limit: usize) -> Result<Vec<BanEntry>, StoreError> {
        let doing = "list the bans";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.read(doing, SELECT_BANS, values![now, limit]).await?;
        let entry = |row: &Row| {
            let BanInForce { until, reason } = in_force(row, 3)?;
            let files = Some(row.get::<Extension>(2)?).filter(|it| !it.is_empty());
            Ok(BanEntry { user: row.get(0)?, username: row.get(1)?, files, until, reason })
        };
        rows.iter().map(entry).collect::<Result<_, _>>().doing(doing)
    }
}

/// From two columns that start at `first`.
fn in_force(row: &Row, first: usize) -> Result<BanInForce, Cause> {
    let ends: Time = row.get(first)?;
    Ok(BanInForce { until: until(ends), reason: row.get(first + 1)? })
}

/// As it is said to people.
#[must_use]
pub fn until(ends: Time) -> Option<Time> {
    (ends < FOREVER).then_some(ends)
}

const SELECT_BAN: &str = "SELECT ends, reason FROM ban WHERE account = $1 AND $2 <= ends";

const SELECT_FILE_BAN: &str = "
    SELECT ends, reason FROM file_ban
    WHERE account = $1 AND extension IN ($2, '*') AND $3 <= ends
    ORDER BY ends DESC LIMIT 1";

const SELECT_BANS: &str = "
    SELECT account.id, account.username, bans.extension, bans.ends, bans.reason
    FROM (
      SELECT account, '' AS extension, ends, reason FROM ban
      UNION ALL SELECT account, extension, ends, reason FROM file_ban
    ) AS bans
    JOIN account ON account.id = bans.account
    WHERE $1 <= bans.ends
    ORDER BY account.username, bans.extension LIMIT $2";
