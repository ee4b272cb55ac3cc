//! Catching up: a device that repeats `sync` has everything, exactly once.

use std::collections::BTreeMap;

use thrive_protocol::bounded::List;
use thrive_protocol::ids::{Epoch, Seq};
use thrive_protocol::limits::{FRAME_BULK, SYNC_FIRST, SYNC_PAGE};
use thrive_protocol::reply::SyncPage;
use thrive_protocol::request::{Position, Sync};
use thrive_protocol::{NodeFrame, Reply};

use super::*;

/// What a device holds: a log for each conversation, and nothing that does not fit to its end.
#[derive(Default)]
struct Device {
    epoch: Option<Epoch>,
    logs: BTreeMap<ConversationId, Vec<u64>>,
    told: BTreeMap<ConversationId, thrive_protocol::people::Conversation>,
}

impl Device {
    fn ask(&self) -> Sync {
        let position = |(conversation, log): (&ConversationId, &Vec<u64>)| Position {
            conversation: *conversation,
            seq: Seq(log.last().copied().unwrap_or(0)),
        };
        Sync { epoch: self.epoch, positions: List::cut(self.logs.iter().map(position).collect()) }
    }

    fn take(&mut self, page: &SyncPage) {
        if page.reset {
            *self = Self::default();
        }
        self.epoch = Some(page.epoch);
        for conversation in page.conversations.iter() {
            self.logs.entry(conversation.conversation).or_default();
            self.told.insert(conversation.conversation, conversation.clone());
        }
        for entry in page.entries.iter() {
            // An entry without its conversation would have no place on a screen.
            let log = self.logs.get_mut(&entry.conversation).unwrap();
            if let Some(last) = log.last() {
                assert_eq!(entry.seq.0, last + 1, "a gap or a repeat");
            }
            log.push(entry.seq.0);
        }
    }

    /// Pages until there is no more; returns how many there were.
    async fn catch_up(&mut self, world: &World, caller: &Caller) -> usize {
        for pages in 1.. {
            let page = world.services.conversations.sync(caller, self.ask()).await.unwrap();
            assert!(page.entries.len() <= SYNC_PAGE);
            self.take(&page);
            if !page.more {
                return pages;
            }
        }
        unreachable!()
    }
}

#[tokio::test]
async fn a_device_that_was_away_gets_every_entry_exactly_once() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let mut talks = Vec::new();
    for i in 0..20_u128 {
        let friend = world.person(&format!("friend{i}")).await;
        let talk = world.talk(&ann, &friend).await;
        world.say(talk, friend.user, 0..=i).await;
        talks.push((talk, friend));
    }
    let mut device = Device::default();
    assert_eq!(device.catch_up(&world, &ann).await, 1);
    assert_eq!(device.told.len(), 20);

    // Some talk a lot, some a little, some not at all; one pair goes on during the catching up.
    for (i, (talk, friend)) in talks.iter().enumerate() {
        let many = [0, 1, 7, 130, 600][i % 5];
        world.say(*talk, friend.user, 1_000..1_000 + many).await;
    }
    let mut goes_on = talks.iter().take(3);
    let mut pages = 1;
    loop {
        let page = world.services.conversations.sync(&ann, device.ask()).await.unwrap();
        device.take(&page);
        if !page.more {
            break;
        }
        pages += 1;
        if let Some((talk, friend)) = goes_on.next() {
            world.say(*talk, friend.user, 5_000..5_100).await;
        }
    }
    assert!(5 <= pages, "{pages}");
    for (i, (talk, _)) in talks.iter().enumerate() {
        let head = world.database.heads(&[*talk]).await.unwrap()[0].seq.0;
        assert_eq!(device.logs[talk], (1..=head).collect::<Vec<_>>(), "conversation {i}");
    }
}

