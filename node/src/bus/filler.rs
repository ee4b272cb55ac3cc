//! Reads what is missing between entries from the store and delivers it.
//!
//! One task, so that no conversation is read twice at once, and many conversations are read with one
//! question. What it cannot read, or has no room to remember, the next comparison of heads finds again.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use thrive_protocol::ids::{ConversationId, Seq};
use tokio::sync::Notify;
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::figures::{Figures, add};
use crate::domain::catch_up::Range;
use crate::faults::{self, Bug};
use crate::hub::{Delivery, Gap, Hub};
use crate::outage::Outage;
use crate::store::{Database, StoreError};

/// Gaps that are remembered: one for each conversation that is followed here, within reason.
const GAPS: usize = 65_536;
/// Gaps in one question to the store.
const AT_ONCE: usize = 16;
/// Entries in one answer.
const ENTRIES: u64 = 256;

/// A cheap handle.
#[derive(Clone)]
pub(super) struct Filler {
    shared: Arc<Shared>,
}

struct Shared {
    hub: Hub,
    database: Database,
    figures: Arc<Figures>,
    /// How long a gap waits.
    pause: Duration,
    /// Guards the list for a few lines; never held over an await.
    wanted: Mutex<Wanted>,
    added: Notify,
    outage: Outage,
}

/// What is to be read. Pure.
#[derive(Default)]
struct Wanted {
    /// How far, for each conversation in the queue.
    upto: HashMap<ConversationId, Seq>,
    /// In the order in which they were added, which is also that of their times.
    queue: VecDeque<(ConversationId, Instant)>,
}

impl Filler {
    pub(super) fn new(
        hub: Hub,
        database: Database,
        figures: Arc<Figures>,
        pause: Duration,
    ) -> Self {
        let (wanted, added) = (Mutex::default(), Notify::new());
        let outage = Outage::default();
        Self { shared: Arc::new(Shared { hub, database, figures, pause, wanted, added, outage }) }
    }

    /// Sees to it that these gaps close. Never waits.
    pub(super) fn fill(&self, gaps: &[Gap]) {
        if gaps.is_empty() {
            return;
        }
        let due = Instant::now() + self.shared.pause;
        {
            let mut wanted = self.shared.wanted.lock();
            gaps.iter().for_each(|gap| wanted.add(*gap, due));
        }
        self.shared.added.notify_one();
    }

    /// Reads until `stop`.
    pub(super) async fn run(self, stop: CancellationToken) {
        stop.run_until_cancelled(self.work()).await;
    }

    async fn work(&self) {
        loop {
            let due = self.shared.wanted.lock().next_due();
            match due {
                None => self.shared.added.notified().await,
                Some(due) if Instant::now() < due => sleep_until(due.into()).await,
                Some(_) => self.read_some().await,
            }
        }
    }

    async fn read_some(&self) {
        let Shared { hub, database, figures, wanted, outage, .. } = &*self.shared;
        let gaps = wanted.lock().take(Instant::now(), AT_ONCE);
        match read(hub, database, figures, &gaps).await {
            Ok(left) => {
                if let Some(failed) = outage.worked(Instant::now()) {
                    tracing::info!(failed, "Gaps can be read again");
                }
                let now = Instant::now();
                let mut wanted = wanted.lock();
                left.iter().for_each(|gap| wanted.add(*gap, now));
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                if outage.failed(Instant::now()) {
                    tracing::warn!(error, "Gaps could not be read; a later comparison finds them");
                } else {
                    tracing::debug!(error, "Gaps could still not be read");
                }
            }
        }
    }
}

