//! The embedded engine: one file, one thread that writes, a few that read.
//!
//! SQLite has one writer at a time anyway; giving it one thread makes waiting a queue with a bound,
//! and lets everything that waits share one commit (and its one flush to the disk).

mod append;
mod migrate;
mod reader;
mod statement;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::thread;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::store::StoreError;
use crate::store::append::{Append, AppendAnswers};
use crate::store::error::{Cause, Doing};
use crate::store::migrations::Migration;
use crate::store::value::{Row, Statement};

/// A cheap handle. The threads end when the last one is dropped.
#[derive(Clone)]
pub struct Sqlite {
    writer: mpsc::Sender<writer::Job>,
    readers: mpsc::Sender<reader::Job>,
    /// A thread of it panicked.
    broken: CancellationToken,
}

/// An open transaction: it holds the writer until it is committed, dropped, or over its deadline.
pub(super) struct Held {
    commands: SyncSender<writer::Command>,
}

impl Sqlite {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let doing = "open the database";
        let mut connection = connect(path, OpenFlags::default()).doing(doing)?;
        prepare_file(&connection).doing(doing)?;
        migrate::run(&mut connection, clock::now()).doing("migrate the database")?;
        let broken = CancellationToken::new();
        let (writer, jobs) = mpsc::channel(WRITER_QUEUE);
        let work = move || writer::run(&connection, jobs);
        spawn("store-writer", broken.clone(), work).doing(doing)?;
        let (readers, jobs) = mpsc::channel(READER_QUEUE);
        let jobs = Arc::new(parking_lot::Mutex::new(jobs));
        for _ in 0..READERS {
            let read_only = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
            let connection = connect(path, read_only).doing(doing)?;
            let jobs = Arc::clone(&jobs);
            let work = move || reader::run(&connection, &jobs);
            spawn("store-reader", broken.clone(), work).doing(doing)?;
        }
        Ok(Self { writer, readers, broken })
    }

    /// The steps that the schema of this file lacks; makes no file and changes nothing.
    pub(super) fn missing_steps(path: &Path) -> Result<Vec<&'static Migration>, Cause> {
        migrate::missing(path)
    }

    /// Returns when a thread has panicked: from then on, nothing can be stored or read for certain.
    pub(super) async fn broken(&self) {
        self.broken.cancelled().await;
    }

    pub(super) async fn read(&self, statement: Statement) -> Result<Vec<Row>, Cause> {
        let (reply, rows) = oneshot::channel();
        enqueue(&self.readers, reader::Job { statement, reply }).await?;
        rows.await.map_err(|_| Cause::Stopped)?
    }

    pub(super) async fn write(&self, statement: Statement) -> Result<Vec<Row>, Cause> {
        let (reply, rows) = oneshot::channel();
        enqueue(&self.writer, writer::Job::Write { statement, reply }).await?;
        rows.await.map_err(|_| Cause::Stopped)?
    }

    pub(super) async fn append(&self, batch: Vec<Append>) -> Result<AppendAnswers, Cause> {
        let (reply, answers) = oneshot::channel();
        enqueue(&self.writer, writer::Job::Append { batch, reply }).await?;
        answers.await.map_err(|_| Cause::Stopped)?
    }

    /// Ends the writer when all that waits is done.
    pub(super) async fn close(&self) -> Result<(), Cause> {
        let (reply, closed) = oneshot::channel();
        enqueue(&self.writer, writer::Job::Close { reply }).await?;
        closed.await.map_err(|_| Cause::Stopped)?
    }

    pub(super) async fn begin(&self, patience: Duration) -> Result<Held, Cause> {
        let (reply, begun) = oneshot::channel();
        // One command at a time: the caller waits for its answer before it gives the next one.
        let (commands, received) = std::sync::mpsc::sync_channel(1);
        enqueue(&self.writer, writer::Job::Begin { reply, commands: received, patience }).await?;
        begun.await.map_err(|_| Cause::Stopped)??;
        Ok(Held { commands })
    }
}

