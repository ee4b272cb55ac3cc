//! The engine of a cluster: a Postgres server that many nodes share.
//!
//! Single statements and interactive transactions take a connection from a pool; appends have a few of
//! their own (`lanes`) and `marks` have one, so that none waits for the others. Every wait has an
//! end: for a connection, on the server (`statement_timeout`), and here, should the server fall silent.

mod append;
mod connector;
mod failure;
mod held;
mod lanes;
mod marks;
mod migrate;
mod statement;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Manager, ManagerConfig, Object, Pool, RecyclingMethod, Runtime};
use thrive_protocol::ids::Time;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;
use tokio_util::task::task_tracker::TaskTrackerToken;

use self::connector::Connector;
pub(super) use self::held::Held;
use self::lanes::Lanes;
pub(super) use self::marks::Mark;
use self::marks::Marks;
use crate::config;
use crate::store::append::{Append, AppendAnswers};
use crate::store::error::Cause;
use crate::store::migrations::Migration;
use crate::store::value::{Row, Statement};

/// A cheap handle. The connections end when the last one is dropped.
#[derive(Clone)]
pub struct Postgres {
    pool: Pool,
    lanes: Arc<Lanes>,
    marks: Marks,
    /// What changes the database at the moment; closed when nothing more may begin.
    changes: TaskTracker,
}

impl Postgres {
    /// Connects, and applies what the schema lacks.
    pub(super) async fn connect(settings: &config::Postgres) -> Result<Self, Cause> {
        let connector = Connector::new(settings)?;
        migrate::apply(&connector).await?;
        let lanes = (settings.connections / 3).clamp(1, MOST_LANES);
        let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let config = connector.config().clone();
        let pool = Pool::builder(Manager::from_connect(config, connector.clone(), manager))
            .max_size(settings.connections.saturating_sub(lanes + 1).max(1))
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(WAIT))
            .create_timeout(Some(connector::CONNECT))
            .build()
            .map_err(Cause::settings)?;
        let marks = Marks::begin(connector.clone());
        let lanes = Arc::new(Lanes::new(connector, lanes));
        Ok(Self { pool, lanes, marks, changes: TaskTracker::new() })
    }

    /// The steps that the schema lacks; applies none.
    pub(super) async fn missing_steps(
        settings: &config::Postgres,
    ) -> Result<Vec<&'static Migration>, Cause> {
        migrate::missing(&Connector::new(settings)?).await
    }

    /// A connection that broke since it was last used is found out by using it; a reading may then be
    /// done again on another.
    pub(super) async fn read(&self, asked: &Statement) -> Result<Vec<Row>, Cause> {
        match self.once(asked).await {
            Err(Failed { cause: Cause::Lost(_), .. }) => Ok(self.once(asked).await?),
            other => Ok(other?),
        }
    }

    /// The clock of the server.
    pub(super) async fn time(&self) -> Result<Time, Cause> {
        let asked = Statement { sql: SELECT_TIME.into(), params: Vec::new() };
        self.read(&asked).await?.first().ok_or(Cause::Corrupt)?.get(0)
    }

    /// A change is only done again if it had not been sent.
    pub(super) async fn write(&self, asked: &Statement) -> Result<Vec<Row>, Cause> {
        let _change = self.change()?;
        match self.once(asked).await {
            Err(Failed { cause: Cause::Lost(_), sent: false }) => Ok(self.once(asked).await?),
            other => Ok(other?),
        }
    }

    pub(super) async fn begin(&self, patience: Duration) -> Result<Held, Cause> {
        let change = self.change()?;
        match Held::begin(self.connection().await?, patience, change.clone()).await {
            Err(Cause::Lost(_)) => Held::begin(self.connection().await?, patience, change).await,
            other => other,
        }
    }

    pub(super) async fn append(&self, batch: &[Append]) -> Result<AppendAnswers, Cause> {
        let _change = self.change()?;
        append::run(&self.lanes, batch).await
    }

    /// Answers after the commit, which it may share with others.
    pub(super) async fn mark(&self, mark: Mark) -> Result<(), Cause> {
        self.marks.write(mark, self.change()?).await
    }

    /// Returns when marks cannot be written any more, ever.
    pub(super) async fn broken(&self) {
        self.marks.broken().await;
    }

    /// How many appends may be under way at once.
    pub(super) fn lanes(&self) -> usize {
        self.lanes.len()
    }

    /// Waits for the changes under way, and lets none begin after them.
    pub(super) async fn close(&self) -> Result<(), Cause> {
        self.changes.close();
        timeout(DEADLINE + WAIT, self.changes.wait()).await.map_err(|_| Cause::Deadline)
    }

    fn change(&self) -> Result<TaskTrackerToken, Cause> {
        // Taken first: whoever closes after this look waits for it.
        let token = self.changes.token();
        if self.changes.is_closed() { Err(Cause::Stopped) } else { Ok(token) }
    }

    async fn connection(&self) -> Result<Object, Cause> {
        self.pool.get().await.map_err(failure::of_pool)
    }

    async fn once(&self, asked: &Statement) -> Result<Vec<Row>, Failed> {
        let unsent = |cause| Failed { cause, sent: false };
        let client = self.connection().await.map_err(unsent)?;
        let mut sent = false;
        let rows = timeout(DEADLINE, async {
            let prepared = statement::prepare(&client, asked).await?;
            sent = true;
            statement::run(&client, &prepared, asked).await
        });
        let rows = rows.await.unwrap_or(Err(Cause::Deadline));
        if let Err(Cause::Lost(_) | Cause::Deadline) = rows {
            // It is broken, or in the middle of something: not for anybody else.
            drop(Object::take(client));
        }
        rows.map_err(|cause| Failed { cause, sent })
    }
}

/// Why a statement failed, and whether the server may have heard of it.
struct Failed {
    cause: Cause,
    sent: bool,
}

impl From<Failed> for Cause {
    fn from(failed: Failed) -> Self {
        failed.cause
    }
}

const SELECT_TIME: &str =
    "SELECT CAST(floor(extract(epoch FROM clock_timestamp()) * 1000) AS BIGINT)";

/// Appends at once. One waits for the disk while another is made ready; more would only make batches
/// smaller.
const MOST_LANES: usize = 4;
/// How long somebody waits for a connection to be free before hearing "busy".
const WAIT: Duration = Duration::from_secs(1);
/// How long a statement may take. The server ends it a second earlier.
const DEADLINE: Duration = Duration::from_secs(5);

#[cfg(test)]
mod tests;
