//! The one transaction in which entries of the log become messages on this disk.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Epoch, Seq, Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;

use super::{chats, messages, people};
use crate::sync::Placed;
use crate::types::{Arrival, Message, MessageKey, MessageState};

/// What stands at one place of a log.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Item {
    Entry(Entry, Arrival),
    /// A message of this device was stored there.
    Own {
        id: ClientMsgId,
        time: Time,
    },
}

/// Everything that is to be true at once.
#[derive(Debug, Default)]
pub(crate) struct Commit {
    /// The server's history is another one: forget the old one first.
    pub(crate) reset: bool,
    pub(crate) epoch: Option<Epoch>,
    pub(crate) conversations: Vec<Conversation>,
    /// Logs that begin here for this device.
    pub(crate) starts: Vec<Head>,
    pub(crate) placed: Vec<Placed<Item>>,
}

/// What a commit has changed.
#[derive(Debug, Default)]
pub(crate) struct Committed {
    pub(crate) messages: Vec<Arrived>,
    /// Chats that were touched, as they are now, and how much of each is unread.
    pub(crate) chats: Vec<(chats::Chat, u32)>,
}

#[derive(Debug)]
pub(crate) struct Arrived {
    pub(crate) before: Option<MessageState>,
    pub(crate) message: Message,
    pub(crate) arrival: Arrival,
}

/// Writes all of it, or nothing.
///
/// # Errors
/// Besides those of the disk: an entry belongs to a chat that is unknown, or an acknowledgment to a
/// message that is not there. The caller starts from the disk again and pulls.
pub(crate) fn commit(
    db: &mut Connection,
    me: UserId,
    name: &Username,
    commit: Commit,
) -> rusqlite::Result<Committed> {
    // Another program may write as well; waiting for it here is better than failing in the middle.
    let change = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if commit.reset {
        people::forget_history(&change)?;
    }
    if let Some(epoch) = commit.epoch {
        people::set_epoch(&change, epoch)?;
    }
    let mut touched = BTreeSet::new();
    for conversation in &commit.conversations {
        chats::put(&change, conversation)?;
        touched.insert(conversation.peer);
    }
    for start in &commit.starts {
        change
            .prepare_cached(
                "UPDATE chat SET floor = ?2, position = ?2 - 1
                 WHERE conversation = ?1 AND position IS NULL",
            )?
            .execute(params![start.conversation.0, chats::number(start.seq)])?;
    }
    let mut peers = BTreeMap::new();
    let mut positions = BTreeMap::new();
    let mut arrived = Vec::new();
    for placed in commit.placed {
        let peer = match peers.get(&placed.conversation) {
            Some(&peer) => peer,
            None => {
                let peer = peer_of(&change, placed.conversation)?;
                peers.insert(placed.conversation, peer);
                peer
            }
        };
        touched.insert(peer);
        positions.insert(peer, placed.seq);
        arrived.extend(place(&change, me, peer, placed.seq, placed.item)?);
    }
    for (peer, position) in positions {
        change
            .prepare_cached(
                "UPDATE chat SET position = max(coalesce(position, 0), ?2) WHERE peer = ?1",
            )?
            .execute(params![peer.0, chats::number(position)])?;
    }
    let mut done = Committed::default();
    for (key, before, arrival) in arrived {
        if let Some(message) = messages::by_key(&change, name, key)? {
            done.messages.push(Arrived { before, message, arrival });
        }
    }
    for peer in touched {
        if let Some(chat) = chats::of(&change, peer)? {
            done.chats.push((chat, chats::unread(&change, peer)?));
        }
    }
    change.commit()?;
    Ok(done)
}

fn peer_of(db: &Connection, conversation: ConversationId) -> rusqlite::Result<UserId> {
    db.prepare_cached("SELECT peer FROM chat WHERE conversation = ?1")?
        .query_row([conversation.0], |row| row.get(0).map(UserId))
}

type Placement = (MessageKey, Option<MessageState>, Arrival);

fn place(
    change: &Transaction<'_>,
    me: UserId,
    peer: UserId,
    seq: Seq,
    item: Item,
) -> rusqlite::Result<Option<Placement>> {
    match item {
        Item::Own { id, time } => {
            let own = settle(change, peer, id, seq, time)?;
            let (key, before) = own.ok_or(rusqlite::Error::QueryReturnedNoRows)?;
            Ok(Some((key, before, Arrival::Live)))
        }
        // It keeps its place, and there is nothing to show.
        Item::Entry(Entry { body: Body::Unknown {}, .. }, _) => Ok(None),
        Item::Entry(Entry { sender, time, body: Body::Message { id, text }, .. }, arrival) => {
            let mine = sender == me;
            if mine && let Some((key, before)) = settle(change, peer, id, seq, time)? {
                return Ok(Some((key, before, arrival)));
            }
            let key = insert(change, peer, seq, mine, id, time, text.as_str())?;
            Ok(Some((key, None, arrival)))
        }
    }
}

/// Gives a message of mine its place, whether it comes from the outbox of this device or not.
fn settle(
    change: &Transaction<'_>,
    peer: UserId,
    id: ClientMsgId,
    seq: Seq,
    time: Time,
) -> rusqlite::Result<Option<(MessageKey, Option<MessageState>)>> {
    let found = change
        .prepare_cached(
            "SELECT key, seq FROM message WHERE peer = ?1 AND mine = 1 AND client_id = ?2",
        )?
        .query_row(params![peer.0, id.0], |row| {
            Ok((MessageKey(row.get(0)?), row.get::<_, Option<i64>>(1)?))
        })
        .optional()?;
    let Some((key, place)) = found else { return Ok(None) };
    if place.is_some() {
        return Ok(Some((key, None)));
    }
    change
        .prepare_cached("UPDATE message SET seq = ?2, time = ?3, refused = NULL WHERE key = ?1")?
        .execute(params![key.0, chats::number(seq), time.0])?;
    Ok(Some((key, Some(MessageState::Waiting))))
}

fn insert(
    db: &Connection,
    peer: UserId,
    seq: Seq,
    mine: bool,
    id: ClientMsgId,
    time: Time,
    text: &str,
) -> rusqlite::Result<MessageKey> {
    // Another program on this computer may have written the same entry already.
    db.prepare_cached(
        "INSERT INTO message (peer, seq, mine, client_id, time, text)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
    )?
    .execute(params![peer.0, chats::number(seq), mine, id.0, time.0, text])?;
    db.prepare_cached("SELECT key FROM message WHERE peer = ?1 AND seq = ?2")?
        .query_row(params![peer.0, chats::number(seq)], |row| row.get(0).map(MessageKey))
}

/// Adds a page of history that ends right before what is held.
pub(crate) fn older(
    db: &mut Connection,
    me: UserId,
    peer: UserId,
    before: Seq,
    entries: Vec<Entry>,
    more: bool,
) -> rusqlite::Result<()> {
    let change = db.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    let Some(chat) = chats::of(&change, peer)? else { return Ok(()) };
    if chat.floor != before {
        // Somebody else was here first; whoever asks next starts from there.
        return Ok(());
    }
    let first = entries.first().map(|entry| entry.seq);
    for entry in entries {
        if let Body::Message { id, text } = entry.body {
            let mine = entry.sender == me;
            insert(&change, peer, entry.seq, mine, id, entry.time, text.as_str())?;
        }
    }
    let floor = if more { first.unwrap_or(before) } else { Seq(1) };
    change
        .prepare_cached("UPDATE chat SET floor = ?2 WHERE peer = ?1")?
        .execute(params![peer.0, chats::number(floor)])?;
    change.commit()
}
