//! Messages on the disk, and among them the outbox.

use rusqlite::{Connection, OptionalExtension as _, Params, Row, params};
use thrive_protocol::code::{Code, Refusal};
use thrive_protocol::ids::{ClientMsgId, Seq, UserId};
use thrive_protocol::name::Username;

use super::chats::{number, seq_of, username_of};
use super::files;
use crate::engine::sending::now_ms;
use crate::outbox::{self, Text, WAITING};
use crate::types::{Message, MessageKey, MessageState};

const SELECT: &str = "SELECT key, message.peer, seq, mine, time, text, refused, username, \
                      peer_read, peer_delivered FROM message JOIN chat USING (peer)";

fn message(row: &Row<'_>, me: &Username) -> rusqlite::Result<Message> {
    let mine: bool = row.get("mine")?;
    let seq = row.get::<_, Option<i64>>("seq")?.map(|seq| u64::try_from(seq).unwrap_or_default());
    let refused: Option<String> = row.get("refused")?;
    let state = match (seq, refused) {
        (None, Some(word)) => MessageState::Refused(code(&word)),
        (None, None) => MessageState::Waiting,
        (Some(seq), _) if mine && seq <= seq_of(row, "peer_read")?.0 => MessageState::Read,
        (Some(seq), _) if mine && seq <= seq_of(row, "peer_delivered")?.0 => {
            MessageState::Delivered
        }
        (Some(_), _) => MessageState::Stored,
    };
    Ok(Message {
        key: MessageKey(row.get("key")?),
        peer: UserId(row.get("peer")?),
        seq,
        mine,
        sender: if mine { me.clone() } else { username_of(row, "username")? },
        time_ms: row.get("time")?,
        text: row.get("text")?,
        state,
        file: None,
    })
}

pub(super) fn code(word: &str) -> Code {
    Code::ALL.iter().copied().find(|code| code.word() == word).unwrap_or(Code::Unknown)
}

fn select(
    db: &Connection,
    me: &Username,
    which: &str,
    params: impl Params,
) -> rusqlite::Result<Vec<Message>> {
    let mut select = db.prepare_cached(&format!("{SELECT} {which}"))?;
    let messages = select.query_map(params, |row| message(row, me))?;
    let mut messages = messages.collect::<rusqlite::Result<Vec<_>>>()?;
    let now = now_ms();
    for message in &mut messages {
        message.file = files::of_message(db, message.key, now)?;
    }
    Ok(messages)
}

/// The newest of a chat, oldest first, those that wait last.
pub(crate) fn newest(
    db: &Connection,
    me: &Username,
    peer: UserId,
    limit: usize,
) -> rusqlite::Result<Vec<Message>> {
    let waiting = "WHERE peer = ?1 AND seq IS NULL ORDER BY key DESC LIMIT ?2";
    let mut waiting = select(db, me, waiting, params![peer.0, limit as i64])?;
    let mut messages = before(db, me, peer, Seq(u64::MAX), limit - waiting.len())?;
    waiting.reverse();
    messages.append(&mut waiting);
    Ok(messages)
}

