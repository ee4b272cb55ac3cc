//! One device of one person: a real client, somebody who writes with it, and somebody who writes down
//! what it shows.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use parking_lot::Mutex;
use thrive_client::{
    Arrival, Availability, Change, Changes, Client, Connection, Message, MessageState, Options,
    ServerAddress, UserId,
};
use thrive_protocol::ids::{ConversationId, Seq, Time};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::{Person, text};
use crate::ledger::journal::{Journal, Tag, What};

/// Messages that somebody still has to type. More is counted as not written.
const TO_WRITE: usize = 32;

/// A handle; the client ends when it is dropped.
pub struct Device {
    pub index: u32,
    pub person: u32,
    pub front: SocketAddr,
    shared: Arc<Shared>,
    to_write: mpsc::Sender<Order>,
    tasks: [JoinHandle<()>; 2],
}

/// What a person is told to write.
#[derive(Clone, Copy, Debug)]
pub struct Order {
    pub friend: u32,
    pub bytes: usize,
}

/// Who is who, for one person.
pub(super) struct Circle {
    /// The friends, by their number in the crowd.
    pub(super) users: HashMap<u32, UserId>,
    pub(super) chats: HashMap<UserId, (u32, ConversationId)>,
}

struct Shared {
    index: u32,
    journal: Journal,
    circle: Circle,
    client: Mutex<Option<Client>>,
    /// What was written, and seen, last in each chat.
    last: Mutex<HashMap<UserId, Last>>,
}

#[derive(Clone, Copy, Default)]
struct Last {
    written: Option<Tag>,
    seen: Option<Tag>,
}

/// What the recorder has noted, so that it notes only what is new.
#[derive(Default)]
struct Noted {
    is_up: bool,
    sees: HashMap<UserId, bool>,
    held: HashMap<UserId, u64>,
    /// How far was read again; news up to there that come later are not new.
    read_again: HashMap<UserId, u64>,
}

impl Device {
    /// Opens the client in a folder of its own and comes in by token; being connected is not awaited.
    ///
    /// # Errors
    /// The folder or the token is no good.
    pub(super) async fn open(
        index: u32,
        (number, person): (u32, &Person),
        circle: Circle,
        journal: &Journal,
        front: SocketAddr,
        dir: PathBuf,
    ) -> Result<Self> {
        let options = Options {
            dir,
            server: ServerAddress { host: front.ip().to_string(), port: front.port() },
            program: "thrive-testkit".into(),
            device: format!("device {index}"),
        };
        let client = Client::open(options).await?;
        // Somebody sits before it, as with people who write.
        client.attend(true);
        let changes = client.changes();
        let shared = Arc::new(Shared {
            index,
            journal: journal.clone(),
            circle,
            client: Mutex::new(Some(client.clone())),
            last: Mutex::default(),
        });
        let (to_write, orders) = mpsc::channel(TO_WRITE);
        let tasks = [
            tokio::spawn(record(Arc::clone(&shared), changes)),
            tokio::spawn(type_all(Arc::clone(&shared), orders)),
        ];
        client.resume(&person.username, person.token.clone()).await?;
        Ok(Self { index, person: number, front, shared, to_write, tasks })
    }

    /// Tells the person to write; `false`: they are too busy, or gone.
    pub fn write(&self, order: Order) -> bool {
        self.to_write.try_send(order).is_ok()
    }

    /// The client, while the person is there.
    #[must_use]
    pub fn client(&self) -> Option<Client> {
        self.shared.client.lock().clone()
    }

    /// Goes away for good, without a word.
    pub fn leave(&self) {
        // First, so that nothing that follows from it is noted as somebody's experience.
        self.shared.journal.write(self.index, What::Left);
        self.tasks.iter().for_each(JoinHandle::abort);
        drop(self.shared.client.lock().take());
    }

    /// Ends what is around the client and gives it up, to be closed.
    pub(super) fn end(&self) -> Option<Client> {
        self.tasks.iter().for_each(JoinHandle::abort);
        self.shared.client.lock().take()
    }
}

impl Drop for Device {
    fn drop(&mut self) {
        self.tasks.iter().for_each(JoinHandle::abort);
    }
}

