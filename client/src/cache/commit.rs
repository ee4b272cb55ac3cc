//! The one transaction in which entries of the log become messages on this disk.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use thrive_protocol::code::Code;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Head;
use thrive_protocol::file::FileOffer;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Epoch, FileId, Seq, Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;

use super::{chats, files, messages, people};
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
    /// Files of which something was learned.
    pub(crate) files: Vec<FileId>,
    /// A conversation became another one, and its messages are gone.
    pub(crate) forgotten: bool,
    /// An acknowledged message is not on this disk: that log is written up to there only, and the
    /// rest has to be pulled.
    pub(crate) incomplete: bool,
}

impl Commit {
    pub(crate) fn is_empty(&self) -> bool {
        let Self { reset, epoch, conversations, starts, placed } = self;
        !reset
            && epoch.is_none()
            && conversations.is_empty()
            && starts.is_empty()
            && placed.is_empty()
    }
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
/// Besides those of the disk: an entry belongs to a chat that is unknown, or is not the next one of
/// its log as the disk has it. The caller starts from the disk again and pulls.
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
    let mut done = Committed::default();
    let mut touched = BTreeSet::new();
    for conversation in &commit.conversations {
        done.forgotten |= chats::put(&change, conversation)?;
        touched.insert(conversation.peer);
    }
    for start in commit.starts {
        chats::start(&change, start)?;
    }
    let mut peers = BTreeMap::new();
    let mut positions: BTreeMap<UserId, Seq> = BTreeMap::new();
    let mut cut = BTreeSet::new();
    let mut arrived: Vec<(MessageKey, Option<MessageState>, Arrival)> = Vec::new();
    for placed in commit.placed {
        let peer = match peers.get(&placed.conversation) {
            Some(&peer) => peer,
            None => {
                let peer = peer_of(&change, placed.conversation)?;
                peers.insert(placed.conversation, peer);
                peer
            }
        };
        if cut.contains(&peer) {
            continue;
        }
        touched.insert(peer);
        let position = match positions.get(&peer) {
            Some(&position) => position,
            None => chats::of(&change, peer)?.and_then(|chat| chat.position).ok_or_else(gap)?,
        };
        // The memory may have run ahead of a disk that failed; what is between would be lost.
        if position.next() < placed.seq {
            return Err(gap());
        }
        match place(&change, me, peer, placed.seq, placed.item)? {
            Placement::Message(key, before, arrival) => {
                if arrived.iter().all(|(known, _, _)| *known != key) {
                    arrived.push((key, before, arrival));
                }
            }
            Placement::Nothing => {}
            Placement::File(file) => done.files.push(file),
            Placement::Missing => {
                cut.insert(peer);
                continue;
            }
        }
        positions.insert(peer, position.max(placed.seq));
    }
    done.incomplete = !cut.is_empty();
    for (peer, position) in positions {
        change
            .prepare_cached(
                "UPDATE chat SET position = max(coalesce(position, 0), ?2) WHERE peer = ?1",
            )?
            .execute(params![peer.0, chats::number(position)])?;
    }
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

fn gap() -> rusqlite::Error {
    rusqlite::Error::ToSqlConversionFailure("an entry is not the next one of its log".into())
}

enum Placement {
    Message(MessageKey, Option<MessageState>, Arrival),
    /// Something became of a file.
    File(FileId),
    /// It keeps its place, and there is nothing to show.
    Nothing,
    /// The message that was acknowledged is not here.
    Missing,
}

fn place(
    change: &Transaction<'_>,
    me: UserId,
    peer: UserId,
    seq: Seq,
    item: Item,
) -> rusqlite::Result<Placement> {
    match item {
        Item::Own { id, time } => Ok(match settle(change, peer, id, seq, time)? {
            Some((key, before)) => Placement::Message(key, before, Arrival::Live),
            None => Placement::Missing,
        }),
        Item::Entry(Entry { body: Body::Unknown {}, .. }, _) => Ok(Placement::Nothing),
        Item::Entry(Entry { sender, time, body: Body::Message { id, text }, .. }, arrival) => {
            let mine = sender == me;
            if mine && let Some((key, before)) = settle(change, peer, id, seq, time)? {
                return Ok(Placement::Message(key, before, arrival));
            }
            let key = insert(change, peer, seq, mine, id, time, text.as_str())?;
            Ok(Placement::Message(key, None, arrival))
        }
        Item::Entry(Entry { sender, time, body: Body::FileOffer(offer), .. }, arrival) => {
            let (key, before) = offered(change, peer, seq, sender == me, time, &offer)?;
            Ok(Placement::Message(key, before, arrival))
        }
        Item::Entry(Entry { body: Body::FileState { file, state }, .. }, _) => {
            files::became(change, file, state)?;
            Ok(Placement::File(file))
        }
    }
}

/// An offer is a message with the name of the file, and what is known of the file beside it.
pub(super) fn offered(
    change: &Transaction<'_>,
    peer: UserId,
    seq: Seq,
    mine: bool,
    time: Time,
    offer: &FileOffer,
) -> rusqlite::Result<(MessageKey, Option<MessageState>)> {
    let settled = if mine { settle(change, peer, offer.id, seq, time)? } else { None };
    let (key, before) = match settled {
        Some(settled) => settled,
        None => (insert(change, peer, seq, mine, offer.id, time, offer.name.as_str())?, None),
    };
    files::offered(change, key, offer)?;
    Ok((key, before))
}

/// Gives a message of mine its place, whether it comes from the outbox of this device or not.
pub(super) fn settle(
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
    let taken = change
        .prepare_cached("SELECT 1 FROM message WHERE peer = ?1 AND seq = ?2")?
        .exists(params![peer.0, chats::number(seq)])?;
    if taken {
        // The server contradicts itself. The text is kept, and people hear that something is wrong.
        messages::refuse(change, key, &Code::Internal.into())?;
        return Ok(Some((key, Some(MessageState::Waiting))));
    }
    change
        .prepare_cached("UPDATE message SET seq = ?2, time = ?3, refused = NULL WHERE key = ?1")?
        .execute(params![key.0, chats::number(seq), time.0])?;
    Ok(Some((key, Some(MessageState::Waiting))))
}

pub(super) fn insert(
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
