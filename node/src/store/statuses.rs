//! The status that an account chose, and who may see whether somebody is there. For many people at
//! once: what changed for a thousand people is asked in a few statements.

use thrive_protocol::ids::UserId;
use thrive_protocol::people::{Availability, Presence};
use thrive_protocol::preset::Preset;

use crate::presence::Status;
use crate::store::error::{Cause, Doing};
use crate::store::value::{FromValue, Row, Value, values};
use crate::store::{Database, StoreError};

impl Database {
    /// Stores a status and returns it with its number, which is higher than that of every status which
    /// was stored for the account before, on whichever node.
    ///
    /// # Errors
    /// The store failed, or there is no such account.
    pub async fn choose_status(
        &self,
        user: UserId,
        presence: Presence,
    ) -> Result<Status, StoreError> {
        let doing = "set the status of an account";
        let params = values![
            user,
            availability_word(presence.availability),
            presence.text.as_str(),
            crate::clock::now(),
            presence.preset.map_or("", Preset::word)
        ];
        let rows = self.write(doing, UPDATE_STATUS, params).await?;
        let changed = rows.first().ok_or(Cause::Corrupt).and_then(|row| number(row, 0));
        Ok(Status { changed: changed.doing(doing)?, presence })
    }

    /// The statuses that these accounts have stored. Unknown ones are left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn statuses_of(&self, users: &[UserId]) -> Result<Vec<(UserId, Status)>, StoreError> {
        let doing = "read the status of accounts";
        let status = |row: &Row| {
            let preset = Preset::named(&row.get::<String>(4)?);
            let presence = Presence { preset, ..Presence::new(row.get(1)?, row.get(2)?) };
            Ok((row.get(0)?, Status { changed: number(row, 3)?, presence }))
        };
        self.of_each(doing, SELECT_STATUSES, users, status).await
    }

    /// Everybody who may see the presence of one of `users`, after the one whom they may see.
    ///
    /// # Errors
    /// The store failed.
    pub async fn watchers_of(&self, users: &[UserId]) -> Result<Vec<(UserId, UserId)>, StoreError> {
        let doing = "find who may see a presence";
        self.of_each(doing, SELECT_WATCHERS, users, |row| Ok((row.get(0)?, row.get(1)?))).await
    }

    /// Asks about many people in a few statements; `sql` ends before the list of them.
    pub(super) async fn of_each<T>(
        &self,
        doing: &'static str,
        sql: &str,
        users: &[UserId],
        read: impl Fn(&Row) -> Result<T, Cause>,
    ) -> Result<Vec<T>, StoreError> {
        let mut all = Vec::new();
        for chunk in users.chunks(AT_ONCE) {
            // Filled up with repeats, so that there are few statements to prepare.
            let size = if chunk.len() == 1 { 1 } else { AT_ONCE };
            let params = chunk.iter().chain(std::iter::repeat(&chunk[0])).take(size);
            let marks: Vec<_> = (1..=size).map(|number| format!("${number}")).collect();
            let sql = format!("{sql} ({})", marks.join(", "));
            let rows = self.read(doing, sql, params.map(|id| Value::from(*id)).collect()).await?;
            for row in &rows {
                all.push(read(row).doing(doing)?);
            }
        }
        Ok(all)
    }
}

fn number(row: &Row, column: usize) -> Result<u64, Cause> {
    row.get::<i64>(column).map(i64::unsigned_abs)
}

/// Its word in the store, which is its word on the wire.
fn availability_word(availability: Availability) -> &'static str {
    match availability {
        // Nobody chooses to be offline: it is what the others see of somebody who is not connected.
        Availability::Offline | Availability::Invisible => "invisible",
        Availability::DoNotDisturb => "do_not_disturb",
        Availability::Busy => "busy",
        Availability::Away => "away",
        Availability::Online => "online",
    }
}

impl FromValue for Availability {
    fn from_value(value: &Value) -> Option<Self> {
        match String::from_value(value)?.as_str() {
            "invisible" => Some(Self::Invisible),
            "do_not_disturb" => Some(Self::DoNotDisturb),
            "busy" => Some(Self::Busy),
            "away" => Some(Self::Away),
            "online" => Some(Self::Online),
            _ => None,
        }
    }
}

/// One statement of a size that both engines plan quickly.
const AT_ONCE: usize = 128;

/// By the clock, so that a status which is chosen after an old copy of the database was put back is
/// newer than what nodes remember; and by one, when the clock stands still or another node's is ahead.
const UPDATE_STATUS: &str = "
    UPDATE account SET
      availability = $2, status_text = $3, status_preset = $5,
      status_changed = CASE WHEN status_changed < $4 THEN $4 ELSE status_changed + 1 END
    WHERE id = $1
    RETURNING status_changed";

const SELECT_STATUSES: &str = "
    SELECT id, availability, status_text, status_changed, status_preset FROM account WHERE id IN";

const SELECT_WATCHERS: &str = "
    SELECT mine.owner, mine.other
    FROM contact AS mine
    JOIN contact AS theirs ON theirs.owner = mine.other AND theirs.other = mine.owner
    WHERE mine.relation = 'contact' AND mine.blocked = 0
      AND theirs.relation = 'contact' AND theirs.blocked = 0
      AND mine.owner IN";
