//! The ways in which a promise can be broken, and the number of the promise.

use std::fmt;
use std::time::Duration;

use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq};
use thrive_protocol::reply::Stored;

use super::Place;

/// One promise. The names stand in every report.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Invariant {
    /// Nothing acknowledged is lost.
    I1,
    /// Everybody who may read a message is shown it, after the fault at the latest.
    I2,
    /// Exactly once.
    I3,
    /// In one order, the same for everybody.
    I4,
    /// The places of a conversation have no gaps.
    I5,
    /// Repeating a message stores nothing new, and is answered as the first time.
    I6,
    /// Nothing is shown that nobody sent, or that was refused.
    I7,
    /// No message stands before one that its author had written or seen.
    I8,
    /// What is stored is shown soon.
    I9,
    /// Who is there is shown as there, and who is not, is not, after a short while.
    I10,
    /// A block holds from the moment at which it is confirmed.
    I11,
    /// A session that was ended is over everywhere within moments.
    I12,
    /// No two nodes act under one server id.
    I13,
    /// No datagram of a living connection goes to a node that does not know it.
    I14,
    /// Memory is bounded, whatever others do.
    I15,
    /// After a fault everything works again in time, and nobody has to lend a hand.
    I16,
    /// No clock that people can set decides about order, leases or repeats.
    I22,
    /// The form of one node with a file keeps the same contract.
    I23,
}

impl fmt::Display for Invariant {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{self:?}")
    }
}

/// One way in which the contract was broken.
#[derive(Clone, Debug, PartialEq)]
pub enum Broken {
    /// Acknowledged, and not in the store at that place.
    Lost(Stored),
    /// In the store, and this reader never showed it.
    NotShown { reader: String, place: Place },
    /// A reader showed it twice; or the store holds it twice.
    Twice { reader: Option<String>, place: Place },
    /// A reader showed it after a later one, or at another place than the store has it.
    OutOfOrder { reader: String, place: Place },
    /// The store has no entry at this place, but has later ones.
    Gap { conversation: ConversationId, seq: Seq },
    /// One message was acknowledged in two ways.
    TwoAnswers(Stored, Stored),
    /// Nobody tried to send it, or it was refused for good.
    FromNowhere(Place),
    /// It stands before a message that its author had written or seen earlier.
    TooEarly { place: Place, after: ClientMsgId },
    /// Somebody was shown as absent while they were there, or the reverse, for too long.
    WrongPresence { watcher: u32, person: u32, shown_online: bool, lasted: Duration },
    /// A figure, or an event, outside of what was promised.
    Missed { invariant: Invariant, what: String },
}

impl Broken {
    /// Which promise it was.
    #[must_use]
    pub fn invariant(&self) -> Invariant {
        match self {
            Self::Lost(_) => Invariant::I1,
            Self::NotShown { .. } => Invariant::I2,
            Self::Twice { .. } => Invariant::I3,
            Self::OutOfOrder { .. } => Invariant::I4,
            Self::Gap { .. } => Invariant::I5,
            Self::TwoAnswers(..) => Invariant::I6,
            Self::FromNowhere(_) => Invariant::I7,
            Self::TooEarly { .. } => Invariant::I8,
            Self::WrongPresence { .. } => Invariant::I10,
            Self::Missed { invariant, .. } => *invariant,
        }
    }
}

impl fmt::Display for Broken {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {self:?}", self.invariant())
    }
}

impl std::error::Error for Broken {}
