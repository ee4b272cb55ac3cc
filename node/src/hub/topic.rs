//! One conversation that somebody here follows: how far it was delivered, to whom, and what came before
//! its turn. Pure.

use std::collections::BTreeMap;

use thrive_protocol::ids::{ConversationId, Seq, UserId};

use super::Delivery;

/// Entries that were committed and not delivered here: those after `after`, up to `to`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Gap {
    pub conversation: ConversationId,
    pub after: Seq,
    pub to: Seq,
}

/// What to do with an entry that the bus brings.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Offer {
    /// It follows what was delivered: deliver it.
    Next,
    /// It was delivered already.
    Known,
    /// Something before it is missing, from here on.
    Gap { after: Seq },
}

#[derive(Default)]
pub(super) struct Topic {
    /// How far entries were delivered here; nothing is known until the store or the bus has spoken.
    head: Option<Seq>,
    /// The hub's count when the head moved last.
    pub(super) version: u64,
    members: Vec<UserId>,
    /// Entries beyond the next one: two nodes may store one after the other and be heard the other way
    /// round. Nearly always there are none.
    early: BTreeMap<Seq, Delivery>,
}

/// Entries of one conversation that may wait for one before them. What does not fit is dropped and read
/// from the store.
const EARLY: usize = 64;
/// Bytes that may wait in all conversations together.
pub(super) const EARLY_BYTES: usize = 8 << 20;

impl Topic {
    pub(super) fn head(&self) -> Option<Seq> {
        self.head
    }

    pub(super) fn members(&self) -> &[UserId] {
        &self.members
    }

    /// Says whether `user` is new here.
    pub(super) fn join(&mut self, user: UserId) -> bool {
        let new = !self.members.contains(&user);
        if new {
            self.members.push(user);
        }
        new
    }

    /// Says whether nobody is left.
    pub(super) fn leave(&mut self, user: UserId) -> bool {
        self.members.retain(|member| *member != user);
        self.members.is_empty()
    }

    /// An entry of the bus. Moves the head only when it is the next one, or the first that is heard
    /// of: whoever follows reads what came before from the store.
    pub(super) fn offer(&mut self, seq: Seq) -> Offer {
        match self.head {
            Some(head) if seq <= head => Offer::Known,
            Some(head) if seq != head.next() => Offer::Gap { after: head },
            Some(_) | None => {
                self.head = Some(seq);
                Offer::Next
            }
        }
    }

    /// Keeps an entry whose turn has not come, if there is room; `waiting` counts the bytes of all topics.
    pub(super) fn hold(&mut self, delivery: &Delivery, waiting: &mut usize) {
        if self.early.len() < EARLY
            && *waiting + delivery.frame.len() <= EARLY_BYTES
            && !self.early.contains_key(&delivery.seq)
        {
            *waiting += delivery.frame.len();
            self.early.insert(delivery.seq, delivery.clone());
        }
    }

    /// The entry that waited and whose turn has come, if there is one. Moves the head.
    pub(super) fn next_early(&mut self, waiting: &mut usize) -> Option<Delivery> {
        let head = self.head?;
        while let Some(first) = self.early.first_entry()
            && *first.key() <= head.next()
        {
            let delivery = first.remove();
            *waiting -= delivery.frame.len();
            if head < delivery.seq {
                self.head = Some(delivery.seq);
                return Some(delivery);
            }
        }
        None
    }

    /// What must be read from the store so that `to` can be delivered: up to what waits here already.
    pub(super) fn missing(&self, to: Seq) -> Option<(Seq, Seq)> {
        let after = self.head.filter(|head| *head < to)?;
        let to =
            self.early.keys().next().map_or(to, |first| to.min(Seq(first.0.saturating_sub(1))));
        Some((after, to))
    }

    /// Forgets what waits: nobody is left to hear it.
    pub(super) fn forget(&mut self, waiting: &mut usize) {
        *waiting -= self.early.values().map(|it| it.frame.len()).sum::<usize>();
        self.early.clear();
    }

