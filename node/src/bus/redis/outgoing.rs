//! What waits to be published, divided and encoded already. Pure.

use super::codec::{self, PARTITIONS};
use crate::hub::Delivery;
use crate::news::{Audience, News};

/// Items and bytes that may wait. What finds no room is lost, and other nodes find it in the store: at
/// twenty thousand messages a second this is more than what comes while one batch times out.
pub(super) const ITEMS: usize = 65_536;
pub(super) const BYTES: usize = 8 << 20;
/// A message of the bus is closed when it is so long, so that one reader does not wait for all of it.
const MESSAGE: usize = 64 << 10;

pub(super) struct Outgoing {
    header: Vec<u8>,
    /// What concerns people, by partition; then what concerns conversations. The first goes first: who is
    /// invited into a conversation must follow it when its first entry comes.
    queues: [Vec<Message>; 2 * PARTITIONS],
    items: usize,
    bytes: usize,
}

/// One message of the bus.
pub(super) struct Message {
    pub(super) partition: usize,
    pub(super) bytes: Vec<u8>,
    /// Signs of life are not counted.
    pub(super) items: usize,
}

impl Outgoing {
    pub(super) fn new(speaker: codec::Speaker) -> Self {
        let header = codec::header(speaker);
        Self { header, queues: Default::default(), items: 0, bytes: 0 }
    }

    /// Says whether there was room.
    pub(super) fn entry(&mut self, delivery: &Delivery) -> bool {
        let queue = PARTITIONS + codec::partition(delivery.conversation.0);
        let put = |message: &mut Vec<u8>| codec::put_entry(message, delivery);
        self.put(queue, delivery.frame.len(), put)
    }

    /// `encoded` is the same news in bytes. Says whether there was room.
    pub(super) fn news(&mut self, news: &News, encoded: &[u8]) -> bool {
        let put = |message: &mut Vec<u8>| codec::put_news(message, encoded);
        let first = match news.to {
            Audience::User(_)
            | Audience::Follower(_)
            | Audience::EndSession(..)
            | Audience::Everybody
            | Audience::EveryNode => 0,
            Audience::Conversation(_) => PARTITIONS,
        };
        self.put(first + codec::partition_of(news.to), encoded.len(), put)
    }

    /// A sign of life on every partition. There is always room for it: that others say much must not look
    /// like silence.
    pub(super) fn canaries(&mut self) {
        for queue in PARTITIONS..2 * PARTITIONS {
            codec::put_canary(&mut self.open(queue).bytes);
        }
    }

    /// All that waits, each queue in its order.
    pub(super) fn take(&mut self) -> Vec<Message> {
        (self.items, self.bytes) = (0, 0);
        self.queues.iter_mut().flat_map(std::mem::take).collect()
    }

    fn put(&mut self, queue: usize, size: usize, put: impl FnOnce(&mut Vec<u8>)) -> bool {
        if ITEMS <= self.items || BYTES < self.bytes + size {
            return false;
        }
        self.items += 1;
        self.bytes += size;
        let message = self.open(queue);
        message.items += 1;
        put(&mut message.bytes);
        true
    }

    /// The message of a queue that is not closed yet.
    fn open(&mut self, queue: usize) -> &mut Message {
        let messages = &mut self.queues[queue];
        if messages.last().is_none_or(|it| MESSAGE <= it.bytes.len()) {
            let partition = queue % PARTITIONS;
            messages.push(Message { partition, bytes: self.header.clone(), items: 0 });
        }
        let last = messages.len() - 1;
        &mut messages[last]
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use thrive_protocol::Event;
    use thrive_protocol::frame::wrap;
    use thrive_protocol::ids::{ConversationId, Seq, UserId};

    use super::super::codec::{Item, Speaker, open};
    use super::*;

    const SPEAKER: Speaker = Speaker { node: 1, epoch: 2 };

    fn delivery(conversation: i64, seq: u64, size: usize) -> Delivery {
        let frame: Bytes = wrap(&vec![7; size]);
        Delivery { conversation: ConversationId(conversation), seq: Seq(seq), frame, origin: None }
    }

    #[test]
    fn what_waits_leaves_together_one_message_for_each_partition_in_order() {
        let mut outgoing = Outgoing::new(SPEAKER);
        for seq in 1..=100 {
            for conversation in [1, 2, 3] {
                assert!(outgoing.entry(&delivery(conversation, seq, 20)));
            }
        }
        outgoing.canaries();
        let messages = outgoing.take();
        assert_eq!(messages.len(), PARTITIONS);
        assert_eq!(messages.iter().map(|it| it.items).sum::<usize>(), 300);
        let mut last = std::collections::HashMap::new();
        for message in &messages {
            let (_, items) = open(&message.bytes).unwrap().unwrap();
            for item in items {
                let Item::Entry(it) = item.unwrap() else { continue };
                assert_eq!(codec::partition(it.conversation.0), message.partition);
                let before = last.insert(it.conversation, it.seq.0).unwrap_or(0);
                assert_eq!(it.seq.0, before + 1);
            }
        }
        assert_eq!(last.len(), 3);
        assert!(outgoing.take().is_empty());
    }

    #[test]
    fn whoever_is_invited_is_told_before_the_first_entry_comes() {
        let mut outgoing = Outgoing::new(SPEAKER);
        let news = |user| {
            let event = Event::ContactGone { user: UserId(1) };
            News { to: Audience::User(UserId(user)), event, origin: None }
        };
        assert!(outgoing.entry(&delivery(1, 1, 20)));
        for user in 0..50 {
            let news = news(user);
            assert!(outgoing.news(&news, &codec::encode_news(&news)));
        }
        let messages = outgoing.take();
        assert!(messages.len() == PARTITIONS + 1, "every partition has news, and one an entry");
        let (_, items) = open(&messages[PARTITIONS].bytes).unwrap().unwrap();
        assert!(items.map(Result::unwrap).all(|item| matches!(item, Item::Entry(_))));
        assert_eq!(messages[PARTITIONS].partition, codec::partition(1));
    }

    #[test]
    fn long_queues_are_cut_into_messages_of_a_readable_size() {
        let mut outgoing = Outgoing::new(SPEAKER);
        (1..=100).for_each(|seq| assert!(outgoing.entry(&delivery(1, seq, 10_000))));
        let messages = outgoing.take();
        assert!(messages.iter().all(|it| it.bytes.len() < MESSAGE + 11_000));
        assert!((14..=16).contains(&messages.len()), "{}", messages.len());
    }

    #[test]
    fn what_finds_no_room_is_refused_and_a_sign_of_life_always_finds_some() {
        let mut outgoing = Outgoing::new(SPEAKER);
        let taken = (1..=1_000).filter(|seq| outgoing.entry(&delivery(1, *seq, 16_000))).count();
        assert_eq!(taken, BYTES / 16_004);
        outgoing.canaries();
        let messages = outgoing.take();
        let partitions: std::collections::HashSet<_> =
            messages.iter().map(|it| it.partition).collect();
        assert_eq!(partitions.len(), PARTITIONS);
        let taken = (0..=ITEMS as u64).filter(|seq| outgoing.entry(&delivery(1, *seq, 1))).count();
        assert_eq!(taken, ITEMS);
    }
}
