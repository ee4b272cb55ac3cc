//! What can happen.

use std::collections::BTreeMap;
use std::time::Instant;

use thrive_node::hub::Delivery;
use thrive_node::presence::Gossip;
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ConversationId, Seq, UserId};
use thrive_protocol::reply::Stored;

use super::device::Page;
use super::network::{Connection, Up};
use super::node::Submission;

/// Something that happens.
pub(super) enum Event {
    /// A person writes on a device.
    Write(usize),
    /// A device has something to do, if it still expects to be woken for it then.
    Tend(usize, Instant),
    /// The program of a device ends at once, or is started again.
    DeviceDies(usize),
    DeviceLives(usize),

    /// The first datagram of a connection reaches the router.
    Knock {
        device: usize,
        attempt: u64,
        flight: u64,
    },
    /// What a node says to somebody who is not connected.
    NoEntry {
        device: usize,
        attempt: u64,
    },
    /// A device has waited for long enough.
    AttemptOver {
        device: usize,
        attempt: u64,
    },
    /// A node looks the token up.
    Enter {
        device: usize,
        attempt: u64,
        node: usize,
        life: u64,
    },
    /// The device reads that it is logged in.
    Entered {
        device: usize,
        attempt: u64,
        connection: usize,
    },
    /// The node has read how far the conversations go.
    Begun {
        connection: usize,
        heads: Vec<Head>,
    },
    ToNode {
        connection: usize,
        up: Up,
    },
    ToDevice {
        connection: usize,
        down: usize,
    },
    /// A datagram, whatever was in it.
    Stirred {
        connection: usize,
    },
    /// A device repeats what a node does not acknowledge.
    Probe {
        connection: usize,
        again: u32,
    },
    Reset {
        connection: usize,
    },
    /// A device has left.
    Gone {
        connection: usize,
    },
    Page {
        connection: usize,
        page: Option<Box<Page>>,
    },

    /// A transaction reaches its end.
    Commit {
        node: usize,
        life: u64,
        batch: Vec<Submission>,
        heads: BTreeMap<ConversationId, Seq>,
    },
    /// The node hears of it; `None`: that it does not know.
    Told {
        node: usize,
        life: u64,
        batch: Vec<Submission>,
        stored: Option<Vec<(Stored, bool)>>,
    },
    Publish {
        node: usize,
        life: u64,
        deliveries: Vec<Delivery>,
    },
    FromBus {
        node: usize,
        life: u64,
        delivery: Delivery,
    },
    Fill {
        node: usize,
        life: u64,
    },
    Filled {
        node: usize,
        life: u64,
        deliveries: Vec<Delivery>,
        wanted: Vec<(ConversationId, Seq)>,
    },
    Compare {
        node: usize,
        life: u64,
        again: bool,
    },
    Compared {
        node: usize,
        life: u64,
        heads: Vec<Head>,
    },

    /// The router asks who is there.
    Ping,

    /// A person chooses to be seen, or not to be; and leaves for good, as their node does.
    Choose(usize),
    Leaves(usize),
    Contacts {
        connection: usize,
        people: Vec<(UserId, bool)>,
    },
    Renew {
        node: usize,
        life: u64,
    },
    Poll {
        node: usize,
        life: u64,
    },
    Spread {
        node: usize,
        life: u64,
    },
    Reread {
        node: usize,
        life: u64,
    },
    Hear {
        node: usize,
        life: u64,
        gossip: Gossip,
    },

    Disaster,
    Start(usize),
    SendAway(usize),
    Stop(usize, u64),
    Calm,
}

impl Event {
    /// The node that has to do something.
    pub(super) fn node(&self, connections: &[Connection]) -> Option<usize> {
        match self {
            Self::Enter { node, .. }
            | Self::Renew { node, .. }
            | Self::Poll { node, .. }
            | Self::Spread { node, .. }
            | Self::Reread { node, .. }
            | Self::Hear { node, .. }
            | Self::Told { node, .. }
            | Self::Publish { node, .. }
            | Self::FromBus { node, .. }
            | Self::Fill { node, .. }
            | Self::Filled { node, .. }
            | Self::Compare { node, .. }
            | Self::Compared { node, .. }
            | Self::Stop(node, _) => Some(*node),
            Self::Begun { connection, .. }
            | Self::ToNode { connection, .. }
            | Self::Gone { connection }
            | Self::SendAway(connection) => Some(connections[*connection].node),
            // What a transaction does is up to the store.
            Self::Commit { .. }
            | Self::Write(_)
            | Self::Tend(..)
            | Self::DeviceDies(_)
            | Self::DeviceLives(_)
            | Self::Knock { .. }
            | Self::NoEntry { .. }
            | Self::AttemptOver { .. }
            | Self::Entered { .. }
            | Self::ToDevice { .. }
            | Self::Stirred { .. }
            | Self::Probe { .. }
            | Self::Reset { .. }
            | Self::Page { .. }
            | Self::Ping
            | Self::Choose(_)
            | Self::Leaves(_)
            | Self::Contacts { .. }
            | Self::Disaster
            | Self::Start(_)
            | Self::Calm => None,
        }
    }
}
