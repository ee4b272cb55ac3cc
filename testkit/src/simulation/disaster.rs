//! What goes wrong, and that it ends.

use std::time::Duration;

use thrive_client::decide::Loss;

use super::CALM;
use super::event::Event;
use super::network::Down;
use super::world::{NODES, World};

/// What clients of a node that stops have for going elsewhere.
const DRAIN: Duration = Duration::from_secs(8);

impl World {
    /// One more thing goes wrong.
    pub(super) fn disaster(&mut self) {
        let now = self.agenda.now();
        if CALM <= now {
            return;
        }
        let (node, device) = (self.below(NODES), self.below(self.devices.len()));
        let short = CALM.min(now + self.ms(200, 3_000));
        let long = CALM.min(now + self.ms(1_000, 9_000));
        match self.below(17) {
            0 | 1 => self.crash(node),
            2 => (0..NODES).for_each(|node| {
                if self.chance(700) {
                    self.crash(node);
                }
            }),
            3 | 4 => self.drain(node),
            5 => self.freeze(node, long),
            6 => self.weather.bus_down_until = long,
            7 | 8 => self.weather.bus_bad_until = long,
            9 => self.cut(device, long),
            10 => (0..self.devices.len()).for_each(|device| self.cut(device, short)),
            11 => self.weather.links_slow_until = long,
            12 => {
                self.note(|| format!("the store is down until {short:?}, slow until {long:?}"));
                self.store.down_until = short;
                self.weather.store_slow_until = long;
                self.weather.outcomes_lost_until = long;
            }
            13 => self.board.empty(),
            14 => self.logs_off(device),
            15 => {
                if let Some(connection) = self.devices[device].connection() {
                    self.note(|| format!("connection {connection} is forgotten on the way"));
                    self.connections[connection].is_forgotten = true;
                }
            }
            _ => {
                self.agenda.after(Duration::ZERO, Event::DeviceDies(device));
                let wait = self.ms(200, 3_000);
                self.agenda.after(wait, Event::DeviceLives(device));
            }
        }
        let wait = self.ms(100, 2_500);
        self.agenda.after(wait, Event::Disaster);
    }

    /// From now on nothing goes wrong any more. What is down comes back.
    pub(super) fn calm(&mut self) {
        (0..NODES).for_each(|node| self.start(node));
        self.bus_is_back();
    }

    fn cut(&mut self, device: usize, until: Duration) {
        self.note(|| format!("device {device} is cut off until {until:?}"));
        let moment = self.moment() + (until - self.agenda.now());
        self.devices[device].link_cut_until = moment;
    }

    fn freeze(&mut self, node: usize, until: Duration) {
        let now = self.agenda.now();
        let it = &mut self.nodes[node];
        if it.is_alive && !it.is_draining && it.frozen(now).is_none() {
            it.stopped_until = until;
            it.silent_since.get_or_insert(now);
            // That it goes on is noticed by what waits for it; the router hears of it like this.
            self.agenda.at(until, Event::Start(node));
            self.note(|| format!("node {node} is frozen until {until:?}"));
        }
    }

    /// A node dies at once. What it knew is gone, and what is on disk is not.
    pub(super) fn crash(&mut self, node: usize) {
        let now = self.agenda.now();
        let it = &mut self.nodes[node];
        if !it.is_alive {
            return;
        }
        it.is_alive = false;
        it.silent_since.get_or_insert(now);
        self.note(|| format!("node {node} dies"));
        self.figures.crashes += 1;
        let wait = self.ms(300, 8_000);
        self.agenda.after(wait, Event::Start(node));
    }

    /// A node is there again: it was started, or goes on.
    pub(super) fn start(&mut self, node: usize) {
        let now = self.agenda.now();
        let it = &mut self.nodes[node];
        if it.is_alive {
            if it.stopped_until <= now {
                it.silent_since = None;
            }
            return;
        }
        self.note(|| format!("node {node} starts"));
        self.start_comparing(node);
    }

    /// A node is told to stop.
    pub(super) fn drain(&mut self, node: usize) {
        let others = self.nodes.iter().filter(|it| it.is_alive && !it.is_draining).count();
        let it = &mut self.nodes[node];
        if !it.is_alive || it.is_draining || others < 2 {
            return;
        }
        it.is_draining = true;
        let (life, connections) = (it.life, it.connections.clone());
        self.figures.drains += 1;
        self.note(|| format!("node {node} drains"));
        for connection in connections {
            let wait = self.ms(0, 1_500);
            self.agenda.after(wait, Event::SendAway(connection));
        }
        self.agenda.after(DRAIN, Event::Stop(node, life));
    }

    pub(super) fn send_away(&mut self, connection: usize) {
        if self.is_over(connection) {
            return;
        }
        let frame = self.frame(Down::GoAway);
        self.connections[connection].outbox.push(frame);
        self.write_one(connection);
    }

    /// The time that clients had is over.
    pub(super) fn stop(&mut self, node: usize, life: u64) {
        if !self.nodes[node].lives(life) {
            return;
        }
        for connection in self.nodes[node].connections.clone() {
            self.said.push(Down::Closed(Loss::Prompt));
            let number = self.said.len() - 1;
            self.say_down(connection, number);
        }
        let now = self.agenda.now();
        let it = &mut self.nodes[node];
        it.is_alive = false;
        it.silent_since = Some(now);
        let wait = self.ms(300, 2_000);
        self.agenda.after(wait, Event::Start(node));
    }
}
