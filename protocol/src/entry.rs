//! The ordered log of a conversation: what everybody in it reads in one order.

use std::fmt;

use serde::de::{self, IgnoredAny, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use crate::file::{FileOffer, FileState};
use crate::ids::{ClientMsgId, ConversationId, FileId, Seq, Time, UserId};
use crate::text::MessageText;

/// One entry. Its place is `(conversation, seq)` and never changes.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Entry {
    pub conversation: ConversationId,
    pub seq: Seq,
    pub sender: UserId,
    pub time: Time,
    pub body: Body,
}

/// What an entry says.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    Message {
        id: ClientMsgId,
        text: MessageText,
    },
    /// The sender offers a file.
    FileOffer(FileOffer),
    /// Something happened to a file that was offered before, by the doing of the sender of this entry.
    FileState {
        file: FileId,
        state: FileState,
    },
    /// A kind that this program does not know. It keeps its place, so that the log has no gap.
    Unknown {},
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        struct Message {
            id: ClientMsgId,
            text: MessageText,
        }

        #[derive(Deserialize)]
        struct Changed {
            file: FileId,
            state: FileState,
        }

        struct OneKind;

        impl<'de> Visitor<'de> for OneKind {
            type Value = Body;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a map with the kind of the entry as its only key")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Body, A::Error> {
                let Some(kind) = map.next_key::<String>()? else {
                    return Err(de::Error::invalid_length(0, &self));
                };
                let body = match kind.as_str() {
                    "message" => {
                        let Message { id, text } = map.next_value()?;
                        Body::Message { id, text }
                    }
                    "file_offer" => Body::FileOffer(map.next_value()?),
                    "file_state" => {
                        let Changed { file, state } = map.next_value()?;
                        Body::FileState { file, state }
                    }
                    _ => {
                        map.next_value::<IgnoredAny>()?;
                        Body::Unknown {}
                    }
                };
                match map.next_key::<IgnoredAny>()? {
                    None => Ok(body),
                    Some(_) => Err(de::Error::invalid_length(2, &self)),
                }
            }
        }

        deserializer.deserialize_map(OneKind)
    }
}
