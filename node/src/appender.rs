//! Stores messages in batches and says so: acknowledge after the commit, then publish.
//!
//! What arrives while a transaction is in flight goes into the next one; nothing ever waits for a
//! batch to fill. Where the store takes several transactions at once, the next one does not wait for
//! one that takes long, and a conversation is in one of them only, so that its acknowledgements and
//! news leave in the order of its log.

mod guess;
mod line;

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::ConversationId;
use thrive_protocol::reply::{Reply, Stored};
use thrive_protocol::{Code, NodeFrame, Refusal};
use tokio::sync::mpsc;
use tokio::time::sleep;

use self::line::Line;
use crate::bus::{Bus, Committed};
use crate::faults::{self, Bug, Point};
use crate::outage::Outage;
use crate::session::outbox::Outbox;
use crate::store::Database;
use crate::store::append::{Append, AppendRefusal, Appended};

/// Messages that wait for a transaction. More than this is refused as busy: the client keeps them in
/// its outbox.
const QUEUE: usize = 8_192;
/// Messages of one transaction: large enough that its cost is spread thin, small enough that nobody
/// waits long for it.
const BATCH: usize = 1_024;

/// A transaction that takes longer is not waited for, if the store can begin another one beside it. Until
/// then one large batch costs less than two small ones.
const LATE: Duration = Duration::from_millis(2);

/// When a sender may try again after a fault or a full queue.
const PAUSE: Duration = Duration::from_secs(1);

/// A message on its way to the disk, and whom to tell.
pub struct Submission {
    pub append: Append,
    /// The connection that sent it: its acknowledgement goes there, and its news does not.
    pub outbox: Outbox,
    pub request: u32,
}

/// The submitting end. Cheap to clone.
#[derive(Clone)]
pub struct Appender {
    queue: mpsc::Sender<Submission>,
}

/// What is stored and told, in one place.
struct Desk {
    database: Database,
    bus: Bus,
    outage: Outage,
}

/// A batch that is over.
struct Over {
    conversations: Vec<ConversationId>,
    /// Why nothing of it was stored; the code for what waits behind it.
    failed: Option<Code>,
}

impl Appender {
    /// The handle, and the loop to run; it ends when every handle is dropped and all is stored.
    pub fn new(database: Database, bus: Bus) -> (Self, impl Future<Output = ()>) {
        let (queue, submissions) = mpsc::channel(QUEUE);
        (Self { queue }, run(Desk { database, bus, outage: Outage::default() }, submissions))
    }

    /// Takes a message in. It is answered through the outbox; those of one conversation in the order
    /// of submission.
    ///
    /// # Errors
    /// The queue is full, or the node stops: the message was not taken in.
    pub fn submit(&self, submission: Submission) -> Result<(), Refusal> {
        self.queue.try_send(submission).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => Refusal::after(Code::Busy, PAUSE),
            mpsc::error::TrySendError::Closed(_) => Code::ShuttingDown.into(),
        })
    }
}

async fn run(desk: Desk, mut submissions: mpsc::Receiver<Submission>) {
    let at_once = desk.database.appends_at_once();
    let mut line = Line::default();
    let mut in_flight = FuturesUnordered::new();
    let mut arrived = Vec::new();
    let mut open = true;
    let mut late = pin!(sleep(Duration::ZERO));
    let may_begin = |under_way, late| under_way == 0 || late && under_way < at_once;
    while open || !in_flight.is_empty() {
        // Until a batch may begin, what arrives stays in the queue: one wake-up then brings all.
        let takes = open && may_begin(in_flight.len(), late.is_elapsed()) && line.held() < QUEUE;
        tokio::select! {
            biased;

            // First, so that a place is free before more is taken in.
            Some(over) = in_flight.next(), if !in_flight.is_empty() => {
                let Over { conversations, failed } = over;
                if let Some(code) = failed {
                    // What waits behind them fails, too: it must not overtake them.
                    let waiting = std::iter::from_fn(|| submissions.try_recv().ok()).take(QUEUE);
                    waiting.for_each(|it| line.push(it));
                    let behind = line.take_behind(&conversations);
                    behind.iter().for_each(|it| it.fail(Refusal::after(code, PAUSE)));
                }
                line.release(conversations);
            }
            () = &mut late, if !in_flight.is_empty() && !late.is_elapsed() => {}
            count = submissions.recv_many(&mut arrived, BATCH), if takes => {
                open = count != 0;
                arrived.drain(..).for_each(|it| line.push(it));
            }
        }
        if may_begin(in_flight.len(), late.is_elapsed())
            && let Some((conversations, batch)) = line.next_batch(BATCH)
        {
            in_flight.push(desk.store(conversations, batch));
            late.as_mut().reset((Instant::now() + LATE).into());
        }
    }
}

