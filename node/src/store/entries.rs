//! Entries of the log that are no messages: each is written in the transaction of what it tells.

use thrive_protocol::codec;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, Time, UserId};

use crate::random;
use crate::store::append::{INSERT_MESSAGE, KIND_ENTRY};
use crate::store::error::{Cause, Doing};
use crate::store::value::values;
use crate::store::{StoreError, Transaction};

/// Puts an entry at the end of its log. `id` is that of the client, for what a client repeats.
pub(super) async fn append(
    transaction: &mut Transaction,
    conversation: ConversationId,
    sender: UserId,
    id: Option<ClientMsgId>,
    time: Time,
    body: Body,
) -> Result<Entry, StoreError> {
    let moved = transaction.run(MOVE_BY_ONE, values![conversation, time]).await?;
    let seq = moved.first().ok_or(Cause::Corrupt).and_then(|row| row.get::<Seq>(0));
    let seq = seq.doing("append an entry")?;
    let id = id.map_or_else(random::bytes, |id| id.0).to_vec();
    let stored = codec::encode(&body);
    let row = values![conversation, seq, sender, id, time, KIND_ENTRY, stored];
    transaction.run(INSERT_MESSAGE, row).await?;
    Ok(Entry { conversation, seq, sender, time, body })
}

/// The row lock that this takes is the one that appends of messages take: there are no two with one number.
const MOVE_BY_ONE: &str = "
    UPDATE conversation SET last_seq = last_seq + 1, last_time = $2 WHERE id = $1
    RETURNING last_seq";
