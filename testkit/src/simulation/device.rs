//! A device: the real sync, outbox, back-off and doubts of the client, and a disk that survives it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use thrive_client::MessageKey;
use thrive_client::decide::{Backoff, Loss, Outbox, Placed, Row, Signs, Sync, Text};
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;
use thrive_protocol::request::Position;

use super::network::{Down, Up};
use super::world::{Event, World};
use super::{HEALED, SILENT};
use crate::ledger::Place;

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
    since: Instant,
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
        let Self { since, heard, stirred, .. } = *self;
        Some(Signs { since, heard, stirred, delay: Duration::from_millis(80) }.doubt_at(oldest))
    }

    fn ask(&mut self, now: Instant, open: Open) -> u32 {
        self.next += 1;
        self.open.insert(self.next, (now, open));
        self.next
    }
}

impl World {
    // People.

    pub(super) fn write(&mut self, device: usize) {
        let now = self.agenda.now();
        if SILENT <= now {
            return;
        }
        let wait = self.ms(100, 2_400);
        self.agenda.after(wait, Event::Write(device));
        let chosen = self.below(self.devices[device].chats.len());
        let it = &mut self.devices[device];
        let Some(program) = &mut it.program else { return };
        let conversation = it.chats[chosen];
        it.count += 1;
        let mut id = [0; 16];
        id[0] = u8::try_from(device).unwrap_or(u8::MAX);
        id[12..].copy_from_slice(&it.count.to_be_bytes());
        let (id, key) = (ClientMsgId(id), MessageKey(i64::from(it.count)));
        let after = it.disk.last.insert(conversation, vec![id]).unwrap_or_default();
        it.disk.waiting.insert(key, (conversation, id));
        program.outbox.add(row(key, conversation, id));
        self.ledger.attempt_after(conversation, id, after);
        self.written.insert(id, now);
        self.figures.messages += 1;
        self.note(|| format!("device {device} writes {} in {conversation}", number(id)));
        self.tend(device);
    }

    /// A person chooses to be seen, or not to be.
    pub(super) fn chooses(&mut self, device: usize) {
        if HEALED <= self.agenda.now() {
            return;
        }
        let wait = self.ms(500, 9_000);
        let other = self.below(self.devices.len() - 1);
        self.agenda.after(wait, Event::Choose(other));
        if let Some(connection) = self.devices[device].connection() {
            self.say_up(connection, Up::Choose);
        }
    }

    /// A program is closed in good order, for a while.
    pub(super) fn logs_off(&mut self, device: usize) {
        let Some(program) = self.devices[device].program.take() else { return };
        let leaving = program.leaving.map(|(session, _)| session);
        for session in program.session.into_iter().chain(leaving) {
            self.leave(session.connection);
        }
        let wait = self.ms(1_000, 9_000);
        self.agenda.after(wait, Event::DeviceLives(device));
    }

    /// The only device of somebody ends for good, and its node with it, which can tell nobody.
    pub(super) fn leaves_for_good(&mut self, device: usize) {
        self.note(|| format!("device {device} leaves for good"));
        let it = &mut self.devices[device];
        it.is_gone = true;
        self.gave_up.extend(it.disk.waiting.values().map(|(_, id)| *id));
        let session = it.program.take().and_then(|it| it.session);
        let node = session.map(|it| self.connections[it.connection].node);
        for connection in 0..self.connections.len() {
            let it = &self.connections[connection];
            if it.device == device && Some(it.node) != node {
                self.leave(connection);
            }
        }
        if let Some(node) = node {
            self.crash(node);
        }
    }

    pub(super) fn device_dies(&mut self, device: usize) {
        self.devices[device].program = None;
    }

    pub(super) fn device_lives(&mut self, device: usize) {
        let now = self.moment();
        let it = &mut self.devices[device];
        if it.is_gone {
            return;
        }
        it.program.get_or_insert_with(|| Program::start(&it.disk, now));
        self.tend(device);
    }

    // What is due.

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

