//! Pages of history: what was there before the entries that this device was given.

use rusqlite::{Connection, TransactionBehavior, params};
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::{ConversationId, Seq, UserId};

use super::commit::{insert, offered, settle};
use super::{chats, files};

/// What was asked of the server, and what it answered.
#[derive(Debug)]
pub(crate) struct Older {
    pub(crate) peer: UserId,
    pub(crate) conversation: ConversationId,
    /// Entries before this place were asked for.
    pub(crate) before: Seq,
    /// Oldest first.
    pub(crate) entries: Vec<Entry>,
    /// There are entries before these.
    pub(crate) more: bool,
}

/// Adds what joins the entries that are held without a hole, and leaves the rest out. `false`: nothing
/// did, so asking again would bring nothing either.
pub(crate) fn older(db: &mut Connection, me: UserId, page: Older) -> rusqlite::Result<bool> {
    let Older { peer, conversation, before, entries, more } = page;
    let change = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let Some(chat) = chats::of(&change, peer)? else { return Ok(false) };
    if chat.floor != before || chat.conversation != Some(conversation) {
        // Somebody else was here first; whoever asks next starts from there.
        return Ok(true);
    }
    let mut floor = before;
    let mut whole = true;
    for entry in entries.into_iter().rev() {
        whole = entry.conversation == conversation && entry.seq.next() == floor;
        if !whole || entry.seq == Seq::START {
            whole = false;
            break;
        }
        floor = entry.seq;
        if let Body::FileOffer(offer) = &entry.body {
            offered(&change, peer, entry.seq, entry.sender == me, entry.time, offer)?;
        }
        if let Body::FileState { file, state } = entry.body {
            files::became(&change, file, state)?;
        }
        if let Body::Message { id, text } = entry.body {
            let mine = entry.sender == me;
            // It may be one of this device that still waits for its place.
            if mine && settle(&change, peer, id, entry.seq, entry.time)?.is_some() {
                continue;
            }
            insert(&change, peer, entry.seq, mine, id, entry.time, text.as_str())?;
        }
    }
    if whole && !more {
        floor = Seq(1);
    }
    change
        .prepare_cached("UPDATE chat SET floor = ?2 WHERE peer = ?1")?
        .execute(params![peer.0, chats::number(floor)])?;
    change.commit()?;
    Ok(floor < before)
}