impl Desk {
    /// Store, then reply, then publish.
    async fn store(&self, conversations: Vec<ConversationId>, batch: Vec<Submission>) -> Over {
        if faults::bug(Bug::AckBeforeCommit) || faults::bug(Bug::PublishBeforeCommit) {
            return self.store_too_late(conversations, batch).await;
        }
        let appends = batch.iter().map(|it| it.append.clone()).collect();
        let failed = match self.database.append(appends).await {
            Ok(outcomes) => {
                if let Some(failed) = self.outage.worked(Instant::now()) {
                    tracing::info!(failed, "Messages can be stored again");
                }
                faults::point(Point::AfterCommit);
                let news = tell(batch, outcomes);
                faults::point(Point::AfterAck);
                self.bus.publish_committed(news).await;
                None
            }
            Err(error) => {
                let (messages, cause) = (batch.len(), &error as &dyn std::error::Error);
                if self.outage.failed(Instant::now()) {
                    tracing::error!(messages, error = cause, "Messages could not be stored");
                } else {
                    tracing::debug!(messages, error = cause, "Messages could still not be stored");
                }
                let code = if error.is_busy() { Code::Busy } else { Code::Internal };
                batch.iter().for_each(|it| it.fail(Refusal::after(code, PAUSE)));
                Some(code)
            }
        };
        Over { conversations, failed }
    }
}

/// Answers each sender; returns the news for everybody else.
fn tell(batch: Vec<Submission>, outcomes: Vec<Result<Appended, AppendRefusal>>) -> Vec<Committed> {
    let mut committed = Vec::with_capacity(batch.len());
    for (submission, outcome) in batch.into_iter().zip(outcomes) {
        match outcome {
            Ok(appended) => committed.extend(submission.acknowledge(appended)),
            Err(refusal) => submission.answer(Err(refusal_of(refusal))),
        }
    }
    committed
}

impl Submission {
    /// Tells the sender; returns the news, unless it was told when the message was stored first.
    fn acknowledge(self, appended: Appended) -> Option<Committed> {
        let Appended { seq, time, duplicate } = appended;
        self.answer(Ok(Reply::Stored(Stored { id: self.append.id, seq, time })));
        let Append { conversation, sender, id, text, .. } = self.append;
        let entry = Entry { conversation, seq, sender, time, body: Body::Message { id, text } };
        (!duplicate).then_some(Committed { entry, origin: Some(self.outbox) })
    }

    /// It could not be stored; the same may succeed later.
    fn fail(&self, refusal: Refusal) {
        self.outbox.fail(self.append.conversation, self.append.id);
        self.answer(Err(refusal));
    }

    fn answer(&self, result: Result<Reply, Refusal>) {
        self.outbox.answer(NodeFrame::Reply { re: self.request, result }.encode());
    }
}

fn refusal_of(refusal: AppendRefusal) -> Refusal {
    match refusal {
        AppendRefusal::NoSuchConversation => Code::NoSuchConversation,
        AppendRefusal::Blocked => Code::Blocked,
        AppendRefusal::BlockedByYou => Code::BlockedByYou,
    }
    .into()
}

#[cfg(test)]
mod tests;
