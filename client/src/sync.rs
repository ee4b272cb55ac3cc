//! Which entries may be shown, and whether something is missing. Pure.
//!
//! Every conversation is a log numbered from 1 without gaps. Entries reach this device pushed, pulled
//! and as acknowledgments of its own messages, in any order, some of them twice, some never. Out come
//! only entries in order, each once. What cannot come out yet waits, within a bound; what does not
//! fit is forgotten, because a pull finds it again.

use std::collections::BTreeMap;

use thrive_protocol::entry::Entry;
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ConversationId, Seq};
use thrive_protocol::people::Conversation;
use thrive_protocol::request::Position;

/// Entries of one conversation that wait for one before them. A pull brings more than that anyway.
const AHEAD: usize = 256;

/// How far this device is in every conversation. `T` is what an entry is made of.
#[derive(Debug)]
pub(crate) struct Sync<T> {
    tracks: BTreeMap<ConversationId, Track<T>>,
}

#[derive(Debug)]
struct Track<T> {
    /// Everything up to here is held without a gap; `None`: nothing is known of this log yet.
    position: Option<Seq>,
    /// The last entry that is known to exist.
    head: Seq,
    ahead: BTreeMap<Seq, T>,
}

/// An entry whose turn has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Placed<T> {
    pub(crate) conversation: ConversationId,
    pub(crate) seq: Seq,
    pub(crate) item: T,
}

impl<T> Default for Sync<T> {
    fn default() -> Self {
        Self { tracks: BTreeMap::new() }
    }
}

impl<T> Sync<T> {
    /// Takes over what the disk says; only ever moves forward.
    pub(crate) fn know(&mut self, conversation: ConversationId, position: Option<Seq>) {
        let track = self.track(conversation);
        track.position = track.position.max(position);
        track.head = track.head.max(position.unwrap_or_default());
    }

    /// An entry with that place exists.
    pub(crate) fn head(&mut self, conversation: ConversationId, head: Seq) {
        let track = self.track(conversation);
        track.head = track.head.max(head);
    }

    /// The log of a conversation that was unknown starts after `position` for this device.
    pub(crate) fn start(&mut self, conversation: ConversationId, position: Seq) -> bool {
        let track = self.track(conversation);
        let unknown = track.position.is_none();
        if unknown {
            track.position = Some(position);
            track.ahead = track.ahead.split_off(&position.next());
        }
        unknown
    }

    /// One entry from anywhere. Whatever may be shown because of it is added to `ready`.
    pub(crate) fn offer(
        &mut self,
        conversation: ConversationId,
        seq: Seq,
        item: T,
        ready: &mut Vec<Placed<T>>,
    ) {
        let track = self.track(conversation);
        track.head = track.head.max(seq);
        if track.position.is_some_and(|position| seq <= position) {
            return;
        }
        track.ahead.insert(seq, item);
        if let Some(mut position) = track.position {
            while let Some(item) = track.ahead.remove(&position.next()) {
                position = position.next();
                ready.push(Placed { conversation, seq: position, item });
            }
            track.position = Some(position);
        }
        while AHEAD < track.ahead.len() {
            track.ahead.pop_last();
        }
    }

    /// One page of a pull. Returns the conversations that start with it, and their first entry.
    pub(crate) fn page(
        &mut self,
        conversations: &[Conversation],
        entries: Vec<Entry>,
        item: impl Fn(Entry) -> T,
        ready: &mut Vec<Placed<T>>,
    ) -> Vec<Head> {
        let mut starts = Vec::new();
        for conversation in conversations {
            self.head(conversation.conversation, conversation.head);
            let first =
                entries.iter().find(|entry| entry.conversation == conversation.conversation);
            let position = match first {
                Some(first) => Seq(first.seq.0.saturating_sub(1)),
                None if conversation.head == Seq::START => Seq::START,
                None => continue,
            };
            if self.start(conversation.conversation, position) {
                let conversation = conversation.conversation;
                starts.push(Head { conversation, seq: position.next() });
            }
        }
        for entry in entries {
            let (conversation, seq) = (entry.conversation, entry.seq);
            self.offer(conversation, seq, item(entry), ready);
        }
        starts
    }