    fn tend_links(&mut self, device: usize, now: Instant) {
        let doubts = self.rules.doubt;
        let Some(program) = &mut self.devices[device].program else { return };
        let done = program.caught_up;
        let over =
            |(old, until): &mut (Session, Instant)| *until <= now || done && old.open.is_empty();
        let left = program.leaving.take_if(over).map(|(old, _)| old.connection);
        let is_doubted = program.doubt_at().is_some_and(|at| at <= now) && doubts;
        let mut dials = None;
        if is_doubted && program.attempt.is_none() {
            dials = Some(true);
        }
        let wanted = program.session.is_none() || program.sent_away;
        if wanted && program.attempt.is_none() && program.retry_at.is_none() {
            program.retry_at = Some(now);
        }
        if program.retry_at.is_some_and(|at| at <= now) {
            program.retry_at = None;
            if program.attempt.is_none() {
                dials = dials.or(Some(false));
            }
        }
        if let Some(doubt) = dials {
            let it = &mut self.devices[device];
            it.attempts += 1;
            let id = it.attempts;
            if let Some(program) = &mut it.program {
                program.attempt = Some(Attempt { id, doubt });
            }
            self.dial(device, id);
        }
        if let Some(connection) = left {
            self.leave(connection);
        }
    }

    fn tend_contacts(&mut self, device: usize, now: Instant) {
        let Some(program) = &mut self.devices[device].program else { return };
        let Some(session) = &program.session else { return };
        let due = match program.contacts {
            Pull::Due(at) | Pull::Open(at) => at <= now,
            Pull::Done => false,
        };
        if due {
            (program.contacts, program.news) = (Pull::Open(now + BULK), BTreeSet::new());
            let connection = session.connection;
            self.say_up(connection, Up::ListContacts);
        }
    }

    /// The list of contacts as a node sees them.
    pub(super) fn contacts(&mut self, connection: usize, people: Vec<(UserId, bool)>) {
        let device = self.connections[connection].device;
        let Some(program) = &mut self.devices[device].program else { return };
        if !program.is_current(connection) || !matches!(program.contacts, Pull::Open(_)) {
            return;
        }
        program.contacts = Pull::Done;
        for (user, online) in people {
            if !program.news.contains(&user) {
                program.sees.insert(user, online);
            }
        }
        self.tend(device);
    }

