//! The append: one statement, one round trip and one commit for a batch.
//!
//! What the statement need not find out is worked out here: repeats within the batch, and who writes
//! where. It looks at the duplicates and the rights as they were when it began, then moves the
//! heads of the conversations, in the order of their ids, which waits for other nodes that are writing
//! there. If one of them stored the same message meanwhile, the unique key breaks the statement off,
//! nothing of it stays, and it is run again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, Time, UserId};
use tokio::time::timeout;

use super::lanes::{Lane, Lanes};
use super::{DEADLINE, failure};
use crate::faults::{self, Point};
use crate::store::append::{Append, AppendAnswers, AppendRefusal, Appended};
use crate::store::error::{Cause, rule};

/// Appends what may be appended, and answers after the commit.
pub(super) async fn run(lanes: &Lanes, batch: &[Append]) -> Result<AppendAnswers, Cause> {
    let layout = Layout::of(batch);
    let _turn = lanes.enter().await?;
    let mut broken = false;
    let mut repeats = 0;
    loop {
        let lane = lanes.take().await?;
        let outcome = timeout(DEADLINE, layout.append(&lane)).await;
        let cause = match outcome.unwrap_or(Err(Cause::Deadline)) {
            Ok(said) => {
                lanes.give_back(lane);
                return layout.answers(said, broken);
            }
            Err(cause) => cause,
        };
        let again = match cause {
            // Whether it was committed is not known; the repeat finds what was.
            Cause::Lost(_) => !std::mem::replace(&mut broken, true),
            Cause::Conflict | Cause::Rule(rule::MESSAGE_ID_KEY) => {
                lanes.give_back(lane);
                repeats += 1;
                repeats <= REPEATS
            }
            _ => false,
        };
        if !again {
            return Err(cause);
        }
    }
}

/// A batch as the statement takes it: each item once, ordered by conversation and then as it came.
struct Layout<'b> {
    /// For each item of the batch, where it is in the columns below.
    places: Vec<usize>,
    conversations: Vec<i64>,
    senders: Vec<i64>,
    /// Who writes where: a place in the two lists above, counted from one.
    pairs: Vec<i64>,
    ids: Vec<&'b [u8]>,
    times: Vec<i64>,
    bodies: Vec<&'b [u8]>,
}

/// What the statement found out.
#[derive(Default)]
struct Said {
    /// The last seq of a conversation before the batch.
    bases: HashMap<i64, u64>,
    /// The items that got no new place, by where they are in the columns.
    others: HashMap<usize, Result<Appended, AppendRefusal>>,
}

