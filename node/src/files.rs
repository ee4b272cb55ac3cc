//! The content of files, in parts, in an object store: a folder, or anything that speaks S3. Knows neither
//! people nor rights.

mod s3;
mod sweeper;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt as _;
use futures_util::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt as _};
use thrive_protocol::ids::FileId;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

pub use self::sweeper::{Nudge, Sweeper};
use crate::config::FilePlace;
use crate::store::files::Part;

/// Bytes of a part, except the last one of a file: what an upload holds in memory, and what it loses at most
/// when it is interrupted.
pub const PART: usize = 1024 * 1024;

/// A cheap handle.
#[derive(Clone, Debug)]
pub struct Depot {
    store: Arc<dyn ObjectStore>,
    prefix: String,
    /// Where it is, if it is a folder.
    folder: Option<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum DepotError {
    #[error("make the folder {} for files", path.display())]
    Folder { path: PathBuf, source: std::io::Error },
    #[error("read {}", path.display())]
    File { path: PathBuf, source: std::io::Error },
    #[error("the object store cannot be used as it is set up: {0}")]
    Settings(String),
    #[error("the object store failed")]
    Store(#[from] object_store::Error),
    #[error("delete files")]
    Delete(#[source] std::io::Error),
    #[error("the object store does not answer")]
    Silent,
}

impl DepotError {
    /// What was asked for is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        matches!(self, Self::Store(object_store::Error::NotFound { .. }))
    }
}

/// For one part to be written, or to begin to come.
const ANSWER: Duration = Duration::from_secs(60);

impl Depot {
    /// `None`: no files are taken. Touches no network.
    ///
    /// # Errors
    /// The folder cannot be made, or the settings of the store make no sense.
    pub fn open(place: &FilePlace) -> Result<Option<Self>, DepotError> {
        match place {
            FilePlace::Off => Ok(None),
            FilePlace::Folder(path) => Self::in_folder(path).map(Some),
            FilePlace::S3(settings) => {
                let (store, prefix) = (s3::open(settings)?, settings.prefix.clone());
                Ok(Some(Self { store, prefix, folder: None }))
            }
        }
    }

    fn in_folder(path: &Path) -> Result<Self, DepotError> {
        let failed = |source| DepotError::Folder { path: path.to_owned(), source };
        make_private_folder(path).map_err(failed)?;
        // A part that is noted as stored must survive a power cut.
        let store = LocalFileSystem::new_with_prefix(path)?.with_fsync(true);
        let folder = Some(path.to_owned());
        Ok(Self { store: Arc::new(store), prefix: String::new(), folder })
    }

    /// Writes a part, whole or not at all.
    ///
    /// # Errors
    /// The store failed.
    pub async fn put(&self, file: FileId, part: Part, bytes: Bytes) -> Result<(), DepotError> {
        let written = timeout(ANSWER, self.store.put(&self.key(file, part), bytes.into())).await;
        written.map_err(|_| DepotError::Silent)??;
        Ok(())
    }

    /// The bytes of a part from a place on, piece by piece.
    ///
    /// # Errors
    /// The store failed, or does not have it.
    pub async fn read(
        &self,
        file: FileId,
        part: Part,
        from: u64,
    ) -> Result<BoxStream<'static, object_store::Result<Bytes>>, DepotError> {
        let range = (from != 0).then_some(GetRange::Offset(from));
        let options = GetOptions { range, ..GetOptions::default() };
        let read = timeout(ANSWER, self.store.get_opts(&self.key(file, part), options)).await;
        Ok(read.map_err(|_| DepotError::Silent)??.into_stream())
    }

    /// How long each stored part of a file is. Reads none of them.
    ///
    /// # Errors
    /// The store failed.
    pub async fn lengths(&self, file: FileId) -> Result<HashMap<(i64, i64), u64>, DepotError> {
        let below = object_store::path::Path::from(format!("{}{file}", self.prefix));
        let (mut found, mut lengths) = (self.store.list(Some(&below)), HashMap::new());
        while let Some(object) =
            timeout(ANSWER, found.next()).await.map_err(|_| DepotError::Silent)?
        {
            let object = object?;
            let name = object.location.filename().and_then(|name| name.split_once('-'));
            let numbers = name.and_then(|(part, upload)| {
                Some((part.parse::<i64>().ok()?, upload.parse::<i64>().ok()?))
            });
            lengths.extend(numbers.map(|numbers| (numbers, object.size)));
        }
        Ok(lengths)
    }

    /// Deletes a part that nobody knows of.
    ///
    /// # Errors
    /// The store failed.
    pub async fn delete_part(&self, file: FileId, part: Part) -> Result<(), DepotError> {
        self.store.delete(&self.key(file, part)).await.or_else(if_it_is_there)
    }

    /// Deletes all that is stored of a file.
    ///
    /// # Errors
    /// The store failed; some of it may be deleted.
    pub async fn delete(&self, file: FileId) -> Result<(), DepotError> {
        if let Some(folder) = &self.folder {
            // With what an interrupted writing has left there, which the store does not list.
            let folder = folder.join(file.to_string());
            let deleted = spawn_blocking(move || match std::fs::remove_dir_all(folder) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                Ok(()) | Err(_) => Ok(()),
            });
            let deleted = deleted.await.unwrap_or_else(|stopped| Err(stopped.into()));
            return deleted.map_err(DepotError::Delete);
        }
        let below = object_store::path::Path::from(format!("{}{file}", self.prefix));
        let mut found = self.store.list(Some(&below));
        while let Some(object) =
            timeout(ANSWER, found.next()).await.map_err(|_| DepotError::Silent)?
        {
            self.store.delete(&object?.location).await.or_else(if_it_is_there)?;
        }
        Ok(())
    }

    fn key(&self, file: FileId, part: Part) -> object_store::path::Path {
        let Part { number, upload } = part;
        object_store::path::Path::from(format!("{}{file}/{number}-{upload}", self.prefix))
    }
}

/// What is gone already need not be deleted.
fn if_it_is_there(error: object_store::Error) -> Result<(), DepotError> {
    match error {
        object_store::Error::NotFound { .. } => Ok(()),
        other => Err(other.into()),
    }
}

fn make_private_folder(path: &Path) -> std::io::Result<()> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

#[cfg(test)]
pub(crate) mod tests;
