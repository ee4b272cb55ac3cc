//! Identities and positions as newtypes, so that one cannot stand where another belongs.

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(formatter)
            }
        }
    };
}

number_id!(
    /// One account, for ever: it outlives a change of name.
    UserId
);
number_id!(
    /// One ordered log of messages and its members.
    ConversationId
);
number_id!(
    /// One device's login; it can be listed and revoked.
    SessionId
);
number_id!(
    /// One file that somebody was offered.
    FileId
);
number_id!(
    /// The identity of the store's history. Another epoch means that positions have no meaning any
    /// more (a backup was restored) and everything must be read again.
    Epoch
);
number_id!(
    /// Milliseconds since 1970-01-01 UTC by the node's clock. For people to read; never for order.
    Time
);

/// A place in the log of one conversation. The first entry has 1; there are no gaps.
#[derive(
    Clone, Copy, Debug, Default, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize,
)]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// Before the first entry.
    pub const START: Self = Self(0);

    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// 128 bits that the sending client makes once for each message (a UUIDv7) and repeats until it has a
/// definite answer: the node stores at most one message for it.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ClientMsgId(pub [u8; 16]);

impl Serialize for ClientMsgId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for ClientMsgId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Sixteen;

        impl Visitor<'_> for Sixteen {
            type Value = ClientMsgId;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a byte string of 16 bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<ClientMsgId, E> {
                bytes.try_into().map(ClientMsgId).map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }

        deserializer.deserialize_bytes(Sixteen)
    }
}
