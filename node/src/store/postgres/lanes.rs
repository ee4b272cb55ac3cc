//! Connections with one statement each, which is prepared; the ones of the append are in here. They are
//! opened when they are needed, and one at a time uses each.

use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use super::append::APPEND;
use super::connector::{Connection, Connector};
use super::failure;
use crate::store::error::Cause;

pub(super) struct Lanes {
    connector: Connector,
    len: usize,
    places: Semaphore,
    idle: Mutex<Vec<Lane>>,
}

pub(super) struct Lane {
    pub(super) connection: Connection,
    pub(super) statement: tokio_postgres::Statement,
}

impl Lane {
    pub(super) async fn open(connector: &Connector, sql: &str) -> Result<Self, Cause> {
        let connection = connector.connect().await?;
        let opening = async {
            connection.client.batch_execute(SESSION).await?;
            connection.client.prepare(sql).await
        };
        let statement = timeout(super::DEADLINE, opening).await.map_err(|_| Cause::Deadline)?;
        Ok(Self { connection, statement: statement.map_err(failure::of_statement)? })
    }
}

impl Lanes {
    pub(super) fn new(connector: Connector, len: usize) -> Self {
        Self { connector, len, places: Semaphore::new(len), idle: Mutex::default() }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Waits for a turn, for a while.
    pub(super) async fn enter(&self) -> Result<SemaphorePermit<'_>, Cause> {
        let turn = timeout(WAIT, self.places.acquire()).await.map_err(|_| Cause::Busy)?;
        turn.map_err(|_| Cause::Stopped)
    }

    /// A lane for whoever has a turn. One that is not given back is closed.
    pub(super) async fn take(&self) -> Result<Lane, Cause> {
        // The one that was used last: the others may rest, and the server forgets nothing it knows.
        while let Some(lane) = self.idle.lock().pop() {
            if !lane.connection.client.is_closed() {
                return Ok(lane);
            }
        }
        Lane::open(&self.connector, APPEND).await
    }

    pub(super) fn give_back(&self, lane: Lane) {
        self.idle.lock().push(lane);
    }
}

/// One plan that is made once, and that is as right for an empty table as for a large one: along the
/// indexes, whatever the statistics say. Compiling the plan would take longer than running it.
const SESSION: &str = "
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET jit = off";

/// As long as in the queue of the embedded engine.
const WAIT: Duration = Duration::from_secs(5);
