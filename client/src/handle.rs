//! The public face of the client: a cheap handle around one task.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use thrive_protocol::reply::Reply;
use thrive_protocol::request::Request;
use thrive_protocol::text::{InvalidText, MessageText};
use tokio::sync::{broadcast, mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use crate::engine::asking::Effect;
use crate::engine::hub::{Hub, Reach, Shared, State};
use crate::engine::{Answer, COMMANDS, Command, Engine, INBOUND};
use crate::people::set_presence;
use crate::pin::{Fingerprint, Pins, private_folder};
use crate::transfer::Progress;
use crate::types::{
    Account, Change, Code, Connection, Failure, Message, MessageKey, Presence, Secret,
    ServerAddress, UserId, Username,
};

/// Changes that a listener may be behind. Then it is told to read everything again, which costs less
/// than the changes.
const CHANGES: usize = 1_024;

/// What a client needs to start.
#[derive(Clone, Debug)]
pub struct Options {
    /// Data folder of this client: cache, outbox, known servers. Made if it is not there.
    pub dir: PathBuf,
    pub server: ServerAddress,
    /// Program and version: `thrive 0.1.0`.
    pub program: String,
    /// What this device is called in the list of sessions.
    pub device: String,
}

/// News, in order. See [`Change`].
#[derive(Debug)]
pub struct Changes(broadcast::Receiver<Change>);

impl Changes {
    /// The next change; `None` once the client is closed. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<Change> {
        match self.0.recv().await {
            Ok(change) => Some(change),
            Err(broadcast::error::RecvError::Lagged(_)) => Some(Change::Reload),
            Err(broadcast::error::RecvError::Closed) => None,
        }
    }
}

/// One client of one server. Copies of it are the same client; when the last one is dropped, its
/// connection ends.
#[derive(Clone, Debug)]
pub struct Client {
    pub(crate) options: Arc<Options>,
    pub(crate) pins: Pins,
    pub(crate) shared: Arc<Shared>,
    commands: mpsc::Sender<Command>,
}

impl Client {
    /// Prepares the folder and starts the task, on the tokio runtime that is running. Touches no
    /// network.
    ///
    /// # Errors
    /// The folder cannot be made.
    #[expect(clippy::unused_async, reason = "it spawns a task, so it needs a runtime around it")]
    pub async fn open(options: Options) -> Result<Self, Failure> {
        private_folder(&options.dir).map_err(|error| {
            Failure::Local(format!("{} cannot be made: {error}", options.dir.display()))
        })?;
        let options = Arc::new(options);
        let pins = Pins::open(&options.dir);
        let (changes, _) = broadcast::channel(CHANGES);
        let shared = Arc::new(Shared {
            changes: Mutex::new(Some(changes)),
            state: Mutex::new(State::default()),
            attended: AtomicBool::new(false),
            progress: Progress::default(),
        });
        let (commands, queue) = mpsc::channel(COMMANDS);
        let (arrivals, inbound) = mpsc::channel(INBOUND);
        let hub = Hub::new(Arc::clone(&options), pins.clone(), Arc::clone(&shared), arrivals);
        tokio::spawn(Engine::new(hub, queue, inbound).run());
        Ok(Self { options, pins, shared, commands })
    }

    /// What happens from now on.
    #[must_use]
    pub fn changes(&self) -> Changes {
        let subscribed = self.shared.changes.lock().as_ref().map(broadcast::Sender::subscribe);
        // A listener that comes after the end hears only that.
        Changes(subscribed.unwrap_or_else(|| broadcast::channel(1).1))
    }

    /// How things stand with the server.
    #[must_use]
    pub fn connection(&self) -> Connection {
        self.shared.state.lock().reach.connection()
    }

    /// Who is logged in; `None` also for somebody who came back without a connection to a cache that
    /// has never seen them.
    #[must_use]
    pub fn account(&self) -> Option<Account> {
        self.shared.state.lock().account.clone()
    }

    /// Says whether somebody has the program before them. While that is so, and for a minute after the
    /// last request, a dead connection is noticed within seconds; otherwise it may take half a minute,
    /// which costs a sleeping computer less. Cheap; may be called as often as a window gets the focus.
    pub fn attend(&self, attended: bool) {
        if self.shared.attended.swap(attended, Ordering::Relaxed) != attended {
            // A full queue of commands says the same.
            drop(self.commands.try_send(Command::Used));
        }
    }