    fn tend_pull(&mut self, device: usize, now: Instant) {
        let it = &mut self.devices[device];
        let has_epoch = it.disk.has_epoch;
        let Some(program) = &mut it.program else { return };
        let Some(session) = &program.session else { return };
        match program.pull {
            Pull::Open(until) if until <= now => program.pull = Pull::Due(now + PULL_PAUSE),
            Pull::Due(at) if at <= now => {
                if program.caught_up && program.sync.behind().next().is_none() {
                    program.pull = Pull::Done;
                    return;
                }
                program.pull = Pull::Open(now + BULK);
                let positions: Vec<Position> = program.sync.ask(usize::MAX);
                let positions = has_epoch.then_some(positions);
                let connection = session.connection;
                self.say_up(connection, Up::Sync { positions });
            }
            Pull::Open(_) | Pull::Due(_) | Pull::Done => {}
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

    // Connections.

    pub(super) fn no_entry(&mut self, device: usize, attempt: u64) {
        if !self.devices[device].dials(attempt) {
            return;
        }
        // The dial itself comes back soon; see there.
        let wait = self.ms(50, 500);
        self.flights += 1;
        self.agenda.after(wait, Event::Knock { device, attempt, flight: self.flights });
    }

    pub(super) fn attempt_failed(&mut self, device: usize, attempt: u64) {
        let (now, chance) = (self.moment(), self.dice.fraction());
        let Some(program) = &mut self.devices[device].program else { return };
        let Some(failed) = program.attempt.take_if(|it| it.id == attempt) else { return };
        let is_silent = program.doubt_at().is_some_and(|at| at <= now);
        if failed.doubt
            && is_silent
            && let Some(session) = &program.session
        {
            let connection = session.connection;
            self.lost(connection, Loss::Fault);
        }
        let Some(program) = &mut self.devices[device].program else { return };
        let wait = program.backoff.failed(chance);
        if program.session.is_none() || program.sent_away {
            program.retry_at = Some(now + wait);
        }
        self.tend(device);
    }

    /// The device reads that it is logged in: it uses the new connection from now on.
    pub(super) fn entered(&mut self, device: usize, attempt: u64, connection: usize) {
        let now = self.moment();
        if !self.devices[device].dials(attempt) {
            // The node will hear that nobody wants it.
            return self.leave(connection);
        }
        let share = self.dice.fraction();
        let node = self.connections[connection].node;
        self.note(|| format!("device {device} is on connection {connection} to node {node}"));
        let Some(program) = &mut self.devices[device].program else { return };
        program.attempt = None;
        let (open, next) = (BTreeMap::new(), 0);
        let session = Session { connection, open, next, since: now, heard: now, stirred: now };
        let mut left = None;
        if let Some(old) = program.session.replace(session) {
            self.figures.moves += 1;
            let older = program.leaving.replace((old, now + LEAVING));
            left = older.map(|(older, _)| older.connection);
        } else {
            self.figures.reconnects += 1;
        }
        (program.retry_at, program.sent_away) = (None, false);
        program.backoff.connected(now);
        program.next_beat = now + BEAT.mul_f64(share);
        if self.rules.repeat {
            program.outbox.interrupted();
        }
        (program.pull, program.caught_up) = (Pull::Due(now), false);
        program.contacts = Pull::Due(now);
        if let Some(older) = left {
            self.leave(older);
        }
        self.tend(device);
    }

    /// A connection has ended without the device.
    pub(super) fn lost(&mut self, connection: usize, loss: Loss) {
        let device = self.connections[connection].device;
        let (now, chance) = (self.moment(), self.dice.fraction());
        let repeat = self.rules.repeat;
        self.note(|| format!("device {device} loses connection {connection}: {loss:?}"));
        let Some(program) = &mut self.devices[device].program else { return };
        program.leaving.take_if(|(session, _)| session.connection == connection);
        if program.is_current(connection) {
            program.session = None;
            program.sent_away = false;
            if repeat {
                program.outbox.interrupted();
            }
            (program.pull, program.caught_up) = (Pull::Done, false);
            let wait = program.backoff.lost(now, loss, chance);
            if program.attempt.is_none() {
                program.retry_at = Some(now + wait);
            }
        }
        self.tend(device);
    }

    pub(super) fn stirred(&mut self, connection: usize) {
        let now = self.moment();
        let device = self.connections[connection].device;
        let program = self.devices[device].program.as_mut();
        if let Some(session) = program.and_then(|it| it.session_mut(connection)) {
            session.stirred = now;
        }
    }

    // What arrives.

    pub(super) fn hears(&mut self, connection: usize, down: Down) {
        let now = self.moment();
        let device = self.connections[connection].device;
        let gap_waits = self.rules.gap_waits;
        let share = self.dice.fraction();
        let Some(program) = &mut self.devices[device].program else { return };
        let is_current = program.is_current(connection);
        let Some(session) = program.session_mut(connection) else { return };
        (session.heard, session.stirred) = (now, now);
        let mut ready = Vec::new();
        match down {
            Down::Entry { conversation, seq, id } => {
                if !gap_waits {
                    program.sync.know(conversation, Some(Seq(seq.0.saturating_sub(1))));
                }
                program.sync.offer(conversation, seq, id, &mut ready);
            }
            Down::Stored { request, stored } => {
                let open = session.open.remove(&request);
                if let Some((_, Open::Message(key, conversation))) = open {
                    self.ledger.acked(stored);
                    program.sync.offer(conversation, stored.seq, stored.id, &mut ready);
                    if !self.rules.commit_first {
                        program.outbox.settled(key);
                        self.devices[device].disk.waiting.remove(&key);
                    }
                }
            }
            Down::NotNow { request } => {
                if let Some((_, Open::Message(key, _))) = session.open.remove(&request) {
                    program.outbox.later(key, now, PAUSE);
                }
            }
            Down::Heartbeat { request, heads } => {
                session.open.remove(&request);
                heads.iter().for_each(|it| program.sync.head(it.conversation, it.seq));
            }
            Down::Presence { user, online } if is_current => {
                program.sees.insert(user, online);
                program.news.insert(user);
            }
            Down::Heads(heads) if is_current => {
                // News of people may have been dropped with the entries.
                program.contacts = Pull::Due(now);
                heads.iter().for_each(|it| program.sync.head(it.conversation, it.seq));
            }
            Down::GoAway if is_current => {
                program.sent_away = true;
                match &mut program.attempt {
                    Some(attempt) => attempt.doubt = false,
                    None => {
                        program.retry_at = Some(now + Duration::from_millis(500).mul_f64(share));
                    }
                }
            }
            Down::Heads(_) | Down::GoAway | Down::Presence { .. } => {}
            Down::Closed(loss) => return self.lost(connection, loss),
        }
        self.settle(device, ready);
        if let Some(program) = &mut self.devices[device].program {
            program.look_for_gaps(now);
            // The node has been heard: a second connection is not needed.
            let doubted = program.doubt_at().is_some_and(|at| at <= now);
            if program.session.is_some() && !doubted {
                program.attempt.take_if(|attempt| attempt.doubt);
            }
        }
        self.tend(device);
    }

    /// Writes down what is ready, in one transaction, and shows it.
    fn settle(&mut self, device: usize, ready: Vec<Placed<ClientMsgId>>) {
        let it = &mut self.devices[device];
        let mut places = Vec::with_capacity(ready.len());
        for Placed { conversation, seq, item: id } in ready {
            it.disk.positions.insert(conversation, seq);
            it.disk.last.entry(conversation).or_default().push(id);
            let own = it.disk.waiting.iter().find(|(_, row)| row.1 == id).map(|(key, _)| *key);
            if let Some(key) = own {
                it.disk.waiting.remove(&key);
                if let Some(program) = &mut it.program {
                    program.outbox.settled(key);
                }
            }
            places.push(Place { conversation, seq, id });
        }
        self.shows(device, &places);
    }

    /// The answer to a pull; `None`: not now.
    pub(super) fn page(&mut self, connection: usize, page: Option<Box<Page>>) {
        let now = self.moment();
        let device = self.connections[connection].device;
        let it = &mut self.devices[device];
        let Some(program) = &mut it.program else { return };
        if !program.is_current(connection) || !matches!(program.pull, Pull::Open(_)) {
            return;
        }
        let Some(page) = page else {
            program.pull = Pull::Due(now + PULL_PAUSE);
            return self.tend(device);
        };
        let Page { heads, entries, more, reset } = *page;
        if reset {
            let name = it.name();
            self.broken.get_or_insert(format!("I1: {name} was shown more than there is"));
            return;
        }
        it.disk.has_epoch = true;
        let before = program.sync.positions();
        let conversations: Vec<_> = heads.into_iter().map(|(id, head)| shown(id, head)).collect();
        let mut ready = Vec::new();
        let starts = program.sync.page(&conversations, entries, id_of, &mut ready);
        for start in starts {
            let before = Seq(start.seq.0.saturating_sub(1));
            it.disk.positions.entry(start.conversation).or_insert(before);
        }
        let grew = program.sync.positions() != before;
        if !more {
            program.sync.complete();
            program.caught_up = true;
        }
        let behind = program.sync.behind().next().is_some();
        let pause = if more && grew { Duration::ZERO } else { PULL_PAUSE };
        program.pull = if more || behind { Pull::Due(now + pause) } else { Pull::Done };
        self.settle(device, ready);
        self.tend(device);
    }
}

/// The number of a message on its device.
pub(super) fn number(id: ClientMsgId) -> u32 {
    u32::from_be_bytes([id.0[12], id.0[13], id.0[14], id.0[15]])
}

fn id_of(entry: Entry) -> ClientMsgId {
    match entry.body {
        Body::Message { id, .. } => id,
        Body::Unknown {} => ClientMsgId([0; 16]),
    }
}

/// Each chat has a person of its own number on the other side, as far as an outbox cares.
fn peer(conversation: ConversationId) -> UserId {
    UserId(conversation.0)
}

fn row(key: MessageKey, conversation: ConversationId, id: ClientMsgId) -> Row {
    Row { key, peer: peer(conversation), id, text: Text("x".to_owned()) }
}

fn shown(conversation: ConversationId, head: Seq) -> Conversation {
    Conversation {
        conversation,
        peer: peer(conversation),
        peer_name: Username::parse("somebody").expect("a name"),
        head,
        read: Seq::START,
        peer_read: Seq::START,
        peer_delivered: Seq::START,
    }
}
