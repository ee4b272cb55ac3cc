//! Links, handshakes and resets: what QUIC and the router do for devices and nodes.

use std::time::{Duration, Instant};

use bytes::Bytes;
use thrive_client::decide::Loss;
use thrive_node::session::order::Order;
use thrive_node::session::outbox::{Outbox, Taken};
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, UserId};
use thrive_protocol::reply::Stored;
use thrive_protocol::request::Position;

use super::event::Event;
use super::router::Reaches;
use super::world::World;

/// What a device says.
#[derive(Clone)]
pub(super) enum Up {
    Send {
        request: u32,
        conversation: ConversationId,
        id: ClientMsgId,
    },
    Heartbeat {
        request: u32,
    },
    Sync {
        positions: Option<Vec<Position>>,
    },
    ListContacts,
    /// To be seen by others, or not to be.
    Choose,
}

/// What a node says.
#[derive(Clone)]
pub(super) enum Down {
    Entry {
        conversation: ConversationId,
        seq: Seq,
        id: ClientMsgId,
    },
    Stored {
        request: u32,
        stored: Stored,
    },
    NotNow {
        request: u32,
    },
    Heartbeat {
        request: u32,
        heads: Vec<Head>,
    },
    Heads(Vec<Head>),
    Presence {
        user: UserId,
        online: bool,
    },
    GoAway,
    /// The last word on a connection.
    Closed(Loss),
}

/// One connection, as both sides and the network know it.
pub(super) struct Connection {
    pub(super) device: usize,
    pub(super) node: usize,
    /// Which of its lives the node was in.
    pub(super) life: u64,
    pub(super) outbox: Outbox,
    /// The node has read how far its conversations go.
    pub(super) has_begun: bool,
    /// What came before that.
    pub(super) unread: Vec<Up>,
    /// The hub's count at the last heartbeat.
    pub(super) heard: u64,
    /// What was refused for now, and holds back what is behind it.
    pub(super) order: Order,
    /// The node has not heard of its end.
    pub(super) is_known: bool,
    /// Somebody between both has forgotten it: nothing arrives any more, and nobody is told.
    pub(super) is_forgotten: bool,
    /// Something that the device said went to another node.
    is_torn: bool,
    /// When the last thing arrives that is under way: nothing overtakes on a stream.
    up_until: Instant,
    down_until: Instant,
    /// Frames under way to the device.
    under_way: usize,
}

/// Frames that a path holds. A device that is out of reach takes no more.
const WINDOW: usize = 6;
/// Bytes that a node keeps for one device, which makes some eight frames.
const OUTBOX: usize = 8 * 72;
/// How often QUIC repeats what is not acknowledged, within a minute.
const PROBES: u32 = 7;
impl World {
    /// How long something takes to or from a device, and whether its link is cut until then.
    fn latency(&mut self, device: usize) -> Duration {
        let wild = self.weather.slow_link(self.agenda.now());
        let extra = if wild && self.chance(300) { self.ms(0, 400) } else { self.ms(0, 4) };
        let now = self.moment();
        let blocked = self.devices[device].link_cut_until.saturating_duration_since(now);
        blocked + self.devices[device].latency + extra
    }

    /// Something for a node, on the one stream of a connection.
    pub(super) fn say_up(&mut self, connection: usize, up: Up) {
        let arrives = self.moment() + self.latency(self.connections[connection].device);
        let it = &mut self.connections[connection];
        it.up_until = arrives.max(it.up_until);
        let (at, node) = (it.up_until, it.node);
        let now = self.moment();
        let reaches = self.router.reaches(node, connection, now);
        let it = &mut self.connections[connection];
        // A stream has no holes: behind what went astray, nothing is read.
        it.is_torn |= matches!(reaches, Reaches::Other(_));
        if !it.is_torn && !it.is_forgotten {
            self.at(at, Event::ToNode { connection, up });
        }
        if !self.serves(node) || self.is_over(connection) {
            self.agenda.after(Duration::from_millis(1), Event::Probe { connection, again: 0 });
        }
    }

    /// Whether the node knows nothing of this connection.
    pub(super) fn is_over(&self, connection: usize) -> bool {
        let it = &self.connections[connection];
        !it.is_known || !self.nodes[it.node].lives(it.life)
    }

    /// A frame for the outbox of a connection.
    pub(super) fn frame(&mut self, down: Down) -> Bytes {
        self.said.push(down);
        let number = u64::try_from(self.said.len() - 1).unwrap_or(u64::MAX);
        Bytes::copy_from_slice(&number.to_be_bytes())
    }

    /// Moves what waits in the outboxes of a node onto the links, as far as they take it.
    pub(super) fn write_out(&mut self, node: usize) {
        for connection in self.nodes[node].connections.clone() {
            self.write_one(connection);
        }
    }