    /// Waits until everything that was missed has been read.
    ///
    /// # Errors
    /// [`Failure::NotLoggedIn`]; or, after `limit`, why there is no connection.
    pub async fn online(&self, limit: Duration) -> Result<(), Failure> {
        let deadline = Instant::now() + limit;
        let mut changes = self.changes();
        loop {
            let last_error = match self.connection() {
                Connection::Online => return Ok(()),
                Connection::Idle => return Err(Failure::NotLoggedIn),
                Connection::Connecting { last_error, .. } => last_error,
            };
            if let Some(changed @ Failure::ServerChanged { .. }) = last_error {
                return Err(changed);
            }
            match timeout_at(deadline, changes.next()).await {
                Ok(Some(_)) => {}
                // The client is closed.
                Ok(None) => return Err(Failure::NotLoggedIn),
                Err(_) => {
                    let silent = || Failure::Unreachable("the server does not answer".to_owned());
                    return Err(last_error.unwrap_or_else(silent));
                }
            }
        }
    }

    /// From now on the server must show the certificate with this fingerprint
    /// (`sha256:` and 64 hex digits); whatever it was before.
    ///
    /// # Errors
    /// That is no fingerprint, or the file of known servers cannot be written.
    pub async fn accept_server(
        &self,
        server: &ServerAddress,
        fingerprint: &str,
    ) -> Result<(), Failure> {
        self.pins.set(server, &Fingerprint::parse(fingerprint)?)?;
        self.command(Command::Nudge).await
    }

    /// Logs in by password. The first answer is definite; afterwards the client comes back by itself
    /// for as long as it runs.
    ///
    /// # Errors
    /// Why nobody is logged in now.
    pub async fn log_in(&self, username: &str, password: Secret) -> Result<Account, Failure> {
        self.log_in_showing(username, password, None).await
    }

    /// The same with a status that holds before anybody can see me: who logs in as invisible is not seen
    /// for a moment. `None`: the one that is stored.
    ///
    /// # Errors
    /// As [`Self::log_in`], or the status is too long.
    pub async fn log_in_showing(
        &self,
        username: &str,
        password: Secret,
        presence: Option<Presence>,
    ) -> Result<Account, Failure> {
        let username = parse_username(username)?;
        let presence = presence.map(set_presence);
        self.ask(|answer| Command::LogIn { username, password, presence, answer }).await
    }

    /// Logs in by the token of an earlier login. When the server cannot be reached, this returns within
    /// 2 s with what the cache knows, and goes on trying.
    ///
    /// # Errors
    /// The session is over ([`Code::SessionEnded`]), the server is another one, or the disk says no.
    pub async fn resume(&self, username: &str, token: Secret) -> Result<(), Failure> {
        let username = parse_username(username)?;
        self.ask(|answer| Command::Resume { username, token, answer }).await
    }

    /// Ends the session; its token is void. Nobody is logged in here afterwards, whatever this returns.
    ///
    /// # Errors
    /// [`Failure::Unreachable`]: the server could not be told, so the token still works there.
    pub async fn log_out(&self) -> Result<(), Failure> {
        self.ask(|answer| Command::LogOut { answer }).await
    }

    /// Says what is still to be said, leaves the server, closes the files. The session stays valid.
    pub async fn close(self) {
        // A task that has ended already has closed everything.
        drop(self.ask(|answer| Command::Close { answer }).await);
    }

    /// Writes a message into the outbox on this disk; it goes out as soon as there is a connection.
    ///
    /// # Errors
    /// The text breaks a limit, the person is not known, or the disk says no.
    pub async fn send(&self, peer: UserId, text: &str) -> Result<MessageKey, Failure> {
        let text = parse_text(text)?;
        self.ask(|answer| Command::Send { peer, text, answer, end: None }).await
    }