/// Types what the person is told to, one message after the other.
async fn type_all(shared: Arc<Shared>, mut orders: mpsc::Receiver<Order>) {
    let mut count = 0;
    while let Some(Order { friend, bytes }) = orders.recv().await {
        let Some(client) = shared.client.lock().clone() else { return };
        let Some(&user) = shared.circle.users.get(&friend) else { continue };
        let Some(&(_, conversation)) = shared.circle.chats.get(&user) else { continue };
        count += 1;
        let tag = Tag { device: shared.index, count };
        let before = {
            let mut last = shared.last.lock();
            let last = last.entry(user).or_default();
            let before = *last;
            last.written = Some(tag);
            before
        };
        let after = before.written.into_iter().chain(before.seen).collect();
        shared.journal.write(shared.index, What::Attempt { conversation, tag, after });
        if let Err(failure) = client.send(user, &text::write(tag, bytes)).await {
            let code = failure.to_string();
            shared.journal.write(shared.index, What::Refused { tag, code });
        }
    }
}

/// Writes down what the client shows, until it is closed.
async fn record(shared: Arc<Shared>, mut changes: Changes) {
    let mut noted = Noted::default();
    while let Some(change) = changes.next().await {
        match change {
            Change::Connection(Connection::Online) => {
                if !noted.is_up {
                    noted.is_up = true;
                    shared.write(What::Up);
                }
                shared.look_at_people(&mut noted);
            }
            Change::Connection(Connection::Connecting { last_error, .. }) => {
                let why = last_error.map(|it| it.to_string()).unwrap_or_default();
                shared.down(&mut noted, why);
            }
            Change::LoggedOut(code) => {
                shared.down(&mut noted, format!("the session is over: {code:?}"));
            }
            Change::Contact { now, .. } => {
                shared.see(&mut noted, now.user, now.presence.availability);
            }
            Change::ContactGone(user) => shared.see(&mut noted, user, Availability::Offline),
            Change::Message { before, now, arrival } => {
                shared.message(&mut noted, before, &now, arrival == Arrival::Live);
            }
            Change::Reload => {
                shared.look_at_people(&mut noted);
                shared.read_again(&mut noted).await;
            }
            Change::Connection(Connection::Idle)
            | Change::LoggedIn(_)
            | Change::OwnPresence(_)
            | Change::File(_)
            | Change::Admin(_)
            | Change::Alert { .. }
            | Change::Banned { .. } => {}
        }
    }
}

impl Shared {
    fn write(&self, what: What) {
        self.journal.write(self.index, what);
    }

    fn down(&self, noted: &mut Noted, why: String) {
        if std::mem::take(&mut noted.is_up) {
            self.write(What::Down { why });
        }
    }

    fn look_at_people(&self, noted: &mut Noted) {
        let Some(client) = self.client.lock().clone() else { return };
        for contact in client.contacts() {
            self.see(noted, contact.user, contact.presence.availability);
        }
    }

    fn see(&self, noted: &mut Noted, user: UserId, availability: Availability) {
        let Some(&(person, _)) = self.circle.chats.get(&user) else { return };
        let online = availability != Availability::Offline;
        if noted.sees.insert(user, online) != Some(online) {
            self.write(What::Sees { person, online });
        }
    }

    /// A message is new, or has come further.
    fn message(&self, noted: &mut Noted, before: Option<MessageState>, now: &Message, live: bool) {
        let Some(tag) = text::read(&now.text) else { return };
        if let MessageState::Refused(code) = now.state {
            return self.write(What::Refused { tag, code: code.word().to_owned() });
        }
        let new = matches!(before, None | Some(MessageState::Waiting | MessageState::Refused(_)));
        let again = noted.read_again.get(&now.peer).copied().unwrap_or_default();
        if new && let Some(seq) = now.seq.filter(|seq| again < *seq) {
            let held = noted.held.entry(now.peer).or_default();
            *held = (*held).max(seq);
            self.shown(tag, seq, now, live);
        }
    }

    fn shown(&self, tag: Tag, seq: u64, message: &Message, live: bool) {
        let Some(&(_, conversation)) = self.circle.chats.get(&message.peer) else { return };
        if !message.mine {
            self.last.lock().entry(message.peer).or_default().seen = Some(tag);
        }
        if tag.device == self.index {
            let time = Time(message.time_ms);
            self.write(What::Stored { tag, seq: Seq(seq), time });
        }
        self.write(What::Shown { conversation, seq: Seq(seq), tag, live });
    }

    /// News were dropped because this was too slow: what a screen would read again, too.
    async fn read_again(&self, noted: &mut Noted) {
        let Some(client) = self.client.lock().clone() else { return };
        for user in self.circle.chats.keys() {
            let after = noted.held.get(user).copied().unwrap_or_default();
            let Ok(later) = client.later(*user, after, usize::MAX >> 1).await else { continue };
            for message in &later {
                self.message(noted, None, message, false);
            }
            if let Some(last) = later.iter().filter_map(|it| it.seq).max() {
                noted.read_again.insert(*user, last);
            }
        }
    }
}
