//! Brings a database up to date. Nodes that start together take turns: the first does the work, the
//! others find it done.

use tokio_postgres::types::ToSql;

use super::connector::{Connection, Connector};
use super::failure;
use crate::clock;
use crate::store::error::Cause;
use crate::store::{ids, migrations};

/// Applies the steps that the schema lacks, each in a transaction of its own.
pub(super) async fn apply(connector: &Connector) -> Result<(), Cause> {
    let connection = connector.connect().await?;
    // Rewriting a large table takes as long as it takes. The lock ends with the connection.
    execute(&connection, "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0")
        .await?;
    take_turn(&connection).await?;
    if !has_history(&connection).await? {
        execute(&connection, migrations::CREATE_MIGRATION).await?;
    }
    let mut changed = false;
    for step in migrations::missing(applied(&connection).await?)? {
        changed = true;
        execute(&connection, "BEGIN").await?;
        execute(&connection, step.sql).await?;
        let applied = clock::now().0;
        let values: [&(dyn ToSql + Sync); 3] = [&step.number, &step.name, &applied];
        let record = connection.client.execute(migrations::RECORD, &values).await;
        record.map_err(failure::of_statement)?;
        execute(&connection, "COMMIT").await?;
        tracing::info!(number = step.number, "Migration {} is applied", step.name);
    }
    if changed {
        execute(&connection, AUDIT_GROWS_ONLY).await?;
    }
    let epoch = ids::fresh_id(clock::now());
    let first = connection.client.execute(migrations::FIRST_EPOCH, &[&epoch]).await;
    first.map(drop).map_err(failure::of_statement)
}

/// The steps that the schema lacks.
pub(super) async fn missing(
    connector: &Connector,
) -> Result<Vec<&'static migrations::Migration>, Cause> {
    let connection = connector.connect().await?;
    let applied = if has_history(&connection).await? { applied(&connection).await? } else { 0 };
    migrations::missing(applied).map(Iterator::collect)
}

/// What the audit says stays. SQLite has the same in its own words. Only after a step, since a node
/// whose role may not change tables still may run.
const AUDIT_GROWS_ONLY: &str = "
    BEGIN;
    CREATE OR REPLACE FUNCTION audit_grows_only() RETURNS trigger LANGUAGE plpgsql AS
      $$ BEGIN RAISE EXCEPTION 'the audit only grows'; END $$;
    DROP TRIGGER IF EXISTS audit_grows_only ON audit;
    CREATE TRIGGER audit_grows_only BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
      FOR EACH STATEMENT EXECUTE FUNCTION audit_grows_only();
    COMMIT";

async fn take_turn(connection: &Connection) -> Result<(), Cause> {
    let mine = connection.client.query_one(TRY_LOCK, &[&TURN]).await;
    if !mine.and_then(|row| row.try_get::<_, bool>(0)).map_err(failure::of_statement)? {
        tracing::info!("Waiting for another node that brings the database up to date");
        let turn = connection.client.query_one(LOCK, &[&TURN]).await;
        turn.map_err(failure::of_statement)?;
    }
    Ok(())
}

async fn has_history(connection: &Connection) -> Result<bool, Cause> {
    let found = connection.client.query_one(FIND_HISTORY, &[]).await;
    found.and_then(|row| row.try_get(0)).map_err(failure::of_statement)
}

async fn applied(connection: &Connection) -> Result<i64, Cause> {
    let last = connection.client.query_one(migrations::LAST_APPLIED, &[]).await;
    last.and_then(|row| row.try_get(0)).map_err(failure::of_statement)
}

async fn execute(connection: &Connection, sql: &str) -> Result<(), Cause> {
    connection.client.batch_execute(sql).await.map_err(failure::of_statement)
}

/// A number that nobody else in the database is likely to lock; "thrv" in ASCII.
const TURN: i32 = 0x7468_7276;
/// One turn for each schema, since each has a history of its own.
const TRY_LOCK: &str = "SELECT pg_try_advisory_lock($1, hashtext(coalesce(current_schema(), '')))";
const LOCK: &str = "SELECT pg_advisory_lock($1, hashtext(coalesce(current_schema(), '')))::text";
/// Asked first, since a node whose role may not make tables still may run.
const FIND_HISTORY: &str = "SELECT to_regclass('migration') IS NOT NULL";
