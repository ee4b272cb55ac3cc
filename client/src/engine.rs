//! The one task of a client: commands in, changes out.
//!
//! It alone moves the model, the positions and the outbox. Slow things (dialling, pages of history)
//! run beside it as jobs and come back as one message. The parts:
//!
//! - [`hub`]: what it shares with the handle, and its way to tell of changes.
//! - [`life`]: one login, from its start to its end.
//! - [`link`]: getting a connection, losing it, doubting it, leaving it.
//! - [`inbound`]: what replies and events do.
//! - [`pull`]: contact list and missed entries; writing entries down.
//! - [`sending`]: the outbox.
//! - [`asking`]: requests of people, typing.
//! - [`transfers`]: the content of files.
//! - [`marks`]: what was read and received.

pub(crate) mod asking;
pub(crate) mod hub;
pub(crate) mod inbound;
pub(crate) mod life;
pub(crate) mod link;
pub(crate) mod marks;
pub(crate) mod pull;
#[cfg(test)]
pub(crate) mod rig;
pub(crate) mod sending;
pub(crate) mod transfers;

use std::time::{Duration, Instant};

use thrive_protocol::ids::UserId;
use thrive_protocol::name::Username;
use thrive_protocol::reply::{LoggedIn, Reply};
use thrive_protocol::request::{Request, SetPresence};
use thrive_protocol::secret::Secret;
use thrive_protocol::text::MessageText;
use tokio::sync::{mpsc, oneshot};
use tokio::task::{self, AbortHandle, JoinError};
use tokio::time::sleep_until;
use tracing::error;

use self::asking::Effect;
use self::hub::Hub;
use self::life::{Life, Over};
use crate::cache::files;
use crate::outbox::Offer;
use crate::session::{Greeted, Inbound, LinkId};
use crate::transfer::Outcome;
use crate::types::{Account, Failure, Message, MessageKey};

/// News that waits to be worked on. When it is full, the reader of the connection waits, and with it,
/// by flow control, the node.
pub(crate) const INBOUND: usize = 256;
/// News that is worked on together, so that a busy chat costs one transaction and not many.
const TOGETHER: usize = 64;
/// Commands of the program that wait. A full queue makes its caller wait.
pub(crate) const COMMANDS: usize = 64;
/// What a closing client may take to get its last words out.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Where the result of a command goes.
pub(crate) type Answer<T> = oneshot::Sender<Result<T, Failure>>;

/// Tells the caller, who may have gone.
pub(crate) fn tell<T>(answer: Answer<T>, result: Result<T, Failure>) {
    drop(answer.send(result));
}

/// What the handle asks of the task.
#[derive(Debug)]
pub(crate) enum Command {
    LogIn {
        username: Username,
        password: Secret,
        presence: Option<SetPresence>,
        answer: Answer<Account>,
    },
    Resume {
        username: Username,
        token: Secret,
        answer: Answer<()>,
    },
    LogOut {
        answer: Answer<()>,
    },
    /// A request on the control stream, and what its success means for the model.
    Ask {
        request: Request,
        effect: Effect,
        answer: Answer<Reply>,
    },
    /// A request on a stream of its own; the model does not care.
    Aside {
        request: Request,
        answer: Answer<Reply>,
    },
    Send {
        peer: UserId,
        text: MessageText,
        answer: Answer<MessageKey>,
        end: Option<Answer<Message>>,
    },
    Offer {
        peer: UserId,
        offering: Offering,
        answer: Answer<MessageKey>,
        end: Option<Answer<Message>>,
    },
    StopTransfer {
        message: MessageKey,
        answer: Answer<()>,
    },
    /// There may be files to send or to fetch.
    Transfers,
    Retry {
        key: MessageKey,
        answer: Answer<()>,
    },
    Discard {
        key: MessageKey,
        answer: Answer<()>,
    },
    MarkRead {
        peer: UserId,
        answer: Answer<()>,
    },
    Typing {
        peer: UserId,
        active: bool,
    },
    /// Whatever keeps us from the server may be gone: try now.
    Nudge,
    /// Somebody is there, or has just gone.
    Used,
    Close {
        answer: Answer<()>,
    },
}

/// A file that is to be offered, and where its content is.
#[derive(Debug)]
pub(crate) struct Offering {
    pub(crate) offer: Offer,
    pub(crate) source: String,
}

/// Something that ran beside the task has ended.
pub(crate) enum Job {
    Attempt {
        id: u64,
        outcome: Result<Entered, Failure>,
    },
    Roster {
        link: LinkId,
        outcome: Result<Reply, Failure>,
    },
    Pull {
        link: LinkId,
        outcome: Result<Reply, Failure>,
    },
    /// What files are to be sent or fetched.
    Work {
        outcome: Result<Vec<files::Work>, Failure>,
    },
    /// The content of a file has gone to or fro, or not.
    Transferred {
        link: LinkId,
        message: MessageKey,
        number: u64,
        outcome: Outcome,
    },
    /// It has told its caller itself.
    Aside,
    /// The connection with that number went away before the answer.
    Interrupted {
        link: LinkId,
        request: Request,
        failure: Failure,
        answer: Answer<Reply>,
    },
}