    /// What to tell the node when pulling.
    pub(crate) fn positions(&self) -> Vec<Position> {
        let known = self.tracks.iter().filter_map(|(&conversation, track)| {
            track.position.map(|seq| Position { conversation, seq })
        });
        known.collect()
    }

    /// The conversations of which something exists that is not held.
    pub(crate) fn behind(&self) -> impl Iterator<Item = ConversationId> {
        let behind = self.tracks.iter().filter(|(_, track)| match track.position {
            Some(position) => position < track.head,
            None => true,
        });
        behind.map(|(&conversation, _)| conversation)
    }

    fn track(&mut self, conversation: ConversationId) -> &mut Track<T> {
        self.tracks.entry(conversation).or_insert_with(|| Track {
            position: None,
            head: Seq::START,
            ahead: BTreeMap::new(),
        })
    }
}

#[cfg(test)]
mod simulation;

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: ConversationId = ConversationId(7);

    fn offer(sync: &mut Sync<&'static str>, seq: u64, item: &'static str) -> Vec<u64> {
        let mut ready = Vec::new();
        sync.offer(CHAT, Seq(seq), item, &mut ready);
        ready.iter().map(|placed| placed.seq.0).collect()
    }

    fn from_start() -> Sync<&'static str> {
        let mut sync = Sync::default();
        sync.know(CHAT, Some(Seq::START));
        sync
    }

    #[test]
    fn what_comes_in_order_comes_out_at_once_and_only_once() {
        let mut sync = from_start();
        assert_eq!(offer(&mut sync, 1, "a"), [1]);
        assert_eq!(offer(&mut sync, 2, "b"), [2]);
        assert_eq!(offer(&mut sync, 1, "a"), [0; 0]);
        assert_eq!(sync.behind().count(), 0);
    }

    #[test]
    fn a_gap_holds_back_what_is_after_it_and_asks_for_a_pull() {
        let mut sync = from_start();
        assert_eq!(offer(&mut sync, 3, "c"), [0; 0]);
        assert_eq!(sync.behind().collect::<Vec<_>>(), [CHAT]);
        assert_eq!(offer(&mut sync, 1, "a"), [1]);
        assert_eq!(offer(&mut sync, 2, "b"), [2, 3]);
        assert_eq!(sync.behind().count(), 0);
    }

    #[test]
    fn an_unknown_conversation_shows_nothing_before_its_start_is_known() {
        let mut sync = Sync::default();
        assert_eq!(offer(&mut sync, 90, "x"), [0; 0]);
        assert_eq!(sync.behind().count(), 1);
        assert!(sync.positions().is_empty());
        assert!(sync.start(CHAT, Seq(89)));
        assert!(!sync.start(CHAT, Seq(5)), "a known position never goes back");
        assert_eq!(offer(&mut sync, 91, "y"), [90, 91]);
    }

    #[test]
    fn a_head_beyond_the_position_asks_for_a_pull_until_it_is_reached() {
        let mut sync = from_start();
        sync.head(CHAT, Seq(1));
        assert_eq!(sync.behind().count(), 1);
        offer(&mut sync, 1, "a");
        assert_eq!(sync.behind().count(), 0);
    }

    #[test]
    fn entries_far_ahead_are_forgotten_but_still_asked_for() {
        let mut sync = from_start();
        for seq in 2..2 + 2 * AHEAD as u64 {
            offer(&mut sync, seq, "x");
        }
        let ready = offer(&mut sync, 1, "x");
        assert_eq!(ready.len(), AHEAD + 1);
        assert_eq!(sync.behind().count(), 1);
    }
}
