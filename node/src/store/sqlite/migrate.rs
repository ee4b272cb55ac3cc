//! Brings a file up to date, all or nothing, while nobody else can touch it.

use rusqlite::{Connection, TransactionBehavior};
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
    transaction.execute(&numbered(migrations::FIRST_EPOCH), (epoch,)).map_err(cause)?;
    transaction.commit().map_err(cause)
}
