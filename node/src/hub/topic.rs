//! One conversation that somebody here follows: how far it was delivered, and to whom. Pure.

use thrive_protocol::ids::{ConversationId, Seq, UserId};

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
}

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
