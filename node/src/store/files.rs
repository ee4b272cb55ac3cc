//! Files that people offer each other: what is known of each, and which parts of it are stored. The parts
//! themselves are in the object store.

mod offering;

use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::file::{ContentType, FileHash, FileName};
use thrive_protocol::ids::{ConversationId, FileId, Time, UserId};

pub use self::offering::{NewOffer, Offered, OfferingRefusal};
use crate::domain::offer::{self, Deed, Ended, OfferRefusal, Side, Standing};
use crate::store::entries;
use crate::store::error::{Cause, Doing};
use crate::store::undisturbed::undisturbed;
use crate::store::value::{Row, Value, values};
use crate::store::{Database, StoreError, Transaction};

/// A file that was offered.
#[derive(Clone, Debug)]
pub struct StoredFile {
    pub file: FileId,
    pub conversation: ConversationId,
    pub sender: UserId,
    pub recipient: UserId,
    pub name: FileName,
    pub size: u64,
    pub content_type: ContentType,
    pub sha256: FileHash,
    pub expires: Time,
    pub standing: Standing,
    /// Bytes that are stored, from the beginning.
    pub stored: u64,
}

/// A turn to add to a file. It is over when another one begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Turn {
    pub file: FileId,
    pub upload: i64,
}

/// Where a part of a file is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Part {
    pub number: i64,
    pub upload: i64,
}