/// A connection on which somebody is logged in.
pub(crate) type Entered = Box<(Greeted, LoggedIn)>;

struct Entering {
    id: u64,
    handle: AbortHandle,
    username: Username,
    answer: Answer<Account>,
}

pub(crate) struct Engine {
    hub: Hub,
    commands: mpsc::Receiver<Command>,
    inbound: mpsc::Receiver<Inbound>,
    /// A login by password whose outcome is not known yet.
    entering: Option<Entering>,
    life: Option<Life>,
    closing: Option<(Answer<()>, Instant)>,
}

impl Engine {
    pub(crate) fn new(
        hub: Hub,
        commands: mpsc::Receiver<Command>,
        inbound: mpsc::Receiver<Inbound>,
    ) -> Self {
        Self { hub, commands, inbound, entering: None, life: None, closing: None }
    }

    /// Works until it is told to close, or until nobody holds a handle any more.
    pub(crate) async fn run(mut self) {
        let mut news = Vec::with_capacity(TOGETHER);
        loop {
            if self.has_closed(Instant::now()).await {
                return;
            }
            let wake = self.next_wake();
            // People first: there are few of them, and they wait for the answer. Then what the node
            // says, before the timers that would doubt it.
            tokio::select! {
                biased;
                command = self.commands.recv(), if self.closing.is_none() => match command {
                    Some(command) => self.command(command).await,
                    None => return self.end().await,
                },
                _ = self.inbound.recv_many(&mut news, TOGETHER) => {
                    self.news(std::mem::take(&mut news)).await;
                }
                Some(job) = self.hub.jobs.join_next() => self.job(job).await,
                () = sleep_until(wake.into()) => {}
            }
            self.tick(Instant::now()).await;
        }
    }

    async fn command(&mut self, command: Command) {
        let now = Instant::now();
        self.hub.used = now;
        match (command, &mut self.life) {
            (Command::LogIn { username, password, presence, answer }, None)
                if self.entering.is_none() =>
            {
                let (id, handle) = self.hub.log_in(&username, password, presence);
                self.entering = Some(Entering { id, handle, username, answer });
            }
            (Command::LogIn { answer, .. }, _) => tell(answer, Err(occupied())),
            (Command::Resume { username, token, answer }, None) if self.entering.is_none() => {
                match Life::open(&self.hub, username, token, None).await {
                    Ok(mut life) => {
                        life.begin(&self.hub, now, Some(answer));
                        self.life = Some(life);
                    }
                    Err(failure) => tell(answer, Err(failure)),
                }
            }
            (Command::Resume { answer, .. }, _) => tell(answer, Err(occupied())),
            (Command::Nudge, Some(life)) => life.nudge(now),
            (Command::Nudge | Command::Used, _) => {}
            (Command::Close { answer }, Some(life)) => {
                life.last_words(&mut self.hub, now);
                self.closing = Some((answer, now + LAST_WORDS));
            }
            (Command::Close { answer }, None) => self.closing = Some((answer, now)),
            (command, Some(life)) => {
                let over = life.command(&mut self.hub, command, now).await;
                self.end_life(over).await;
            }
            (command, None) => command.refuse(),
        }
    }

    async fn news(&mut self, news: Vec<Inbound>) {
        let Some(life) = &mut self.life else { return };
        let over = life.news(&self.hub, news).await;
        self.end_life(over).await;
    }

    async fn job(&mut self, job: Result<Job, JoinError>) {
        let now = Instant::now();
        match job {
            Ok(Job::Attempt { id, outcome }) => match self.entering.take() {
                Some(entering) if entering.id == id => {
                    self.entered(entering.username, entering.answer, outcome).await;
                }
                entering => {
                    self.entering = entering;
                    let Some(life) = &mut self.life else { return };
                    let over = life.attempted(&mut self.hub, id, outcome, now).await;
                    self.end_life(over).await;
                }
            },
            Ok(Job::Roster { link, outcome }) => {
                if let Some(life) = &mut self.life {
                    life.roster(&self.hub, link, outcome, now).await;
                }
            }
            Ok(Job::Pull { link, outcome }) => {
                if let Some(life) = &mut self.life {
                    life.pulled(&self.hub, link, outcome, now).await;
                }
            }
            Ok(Job::Work { outcome }) => {
                if let Some(life) = &mut self.life {
                    life.work(&mut self.hub, outcome, now);
                }
            }
            Ok(Job::Transferred { link, message, number, outcome }) => {
                if let Some(life) = &mut self.life {
                    life.transferred(&self.hub, link, message, number, outcome, now).await;
                }
            }
            Ok(Job::Aside) => {}
            Ok(Job::Interrupted { link, request, failure, answer }) => match &self.life {
                Some(life) => life.aside_again(&mut self.hub, link, request, failure, answer),
                None => tell(answer, Err(failure)),
            },
            Err(error) if error.is_cancelled() => {}
            Err(error) => {
                error!(%error, "A job of the client ended badly");
                self.job_failed(error.id(), now).await;
            }
        }
    }

