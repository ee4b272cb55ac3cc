//! The offer itself: checked, counted and put into the log in one transaction.

use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::file::{ContentType, FileHash, FileName, FileOffer};
use thrive_protocol::ids::{ClientMsgId, ConversationId, FileId, Time, UserId};

use super::{ChangeFileError, whole};
use crate::store::append::FIND_DUPLICATE;
use crate::store::entries;
use crate::store::error::{Cause, Doing, rule};
use crate::store::ids::fresh_id;
use crate::store::messages::body_of;
use crate::store::undisturbed::undisturbed;
use crate::store::value::{Row, values};
use crate::store::{Database, StoreError, Transaction};

/// A file that somebody wants to offer.
#[derive(Clone, Debug)]
pub struct NewOffer {
    pub conversation: ConversationId,
    pub sender: UserId,
    pub id: ClientMsgId,
    pub name: FileName,
    pub size: u64,
    pub content_type: ContentType,
    pub sha256: FileHash,
    pub time: Time,
    pub expires: Time,
    /// Bytes of all files of the sender that are kept.
    pub quota: u64,
    /// Files of the sender that are kept.
    pub at_most: usize,
}

/// The offer as it stands in the log.
#[derive(Clone, Debug)]
pub struct Offered {
    pub entry: Entry,
    pub offer: FileOffer,
    /// It was there already; nothing was stored.
    pub duplicate: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum OfferingRefusal {
    #[error("there is no such conversation for the sender")]
    NoSuchConversation,
    #[error("the recipient has blocked the sender")]
    Blocked,
    #[error("the sender has blocked the recipient")]
    BlockedByYou,
    #[error("all files of the sender together would be too large")]
    Quota {
        /// Bytes that would still fit.
        left: u64,
    },
    #[error("too many files of the sender are kept")]
    TooMany,
    #[error("something else was sent under this id")]
    OtherUse,
}

impl Database {
    /// Offers a file. A repeated id of the same sender gets the first answer again.
    ///
    /// # Errors
    /// The store failed. The inner error: it may not be offered.
    pub async fn offer_file(
        &self,
        new: &NewOffer,
    ) -> Result<Result<Offered, OfferingRefusal>, StoreError> {
        undisturbed(|| self.try_offer_file(new)).await
    }

