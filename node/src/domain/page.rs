//! How much fits into one answer: entries are counted, and so are the bytes of their texts.

use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::limits::SYNC_PAGE;

/// What is left of a page.
#[derive(Clone, Copy, Debug)]
pub struct Room {
    entries: usize,
    bytes: usize,
}

impl Room {
    #[must_use]
    pub fn of_sync_page() -> Self {
        Self { entries: SYNC_PAGE, bytes: BYTES }
    }

    #[must_use]
    pub fn entries(&self) -> usize {
        self.entries
    }

    /// Whether there was room for this entry, which is then taken.
    pub fn take(&mut self, entry: &Entry) -> bool {
        let (Some(entries), Some(bytes)) =
            (self.entries.checked_sub(1), self.bytes.checked_sub(size_of(entry)))
        else {
            return false;
        };
        *self = Self { entries, bytes };
        true
    }
}

/// The last entries of `entries` whose texts fit into one answer together.
#[must_use]
pub fn newest_that_fit(mut entries: Vec<Entry>) -> Vec<Entry> {
    let mut room = Room { entries: entries.len(), bytes: BYTES };
    let fit = entries.iter().rev().take_while(|entry| room.take(entry)).count();
    entries.split_off(entries.len() - fit)
}

fn size_of(entry: &Entry) -> usize {
    match &entry.body {
        Body::Message { text, .. } => text.as_str().len(),
        // Small, but not nothing.
        Body::FileOffer(_) => FILE_OFFER,
        Body::FileState { .. } | Body::Unknown {} => 0,
    }
}

/// An offer without its frame of names that every entry has: a name and a content type.
const FILE_OFFER: usize = 640;
/// Of texts. A bulk frame has 1 MiB; the rest is for the names of fields and for up to 1 500
/// conversations beside the entries.
const BYTES: usize = 700 * 1024;

#[cfg(test)]
mod tests {
    use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, Time, UserId};
    use thrive_protocol::limits::TEXT_BYTES;
    use thrive_protocol::text::MessageText;

    use super::*;

    fn entry(seq: u64, bytes: usize) -> Entry {
        // Four bytes to a character, so that the limit of characters allows the limit of bytes.
        let text = MessageText::parse(&"\u{1f600}".repeat(bytes.div_ceil(4))).unwrap();
        Entry {
            conversation: ConversationId(1),
            seq: Seq(seq),
            sender: UserId(1),
            time: Time(0),
            body: Body::Message { id: ClientMsgId([0; 16]), text },
        }
    }

    #[test]
    fn a_page_ends_with_its_entries_or_with_its_bytes() {
        let mut small = Room::of_sync_page();
        assert_eq!((0..).take_while(|seq| small.take(&entry(*seq, 4))).count(), SYNC_PAGE);
        let mut large = Room::of_sync_page();
        let taken = (0..).take_while(|seq| large.take(&entry(*seq, 16_000))).count();
        assert_eq!(taken, BYTES / 16_000);
        assert!(TEXT_BYTES * taken <= 1024 * 1024);
    }

    #[test]
    fn of_a_history_that_is_too_large_the_newest_part_stays() {
        let entries: Vec<_> = (1..=100).map(|seq| entry(seq, 16_000)).collect();
        let fit = newest_that_fit(entries.clone());
        assert_eq!(fit.last(), entries.last());
        assert_eq!(fit.len(), BYTES / 16_000);
        assert_eq!(newest_that_fit(entries[..3].to_vec()), entries[..3]);
    }
}
