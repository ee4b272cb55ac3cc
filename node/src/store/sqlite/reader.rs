//! A thread that reads. All of them take from one queue.

use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::store::error::Cause;
use crate::store::value::{Row, Statement};

pub(super) struct Job {
    pub(super) statement: Statement,
    pub(super) reply: oneshot::Sender<Result<Vec<Row>, Cause>>,
}

/// Until the last handle is gone. The lock is the place at the head of the queue: whoever holds it
/// takes the next job, and the other idle threads wait behind it.
pub(super) fn run(connection: &Connection, jobs: &Mutex<mpsc::Receiver<Job>>) {
    loop {
        let Some(job) = jobs.lock().blocking_recv() else { return };
        if job.reply.is_closed() {
            continue;
        }
        // Nobody listens any more: a reader owes nothing.
        drop(job.reply.send(job.statement.run(connection)));
    }
}
