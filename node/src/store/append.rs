//! Appending messages: what goes in, what comes out, and the question who may write. The transaction
//! itself is of the engine: it is the hottest path of the node.

use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, Time, UserId};
use thrive_protocol::text::MessageText;

use crate::faults::{self, Bug};
use crate::store::error::Doing;
use crate::store::{Database, StoreError};

mod wrong;

/// A message on its way into the log.
#[derive(Clone, Debug)]
pub struct Append {
    pub conversation: ConversationId,
    pub sender: UserId,
    pub id: ClientMsgId,
    pub text: MessageText,
    pub time: Time,
}

/// Where it stands in the log, now and for ever.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Appended {
    pub seq: Seq,
    /// Of the first append with this id.
    pub time: Time,
    /// It was there already; nothing was stored.
    pub duplicate: bool,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum AppendRefusal {
    #[error("there is no such conversation for the sender")]
    NoSuchConversation,
    #[error("the recipient has blocked the sender")]
    Blocked,
    #[error("the sender has blocked the recipient")]
    BlockedByYou,
}

/// The answer for each item of a batch, in its order.
pub type AppendAnswers = Vec<Result<Appended, AppendRefusal>>;

impl Database {
    /// Appends a batch in one transaction and answers after its commit. A repeated id of the same
    /// sender burns no number and gets the first answer again, also within one batch.
    ///
    /// # Errors
    /// Nothing of the batch is stored.
    pub async fn append(&self, batch: Vec<Append>) -> Result<AppendAnswers, StoreError> {
        if faults::bug(Bug::NoDuplicateCheck) {
            return wrong::without_duplicate_check(self, batch).await;
        }
        if faults::bug(Bug::SequenceWithoutLock) {
            return wrong::with_numbers_taken_before(self, &batch).await;
        }
        self.append_well(batch).await
    }

    async fn append_well(&self, batch: Vec<Append>) -> Result<AppendAnswers, StoreError> {
        match self {
            Self::Sqlite(sqlite) => sqlite.append(batch).await,
            Self::Postgres(postgres) => postgres.append(&batch).await,
        }
        .doing("append messages")
    }

    /// How many calls of [`Self::append`] gain something by running at the same time.
    #[must_use]
    pub fn appends_at_once(&self) -> usize {
        match self {
            Self::Sqlite(_) => 1,
            Self::Postgres(postgres) => postgres.lanes(),
        }
    }
}

/// `kind` of a message row with a text in its body.
pub(super) const KIND_TEXT: i64 = 1;
/// `kind` of a row with any other entry in its body, in CBOR as on the wire.
pub(super) const KIND_ENTRY: i64 = 2;

/// The first `(seq, time)` of an id.
pub(super) const FIND_DUPLICATE: &str = "
    SELECT seq, time FROM message
    WHERE conversation = $1 AND sender = $2 AND client_msg_id = $3";

/// Whether the sender (`$2`) has blocked the peer, whether the peer has blocked the sender, and the
/// last seq. No row: the sender is not in the conversation.
pub(super) const MAY_WRITE: &str = "
    SELECT coalesce(mine.blocked, 0), coalesce(theirs.blocked, 0), conversation.last_seq
    FROM member
    JOIN conversation ON conversation.id = member.conversation
    LEFT JOIN direct ON direct.conversation = member.conversation
    LEFT JOIN contact AS mine ON mine.owner = member.account
      AND mine.other = CASE WHEN direct.low = member.account THEN direct.high ELSE direct.low END
    LEFT JOIN contact AS theirs ON theirs.other = member.account
      AND theirs.owner = CASE WHEN direct.low = member.account THEN direct.high ELSE direct.low END
    WHERE member.conversation = $1 AND member.account = $2";

pub(super) const INSERT_MESSAGE: &str = "
    INSERT INTO message (conversation, seq, sender, client_msg_id, time, kind, body)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

pub(super) const MOVE_HEAD: &str = "
    UPDATE conversation SET last_seq = $2, last_time = $3 WHERE id = $1";
