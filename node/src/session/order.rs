//! Keeps the messages of one connection in their order when one of them is refused for now. Pure.
//!
//! What was sent behind such a message, and is on its way already, must not overtake it, however late it
//! arrives: within its conversation each of them is refused, until those before it were sent again. A
//! sender who does not repeat one has most likely seen by another way that it is stored; so after a while
//! the store is asked.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, Instant};

use thrive_protocol::ids::{ClientMsgId, ConversationId};

/// The conversations of one connection in which something waits to be repeated.
#[derive(Default)]
pub struct Order {
    held: BTreeMap<ConversationId, Held>,
}

struct Held {
    /// What was refused, in the order in which it was sent.
    refused: VecDeque<ClientMsgId>,
    since: Instant,
    /// Until then its sender has the time to repeat the first of them.
    until: Instant,
}

/// Why a message cannot be taken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wait {
    /// One before it must come first; to be sent again after that time.
    For(Duration),
    /// Those before it are not sent again: which of these does the store hold? See [`Order::are_stored`].
    Ask(Vec<ClientMsgId>),
}

/// What a client may take to repeat a message beyond what it was asked to wait.
const REPEAT: Duration = Duration::from_secs(1);
/// Whoever does not repeat a message for so long that is not stored, either, has given it up.
const GIVEN_UP: Duration = Duration::from_secs(60);
/// Conversations that are held, and messages of each: more than a client has under way. Whoever sends
/// more cares for no order.
const MOST: usize = 256;
const EACH: usize = 64;

impl Order {
    /// # Errors
    /// Not now.
    pub fn pass(
        &mut self,
        conversation: ConversationId,
        id: ClientMsgId,
        now: Instant,
    ) -> Result<(), Wait> {
        let Some(held) = self.held.get_mut(&conversation) else { return Ok(()) };
        if held.since + GIVEN_UP <= now {
            self.held.remove(&conversation);
            return Ok(());
        }
        if held.refused.front() == Some(&id) {
            held.refused.pop_front();
            held.until = now + 2 * REPEAT;
            if held.refused.is_empty() {
                self.held.remove(&conversation);
            }
            return Ok(());
        }
        if held.refused.len() < EACH && !held.refused.contains(&id) {
            held.refused.push_back(id);
        }
        match held.until.checked_duration_since(now).filter(|left| !left.is_zero()) {
            Some(left) => Err(Wait::For(left.min(REPEAT))),
            None => Err(Wait::Ask(held.refused.iter().copied().collect())),
        }
    }

    /// What the store holds is not waited for any more.
    pub fn are_stored(
        &mut self,
        conversation: ConversationId,
        stored: &[ClientMsgId],
        now: Instant,
    ) {
        let Some(held) = self.held.get_mut(&conversation) else { return };
        held.refused.retain(|id| !stored.contains(id));
        held.until = now + REPEAT;
        if held.refused.is_empty() {
            self.held.remove(&conversation);
        }
    }

    /// Messages that passed were refused after all, in this order, and their sender was asked to wait.
    pub fn hold(
        &mut self,
        messages: &[(ConversationId, ClientMsgId)],
        now: Instant,
        wait: Duration,
    ) {
        let until = now + wait + REPEAT;
        // They passed before whatever was refused since.
        for &(conversation, id) in messages.iter().rev() {
            if let Some(held) = self.held.get_mut(&conversation) {
                held.until = until;
                held.refused.truncate(EACH - 1);
                held.refused.push_front(id);
            } else if self.has_room(now) {
                let held = Held { refused: VecDeque::from([id]), since: now, until };
                self.held.insert(conversation, held);
            }
        }
    }

