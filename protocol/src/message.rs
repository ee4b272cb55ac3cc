//! The value in a frame: a numbered request going up, a reply or an event coming down.

use std::fmt;

use bytes::Bytes;
use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::admin::AdminCommand;
use crate::code::Refusal;
use crate::codec::{self, DecodeError};
use crate::event::Event;
use crate::reply::Reply;
use crate::request::Request;

/// Client → node.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ClientFrame {
    /// Chosen by the client, repeated in the reply. 0 on bulk streams, which carry one request.
    pub id: u32,
    pub rq: Request,
}

/// Node → client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum NodeFrame {
    /// The answer to the request with this number.
    Reply {
        re: u32,
        result: Result<Reply, Refusal>,
    },
    Event(Event),
}

/// Why the body of a frame is of no use as a request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum BadRequest {
    /// Well-formed, but only a newer node knows it. Answer it.
    Unknown { id: u32 },
    /// A known request with content that breaks its shape. Answer it.
    Malformed { id: u32, error: DecodeError },
    /// Not even the number can be read: the peer does not speak this protocol.
    Hopeless(DecodeError),
}

impl ClientFrame {
    #[must_use]
    pub fn encode(&self) -> Bytes {
        codec::encode_framed(self)
    }

    /// # Errors
    /// Says whether the request can still be answered.
    pub fn decode(body: &[u8]) -> Result<Self, BadRequest> {
        codec::decode(body).map_err(|error| match codec::decode::<Probe>(body) {
            Ok(Probe { id: Some(id), kind: Some(kind), .. }) if is_unknown(&kind, body) => {
                BadRequest::Unknown { id }
            }
            Ok(Probe { id: Some(id), .. }) => BadRequest::Malformed { id, error },
            _ => BadRequest::Hopeless(error),
        })
    }
}

impl NodeFrame {
    #[must_use]
    pub fn encode(&self) -> Bytes {
        codec::encode_framed(&match self {
            Self::Reply { re, result: Ok(reply) } => Down::reply(*re, Some(reply), None),
            Self::Reply { re, result: Err(refusal) } => Down::reply(*re, None, Some(refusal)),
            Self::Event(event) => Down { re: None, ok: None, no: None, ev: Some(event) },
        })
    }

    /// `None`: an event that only a newer client knows, which is to be ignored.
    ///
    /// # Errors
    /// The bytes are neither a reply nor an event.
    pub fn decode(body: &[u8]) -> Result<Option<Self>, DecodeError> {
        match codec::decode::<Down<Reply, Refusal, Event>>(body) {
            Ok(Down { re: Some(re), ok: Some(reply), no: None, ev: None }) => {
                Ok(Some(Self::Reply { re, result: Ok(reply) }))
            }
            Ok(Down { re: Some(re), ok: None, no: Some(refusal), ev: None }) => {
                Ok(Some(Self::Reply { re, result: Err(refusal) }))
            }
            Ok(Down { re: None, ok: None, no: None, ev: Some(event) }) => {
                Ok(Some(Self::Event(event)))
            }
            Ok(_) => Err(DecodeError::Malformed("neither one reply nor one event".into())),
            Err(error) => match codec::decode::<Probe>(body) {
                Ok(Probe { event: Some(kind), .. }) if !Event::KINDS.contains(&kind.0.as_str()) => {
                    Ok(None)
                }
                _ => Err(error),
            },
        }
    }
}

/// The shape of a frame going down: exactly `re` with one of `ok` and `no`, or `ev` alone.
#[derive(Deserialize, Serialize)]
struct Down<R, N, E> {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    re: Option<u32>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    ok: Option<R>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    no: Option<N>,
    #[serde(default = "none", skip_serializing_if = "Option::is_none")]
    ev: Option<E>,
}

impl<R, N, E> Down<R, N, E> {
    fn reply(re: u32, ok: Option<R>, no: Option<N>) -> Self {
        Self { re: Some(re), ok, no, ev: None }
    }
}

fn none<T>() -> Option<T> {
    None
}

/// What can be read of a frame whose content cannot: its number and the word of its kind.
#[derive(Deserialize)]
struct Probe {
    #[serde(default)]
    id: Option<u32>,
    #[serde(default, rename = "rq")]
    kind: Option<Kind>,
    #[serde(default, rename = "ev")]
    event: Option<Kind>,
}