#[tokio::test]
async fn a_new_device_gets_the_end_of_each_conversation_and_then_goes_on_from_there() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let mut talks = Vec::new();
    for i in 0..15 {
        let friend = world.person(&format!("friend{i}")).await;
        let talk = world.talk(&ann, &friend).await;
        world.say(talk, friend.user, 1..=80).await;
        talks.push((talk, friend));
    }
    let quiet = world.person("quiet").await;
    let quiet = world.talk(&ann, &quiet).await;
    let mut device = Device::default();
    assert_eq!(device.catch_up(&world, &ann).await, 2);
    for (talk, friend) in &talks {
        assert_eq!(device.logs[talk], (81 - SYNC_FIRST as u64..=80).collect::<Vec<_>>());
        assert_eq!(device.told[talk].peer, friend.user);
    }
    assert!(!device.told.contains_key(&quiet), "nothing was said there");

    let (talk, friend) = &talks[3];
    world.say(*talk, friend.user, 100..=150).await;
    device.catch_up(&world, &ann).await;
    assert_eq!(device.logs[talk], (81 - SYNC_FIRST as u64..=131).collect::<Vec<_>>());
}

#[tokio::test]
async fn marks_that_moved_elsewhere_are_told_though_nothing_was_written() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.talk(&ann, &bob).await;
    world.say(talk, ann.user, 1..=3).await;
    let mut device = Device::default();
    device.catch_up(&world, &ann).await;
    world.services.conversations.mark_read(&bob, talk, Seq(2)).await.unwrap();
    device.catch_up(&world, &ann).await;
    assert_eq!(device.told[&talk].peer_read, Seq(2));
    assert_eq!(device.logs[&talk], [1, 2, 3]);
}

#[tokio::test]
async fn positions_of_another_history_are_given_up() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.talk(&ann, &bob).await;
    world.say(talk, ann.user, 1..=3).await;
    let other = Device {
        epoch: Some(Epoch(1)),
        logs: BTreeMap::from([(talk, vec![1, 2])]),
        ..Device::default()
    };
    let beyond = Device {
        epoch: Some(world.database.epoch().await.unwrap()),
        logs: BTreeMap::from([(talk, vec![9])]),
        ..Device::default()
    };
    for mut device in [other, beyond] {
        let page = world.services.conversations.sync(&ann, device.ask()).await.unwrap();
        assert!(page.reset);
        device.take(&page);
        assert_eq!(device.logs[&talk], [1, 2, 3]);
        let page = world.services.conversations.sync(&ann, device.ask()).await.unwrap();
        assert!(!page.reset && page.entries.is_empty() && !page.more);
    }
}

#[tokio::test]
async fn positions_without_an_epoch_are_not_looked_at() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.talk(&ann, &bob).await;
    world.say(talk, ann.user, 1..=3).await;
    for log in [vec![], vec![1, 2], vec![9]] {
        let logs = BTreeMap::from([(talk, log)]);
        let device = Device { logs, ..Device::default() };
        let page = world.services.conversations.sync(&ann, device.ask()).await.unwrap();
        let places: Vec<_> = page.entries.iter().map(|it| it.seq.0).collect();
        assert_eq!((page.reset, places), (false, vec![1, 2, 3]));
    }
}

#[tokio::test]
async fn a_page_of_the_longest_messages_fits_into_a_frame() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let talk = world.talk(&ann, &bob).await;
    let longest = MessageText::parse(&"\u{1f600}".repeat(4_000)).unwrap();
    let append = |number: u128| Append {
        conversation: talk,
        sender: ann.user,
        id: ClientMsgId(number.to_be_bytes()),
        text: longest.clone(),
        time: clock::now(),
    };
    let answers = world.database.append((1..=150).map(append).collect()).await.unwrap();
    assert!(answers.iter().all(Result::is_ok));
    let mut device = Device {
        epoch: Some(world.database.epoch().await.unwrap()),
        logs: BTreeMap::from([(talk, Vec::new())]),
        ..Device::default()
    };
    let page = world.services.conversations.sync(&bob, device.ask()).await.unwrap();
    let frame = NodeFrame::Reply { re: 1, result: Ok(Reply::SyncPage(page)) }.encode();
    assert!(frame.len() <= FRAME_BULK && FRAME_BULK / 2 <= frame.len(), "{}", frame.len());
    assert!(2 < device.catch_up(&world, &bob).await);
    assert_eq!(device.logs[&talk], (1..=150).collect::<Vec<_>>());
}
