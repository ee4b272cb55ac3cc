//! A device: the real sync, outbox, back-off and doubts of the client, and a disk that survives it.

mod inbox;
mod links;
mod person;

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use thrive_client::MessageKey;
use thrive_client::decide::{Backoff, Outbox, Row, Signs, Sync, Text};
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, UserId};

use super::event::Event;
use super::network::Up;
use super::world::World;

/// What a node gives of what a device lacks.
pub(super) struct Page {
    pub(super) heads: Vec<(ConversationId, Seq)>,
    pub(super) entries: Vec<Entry>,
    pub(super) more: bool,
    pub(super) reset: bool,
}

pub(super) struct Device {
    number: usize,
    pub(super) user: UserId,
    chats: Vec<ConversationId>,
    pub(super) latency: Duration,
    pub(super) link_cut_until: Instant,
    /// What a program that ends at once leaves behind.
    disk: Disk,
    /// `None`: the program does not run.
    program: Option<Program>,
    /// Messages that were written here.
    count: u32,
    attempts: u64,
    is_gone: bool,
}

#[derive(Default)]
struct Disk {
    positions: BTreeMap<ConversationId, Seq>,
    waiting: BTreeMap<MessageKey, (ConversationId, ClientMsgId)>,
    /// What its person wrote or saw last in each chat.
    last: BTreeMap<ConversationId, Vec<ClientMsgId>>,
    has_epoch: bool,
}

struct Program {
    sync: Sync<ClientMsgId>,
    outbox: Outbox,
    backoff: Backoff,
    session: Option<Session>,
    leaving: Option<(Session, Instant)>,
    attempt: Option<Attempt>,
    retry_at: Option<Instant>,
    sent_away: bool,
    next_beat: Instant,
    pull: Pull,
    caught_up: bool,
    /// Who is there, as far as it was told.
    sees: BTreeMap<UserId, bool>,
    contacts: Pull,
    /// Who was heard of since the list was asked for: that is newer.
    news: BTreeSet<UserId>,
    wakes_at: Option<Instant>,
}

struct Session {
    connection: usize,
    open: BTreeMap<u32, (Instant, Open)>,
    next: u32,
    doubted: Option<Instant>,
    heard: Instant,
    stirred: Instant,
}

#[derive(Clone, Copy)]
enum Open {
    Message(MessageKey, ConversationId),
    Heartbeat,
}

struct Attempt {
    id: u64,
    doubt: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Pull {
    Done,
    Due(Instant),
    Open(Instant),
}

/// As the engine has them.
const LEAVING: Duration = Duration::from_secs(5);
const BEAT: Duration = Duration::from_secs(5);
const GRACE: Duration = Duration::from_millis(150);
const GRACE_SENDING: Duration = Duration::from_millis(750);
const PAUSE: Duration = Duration::from_secs(1);
const PULL_PAUSE: Duration = Duration::from_secs(2);
const BULK: Duration = Duration::from_secs(30);

impl Device {
    pub(super) fn new(
        number: usize,
        user: UserId,
        chats: Vec<ConversationId>,
        latency: Duration,
        now: Instant,
    ) -> Self {
        let disk = Disk::default();
        let program = Some(Program::start(&disk, now));
        let (count, attempts, is_gone) = (0, 0, false);
        Self {
            number,
            user,
            chats,
            latency,
            link_cut_until: now,
            disk,
            program,
            count,
            attempts,
            is_gone,
        }
    }

    /// Whether it still waits for this connection.
    pub(super) fn dials(&self, attempt: u64) -> bool {
        let program = self.program.as_ref();
        program.and_then(|it| it.attempt.as_ref()).is_some_and(|it| it.id == attempt)
    }

    /// Whether it still has this connection.
    pub(super) fn uses(&self, connection: usize) -> bool {
        self.program.as_ref().is_some_and(|it| it.session_of(connection).is_some())
    }

    pub(super) fn name(&self) -> String {
        format!("device {} of user {}", self.number, self.user)
    }

    /// The connection that it uses.
    pub(super) fn connection(&self) -> Option<usize> {
        self.program.as_ref()?.session.as_ref().map(|session| session.connection)
    }

    pub(super) fn runs(&self) -> bool {
        self.program.is_some()
    }

    /// Whether it shows somebody as online.
    pub(super) fn sees(&self, user: UserId) -> bool {
        self.program.as_ref().and_then(|it| it.sees.get(&user)).is_some_and(|online| *online)
    }

    /// What it still waits for.
    pub(super) fn unrest(&self) -> Option<String> {
        let Some(program) = &self.program else { return Some("it does not run".to_owned()) };
        if program.session.is_none() {
            return Some("it is not connected".to_owned());
        }
        if !program.outbox.is_empty() {
            return Some(format!("{} messages wait", program.outbox.len()));
        }
        let behind = program.sync.behind().count();
        (behind != 0).then(|| format!("{behind} conversations lack something"))
    }
}

impl Program {
    fn start(disk: &Disk, now: Instant) -> Self {
        let mut program = Self {
            sync: Sync::default(),
            outbox: Outbox::default(),
            backoff: Backoff::default(),
            session: None,
            leaving: None,
            attempt: None,
            retry_at: Some(now),
            sent_away: false,
            next_beat: now,
            pull: Pull::Done,
            caught_up: false,
            sees: BTreeMap::new(),
            contacts: Pull::Done,
            news: BTreeSet::new(),
            wakes_at: None,
        };
        for (&conversation, &position) in &disk.positions {
            program.sync.know(conversation, Some(position));
        }
        for (&key, &(conversation, id)) in &disk.waiting {
            program.outbox.add(row(key, conversation, id));
        }
        program
    }

