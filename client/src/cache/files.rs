//! Files that were offered: what is known of each, and what this device has to do for it.

use std::path::PathBuf;

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use thrive_protocol::file::{FileHash, FileOffer, FileState as Said};
use thrive_protocol::ids::{FileId, UserId};

use super::chats::username_of;
use super::messages::code;
use crate::outbox::Offer;
use crate::types::{File, FileState, MessageKey};

/// What this device has to do for a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Task {
    Upload {
        source: PathBuf,
    },
    Download {
        folder: PathBuf,
    },
    /// The server is to be told that it is here.
    Tell,
}

/// One thing to do.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Work {
    pub(crate) id: FileId,
    pub(crate) file: File,
    pub(crate) sha256: FileHash,
    pub(crate) task: Task,
}

/// More than anybody looks through.
const MOST: i64 = 500;

const SELECT: &str = "
    SELECT file.message, message.peer, message.mine, message.seq, message.refused, file.file,
      file.name, file.size, file.content_type, file.sha256, file.expires, file.source, file.folder,
      file.saved, file.failed, coalesce(accepted, 0), coalesce(ready, 0), coalesce(received, 0),
      coalesce(ended, ''), message.time, chat.username, file.refused_limit, file.refused_left
    FROM file JOIN message ON message.key = file.message
    JOIN chat ON chat.peer = message.peer
    LEFT JOIN file_state ON file_state.file = file.file";

/// Keeps what is to be offered with the message that waits for it.
pub(crate) fn put(
    db: &Connection,
    message: MessageKey,
    offer: &Offer,
    source: &str,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO file (message, name, size, content_type, sha256, source)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?
    .execute(params![
        message.0,
        offer.name,
        number(offer.size),
        offer.content_type,
        offer.sha256.0,
        source
    ])?;
    Ok(())
}

/// What a waiting message offers, if it does.
pub(crate) fn offer(db: &Connection, message: MessageKey) -> rusqlite::Result<Option<Offer>> {
    db.prepare_cached("SELECT name, size, content_type, sha256 FROM file WHERE message = ?1")?
        .query_row([message.0], |row| {
            Ok(Offer {
                name: row.get(0)?,
                size: row.get::<_, i64>(1)?.unsigned_abs(),
                content_type: row.get(2)?,
                sha256: FileHash(row.get(3)?),
            })
        })
        .optional()
}

/// An offer has its place in the log.
pub(super) fn offered(
    db: &Connection,
    message: MessageKey,
    offer: &FileOffer,
) -> rusqlite::Result<()> {
    db.prepare_cached(
        "INSERT INTO file (message, file, name, size, content_type, sha256, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
         ON CONFLICT (message) DO UPDATE SET file = excluded.file, expires = excluded.expires",
    )?
    .execute(params![
        message.0,
        offer.file.0,
        offer.name.as_str(),
        number(offer.size),
        offer.content_type.as_str(),
        offer.sha256.0,
        offer.expires.0,
    ])?;
    Ok(())
}

/// Something became of a file, which may not be known here yet: its offer may be further back.
pub(super) fn became(db: &Connection, file: FileId, state: Said) -> rusqlite::Result<()> {
    db.prepare_cached("INSERT INTO file_state (file) VALUES (?1) ON CONFLICT DO NOTHING")?
        .execute([file.0])?;
    let change = match state {
        Said::Accepted => "accepted = 1",
        Said::Ready => "ready = 1",
        Said::Received => "received = 1",
        Said::Declined => "ended = 'declined'",
        Said::Cancelled => "ended = 'cancelled'",
        Said::Refused => "ended = 'refused'",
        Said::Unknown => return Ok(()),
    };
    db.prepare_cached(&format!("UPDATE file_state SET {change} WHERE file = ?1"))?
        .execute([file.0])?;
    Ok(())
}

/// Notes what an offer came up against, if this message is one.
pub(super) fn refused(
    db: &Connection,
    message: MessageKey,
    limit: Option<u64>,
    left: Option<u64>,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE file SET refused_limit = ?2, refused_left = ?3 WHERE message = ?1")?
        .execute(params![message.0, limit.map(number), left.map(number)])?;
    Ok(())
}

/// Takes away what belongs to messages that are not here any more.
pub(super) fn forget(db: &Connection) -> rusqlite::Result<()> {
    db.execute_batch("DELETE FROM file WHERE message NOT IN (SELECT key FROM message)")
}

pub(crate) fn of_message(
    db: &Connection,
    message: MessageKey,
    now_ms: i64,
) -> rusqlite::Result<Option<File>> {
    let sql = format!("{SELECT} WHERE file.message = ?1");
    db.prepare_cached(&sql)?.query_row([message.0], |row| file(row, now_ms)).optional()
}

fn by_id(db: &Connection, id: FileId, now_ms: i64) -> rusqlite::Result<Option<File>> {
    let sql = format!("{SELECT} WHERE file.file = ?1");
    db.prepare_cached(&sql)?.query_row([id.0], |row| file(row, now_ms)).optional()
}

pub(crate) fn by_ids(db: &Connection, ids: &[FileId], now_ms: i64) -> rusqlite::Result<Vec<File>> {
    let files = ids.iter().map(|id| by_id(db, *id, now_ms));
    files.filter_map(Result::transpose).collect()
}