    pub(super) fn write_one(&mut self, connection: usize) {
        if self.is_over(connection) || !self.connections[connection].has_begun {
            return;
        }
        let mut frames = Vec::new();
        while self.connections[connection].under_way < WINDOW {
            let outbox = self.connections[connection].outbox.clone();
            match outbox.take_now(&mut frames, 1) {
                Some(Taken::Frames) => {
                    for frame in frames.drain(..) {
                        let number = frame.as_ref().try_into().map(u64::from_be_bytes);
                        let down = number.ok().and_then(|it| usize::try_from(it).ok());
                        self.say_down(connection, down.expect("a frame is a number"));
                    }
                }
                Some(Taken::Behind) => {
                    self.figures.overflows += 1;
                    let it = &self.connections[connection];
                    let user = self.devices[it.device].user;
                    let heads = self.nodes[it.node].hub.heads(user, 0).0;
                    self.said.push(Down::Heads(heads));
                    self.say_down(connection, self.said.len() - 1);
                }
                Some(Taken::End(_)) | None => return,
            }
        }
    }

    pub(super) fn say_down(&mut self, connection: usize, down: usize) {
        let arrives = self.moment() + self.latency(self.connections[connection].device);
        let it = &mut self.connections[connection];
        it.down_until = arrives.max(it.down_until);
        it.under_way += 1;
        if it.is_forgotten {
            return;
        }
        let at = it.down_until;
        self.at(at, Event::ToDevice { connection, down });
    }

    pub(super) fn reaches_device(&mut self, connection: usize, down: usize) {
        self.connections[connection].under_way -= 1;
        let down = self.said[down].clone();
        self.hears(connection, down);
        self.write_one(connection);
    }

    /// The answer to a request on a stream of its own.
    pub(super) fn answer_aside(&mut self, connection: usize, answer: Event) {
        let wait = self.latency(self.connections[connection].device);
        self.agenda.after(wait, answer);
    }

    /// The other side acknowledges what arrived.
    pub(super) fn acknowledge(&mut self, connection: usize) {
        let wait = self.latency(self.connections[connection].device);
        self.agenda.after(wait, Event::Stirred { connection });
    }

    // Handshakes.

    /// A device sends the first datagrams of a connection, and repeats them while nobody answers; after a
    /// while from another socket.
    pub(super) fn dial(&mut self, device: usize, attempt: u64) {
        for waits in [[0, 1_000], [2_000, 3_000], [4_000, 5_000]] {
            self.flights += 1;
            for wait in waits {
                let wait = Duration::from_millis(wait) + self.latency(device);
                self.agenda.after(wait, Event::Knock { device, attempt, flight: self.flights });
            }
        }
        self.agenda.after(Duration::from_secs(10), Event::AttemptOver { device, attempt });
    }

    pub(super) fn knock(&mut self, device: usize, attempt: u64, flight: u64) {
        if !self.devices[device].dials(attempt) {
            return;
        }
        let now = self.moment();
        let Some(node) = self.router.place(flight, now) else { return };
        let it = &self.nodes[node];
        if !it.is_alive {
            // Nobody is there, and the router does not know yet.
            return;
        }
        let life = it.life;
        if it.is_draining {
            let wait = self.latency(device);
            return self.agenda.after(wait, Event::NoEntry { device, attempt });
        }
        // A second flight: hello and token.
        let wait = self.latency(device) + self.latency(device) + self.ms(1, 8);
        self.agenda.after(wait, Event::Enter { device, attempt, node, life });
    }

    pub(super) fn enter(&mut self, device: usize, attempt: u64, node: usize, life: u64) {
        if !self.nodes[node].lives(life) {
            return;
        }
        let wait = self.latency(device);
        if !self.store.is_up(self.agenda.now()) {
            return self.agenda.after(wait, Event::NoEntry { device, attempt });
        }
        let now = self.moment();
        let connection = self.connections.len();
        self.connections.push(Connection {
            device,
            node,
            life,
            outbox: Outbox::bounded(OUTBOX),
            has_begun: false,
            unread: Vec::new(),
            heard: 0,
            order: Order::default(),
            is_known: true,
            is_forgotten: false,
            is_torn: false,
            up_until: now,
            down_until: now,
            under_way: 0,
        });
        self.accept(connection);
        self.agenda.after(wait, Event::Entered { device, attempt, connection });
    }

    // The end of a connection.

    /// The device repeats what was not acknowledged; who answers?
    pub(super) fn probe(&mut self, connection: usize, again: u32) {
        let it = &self.connections[connection];
        let (device, node) = (it.device, it.node);
        if !self.devices[device].uses(connection) || self.connections[connection].is_forgotten {
            return;
        }
        let now = self.moment();
        let answers = match self.router.reaches(node, connection, now) {
            // One that was started anew says that it knows nothing of this.
            Reaches::Own => self.serves(node) && self.is_over(connection),
            Reaches::Other(other) => self.serves(other),
            Reaches::Nobody => false,
        };
        if answers {
            let wait = self.latency(device);
            self.agenda.after(wait, Event::Reset { connection });
        } else if again < PROBES && (!self.serves(node) || self.is_over(connection)) {
            let wait = Duration::from_millis(300) * (1 << again);
            self.agenda.after(wait, Event::Probe { connection, again: again + 1 });
        }
    }

    /// Whether a node does anything.
    fn serves(&self, node: usize) -> bool {
        let it = &self.nodes[node];
        it.is_alive && it.frozen(self.agenda.now()).is_none()
    }

    /// A device leaves in good order.
    pub(super) fn leave(&mut self, connection: usize) {
        let wait = self.latency(self.connections[connection].device);
        self.agenda.after(wait, Event::Gone { connection });
    }
}
