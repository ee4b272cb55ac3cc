//! An interactive transaction, as if nobody else wrote in between. The server sees to that by breaking off
//! one of two that are in each other's way: whoever began it begins again ([`Cause::Conflict`]).

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::{failure, statement};
use crate::store::error::Cause;
use crate::store::value::{Row, Statement};

pub(in crate::store) struct Held {
    /// Until the transaction is at its end, or the connection is of no use any more.
    client: Option<Object>,
    deadline: Instant,
    /// A statement failed; the server does nothing more in this transaction.
    failed: bool,
    /// Whoever closes the database waits for this transaction.
    _change: TaskTrackerToken,
}

impl Held {
    pub(super) async fn begin(
        client: Object,
        patience: Duration,
        change: TaskTrackerToken,
    ) -> Result<Self, Cause> {
        let deadline = Instant::now() + patience;
        let mut held = Self { client: Some(client), deadline, failed: false, _change: change };
        held.tell("BEGIN ISOLATION LEVEL SERIALIZABLE").await?;
        Ok(held)
    }

    pub(in crate::store) async fn run(&mut self, asked: Statement) -> Result<Vec<Row>, Cause> {
        let Some(client) = &self.client else { return Err(Cause::Deadline) };
        let rows = async {
            let prepared = statement::prepare(client, &asked).await?;
            statement::run(client, &prepared, &asked).await
        };
        let rows = timeout_at(self.deadline, rows).await.unwrap_or(Err(Cause::Deadline));
        self.note(rows)
    }

    pub(in crate::store) async fn commit(mut self) -> Result<(), Cause> {
        if self.failed {
            // The server would take the word, undo everything, and report success.
            return Err(Cause::Engine(Arc::new(AfterFailure)));
        }
        self.tell("COMMIT").await?;
        // Back into the pool, with nothing left to undo.
        drop(self.client.take());
        Ok(())
    }

    async fn tell(&mut self, word: &str) -> Result<(), Cause> {
        let Some(client) = &self.client else { return Err(Cause::Deadline) };
        let done = timeout_at(self.deadline, client.batch_execute(word)).await;
        self.note(done.map_or(Err(Cause::Deadline), |it| it.map_err(failure::of_statement)))
    }

    fn note<T>(&mut self, outcome: Result<T, Cause>) -> Result<T, Cause> {
        if let Err(cause) = &outcome {
            self.failed = true;
            if matches!(cause, Cause::Lost(_) | Cause::Deadline) {
                // It may be in the middle of something: not for anybody else.
                drop(self.client.take().map(Object::take));
            }
        }
        outcome
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(client) = self.client.take() {
            // The first poll sends it; whoever gets this connection next is answered after it.
            drop(client.batch_execute("ROLLBACK").now_or_never());
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a statement of this transaction failed before its commit")]
struct AfterFailure;