/// The newest first.
pub(crate) fn all(db: &Connection, now_ms: i64) -> rusqlite::Result<Vec<File>> {
    let sql = format!("{SELECT} ORDER BY file.message DESC LIMIT ?1");
    db.prepare_cached(&sql)?.query_map([MOST], |row| file(row, now_ms))?.collect()
}

/// This device is to fetch it into that folder as soon as it can; again, if it has already.
pub(crate) fn want(db: &Connection, message: MessageKey, folder: &str) -> rusqlite::Result<()> {
    db.prepare_cached(
        "UPDATE file SET folder = ?2, saved = NULL, failed = NULL WHERE message = ?1",
    )?
    .execute(params![message.0, folder])?;
    Ok(())
}

/// This device is not to fetch it. Returns the folder in which something of it may lie.
pub(crate) fn unwant(db: &Connection, message: MessageKey) -> rusqlite::Result<Option<PathBuf>> {
    let select = "SELECT folder FROM file WHERE message = ?1";
    let folder: Option<Option<String>> =
        db.prepare_cached(select)?.query_row([message.0], |row| row.get(0)).optional()?;
    db.prepare_cached("UPDATE file SET folder = NULL WHERE message = ?1")?.execute([message.0])?;
    Ok(folder.flatten().map(PathBuf::from))
}

pub(crate) fn saved(db: &Connection, message: MessageKey, path: &str) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE file SET saved = ?2, folder = NULL WHERE message = ?1")?
        .execute(params![message.0, path])?;
    Ok(())
}

/// This device cannot do its part, and why.
pub(crate) fn failed(db: &Connection, message: MessageKey, why: &str) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE file SET failed = ?2, folder = NULL WHERE message = ?1")?
        .execute(params![message.0, why])?;
    Ok(())
}

/// Everything that this device could do now, the oldest first.
pub(crate) fn work(db: &Connection, now_ms: i64) -> rusqlite::Result<Vec<Work>> {
    let sql = format!(
        "{SELECT} WHERE file.file IS NOT NULL AND coalesce(ended, '') = '' AND ?1 < file.expires
           AND file.failed IS NULL AND coalesce(received, 0) < 1 + (folder IS NOT NULL)
           AND ((mine = 1 AND source IS NOT NULL AND coalesce(ready, 0) = 0)
             OR (mine = 0 AND folder IS NOT NULL AND ready = 1 AND accepted = 1)
             OR (mine = 0 AND saved IS NOT NULL AND coalesce(received, 0) = 0))
         ORDER BY file.message LIMIT ?2"
    );
    let work = |row: &Row<'_>| {
        let file = file(row, now_ms)?;
        let id = FileId(row.get(5)?);
        let sha256 = FileHash(row.get(9)?);
        let source = row.get::<_, Option<String>>(11)?;
        let folder = row.get::<_, Option<String>>(12)?;
        let task = match (file.mine, source, folder) {
            (true, Some(source), _) => Task::Upload { source: source.into() },
            (false, _, Some(folder)) => Task::Download { folder: folder.into() },
            (_, _, _) => Task::Tell,
        };
        Ok(Work { id, file, sha256, task })
    };
    db.prepare_cached(&sql)?.query_map([now_ms, MOST], work)?.collect()
}

fn file(row: &Row<'_>, now_ms: i64) -> rusqlite::Result<File> {
    let refused: Option<String> = row.get(4)?;
    let id: Option<i64> = row.get(5)?;
    let expires_ms: Option<i64> = row.get(10)?;
    let (accepted, ready, received): (bool, bool, bool) =
        (row.get(15)?, row.get(16)?, row.get(17)?);
    let ended: String = row.get(18)?;
    let old = expires_ms.is_some_and(|expires| expires <= now_ms);
    let state = match (refused, id, ended.as_str()) {
        (Some(word), None, _) => FileState::OfferRefused(code(&word)),
        (None, None, _) => FileState::Waiting,
        (_, _, "declined") => FileState::Declined,
        (_, _, "cancelled") => FileState::Cancelled,
        (_, _, "refused") => FileState::NotAsOffered,
        (_, _, _) if received => FileState::Received,
        (_, _, _) if old => FileState::Expired,
        (_, _, _) => match (accepted, ready) {
            (false, false) => FileState::Offered,
            (false, true) => FileState::Ready,
            (true, false) => FileState::Accepted,
            (true, true) => FileState::Available,
        },
    };
    let size = row.get::<_, i64>(7)?.unsigned_abs();
    let mine = row.get(2)?;
    Ok(File {
        message: MessageKey(row.get(0)?),
        id: id.map(FileId),
        peer: UserId(row.get(1)?),
        peer_name: username_of(row, "username")?,
        mine,
        time_ms: row.get(19)?,
        name: row.get(6)?,
        size,
        content_type: row.get(8)?,
        expires_ms,
        state,
        done: if mine && ready { size } else { 0 },
        wanted: row.get::<_, Option<String>>(12)?.is_some(),
        saved: row.get::<_, Option<String>>(13)?.map(PathBuf::from),
        failed: row.get(14)?,
        limit: row.get::<_, Option<i64>>(21)?.map(i64::unsigned_abs),
        left: row.get::<_, Option<i64>>(22)?.map(i64::unsigned_abs),
    })
}

fn number(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
