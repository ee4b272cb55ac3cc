//! Everybody who lets themselves be found, by name. Whoever has blocked the one who asks is not there.

use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Relation;

use crate::store::error::{Cause, Doing};
use crate::store::value::{Row, Value, values};
use crate::store::{Database, StoreError};

/// What is looked for.
#[derive(Clone, Copy, Debug)]
pub struct Look<'a> {
    pub caller: UserId,
    /// A part of the name; of the characters that names have.
    pub search: &'a str,
    /// Only names after this one; empty: from the start.
    pub after: &'a str,
    /// Only these people, at most [`MOST_BY_ID`].
    pub only: Option<&'a [UserId]>,
    pub limit: usize,
}

/// Somebody who was found, with what decides how much the caller may see of them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    pub user: UserId,
    pub username: Username,
    /// Where they stand with the caller.
    pub relation: Relation,
    /// The caller has blocked them.
    pub blocked: bool,
    pub presence_to_strangers: bool,
    /// When they were last seen, if they let their contacts know.
    pub last_seen: Option<Time>,
}

/// People whom one statement can pick out.
pub const MOST_BY_ID: usize = 2_048;
/// Sizes of such statements, so that there are few to prepare.
const SIZES: [usize; 3] = [16, 128, MOST_BY_ID];

impl Database {
    /// In the order of their names.
    ///
    /// # Errors
    /// The store failed.
    pub async fn look_up(&self, look: Look<'_>) -> Result<Vec<Found>, StoreError> {
        let doing = "look people up";
        let limit = i64::try_from(look.limit).unwrap_or(i64::MAX);
        let mut params = values![look.caller, look.after, pattern(look.search), limit];
        let sql = match look.only {
            None => format!("{SELECT_FOUND} {IN_ORDER}"),
            Some([]) => return Ok(Vec::new()),
            Some(only) => {
                let size = SIZES.into_iter().find(|size| only.len() <= *size).unwrap_or(MOST_BY_ID);
                // Filled up with repeats.
                let padded = only.iter().chain(std::iter::repeat(&only[0])).take(size);
                params.extend(padded.map(|id| Value::from(*id)));
                let marks: Vec<_> = (0..size).map(|at| format!("${}", at + 5)).collect();
                format!("{SELECT_FOUND} AND account.id IN ({}) {IN_ORDER}", marks.join(", "))
            }
        };
        let rows = self.read(doing, sql, params).await?;
        rows.iter().map(found).collect::<Result<_, _>>().doing(doing)
    }
}

fn found(row: &Row) -> Result<Found, Cause> {
    Ok(Found {
        user: row.get(0)?,
        username: row.get(1)?,
        relation: row.get(2)?,
        blocked: row.get(3)?,
        presence_to_strangers: row.get(4)?,
        last_seen: Some(row.get(5)?).filter(|seen| *seen != Time(0)),
    })
}

/// Of `LIKE`, in which an underscore stands for any character if nothing is done about it.
fn pattern(search: &str) -> String {
    format!("%{}%", search.replace('!', "!!").replace('_', "!_").replace('%', "!%"))
}

/// The names are in the index of the unique names, in the order of the answer. Those who have blocked the
/// caller are few, and are found once and not for each name.
const SELECT_FOUND: &str = "
    SELECT account.id, account.username, coalesce(mine.relation, 'none'),
      coalesce(mine.blocked, 0), account.presence_to_strangers,
      account.last_seen_to_contacts * account.last_seen
    FROM account
    LEFT JOIN contact AS mine ON mine.owner = $1 AND mine.other = account.id
    WHERE account.deleted = 0 AND account.unverified_until = 0 AND account.listed = 1
      AND account.username > $2 AND account.username LIKE $3 ESCAPE '!'
      AND account.id NOT IN (SELECT owner FROM contact WHERE other = $1 AND blocked = 1)";

const IN_ORDER: &str = "ORDER BY account.username LIMIT $4";
