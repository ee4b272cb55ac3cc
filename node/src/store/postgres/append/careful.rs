//! The statement that looks at everything before it stores anything.

use thrive_protocol::ids::{Seq, Time};

use super::{Layout, Said};
use crate::store::append::{AppendRefusal, Appended};
use crate::store::error::Cause;
use crate::store::postgres::failure;
use crate::store::postgres::lanes::Lane;

impl Layout<'_> {
    /// Stores what is new and allowed, and says what is not.
    pub(super) async fn look(&self, lane: &Lane) -> Result<Said, Cause> {
        let Self { conversations, senders, pairs, ids, times, bodies, .. } = self;
        let client = &lane.connection.client;
        let rows = client
            .query(&lane.careful, &[conversations, senders, pairs, ids, times, bodies])
            .await
            .map_err(failure::of_statement)?;
        let mut said = Said::default();
        for row in &rows {
            said.note(row).map_err(failure::of_statement)?;
        }
        Ok(said)
    }
}

impl Said {
    fn note(&mut self, row: &tokio_postgres::Row) -> Result<(), tokio_postgres::Error> {
        let (verdict, key): (i32, i64) = (row.try_get(0)?, row.try_get(1)?);
        let seq = row.try_get::<_, Option<i64>>(2)?.unwrap_or_default().unsigned_abs();
        let other = match verdict {
            MOVED => {
                self.bases.insert(key, seq);
                return Ok(());
            }
            KNOWN => Ok(Appended { seq: Seq(seq), time: Time(row.try_get(3)?), duplicate: true }),
            BLOCKED_BY_YOU => Err(AppendRefusal::BlockedByYou),
            BLOCKED => Err(AppendRefusal::Blocked),
            _ => Err(AppendRefusal::NoSuchConversation),
        };
        self.others.insert(usize::try_from(key - 1).unwrap_or(usize::MAX), other);
        Ok(())
    }
}

const MOVED: i32 = 0;
const KNOWN: i32 = 1;
const BLOCKED_BY_YOU: i32 = 2;
const BLOCKED: i32 = 3;

/// `$1` and `$2` say who writes where; `$3` to `$6` are the items: their pair, id, time and body.
///
/// Every look-up is a subquery for one row, and the head is found by `= ANY (ARRAY[…])`: there is no
/// other way to do these than along an index, whatever the planner believes about the size of a table.
/// A full join cannot be done by comparing each with each, which is what the planner likes best for
/// rows that it believes to be few; all of them meet their partner. Most senders have no block around
/// them, and two looks into small indexes tell. Out come the conversations that moved with their
/// former last seq, and the items that were not stored; what the others got follows from these.
pub(in crate::store::postgres) const APPEND: &str = "
    WITH pair AS MATERIALIZED (
      SELECT place, conversation, sender,
        CASE
          WHEN (SELECT 1 FROM member
            WHERE member.conversation = asked.conversation AND account = sender) IS NULL THEN 4
          WHEN (SELECT 1 FROM contact WHERE owner = sender AND blocked = 1 LIMIT 1) IS NULL
            AND (SELECT 1 FROM contact WHERE other = sender AND blocked = 1 LIMIT 1) IS NULL THEN 0
          ELSE coalesce((
            SELECT CASE
              WHEN (SELECT blocked FROM contact WHERE owner = sender AND other = peer) = 1 THEN 2
              WHEN (SELECT blocked FROM contact WHERE owner = peer AND other = sender) = 1 THEN 3
              ELSE 0
            END
            FROM (
              SELECT CASE WHEN low = sender THEN high ELSE low END AS peer FROM direct
              WHERE direct.conversation = asked.conversation
              OFFSET 0
            ) AS both_sides
          ), 0)
        END AS verdict
      FROM unnest($1::bigint[], $2::bigint[])
        WITH ORDINALITY AS asked (conversation, sender, place)
    ), item AS MATERIALIZED (
      SELECT item.place, pair.conversation, pair.sender, item.id, item.time, item.body, pair.verdict,
        (SELECT ARRAY[message.seq, message.time] FROM message
          WHERE message.conversation = pair.conversation AND message.sender = pair.sender
            AND client_msg_id = item.id) AS known
      FROM unnest($3::bigint[], $4::bytea[], $5::bigint[], $6::bytea[])
        WITH ORDINALITY AS item (pair, id, time, body, place)
      JOIN pair ON pair.place = item.pair
    ), fresh AS MATERIALIZED (
      SELECT conversation, sender, id, time, body,
        row_number() OVER log AS step, lead(place) OVER log IS NULL AS last
      FROM item
      WHERE known IS NULL AND verdict = 0
      WINDOW log AS (PARTITION BY conversation ORDER BY place)
    ), moved AS (
      UPDATE conversation SET last_seq = last_seq + fresh.step, last_time = fresh.time
      FROM fresh
      WHERE fresh.last AND conversation.id = ANY (ARRAY[fresh.conversation])
      RETURNING conversation.id, conversation.last_seq - fresh.step AS base
    ), stored AS (
      INSERT INTO message (conversation, seq, sender, client_msg_id, time, kind, body)
      SELECT fresh.conversation, moved.base + fresh.step, fresh.sender, fresh.id, fresh.time, 1,
        fresh.body
      FROM fresh FULL JOIN moved ON moved.id = fresh.conversation
    )
    SELECT 0, id, base, NULL FROM moved
    UNION ALL
    SELECT CASE WHEN known IS NULL THEN verdict ELSE 1 END, place, known[1], known[2]
    FROM item WHERE known IS NOT NULL OR verdict <> 0";