impl Held {
    #[expect(
        clippy::needless_pass_by_ref_mut,
        reason = "the engine takes one statement at a time, so two at once must not compile"
    )]
    pub(super) async fn run(&mut self, statement: Statement) -> Result<Vec<Row>, Cause> {
        let (reply, rows) = oneshot::channel();
        self.give(writer::Command::Run { statement, reply })?;
        rows.await.map_err(|_| Cause::Deadline)?
    }

    pub(super) async fn commit(self) -> Result<(), Cause> {
        let (reply, done) = oneshot::channel();
        self.give(writer::Command::Commit { reply })?;
        done.await.map_err(|_| Cause::Deadline)?
    }

    fn give(&self, command: writer::Command) -> Result<(), Cause> {
        self.commands.try_send(command).map_err(|_| Cause::Deadline)
    }
}

/// Waits for a place in the queue, for a while: whoever waits longer is better told to come back.
async fn enqueue<T>(queue: &mpsc::Sender<T>, job: T) -> Result<(), Cause> {
    let place = timeout(QUEUE_PATIENCE, queue.reserve()).await.map_err(|_| Cause::Busy)?;
    place.map_err(|_| Cause::Stopped)?.send(job);
    Ok(())
}

fn connect(path: &Path, flags: OpenFlags) -> Result<Connection, Cause> {
    let connection = Connection::open_with_flags(path, flags).map_err(statement::cause)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS);
    connection.busy_timeout(OTHER_PROCESS_PATIENCE).map_err(statement::cause)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(statement::cause)?;
    connection.pragma_update(None, "temp_store", "MEMORY").map_err(statement::cause)?;
    connection.pragma_update(None, "cache_size", -CACHE_KIB).map_err(statement::cause)?;
    Ok(connection)
}

/// What holds for the file and for the one connection that writes it.
fn prepare_file(connection: &Connection) -> Result<(), Cause> {
    let mode = |row: &rusqlite::Row<'_>| row.get::<_, String>(0);
    connection
        .pragma_update_and_check(None, "journal_mode", "WAL", mode)
        .map_err(statement::cause)?;
    // Anything less may lose the last commits when the power fails; "stored" would be a lie.
    connection.pragma_update(None, "synchronous", "FULL").map_err(statement::cause)?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES).map_err(statement::cause)
}

fn spawn(
    name: &str,
    broken: CancellationToken,
    work: impl FnOnce() + Send + 'static,
) -> Result<(), Cause> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(move || {
        let _alarm = Alarm(broken);
        work();
    });
    // Not joined: the thread ends with the last handle, and what it answered is on the disk already.
    thread.map(drop).map_err(|cause| Cause::Engine(Arc::new(cause)))
}

/// Tells when the thread that holds it panics.
struct Alarm(CancellationToken);

impl Drop for Alarm {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.cancel();
        }
    }
}

/// Reads are short and mostly from the cache of the system: a few threads keep two cores busy.
const READERS: usize = 3;
/// Jobs that wait for a reader. Whoever finds no place waits [`QUEUE_PATIENCE`], then hears "busy".
const READER_QUEUE: usize = 256;
/// Jobs that wait for the writer; the same rule.
const WRITER_QUEUE: usize = 256;
const QUEUE_PATIENCE: Duration = Duration::from_secs(5);
/// Only a backup or an operator's shell would ever hold the file.
const OTHER_PROCESS_PATIENCE: Duration = Duration::from_secs(5);
/// More than there are statements in the store.
const STATEMENTS: usize = 128;
const CACHE_KIB: i64 = 8 * 1024;
/// 16 MiB of log before it is written back, so that a busy minute writes a page once and not often.
const CHECKPOINT_PAGES: i64 = 4_096;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_thread_that_panics_is_told_of_and_one_that_ends_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let sqlite = Sqlite::open(&folder.path().join("thrive.db")).unwrap();
        let soon = Duration::from_millis(100);
        spawn("store-test", sqlite.broken.clone(), || {}).unwrap();
        assert!(timeout(soon, sqlite.broken()).await.is_err());
        spawn("store-test", sqlite.broken.clone(), || panic!("on purpose")).unwrap();
        timeout(Duration::from_secs(5), sqlite.broken()).await.unwrap();
    }
}