    /// The store reaches to `head`. Says after which entry something is missing here, if so.
    pub(super) fn known_head(&mut self, head: Seq) -> Option<Seq> {
        let delivered = *self.head.get_or_insert(head);
        (delivered < head).then_some(delivered)
    }

    /// A conversation that was just made, or opened: nothing up to `head` needs delivering.
    pub(super) fn start_at(&mut self, head: Seq) {
        self.head.get_or_insert(head);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(head: u64) -> Topic {
        Topic { head: Some(Seq(head)), ..Topic::default() }
    }

    #[test]
    fn the_next_entry_is_delivered_an_old_one_is_not_and_a_later_one_is_a_gap() {
        let check = |head, seq, offer| assert_eq!(at(head).offer(Seq(seq)), offer, "{head} {seq}");
        check(4, 5, Offer::Next);
        check(4, 4, Offer::Known);
        check(4, 1, Offer::Known);
        check(4, 7, Offer::Gap { after: Seq(4) });
    }

    #[test]
    fn a_gap_does_not_move_the_head() {
        let mut topic = at(4);
        topic.offer(Seq(7));
        assert_eq!(topic.head(), Some(Seq(4)));
        assert_eq!(topic.offer(Seq(5)), Offer::Next);
    }

    fn delivery(seq: u64) -> Delivery {
        let frame = bytes::Bytes::from_static(b"four");
        Delivery { conversation: ConversationId(1), seq: Seq(seq), frame, origin: None }
    }

    #[test]
    fn what_came_early_is_handed_out_when_its_turn_comes_and_never_twice() {
        let (mut topic, mut waiting) = (at(4), 0);
        for seq in [7, 6, 7, 9] {
            topic.hold(&delivery(seq), &mut waiting);
        }
        assert_eq!(waiting, 12);
        assert!(topic.next_early(&mut waiting).is_none());
        assert_eq!(topic.missing(Seq(9)), Some((Seq(4), Seq(5))));
        topic.offer(Seq(5));
        let mut came = Vec::new();
        while let Some(it) = topic.next_early(&mut waiting) {
            came.push(it.seq.0);
        }
        assert_eq!((came, waiting), (vec![6, 7], 4));
        assert_eq!(topic.missing(Seq(9)), Some((Seq(7), Seq(8))));
        topic.offer(Seq(8));
        assert_eq!(topic.next_early(&mut waiting).map(|it| it.seq), Some(Seq(9)));
        assert_eq!((topic.missing(Seq(9)), waiting), (None, 0));
    }

    #[test]
    fn what_waits_has_a_bound_in_one_topic_and_in_all() {
        let (mut topic, mut waiting) = (at(0), 0);
        (2..500).for_each(|seq| topic.hold(&delivery(seq), &mut waiting));
        assert_eq!(waiting, 4 * EARLY);
        let mut other = at(0);
        let mut full = EARLY_BYTES - 7;
        (2..9).for_each(|seq| other.hold(&delivery(seq), &mut full));
        assert_eq!(full, EARLY_BYTES - 3);
        topic.forget(&mut waiting);
        assert_eq!(waiting, 0);
    }

    #[test]
    fn the_first_word_sets_the_head_and_a_later_one_shows_what_is_missing() {
        let mut topic = Topic::default();
        assert_eq!(topic.known_head(Seq(9)), None);
        assert_eq!(topic.known_head(Seq(9)), None);
        assert_eq!(topic.known_head(Seq(12)), Some(Seq(9)));
        assert_eq!(Topic::default().offer(Seq(3)), Offer::Next);
    }

    #[test]
    fn the_last_one_to_leave_ends_the_topic() {
        let mut topic = Topic::default();
        assert!(topic.join(UserId(1)));
        assert!(topic.join(UserId(2)));
        assert!(!topic.join(UserId(2)));
        assert!(!topic.leave(UserId(1)));
        assert!(topic.leave(UserId(2)));
    }
}