impl<'b> Layout<'b> {
    fn of(batch: &'b [Append]) -> Self {
        let mut known: HashMap<(ConversationId, UserId, ClientMsgId), usize> = HashMap::new();
        let mut different = Vec::with_capacity(batch.len());
        let places = batch.iter().map(|item| {
            *known.entry((item.conversation, item.sender, item.id)).or_insert_with(|| {
                different.push(item);
                different.len() - 1
            })
        });
        let mut places: Vec<_> = places.collect();
        let mut order: Vec<_> = (0..different.len()).collect();
        order.sort_by_key(|at| different[*at].conversation);
        let mut moved = vec![0; order.len()];
        for (to, from) in order.iter().enumerate() {
            moved[*from] = to;
        }
        places.iter_mut().for_each(|place| *place = moved[*place]);
        let mut layout = Self {
            places,
            conversations: Vec::new(),
            senders: Vec::new(),
            pairs: Vec::with_capacity(order.len()),
            ids: Vec::with_capacity(order.len()),
            times: Vec::with_capacity(order.len()),
            bodies: Vec::with_capacity(order.len()),
        };
        let mut pairs = HashMap::new();
        for item in order.into_iter().map(|at| different[at]) {
            let pair = match pairs.entry((item.conversation, item.sender)) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(fresh) => {
                    layout.conversations.push(item.conversation.0);
                    layout.senders.push(item.sender.0);
                    *fresh.insert(i64::try_from(layout.senders.len()).unwrap_or(i64::MAX))
                }
            };
            layout.pairs.push(pair);
            layout.ids.push(&item.id.0);
            layout.times.push(item.time.0);
            layout.bodies.push(item.text.as_str().as_bytes());
        }
        layout
    }

    async fn append(&self, lane: &Lane) -> Result<Said, Cause> {
        if faults::dies() { self.in_steps(lane).await } else { self.statement(lane).await }
    }

    /// The same, taken apart so that a fault can happen within it.
    async fn in_steps(&self, lane: &Lane) -> Result<Said, Cause> {
        let client = &lane.connection.client;
        faults::point(Point::BeforeBegin);
        client.batch_execute("BEGIN").await.map_err(failure::of_statement)?;
        let steps = async {
            let lock = client.query(LOCK, &[&self.conversations]).await;
            lock.map_err(failure::of_statement)?;
            faults::point(Point::AfterLock);
            self.statement(lane).await
        };
        let said = steps.await;
        faults::point(Point::BeforeCommit);
        let end = if said.is_ok() { "COMMIT" } else { "ROLLBACK" };
        client.batch_execute(end).await.map_err(failure::of_statement)?;
        said
    }

    async fn statement(&self, lane: &Lane) -> Result<Said, Cause> {
        let Self { conversations, senders, pairs, ids, times, bodies, .. } = self;
        let client = &lane.connection.client;
        let rows = client
            .query(&lane.statement, &[conversations, senders, pairs, ids, times, bodies])
            .await
            .map_err(failure::of_statement)?;
        let mut said = Said::default();
        for row in &rows {
            said.note(row).map_err(failure::of_statement)?;
        }
        Ok(said)
    }

    /// `repeated`: an earlier try may have been committed unheard, so that what is found with our own
    /// time is news to everybody.
    fn answers(&self, said: Said, repeated: bool) -> Result<AppendAnswers, Cause> {
        let Said { mut bases, others } = said;
        let mut first = Vec::with_capacity(self.pairs.len());
        for (place, (pair, time)) in self.pairs.iter().zip(&self.times).enumerate() {
            let answer = if let Some(other) = others.get(&place) {
                other.map(|it| Appended { duplicate: !repeated || it.time.0 != *time, ..it })
            } else {
                let conversation = usize::try_from(*pair - 1).ok();
                let conversation = conversation.and_then(|at| self.conversations.get(at));
                let base = conversation.and_then(|id| bases.get_mut(id)).ok_or(Cause::Corrupt)?;
                *base += 1;
                Ok(Appended { seq: Seq(*base), time: Time(*time), duplicate: false })
            };
            first.push(Some(answer));
        }
        // Whoever repeats an item within the batch gets the answer of the first one as a duplicate.
        let mut told = vec![false; first.len()];
        let answers = self.places.iter().map(|place| {
            let answer = first.get(*place).copied().flatten().ok_or(Cause::Corrupt)?;
            let again = std::mem::replace(&mut told[*place], true);
            Ok(answer.map(|it| Appended { duplicate: it.duplicate || again, ..it }))
        });
        answers.collect()
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

/// How often a batch that collides with another node is run again.
const REPEATS: u32 = 8;

const LOCK: &str = "SELECT id FROM conversation WHERE id = ANY ($1) ORDER BY id FOR UPDATE";

/// `$1` and `$2` say who writes where; `$3` to `$6` are the items: their pair, id, time and body.
///
/// Every look-up is a subquery for one row, and the head is found by `= ANY (ARRAY[…])`: there is no
/// other way to do these than along an index, whatever the planner believes about the size of a table.
/// A full join cannot be done by comparing each with each, which is what the planner likes best for
/// rows that it believes to be few; all of them meet their partner. Most senders have no block around
/// them, and two looks into small indexes tell. Out come the conversations that moved with their
/// former last seq, and the items that were not stored; what the others got follows from these.
pub(super) const APPEND: &str = "
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

#[cfg(test)]
mod tests;