    async fn try_offer_file(
        &self,
        new: &NewOffer,
    ) -> Result<Result<Offered, OfferingRefusal>, StoreError> {
        loop {
            let mut transaction = self.begin(DOING).await?;
            if let Some(known) = duplicate(&mut transaction, new).await? {
                return Ok(known);
            }
            let recipient = match recipient(&mut transaction, new).await? {
                Ok(recipient) => recipient,
                Err(refusal) => return Ok(Err(refusal)),
            };
            if let Err(refusal) = has_room(&mut transaction, new).await? {
                return Ok(Err(refusal));
            }
            let file = FileId(fresh_id(new.time));
            match insert(&mut transaction, new, file, recipient).await {
                Ok(()) => {}
                Err(error) if error.rule() == Some(rule::FILE_PKEY) => continue,
                Err(error) => return Err(error),
            }
            let offer = FileOffer {
                id: new.id,
                file,
                name: new.name.clone(),
                size: new.size,
                content_type: new.content_type.clone(),
                sha256: new.sha256,
                expires: new.expires,
            };
            let (id, body) = (Some(new.id), Body::FileOffer(offer.clone()));
            let entry =
                entries::append(&mut transaction, new.conversation, new.sender, id, new.time, body)
                    .await?;
            transaction.commit().await?;
            return Ok(Ok(Offered { entry, offer, duplicate: false }));
        }
    }
}

async fn duplicate(
    transaction: &mut Transaction,
    new: &NewOffer,
) -> Result<Option<Result<Offered, OfferingRefusal>>, StoreError> {
    let (conversation, sender) = (new.conversation, new.sender);
    let known = values![conversation, sender, new.id.0.to_vec()];
    let rows = transaction.run(FIND_DUPLICATE, known).await?;
    let Some(row) = rows.first() else { return Ok(None) };
    let (seq, time) = row.get(0).and_then(|seq| Ok((seq, row.get(1)?))).doing(DOING)?;
    let rows = transaction.run(SELECT_BODY, values![conversation, seq]).await?;
    let body = |row: &Row| Ok::<_, Cause>(body_of(&row.get::<Vec<u8>>(0)?));
    let body = rows.first().map(body).transpose().doing(DOING)?.flatten();
    let Some(Body::FileOffer(offer)) = body else {
        return Ok(Some(Err(OfferingRefusal::OtherUse)));
    };
    let body = Body::FileOffer(offer.clone());
    let entry = Entry { conversation, seq, sender, time, body };
    Ok(Some(Ok(Offered { entry, offer, duplicate: true })))
}

async fn recipient(
    transaction: &mut Transaction,
    new: &NewOffer,
) -> Result<Result<UserId, OfferingRefusal>, StoreError> {
    let rows = transaction.run(MAY_OFFER, values![new.conversation, new.sender]).await?;
    let Some(row) = rows.first() else { return Ok(Err(OfferingRefusal::NoSuchConversation)) };
    let read = row.get(0).and_then(|peer| Ok((peer, row.get(1)?, row.get(2)?)));
    Ok(match read.doing(DOING)? {
        (_, true, _) => Err(OfferingRefusal::BlockedByYou),
        (_, false, true) => Err(OfferingRefusal::Blocked),
        (peer, false, false) => Ok(peer),
    })
}

async fn has_room(
    transaction: &mut Transaction,
    new: &NewOffer,
) -> Result<Result<(), OfferingRefusal>, StoreError> {
    let rows = transaction.run(SELECT_KEPT, values![new.sender, new.time]).await?;
    let row = rows.first().ok_or(Cause::Corrupt);
    let kept = row.and_then(|row| Ok((row.get::<i64>(0)?, row.get::<i64>(1)?)));
    let (files, bytes) = kept.doing(DOING)?;
    if new.at_most <= usize::try_from(files).unwrap_or(usize::MAX) {
        return Ok(Err(OfferingRefusal::TooMany));
    }
    let left = new.quota.saturating_sub(bytes.unsigned_abs());
    Ok(if new.size <= left { Ok(()) } else { Err(OfferingRefusal::Quota { left }) })
}

async fn insert(
    transaction: &mut Transaction,
    new: &NewOffer,
    file: FileId,
    recipient: UserId,
) -> Result<(), StoreError> {
    let row = values![
        file,
        new.conversation,
        new.sender,
        recipient,
        new.name.as_str(),
        whole(new.size),
        new.content_type.as_str(),
        new.sha256.0.to_vec(),
        new.expires,
    ];
    transaction.run(INSERT_FILE, row).await.map(drop)
}

impl crate::store::undisturbed::Collides for ChangeFileError {
    fn collided(&self) -> bool {
        match self {
            Self::Store(error) => error.collided(),
            Self::Refused(_) | Self::Elsewhere => false,
        }
    }
}

const DOING: &str = "offer a file";

/// The other one of a direct conversation, whether the sender (`$2`) has blocked them, and they the sender.
const MAY_OFFER: &str = "
    SELECT peer.id, coalesce(mine.blocked, 0), coalesce(theirs.blocked, 0)
    FROM member
    JOIN direct ON direct.conversation = member.conversation
    JOIN account AS peer ON peer.id =
      CASE WHEN direct.low = member.account THEN direct.high ELSE direct.low END
    LEFT JOIN contact AS mine ON mine.owner = member.account AND mine.other = peer.id
    LEFT JOIN contact AS theirs ON theirs.owner = peer.id AND theirs.other = member.account
    WHERE member.conversation = $1 AND member.account = $2";

/// Files of somebody that are kept, and their bytes.
const SELECT_KEPT: &str = "
    SELECT count(*), CAST(coalesce(sum(size), 0) AS BIGINT) FROM file
    WHERE sender = $1 AND $2 < expires AND ended = ''";

const SELECT_BODY: &str = "
    SELECT body FROM message WHERE conversation = $1 AND seq = $2 AND kind = 2";

const INSERT_FILE: &str = "
    INSERT INTO file
      (id, conversation, sender, recipient, name, size, content_type, sha256, expires)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
