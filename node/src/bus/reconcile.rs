//! Finds what the bus lost: gaps at once, lost tails by asking the store for the heads.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::hub::{Gap, Hub};
use crate::store::Database;

/// How long a lost tail may stay unnoticed. Jittered, so that nodes do not ask together.
const EVERY: Duration = Duration::from_secs(3);
/// Conversations in one question to the store.
const HEADS: usize = 500;
/// Entries in one answer.
const PAGE: usize = 200;

/// Compares the heads of everything that is followed here with the store, until `stop`.
pub async fn reconcile(hub: Hub, database: Database, stop: CancellationToken) {
    loop {
        let jitter = Duration::from_millis(u64::from(crate::random::byte()));
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY + jitter) => {}
        }
        compare(&hub, &database).await;
    }
}

/// Asks the store once for the heads of all that is followed here, and delivers what is missing.
pub(super) async fn compare(hub: &Hub, database: &Database) {
    for conversations in hub.followed().chunks(HEADS) {
        match database.heads(conversations).await {
            Ok(heads) => fill(hub, database, hub.raise(heads)).await,
            Err(error) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "Heads could not be read; asking again soon"
            ),
        }
    }
}

/// Reads what is missing and delivers it, in order. A gap that cannot be read is found again by the
/// next comparison of heads.
pub(super) async fn fill(hub: &Hub, database: &Database, gaps: Vec<Gap>) {
    for gap in gaps {
        let mut after = gap.after;
        while after < gap.to && !hub.has(gap.conversation, gap.to) {
            let entries = match database.entries_after(gap.conversation, after, PAGE).await {
                Ok(entries) => entries,
                Err(error) => {
                    tracing::error!(
                        conversation.id = %gap.conversation,
                        error = &error as &dyn std::error::Error,
                        "A gap could not be read"
                    );
                    break;
                }
            };
            let Some(last) = entries.last() else { break };
            after = last.seq;
            // What is a gap again arrived out of order meanwhile: the next comparison finds it.
            hub.deliver(entries.into_iter().map(|entry| (entry, None)));
        }
    }
}
