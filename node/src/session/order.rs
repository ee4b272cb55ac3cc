//! Keeps the messages of one connection in their order when one of them is refused for now. Pure.
//!
//! What was sent behind such a message, and is on its way already, must not overtake it: in the same
//! conversation everything else is refused, too, until that message is sent again, or its sender has had
//! the time to.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use thrive_protocol::ids::{ClientMsgId, ConversationId};

/// The conversations of one connection in which something waits to be repeated.
#[derive(Default)]
pub struct Order {
    held: BTreeMap<ConversationId, Held>,
}

#[derive(Clone, Copy)]
struct Held {
    /// The first that was refused.
    first: ClientMsgId,
    until: Instant,
}

/// What a client may take to repeat a message beyond what it was asked to wait.
const REPEAT: Duration = Duration::from_secs(1);
/// Conversations that are held: more than a client has messages under way. Whoever sends into more of
/// them cares for no order.
const MOST: usize = 256;

impl Order {
    /// # Errors
    /// One before it must come first; how long to wait.
    pub fn pass(
        &mut self,
        conversation: ConversationId,
        id: ClientMsgId,
        now: Instant,
    ) -> Result<(), Duration> {
        match self.held.get(&conversation) {
            // Not for longer because of it: the one before may be settled by another connection, and then
            // nobody ever sends it here again.
            Some(held) if held.first != id && now < held.until => {
                Err((held.until - now).min(REPEAT))
            }
            Some(_) => {
                self.held.remove(&conversation);
                Ok(())
            }
            None => Ok(()),
        }
    }

    /// A message was refused, and its sender was asked to wait.
    pub fn hold(
        &mut self,
        conversation: ConversationId,
        id: ClientMsgId,
        now: Instant,
        wait: Duration,
    ) {
        if MOST <= self.held.len() {
            self.held.retain(|_, held| now < held.until);
        }
        let until = now + wait + REPEAT;
        if let Some(held) = self.held.get_mut(&conversation).filter(|held| now < held.until) {
            // The one before it is still the one that all wait for.
            held.until = held.until.max(until);
        } else if self.held.len() < MOST || self.held.contains_key(&conversation) {
            self.held.insert(conversation, Held { first: id, until });
        }
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

    #[test]
    fn what_is_behind_a_refused_message_waits_until_that_one_is_sent_again() {
        let (mut order, now) = (Order::default(), Instant::now());
        assert_eq!(order.pass(CHAT, id(1), now), Ok(()));
        order.hold(CHAT, id(1), now, WAIT);
        assert_eq!(order.pass(CHAT, id(2), now), Err(REPEAT));
        order.hold(CHAT, id(3), now, WAIT);
        assert_eq!(order.pass(CHAT, id(1), now), Ok(()));
        assert_eq!(order.pass(CHAT, id(2), now), Ok(()));
    }

    #[test]
    fn repeating_in_one_conversation_lets_nothing_pass_in_another() {
        let (mut order, now) = (Order::default(), Instant::now());
        order.hold(CHAT, id(1), now, WAIT);
        order.hold(OTHER, id(5), now, WAIT);
        assert_eq!(order.pass(CHAT, id(1), now), Ok(()));
        assert_eq!(order.pass(OTHER, id(6), now), Err(REPEAT));
        assert_eq!(order.pass(ConversationId(3), id(7), now), Ok(()));
    }

    #[test]
    fn whoever_never_repeats_the_first_is_held_for_two_seconds_however_often_they_send_another() {
        let (mut order, start) = (Order::default(), Instant::now());
        order.hold(CHAT, id(1), start, WAIT);
        let at = |ms| start + Duration::from_millis(ms);
        assert_eq!(order.pass(CHAT, id(2), at(900)), Err(REPEAT));
        assert_eq!(order.pass(CHAT, id(2), at(1_900)), Err(Duration::from_millis(100)));
        assert_eq!(order.pass(CHAT, id(2), at(2_000)), Ok(()));
    }

    #[test]
    fn no_more_conversations_are_held_than_there_is_room_for() {
        let (mut order, now) = (Order::default(), Instant::now());
        for number in 0..2 * MOST as i64 {
            order.hold(ConversationId(number), id(1), now, WAIT);
        }
        assert_eq!(order.held.len(), MOST);
        order.hold(OTHER, id(1), now + 2 * WAIT, WAIT);
        assert_eq!(order.held.len(), 1);
    }
}
