//! A node: the real hub and the real outboxes; an appender that stores, replies and publishes.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use thrive_node::domain::catch_up;
use thrive_node::hub::{Buckets, Delivery, Hub};
use thrive_node::presence::Online;
use thrive_node::rate::Rate;
use thrive_node::session::order::Wait;
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, SessionId, Time};
use thrive_protocol::reply::Stored;
use thrive_protocol::request::Position;

use super::device::{Page, number};
use super::event::Event;
use super::network::{Down, Up};
use super::store::Append;
use super::world::{World, contacts_of, conversations_of};

#[derive(Default)]
pub(super) struct Node {
    /// Counts its starts: what was under way for a former life concerns nobody.
    pub(super) life: u64,
    pub(super) is_alive: bool,
    pub(super) is_draining: bool,
    /// Since when it does not answer the router.
    pub(super) silent_since: Option<Duration>,
    pub(super) stopped_until: Duration,
    pub(super) hub: Hub,
    pub(super) online: Online,
    /// When the leases that it reads may be all there are again.
    pub(super) sweeps_from: Duration,
    /// Connections of this life.
    pub(super) connections: Vec<usize>,
    /// What waits for a transaction.
    line: VecDeque<Submission>,
    is_storing: bool,
    /// Gaps that wait to be read.
    pub(super) wanted: BTreeMap<ConversationId, Seq>,
    pub(super) is_filling: bool,
    /// It knows that it does not hear the others.
    pub(super) is_degraded: bool,
}

/// A message on its way to the disk, and whom to tell.
#[derive(Clone, Copy)]
pub(super) struct Submission {
    append: Append,
    connection: usize,
    request: u32,
}

/// Entries on one page of what a device lacks: few, so that there are many pages.
const PAGE: usize = 16;
/// Messages of one transaction.
const BATCH: usize = 12;
/// What a client is asked to wait whose message failed.
const PAUSE: Duration = Duration::from_secs(1);

impl Node {
    pub(super) fn new_life(&mut self) {
        *self = Self { life: self.life + 1, is_alive: true, ..Self::default() };
    }

    pub(super) fn lives(&self, life: u64) -> bool {
        self.is_alive && self.life == life
    }

    /// Until when it does nothing, if it is stopped.
    pub(super) fn frozen(&self, now: Duration) -> Option<Duration> {
        (self.is_alive && now < self.stopped_until).then_some(self.stopped_until)
    }
}

impl World {
    /// From here on news for the account is queued: first follow, then read.
    pub(super) fn accept(&mut self, connection: usize) {
        let it = &self.connections[connection];
        let user = self.devices[it.device].user;
        let session = SessionId(i64::try_from(connection).unwrap_or(i64::MAX));
        let node = &mut self.nodes[it.node];
        node.connections.push(connection);
        let plenty = Rate::new(1_000, 1_000.0);
        node.hub.connect(user, session, it.outbox.clone(), Buckets::full(plenty, plenty), 4);
        let chats = conversations_of(user);
        node.hub.follow(user, chats.iter().copied());
        let heads = self.store.heads(&chats);
        self.arrived(connection);
        let wait = self.ms(1, 12);
        self.agenda.after(wait, Event::Begun { connection, heads });
    }

    pub(super) fn begun(&mut self, connection: usize, heads: Vec<Head>) {
        if self.is_over(connection) {
            return;
        }
        let node = self.connections[connection].node;
        let gaps = self.nodes[node].hub.raise(heads);
        self.want(node, &gaps);
        let user = self.devices[self.connections[connection].device].user;
        let it = &mut self.connections[connection];
        it.heard = self.nodes[node].hub.heads(user, u64::MAX).1;
        it.has_begun = true;
        for up in std::mem::take(&mut it.unread) {
            self.reaches_node(connection, up);
        }
        self.write_one(connection);
    }

    pub(super) fn reaches_node(&mut self, connection: usize, up: Up) {
        if self.is_over(connection) {
            return;
        }
        if !self.connections[connection].has_begun {
            return self.connections[connection].unread.push(up);
        }
        self.acknowledge(connection);
        match up {
            Up::Heartbeat { request } => self.on_heartbeat(connection, request),
            Up::Sync { positions } => self.on_sync(connection, positions),
            Up::ListContacts => self.on_list(connection),
            Up::Choose => self.choose(connection),
            Up::Send { request, conversation, id } => {
                self.on_send(connection, request, conversation, id);
            }
        }
        self.write_one(connection);
    }

