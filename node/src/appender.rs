//! Stores messages in batches and says so: acknowledge after the commit, then publish.
//!
//! What arrives while a transaction is in flight goes into the next one; nothing ever waits for a
//! batch to fill. One task, so that acknowledgements and news leave in the order of the log.

use std::time::Duration;

use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::reply::{Reply, Stored};
use thrive_protocol::{Code, NodeFrame, Refusal};
use tokio::sync::mpsc;

use crate::bus::{Bus, Committed};
use crate::session::outbox::Outbox;
use crate::store::Database;
use crate::store::append::{Append, AppendRefusal, Appended};

/// Messages that wait for the transaction in flight. More than this is refused as busy: the client
/// keeps them in its outbox.
const QUEUE: usize = 8_192;
/// Messages of one transaction: large enough that its cost is spread thin, small enough that nobody
/// waits long for it.
const BATCH: usize = 1_024;

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

impl Appender {
    /// The handle, and the loop to run; it ends when every handle is dropped and all is stored.
    pub fn new(database: Database, bus: Bus) -> (Self, impl Future<Output = ()>) {
        let (queue, submissions) = mpsc::channel(QUEUE);
        (Self { queue }, run(database, bus, submissions))
    }

    /// Takes a message in. It is answered through the outbox, in the order of submission.
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

async fn run(database: Database, bus: Bus, mut submissions: mpsc::Receiver<Submission>) {
    let mut batch = Vec::new();
    while submissions.recv_many(&mut batch, BATCH).await != 0 {
        let appends = batch.iter().map(|it| it.append.clone()).collect();
        let outcomes = match database.append(appends).await {
            Ok(outcomes) => outcomes,
            Err(error) => {
                tracing::error!(
                    messages = batch.len(),
                    error = &error as &dyn std::error::Error,
                    "Messages could not be stored"
                );
                // What waits behind them fails, too: it must not overtake them.
                let waiting = std::iter::from_fn(|| submissions.try_recv().ok()).take(QUEUE);
                batch.extend(waiting);
                let code = if error.is_busy() { Code::Busy } else { Code::Internal };
                batch.drain(..).for_each(|it| it.fail(Refusal::after(code, PAUSE)));
                continue;
            }
        };
        let mut committed = Vec::with_capacity(batch.len());
        for (submission, outcome) in batch.drain(..).zip(outcomes) {
            match outcome {
                Ok(appended) => committed.extend(submission.acknowledge(appended)),
                Err(refusal) => submission.answer(Err(refusal_of(refusal))),
            }
        }
        bus.publish_committed(committed).await;
    }
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
        self.outbox.fail(self.append.id);
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