/// The same for an order of an admin, whose own kind is one level further in.
#[derive(Deserialize)]
struct AdminProbe {
    rq: AdminKind,
}

#[derive(Deserialize)]
struct AdminKind {
    admin: Kind,
}

/// Whether only a newer node knows such a request, or such an order in it.
fn is_unknown(kind: &Kind, body: &[u8]) -> bool {
    let strange = |probe: AdminProbe| !AdminCommand::KINDS.contains(&probe.rq.admin.0.as_str());
    match kind.0.as_str() {
        "admin" => codec::decode(body).is_ok_and(strange),
        kind => !Request::KINDS.contains(&kind),
    }
}

struct Kind(String);

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct FirstKey;

        impl<'de> Visitor<'de> for FirstKey {
            type Value = Kind;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map with the kind as its key")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
                let mut first = None;
                while let Some(key) = map.next_key::<String>()? {
                    map.next_value::<IgnoredAny>()?;
                    first.get_or_insert(key);
                }
                Ok(Kind(first.unwrap_or_default()))
            }
        }

        deserializer.deserialize_map(FirstKey)
    }
}

#[cfg(test)]
mod tests {
    use ciborium::cbor;

    use super::*;
    use crate::frame::HEADER;

    fn body(frame: &Bytes) -> &[u8] {
        &frame[HEADER..]
    }

    #[test]
    fn a_request_that_is_unknown_can_be_answered_and_one_that_is_malformed_too() {
        let unknown = codec::encode(&cbor!({"id" => 7, "rq" => {"dance" => {"on" => 1}}}).unwrap());
        assert_eq!(ClientFrame::decode(&unknown), Err(BadRequest::Unknown { id: 7 }));
        let malformed =
            codec::encode(&cbor!({"id" => 7, "rq" => {"log_in" => {"on" => 1}}}).unwrap());
        assert!(matches!(
            ClientFrame::decode(&malformed),
            Err(BadRequest::Malformed { id: 7, .. })
        ));
        assert!(matches!(ClientFrame::decode(b"GET / HTTP/1.1"), Err(BadRequest::Hopeless(_))));
    }

    #[test]
    fn an_order_of_a_newer_admin_is_unknown_and_one_that_is_malformed_is_not() {
        let decode = |rq| ClientFrame::decode(&codec::encode(&rq));
        let unknown = cbor!({"id" => 7, "rq" => {"admin" => {"dance" => {"on" => 1}}}}).unwrap();
        assert_eq!(decode(unknown), Err(BadRequest::Unknown { id: 7 }));
        let malformed = cbor!({"id" => 7, "rq" => {"admin" => {"promote" => 1}}}).unwrap();
        assert!(matches!(decode(malformed), Err(BadRequest::Malformed { id: 7, .. })));
        let malformed = cbor!({"id" => 7, "rq" => {"admin" => 1}}).unwrap();
        assert!(matches!(decode(malformed), Err(BadRequest::Malformed { id: 7, .. })));
    }

    #[test]
    fn an_unknown_event_is_ignored_and_a_malformed_one_is_an_error() {
        let unknown = codec::encode(&cbor!({"ev" => {"fireworks" => {"n" => 1}}}).unwrap());
        assert_eq!(NodeFrame::decode(&unknown), Ok(None));
        let malformed = codec::encode(&cbor!({"ev" => {"typing" => {"n" => 1}}}).unwrap());
        assert!(NodeFrame::decode(&malformed).is_err());
    }

    #[test]
    fn a_frame_down_is_one_reply_or_one_event_and_never_both() {
        let both = codec::encode(
            &cbor!({"re" => 1, "ok" => {"done" => {}}, "ev" => {"session_ended" => {}}}).unwrap(),
        );
        assert!(NodeFrame::decode(&both).is_err());
    }

    #[test]
    fn frames_come_back_as_they_went() {
        let up = ClientFrame { id: 9, rq: Request::Heartbeat {} };
        assert_eq!(ClientFrame::decode(body(&up.encode())), Ok(up));
        let down = NodeFrame::Reply { re: 9, result: Ok(Reply::Done {}) };
        assert_eq!(NodeFrame::decode(body(&down.encode())), Ok(Some(down)));
    }
}
