//! How far members have read and received: registers that only ever grow.

use thrive_protocol::ids::{ConversationId, Seq, UserId};
use thrive_protocol::people::Availability;

use crate::store::error::Doing;
use crate::store::postgres::Mark;
use crate::store::value::{Row, values};
use crate::store::{Database, StoreError};

/// How one member stands in a conversation.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    pub peer: UserId,
    pub head: Seq,
    pub read: Seq,
    /// Read, as the others are told.
    pub shown_read: Seq,
    pub delivered: Seq,
    /// A block stands between the two, whoever made it.
    pub blocked: bool,
    /// The member wants to be seen as offline.
    pub invisible: bool,
}

impl Database {
    /// `None`: not a member.
    ///
    /// # Errors
    /// The store failed.
    pub async fn standing(
        &self,
        member: UserId,
        conversation: ConversationId,
    ) -> Result<Option<Standing>, StoreError> {
        let doing = "read how a member stands in a conversation";
        let rows = self.read(doing, SELECT_STANDING, values![conversation, member]).await?;
        let standing = |row: &Row| {
            Ok(Standing {
                peer: row.get(0)?,
                head: row.get(1)?,
                read: row.get(2)?,
                shown_read: row.get(3)?,
                delivered: row.get(4)?,
                blocked: row.get::<bool>(5)? || row.get::<bool>(6)?,
                invisible: row.get::<Availability>(7)? == Availability::Invisible,
            })
        };
        rows.first().map(standing).transpose().doing(doing)
    }

    /// Read up to here; whoever has read has received. The others are told.
    ///
    /// # Errors
    /// The store failed.
    pub async fn mark_read(
        &self,
        member: UserId,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<(), StoreError> {
        let to = Positions { read: seq, shown_read: seq, delivered: seq };
        self.mark("mark as read", member, conversation, to).await
    }

    /// Read up to here, and only the member's own devices learn it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn mark_read_unseen(
        &self,
        member: UserId,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<(), StoreError> {
        let to = Positions { read: seq, ..Positions::default() };
        self.mark("mark as read unseen", member, conversation, to).await
    }

    /// # Errors
    /// The store failed.
    pub async fn mark_delivered(
        &self,
        member: UserId,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<(), StoreError> {
        let to = Positions { delivered: seq, ..Positions::default() };
        self.mark("mark as delivered", member, conversation, to).await
    }

    async fn mark(
        &self,
        doing: &'static str,
        member: UserId,
        conversation: ConversationId,
        to: Positions,
    ) -> Result<(), StoreError> {
        match self {
            Self::Sqlite(_) => {
                let Positions { read, shown_read, delivered } = to;
                let params = values![conversation, member, read, shown_read, delivered];
                self.write(doing, UPDATE_MARKS, params).await.map(drop)
            }
            Self::Postgres(postgres) => {
                postgres.mark(Mark { conversation, member, to }).await.doing(doing)
            }
        }
    }
}

/// Where the registers of a member move, unless they are there already or beyond. At zero they all are.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Positions {
    pub(super) read: Seq,
    pub(super) shown_read: Seq,
    pub(super) delivered: Seq,
}

impl Positions {
    /// Where the registers are after both, in any order.
    pub(super) fn max(self, other: Self) -> Self {
        Self {
            read: self.read.max(other.read),
            shown_read: self.shown_read.max(other.shown_read),
            delivered: self.delivered.max(other.delivered),
        }
    }
}

const SELECT_STANDING: &str = "
    SELECT peer.account, conversation.last_seq,
      mine.read_seq, mine.shown_read_seq, mine.delivered_seq,
      coalesce(my_line.blocked, 0), coalesce(their_line.blocked, 0), account.availability
    FROM member AS mine
    JOIN account ON account.id = mine.account
    JOIN conversation ON conversation.id = mine.conversation
    JOIN member AS peer
      ON peer.conversation = mine.conversation AND peer.account <> mine.account
    LEFT JOIN contact AS my_line
      ON my_line.owner = mine.account AND my_line.other = peer.account
    LEFT JOIN contact AS their_line
      ON their_line.owner = peer.account AND their_line.other = mine.account
    WHERE mine.conversation = $1 AND mine.account = $2";

const UPDATE_MARKS: &str = "
    UPDATE member SET
      read_seq = CASE WHEN read_seq < $3 THEN $3 ELSE read_seq END,
      shown_read_seq = CASE WHEN shown_read_seq < $4 THEN $4 ELSE shown_read_seq END,
      delivered_seq = CASE WHEN delivered_seq < $5 THEN $5 ELSE delivered_seq END
    WHERE conversation = $1 AND account = $2
      AND (read_seq < $3 OR shown_read_seq < $4 OR delivered_seq < $5)";