    fn answer(&mut self, connection: usize, down: Down) {
        let frame = self.frame(down);
        self.connections[connection].outbox.answer(frame);
    }

    fn on_heartbeat(&mut self, connection: usize, request: u32) {
        let it = &self.connections[connection];
        let user = self.devices[it.device].user;
        let (heads, heard) = self.nodes[it.node].hub.heads(user, it.heard);
        self.connections[connection].heard = heard;
        self.answer(connection, Down::Heartbeat { request, heads });
    }

    fn on_list(&mut self, connection: usize) {
        let it = &self.connections[connection];
        let (node, user) = (it.node, self.devices[it.device].user);
        let people = contacts_of(user).into_iter().map(|it| (it, self.sees(node, it))).collect();
        self.answer_aside(connection, Event::Contacts { connection, people });
    }

    fn on_sync(&mut self, connection: usize, positions: Option<Vec<Position>>) {
        if !self.store.is_up(self.agenda.now()) {
            return self.answer_aside(connection, Event::Page { connection, page: None });
        }
        let user = self.devices[self.connections[connection].device].user;
        let chats = conversations_of(user);
        let heads: Vec<_> = chats.iter().map(|&chat| (chat, self.store.head(chat))).collect();
        let known = positions.unwrap_or_default();
        let reset = catch_up::is_ahead(&heads, &known);
        let mut missing = catch_up::missing(&heads, &known).into();
        let slice = catch_up::slice(&mut missing, PAGE);
        let range = |it: &catch_up::Range| self.store.range(it.conversation, it.after, it.to);
        let entries = slice.iter().flat_map(range).collect();
        let more = !missing.is_empty();
        let page = Some(Box::new(Page { heads, entries, more, reset }));
        self.answer_aside(connection, Event::Page { connection, page });
    }

    // Storing.

    fn on_send(
        &mut self,
        connection: usize,
        request: u32,
        conversation: ConversationId,
        id: ClientMsgId,
    ) {
        let now = self.moment();
        let holds_back = self.rules.failure_holds_back;
        let it = &mut self.connections[connection];
        it.order.hold(&it.outbox.failed(), now, PAUSE);
        let mut passed = it.order.pass(conversation, id, now);
        let sender = self.devices[it.device].user;
        if let Err(Wait::Ask(ids)) = passed {
            let stored = |id: &ClientMsgId| self.store.is_stored(conversation, sender, *id);
            let stored: Vec<_> = ids.into_iter().filter(stored).collect();
            it.order.are_stored(conversation, &stored, now);
            passed = it.order.pass(conversation, id, now);
        }
        if passed.is_err() && holds_back {
            self.note(|| format!("connection {connection} is refused {}", number(id)));
            return self.answer(connection, Down::NotNow { request });
        }
        let node = it.node;
        let append = Append { conversation, sender, id };
        self.nodes[node].line.push_back(Submission { append, connection, request });
        self.store_next(node);
    }

    fn store_next(&mut self, node: usize) {
        let it = &mut self.nodes[node];
        if it.is_storing || it.line.is_empty() {
            return;
        }
        it.is_storing = true;
        let count = it.line.len().min(BATCH);
        let batch: Vec<_> = it.line.drain(..count).collect();
        let life = it.life;
        let conversations = batch.iter().map(|it| it.append.conversation);
        let heads = conversations.map(|chat| (chat, self.store.head(chat))).collect();
        let slow = self.weather.slow_store(self.agenda.now());
        let wait = if slow && self.chance(200) { self.ms(50, 2_500) } else { self.ms(1, 10) };
        if !self.rules.commit_first {
            let foretold = Some(self.foretell(&batch));
            let batch = batch.clone();
            self.agenda.after(Duration::ZERO, Event::Told { node, life, batch, stored: foretold });
        }
        self.agenda.after(wait, Event::Commit { node, life, batch, heads });
    }

