//! What waits to be stored: in the order of arrival, and never a conversation in two batches at once.
//! Pure.

use std::collections::{HashMap, HashSet};

use thrive_protocol::ids::ConversationId;

use super::Submission;

#[derive(Default)]
pub(super) struct Line {
    /// May go into the next batch.
    ready: Vec<Submission>,
    /// Conversations of batches in flight, and what waits for them.
    parked: HashMap<ConversationId, Vec<Submission>>,
    held: usize,
}

impl Line {
    /// How many wait here.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    pub(super) fn push(&mut self, submission: Submission) {
        self.held += 1;
        match self.parked.get_mut(&submission.append.conversation) {
            Some(behind) => behind.push(submission),
            None => self.ready.push(submission),
        }
    }

    /// The next batch, of at most `max`, with its conversations; they are in flight from now on.
    pub(super) fn next_batch(
        &mut self,
        max: usize,
    ) -> Option<(Vec<ConversationId>, Vec<Submission>)> {
        if self.ready.is_empty() {
            return None;
        }
        let rest = self.ready.split_off(max.min(self.ready.len()));
        let batch = std::mem::replace(&mut self.ready, rest);
        self.held -= batch.len();
        let conversations: HashSet<_> = batch.iter().map(|it| it.append.conversation).collect();
        for conversation in &conversations {
            self.parked.insert(*conversation, Vec::new());
        }
        if !self.ready.is_empty() {
            let rest = std::mem::take(&mut self.ready);
            self.held -= rest.len();
            rest.into_iter().for_each(|it| self.push(it));
        }
        Some((conversations.into_iter().collect(), batch))
    }

    /// These conversations are no longer in flight: what waited for them is next.
    pub(super) fn release(&mut self, conversations: Vec<ConversationId>) {
        for conversation in conversations {
            self.ready.extend(self.parked.remove(&conversation).unwrap_or_default());
        }
    }

    /// Takes out what waits for these conversations.
    pub(super) fn take_behind(&mut self, conversations: &[ConversationId]) -> Vec<Submission> {
        let mut taken = Vec::new();
        for conversation in conversations {
            if let Some(behind) = self.parked.get_mut(conversation) {
                taken.append(behind);
            }
        }
        self.held -= taken.len();
        taken
    }
}

#[cfg(test)]
mod tests {
    use thrive_protocol::ids::{ClientMsgId, Time, UserId};
    use thrive_protocol::text::MessageText;

    use super::*;
    use crate::session::outbox::Outbox;
    use crate::store::append::Append;

    fn message(conversation: i64, request: u32) -> Submission {
        let append = Append {
            conversation: ConversationId(conversation),
            sender: UserId(1),
            id: ClientMsgId([0; 16]),
            text: MessageText::parse("hello").unwrap(),
            time: Time(0),
        };
        Submission { append, outbox: Outbox::bounded(1), request }
    }

    fn numbers(batch: &[Submission]) -> Vec<u32> {
        batch.iter().map(|it| it.request).collect()
    }

    #[test]
    fn a_conversation_in_flight_holds_back_its_own_messages_and_no_others() {
        let mut line = Line::default();
        line.push(message(1, 1));
        let (first, batch) = line.next_batch(10).unwrap();
        assert_eq!((first.as_slice(), numbers(&batch)), (&[ConversationId(1)][..], vec![1]));
        line.push(message(1, 2));
        line.push(message(2, 3));
        let (_, batch) = line.next_batch(10).unwrap();
        assert_eq!(numbers(&batch), [3]);
        assert!(line.next_batch(10).is_none());
        line.release(first);
        assert_eq!(numbers(&line.next_batch(10).unwrap().1), [2]);
        assert_eq!(line.held(), 0);
    }

    #[test]
    fn a_batch_that_is_cut_off_keeps_the_order_of_each_conversation() {
        let mut line = Line::default();
        for request in 1..=5 {
            line.push(message(i64::from(request) % 2, request));
        }
        let (conversations, batch) = line.next_batch(3).unwrap();
        assert_eq!(numbers(&batch), [1, 2, 3]);
        assert!(line.next_batch(3).is_none());
        line.release(conversations);
        let mut rest = numbers(&line.next_batch(3).unwrap().1);
        rest.sort_unstable();
        assert_eq!(rest, [4, 5]);
    }

    #[test]
    fn what_waits_behind_a_batch_that_failed_is_taken_out_and_the_rest_stays() {
        let mut line = Line::default();
        line.push(message(1, 1));
        let (failed, _) = line.next_batch(10).unwrap();
        for (conversation, request) in [(1, 2), (2, 3), (1, 4)] {
            line.push(message(conversation, request));
        }
        assert_eq!(numbers(&line.take_behind(&failed)), [2, 4]);
        line.release(failed);
        assert_eq!(numbers(&line.next_batch(10).unwrap().1), [3]);
        assert_eq!(line.held(), 0);
    }
}
