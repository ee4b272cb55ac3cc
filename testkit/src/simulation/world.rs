//! Everything there is, and what happens when. The parts of it are in the files beside this one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use thrive_protocol::ids::{ClientMsgId, ConversationId, UserId};

use super::agenda::Agenda;
use super::bus::Weather;
use super::device::Device;
use super::event::Event;
use super::network::{Connection, Down};
use super::node::Node;
use super::presence::Board;
use super::router::Router;
use super::store::Store;
use super::{CALM, END, Figures, HEALED, PROMPT, Rules};
use crate::chaos::Dice;
use crate::ledger::{Ledger, Place};

pub(super) const NODES: usize = 3;
/// Whose device each one is.
const OWNERS: [i64; 8] = [0, 0, 1, 1, 2, 2, 3, 4];
/// Who talks with whom.
const PAIRS: [(i64, i64); 6] = [(0, 1), (0, 2), (1, 2), (0, 3), (2, 4), (3, 4)];

pub(super) struct World {
    pub(super) rules: Rules,
    pub(super) dice: Dice,
    pub(super) agenda: Agenda<Event>,
    /// The moment that the time is counted from, for those who need moments.
    base: Instant,
    pub(super) store: Store,
    pub(super) nodes: Vec<Node>,
    pub(super) devices: Vec<Device>,
    pub(super) connections: Vec<Connection>,
    pub(super) router: Router,
    pub(super) board: Board,
    /// Sockets that devices have opened.
    pub(super) flights: u64,
    pub(super) weather: Weather,
    /// What nodes say to devices, by number.
    pub(super) said: Vec<Down>,
    pub(super) ledger: Ledger,
    pub(super) figures: Figures,
    /// When a message was written.
    pub(super) written: BTreeMap<ClientMsgId, Duration>,
    /// Messages of devices that are gone for good.
    pub(super) gave_up: BTreeSet<ClientMsgId>,
    /// One that took too long although all was well.
    pub(super) late: Option<String>,
    /// Something that no ledger needs to be asked about.
    pub(super) broken: Option<String>,
    /// What happened, in words, if somebody wants to read it.
    pub(super) trail: Option<Vec<String>>,
}

impl World {
    pub(super) fn new(seed: u64, rules: Rules) -> Self {
        let mut world = Self {
            rules,
            dice: Dice::new(seed),
            agenda: Agenda::default(),
            base: Instant::now(),
            store: Store::default(),
            nodes: (0..NODES).map(|_| Node::default()).collect(),
            devices: Vec::new(),
            connections: Vec::new(),
            router: Router::default(),
            board: Board::default(),
            flights: 0,
            weather: Weather::default(),
            said: Vec::new(),
            ledger: Ledger::default(),
            figures: Figures::default(),
            written: BTreeMap::new(),
            gave_up: BTreeSet::new(),
            late: None,
            broken: None,
            trail: None,
        };
        for (number, owner) in OWNERS.into_iter().enumerate() {
            let chats = conversations_of(UserId(owner));
            // What somebody would have been shown who leaves for good does not count.
            for &chat in chats.iter().filter(|_| number + 1 < OWNERS.len()) {
                world.ledger.member(&reader(number), chat);
            }
            let latency = Duration::from_millis(2 + world.below(40) as u64);
            let now = world.moment();
            world.devices.push(Device::new(number, UserId(owner), chats, latency, now));
            world.tend(number);
            let first = world.below(3_000) as u64;
            world.agenda.after(Duration::from_millis(first), Event::Write(number));
        }
        for node in 0..NODES {
            world.start_comparing(node);
        }
        world.ping();
        let leaves = CALM.mul_f64(0.5) + world.ms(0, 16_000);
        world.agenda.at(leaves, Event::Leaves(OWNERS.len() - 1));
        world.agenda.after(Duration::from_secs(4), Event::Choose(0));
        world.agenda.after(Duration::from_secs(3), Event::Disaster);
        world.agenda.at(CALM, Event::Calm);
        world
    }

    /// # Errors
    /// What was promised and not kept.
    pub(super) fn run(&mut self) -> Result<Figures, String> {
        while let Some(event) = self.agenda.next(END) {
            self.figures.events += 1;
            self.happens(event);
        }
        self.figures.runs = 1;
        self.judge()?;
        Ok(self.figures)
    }

    /// Notes something for whoever looks for the cause of a failure.
    pub(super) fn note(&mut self, what: impl FnOnce() -> String) {
        if let Some(trail) = &mut self.trail {
            trail.push(format!("{:>9.3} {}", self.agenda.now().as_secs_f64(), what()));
        }
    }

    pub(super) fn moment(&self) -> Instant {
        self.base + self.agenda.now()
    }

    pub(super) fn at(&mut self, moment: Instant, event: Event) {
        self.agenda.at(moment.saturating_duration_since(self.base), event);
    }