    fn session_of(&self, connection: usize) -> Option<&Session> {
        let leaving = self.leaving.as_ref().map(|(session, _)| session);
        [self.session.as_ref(), leaving]
            .into_iter()
            .flatten()
            .find(|it| it.connection == connection)
    }

    fn session_mut(&mut self, connection: usize) -> Option<&mut Session> {
        let leaving = self.leaving.as_mut().map(|(session, _)| session);
        [self.session.as_mut(), leaving]
            .into_iter()
            .flatten()
            .find(|it| it.connection == connection)
    }

    fn is_current(&self, connection: usize) -> bool {
        self.session.as_ref().is_some_and(|it| it.connection == connection)
    }

    fn doubt_at(&self) -> Option<Instant> {
        self.session.as_ref().and_then(Session::doubt_at)
    }

    /// Plans a pull if something is missing.
    fn look_for_gaps(&mut self, now: Instant) {
        if self.session.is_none() || self.pull != Pull::Done {
            return;
        }
        let behind: Vec<_> = self.sync.behind().collect();
        if behind.is_empty() {
            return;
        }
        let sends = behind.iter().any(|chat| self.outbox.in_flight_to(peer(*chat)));
        self.pull = Pull::Due(now + if sends { GRACE_SENDING } else { GRACE });
    }

    fn next_wake(&self, now: Instant) -> Option<Instant> {
        let doubt = self.doubt_at().filter(|_| self.attempt.is_none());
        let leaving = self.leaving.as_ref().map(|(_, until)| *until);
        let pull = match self.pull {
            Pull::Due(at) | Pull::Open(at) => Some(at),
            Pull::Done => None,
        };
        let contacts = match self.contacts {
            Pull::Due(at) | Pull::Open(at) => Some(at),
            Pull::Done => None,
        };
        let online = [pull, contacts, Some(self.next_beat), self.outbox.next_due(now)];
        let online = online.into_iter().flatten().filter(|_| self.session.is_some()).min();
        [doubt, leaving, self.retry_at, online].into_iter().flatten().min()
    }
}

impl Session {
    fn doubt_at(&self) -> Option<Instant> {
        let oldest = self.open.values().map(|(since, _)| *since).min()?;
        let Self { doubted, heard, stirred, .. } = *self;
        Some(Signs { doubted, heard, stirred, delay: Duration::from_millis(80) }.doubt_at(oldest))
    }

    fn ask(&mut self, now: Instant, open: Open) -> u32 {
        self.next += 1;
        self.open.insert(self.next, (now, open));
        self.next
    }
}

impl World {
    pub(super) fn woken(&mut self, device: usize, at: Instant) {
        let program = self.devices[device].program.as_ref();
        if program.is_some_and(|it| it.wakes_at == Some(at)) {
            self.tend(device);
        }
    }

    pub(super) fn tend(&mut self, device: usize) {
        let now = self.moment();
        self.tend_links(device, now);
        self.tend_pull(device, now);
        self.tend_contacts(device, now);
        self.beat(device, now);
        self.pump(device, now);
        let Some(program) = &mut self.devices[device].program else { return };
        program.wakes_at = program.next_wake(now);
        if let Some(at) = program.wakes_at {
            // What is overdue was looked at just now, and waits for something else.
            let at = at.max(now + Duration::from_millis(1));
            program.wakes_at = Some(at);
            self.at(at, Event::Tend(device, at));
        }
    }

    fn beat(&mut self, device: usize, now: Instant) {
        let Some(program) = &mut self.devices[device].program else { return };
        if now < program.next_beat {
            return;
        }
        let Some(session) = &mut program.session else { return };
        program.next_beat = now + BEAT;
        let request = session.ask(now, Open::Heartbeat);
        let connection = session.connection;
        self.say_up(connection, Up::Heartbeat { request });
    }

    /// Sends what may be sent now.
    fn pump(&mut self, device: usize, now: Instant) {
        let Some(program) = &mut self.devices[device].program else { return };
        let Some(session) = &mut program.session else { return };
        let connection = session.connection;
        let mut says = Vec::new();
        for row in program.outbox.take_due(now, |_| true) {
            let conversation = ConversationId(row.peer.0);
            let request = session.ask(now, Open::Message(row.key, conversation));
            says.push(Up::Send { request, conversation, id: row.id });
        }
        for up in says {
            if let Up::Send { id, .. } = up {
                let id = number(id);
                self.note(|| format!("device {device} sends {id} on connection {connection}"));
            }
            self.say_up(connection, up);
        }
    }
}

/// The number of a message on its device.
pub(super) fn number(id: ClientMsgId) -> u32 {
    u32::from_be_bytes([id.0[12], id.0[13], id.0[14], id.0[15]])
}

/// Each chat has a person of its own number on the other side, as far as an outbox cares.
fn peer(conversation: ConversationId) -> UserId {
    UserId(conversation.0)
}

fn row(key: MessageKey, conversation: ConversationId, id: ClientMsgId) -> Row {
    Row { key, peer: peer(conversation), id, text: Text("x".to_owned()), offer: None }
}
