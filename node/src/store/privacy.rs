//! What people let others see of them, and when they were last seen.

use std::collections::HashMap;

use thrive_protocol::directory::{Privacy, SetPrivacy};
use thrive_protocol::ids::{Time, UserId};

use crate::store::conversations::{numbered_after, placeholders};
use crate::store::error::{Cause, Doing};
use crate::store::undisturbed::undisturbed;
use crate::store::value::{Row, Value, values};
use crate::store::{Database, StoreError};

impl Database {
    /// # Errors
    /// The store failed, or there is no such account.
    pub async fn privacy_of(&self, user: UserId) -> Result<Privacy, StoreError> {
        let doing = "read the privacy of an account";
        let rows = self.read(doing, SELECT_PRIVACY, values![user]).await?;
        privacy(&rows).doing(doing)
    }

    /// Changes what is given, and returns all of it. `seen`: when the person was last seen, to begin with
    /// if contacts may see that from now on; whoever takes that back is forgotten to have been seen.
    ///
    /// # Errors
    /// The store failed, or there is no such account.
    pub async fn set_privacy(
        &self,
        user: UserId,
        set: SetPrivacy,
        seen: Time,
    ) -> Result<Privacy, StoreError> {
        undisturbed(|| self.try_set_privacy(user, set, seen)).await
    }

    async fn try_set_privacy(
        &self,
        user: UserId,
        set: SetPrivacy,
        seen: Time,
    ) -> Result<Privacy, StoreError> {
        let doing = "set the privacy of an account";
        let mut transaction = self.begin(doing).await?;
        if let Some(listed) = set.listed {
            transaction.run(UPDATE_LISTED, values![user, listed]).await?;
        }
        if let Some(shown) = set.presence_to_strangers {
            transaction.run(UPDATE_PRESENCE_TO_STRANGERS, values![user, shown]).await?;
        }
        if let Some(shown) = set.last_seen_to_contacts {
            let seen = if shown { seen } else { NEVER };
            transaction.run(UPDATE_LAST_SEEN_TO_CONTACTS, values![user, shown, seen]).await?;
        }
        let rows = transaction.run(SELECT_PRIVACY, values![user]).await?;
        let privacy = privacy(&rows).doing(doing)?;
        transaction.commit().await?;
        Ok(privacy)
    }

    /// Others have seen these people until now. Kept only of those who let their contacts know.
    ///
    /// # Errors
    /// The store failed.
    pub async fn saw(&self, users: &[UserId], now: Time) -> Result<(), StoreError> {
        for chunk in users.chunks(AT_ONCE) {
            let sql = format!("{UPDATE_SEEN} ({})", numbered_after(1, AT_ONCE));
            undisturbed(|| {
                // Filled up with repeats, so that there is one statement to prepare.
                let padded = chunk.iter().chain(std::iter::repeat(&chunk[0])).take(AT_ONCE);
                let params = std::iter::once(Value::from(now)).chain(padded.map(|it| (*it).into()));
                self.write("note who was seen", sql.clone(), params.collect())
            })
            .await?;
        }
        Ok(())
    }

    /// When these people were last seen; only of those who let their contacts know. Whether whoever asks
    /// is one, and whether they are seen now, is not looked at.
    ///
    /// # Errors
    /// The store failed.
    pub async fn last_seen_of(
        &self,
        users: &[UserId],
    ) -> Result<HashMap<UserId, Time>, StoreError> {
        let doing = "read when people were last seen";
        let mut seen = HashMap::new();
        for chunk in users.chunks(AT_ONCE) {
            let padded = chunk.iter().chain(std::iter::repeat(&chunk[0])).take(AT_ONCE);
            let params = padded.map(|id| Value::from(*id)).collect();
            let sql = format!("{SELECT_SEEN} ({})", placeholders(AT_ONCE));
            for row in &self.read(doing, sql, params).await? {
                seen.insert(row.get(0).doing(doing)?, row.get(1).doing(doing)?);
            }
        }
        Ok(seen)
    }
}

fn privacy(rows: &[Row]) -> Result<Privacy, Cause> {
    let row = rows.first().ok_or(Cause::Corrupt)?;
    Ok(Privacy {
        listed: row.get(0)?,
        presence_to_strangers: row.get(1)?,
        last_seen_to_contacts: row.get(2)?,
    })
}

/// One statement of a size that both engines plan quickly.
const AT_ONCE: usize = 128;

/// Of somebody who was not seen since they let their contacts know.
const NEVER: Time = Time(0);

const SELECT_PRIVACY: &str = "
    SELECT listed, presence_to_strangers, last_seen_to_contacts
    FROM account WHERE id = $1 AND deleted = 0";

const UPDATE_LISTED: &str = "UPDATE account SET listed = $2 WHERE id = $1";

const UPDATE_PRESENCE_TO_STRANGERS: &str = "
    UPDATE account SET presence_to_strangers = $2 WHERE id = $1";

const UPDATE_LAST_SEEN_TO_CONTACTS: &str = "
    UPDATE account SET last_seen_to_contacts = $2, last_seen = $3
    WHERE id = $1 AND last_seen_to_contacts <> $2";

const UPDATE_SEEN: &str = "
    UPDATE account SET last_seen = $1
    WHERE last_seen_to_contacts = 1 AND last_seen < $1 AND id IN";

const SELECT_SEEN: &str = "
    SELECT id, last_seen FROM account
    WHERE last_seen_to_contacts = 1 AND last_seen <> 0 AND id IN";
