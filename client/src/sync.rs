//! Which entries may be shown, and whether something is missing. Pure.
//!
//! Every conversation is a log numbered from 1 without gaps. Entries reach this device pushed, pulled
//! and as acknowledgments of its own messages, in any order, some of them twice, some never. Out come
//! only entries in order, each once. What cannot come out yet waits, within a bound; what does not
//! fit is forgotten, because a pull finds it again.

use std::cmp::Reverse;
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
pub struct Sync<T> {
    tracks: BTreeMap<ConversationId, Track<T>>,
}

#[derive(Debug)]
struct Track<T> {
    /// Everything up to here is held without a gap; `None`: nothing is known of this log yet.
    position: Option<Seq>,
    /// The last entry that is known to exist.
    head: Seq,
    /// What `head` was when the node was last asked for what is missing.
    asked: Option<Seq>,
    ahead: BTreeMap<Seq, T>,
}

/// An entry whose turn has come.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Placed<T> {
    pub conversation: ConversationId,
    pub seq: Seq,
    pub item: T,
}

impl<T> Default for Sync<T> {
    fn default() -> Self {
        Self { tracks: BTreeMap::new() }
    }
}

impl<T> Sync<T> {
    /// Takes over what the disk says; only ever moves forward.
    pub fn know(&mut self, conversation: ConversationId, position: Option<Seq>) {
        let track = self.track(conversation);
        track.position = track.position.max(position);
        track.head = track.head.max(position.unwrap_or_default());
    }

    /// An entry with that place exists.
    pub fn head(&mut self, conversation: ConversationId, head: Seq) {
        let track = self.track(conversation);
        track.head = track.head.max(head);
    }

    /// There is no such conversation any more.
    pub fn forget(&mut self, conversation: ConversationId) {
        self.tracks.remove(&conversation);
    }

    /// The log of a conversation that was unknown starts after `position` for this device.
    pub fn start(&mut self, conversation: ConversationId, position: Seq) -> bool {
        let track = self.track(conversation);
        let unknown = track.position.is_none();
        if unknown {
            track.position = Some(position);
            track.ahead = track.ahead.split_off(&position.next());
        }
        unknown
    }

    /// One entry from anywhere. Whatever may be shown because of it is added to `ready`. `false`: its
    /// place is held already.
    pub fn offer(
        &mut self,
        conversation: ConversationId,
        seq: Seq,
        item: T,
        ready: &mut Vec<Placed<T>>,
    ) -> bool {
        let track = self.track(conversation);
        if track.position.is_some_and(|position| seq <= position) {
            return false;
        }
        track.head = track.head.max(seq);
        track.ahead.entry(seq).or_insert(item);
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
        true
    }

    /// One page of a pull. Returns the conversations that start with it, and their first entry.
    pub fn page(
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

    /// What to tell the node when pulling, at most `limit`: first where something is missing, then the
    /// newest.
    pub fn ask(&mut self, limit: usize) -> Vec<Position> {
        let mut known: Vec<_> = self
            .tracks
            .iter()
            .filter_map(|(&conversation, track)| {
                let seq = track.position?;
                Some((seq < track.head, Position { conversation, seq }))
            })
            .collect();
        if limit < known.len() {
            known.sort_by_key(|(behind, position)| Reverse((*behind, position.conversation)));
            known.truncate(limit);
        }
        for track in self.tracks.values_mut() {
            track.asked = track.position.is_none().then_some(track.head);
        }
        for (_, position) in &known {
            let track = self.track(position.conversation);
            track.asked = Some(track.head);
        }
        known.into_iter().map(|(_, position)| position).collect()
    }

    /// The node has given everything that it was asked for. What it did not give does not exist for
    /// this device, whatever was said of it: asking for ever would not bring it.
    pub fn complete(&mut self) {
        self.tracks.retain(|_, track| {
            if track.asked.take() != Some(track.head) {
                // Not asked for, or it grew meanwhile.
                return true;
            }
            if let Some(position) = track.position
                && position < track.head
            {
                track.head = position;
                track.ahead.clear();
            }
            track.position.is_some()
        });
    }

    /// How far this device is everywhere.
    pub fn positions(&self) -> Vec<Position> {
        let known = self.tracks.iter().filter_map(|(&conversation, track)| {
            track.position.map(|seq| Position { conversation, seq })
        });
        known.collect()
    }

    /// The conversations of which something exists that is not held.
    pub fn behind(&self) -> impl Iterator<Item = ConversationId> {
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
            asked: None,
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
    fn what_the_node_never_gives_is_not_asked_for_again_until_there_is_news() {
        let mut sync = from_start();
        let unknown = ConversationId(8);
        offer(&mut sync, 3, "c");
        sync.head(unknown, Seq(4));
        sync.ask(10);
        sync.complete();
        assert_eq!(sync.behind().count(), 0);
        assert_eq!(sync.tracks.len(), 1, "of the other one nothing is known");
        sync.ask(10);
        sync.head(CHAT, Seq(9));
        sync.complete();
        assert_eq!(sync.behind().collect::<Vec<_>>(), [CHAT], "heard of while the answer came");
    }

    #[test]
    fn when_not_all_positions_fit_what_is_behind_goes_first_and_then_the_newest() {
        let mut sync = Sync::<()>::default();
        for id in 1..=5 {
            sync.know(ConversationId(id), Some(Seq(2)));
        }
        sync.head(ConversationId(2), Seq(3));
        sync.head(ConversationId(1), Seq(3));
        let asked: Vec<_> = sync.ask(3).iter().map(|position| position.conversation.0).collect();
        assert_eq!(asked, [2, 1, 5]);
        assert_eq!(sync.ask(5).len(), 5);
        assert_eq!(sync.ask(1).len(), 1);
        sync.complete();
        assert_eq!(sync.behind().collect::<Vec<_>>(), [ConversationId(1)], "it was not asked for");
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
