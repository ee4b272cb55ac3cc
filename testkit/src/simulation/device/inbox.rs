//! What arrives at a device, pushed or asked for; what of it is written down and shown.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use thrive_client::decide::Placed;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;
use thrive_protocol::request::Position;

use super::{BULK, Open, PAUSE, PULL_PAUSE, Page, Pull, peer};
use crate::ledger::Place;
use crate::simulation::network::{Down, Up};
use crate::simulation::world::World;

impl World {
    pub(super) fn tend_contacts(&mut self, device: usize, now: Instant) {
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
    pub(in crate::simulation) fn contacts(
        &mut self,
        connection: usize,
        people: Vec<(UserId, bool)>,
    ) {
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

    pub(super) fn tend_pull(&mut self, device: usize, now: Instant) {
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

    pub(in crate::simulation) fn hears(&mut self, connection: usize, down: Down) {
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
    pub(super) fn settle(&mut self, device: usize, ready: Vec<Placed<ClientMsgId>>) {
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
    pub(in crate::simulation) fn page(&mut self, connection: usize, page: Option<Box<Page>>) {
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
            self.broken.get_or_insert_with(|| format!("I1: {name} was shown more than there is"));
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

fn id_of(entry: Entry) -> ClientMsgId {
    match entry.body {
        Body::Message { id, .. } => id,
        Body::FileOffer(_) | Body::FileState { .. } | Body::Unknown {} => ClientMsgId([0; 16]),
    }
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
