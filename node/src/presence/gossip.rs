//! What nodes say to each other about who is online: CBOR with short names. Unknown fields are skipped,
//! so that nodes of two versions understand each other.

use serde::{Deserialize, Serialize};
use thrive_protocol::ids::UserId;

use super::{Process, Status};

/// One message of one process.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Gossip {
    #[serde(rename = "n")]
    pub node: u32,
    #[serde(rename = "e")]
    pub epoch: u64,
    /// With changes: the number of this message. Without: the number of the last one with changes.
    #[serde(rename = "s")]
    pub seq: u64,
    #[serde(rename = "c", default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<Change>,
    /// Statuses that were chosen there, whoever is connected.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub chosen: Vec<(UserId, Status)>,
}

/// Somebody is connected there with this status, or not any more.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Change {
    #[serde(rename = "u")]
    pub user: UserId,
    #[serde(rename = "i", default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
}

impl Gossip {
    #[must_use]
    pub fn process(&self) -> Process {
        Process { node: self.node, epoch: self.epoch }
    }

    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        encode(self)
    }

    /// `None`: that is none.
    #[must_use]
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        decode(bytes)
    }
}

/// As one field of what a node asserts.
#[must_use]
pub fn encode_status(status: &Status) -> Vec<u8> {
    encode(status)
}

/// `None`: that is none.
#[must_use]
pub fn decode_status(bytes: &[u8]) -> Option<Status> {
    decode(bytes)
}

fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::new();
    ciborium::into_writer(value, &mut bytes).expect("a vector takes every byte");
    bytes
}

fn decode<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Option<T> {
    ciborium::de::from_reader_with_recursion_limit(bytes, DEPTH).ok()
}

/// Deeper than anything that is said.
const DEPTH: usize = 16;

#[cfg(test)]
mod tests {
    use thrive_protocol::people::{Availability, Presence};
    use thrive_protocol::text::StatusText;

    use super::*;

    #[test]
    fn what_is_said_is_heard_and_nonsense_is_not() {
        let text = StatusText::parse("lunch").unwrap();
        let presence = Presence::new(Availability::Away, text);
        let status = Status { changed: 7, presence };
        let gossip = Gossip {
            node: 3,
            epoch: 1 << 50,
            seq: 9,
            changes: vec![
                Change { user: UserId(5), status: Some(status.clone()) },
                Change { user: UserId(6), status: None },
            ],
            chosen: vec![(UserId(7), status.clone())],
        };
        let bytes = gossip.encode();
        assert_eq!(Gossip::decode(&bytes), Some(gossip));
        assert_eq!(decode_status(&encode_status(&status)), Some(status));
        for cut in 0..bytes.len() {
            assert_eq!(Gossip::decode(&bytes[..cut]), None);
        }
        assert_eq!(decode_status(b""), None);
    }
}
