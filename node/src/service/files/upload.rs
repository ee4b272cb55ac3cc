//! The content of a file on its way in: cut into parts, looked at, counted, and compared in the end with what
//! was offered. No more than one part of it is in memory.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::TryStreamExt as _;
use sha2::digest::common::hazmat::{DeserializeStateError, SerializableState as _};
use sha2::{Digest as _, Sha256};
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::{FileId, UserId};

use super::{Desk, FileError};
use crate::clock;
use crate::domain::offer::Deed;
use crate::files::{DepotError, PART};
use crate::store::files::{ChangeFileError, Part, StoredFile, Turn};

pub struct Upload {
    desk: Arc<Desk>,
    sender: UserId,
    stored: StoredFile,
    turn: Turn,
    /// Where the part begins that is being filled.
    at: u64,
    part: BytesMut,
    hash: Sha256,
}

/// The number of the part that begins there.
fn number_at(at: u64) -> i64 {
    i64::try_from(at / PART as u64).unwrap_or(i64::MAX)
}

/// A hash as it was noted.
fn deserialized(state: &[u8]) -> Result<Sha256, DeserializeStateError> {
    let state = state.try_into().map_err(|_| DeserializeStateError)?;
    Sha256::deserialize(state)
}

/// Parts that are looked up together.
const LOOK_UP: usize = 256;

impl Upload {
    pub(super) async fn begin(
        desk: Arc<Desk>,
        sender: UserId,
        file: FileId,
    ) -> Result<Self, FileError> {
        let (stored, turn) = desk.database.begin_upload(file, sender, clock::now()).await?;
        let at = stored.stored;
        let mut upload =
            Self { desk, sender, stored, turn, at, part: BytesMut::new(), hash: Sha256::new() };
        if !upload.stored.standing.ready && 0 < at {
            upload.leave_out_what_is_lost().await?;
            upload.hash_what_is_stored().await?;
        }
        Ok(upload)
    }

    /// Goes back before the first part that the depot has not, or not whole.
    async fn leave_out_what_is_lost(&mut self) -> Result<(), FileError> {
        let file = self.turn.file;
        let lengths = self.desk.depot.lengths(file).await?;
        let mut at = 0;
        while at < self.at {
            let parts = self.desk.database.parts(file, number_at(at), LOOK_UP).await?;
            let before = at;
            for part in &parts {
                let len = (self.at - at).min(PART as u64);
                let is_there = lengths.get(&(part.number, part.upload)) == Some(&len);
                if part.number != number_at(at) || !is_there {
                    return self.go_back_to(at).await;
                }
                at += len;
            }
            if at == before {
                return self.go_back_to(at).await;
            }
        }
        Ok(())
    }

    /// A part is missing or not whole, which nobody can mend but the sender: what follows from it on is sent
    /// again.
    async fn go_back_to(&mut self, at: u64) -> Result<(), FileError> {
        tracing::warn!(file.id = %self.turn.file, at, "A part of a file is lost; it is sent again");
        if self.desk.database.cut_parts(self.turn, number_at(at), at).await? {
            self.at = at;
            return Ok(());
        }
        Err(ChangeFileError::Elsewhere.into())
    }

    /// How much is stored, which is where to go on after an interruption.
    #[must_use]
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Takes the next bytes in. Returns when there is room for more.
    ///
    /// # Errors
    /// They are not what was offered: call [`Self::refuse`]. Or it cannot go on now; what is stored stays.
    pub async fn take(&mut self, mut bytes: Bytes) -> Result<(), FileError> {
        if self.stored.size < self.at + (self.part.len() + bytes.len()) as u64 {
            return Err(FileError::NotAsOffered);
        }
        while !bytes.is_empty() {
            let piece = bytes.split_to(bytes.len().min(PART - self.part.len()));
            self.part.extend_from_slice(&piece);
            if self.part.len() == PART {
                self.store_part().await?;
            }
        }
        Ok(())
    }

