//! Writes the logs of the chats that a person wants logged. The cache holds every message in order and notes how
//! far the log has got, so that nothing is left out, whichever program of this account fetched it.

use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use jiff::tz::TimeZone;
use parking_lot::Mutex;
use thrive_client::{Change, Client, Connection, Failure, Message, UserId, Username};
use tokio::sync::Notify;
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use super::words::{Deed, News};
use crate::chat_log::{self, Entry};
use crate::clock;

/// The keeper of the logs of one client. It ends when this is dropped.
pub struct Logs {
    client: Client,
    shared: Arc<Shared>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Shared {
    todo: Mutex<Todo>,
    changed: Notify,
}

/// What is to be looked at; each chat once, however much happens in it.
#[derive(Default)]
struct Todo {
    chats: BTreeSet<Username>,
    /// Whose chats these are. Somebody else may log in before it is known which ones of theirs are logged.
    of: Option<Username>,
    moved: BTreeSet<UserId>,
    all: bool,
}

/// What was to be looked at, at one time.
struct Round {
    chats: BTreeSet<Username>,
    of: Option<Username>,
    moved: BTreeSet<UserId>,
    all: bool,
}

struct Keeper {
    client: Client,
    documents: PathBuf,
    zone: TimeZone,
    news: Sender<News>,
    /// It was said that the log cannot be written.
    told: bool,
}

impl Logs {
    #[must_use]
    pub fn start(client: Client, documents: PathBuf, zone: TimeZone, news: Sender<News>) -> Self {
        let shared = Arc::new(Shared::default());
        let keeper = Keeper { client: client.clone(), documents, zone, news, told: false };
        let task = tokio::spawn(keeper.run(Arc::clone(&shared)));
        Self { client, shared, task }
    }

    /// From now on these chats of the account that is logged in are logged, and no others.
    pub fn keep(&self, chats: BTreeSet<Username>) {
        let of = self.client.account().map(|account| account.username);
        self.shared.look(|todo| {
            (todo.chats, todo.of) = (chats, of);
            todo.all = true;
        });
    }

    /// Something changed; perhaps there is more to write.
    pub fn hear(&self, change: &Change) {
        self.shared.hear(change);
    }

    /// The same, for whoever listens elsewhere.
    pub fn ear(&self) -> impl Fn(&Change) + Send + 'static {
        let shared = Arc::clone(&self.shared);
        move |change| shared.hear(change)
    }
}

impl Drop for Logs {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Shared {
    fn look(&self, note: impl FnOnce(&mut Todo)) {
        note(&mut self.todo.lock());
        self.changed.notify_one();
    }

    fn hear(&self, change: &Change) {
        match change {
            Change::Message { now: Message { peer, seq: Some(_), .. }, .. } => {
                self.look(|todo| {
                    todo.moved.insert(*peer);
                });
            }
            Change::Reload | Change::Connection(Connection::Online) => {
                self.look(|todo| todo.all = true);
            }
            _ => {}
        }
    }

    /// Waits for something to do.
    async fn next(&self) -> Round {
        self.changed.notified().await;
        let mut todo = self.todo.lock();
        let (moved, all) = (std::mem::take(&mut todo.moved), std::mem::take(&mut todo.all));
        Round { chats: todo.chats.clone(), of: todo.of.clone(), moved, all }
    }
}

impl Keeper {
    async fn run(mut self, shared: Arc<Shared>) {
        loop {
            let Round { chats, of, moved, all } = shared.next().await;
            for contact in chats {
                let Some(peer) = self.client.find(&contact).map(|it| it.user) else { continue };
                if !all && !moved.contains(&peer) {
                    continue;
                }
                let written = self.write(peer, &contact, of.as_ref()).await;
                match written {
                    Ok(()) => self.told = false,
                    // Somebody has just logged out.
                    Err(Failure::NotLoggedIn) => {}
                    Err(failure) => self.complain(failure).await,
                }
            }
        }
    }

    /// Writes what the cache holds and the log does not, as long as the same person is logged in.
    async fn write(
        &self,
        peer: UserId,
        contact: &Username,
        of: Option<&Username>,
    ) -> Result<(), Failure> {
        loop {
            let at = self.client.bookmark(BOOKMARK, peer).await?;
            let messages = self.client.later(peer, at, PAGE).await?;
            if messages.is_empty() || !self.serves(of) {
                return Ok(());
            }
            let entries: Vec<_> = messages.iter().map(|it| self.entry(it)).collect();
            let (documents, with) = (self.documents.clone(), contact.clone());
            let write = move || chat_log::append(&documents, &with, at, &entries);
            let written = tokio::task::spawn_blocking(write).await;
            let written = written.unwrap_or_else(|error| Err(io::Error::other(error)));
            let written = written.map_err(|error| Failure::Local(error.to_string()))?;
            let last = written.checked_sub(1).and_then(|last| messages.get(last)?.seq);
            let Some(last) = last.filter(|_| self.serves(of)) else { return Ok(()) };
            self.client.set_bookmark(BOOKMARK, peer, last).await?;
            // What stays after this only says what is noted already.
            drop(chat_log::noted(&self.documents, contact));
        }
    }

    /// Whether what was just read is of this person.
    fn serves(&self, of: Option<&Username>) -> bool {
        let account = self.client.account();
        of.is_none_or(|of| account.is_some_and(|account| account.username == *of))
    }

    fn entry(&self, message: &Message) -> Entry {
        let (date, time) = clock::of_log(message.time_ms, &self.zone);
        let sender = message.sender.as_str().to_owned();
        // Of an offer, the text is the name of the file.
        let text = match message.file {
            Some(_) => format!("(file) {}", message.text),
            None => message.text.clone(),
        };
        Entry { date, time, sender, text }
    }

    /// Once, until it works again.
    async fn complain(&mut self, failure: Failure) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        let news = News::Done { deed: Deed::Log, result: Err(failure) };
        // Fails only when the windows are gone.
        drop(self.news.send(news).await);
    }
}

/// Whose place in each chat it is.
pub(super) const BOOKMARK: &str = "thrive-messenger log";
/// Written at once.
const PAGE: usize = 200;
