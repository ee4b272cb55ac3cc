//! The content of a file on its way out, part by part, each as it comes from the store.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use futures_util::stream::BoxStream;
use thrive_protocol::ids::FileId;
use tokio::time::timeout;

use super::{Desk, FileError};
use crate::files::{DepotError, PART};
use crate::store::files::{Part, StoredFile};

pub struct Download {
    desk: Arc<Desk>,
    file: FileId,
    size: u64,
    at: u64,
    /// Where the next parts are.
    parts: VecDeque<Part>,
    current: Option<BoxStream<'static, object_store::Result<Bytes>>>,
}

/// Parts that are looked up together.
const LOOK_UP: usize = 256;
/// For the next piece to come from the store.
const PIECE: Duration = Duration::from_secs(60);

impl Download {
    pub(super) fn begin(desk: Arc<Desk>, stored: &StoredFile, from: u64) -> Self {
        let at = from.min(stored.size);
        let (file, size) = (stored.file, stored.size);
        Self { desk, file, size, at, parts: VecDeque::new(), current: None }
    }

    /// Of the whole file.
    #[must_use]
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The next bytes; `None` after the last one.
    ///
    /// # Errors
    /// The store failed, or the file is not whole any more.
    pub async fn next(&mut self) -> Result<Option<Bytes>, FileError> {
        while self.at < self.size {
            let Some(current) = &mut self.current else {
                self.open_part().await?;
                continue;
            };
            let piece = timeout(PIECE, current.try_next()).await.map_err(|_| DepotError::Silent)?;
            match piece.map_err(DepotError::from)? {
                Some(piece) => {
                    self.at += piece.len() as u64;
                    return Ok(Some(piece));
                }
                // It ends where a part ends, or it is not what was stored.
                None if self.at.is_multiple_of(PART as u64) => self.current = None,
                None => return Err(FileError::Damaged),
            }
        }
        Ok(None)
    }

    async fn open_part(&mut self) -> Result<(), FileError> {
        let number = i64::try_from(self.at / PART as u64).unwrap_or(i64::MAX);
        if self.parts.is_empty() {
            self.parts = self.desk.database.parts(self.file, number, LOOK_UP).await?.into();
        }
        let part = self.parts.pop_front().filter(|part| part.number == number);
        let part = part.ok_or(FileError::Damaged)?;
        let within = self.at % PART as u64;
        self.current = Some(self.desk.depot.read(self.file, part, within).await?);
        Ok(())
    }
}