    /// Everything has come.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub async fn finish(&mut self) -> Result<Option<Entry>, FileError> {
        if self.stored.standing.ready {
            return Ok(None);
        }
        if self.at + self.part.len() as u64 != self.stored.size {
            return Err(FileError::NotAsOffered);
        }
        if !self.part.is_empty() {
            self.store_part().await?;
        }
        let hash: [u8; 32] = self.hash.clone().finalize().into();
        if hash != self.stored.sha256.0 {
            return Err(FileError::NotAsOffered);
        }
        // A ban may have come meanwhile.
        self.desk.may_send(self.sender, &self.stored.name, &self.stored.content_type).await?;
        self.change(Deed::Finish).await
    }

    /// Ends the offer, whose content is not what was offered. Nothing of it is kept.
    ///
    /// # Errors
    /// The store failed, or the turn of this upload is over.
    pub async fn refuse(self) -> Result<Option<Entry>, FileError> {
        let entry = self.change(Deed::Refuse).await?;
        self.desk.nudge.now();
        Ok(entry)
    }

    async fn change(&self, deed: Deed) -> Result<Option<Entry>, FileError> {
        let (file, turn) = (self.turn.file, Some(self.turn));
        let now = clock::now();
        Ok(self.desk.database.change_file(file, self.sender, deed, turn, now).await?)
    }

    async fn store_part(&mut self) -> Result<(), FileError> {
        let bytes = self.part.split().freeze();
        self.part = BytesMut::new();
        if self.at == 0 && !self.desk.settings.rules.take_content(&self.stored.name, &bytes) {
            return Err(FileError::TypeRefused);
        }
        self.hash.update(&bytes);
        let len = bytes.len() as u64;
        let number = number_at(self.at);
        let part = Part { number, upload: self.turn.upload };
        let file = self.turn.file;
        self.desk.depot.put(file, part, bytes).await?;
        // Within a block of the hash its state holds words of the file, which belong into the depot only.
        let hashed = (len == PART as u64).then(|| self.hash.serialize());
        let (hashed, now) = (hashed.as_ref().map(AsRef::as_ref), clock::now());
        if self.desk.database.add_part(self.turn, number, self.at, len, hashed, now).await? {
            self.at += len;
            return Ok(());
        }
        // Nobody knows of it, so nobody else would delete it.
        self.desk.depot.delete_part(file, part).await?;
        let now = self.desk.stored(file).await?;
        if now.standing.ended.is_some() || now.standing.expired {
            return Err(crate::domain::offer::OfferRefusal::Gone.into());
        }
        Err(ChangeFileError::Elsewhere.into())
    }

    /// What came before an interruption counts as well. Its hash was noted with each full part: read again is
    /// only a last one that is not full, and what an older node has stored, which noted none.
    async fn hash_what_is_stored(&mut self) -> Result<(), FileError> {
        let file = self.turn.file;
        let mut hashed = 0_u64;
        let before = number_at(self.at.saturating_add(PART as u64 - 1));
        if let Some((number, state)) = self.desk.database.hashed_part(file, before).await?
            && let Ok(hash) = deserialized(&state)
        {
            self.hash = hash;
            let end = number.unsigned_abs().saturating_add(1).saturating_mul(PART as u64);
            hashed = end.min(self.at);
        }
        while hashed < self.at {
            let parts = self.desk.database.parts(file, number_at(hashed), LOOK_UP).await?;
            let before = hashed;
            for part in parts {
                let rest = (self.at - hashed).min(PART as u64);
                let Some(bytes) = self.whole_part(file, part, rest).await? else {
                    return self.go_back_to(hashed).await;
                };
                self.hash.update(&bytes);
                hashed += rest;
            }
            if hashed == before {
                return self.go_back_to(hashed).await;
            }
        }
        Ok(())
    }

    /// `None`: it is not there, or not as long as it was.
    async fn whole_part(
        &self,
        file: FileId,
        part: Part,
        len: u64,
    ) -> Result<Option<BytesMut>, FileError> {
        let mut pieces = match self.desk.depot.read(file, part, 0).await {
            Ok(pieces) => pieces,
            Err(error) if error.is_missing() => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = BytesMut::new();
        while let Some(piece) = pieces.try_next().await.map_err(DepotError::from)? {
            bytes.extend_from_slice(&piece);
        }
        Ok((bytes.len() as u64 == len).then_some(bytes))
    }
}
