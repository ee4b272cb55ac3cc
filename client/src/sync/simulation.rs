//! A conversation with a node that loses, repeats and reorders, stepped by a seed.

use std::collections::BTreeMap;

use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq, Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;
use thrive_protocol::text::MessageText;

use super::{Placed, Sync};

/// A small generator of chance, so that a seed means the same for ever.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % sides
    }
}

fn entry(conversation: i64, seq: u64) -> Entry {
    Entry {
        conversation: ConversationId(conversation),
        seq: Seq(seq),
        sender: UserId(1),
        time: Time(0),
        body: Body::Message {
            id: ClientMsgId([0; 16]),
            text: MessageText::parse("text").expect("a text"),
        },
    }
}

fn conversation(id: i64, head: u64) -> Conversation {
    Conversation {
        conversation: ConversationId(id),
        peer: UserId(id),
        peer_name: Username::parse(&format!("user{id}")).expect("a name"),
        head: Seq(head),
        read: Seq::START,
        peer_read: Seq::START,
        peer_delivered: Seq::START,
    }
}

/// The node: how many entries each conversation has, and what it answers to a pull.
struct Node {
    heads: BTreeMap<i64, u64>,
}

impl Node {
    /// At most `budget` entries, from the positions on; of an unknown conversation the last four.
    fn page(
        &self,
        positions: &BTreeMap<i64, u64>,
        budget: usize,
    ) -> (Vec<Conversation>, Vec<Entry>, bool) {
        let mut more = false;
        let mut entries = Vec::new();
        let mut conversations = Vec::new();
        for (&id, &head) in &self.heads {
            let from = positions.get(&id).copied().unwrap_or_else(|| head.saturating_sub(4));
            conversations.push(conversation(id, head));
            for seq in from + 1..=head {
                if entries.len() < budget {
                    entries.push(entry(id, seq));
                } else {
                    more = true;
                }
            }
        }
        (conversations, entries, more)
    }
}

/// One device: its positions may be lost at any moment (a crash), what is on its disk may not.
#[derive(Default)]
struct Device {
    sync: Sync<()>,
    disk: BTreeMap<i64, (u64, u64)>,
}

impl Device {
    fn write(&mut self, ready: Vec<Placed<()>>, starts: &[(i64, u64)], seed: u64) {
        for &(id, first) in starts {
            self.disk.entry(id).or_insert((first, first - 1));
        }
        for placed in ready {
            let (_, last) = self
                .disk
                .get_mut(&placed.conversation.0)
                .unwrap_or_else(|| panic!("seed {seed}: an entry before its log has begun"));
            assert_eq!(placed.seq.0, *last + 1, "seed {seed}: out of order, twice, or a gap");
            *last = placed.seq.0;
        }
    }

    fn pull(&mut self, node: &Node, budget: usize, seed: u64) {
        let positions = self.sync.ask(usize::MAX);
        let positions = positions.iter().map(|p| (p.conversation.0, p.seq.0)).collect();
        let (conversations, entries, more) = node.page(&positions, budget);
        let mut ready = Vec::new();
        let starts = self.sync.page(&conversations, entries, |_| (), &mut ready);
        let starts: Vec<_> = starts.iter().map(|s| (s.conversation.0, s.seq.0)).collect();
        self.write(ready, &starts, seed);
        if !more {
            self.sync.complete();
        }
    }

    fn crash(&mut self) {
        self.sync = Sync::default();
        for (&id, &(_, last)) in &self.disk {
            self.sync.know(ConversationId(id), Some(Seq(last)));
        }
    }
}

fn simulate(seed: u64) {
    let mut dice = Dice(seed);
    let mut node = Node { heads: BTreeMap::new() };
    let mut device = Device::default();
    // Pushes and acknowledgments on their way, in no order.
    let mut flying: Vec<(i64, u64)> = Vec::new();
    for _ in 0..400 {
        match dice.roll(12) {
            0..=4 => {
                let id = dice.roll(3) as i64 + 1;
                let head = node.heads.entry(id).or_default();
                *head += 1;
                match dice.roll(4) {
                    0 => {}
                    1 => flying.extend([(id, *head), (id, *head)]),
                    _ => flying.push((id, *head)),
                }
            }
            5..=9 if !flying.is_empty() => {
                let (id, seq) = flying.swap_remove(dice.roll(flying.len() as u64) as usize);
                let mut ready = Vec::new();
                device.sync.offer(ConversationId(id), Seq(seq), (), &mut ready);
                device.write(ready, &[], seed);
            }
            10 => device.pull(&node, dice.roll(9) as usize, seed),
            11 if dice.roll(8) == 0 => {
                device.crash();
                flying.clear();
            }
            _ => {}
        }
    }
    // However bad it was: pulls alone must bring it to the end.
    for _ in 0..200 {
        device.pull(&node, 8, seed);
    }
    for (&id, &head) in &node.heads {
        let &(_, last) = device.disk.get(&id).expect("every conversation is known in the end");
        assert_eq!(last, head, "seed {seed}: conversation {id} is not complete");
    }
    assert_eq!(device.sync.behind().count(), 0, "seed {seed}");
    let left = device.sync.tracks.values().map(|track| track.ahead.len()).sum::<usize>();
    assert_eq!(left, 0, "seed {seed}: entries are kept that nobody waits for");
}

#[test]
fn whatever_the_network_does_every_entry_comes_out_once_and_in_order() {
    for seed in 0..2_000 {
        simulate(seed);
    }
}