    /// The same, and waits until the server has stored it, or refused it; a refused message is not
    /// kept. Dropping this leaves the message in the outbox.
    ///
    /// # Errors
    /// As [`Self::send`], or the server refused it for good.
    pub async fn send_and_wait(&self, peer: UserId, text: &str) -> Result<Message, Failure> {
        let text = parse_text(text)?;
        let (end, ended) = oneshot::channel();
        self.ask(|answer| Command::Send { peer, text, answer, end: Some(end) }).await?;
        ended.await.unwrap_or_else(|_| Err(closed()))
    }

    /// Puts a refused message back into the outbox.
    ///
    /// # Errors
    /// It was not refused, or the disk says no.
    pub async fn retry(&self, message: MessageKey) -> Result<(), Failure> {
        self.ask(|answer| Command::Retry { key: message, answer }).await
    }

    /// Deletes a refused message.
    ///
    /// # Errors
    /// It was not refused, or the disk says no.
    pub async fn discard(&self, message: MessageKey) -> Result<(), Failure> {
        self.ask(|answer| Command::Discard { key: message, answer }).await
    }

    /// I have seen everything that they wrote so far.
    ///
    /// # Errors
    /// Nobody is logged in.
    pub async fn mark_read(&self, peer: UserId) -> Result<(), Failure> {
        self.ask(|answer| Command::MarkRead { peer, answer }).await
    }

    /// I write to them, or stopped. Call it as often as you like; it is told at most every 3 s.
    pub async fn typing(&self, peer: UserId, active: bool) {
        // Only a hint: without a connection there is nobody to hint to.
        drop(self.command(Command::Typing { peer, active }).await);
    }

    /// A request, and what its success changes here.
    pub(crate) async fn request(&self, request: Request, effect: Effect) -> Result<Reply, Failure> {
        self.ask(|answer| Command::Ask { request, effect, answer }).await
    }

    /// A request whose answer may be long.
    pub(crate) async fn aside(&self, request: Request) -> Result<Reply, Failure> {
        self.ask(|answer| Command::Aside { request, answer }).await
    }

    /// Whether a request has a connection to go on.
    pub(crate) fn is_online(&self) -> bool {
        matches!(self.shared.state.lock().reach, Reach::Online)
    }

    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(Answer<T>) -> Command,
    ) -> Result<T, Failure> {
        let (answer, result) = oneshot::channel();
        self.command(command(answer)).await?;
        result.await.unwrap_or_else(|_| Err(closed()))
    }

    pub(crate) async fn command(&self, command: Command) -> Result<(), Failure> {
        self.commands.send(command).await.map_err(|_| closed())
    }
}

pub(crate) fn closed() -> Failure {
    Failure::Local("the client is closed".to_owned())
}

pub(crate) fn parse_username(raw: &str) -> Result<Username, Failure> {
    Username::parse(raw).map_err(|error| Failure::Invalid(error.to_string()))
}

/// The same words for a bad text whether this program or the server found it.
fn parse_text(raw: &str) -> Result<MessageText, Failure> {
    let refused = |code, limit: Option<usize>| Failure::Refused {
        code,
        retry_after_ms: None,
        limit: limit.map(|limit| limit as u64),
    };
    MessageText::parse(raw).map_err(|error| match error {
        InvalidText::Empty => refused(Code::TextEmpty, None),
        InvalidText::TooLong { max } | InvalidText::TooManyLines { max } => {
            refused(Code::TextTooLong, Some(max))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ServerAddress;

    #[tokio::test]
    async fn whoever_waits_for_a_closed_client_to_be_online_hears_that_it_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let client = Client::open(Options {
            dir: dir.path().to_owned(),
            server: ServerAddress { host: "127.0.0.1".to_owned(), port: 1 },
            program: "test".to_owned(),
            device: "test".to_owned(),
        })
        .await
        .unwrap();
        client.resume("ann", Secret::new("token".to_owned())).await.unwrap();
        let waiting = tokio::spawn({
            let client = client.clone();
            async move { client.online(Duration::from_secs(3_600)).await }
        });
        client.clone().close().await;
        let limit = Duration::from_secs(20);
        let heard = tokio::time::timeout(limit, waiting).await.expect("it ends in time").unwrap();
        assert_eq!(heard, Err(Failure::NotLoggedIn));
        assert_eq!(client.online(limit).await, Err(Failure::NotLoggedIn));
    }
}
