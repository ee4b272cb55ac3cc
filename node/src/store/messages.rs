//! Reading the log. What an entry holds is private: it goes to members only, which `service` sees to.

use std::iter::repeat;

use thrive_protocol::codec;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, UserId};
use thrive_protocol::text::MessageText;

use crate::domain::catch_up::Range;
use crate::store::append::{KIND_ENTRY, KIND_TEXT};
use crate::store::error::{Cause, Doing};
use crate::store::value::{Row, Value, values};
use crate::store::{Database, StoreError};

impl Database {
    /// Entries after a place, in order, and no more than `limit`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn entries_after(
        &self,
        conversation: ConversationId,
        after: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let doing = "read entries after a place";
        let params = values![conversation, after, bound(limit)];
        let rows = self.read(doing, SELECT_AFTER, params).await?;
        rows.iter().map(entry_of).collect::<Result<_, _>>().doing(doing)
    }

    /// Entries before a place, in order: the nearest to it, and no more than `limit`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn entries_before(
        &self,
        conversation: ConversationId,
        before: Seq,
        limit: usize,
    ) -> Result<Vec<Entry>, StoreError> {
        let doing = "read entries before a place";
        let params = values![conversation, before, bound(limit)];
        let rows = self.read(doing, SELECT_BEFORE, params).await?;
        rows.iter().rev().map(entry_of).collect::<Result<_, _>>().doing(doing)
    }

    /// Which of these messages are stored.
    ///
    /// # Errors
    /// The store failed.
    pub async fn stored_of(
        &self,
        conversation: ConversationId,
        sender: UserId,
        ids: &[ClientMsgId],
    ) -> Result<Vec<ClientMsgId>, StoreError> {
        let doing = "look for messages";
        let mut stored = Vec::new();
        for chunk in ids.chunks(IDS_AT_ONCE) {
            // Filled up with repeats, so that there is one statement to prepare.
            let padded = chunk.iter().chain(repeat(&chunk[0])).take(IDS_AT_ONCE);
            let mut params = values![conversation, sender];
            params.extend(padded.map(|id| Value::Blob(id.0.to_vec())));
            let marks: Vec<_> = (3..IDS_AT_ONCE + 3).map(|number| format!("${number}")).collect();
            let sql = format!("{SELECT_STORED} ({})", marks.join(", "));
            for row in &self.read(doing, sql, params).await? {
                stored.push(row.get(0).doing(doing)?);
            }
        }
        Ok(stored)
    }

    /// All entries of a few ranges, range by range, each in order.
    ///
    /// # Errors
    /// The store failed.
    pub async fn entries_in(&self, ranges: &[Range]) -> Result<Vec<Entry>, StoreError> {
        let doing = "read ranges of entries";
        let mut entries = Vec::new();
        for chunk in ranges.chunks(RANGES_AT_ONCE) {
            // Filled up with ranges that hold nothing, so that there is one statement to prepare.
            let mut params = Vec::with_capacity(RANGES_AT_ONCE * 3);
            for range in 0..RANGES_AT_ONCE {
                params.extend(chunk.get(range).map_or_else(
                    || values![0, 0, 0],
                    |range| values![range.conversation, range.after, range.to],
                ));
            }
            for row in &self.read(doing, select_ranges(), params).await? {
                entries.push(entry_of(row).doing(doing)?);
            }
        }
        Ok(entries)
    }
}

fn bound(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn entry_of(row: &Row) -> Result<Entry, Cause> {
    let (conversation, seq): (ConversationId, Seq) = (row.get(0)?, row.get(1)?);
    let body = match row.get::<i64>(5)? {
        KIND_TEXT => match text_of(row.get(6)?) {
            Some(text) => Body::Message { id: row.get(3)?, text },
            // One entry that cannot be shown must not hide the others: it keeps its place.
            None => {
                tracing::error!(
                    conversation.id = %conversation,
                    seq = %seq,
                    "A stored message is no valid text"
                );
                Body::Unknown {}
            }
        },
        KIND_ENTRY => body_of(&row.get::<Vec<u8>>(6)?).unwrap_or_else(|| {
            tracing::error!(conversation.id = %conversation, seq = %seq, "A stored entry is damaged");
            Body::Unknown {}
        }),
        // A newer node wrote it. It keeps its place.
        _ => Body::Unknown {},
    };
    Ok(Entry { conversation, seq, sender: row.get(2)?, time: row.get(4)?, body })
}

fn text_of(bytes: Vec<u8>) -> Option<MessageText> {
    MessageText::parse(&String::from_utf8(bytes).ok()?).ok()
}

/// `None`: it is no entry. One of a kind that only a newer node knows is [`Body::Unknown`].
pub(super) fn body_of(bytes: &[u8]) -> Option<Body> {
    codec::decode(bytes).ok()
}

/// The ranges as a table that is joined with the log, so that each is one walk along the index.
fn select_ranges() -> String {
    let line = |range: usize| {
        let first = range * 3 + 1;
        format!(
            "({range}, CAST(${first} AS BIGINT), CAST(${} AS BIGINT), CAST(${} AS BIGINT))",
            first + 1,
            first + 2
        )
    };
    let lines: Vec<_> = (0..RANGES_AT_ONCE).map(line).collect();
    format!(
        "WITH wanted (place, conversation, after_seq, to_seq) AS (VALUES {})
         SELECT message.conversation, message.seq, message.sender, message.client_msg_id,
           message.time, message.kind, message.body
         FROM wanted JOIN message ON message.conversation = wanted.conversation
           AND wanted.after_seq < message.seq AND message.seq <= wanted.to_seq
         ORDER BY wanted.place, message.seq",
        lines.join(", ")
    )
}

const RANGES_AT_ONCE: usize = 16;
/// As many as one connection waits for in a conversation.
const IDS_AT_ONCE: usize = 64;

const SELECT_STORED: &str = "
    SELECT client_msg_id FROM message
    WHERE conversation = $1 AND sender = $2 AND client_msg_id IN";

const SELECT_AFTER: &str = "
    SELECT conversation, seq, sender, client_msg_id, time, kind, body FROM message
    WHERE conversation = $1 AND $2 < seq ORDER BY seq LIMIT $3";

const SELECT_BEFORE: &str = "
    SELECT conversation, seq, sender, client_msg_id, time, kind, body FROM message
    WHERE conversation = $1 AND seq < $2 ORDER BY seq DESC LIMIT $3";
