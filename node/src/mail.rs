//! E-mail, outside of every request: errands in a bounded queue, and an office that runs them. It makes
//! the codes, writes the letters, and delivers them with patience. No request waits for it, so none
//! takes longer because a mail server is slow, and none tells by its time who has an account.
//!
//! The queue is all that is lost when a node dies: whoever waits for a mail in vain asks once more.
//! What counts, the codes and how many mails were sent, is in the store.

mod code;
mod letter;
mod office;
mod post;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;
use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;
use tokio::sync::mpsc;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;

use self::office::Office;
pub use self::post::{Post, PostError};
use crate::clock;
use crate::outage::Outage;
use crate::password::Hasher;
use crate::store::{Database, StoreError};
use crate::throttle::Network;

/// Something to write to somebody.
#[derive(Clone, Debug)]
pub enum Errand {
    /// The code for an account that waits for it.
    Verify(Username),
    /// Codes for another password.
    Reset { account: Account, from: Network },
    /// The code for another address.
    Change { user: UserId, to: EmailAddress },
    /// The password was changed.
    PasswordChanged(UserId),
    /// The address was changed: a notice to the one before.
    AddressChanged { username: Username, before: EmailAddress },
}

/// How somebody named an account.
#[derive(Clone, Debug)]
pub enum Account {
    Named(Username),
    /// All of this address.
    Of(EmailAddress),
}

/// The end that takes errands. A cheap handle.
#[derive(Clone)]
pub struct Mailer {
    queue: mpsc::Sender<(Errand, Instant)>,
    /// Errands that there was no room for.
    overflow: Arc<Overflow>,
}

#[derive(Default)]
struct Overflow {
    count: AtomicU64,
    outage: Outage,
}

/// There is no room for one more errand, or the node stops.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the queue of mails takes nothing more")]
pub struct NoRoom;

/// What became of a notice.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Notice {
    /// There is no address, or it had enough of them in this hour.
    NoNeed,
    Delivered,
    Undelivered,
}

/// What an office works with.
pub struct Means {
    pub database: Database,
    pub hasher: Hasher,
    pub post: Post,
    /// What people know this server as.
    pub server: String,
}

/// Errands that wait for a turn: what a busy hour brings while the mail server is away for a minute.
const QUEUE: usize = 256;
/// Errands in hand at once, those included that wait for another attempt.
const IN_HAND: usize = 64;
/// How long what is in hand may take when the node stops.
const LAST: Duration = Duration::from_secs(2);
/// Between two looks for sign-ups that were never verified.
const SWEEP: Duration = Duration::from_secs(15 * 60);
/// Of this time mails are counted.
pub(crate) const HOUR_MS: i64 = 60 * 60 * 1_000;

impl Mailer {
    /// The handle, and the loop to run. It ends soon after `stop`: what is in hand is tried once more.
    pub fn new(means: Means, stop: CancellationToken) -> (Self, impl Future<Output = ()>) {
        let (queue, errands) = mpsc::channel(QUEUE);
        let office = Office::new(means, stop.clone());
        (Self { queue, overflow: Arc::default() }, run(office, errands, stop))
    }

    /// Takes an errand. Never waits.
    ///
    /// # Errors
    /// There is no room; it is counted.
    pub fn send(&self, errand: Errand) -> Result<(), NoRoom> {
        let Err(_full_or_closed) = self.queue.try_send((errand, Instant::now())) else {
            if let Some(dropped) = self.overflow.outage.worked(Instant::now()) {
                tracing::info!(dropped, "The queue of mails takes errands again");
            }
            return Ok(());
        };
        let count = self.overflow.count.fetch_add(1, Ordering::Relaxed) + 1;
        if self.overflow.outage.failed(Instant::now()) {
            tracing::warn!(dropped = count, "The queue of mails is full: mails are not sent");
        }
        Err(NoRoom)
    }

    /// Takes an errand that nobody waits for: what there is no room for is counted, and no more.
    pub fn offer(&self, errand: Errand) {
        let _no_room = self.send(errand);
    }

    /// Errands that there was no room for, since the start.
    #[must_use]
    pub fn overflowed(&self) -> u64 {
        self.overflow.count.load(Ordering::Relaxed)
    }
}

/// Tells somebody that their password was changed, outside of a node and its queue: one attempt.
///
/// # Errors
/// The store failed.
pub async fn tell_of_password(means: Means, user: UserId) -> Result<Notice, StoreError> {
    let stop = CancellationToken::new();
    // Nobody is there who could try once more.
    stop.cancel();
    Office::new(means, stop).password_changed(user).await
}

async fn run(
    office: Office,
    mut errands: mpsc::Receiver<(Errand, Instant)>,
    stop: CancellationToken,
) {
    let mut in_hand = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;

            // First, so that a place is free before more is taken in.
            Some(()) = in_hand.next(), if !in_hand.is_empty() => {}
            errand = errands.recv(), if in_hand.len() < IN_HAND => match errand {
                Some((errand, asked)) => in_hand.push(office.run(errand, asked)),
                None => break,
            },
            () = stop.cancelled() => break,
        }
    }
    errands.close();
    while let Ok((errand, asked)) = errands.try_recv() {
        in_hand.push(office.run(errand, asked));
    }
    if timeout(LAST, async { while in_hand.next().await.is_some() {} }).await.is_err() {
        tracing::warn!(mails = in_hand.len(), "Some mails were not sent before the end");
    }
}

/// Forgets what was never verified, now and then, until `stop`. Also where no mail is sent any more.
pub async fn sweep(database: Database, stop: CancellationToken) {
    let mut turns = interval(SWEEP);
    loop {
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            _ = turns.tick() => {}
        }
        let forgotten = async {
            let now = database.time(clock::now()).await?;
            database.forget_unverified(now, Time(now.0 - HOUR_MS)).await
        };
        match forgotten.await {
            Ok(0) => {}
            Ok(accounts) => tracing::info!(accounts, "Accounts that were never verified are gone"),
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(error, "Accounts that were never verified could not be forgotten");
            }
        }
    }
}

#[cfg(test)]
mod tests;
