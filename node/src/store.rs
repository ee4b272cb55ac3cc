//! What must survive a restart. SQL is written once, in words that both engines know; it lives in here
//! and nowhere else. The store never asks whether somebody may: that is decided in `service`.
//!
//! - [`Database`] is the closed set of engines. An engine runs statements (`read`, `write`, `begin`) and
//!   has its own form of the append; everything else in here is neutral.
//! - One file for each theme adds its deeds to [`Database`]: [`accounts`], [`contacts`], …
//! - Statements use `$1` parameters, `BIGINT`, `TEXT` and `BYTEA`. A test refuses the words of one engine.

pub mod accounts;
pub mod addresses;
pub mod admins;
pub mod append;
pub mod audit;
pub mod bans;
pub mod codes;
pub mod contacts;
pub mod conversations;
pub mod directory;
mod entries;
pub mod error;
pub mod files;
pub mod former;
pub mod ids;
pub mod import;
pub mod invites;
pub mod marks;
pub mod messages;
mod migrations;
pub mod postgres;
pub mod privacy;
pub mod sessions;
pub mod sqlite;
pub mod statuses;
mod undisturbed;
pub mod value;

use std::borrow::Cow;
use std::path::Path;
use std::time::Duration;

use thrive_protocol::ids::{Epoch, Time};

pub use self::append::{Append, AppendRefusal, Appended};
pub use self::error::StoreError;
use self::error::{Cause, Doing};
use self::postgres::Postgres;
use self::sqlite::Sqlite;
use self::value::{Row, Statement, Value, values};
use crate::config;

/// A cheap handle to the truth.
#[derive(Clone)]
pub enum Database {
    Sqlite(Sqlite),
    Postgres(Postgres),
}

/// Where a database is.
#[derive(Clone, Copy, Debug)]
pub enum Place<'a> {
    File(&'a Path),
    Server(&'a config::Postgres),
}

/// Several statements that happen together or not at all, as if nobody else wrote in between. It is
/// undone when it is dropped without `commit`, and given up after 5 s, or when whoever began it said. A
/// cluster may break it off in favor of another one: whoever begins it does so in `undisturbed`.
pub struct Transaction {
    /// Of whoever began it: the word for every error in it.
    doing: &'static str,
    engine: Engine,
}

enum Engine {
    Sqlite(sqlite::Held),
    Postgres(Box<postgres::Held>),
}

impl Database {
    /// Opens the database in this file, makes it when there is none, and migrates it. Blocks.
    ///
    /// # Errors
    /// The file cannot be used, or a newer program has changed it.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        Sqlite::open(path).map(Self::Sqlite)
    }

    /// Connects to the server that the nodes share, and migrates the database. Nodes that do so at the
    /// same time take turns.
    ///
    /// # Errors
    /// The server cannot be reached ([`StoreError::is_busy`]: it may come), does not let this node in, or
    /// a newer program has changed the database.
    pub async fn connect(settings: &config::Postgres) -> Result<Self, StoreError> {
        Postgres::connect(settings).await.map(Self::Postgres).doing("open the database")
    }

    /// Opens or connects to the database of this place, and migrates it.
    ///
    /// # Errors
    /// As [`Self::open`] and [`Self::connect`].
    pub async fn at(place: Place<'_>) -> Result<Self, StoreError> {
        match place {
            Place::File(path) => {
                let path = path.to_owned();
                let opened = tokio::task::spawn_blocking(move || Self::open(&path)).await;
                opened.unwrap_or(Err(Cause::Stopped).doing("open the database"))
            }
            Place::Server(settings) => Self::connect(settings).await,
        }
    }

    /// The names of the migrations that the database of this place lacks. Changes nothing.
    ///
    /// # Errors
    /// It cannot be read, or a newer program has changed it.
    pub async fn missing_steps(place: Place<'_>) -> Result<Vec<String>, StoreError> {
        let missing = match place {
            Place::File(path) => Sqlite::missing_steps(path),
            Place::Server(settings) => Postgres::missing_steps(settings).await,
        };
        let missing = missing.doing("look at the migrations of the database")?;
        Ok(missing.iter().map(|step| format!("{:04}_{}", step.number, step.name)).collect())
    }

    /// What time it is for all who use this store: by the clock of its server, which is one for all nodes; of a
    /// file, by the clock of this node, which is `own`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn time(&self, own: Time) -> Result<Time, StoreError> {
        match self {
            Self::Sqlite(_) => Ok(own),
            Self::Postgres(postgres) => postgres.time().await.doing("read the clock"),
        }
    }

    /// Returns when the store can do nothing more, ever, because of a fault in this program. A server
    /// that is away is no such case: it may come back.
    pub async fn broken(&self) {
        match self {
            Self::Sqlite(sqlite) => sqlite.broken().await,
            Self::Postgres(postgres) => postgres.broken().await,
        }
    }

    /// Finishes what waits, and takes no more changes from any handle.
    pub async fn close(&self) {
        let closed = match self {
            Self::Sqlite(sqlite) => sqlite.close().await,
            Self::Postgres(postgres) => postgres.close().await,
        };
        let closed = closed.doing("close the database");
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
            Self::Sqlite(sqlite) => sqlite.read(statement).await,
            Self::Postgres(postgres) => postgres.read(&statement).await,
        }
        .doing(doing)
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
            Self::Sqlite(sqlite) => sqlite.write(statement).await,
            Self::Postgres(postgres) => postgres.write(&statement).await,
        }
        .doing(doing)
    }

    pub(crate) async fn begin(&self, doing: &'static str) -> Result<Transaction, StoreError> {
        self.begin_for(doing, PATIENCE).await
    }

    /// Begins a transaction that may take so long. Only for whoever keeps nobody waiting.
    pub(crate) async fn begin_for(
        &self,
        doing: &'static str,
        patience: Duration,
    ) -> Result<Transaction, StoreError> {
        let engine = match self {
            Self::Sqlite(sqlite) => Engine::Sqlite(sqlite.begin(patience).await.doing(doing)?),
            Self::Postgres(postgres) => {
                Engine::Postgres(Box::new(postgres.begin(patience).await.doing(doing)?))
            }
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
    pub(crate) async fn run(
        &mut self,
        sql: impl Into<Cow<'static, str>>,
        params: Vec<Value>,
    ) -> Result<Vec<Row>, StoreError> {
        let statement = Statement { sql: sql.into(), params };
        match &mut self.engine {
            Engine::Sqlite(held) => held.run(statement).await,
            Engine::Postgres(held) => held.run(statement).await,
        }
        .doing(self.doing)
    }

    pub(crate) async fn commit(self) -> Result<(), StoreError> {
        match self.engine {
            Engine::Sqlite(held) => held.commit().await,
            Engine::Postgres(held) => held.commit().await,
        }
        .doing(self.doing)
    }
}

/// How long a transaction may take.
const PATIENCE: Duration = Duration::from_secs(5);

const UPDATE_EPOCH: &str = "UPDATE meta SET number = $1 WHERE name = 'epoch'";

const SELECT_EPOCH: &str = "SELECT number FROM meta WHERE name = 'epoch'";

#[cfg(test)]
pub(crate) mod contract;
#[cfg(test)]
mod schema_tests;
