//! What the bus did, in numbers that only grow.

use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! figures {
    ($($(#[$about:meta])* $name:ident,)*) => {
        /// Written by the tasks of the bus.
        #[derive(Debug, Default)]
        pub struct Figures {
            $($(#[$about])* pub(super) $name: AtomicU64,)*
        }

        /// The figures at one moment.
        #[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
        pub struct Snapshot {
            $($(#[$about])* pub $name: u64,)*
        }

        impl Figures {
            #[must_use]
            pub fn snapshot(&self) -> Snapshot {
                Snapshot { $($name: self.$name.load(Ordering::Relaxed),)* }
            }
        }
    };
}

figures! {
    /// Items (entries and news) that Redis took.
    published,
    /// Messages that carried them: one for each partition of a batch.
    batches,
    /// Items of other nodes that arrived.
    received,
    /// Items for which the queue of the publisher had no room.
    dropped_full,
    /// Items of batches that took too long.
    dropped_slow,
    /// Items of batches that Redis refused, or for which there was no connection.
    dropped_failed,
    /// Messages that arrived and found no room in the queue of the reader.
    dropped_unread,
    /// Messages that could not be read to their end.
    malformed,
    /// Items of a kind or a version that this program does not know.
    unknown,
    /// Entries that were missing between others and were read from the store, or seen to be missing by
    /// comparing heads and read then.
    repaired_entries,
    /// Gaps that entries of the bus showed.
    gaps,
    /// Times that everything was compared with the store.
    comparisons,
    /// Conversations whose head in the store was beyond what the bus had brought.
    tails,
    /// Conversations of which a connected member was told late, because the news was lost.
    invitations,
    /// Sessions that were found ended, because the news was lost.
    ended_sessions,
    /// Times that somebody was told to look at their contacts again: after each change, since nobody
    /// knows whether the news of it came.
    contact_looks,
    /// Partitions that were silent for too long.
    canaries_missed,
    /// Subscriptions that the server confirmed, the first included.
    subscriptions,
}

/// Adds to a figure.
pub(super) fn add(figure: &AtomicU64, more: usize) {
    figure.fetch_add(more as u64, Ordering::Relaxed);
}
