//! What nodes say to each other on the bus, in bytes.
//!
//! ```text
//! message = version u8 │ node u32 │ epoch u64 │ item …
//! item    = kind u8 │ length u32 │ that many bytes
//! entry   = conversation i64 │ seq u64 │ the frame as every client gets it
//! news    = CBOR { to, event, origin }
//! canary  = nothing
//! ```
//!
//! Numbers are big-endian. A version or a kind that is not known is skipped: a newer node says it, and what
//! it says can be found in the store. Nothing in a message is trusted to be whole.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use thrive_protocol::codec;
use thrive_protocol::event::Event;
use thrive_protocol::frame;
use thrive_protocol::ids::{ConversationId, Seq, SessionId, UserId};
use thrive_protocol::limits::FRAME;

use crate::hub::Delivery;
use crate::news::{Audience, News};

/// Who says something: a node, between one start and the next.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Speaker {
    /// The number of its lease.
    pub node: u32,
    pub epoch: u64,
}

/// One thing that is said.
pub(super) enum Item {
    Entry(Delivery),
    News(News),
    /// A sign of life, for the one who sent it.
    Canary,
    /// Only a newer node knows it.
    Unknown,
}

/// A message or an item ends before it should.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("a message of the bus is broken")]
pub(super) struct Broken;

/// Channels between which everything is divided, so that a cluster of Redis servers shares the work.
pub(super) const PARTITIONS: usize = 8;

const VERSION: u8 = 1;
const ENTRY: u8 = 1;
const NEWS: u8 = 2;
const CANARY: u8 = 3;

/// Which channel carries what is about this conversation or person.
pub(super) fn partition(id: i64) -> usize {
    // Ids begin with a time and end with few random bits: the product spreads both.
    (id.cast_unsigned().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 61) as usize
}

pub(super) fn partition_of(audience: Audience) -> usize {
    match audience {
        Audience::User(user) | Audience::Follower(user) | Audience::EndSession(user, _) => {
            partition(user.0)
        }
        Audience::Conversation(conversation) => partition(conversation.0),
        Audience::Everybody | Audience::EveryNode => 0,
    }
}

/// The beginning of every message of this speaker.
pub(super) fn header(speaker: Speaker) -> Vec<u8> {
    let mut header = vec![VERSION];
    header.extend(speaker.node.to_be_bytes());
    header.extend(speaker.epoch.to_be_bytes());
    header
}

pub(super) fn put_entry(message: &mut Vec<u8>, delivery: &Delivery) {
    put(message, ENTRY, 16 + delivery.frame.len());
    message.extend(delivery.conversation.0.to_be_bytes());
    message.extend(delivery.seq.0.to_be_bytes());
    message.extend(&delivery.frame);
}

pub(super) fn encode_news(news: &News) -> Vec<u8> {
    codec::encode(&WireNews { to: news.to.into(), event: &news.event, origin: news.origin })
}

/// `encoded` comes from [`encode_news`].
pub(super) fn put_news(message: &mut Vec<u8>, encoded: &[u8]) {
    put(message, NEWS, encoded.len());
    message.extend(encoded);
}

pub(super) fn put_canary(message: &mut Vec<u8>) {
    put(message, CANARY, 0);
}

fn put(message: &mut Vec<u8>, kind: u8, length: usize) {
    message.push(kind);
    message.extend((length as u32).to_be_bytes());
}

/// Reads who says it, and what follows. `None`: another version.
///
/// # Errors
/// It is no message.
pub(super) fn open(mut message: &[u8]) -> Result<Option<(Speaker, Items<'_>)>, Broken> {
    let [version] = take(&mut message)?;
    if version != VERSION {
        return Ok(None);
    }
    let node = u32::from_be_bytes(take(&mut message)?);
    let epoch = u64::from_be_bytes(take(&mut message)?);
    Ok(Some((Speaker { node, epoch }, Items { rest: message })))
}

/// The items of a message, in order. After one that is broken there are no more.
pub(super) struct Items<'a> {
    rest: &'a [u8],
}

impl Iterator for Items<'_> {
    type Item = Result<Item, Broken>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let item = item(&mut self.rest);
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

fn item(rest: &mut &[u8]) -> Result<Item, Broken> {
    let [kind] = take(rest)?;
    let length = u32::from_be_bytes(take(rest)?) as usize;
    let (body, after) = rest.split_at_checked(length).ok_or(Broken)?;
    *rest = after;
    match kind {
        ENTRY => entry(body).map(Item::Entry),
        NEWS => Ok(news(body).map_or(Item::Unknown, Item::News)),
        CANARY => Ok(Item::Canary),
        _ => Ok(Item::Unknown),
    }
}

fn entry(mut body: &[u8]) -> Result<Delivery, Broken> {
    let conversation = ConversationId(i64::from_be_bytes(take(&mut body)?));
    let seq = Seq(u64::from_be_bytes(take(&mut body)?));
    // It goes to clients as it is: a wrong length would make all that follows it unreadable.
    let header = *body.first_chunk().ok_or(Broken)?;
    if frame::checked(header, FRAME) != Ok(body.len() - frame::HEADER) {
        return Err(Broken);
    }
    // A copy, so that one that waits for a slow client does not keep the whole message.
    Ok(Delivery { conversation, seq, frame: Bytes::copy_from_slice(body), origin: None })
}

fn news(body: &[u8]) -> Option<News> {
    let WireNews { to, event, origin } = codec::decode::<WireNews<Event>>(body).ok()?;
    Some(News { to: to.into(), event, origin })
}

fn take<const N: usize>(bytes: &mut &[u8]) -> Result<[u8; N], Broken> {
    let (first, rest) = bytes.split_first_chunk().ok_or(Broken)?;
    *bytes = rest;
    Ok(*first)
}

#[derive(Deserialize, Serialize)]
struct WireNews<E> {
    to: WireAudience,
    event: E,
    origin: Option<SessionId>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum WireAudience {
    User(UserId),
    Conversation(ConversationId),
    EndSession(UserId, SessionId),
    Everybody,
    EveryNode,
    Follower(UserId),
}

impl From<Audience> for WireAudience {
    fn from(audience: Audience) -> Self {
        match audience {
            Audience::User(user) => Self::User(user),
            Audience::Conversation(conversation) => Self::Conversation(conversation),
            Audience::EndSession(user, session) => Self::EndSession(user, session),
            Audience::Everybody => Self::Everybody,
            Audience::EveryNode => Self::EveryNode,
            Audience::Follower(user) => Self::Follower(user),
        }
    }
}

impl From<WireAudience> for Audience {
    fn from(audience: WireAudience) -> Self {
        match audience {
            WireAudience::User(user) => Self::User(user),
            WireAudience::Conversation(conversation) => Self::Conversation(conversation),
            WireAudience::EndSession(user, session) => Self::EndSession(user, session),
            WireAudience::Everybody => Self::Everybody,
            WireAudience::EveryNode => Self::EveryNode,
            WireAudience::Follower(user) => Self::Follower(user),
        }
    }
}

#[cfg(test)]
mod tests;
