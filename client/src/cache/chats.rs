//! Chats on the disk: one for each person, with positions, marks and drafts.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ConversationId, Seq, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;

/// What is known of the conversation with one person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Chat {
    pub(crate) peer: UserId,
    pub(crate) username: Username,
    /// `None`: not opened on the server yet.
    pub(crate) conversation: Option<ConversationId>,
    pub(crate) position: Option<Seq>,
    /// The first entry that is held.
    pub(crate) floor: Seq,
    pub(crate) marks: Marks,
}

/// Marks only ever move forward.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Marks {
    /// How far I have read, on any device.
    pub(crate) read: Seq,
    /// How far the server knows that.
    pub(crate) read_told: Seq,
    /// How far the server knows what this device has received.
    pub(crate) delivered_told: Seq,
    pub(crate) peer_read: Seq,
    pub(crate) peer_delivered: Seq,
}

pub(super) fn seq_of(row: &Row<'_>, column: &str) -> rusqlite::Result<Seq> {
    row.get::<_, i64>(column).map(|seq| Seq(u64::try_from(seq).unwrap_or_default()))
}

pub(super) fn number(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

pub(super) fn username_of(row: &Row<'_>, column: &str) -> rusqlite::Result<Username> {
    let name: String = row.get(column)?;
    Username::parse(&name).map_err(|_| rusqlite::Error::InvalidColumnName(name))
}

const COLUMNS: &str = "peer, username, conversation, position, floor, read, read_told, \
                       delivered_told, peer_read, peer_delivered";

fn chat(row: &Row<'_>) -> rusqlite::Result<Chat> {
    Ok(Chat {
        peer: UserId(row.get("peer")?),
        username: username_of(row, "username")?,
        conversation: row.get::<_, Option<i64>>("conversation")?.map(ConversationId),
        position: row
            .get::<_, Option<i64>>("position")?
            .map(|seq| Seq(u64::try_from(seq).unwrap_or_default())),
        floor: seq_of(row, "floor")?,
        marks: Marks {
            read: seq_of(row, "read")?,
            read_told: seq_of(row, "read_told")?,
            delivered_told: seq_of(row, "delivered_told")?,
            peer_read: seq_of(row, "peer_read")?,
            peer_delivered: seq_of(row, "peer_delivered")?,
        },
    })
}

pub(crate) fn all(db: &Connection) -> rusqlite::Result<Vec<Chat>> {
    let mut select = db.prepare_cached(&format!("SELECT {COLUMNS} FROM chat ORDER BY peer"))?;
    select.query_map([], chat)?.collect()
}

pub(crate) fn of(db: &Connection, peer: UserId) -> rusqlite::Result<Option<Chat>> {
    let sql = format!("SELECT {COLUMNS} FROM chat WHERE peer = ?1");
    db.prepare_cached(&sql)?.query_row([peer.0], chat).optional()
}

/// Makes sure that there is a row for somebody.
pub(crate) fn ensure(db: &Connection, peer: UserId, username: &Username) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO chat (peer, username) VALUES (?1, ?2) ON CONFLICT DO NOTHING")?
        .execute(params![peer.0, username.as_str()])?;
    Ok(())
}

/// Takes over what the server says about a conversation. `true`: it is another one than before, and
/// what was held of that one is forgotten. What waits to be sent stays.
pub(crate) fn put(db: &Connection, chat: &Conversation) -> rusqlite::Result<bool> {
    let forgotten = 0 < db
        .prepare_cached(
            "UPDATE chat SET position = NULL, floor = 1, origin = 1, read = 0, read_told = 0,
                 delivered_told = 0, peer_read = 0, peer_delivered = 0
             WHERE peer = ?1 AND conversation <> ?2",
        )?
        .execute(params![chat.peer.0, chat.conversation.0])?;
    if forgotten {
        db.prepare_cached("DELETE FROM message WHERE peer = ?1 AND seq IS NOT NULL")?
            .execute([chat.peer.0])?;
        db.prepare_cached("DELETE FROM bookmark WHERE peer = ?1")?.execute([chat.peer.0])?;
        super::files::forget(db)?;
    }
    db.prepare_cached(
        "INSERT INTO chat (peer, username, conversation, read, read_told, peer_read, peer_delivered)
         VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6)
         ON CONFLICT (peer) DO UPDATE SET
             username = excluded.username,
             conversation = excluded.conversation,
             read = max(read, excluded.read),
             read_told = max(read_told, excluded.read_told),
             peer_read = max(peer_read, excluded.peer_read),
             peer_delivered = max(peer_delivered, excluded.peer_delivered)",
    )?
    .execute(params![
        chat.peer.0,
        chat.peer_name.as_str(),
        chat.conversation.0,
        number(chat.read),
        number(chat.peer_read),
        number(chat.peer_delivered),
    ])?;
    Ok(forgotten)
}

/// The log of a conversation begins with this entry for this device, unless it has begun already.
pub(super) fn start(db: &Connection, start: Head) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE chat SET floor = ?2, origin = ?2, position = ?2 - 1
         WHERE conversation = ?1 AND position IS NULL",
    )?
    .execute(params![start.conversation.0, number(start.seq)])?;
    Ok(())
}

/// Moves marks forward; what is smaller than before changes nothing.
pub(crate) fn mark(db: &Connection, peer: UserId, marks: Marks) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE chat SET read = max(read, ?2), read_told = max(read_told, ?3),
             delivered_told = max(delivered_told, ?4), peer_read = max(peer_read, ?5),
             peer_delivered = max(peer_delivered, ?6)
         WHERE peer = ?1",
    )?
    .execute(params![
        peer.0,
        number(marks.read),
        number(marks.read_told),
        number(marks.delivered_told),
        number(marks.peer_read),
        number(marks.peer_delivered),
    ])?;
    Ok(())
}

/// Messages of theirs that I have not read, of those that this device did not fetch as history.
pub(crate) fn unread(db: &Connection, peer: UserId) -> rusqlite::Result<u32> {
    db.prepare_cached(
        "SELECT count(*) FROM message JOIN chat USING (peer)
         WHERE peer = ?1 AND mine = 0 AND read < seq AND origin <= seq",
    )?
    .query_row([peer.0], |row| row.get(0))
}

pub(crate) fn draft(db: &Connection, peer: UserId) -> rusqlite::Result<String> {
    let mut select = db.prepare_cached("SELECT draft FROM chat WHERE peer = ?1")?;
    Ok(select.query_row([peer.0], |row| row.get(0)).optional()?.unwrap_or_default())
}

pub(crate) fn set_draft(
    db: &Connection,
    peer: UserId,
    username: &Username,
    text: &str,
) -> rusqlite::Result<()> {
    ensure(db, peer, username)?;
    db.prepare_cached("UPDATE chat SET draft = ?2 WHERE peer = ?1")?
        .execute(params![peer.0, text])?;
    Ok(())
}

pub(crate) fn bookmark(db: &Connection, name: &str, peer: UserId) -> rusqlite::Result<Option<Seq>> {
    db.prepare_cached("SELECT seq FROM bookmark WHERE name = ?1 AND peer = ?2")?
        .query_row(params![name, peer.0], |row| seq_of(row, "seq"))
        .optional()
}

pub(crate) fn set_bookmark(
    db: &Connection,
    name: &str,
    peer: UserId,
    seq: Seq,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO bookmark (name, peer, seq) VALUES (?1, ?2, ?3)
         ON CONFLICT (name, peer) DO UPDATE SET seq = max(seq, excluded.seq)",
    )?
    .execute(params![name, peer.0, number(seq)])?;
    Ok(())
}