/// Messages before a place, oldest first.
pub(crate) fn before(
    db: &Connection,
    me: &Username,
    peer: UserId,
    seq: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<Message>> {
    let which = "WHERE peer = ?1 AND seq < ?2 ORDER BY seq DESC LIMIT ?3";
    let mut messages = select(db, me, which, params![peer.0, number(seq), limit as i64])?;
    messages.reverse();
    Ok(messages)
}

/// Messages after a place, oldest first, as far as nothing is missing between them: mine may have a place
/// before one below it is heard of, and whoever notes how far they got would never see that one.
pub(crate) fn after(
    db: &Connection,
    me: &Username,
    peer: UserId,
    seq: Seq,
    limit: usize,
) -> rusqlite::Result<Vec<Message>> {
    let which = "WHERE peer = ?1 AND ?2 < seq AND seq <= position ORDER BY seq LIMIT ?3";
    select(db, me, which, params![peer.0, number(seq), limit as i64])
}

/// Mine whose state a mark that moved from `after` to `to` has changed; at most the newest 200.
pub(crate) fn mine_between(
    db: &Connection,
    me: &Username,
    peer: UserId,
    after: Seq,
    to: Seq,
) -> rusqlite::Result<Vec<Message>> {
    let which = "WHERE peer = ?1 AND mine = 1 AND ?2 < seq AND seq <= ?3 \
                 ORDER BY seq DESC LIMIT 200";
    let mut messages = select(db, me, which, params![peer.0, number(after), number(to)])?;
    messages.reverse();
    Ok(messages)
}

pub(crate) fn by_key(
    db: &Connection,
    me: &Username,
    key: MessageKey,
) -> rusqlite::Result<Option<Message>> {
    Ok(select(db, me, "WHERE key = ?1", [key.0])?.pop())
}

/// Writes a message of mine into the outbox. When this returns, it is on the disk.
pub(crate) fn put_waiting(
    db: &Connection,
    peer: UserId,
    id: ClientMsgId,
    time_ms: i64,
    text: &str,
) -> rusqlite::Result<MessageKey> {
    db.prepare_cached(
        "INSERT INTO message (peer, mine, client_id, time, text) VALUES (?1, 1, ?2, ?3, ?4)",
    )?
    .execute(params![peer.0, id.0, time_ms, text])?;
    Ok(MessageKey(db.last_insert_rowid()))
}

fn outbox_row(row: &Row<'_>) -> rusqlite::Result<outbox::Row> {
    Ok(outbox::Row {
        key: MessageKey(row.get("key")?),
        peer: UserId(row.get("peer")?),
        id: ClientMsgId(row.get("client_id")?),
        text: Text(row.get("text")?),
        offer: None,
    })
}

/// What waits to be sent, oldest first.
pub(crate) fn waiting(db: &Connection) -> rusqlite::Result<Vec<outbox::Row>> {
    let mut select = db.prepare_cached(
        "SELECT key, peer, client_id, text FROM message
         WHERE seq IS NULL AND refused IS NULL ORDER BY key LIMIT ?1",
    )?;
    let rows = select.query_map([WAITING as i64], outbox_row)?;
    rows.map(|row| with_offer(db, row?)).collect()
}

/// With what it offers, if it does.
fn with_offer(db: &Connection, row: outbox::Row) -> rusqlite::Result<outbox::Row> {
    Ok(outbox::Row { offer: files::offer(db, row.key)?, ..row })
}

/// Notes that the server said no for good.
pub(crate) fn refuse(db: &Connection, key: MessageKey, refusal: &Refusal) -> rusqlite::Result<()> {
    files::refused(db, key, refusal.limit, refusal.left)?;
    db.prepare_cached("UPDATE message SET refused = ?2 WHERE key = ?1 AND seq IS NULL")?
        .execute(params![key.0, refusal.code.word()])?;
    Ok(())
}

/// Puts a refused message back into the outbox.
pub(crate) fn retry(db: &Connection, key: MessageKey) -> rusqlite::Result<Option<outbox::Row>> {
    db.prepare_cached(
        "UPDATE message SET refused = NULL WHERE key = ?1 AND seq IS NULL AND refused IS NOT NULL
         RETURNING key, peer, client_id, text",
    )?
    .query_row([key.0], outbox_row)
    .optional()?
    .map(|row| with_offer(db, row))
    .transpose()
}

/// Deletes a refused message.
pub(crate) fn discard(db: &Connection, key: MessageKey) -> rusqlite::Result<bool> {
    let deleted = db
        .prepare_cached(
            "DELETE FROM message WHERE key = ?1 AND seq IS NULL AND refused IS NOT NULL",
        )?
        .execute([key.0])?;
    files::forget(db)?;
    Ok(0 < deleted)
}