    fn has_room(&mut self, now: Instant) -> bool {
        if MOST <= self.held.len() {
            self.held.retain(|_, held| now < held.since + GIVEN_UP);
        }
        self.held.len() < MOST
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHAT: ConversationId = ConversationId(1);
    const OTHER: ConversationId = ConversationId(2);
    const WAIT: Duration = Duration::from_secs(1);

    fn id(number: u8) -> ClientMsgId {
        ClientMsgId([number; 16])
    }

    fn after(start: Instant, ms: u64) -> Instant {
        start + Duration::from_millis(ms)
    }

    fn held(messages: &[(ConversationId, u8)]) -> (Order, Instant) {
        let (mut order, now) = (Order::default(), Instant::now());
        let messages: Vec<_> = messages.iter().map(|&(chat, number)| (chat, id(number))).collect();
        order.hold(&messages, now, WAIT);
        (order, now)
    }

    #[test]
    fn what_is_behind_a_refused_message_waits_until_each_before_it_is_sent_again() {
        let (mut order, now) = held(&[(CHAT, 1), (CHAT, 2)]);
        for number in [3, 2, 3] {
            assert_eq!(order.pass(CHAT, id(number), now), Err(Wait::For(REPEAT)));
        }
        for number in [1, 2, 3, 4] {
            assert_eq!(order.pass(CHAT, id(number), now), Ok(()));
        }
        assert!(order.held.is_empty());
    }

    #[test]
    fn what_is_refused_again_when_it_is_repeated_is_the_first_again() {
        let (mut order, now) = held(&[(CHAT, 1)]);
        assert!(order.pass(CHAT, id(2), now).is_err());
        assert_eq!(order.pass(CHAT, id(1), now), Ok(()));
        order.hold(&[(CHAT, id(1))], now, WAIT);
        assert!(order.pass(CHAT, id(2), now).is_err());
        assert_eq!(order.pass(CHAT, id(1), now), Ok(()));
        assert_eq!(order.pass(CHAT, id(2), now), Ok(()));
    }

    #[test]
    fn repeating_in_one_conversation_lets_nothing_pass_in_another() {
        let (mut order, now) = held(&[(CHAT, 1), (OTHER, 5)]);
        assert_eq!(order.pass(CHAT, id(1), now), Ok(()));
        assert_eq!(order.pass(OTHER, id(6), now), Err(Wait::For(REPEAT)));
        assert_eq!(order.pass(ConversationId(3), id(7), now), Ok(()));
    }

    #[test]
    fn nobody_waits_for_what_the_store_holds_and_everybody_for_what_it_does_not() {
        let (mut order, start) = held(&[(CHAT, 1)]);
        assert_eq!(order.pass(CHAT, id(2), start), Err(Wait::For(REPEAT)));
        let soon = after(start, 1_900);
        assert_eq!(order.pass(CHAT, id(3), soon), Err(Wait::For(Duration::from_millis(100))));
        let later = after(start, 2_000);
        let ask = vec![id(1), id(2), id(3)];
        assert_eq!(order.pass(CHAT, id(3), later), Err(Wait::Ask(ask)));
        order.are_stored(CHAT, &[id(1)], later);
        assert_eq!(order.pass(CHAT, id(3), later), Err(Wait::For(REPEAT)));
        assert_eq!(order.pass(CHAT, id(2), later), Ok(()));
        assert_eq!(order.pass(CHAT, id(3), later), Ok(()));
    }

    #[test]
    fn what_is_given_up_holds_nothing_back_for_ever() {
        let (mut order, start) = held(&[(CHAT, 1)]);
        assert!(order.pass(CHAT, id(2), after(start, 59_999)).is_err());
        assert_eq!(order.pass(CHAT, id(2), after(start, 60_000)), Ok(()));
    }

    #[test]
    fn no_more_is_remembered_than_there_is_room_for() {
        let (mut order, now) = (Order::default(), Instant::now());
        for number in 0..2 * MOST as i64 {
            order.hold(&[(ConversationId(number), id(1))], now, WAIT);
        }
        assert_eq!(order.held.len(), MOST);
        for number in 0..u8::MAX {
            assert!(order.pass(ConversationId(1), id(number), now).is_err() || number == 1);
        }
        order.hold(&[(OTHER, id(9))], now, WAIT);
        assert!(order.held.values().all(|held| held.refused.len() <= EACH));
        order.hold(&[(ConversationId(-1), id(1))], now + GIVEN_UP, WAIT);
        assert_eq!(order.held.len(), 1);
    }
}
