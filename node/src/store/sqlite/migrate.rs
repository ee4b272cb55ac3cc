//! Brings a file up to date, all or nothing, while nobody else can touch it.

use std::path::Path;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};
use thrive_protocol::ids::Time;

use super::statement::{cause, numbered};
use crate::store::error::Cause;
use crate::store::{ids, migrations};

pub(super) fn run(connection: &mut Connection, now: Time) -> Result<(), Cause> {
    let epoch = ids::fresh_id(now);
    let transaction =
        connection.transaction_with_behavior(TransactionBehavior::Exclusive).map_err(cause)?;
    transaction.execute_batch(migrations::CREATE_MIGRATION).map_err(cause)?;
    let applied =
        transaction.query_row(migrations::LAST_APPLIED, (), |row| row.get(0)).map_err(cause)?;
    for step in migrations::missing(applied)? {
        transaction.execute_batch(step.sql).map_err(cause)?;
        transaction
            .execute(&numbered(migrations::RECORD), (step.number, step.name, now.0))
            .map_err(cause)?;
        tracing::info!(number = step.number, "Migration {} is applied", step.name);
    }
    transaction.execute_batch(AUDIT_GROWS_ONLY).map_err(cause)?;
    transaction.execute(&numbered(migrations::FIRST_EPOCH), (epoch,)).map_err(cause)?;
    transaction.commit().map_err(cause)
}

/// What the audit says stays. Postgres has the same in its own words. Here, an insert can also put a line
/// in the place of another one, which is no deletion to a trigger; a number that is taken is refused in the
/// words of the engine itself.
const AUDIT_GROWS_ONLY: &str = "
    CREATE TRIGGER IF NOT EXISTS audit_keeps_lines BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;
    CREATE TRIGGER IF NOT EXISTS audit_changes_no_line BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit only grows'); END;
    CREATE TRIGGER IF NOT EXISTS audit_replaces_no_line BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'UNIQUE constraint failed: audit.id'); END;";

/// The steps that the schema of this file lacks: all of them, when there is no file.
pub(super) fn missing(path: &Path) -> Result<Vec<&'static migrations::Migration>, Cause> {
    if !path.exists() {
        return migrations::missing(0).map(Iterator::collect);
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(cause)?;
    let has_history = connection.table_exists(None, "migration").map_err(cause)?;
    let applied = if has_history {
        connection.query_row(migrations::LAST_APPLIED, (), |row| row.get(0)).map_err(cause)?
    } else {
        0
    };
    migrations::missing(applied).map(Iterator::collect)
}