    /// What the store will most likely answer: for a node that does not wait for it.
    fn foretell(&self, batch: &[Submission]) -> Vec<(Stored, bool)> {
        let mut heads = BTreeMap::new();
        let answer = |it: &Submission| {
            let chat = it.append.conversation;
            let head: &mut Seq = heads.entry(chat).or_insert_with(|| self.store.head(chat));
            *head = head.next();
            (Stored { id: it.append.id, seq: *head, time: Time(0) }, false)
        };
        batch.iter().map(answer).collect()
    }

    pub(super) fn commit(
        &mut self,
        node: usize,
        life: u64,
        batch: Vec<Submission>,
        heads: &BTreeMap<ConversationId, Seq>,
    ) {
        let now = self.agenda.now();
        let goes_on = self.nodes[node].lives(life);
        // A node that dies takes its transaction with it, or has committed just before.
        let commits = self.store.is_up(now) && (goes_on || self.chance(500));
        let appends: Vec<_> = batch.iter().map(|it| it.append).collect();
        let ids: Vec<_> = batch.iter().map(|it| (it.connection, number(it.append.id))).collect();
        self.note(|| format!("node {node} stores {ids:?}: {commits}"));
        let stored = commits.then(|| self.store.append(&appends, heads, now, self.rules));
        let told = stored.filter(|_| !self.weather.loses_outcome(now) || !self.chance(30));
        if self.rules.commit_first {
            let wait = self.ms(0, 3);
            self.agenda.after(wait, Event::Told { node, life, batch, stored: told });
        }
    }

    /// Store, then reply, then publish.
    pub(super) fn told(
        &mut self,
        node: usize,
        life: u64,
        batch: Vec<Submission>,
        stored: Option<Vec<(Stored, bool)>>,
    ) {
        if !self.nodes[node].lives(life) {
            return;
        }
        self.nodes[node].is_storing = false;
        match stored {
            None => self.fail(node, batch),
            Some(stored) => {
                let mut deliveries = Vec::new();
                for (submission, (stored, duplicate)) in batch.into_iter().zip(stored) {
                    let Submission { append, connection, request } = submission;
                    self.answer(connection, Down::Stored { request, stored });
                    if duplicate {
                        self.figures.duplicates += 1;
                        continue;
                    }
                    let (conversation, seq, id) = (append.conversation, stored.seq, stored.id);
                    let frame = self.frame(Down::Entry { conversation, seq, id });
                    let origin = Some(self.connections[connection].outbox.clone());
                    deliveries.push(Delivery { conversation, seq, frame, origin });
                }
                let wait = self.ms(0, 2);
                self.agenda.after(wait, Event::Publish { node, life, deliveries });
            }
        }
        self.write_out(node);
        self.store_next(node);
    }

    /// Nothing of a batch is known to be stored: it is refused for now, and so is what waits behind it.
    fn fail(&mut self, node: usize, batch: Vec<Submission>) {
        let ids: Vec<_> = batch.iter().map(|it| (it.connection, number(it.append.id))).collect();
        self.note(|| format!("node {node} does not know what became of {ids:?}"));
        let failed: Vec<_> = batch.iter().map(|it| it.append.conversation).collect();
        let line = std::mem::take(&mut self.nodes[node].line);
        let holds_back = self.rules.failure_holds_back;
        let is_behind = |it: &Submission| holds_back && failed.contains(&it.append.conversation);
        let (behind, rest): (Vec<_>, Vec<_>) = line.into_iter().partition(is_behind);
        self.nodes[node].line = rest.into();
        for Submission { append, connection, request } in batch.into_iter().chain(behind) {
            self.connections[connection].outbox.fail(append.conversation, append.id);
            self.answer(connection, Down::NotNow { request });
        }
    }

    // Ends.

    /// The node hears that a device has left.
    pub(super) fn gone(&mut self, connection: usize) {
        if self.is_over(connection) {
            return;
        }
        let now = self.moment();
        let it = &mut self.connections[connection];
        it.is_known = false;
        let user = self.devices[it.device].user;
        let node = &mut self.nodes[it.node];
        node.connections.retain(|other| *other != connection);
        node.hub.disconnect(user, &it.outbox, now);
        node.online.left(user, now);
    }
}
