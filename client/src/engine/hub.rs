//! What the task shares with its handles, and its way to the outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use thrive_protocol::name::Username;
use thrive_protocol::reply::Reply;
use thrive_protocol::request::{LogIn, Request, SetPresence};
use thrive_protocol::secret::Secret;
use thrive_protocol::text::DeviceName;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{AbortHandle, JoinSet};

use super::{Entered, Job};
use crate::cache::Cache;
use crate::handle::Options;
use crate::model::Model;
use crate::pin::Pins;
use crate::session::{Inbound, LinkId, greet, strange};
use crate::transfer::Progress;
use crate::types::{Account, Change, Connection, Failure, Missed};

/// What a handle can see without asking.
#[derive(Debug)]
pub(crate) struct Shared {
    /// `None` once the client is closed, so that listeners hear of the end whoever holds a handle.
    pub(crate) changes: Mutex<Option<broadcast::Sender<Change>>>,
    /// Held for a few lines only, never while waiting.
    pub(crate) state: Mutex<State>,
    /// Somebody has the program before them; see [`crate::Client::attend`].
    pub(crate) attended: AtomicBool,
    pub(crate) progress: Progress,
}

impl Shared {
    pub(crate) fn emit(&self, change: Change) {
        if let Some(changes) = &*self.changes.lock() {
            // Without listeners nobody needs to hear.
            drop(changes.send(change));
        }
    }
}

/// Somebody who wanted something so long ago still uses the program.
const IN_USE: Duration = Duration::from_secs(60);

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) model: Model,
    pub(crate) account: Option<Account>,
    pub(crate) reach: Reach,
    pub(crate) cache: Option<Cache>,
    /// Whose cache it is.
    pub(crate) username: Option<Username>,
    /// What the operator says to whoever has logged in.
    pub(crate) welcome: String,
    /// What came while this device was away.
    pub(crate) missed: Vec<Missed>,
}

/// How things stand with the server; [`Connection`] with the moment instead of the time that passed.
#[derive(Clone, Debug, Default)]
pub(crate) enum Reach {
    #[default]
    Idle,
    Lost {
        attempt: u32,
        since: Instant,
        error: Option<Failure>,
    },
    Online,
}

impl Reach {
    pub(crate) fn connection(&self) -> Connection {
        match self {
            Self::Idle => Connection::Idle,
            Self::Lost { attempt, since, error } => Connection::Connecting {
                attempt: *attempt,
                since_ms: u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX),
                last_error: error.clone(),
            },
            Self::Online => Connection::Online,
        }
    }
}

pub(crate) struct Hub {
    pub(crate) options: Arc<Options>,
    pub(crate) pins: Pins,
    pub(crate) shared: Arc<Shared>,
    pub(crate) inbound: mpsc::Sender<Inbound>,
    pub(crate) jobs: JoinSet<Job>,
    /// When somebody last wanted something.
    pub(crate) used: Instant,
    count: u64,
}

impl Hub {
    pub(crate) fn new(
        options: Arc<Options>,
        pins: Pins,
        shared: Arc<Shared>,
        inbound: mpsc::Sender<Inbound>,
    ) -> Self {
        let jobs = JoinSet::new();
        Self { options, pins, shared, inbound, jobs, used: Instant::now(), count: 0 }
    }

    /// Whether somebody used the program at that time, or does now.
    pub(crate) fn is_used(&self, at: Instant) -> bool {
        at < self.used + IN_USE || self.shared.attended.load(Ordering::Relaxed)
    }

    pub(crate) fn next_link(&mut self) -> LinkId {
        LinkId(self.number())
    }

    /// A number that nothing else of this program has.
    pub(crate) fn number(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    pub(crate) fn emit(&self, change: Change) {
        self.shared.emit(change);
    }

    /// Changes the model, then tells of it.
    pub(crate) fn model<C: IntoIterator<Item = Change>>(&self, edit: impl FnOnce(&mut Model) -> C) {
        let changes: Vec<_> = edit(&mut self.shared.state.lock().model).into_iter().collect();
        for change in changes {
            self.emit(change);
        }
    }

    pub(crate) fn reach(&self, reach: Reach) {
        let connection = reach.connection();
        self.shared.state.lock().reach = reach;
        self.emit(Change::Connection(connection));
    }

    /// Nobody is logged in.
    pub(crate) fn idle(&self) {
        *self.shared.state.lock() = State::default();
        self.emit(Change::Connection(Connection::Idle));
    }

    /// Starts a login by password; its outcome is a [`Job::Attempt`] with the number returned.
    pub(crate) fn log_in(
        &mut self,
        username: &Username,
        password: Secret,
        presence: Option<SetPresence>,
    ) -> (u64, AbortHandle) {
        let since = Instant::now();
        self.reach(Reach::Lost { attempt: 1, since, error: None });
        let log_in = Request::LogIn(LogIn {
            username: username.to_string(),
            password,
            device: DeviceName::cut(&self.options.device).as_str().to_owned(),
            presence,
        });
        self.attempt(log_in)
    }

    /// Dials and logs in, beside the task.
    pub(crate) fn attempt(&mut self, login: Request) -> (u64, AbortHandle) {
        self.count += 1;
        let id = self.count;
        let (options, pins) = (Arc::clone(&self.options), self.pins.clone());
        let abort = self.jobs.spawn(async move {
            Job::Attempt { id, outcome: enter(&options, &pins, login).await }
        });
        (id, abort)
    }
}

async fn enter(options: &Options, pins: &Pins, login: Request) -> Result<Entered, Failure> {
    let mut greeted = greet(&options.server, pins, &options.program).await?;
    match greeted.ask(login).await? {
        Reply::LoggedIn(logged_in) => Ok(Box::new((greeted, logged_in))),
        _ => Err(strange("the answer to a login")),
    }
}
