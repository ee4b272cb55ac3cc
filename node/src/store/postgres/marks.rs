//! Marks: whoever marks while others are being written goes into the next transaction with all that
//! wait, so that a commit is paid once for many. Nobody waits for others to come.
//!
//! Registers only grow, so what is asked of one member folds to the highest positions, and a batch whose
//! outcome is not known may be written again.

use std::collections::BTreeMap;

use thrive_protocol::ids::{ConversationId, Seq, UserId};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_postgres::Statement;
use tokio_util::task::task_tracker::TaskTrackerToken;

use super::connector::{Connection, Connector};
use super::lanes::prepared;
use super::{DEADLINE, WAIT, failure};
use crate::store::error::Cause;
use crate::store::marks::Positions;

/// The way to the one task that writes marks. The task ends after the last of these, and after the last
/// mark that was taken.
#[derive(Clone)]
pub(super) struct Marks {
    jobs: mpsc::Sender<Job>,
}

/// Whose registers, and where they move.
#[derive(Clone, Copy, Debug)]
pub(in crate::store) struct Mark {
    pub(in crate::store) conversation: ConversationId,
    pub(in crate::store) member: UserId,
    pub(in crate::store) to: Positions,
}

struct Job {
    mark: Mark,
    reply: oneshot::Sender<Result<(), Cause>>,
    /// Whoever closes the database waits for this mark, also when its caller does not.
    _change: TaskTrackerToken,
}

impl Marks {
    pub(super) fn begin(connector: Connector) -> Self {
        let (jobs, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(Writer { connector, way: None }.run(waiting));
        Self { jobs }
    }

    /// Answers after the commit.
    pub(super) async fn write(&self, mark: Mark, change: TaskTrackerToken) -> Result<(), Cause> {
        let place = timeout(WAIT, self.jobs.reserve()).await.map_err(|_| Cause::Busy)?;
        let (reply, written) = oneshot::channel();
        place.map_err(|_| Cause::Stopped)?.send(Job { mark, reply, _change: change });
        written.await.map_err(|_| Cause::Stopped)?
    }

    /// Returns when the task is at its end although somebody holds this: it panicked.
    pub(super) async fn broken(&self) {
        self.jobs.closed().await;
    }
}

/// A connection of its own, with its one statement.
struct Way {
    connection: Connection,
    statement: Statement,
}

impl Way {
    async fn open(connector: &Connector) -> Result<Self, Cause> {
        let (connection, [statement]) = prepared(connector, [MARK]).await?;
        Ok(Self { connection, statement })
    }
}

struct Writer {
    connector: Connector,
    /// Opened when it is needed, and kept while it works.
    way: Option<Way>,
}

impl Writer {
    async fn run(mut self, mut waiting: mpsc::Receiver<Job>) {
        let mut batch = Vec::new();
        while 0 < waiting.recv_many(&mut batch, QUEUE).await {
            let columns = Columns::of(batch.iter().map(|job| job.mark));
            let outcome = timeout(DEADLINE, self.write(&columns)).await;
            let outcome = outcome.unwrap_or(Err(Cause::Deadline));
            for job in batch.drain(..) {
                // Whoever went away does not want to know.
                drop(job.reply.send(outcome.clone()));
            }
        }
    }

    async fn write(&mut self, columns: &Columns) -> Result<(), Cause> {
        let mut broken = false;
        let mut repeats = 0;
        loop {
            let Err(cause) = self.attempt(columns).await else { return Ok(()) };
            let again = match cause {
                Cause::Lost(_) => !std::mem::replace(&mut broken, true),
                Cause::Conflict => {
                    repeats += 1;
                    repeats <= REPEATS
                }
                _ => false,
            };
            if !again {
                return Err(cause);
            }
        }
    }

    async fn attempt(&mut self, columns: &Columns) -> Result<(), Cause> {
        // Taken out, so that one that is given up in the middle is closed.
        let way = match self.way.take() {
            Some(way) if !way.connection.client.is_closed() => way,
            _ => Way::open(&self.connector).await?,
        };
        let outcome = columns.write(&way).await;
        if !matches!(outcome, Err(Cause::Lost(_) | Cause::Deadline)) {
            self.way = Some(way);
        }
        outcome
    }
}

/// A batch as the statement takes it: each member once, in the order in which all nodes lock.
#[derive(Debug, Default)]
struct Columns {
    conversations: Vec<i64>,
    members: Vec<i64>,
    reads: Vec<i64>,
    shown_reads: Vec<i64>,
    delivereds: Vec<i64>,
}

impl Columns {
    fn of(marks: impl Iterator<Item = Mark>) -> Self {
        let mut folded: BTreeMap<_, Positions> = BTreeMap::new();
        for Mark { conversation, member, to } in marks {
            let highest = folded.entry((conversation, member)).or_default();
            *highest = highest.max(to);
        }
        let mut columns = Self::default();
        for ((conversation, member), Positions { read, shown_read, delivered }) in folded {
            columns.conversations.push(conversation.0);
            columns.members.push(member.0);
            columns.reads.push(stored(read));
            columns.shown_reads.push(stored(shown_read));
            columns.delivereds.push(stored(delivered));
        }
        columns
    }

    async fn write(&self, way: &Way) -> Result<(), Cause> {
        let Self { conversations, members, reads, shown_reads, delivereds } = self;
        let client = &way.connection.client;
        client
            .execute(&way.statement, &[conversations, members, reads, shown_reads, delivereds])
            .await
            .map(drop)
            .map_err(failure::of_statement)
    }
}

/// As every position is stored: one that is too large is beyond every head, and so is the largest.
fn stored(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// Marks that wait, and the most of a transaction: a few milliseconds of work. Whoever finds no place
/// waits a moment, then hears "busy".
const QUEUE: usize = 1_024;
/// How often a batch that collides with another node is written again.
const REPEATS: u32 = 8;

/// A limit that is not known before makes the planner expect one row, and for one row it looks along an
/// index of the members; for the ten it expects of an array it may go through all members instead, as
/// long as it believes that they are few. The rows are visited, and so locked, in their order here.
const MARK: &str = "
    UPDATE member SET
      read_seq = greatest(read_seq, read),
      shown_read_seq = greatest(shown_read_seq, shown_read),
      delivered_seq = greatest(delivered_seq, delivered)
    FROM (
      SELECT conversation, account, read, shown_read, delivered
      FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[], $5::bigint[])
        AS asked (conversation, account, read, shown_read, delivered)
      LIMIT cardinality($1::bigint[])
    ) AS asked
    WHERE member.conversation = asked.conversation AND member.account = asked.account
      AND (read_seq < read OR shown_read_seq < shown_read OR delivered_seq < delivered)";

#[cfg(test)]
mod tests;