    /// A number below `end`; 0 when there is none.
    pub(super) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.dice.roll() % end.max(1) as u64).unwrap_or_default()
    }

    pub(super) fn ms(&mut self, from: u64, to: u64) -> Duration {
        Duration::from_millis(from + self.below((to - from) as usize) as u64)
    }

    /// True so many times in a thousand.
    pub(super) fn chance(&mut self, of_thousand: usize) -> bool {
        self.below(1_000) < of_thousand
    }

    fn happens(&mut self, event: Event) {
        if let Some(node) = event.node(&self.connections)
            && let Some(until) = self.nodes[node].frozen(self.agenda.now())
        {
            // A process that is stopped finds it all there when it goes on.
            return self.agenda.at(until, event);
        }
        match event {
            Event::Write(device) => self.write(device),
            Event::Tend(device, at) => self.woken(device, at),
            Event::DeviceDies(device) => self.device_dies(device),
            Event::DeviceLives(device) => self.device_lives(device),
            Event::Knock { device, attempt, flight } => self.knock(device, attempt, flight),
            Event::Ping => self.ping(),
            Event::Choose(device) => self.chooses(device),
            Event::Leaves(device) => self.leaves_for_good(device),
            Event::Contacts { connection, people } => self.contacts(connection, people),
            Event::Renew { node, life } => self.renew(node, life),
            Event::Poll { node, life } => self.poll(node, life),
            Event::Spread { node, life } => self.spread(node, life),
            Event::Reread { node, life } => self.reread(node, life),
            Event::Hear { node, life, gossip } => self.hear(node, life, gossip),
            Event::NoEntry { device, attempt } => self.no_entry(device, attempt),
            Event::AttemptOver { device, attempt } => self.attempt_failed(device, attempt),
            Event::Enter { device, attempt, node, life } => self.enter(device, attempt, node, life),
            Event::Entered { device, attempt, connection } => {
                self.entered(device, attempt, connection);
            }
            Event::Begun { connection, heads } => self.begun(connection, heads),
            Event::ToNode { connection, up } => self.reaches_node(connection, up),
            Event::ToDevice { connection, down } => self.reaches_device(connection, down),
            Event::Stirred { connection } => self.stirred(connection),
            Event::Probe { connection, again } => self.probe(connection, again),
            Event::Reset { connection } => {
                self.lost(connection, thrive_client::decide::Loss::Prompt)
            }
            Event::Gone { connection } => self.gone(connection),
            Event::Page { connection, page } => self.page(connection, page),
            Event::Commit { node, life, batch, heads } => self.commit(node, life, batch, &heads),
            Event::Told { node, life, batch, stored } => self.told(node, life, batch, stored),
            Event::Publish { node, life, deliveries } => self.publish(node, life, &deliveries),
            Event::FromBus { node, life, delivery } => self.comes_by_bus(node, life, delivery),
            Event::Fill { node, life } => self.fill(node, life),
            Event::Filled { node, life, deliveries, wanted } => {
                self.filled(node, life, &deliveries, &wanted);
            }
            Event::Compare { node, life, again } => self.compare(node, life, again),
            Event::Compared { node, life, heads } => self.compared(node, life, heads),
            Event::Disaster => self.disaster(),
            Event::Start(node) => self.start(node),
            Event::SendAway(connection) => self.send_away(connection),
            Event::Stop(node, life) => self.stop(node, life),
            Event::Calm => self.calm(),
        }
    }

    /// A device shows messages.
    pub(super) fn shows(&mut self, device: usize, places: &[Place]) {
        for place in places {
            self.figures.shown += 1;
            if device + 1 < OWNERS.len() {
                self.ledger.shown_at(&reader(device), *place);
            }
            let (now, written) = (self.agenda.now(), self.written.get(&place.id).copied());
            if let Some(written) = written
                && HEALED <= written
                && PROMPT < now - written
            {
                let took = now - written;
                let late = format!("device {device} was shown {place:?} only after {took:?}");
                self.late.get_or_insert(late);
            }
        }
    }

    fn judge(&mut self) -> Result<(), String> {
        if let Some(broken) = self.broken.take() {
            return Err(broken);
        }
        for (conversation, seq, id) in self.store.all() {
            self.ledger.stored_at(Place { conversation, seq, id });
        }
        self.ledger.check().map_err(|broken| broken.to_string())?;
        let stored = self.store.ids();
        let is_lost = |id: &&ClientMsgId| !stored.contains(id) && !self.gave_up.contains(id);
        if let Some(id) = self.written.keys().find(is_lost) {
            return Err(format!("I16: message {id:?} was never stored"));
        }
        self.judge_presence()?;
        for (number, device) in self.devices.iter().enumerate().filter(|(_, it)| it.runs()) {
            if let Some(why) = device.unrest() {
                return Err(format!("I16: device {number} did not come to rest: {why}"));
            }
        }
        match self.late.take() {
            Some(late) => Err(format!("I9: {late}")),
            None => Ok(()),
        }
    }
}

pub(super) fn reader(device: usize) -> String {
    format!("device {device}")
}

pub(super) fn conversations_of(user: UserId) -> Vec<ConversationId> {
    let mine = |(_, (a, b)): &(i64, &(i64, i64))| *a == user.0 || *b == user.0;
    (1..).zip(&PAIRS).filter(mine).map(|(number, _)| ConversationId(number)).collect()
}

/// Everybody whom somebody talks with.
pub(super) fn contacts_of(user: UserId) -> Vec<UserId> {
    let others = PAIRS.iter().filter_map(|&(a, b)| match user.0 {
        it if it == a => Some(UserId(b)),
        it if it == b => Some(UserId(a)),
        _ => None,
    });
    others.collect()
}
