//! The statement that expects what is nearly always so: nothing of it was stored before, and everybody
//! may write where they do.
//!
//! It looks at the rights of each sender in each conversation once. If one of them may not write, no head
//! moves, and if a message was stored before, the unique key says so: either way the statement breaks
//! off as a rule of the database that says no, nothing of it stays, and it is for the careful one.

use super::{Layout, Moves, Said};
use crate::store::error::Cause;
use crate::store::postgres::failure;
use crate::store::postgres::lanes::Lane;

impl Layout<'_> {
    /// Stores all of it.
    ///
    /// # Errors
    /// [`Cause::Rule`]: not all of it may be stored, so nothing is.
    pub(super) async fn hope(&self, lane: &Lane) -> Result<Said, Cause> {
        let Self { conversations, senders, logs, writers, steps, ids, times, bodies, .. } = self;
        let Moves { conversations: moving, by, times: last } = &self.moves;
        let client = &lane.connection.client;
        let rows = client
            .query(
                &lane.hopeful,
                &[
                    conversations,
                    senders,
                    moving,
                    by,
                    last,
                    logs,
                    steps,
                    writers,
                    ids,
                    times,
                    bodies,
                ],
            )
            .await
            .map_err(failure::of_statement)?;
        let mut said = Said::default();
        for row in &rows {
            let (conversation, base) = (row.try_get(0), row.try_get::<_, i64>(1));
            let base = base.map_err(failure::of_statement)?.unsigned_abs();
            said.bases.insert(conversation.map_err(failure::of_statement)?, base);
        }
        Ok(said)
    }
}

/// `$1` and `$2` say who writes where; `$3` to `$5` which conversations move, by how much, and to which
/// time; `$6` to `$11` are the items: conversation, step, sender, id, time and body.
///
/// As in the careful one, every look-up can only be done along an index, and the full join only by
/// hashing. Items whose conversation did not move would get no number, which the database refuses.
pub(in crate::store::postgres) const APPEND: &str = "
    WITH refused AS MATERIALIZED (
      SELECT 1
      FROM unnest($1::bigint[], $2::bigint[]) AS asked (conversation, sender)
      WHERE CASE
        WHEN (SELECT 1 FROM member
          WHERE member.conversation = asked.conversation AND account = sender) IS NULL THEN true
        WHEN (SELECT 1 FROM contact WHERE owner = sender AND blocked = 1 LIMIT 1) IS NULL
          AND (SELECT 1 FROM contact WHERE other = sender AND blocked = 1 LIMIT 1) IS NULL
          THEN false
        ELSE coalesce((
          SELECT (SELECT blocked FROM contact WHERE owner = sender AND other = peer) = 1
            OR (SELECT blocked FROM contact WHERE owner = peer AND other = sender) = 1
          FROM (
            SELECT CASE WHEN low = sender THEN high ELSE low END AS peer FROM direct
            WHERE direct.conversation = asked.conversation
            OFFSET 0
          ) AS both_sides
        ), false)
      END
      LIMIT 1
    ), moved AS (
      UPDATE conversation SET last_seq = last_seq + asked.by, last_time = asked.time
      FROM unnest($3::bigint[], $4::bigint[], $5::bigint[]) AS asked (id, by, time)
      WHERE conversation.id = ANY (ARRAY[asked.id]) AND NOT EXISTS (SELECT FROM refused)
      RETURNING conversation.id, conversation.last_seq - asked.by AS base
    ), stored AS (
      INSERT INTO message (conversation, seq, sender, client_msg_id, time, kind, body)
      SELECT item.conversation, moved.base + step, sender, item.id, item.time, 1, body
      FROM unnest($6::bigint[], $7::bigint[], $8::bigint[], $9::bytea[], $10::bigint[], $11::bytea[])
        AS item (conversation, step, sender, id, time, body)
      FULL JOIN moved ON moved.id = item.conversation
    )
    SELECT id, base FROM moved";