/// Asks once for what is still missing in up to [`AT_ONCE`] gaps and delivers it. Returns the gaps that
/// are not closed and can be by asking again.
async fn read(
    hub: &Hub,
    database: &Database,
    figures: &Figures,
    gaps: &[Gap],
) -> Result<Vec<Gap>, StoreError> {
    let missing = hub.missing(gaps);
    if missing.is_empty() || faults::bug(Bug::NoReconcile) {
        return Ok(Vec::new());
    }
    let share = (ENTRIES / missing.len() as u64).max(1);
    let range = |gap: &Gap| {
        let to = gap.to.min(Seq(gap.after.0.saturating_add(share)));
        Range { conversation: gap.conversation, after: gap.after, to }
    };
    let entries = database.entries_in(&missing.iter().map(range).collect::<Vec<_>>()).await?;
    add(&figures.repaired_entries, entries.len());
    let deliveries: Vec<_> = entries.into_iter().map(|entry| Delivery::of(entry, None)).collect();
    // What is a gap again has one before it that is wanted already.
    hub.deliver(&deliveries);
    let before: HashMap<_, _> = missing.iter().map(|gap| (gap.conversation, gap.after)).collect();
    let mut left = hub.missing(gaps);
    // Where nothing came, asking again helps nobody.
    left.retain(|gap| before.get(&gap.conversation).is_some_and(|before| *before < gap.after));
    Ok(left
        .iter()
        .filter_map(|left| gaps.iter().find(|gap| gap.conversation == left.conversation))
        .copied()
        .collect())
}

/// Reads all of it now: for a bus that hardly ever has a gap.
pub(super) async fn fill_now(
    hub: &Hub,
    database: &Database,
    figures: &Figures,
    gaps: &[Gap],
) -> Result<(), StoreError> {
    for some in gaps.chunks(AT_ONCE) {
        let mut left = some.to_vec();
        while !left.is_empty() {
            left = read(hub, database, figures, &left).await?;
        }
    }
    Ok(())
}

impl Wanted {
    fn add(&mut self, gap: Gap, due: Instant) {
        let full = GAPS <= self.queue.len();
        match self.upto.entry(gap.conversation) {
            Entry::Occupied(mut upto) => {
                let upto = upto.get_mut();
                *upto = gap.to.max(*upto);
            }
            Entry::Vacant(_) if full => {}
            Entry::Vacant(upto) => {
                upto.insert(gap.to);
                // Not before one that waits already, so that the first is always the next.
                let due = self.queue.back().map_or(due, |(_, last)| due.max(*last));
                self.queue.push_back((gap.conversation, due));
            }
        }
    }

    fn next_due(&self) -> Option<Instant> {
        self.queue.front().map(|(_, due)| *due)
    }

    /// Those that have waited for long enough.
    fn take(&mut self, now: Instant, at_most: usize) -> Vec<Gap> {
        let mut taken = Vec::new();
        while taken.len() < at_most
            && let Some((conversation, due)) = self.queue.front().copied()
            && due <= now
        {
            self.queue.pop_front();
            if let Some(to) = self.upto.remove(&conversation) {
                taken.push(Gap { conversation, after: Seq::START, to });
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gap(conversation: i64, to: u64) -> Gap {
        Gap { conversation: ConversationId(conversation), after: Seq(0), to: Seq(to) }
    }

    #[test]
    fn gaps_of_one_conversation_become_one_and_wait_for_their_time() {
        let (mut wanted, start) = (Wanted::default(), Instant::now());
        let later = start + Duration::from_millis(10);
        wanted.add(gap(1, 5), later);
        wanted.add(gap(1, 9), later + Duration::from_millis(5));
        wanted.add(gap(1, 7), later);
        wanted.add(gap(2, 3), later);
        assert_eq!(wanted.take(start, 16), []);
        assert_eq!(wanted.next_due(), Some(later));
        assert_eq!(wanted.take(later, 16), [gap(1, 9), gap(2, 3)]);
        assert_eq!((wanted.next_due(), wanted.upto.len()), (None, 0));
    }

    #[test]
    fn what_finds_no_room_is_forgotten_and_not_more_is_taken_than_asked() {
        let (mut wanted, now) = (Wanted::default(), Instant::now());
        (0..GAPS as i64 + 5).for_each(|id| wanted.add(gap(id, 1), now));
        assert_eq!((wanted.queue.len(), wanted.upto.len()), (GAPS, GAPS));
        assert_eq!(wanted.take(now, 16).len(), 16);
    }
}
