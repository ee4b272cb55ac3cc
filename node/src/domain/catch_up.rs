//! Which entries a device lacks, given how far it is and how far the conversations go.

use std::collections::{HashMap, VecDeque};

use thrive_protocol::ids::{ConversationId, Seq};
use thrive_protocol::limits::SYNC_FIRST;
use thrive_protocol::request::Position;

/// Entries `after < seq <= to` of one conversation; never empty.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Range {
    pub conversation: ConversationId,
    pub after: Seq,
    pub to: Seq,
}

impl Range {
    #[must_use]
    pub fn len(&self) -> u64 {
        self.to.0 - self.after.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.to <= self.after
    }

    /// The first `most` entries of it.
    #[must_use]
    pub fn first(self, most: u64) -> Self {
        Self { to: Seq(self.after.0 + self.len().min(most)), ..self }
    }
}

/// What is missing, in the order of `heads`. Of a conversation without a position: its last entries.
#[must_use]
pub fn missing(heads: &[(ConversationId, Seq)], positions: &[Position]) -> Vec<Range> {
    let held: HashMap<_, _> = positions.iter().map(|it| (it.conversation, it.seq)).collect();
    let ranges = heads.iter().map(|&(conversation, head)| {
        let unseen = || Seq(head.0.saturating_sub(SYNC_FIRST as u64));
        let after = held.get(&conversation).copied().unwrap_or_else(unseen);
        Range { conversation, after, to: head }
    });
    ranges.filter(|range| !range.is_empty()).collect()
}

/// Takes ranges with at most `most` entries from the front; the last one may be cut.
#[must_use]
pub fn slice(ranges: &mut VecDeque<Range>, most: usize) -> Vec<Range> {
    let mut room = most as u64;
    let mut slice = Vec::new();
    while 0 < room
        && let Some(range) = ranges.pop_front()
    {
        let taken = range.first(room);
        room -= taken.len();
        slice.push(taken);
        let rest = Range { after: taken.to, ..range };
        if !rest.is_empty() {
            ranges.push_front(rest);
        }
    }
    slice
}

/// Whether a position lies beyond the end: this store has lost what the device has seen, so its
/// positions mean nothing here.
#[must_use]
pub fn is_ahead(heads: &[(ConversationId, Seq)], positions: &[Position]) -> bool {
    let heads: HashMap<_, _> = heads.iter().copied().collect();
    positions.iter().any(|it| heads.get(&it.conversation).is_some_and(|head| *head < it.seq))
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: ConversationId = ConversationId(1);
    const B: ConversationId = ConversationId(2);

    fn at(conversation: ConversationId, seq: u64) -> Position {
        Position { conversation, seq: Seq(seq) }
    }

    fn range(conversation: ConversationId, after: u64, to: u64) -> Range {
        Range { conversation, after: Seq(after), to: Seq(to) }
    }

    #[test]
    fn a_known_conversation_is_read_from_its_position_and_a_new_one_from_near_its_end() {
        let heads = [(A, Seq(700)), (B, Seq(700))];
        assert_eq!(missing(&heads, &[at(A, 10)]), [range(A, 10, 700), range(B, 650, 700)]);
        assert_eq!(missing(&[(B, Seq(3))], &[]), [range(B, 0, 3)]);
    }

    #[test]
    fn nothing_is_missing_at_the_end_or_in_a_conversation_of_others() {
        assert_eq!(missing(&[(A, Seq(7)), (B, Seq(0))], &[at(A, 7), at(ConversationId(9), 3)]), []);
    }

    #[test]
    fn a_position_beyond_the_end_is_noticed() {
        assert!(is_ahead(&[(A, Seq(7))], &[at(A, 8)]));
        assert!(!is_ahead(&[(A, Seq(7))], &[at(A, 7), at(B, 8)]));
    }

    #[test]
    fn slices_take_everything_in_order_and_never_more_than_asked() {
        let mut ranges = VecDeque::from([range(A, 0, 7), range(B, 3, 5), range(B, 9, 10)]);
        assert_eq!(slice(&mut ranges, 0), []);
        assert_eq!(slice(&mut ranges, 4), [range(A, 0, 4)]);
        assert_eq!(slice(&mut ranges, 4), [range(A, 4, 7), range(B, 3, 4)]);
        assert_eq!(slice(&mut ranges, 4), [range(B, 4, 5), range(B, 9, 10)]);
        assert_eq!(slice(&mut ranges, 4), []);
    }

    #[test]
    fn a_range_is_cut_from_its_beginning() {
        assert_eq!(range(A, 5, 100).first(10), range(A, 5, 15));
        assert_eq!(range(A, 5, 7).first(10), range(A, 5, 7));
    }
}
