//! The thread that writes. What waits in its queue shares one transaction; an interactive
//! transaction has the thread to itself for a while.

use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::append;
use super::statement;
use crate::faults::{self, Point};
use crate::store::append::{Append, AppendAnswers};
use crate::store::error::Cause;
use crate::store::value::{Row, Statement};

type Reply<T> = oneshot::Sender<Result<T, Cause>>;

pub(super) enum Job {
    Append {
        batch: Vec<Append>,
        reply: Reply<AppendAnswers>,
    },
    Write {
        statement: Statement,
        reply: Reply<Vec<Row>>,
    },
    /// `patience`: how long it may keep everybody else waiting.
    Begin {
        reply: Reply<()>,
        commands: Receiver<Command>,
        patience: Duration,
    },
    Close {
        reply: Reply<()>,
    },
}

/// What an interactive transaction is asked to do.
pub(super) enum Command {
    Run { statement: Statement, reply: Reply<Vec<Row>> },
    Commit { reply: Reply<()> },
}

/// Work that is done and not yet committed.
enum Done {
    Append(Reply<AppendAnswers>, Result<AppendAnswers, Cause>),
    Write(Reply<Vec<Row>>, Result<Vec<Row>, Cause>),
}

/// Until the last handle is gone.
pub(super) fn run(connection: &Connection, mut jobs: mpsc::Receiver<Job>) {
    let mut left_over = None;
    while let Some(job) = left_over.take().or_else(|| jobs.blocking_recv()) {
        match job {
            Job::Begin { reply, commands, patience } => {
                interactive(connection, reply, &commands, patience);
            }
            Job::Append { .. } | Job::Write { .. } => left_over = group(connection, job, &mut jobs),
            Job::Close { reply } => {
                jobs.close();
                return drop(reply.send(write_back(connection)));
            }
        }
    }
}

/// Does `first` and all that waits behind it in one transaction, and answers after its commit.
/// Returns the job that cannot be part of it.
fn group(connection: &Connection, first: Job, jobs: &mut mpsc::Receiver<Job>) -> Option<Job> {
    let mut group = Vec::new();
    let mut left_over = None;
    let appends = matches!(first, Job::Append { .. });
    if appends {
        faults::point(Point::BeforeBegin);
    }
    let mut outcome = execute(connection, "BEGIN IMMEDIATE");
    if appends {
        faults::point(Point::AfterLock);
    }
    let mut next = Some(first);
    while let Some(job) = next {
        match job {
            Job::Append { batch, reply } => {
                let answers = outcome.clone().and_then(|()| append::run(connection, &batch));
                // A batch that broke off may be in the transaction by half: nothing of it may stay.
                if let Err(cause) = &answers {
                    outcome = Err(cause.clone());
                }
                group.push(Done::Append(reply, answers));
            }
            Job::Write { statement, reply } => {
                let rows = outcome.clone().and_then(|()| statement.run(connection));
                // A statement that breaks a rule undoes itself. When the engine gives up the whole
                // transaction, the others in it must hear of it.
                if let Err(cause) = &rows
                    && connection.is_autocommit()
                {
                    outcome = Err(cause.clone());
                }
                group.push(Done::Write(reply, rows));
            }
            Job::Begin { .. } | Job::Close { .. } => {
                left_over = Some(job);
                break;
            }
        }
        next = if outcome.is_ok() && group.len() < GROUP { jobs.try_recv().ok() } else { None };
    }
    if group.iter().any(|done| matches!(done, Done::Append(..))) {
        faults::point(Point::BeforeCommit);
    }
    outcome = outcome.and_then(|()| execute(connection, "COMMIT"));
    if outcome.is_err() {
        roll_back(connection);
    }
    for done in group {
        match done {
            Done::Append(reply, answers) => {
                drop(reply.send(outcome.clone().and(answers)));
            }
            Done::Write(reply, rows) => drop(reply.send(outcome.clone().and(rows))),
        }
    }
    left_over
}

/// Serves one transaction until it is committed, given up by its owner, or too old.
fn interactive(
    connection: &Connection,
    reply: Reply<()>,
    commands: &Receiver<Command>,
    patience: Duration,
) {
    let begun = execute(connection, "BEGIN IMMEDIATE");
    let failed = begun.is_err();
    if reply.send(begun).is_err() || failed {
        return roll_back(connection);
    }
    let deadline = Instant::now() + patience;
    loop {
        match commands.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(Command::Run { statement, reply }) => drop(reply.send(statement.run(connection))),
            Ok(Command::Commit { reply }) => {
                let outcome = execute(connection, "COMMIT");
                if outcome.is_err() {
                    roll_back(connection);
                }
                return drop(reply.send(outcome));
            }
            Err(RecvTimeoutError::Disconnected | RecvTimeoutError::Timeout) => {
                return roll_back(connection);
            }
        }
    }
}

fn execute(connection: &Connection, sql: &str) -> Result<(), Cause> {
    connection.prepare_cached(sql).and_then(|mut it| it.execute(())).map_err(statement::cause)?;
    Ok(())
}

/// Moves the log into the file, so that the file alone is the database: for whoever copies it.
fn write_back(connection: &Connection) -> Result<(), Cause> {
    connection
        .query_row("PRAGMA wal_checkpoint(TRUNCATE)", (), |_| Ok(()))
        .map_err(statement::cause)
}

/// When even this fails, the next `BEGIN` says so to the one who needs it.
fn roll_back(connection: &Connection) {
    if !connection.is_autocommit()
        && let Err(cause) = execute(connection, "ROLLBACK")
    {
        tracing::error!(error = &cause as &dyn std::error::Error, "A rollback failed");
    }
}

/// Jobs in one transaction: enough to share the flush, few enough that nobody waits long for it.
const GROUP: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::value::values;

    #[test]
    fn a_transaction_that_is_held_for_too_long_is_given_up_and_undone() {
        let connection = Connection::open_in_memory().unwrap();
        connection.execute_batch("CREATE TABLE kept (number BIGINT)").unwrap();
        let (commands, received) = std::sync::mpsc::sync_channel(1);
        let insert = "INSERT INTO kept (number) VALUES ($1)".into();
        let statement = Statement { sql: insert, params: values![1] };
        let (reply, mut rows) = oneshot::channel();
        commands.send(Command::Run { statement, reply }).unwrap();
        let (begun, _begun) = oneshot::channel();
        // The owner neither commits nor lets go.
        interactive(&connection, begun, &received, Duration::from_millis(20));
        assert!(rows.try_recv().unwrap().is_ok());
        assert!(connection.is_autocommit());
        let count = connection.query_row("SELECT count(*) FROM kept", (), |row| row.get(0));
        assert_eq!(count, Ok(0));
    }
}
