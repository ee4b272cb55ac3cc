//! What this device remembers of one account: messages, outbox, positions, contacts, drafts.
//!
//! SQLite on a thread of its own; jobs reach it through a bounded queue and run one by one. Several
//! programs may have the same file open. A message and the position that says it is held are written
//! in one transaction, so a crash can neither lose nor double it.

pub(crate) mod chats;
pub(crate) mod commit;
pub(crate) mod files;
pub(crate) mod messages;
pub(crate) mod older;
pub(crate) mod people;
mod schema;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use crate::pin::private_folder;
use crate::types::{Failure, ServerAddress, Username};

/// Jobs that wait for the disk. Whoever asks waits for the answer, so it is as long as there are
/// callers at once.
const JOBS: usize = 64;

type Job = Box<dyn FnOnce(&mut Connection) + Send>;

/// A handle to the thread; the file is closed when the last one is dropped.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    jobs: mpsc::Sender<Job>,
}

impl Cache {
    /// Opens or makes the cache of one account on one server.
    pub(crate) async fn open(
        dir: &Path,
        server: &ServerAddress,
        username: &Username,
    ) -> Result<(Self, Ended), Failure> {
        let path = file(dir, server, username);
        let (jobs, queue) = mpsc::channel::<Job>(JOBS);
        let (closed, end) = oneshot::channel();
        let (ready, opened) = oneshot::channel();
        thread::Builder::new()
            .name("cache".to_owned())
            .spawn(move || {
                serve(&path, ready, queue);
                // Whoever does not wait for it does not need to hear.
                let _ = closed.send(());
            })
            .map_err(|error| Failure::Local(format!("no thread for the cache: {error}")))?;
        match opened.await {
            Ok(Ok(())) => Ok((Self { jobs }, Ended(end))),
            Ok(Err(failure)) => Err(failure),
            Err(_) => Err(gone()),
        }
    }

    /// Runs one job on the thread and waits for its result.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, Failure> {
        let (answer, result) = oneshot::channel();
        let job: Job = Box::new(move |db| {
            // A caller that went away does not need the answer.
            drop(answer.send(job(db)));
        });
        self.jobs.send(job).await.map_err(|_| gone())?;
        match result.await {
            Ok(Ok(value)) => Ok(value),
            Ok(Err(error)) => Err(Failure::Local(format!("the cache on this disk: {error}"))),
            Err(_) => Err(gone()),
        }
    }
}

/// Tells when every handle is gone and the file is closed.
#[derive(Debug)]
pub(crate) struct Ended(oneshot::Receiver<()>);

impl Ended {
    pub(crate) async fn wait(self) {
        // The thread that ended without a word has closed the file as well.
        drop(self.0.await);
    }
}

fn file(dir: &Path, server: &ServerAddress, username: &Username) -> PathBuf {
    // With a name of its own in front, `con` and `nul` are no devices of Windows.
    let name = format!("account-{username}.db");
    // A host may be an IPv6 address, and a colon is no part of a file name on Windows.
    let host = server.host.replace([':', '%'], "-");
    dir.join(format!("{host}_{}", server.port)).join(name)
}

fn serve(path: &Path, ready: oneshot::Sender<Result<(), Failure>>, mut queue: mpsc::Receiver<Job>) {
    let mut db = match open(path) {
        Ok(db) => db,
        Err(failure) => {
            drop(ready.send(Err(failure)));
            return;
        }
    };
    if ready.send(Ok(())).is_err() {
        return;
    }
    while let Some(job) = queue.blocking_recv() {
        job(&mut db);
    }
}

fn open(path: &Path) -> Result<Connection, Failure> {
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Local(format!("{} cannot be opened: {error}", path.display()))
    };
    if let Some(folder) = path.parent() {
        private_folder(folder).map_err(|error| failed(&error))?;
    }
    let mut db = Connection::open(path).map_err(|error| failed(&error))?;
    schema::prepare(&mut db).map_err(|error| failed(&error))?;
    Ok(db)
}

fn gone() -> Failure {
    Failure::Local("the cache on this disk is closed".to_owned())
}