#[derive(Debug, thiserror::Error)]
pub enum ChangeFileError {
    #[error("it may not be done")]
    Refused(#[source] OfferRefusal),
    /// Another upload of the same file began.
    #[error("another upload goes on with the file")]
    Elsewhere,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl StoredFile {
    /// Where somebody stands.
    ///
    /// # Errors
    /// The file is none of their business.
    pub fn side_of(&self, user: UserId) -> Result<Side, OfferRefusal> {
        match user {
            user if user == self.sender => Ok(Side::Sender),
            user if user == self.recipient => Ok(Side::Recipient),
            _ => Err(OfferRefusal::NoSuchFile),
        }
    }

    /// The other one.
    #[must_use]
    pub fn peer_of(&self, user: UserId) -> UserId {
        if user == self.sender { self.recipient } else { self.sender }
    }
}

impl Database {
    /// # Errors
    /// The store failed.
    pub async fn file(&self, file: FileId, now: Time) -> Result<Option<StoredFile>, StoreError> {
        let doing = "read a file";
        let rows = self.read(doing, SELECT_FILE, values![file]).await?;
        rows.first().map(|row| file_of(row, now)).transpose().doing(doing)
    }

    /// Does what somebody wants with a file, if the rules allow it, and puts it into the log of the
    /// conversation. No entry: it was so already. With a turn, nothing happens once it is over.
    ///
    /// # Errors
    /// The rules say no, the turn is over, or the store failed.
    pub async fn change_file(
        &self,
        file: FileId,
        actor: UserId,
        deed: Deed,
        turn: Option<Turn>,
        now: Time,
    ) -> Result<Option<Entry>, ChangeFileError> {
        undisturbed(|| self.try_change_file(file, actor, deed, turn, now)).await
    }

    async fn try_change_file(
        &self,
        file: FileId,
        actor: UserId,
        deed: Deed,
        turn: Option<Turn>,
        now: Time,
    ) -> Result<Option<Entry>, ChangeFileError> {
        let mut transaction = self.begin("change a file").await?;
        let (stored, upload) = read(&mut transaction, file, now).await?;
        if turn.is_some_and(|turn| turn.upload != upload) {
            return Err(ChangeFileError::Elsewhere);
        }
        let decided =
            stored.side_of(actor).and_then(|side| offer::decide(deed, side, stored.standing));
        let Some(state) = decided.map_err(ChangeFileError::Refused)? else { return Ok(None) };
        let statement = match deed {
            Deed::Accept => "UPDATE file SET accepted = 1 WHERE id = $1",
            Deed::Receive => "UPDATE file SET received = 1 WHERE id = $1",
            Deed::Finish => "UPDATE file SET ready = 1 WHERE id = $1 AND stored = size",
            Deed::Decline => "UPDATE file SET ended = 'declined' WHERE id = $1",
            Deed::Cancel => "UPDATE file SET ended = 'cancelled' WHERE id = $1",
            Deed::Refuse => "UPDATE file SET ended = 'refused' WHERE id = $1",
        };
        transaction.run(statement, values![file]).await?;
        let body = Body::FileState { file, state };
        let entry =
            entries::append(&mut transaction, stored.conversation, actor, None, now, body).await?;
        transaction.commit().await?;
        Ok(Some(entry))
    }

    /// Begins an upload, which ends the turn of any other one of this file.
    ///
    /// # Errors
    /// The caller is not the sender, nothing is to be sent any more, or the store failed.
    pub async fn begin_upload(
        &self,
        file: FileId,
        sender: UserId,
        now: Time,
    ) -> Result<(StoredFile, Turn), ChangeFileError> {
        undisturbed(|| self.try_begin_upload(file, sender, now)).await
    }

    async fn try_begin_upload(
        &self,
        file: FileId,
        sender: UserId,
        now: Time,
    ) -> Result<(StoredFile, Turn), ChangeFileError> {
        let mut transaction = self.begin("begin an upload").await?;
        let (stored, upload) = read(&mut transaction, file, now).await?;
        let finish = stored.side_of(sender);
        let finish = finish.and_then(|side| offer::decide(Deed::Finish, side, stored.standing));
        finish.map_err(ChangeFileError::Refused)?;
        let turn = Turn { file, upload: upload + 1 };
        transaction.run(TAKE_TURN, values![file, turn.upload]).await?;
        transaction.commit().await?;
        Ok((stored, turn))
    }

    /// Notes that one more part is stored, which begins at `at`, with the hash up to its end. `false`: the turn is over, or the
    /// file has ended or expired.
    ///
    /// # Errors
    /// The store failed.
    pub async fn add_part(
        &self,
        turn: Turn,
        number: i64,
        at: u64,
        len: u64,
        hashed: Option<&[u8]>,
        now: Time,
    ) -> Result<bool, StoreError> {
        undisturbed(|| self.try_add_part(turn, number, at, len, hashed, now)).await
    }

    async fn try_add_part(
        &self,
        turn: Turn,
        number: i64,
        at: u64,
        len: u64,
        hashed: Option<&[u8]>,
        now: Time,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin("add a part of a file").await?;
        let grown = values![turn.file, turn.upload, whole(at), whole(len), now];
        if transaction.run(GROW, grown).await?.is_empty() {
            return Ok(false);
        }
        let hashed = hashed.map_or(Value::Null, |state| state.to_vec().into());
        let part = values![turn.file, number, turn.upload, hashed];
        transaction.run(INSERT_PART, part).await?;
        transaction.commit().await?;
        Ok(true)
    }

    /// Forgets the parts from a number on, which is where `at` bytes end. `false`: the turn is over, or the file
    /// has ended.
    ///
    /// # Errors
    /// The store failed.
    pub async fn cut_parts(&self, turn: Turn, number: i64, at: u64) -> Result<bool, StoreError> {
        undisturbed(async || {
            let mut transaction = self.begin("forget lost parts of a file").await?;
            let cut = values![turn.file, turn.upload, whole(at)];
            if transaction.run(CUT, cut).await?.is_empty() {
                return Ok(false);
            }
            let parts = "DELETE FROM file_part WHERE file = $1 AND $2 <= number";
            transaction.run(parts, values![turn.file, number]).await?;
            transaction.commit().await?;
            Ok(true)
        })
        .await
    }

    /// The parts of a file from a number on, in order, and no more than `limit`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn parts(
        &self,
        file: FileId,
        from: i64,
        limit: usize,
    ) -> Result<Vec<Part>, StoreError> {
        let doing = "read the parts of a file";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.read(doing, SELECT_PARTS, values![file, from, limit]).await?;
        let part = |row: &Row| Ok(Part { number: row.get(0)?, upload: row.get(1)? });
        rows.iter().map(part).collect::<Result<_, _>>().doing(doing)
    }

    /// The last part before a number of which the hash was noted, and that hash.
    ///
    /// # Errors
    /// The store failed.
    pub async fn hashed_part(
        &self,
        file: FileId,
        before: i64,
    ) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let doing = "read the hash of a part";
        let rows = self.read(doing, SELECT_HASHED, values![file, before]).await?;
        rows.first().map(|row| Ok((row.get(0)?, row.get(1)?))).transpose().doing(doing)
    }

