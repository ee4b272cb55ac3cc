//! What admins did. Rows are only ever added, in the transaction of what they tell of; there is no
//! statement that changes one or takes one away, and triggers of the engines refuse such a statement.

use thrive_protocol::admin::{AuditEntry, AuditText};
use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::name::Username;

use crate::store::error::{Cause, Doing};
use crate::store::ids::fresh_id;
use crate::store::value::{Row, values};
use crate::store::{Database, StoreError, Transaction};

/// One line, before it has a number.
pub(super) struct Line<'a> {
    pub(super) time: Time,
    /// Nobody: the host.
    pub(super) actor: Option<(UserId, &'a Username)>,
    pub(super) action: &'a str,
    pub(super) target: Option<UserId>,
    /// As it was typed.
    pub(super) target_name: &'a str,
    pub(super) detail: &'a str,
    /// `done`, or the word of a code.
    pub(super) outcome: &'a str,
}

/// A number that is taken already fails with the rule `AUDIT_PKEY`; then the transaction begins again.
pub(super) async fn write(
    transaction: &mut Transaction,
    line: &Line<'_>,
) -> Result<(), StoreError> {
    let (actor, actor_name) = line.actor.map_or((0, ""), |(id, name)| (id.0, name.as_str()));
    let params = values![
        fresh_id(line.time),
        line.time,
        actor,
        actor_name,
        line.action,
        line.target.map_or(0, |it| it.0),
        AuditText::cut(line.target_name).as_str(),
        AuditText::cut(line.detail).as_str(),
        line.outcome
    ];
    transaction.run(INSERT_LINE, params).await.map(drop)
}

impl Database {
    /// The newest lines first, at most `limit`, and only those before the one with this number.
    ///
    /// # Errors
    /// The store failed.
    pub async fn audit(
        &self,
        before: Option<i64>,
        limit: usize,
    ) -> Result<Vec<AuditEntry>, StoreError> {
        let doing = "read the audit";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = values![before.unwrap_or(i64::MAX), limit];
        let rows = self.read(doing, SELECT_LINES, params).await?;
        rows.iter().map(entry).collect::<Result<_, _>>().doing(doing)
    }
}

fn entry(row: &Row) -> Result<AuditEntry, Cause> {
    let by: String = row.get(2)?;
    Ok(AuditEntry {
        id: row.get(0)?,
        time: row.get(1)?,
        by: Username::parse(&by).ok(),
        action: row.get(3)?,
        target: row.get(4)?,
        detail: row.get(5)?,
        outcome: row.get(6)?,
    })
}

const INSERT_LINE: &str = "
    INSERT INTO audit
      (id, time, actor, actor_name, action, target, target_name, detail, outcome)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

const SELECT_LINES: &str = "
    SELECT id, time, actor_name, action, target_name, detail, outcome FROM audit
    WHERE id < $1 ORDER BY id DESC LIMIT $2";
