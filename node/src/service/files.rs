//! Files: offering, accepting and the like. Their content goes through [`Upload`] and [`Download`].

mod download;
mod upload;

use std::sync::Arc;

use thrive_protocol::bounded::List;
use thrive_protocol::entry::Entry;
use thrive_protocol::file::{
    ContentType, FileLimits, FileName, FileOffered, InvalidFileName, OfferFile,
};
use thrive_protocol::ids::{FileId, Time, UserId};
use thrive_protocol::people::Availability;
use thrive_protocol::{Code, Refusal, limits};

pub use self::download::Download;
pub use self::upload::Upload;
use super::Caller;
use crate::clock;
use crate::config;
use crate::domain::offer::{self, Deed, OfferRefusal};
use crate::files::{Depot, DepotError, Nudge};
use crate::news::{Answer, Fault};
use crate::store::files::{ChangeFileError, NewOffer, OfferingRefusal, StoredFile};
use crate::store::{Database, StoreError};

#[derive(Clone)]
pub struct Files {
    /// `None`: no files are taken.
    desk: Option<Arc<Desk>>,
}

/// What files need, where they are taken.
struct Desk {
    database: Database,
    depot: Depot,
    settings: config::Files,
    nudge: Nudge,
}

#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("this server takes no files")]
    Off,
    #[error("the name of the file is not allowed")]
    Name(#[from] InvalidFileName),
    #[error("the file is empty")]
    Empty,
    #[error("the file is larger than {most} bytes")]
    TooLarge { most: u64 },
    #[error("files of this kind are not taken")]
    TypeRefused,
    #[error("an admin has forbidden the caller to send files of this kind")]
    Banned,
    #[error("what was sent is not what was offered")]
    NotAsOffered,
    #[error("it may not be offered")]
    Offering { refusal: OfferingRefusal, quota: u64 },
    #[error("they have blocked the caller")]
    Blocked,
    #[error("the caller has blocked them")]
    BlockedByYou,
    #[error("it may not be done with this file")]
    Refused(#[from] OfferRefusal),
    #[error("another upload goes on with the file")]
    Elsewhere,
    #[error("a part of the file is not as long as it was when it was stored")]
    Damaged,
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Depot(#[from] DepotError),
}

impl Files {
    pub(super) fn new(
        database: Database,
        depot: Option<Depot>,
        settings: config::Files,
        nudge: Nudge,
    ) -> Self {
        let desk = depot.map(|depot| Arc::new(Desk { database, depot, settings, nudge }));
        Self { desk }
    }

    /// What is told about them.
    #[must_use]
    pub fn limits(&self) -> Option<FileLimits> {
        let settings = &self.desk.as_ref()?.settings;
        Some(FileLimits {
            bytes: settings.most,
            quota: settings.quota,
            keep_ms: u64::try_from(settings.keep.as_millis()).unwrap_or(u64::MAX),
            refused: List::cut(settings.rules.refused()),
        })
    }

    /// Offers a file; the entry is news for everybody in the conversation, unless it was there already.
    ///
    /// # Errors
    /// It cannot be offered.
    pub async fn offer(
        &self,
        caller: &Caller,
        request: OfferFile,
    ) -> Result<(FileOffered, Option<Entry>), FileError> {
        let desk = self.desk()?;
        let OfferFile { conversation, id, name, size, content_type, sha256 } = request;
        let settings = &desk.settings;
        let name = FileName::parse(&name.0)?;
        let content_type = ContentType::parse(&content_type);
        if size == 0 {
            return Err(FileError::Empty);
        }
        if settings.most < size {
            return Err(FileError::TooLarge { most: settings.most });
        }
        desk.may_send(caller.user, &name, &content_type).await?;
        let time = clock::now();
        let keep = i64::try_from(settings.keep.as_millis()).unwrap_or(i64::MAX);
        let new = NewOffer {
            conversation,
            sender: caller.user,
            id,
            name,
            size,
            content_type,
            sha256,
            time,
            expires: Time(time.0.saturating_add(keep)),
            quota: settings.quota,
            at_most: limits::FILES,
        };
        let refused = |refusal| FileError::Offering { refusal, quota: settings.quota };
        let offered = desk.database.offer_file(&new).await?.map_err(refused)?;
        let Entry { seq, time, .. } = offered.entry;
        let reply =
            FileOffered { id, seq, time, file: offered.offer.file, expires: offered.offer.expires };
        Ok((reply, (!offered.duplicate).then_some(offered.entry)))
    }

    /// # Errors
    /// The caller is not who it was offered to, or it is gone.
    pub async fn accept(&self, caller: &Caller, file: FileId) -> Result<Option<Entry>, FileError> {
        let desk = self.desk()?;
        let stored = desk.stored(file).await?;
        stored.side_of(caller.user)?;
        desk.not_blocked(caller, &stored).await?;
        desk.change(caller, file, Deed::Accept).await
    }

    /// # Errors
    /// The caller is not who it was offered to, or it is gone.
    pub async fn decline(&self, caller: &Caller, file: FileId) -> Result<Option<Entry>, FileError> {
        self.end(caller, file, Deed::Decline).await
    }

    /// # Errors
    /// The caller has not offered it, or it is gone.
    pub async fn cancel(&self, caller: &Caller, file: FileId) -> Result<Option<Entry>, FileError> {
        self.end(caller, file, Deed::Cancel).await
    }

    /// Nothing comes of it while the caller is invisible: a client that fetches by itself what was accepted
    /// before would tell that they are there. It says so again until the log has it.
    ///
    /// # Errors
    /// The caller cannot have it.
    pub async fn received(
        &self,
        caller: &Caller,
        file: FileId,
    ) -> Result<Option<Entry>, FileError> {
        let desk = self.desk()?;
        let stored = desk.stored(file).await?;
        let news = offer::decide(Deed::Receive, stored.side_of(caller.user)?, stored.standing)?;
        if news.is_none() || desk.is_invisible(caller.user).await? {
            return Ok(None);
        }
        desk.change(caller, file, Deed::Receive).await
    }

    /// Begins to take the content of a file in, or goes on.
    ///
    /// # Errors
    /// The caller has not offered it, it is gone, or the store failed.
    pub async fn upload(&self, caller: &Caller, file: FileId) -> Result<Upload, FileError> {
        let desk = Arc::clone(self.desk()?);
        let stored = desk.stored(file).await?;
        desk.not_blocked(caller, &stored).await?;
        desk.may_send(caller.user, &stored.name, &stored.content_type).await?;
        Upload::begin(desk, caller.user, file).await
    }

    /// Begins to give the content of a file out.
    ///
    /// # Errors
    /// It is not for the caller, not whole, or gone.
    pub async fn download(
        &self,
        caller: &Caller,
        file: FileId,
        from: u64,
    ) -> Result<Download, FileError> {
        let desk = Arc::clone(self.desk()?);
        let stored = desk.stored(file).await?;
        let side = stored.side_of(caller.user)?;
        desk.not_blocked(caller, &stored).await?;
        offer::may_download(side, stored.standing)?;
        Ok(Download::begin(desk, &stored, from))
    }

    async fn end(
        &self,
        caller: &Caller,
        file: FileId,
        deed: Deed,
    ) -> Result<Option<Entry>, FileError> {
        let desk = self.desk()?;
        let entry = desk.change(caller, file, deed).await?;
        desk.nudge.now();
        Ok(entry)
    }

    fn desk(&self) -> Result<&Arc<Desk>, FileError> {
        self.desk.as_ref().ok_or(FileError::Off)
    }
}

impl Desk {
    /// The one place that says whether somebody may send a file of this kind. It is asked for each offer,
    /// and again at the beginning and the end of each upload, since the answer may be another one by then.
    async fn may_send(
        &self,
        sender: UserId,
        name: &FileName,
        content_type: &ContentType,
    ) -> Result<(), FileError> {
        if !self.settings.rules.take_name(name, content_type) {
            return Err(FileError::TypeRefused);
        }
        let ban = self.database.file_ban(sender, &name.extension(), clock::now()).await?;
        if ban.is_some() { Err(FileError::Banned) } else { Ok(()) }
    }

    async fn stored(&self, file: FileId) -> Result<StoredFile, FileError> {
        let stored = self.database.file(file, clock::now()).await?;
        Ok(stored.ok_or(OfferRefusal::NoSuchFile)?)
    }

    async fn is_invisible(&self, user: UserId) -> Result<bool, FileError> {
        let statuses = self.database.statuses_of(&[user]).await?;
        let invisible = Availability::Invisible;
        Ok(statuses.iter().any(|(_, status)| status.presence.availability == invisible))
    }

    /// Between people of whom one has blocked the other, nothing goes to and fro.
    async fn not_blocked(&self, caller: &Caller, stored: &StoredFile) -> Result<(), FileError> {
        // Before anything is said about the two: whoever else asks learns nothing.
        stored.side_of(caller.user)?;
        let pair = self.database.pair(caller.user, stored.peer_of(caller.user)).await?;
        match (pair.mine.blocked, pair.theirs.blocked) {
            (true, _) => Err(FileError::BlockedByYou),
            (false, true) => Err(FileError::Blocked),
            (false, false) => Ok(()),
        }
    }

    async fn change(
        &self,
        caller: &Caller,
        file: FileId,
        deed: Deed,
    ) -> Result<Option<Entry>, FileError> {
        Ok(self.database.change_file(file, caller.user, deed, None, clock::now()).await?)
    }
}

impl From<ChangeFileError> for FileError {
    fn from(error: ChangeFileError) -> Self {
        match error {
            ChangeFileError::Refused(refusal) => Self::Refused(refusal),
            ChangeFileError::Elsewhere => Self::Elsewhere,
            ChangeFileError::Store(error) => Self::Store(error),
        }
    }
}

impl Answer for FileError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Off => Code::FilesOff.into(),
            Self::Name(_) => Code::FileNameInvalid.into(),
            Self::Empty => Code::FileEmpty.into(),
            Self::TooLarge { most } => Refusal { limit: Some(*most), ..Code::FileTooLarge.into() },
            Self::TypeRefused => Code::FileTypeRefused.into(),
            Self::Banned => Code::FileBanned.into(),
            Self::NotAsOffered => Code::FileNotAsOffered.into(),
            Self::Offering { refusal, quota } => match refusal {
                OfferingRefusal::NoSuchConversation => Code::NoSuchConversation.into(),
                OfferingRefusal::Blocked => Code::Blocked.into(),
                OfferingRefusal::BlockedByYou => Code::BlockedByYou.into(),
                OfferingRefusal::Quota { left } => {
                    Refusal { limit: Some(*quota), left: Some(*left), ..Code::FileQuota.into() }
                }
                OfferingRefusal::TooMany => Refusal::over(Code::TooManyFiles, limits::FILES),
                OfferingRefusal::OtherUse => Code::BadRequest.into(),
            },
            Self::Blocked => Code::Blocked.into(),
            Self::BlockedByYou => Code::BlockedByYou.into(),
            Self::Refused(refusal) => match refusal {
                OfferRefusal::NoSuchFile => Code::NoSuchFile.into(),
                OfferRefusal::Gone => Code::FileGone.into(),
                OfferRefusal::NotAccepted => Code::FileNotAccepted.into(),
                OfferRefusal::NotReady => Refusal::after(Code::FileNotReady, NOT_READY),
            },
            Self::Elsewhere => Refusal::after(Code::TransferElsewhere, ELSEWHERE),
            Self::Damaged => Code::Internal.into(),
            Self::Store(error) => error.refusal(),
            // It may come back, and what is stored is not lost.
            Self::Depot(_) => Refusal::after(Code::Busy, STORE_AWAY),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Name(_) | Self::Empty | Self::NotAsOffered | Self::Refused(_) => Fault::Peer,
            Self::Off
            | Self::TooLarge { .. }
            | Self::TypeRefused
            | Self::Banned
            | Self::Offering { .. }
            | Self::Blocked
            | Self::BlockedByYou
            | Self::Elsewhere => Fault::Policy,
            Self::Damaged | Self::Depot(_) => Fault::Ours,
            Self::Store(error) => error.fault(),
        }
    }
}

/// The sender is at it; an entry of the log says when it is there.
const NOT_READY: std::time::Duration = std::time::Duration::from_secs(5);
/// Whoever was displaced does not displace the other one at once.
const ELSEWHERE: std::time::Duration = std::time::Duration::from_secs(60);
const STORE_AWAY: std::time::Duration = std::time::Duration::from_secs(3);
