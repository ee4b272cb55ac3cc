//! The append: one statement, one round trip and one commit for a batch.
//!
//! What a statement need not find out is worked out here: repeats within the batch, who writes where,
//! and who gets which number after the former head. There are two. The first one believes that
//! nothing was stored before and that everybody may write, as is nearly always so, and breaks off where
//! that is wrong (`hopeful`). The other looks at the duplicates and the rights as they were when it
//! began (`careful`). Both move the heads of the conversations, in the order of their ids, which waits
//! for other nodes that are writing there. If one of them stored the same message meanwhile, the unique
//! key breaks the statement off, nothing of it stays, and the careful one is run.

pub(super) mod careful;
pub(super) mod hopeful;

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Instant;

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
    let mut hopes = lanes.hopes(Instant::now());
    let mut broken = false;
    let mut repeats = 0;
    loop {
        let lane = lanes.take().await?;
        let outcome = timeout(DEADLINE, layout.append(&lane, hopes)).await;
        let cause = match outcome.unwrap_or(Err(Cause::Deadline)) {
            Ok(said) => {
                lanes.give_back(lane);
                return layout.answers(said, broken);
            }
            Err(cause) => cause,
        };
        let again = match cause {
            // Whether it was committed is not known; the repeat finds what was.
            Cause::Lost(_) => {
                hopes = false;
                !std::mem::replace(&mut broken, true)
            }
            // Repeats come in swarms, after a connection or a node was lost.
            Cause::Rule(_) if std::mem::take(&mut hopes) => {
                lanes.give_back(lane);
                lanes.be_careful(Instant::now());
                true
            }
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
    /// The conversations that move, each once, how far, and the time of their last item.
    moves: Moves,
    /// For each item, its conversation, its sender, and its number after the former head.
    logs: Vec<i64>,
    writers: Vec<i64>,
    steps: Vec<i64>,
    ids: Vec<&'b [u8]>,
    times: Vec<i64>,
    bodies: Vec<&'b [u8]>,
}

#[derive(Debug, Default, Eq, PartialEq)]
struct Moves {
    conversations: Vec<i64>,
    by: Vec<i64>,
    times: Vec<i64>,
}

impl Moves {
    /// One item more of the conversation that moved last, or of the next one. Its number after the head.
    fn add(&mut self, conversation: i64, time: i64) -> i64 {
        if self.conversations.last() != Some(&conversation) {
            self.conversations.push(conversation);
            self.by.push(0);
            self.times.push(time);
        }
        if let Some(last) = self.times.last_mut() {
            *last = time;
        }
        self.by.last_mut().map_or(0, |by| {
            *by += 1;
            *by
        })
    }
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
            moves: Moves::default(),
            logs: Vec::with_capacity(order.len()),
            writers: Vec::with_capacity(order.len()),
            steps: Vec::with_capacity(order.len()),
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
            layout.logs.push(item.conversation.0);
            layout.writers.push(item.sender.0);
            layout.steps.push(layout.moves.add(item.conversation.0, item.time.0));
            layout.ids.push(&item.id.0);
            layout.times.push(item.time.0);
            layout.bodies.push(item.text.as_str().as_bytes());
        }
        layout
    }

    async fn append(&self, lane: &Lane, hopes: bool) -> Result<Said, Cause> {
        if faults::dies() {
            return self.in_steps(lane).await;
        }
        if hopes { self.hope(lane).await } else { self.look(lane).await }
    }

    /// The careful one, taken apart so that a fault can happen within it.
    async fn in_steps(&self, lane: &Lane) -> Result<Said, Cause> {
        let client = &lane.connection.client;
        faults::point(Point::BeforeBegin);
        client.batch_execute("BEGIN").await.map_err(failure::of_statement)?;
        let steps = async {
            let lock = client.query(LOCK, &[&self.conversations]).await;
            lock.map_err(failure::of_statement)?;
            faults::point(Point::AfterLock);
            self.look(lane).await
        };
        let said = steps.await;
        faults::point(Point::BeforeCommit);
        let end = if said.is_ok() { "COMMIT" } else { "ROLLBACK" };
        client.batch_execute(end).await.map_err(failure::of_statement)?;
        said
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

/// How often a batch that collides with another node is run again.
const REPEATS: u32 = 8;

const LOCK: &str = "SELECT id FROM conversation WHERE id = ANY ($1) ORDER BY id FOR UPDATE";

#[cfg(test)]
mod tests;
