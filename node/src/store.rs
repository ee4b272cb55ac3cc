//! What must survive a restart. SQL is written once, in words that both engines know; it lives in here
//! and nowhere else. The store never asks whether somebody may: that is decided in `service`.
//!
//! - [`Database`] is the closed set of engines. An engine runs statements (`read`, `write`, `begin`) and
//!   has its own form of the append; everything else in here is neutral.
//! - One file for each theme adds its deeds to [`Database`]: [`accounts`], [`contacts`], …
//! - Statements use `$1` parameters, `BIGINT`, `TEXT` and `BYTEA`. A test refuses the words of one engine.

pub mod accounts;
pub mod append;
pub mod contacts;
pub mod conversations;
pub mod error;
pub mod ids;
pub mod marks;
pub mod messages;
mod migrations;
pub mod sessions;
pub mod sqlite;
pub mod statuses;
pub mod value;

use std::borrow::Cow;
use std::path::Path;

use thrive_protocol::ids::Epoch;

pub use self::append::{Append, AppendRefusal, Appended};
pub use self::error::StoreError;
use self::error::{Cause, Doing};
use self::sqlite::{Held, Sqlite, Statement};
use self::value::{Row, Value, values};

/// A cheap handle to the truth.
#[derive(Clone)]
pub enum Database {
    Sqlite(Sqlite),
}

/// Several statements that happen together or not at all, as if nobody else wrote in between. It is
/// undone when it is dropped without `commit`, and given up after 5 s.
pub struct Transaction {
    /// Of whoever began it: the word for every error in it.
    doing: &'static str,
    engine: Engine,
}

enum Engine {
    Sqlite(Held),
}

impl Database {
    /// Opens the database in this file, makes it when there is none, and migrates it. Blocks.
    ///
    /// # Errors
    /// The file cannot be used, or a newer program has changed it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Sqlite::open(path).map(Self::Sqlite)
    }

    /// Finishes what waits, and takes no more changes from any handle.
    pub async fn close(&self) {
        let closed = match self {
            Self::Sqlite(sqlite) => sqlite.close().await.doing("close the database"),
        };
        if let Err(error) = closed {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "The database did not close well; nothing that was answered is lost"
            );
        }
    }

    /// Runs one statement that changes nothing.
    pub(crate) async fn read(
        &self,
        doing: &'static str,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = Statement { sql: sql.into(), params };
        match self {
            Self::Sqlite(sqlite) => sqlite.read(statement).await.doing(doing),
        }
    }

    /// Runs one statement in a transaction of its own, which it may share with others that wait.
    pub(crate) async fn write(
        &self,
        doing: &'static str,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = Statement { sql: sql.into(), params };
        match self {
            Self::Sqlite(sqlite) => sqlite.write(statement).await.doing(doing),
        }
    }

    pub(crate) async fn begin(&self, doing: &'static str) -> Result<Transaction, StoreError> {
        let engine = match self {
            Self::Sqlite(sqlite) => Engine::Sqlite(sqlite.begin().await.doing(doing)?),
        };
        Ok(Transaction { doing, engine })
    }

    /// The identity of the history in this store.
    ///
    /// # Errors
    /// The store failed.
    pub async fn epoch(&self) -> Result<Epoch, StoreError> {
        let doing = "read the epoch";
        let rows = self.read(doing, SELECT_EPOCH, values![]).await?;
        let epoch = rows.first().ok_or(Cause::Corrupt).and_then(|row| row.get(0));
        epoch.doing(doing)
    }

    /// Gives the history in this store another identity: a copy was put back, and places in the log
    /// that clients remember may hold something else now. They forget them and read again.
    ///
    /// # Errors
    /// The store failed; the epoch is as it was.
    pub async fn renew_epoch(&self) -> Result<(), StoreError> {
        let epoch = Epoch(ids::fresh_id(crate::clock::now()));
        self.write("renew the epoch", UPDATE_EPOCH, values![epoch]).await.map(drop)
    }
}

impl Transaction {
    #[expect(
        clippy::needless_pass_by_ref_mut,
        reason = "the engine takes one statement at a time, so two at once must not compile"
    )]
    pub(crate) async fn run(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = Statement { sql: sql.into(), params };
        match &self.engine {
            Engine::Sqlite(held) => held.run(statement).await.doing(self.doing),
        }
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.engine {
            Engine::Sqlite(held) => held.commit().await.doing(self.doing),
        }
    }
}

const UPDATE_EPOCH: &str = "UPDATE meta SET number = $1 WHERE name = 'epoch'";

const SELECT_EPOCH: &str = "SELECT number FROM meta WHERE name = 'epoch'";

#[cfg(test)]
pub(crate) mod contract;
#[cfg(test)]
mod schema_tests;