    /// Files whose content is of no more use, those that have expired included.
    ///
    /// # Errors
    /// The store failed.
    pub async fn files_to_sweep(&self, now: Time, limit: usize) -> Result<Vec<FileId>, StoreError> {
        let doing = "find files to delete";
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.read(doing, SELECT_TO_SWEEP, values![now, limit]).await?;
        rows.iter().map(|row| row.get(0)).collect::<Result<_, _>>().doing(doing)
    }

    /// Notes that the content of a file is deleted. Of one that has expired, nothing is kept.
    ///
    /// # Errors
    /// The store failed.
    pub async fn file_is_swept(&self, file: FileId, now: Time) -> Result<(), StoreError> {
        undisturbed(async || {
            let mut transaction = self.begin("note that a file is deleted").await?;
            transaction.run("DELETE FROM file_part WHERE file = $1", values![file]).await?;
            transaction.run(SWEPT, values![file]).await?;
            let gone = "DELETE FROM file WHERE id = $1 AND expires <= $2";
            transaction.run(gone, values![file, now]).await?;
            transaction.commit().await
        })
        .await
    }
}

/// The file, and the number of its last upload.
async fn read(
    transaction: &mut Transaction,
    file: FileId,
    now: Time,
) -> Result<(StoredFile, i64), ChangeFileError> {
    let rows = transaction.run(SELECT_FILE, values![file]).await?;
    let row = rows.first().ok_or(ChangeFileError::Refused(OfferRefusal::NoSuchFile))?;
    let read = file_of(row, now).and_then(|file| Ok((file, row.get(14)?)));
    Ok(read.doing("read a file")?)
}

fn file_of(row: &Row, now: Time) -> Result<StoredFile, Cause> {
    let sha256: Vec<u8> = row.get(7)?;
    let expires: Time = row.get(8)?;
    let ended = match row.get::<String>(12)?.as_str() {
        "" => None,
        "declined" => Some(Ended::Declined),
        "cancelled" => Some(Ended::Cancelled),
        _ => Some(Ended::Refused),
    };
    Ok(StoredFile {
        file: row.get(0)?,
        conversation: row.get(1)?,
        sender: row.get(2)?,
        recipient: row.get(3)?,
        name: FileName::parse(&row.get::<String>(4)?).map_err(|_| Cause::Corrupt)?,
        size: row.get::<i64>(5)?.unsigned_abs(),
        content_type: ContentType::parse(&row.get::<String>(6)?),
        sha256: FileHash(sha256.try_into().map_err(|_| Cause::Corrupt)?),
        expires,
        standing: Standing {
            accepted: row.get(9)?,
            ready: row.get(10)?,
            received: row.get(11)?,
            ended,
            expired: expires <= now,
        },
        stored: row.get::<i64>(13)?.unsigned_abs(),
    })
}

/// A number of bytes as the database has it; none is larger.
fn whole(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

const SELECT_FILE: &str = "
    SELECT id, conversation, sender, recipient, name, size, content_type, sha256, expires,
      accepted, ready, received, ended, stored, upload
    FROM file WHERE id = $1";

const TAKE_TURN: &str = "UPDATE file SET upload = $2 WHERE id = $1";

const GROW: &str = "
    UPDATE file SET stored = stored + $4
    WHERE id = $1 AND upload = $2 AND stored = $3 AND ended = '' AND $5 < expires RETURNING stored";

const CUT: &str = "
    UPDATE file SET stored = $3
    WHERE id = $1 AND upload = $2 AND ready = 0 AND ended = '' RETURNING stored";

const INSERT_PART: &str = "
    INSERT INTO file_part (file, number, upload, hashed) VALUES ($1, $2, $3, $4)";

const SELECT_HASHED: &str = "
    SELECT number, hashed FROM file_part WHERE file = $1 AND number < $2 AND hashed IS NOT NULL
    ORDER BY number DESC LIMIT 1";

const SELECT_PARTS: &str = "
    SELECT number, upload FROM file_part WHERE file = $1 AND $2 <= number ORDER BY number LIMIT $3";

const SELECT_TO_SWEEP: &str = "
    SELECT id FROM file WHERE expires <= $1 OR (ended <> '' AND swept = 0) ORDER BY id LIMIT $2";

const SWEPT: &str = "UPDATE file SET swept = 1, stored = 0 WHERE id = $1 AND ended <> ''";