    /// A job ended without a result: whoever waits for it goes on as if it had failed.
    async fn job_failed(&mut self, job: task::Id, now: Instant) {
        let failure = Failure::Local("a part of the client ended badly".to_owned());
        if let Some(entering) = self.entering.take_if(|entering| entering.handle.id() == job) {
            return self.entered(entering.username, entering.answer, Err(failure)).await;
        }
        let Some(life) = &mut self.life else { return };
        let over = match life.attempt_of(job) {
            Some(id) => life.attempted(&mut self.hub, id, Err(failure), now).await,
            None => {
                life.pull_failed(now);
                life.transfer_failed(job, now);
                None
            }
        };
        self.end_life(over).await;
    }

    /// The answer to a login by password.
    async fn entered(
        &mut self,
        username: Username,
        answer: Answer<Account>,
        outcome: Result<Entered, Failure>,
    ) {
        let now = Instant::now();
        let life = match outcome {
            Ok(entered) => match entered.1.token.clone() {
                Some(token) => {
                    let user = entered.1.user;
                    let life = Life::open(&self.hub, username, token, Some(user)).await;
                    life.map(|life| (life, entered))
                }
                None => Err(crate::session::strange("a login without a token")),
            },
            Err(failure) => Err(failure),
        };
        match life {
            Ok((mut life, entered)) => {
                life.adopt(&mut self.hub, entered, now).await;
                let account = life.account();
                self.life = Some(life);
                tell(answer, account.ok_or(Failure::NotLoggedIn));
            }
            Err(failure) => {
                self.hub.idle();
                tell(answer, Err(failure));
            }
        }
    }

    async fn tick(&mut self, now: Instant) {
        if let Some(life) = &mut self.life {
            let over = life.tick(&mut self.hub, now);
            self.end_life(over).await;
        }
    }

    fn next_wake(&self) -> Instant {
        let now = Instant::now();
        let life = self.life.as_ref().and_then(|life| life.next_wake(&self.hub, now));
        let closing = self.closing.as_ref().map(|(_, deadline)| *deadline);
        let wake = [life, closing].into_iter().flatten().min();
        wake.unwrap_or(now + Duration::from_secs(3_600))
    }

    async fn end_life(&mut self, over: Option<Over>) {
        if let Some(over) = over
            && let Some(life) = self.life.take()
        {
            life.end(&self.hub, over).await;
        }
    }

    async fn has_closed(&mut self, now: Instant) -> bool {
        let Some((_, deadline)) = &self.closing else { return false };
        let busy = self.life.as_ref().is_some_and(|life| life.has_open_requests());
        if busy && now < *deadline {
            return false;
        }
        self.end().await;
        if let Some((answer, _)) = self.closing.take() {
            tell(answer, Ok(()));
        }
        true
    }

    /// Leaves the server and closes the files; the session stays valid.
    async fn end(&mut self) {
        if let Some(life) = self.life.take() {
            life.close(&self.hub).await;
        }
        self.hub.jobs.shutdown().await;
        *self.hub.shared.changes.lock() = None;
    }
}

fn occupied() -> Failure {
    Failure::Invalid("somebody is logged in here already".to_owned())
}

impl Command {
    /// Answers a command that needs somebody to be logged in.
    fn refuse(self) {
        match self {
            Self::LogIn { answer, .. } => tell(answer, Err(Failure::NotLoggedIn)),
            Self::Ask { answer, .. } | Self::Aside { answer, .. } => {
                tell(answer, Err(Failure::NotLoggedIn));
            }
            Self::Send { answer, .. } => tell(answer, Err(Failure::NotLoggedIn)),
            Self::Offer { answer, .. } => tell(answer, Err(Failure::NotLoggedIn)),
            Self::Resume { answer, .. }
            | Self::LogOut { answer }
            | Self::StopTransfer { answer, .. }
            | Self::Retry { answer, .. }
            | Self::Discard { answer, .. }
            | Self::MarkRead { answer, .. }
            | Self::Close { answer } => tell(answer, Err(Failure::NotLoggedIn)),
            Self::Typing { .. } | Self::Transfers | Self::Nudge | Self::Used => {}
        }
    }
}
