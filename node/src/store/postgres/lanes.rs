//! Connections with a few prepared statements each; the ones of the append are in here. They are opened
//! when they are needed, and one at a time uses each.

use std::time::{Duration, Instant};

use futures_util::future::try_join_all;
use parking_lot::Mutex;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_postgres::Statement;

use super::append::{careful, hopeful};
use super::connector::{Connection, Connector};
use super::failure;
use crate::store::error::Cause;

pub(super) struct Lanes {
    connector: Connector,
    len: usize,
    places: Semaphore,
    idle: Mutex<Vec<Lane>>,
    /// Until then appends look at everything first.
    careful_until: Mutex<Option<Instant>>,
}

pub(super) struct Lane {
    pub(super) connection: Connection,
    pub(super) hopeful: Statement,
    pub(super) careful: Statement,
}

/// A connection that has made plans of these statements, once and for all.
pub(super) async fn prepared<const COUNT: usize>(
    connector: &Connector,
    statements: [&str; COUNT],
) -> Result<(Connection, [Statement; COUNT]), Cause> {
    let connection = connector.connect().await?;
    let opening = async {
        connection.client.batch_execute(SESSION).await?;
        let prepare = statements.map(|sql| connection.client.prepare(sql));
        try_join_all(prepare).await
    };
    let made = timeout(super::DEADLINE, opening).await.map_err(|_| Cause::Deadline)?;
    let made = made.map_err(failure::of_statement)?.try_into();
    Ok((connection, made.map_err(|_| Cause::Corrupt)?))
}

impl Lanes {
    pub(super) fn new(connector: Connector, len: usize) -> Self {
        Self {
            connector,
            len,
            places: Semaphore::new(len),
            idle: Mutex::default(),
            careful_until: Mutex::default(),
        }
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
        let statements = [hopeful::APPEND, careful::APPEND];
        let (connection, [hopeful, careful]) = prepared(&self.connector, statements).await?;
        Ok(Lane { connection, hopeful, careful })
    }

    pub(super) fn give_back(&self, lane: Lane) {
        self.idle.lock().push(lane);
    }

    /// Whether a batch is likely to hold nothing but what is new and allowed.
    pub(super) fn hopes(&self, now: Instant) -> bool {
        self.careful_until.lock().is_none_or(|until| until <= now)
    }

    /// A hope was wrong, so others soon will be: each costs a statement, and a line in the log of the
    /// server.
    pub(super) fn be_careful(&self, now: Instant) {
        *self.careful_until.lock() = Some(now + CAREFUL);
    }
}

/// One plan that is made once, and that is as right for an empty table as for a large one: along the
/// indexes, whatever the statistics say. Compiling the plan would take longer than running it.
const SESSION: &str = "
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_bitmapscan = off;
    SET jit = off";

/// How long a wrong hope makes careful: whatever somebody repeats on purpose, they cost one statement more
/// in this time.
const CAREFUL: Duration = Duration::from_secs(1);

/// As long as in the queue of the embedded engine.
const WAIT: Duration = Duration::from_secs(5);
