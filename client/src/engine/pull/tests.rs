//! What was missed comes in the end, whatever the disk and the server do.

use thrive_protocol::event::{Event, Head};
use thrive_protocol::ids::{Epoch, Seq};
use thrive_protocol::people::Presence;

use super::super::rig::{BOB, CHAT, ME, Rig, conversation, entry, page};
use super::*;

async fn position(rig: &Rig) -> Option<Seq> {
    let chat = rig.life.cache.run(|db| chats::of(db, BOB)).await.unwrap();
    chat.and_then(|chat| chat.position)
}

#[tokio::test]
async fn what_could_not_be_written_is_asked_for_again() {
    let (mut rig, _) = Rig::online(1).await;
    assert!(rig.life.pull.caught_up && rig.life.pull.entries == Step::Done);
    rig.sql("PRAGMA query_only = on").await;
    rig.page(page(vec![], vec![entry(CHAT, 2)])).await;
    rig.sql("PRAGMA query_only = off").await;
    let at = rig.life.pull.entries.due().expect("it will be asked for");
    assert!(!rig.life.pull.caught_up);
    rig.life.tend_pull(&mut rig.hub, at);
    assert_eq!(rig.life.pull.entries, Step::Open);
    rig.page(page(vec![], vec![entry(CHAT, 2)])).await;
    assert_eq!((rig.messages().await.len(), rig.life.pull.entries), (2, Step::Done));
}

#[tokio::test]
async fn a_disk_that_cannot_even_be_read_makes_no_hole() {
    let (mut rig, link) = Rig::online(1).await;
    rig.sql("ALTER TABLE chat RENAME TO away").await;
    rig.event(link, Event::Entry(entry(CHAT, 2))).await;
    rig.sql("ALTER TABLE away RENAME TO chat").await;
    assert!(rig.life.stale);
    rig.event(link, Event::Entry(entry(CHAT, 3))).await;
    assert!(!rig.life.stale);
    assert_eq!((position(&rig).await, rig.messages().await.len()), (Some(Seq(1)), 1));
    assert!(rig.life.pull.entries.due().is_some());
    rig.page(page(vec![], vec![entry(CHAT, 2), entry(CHAT, 3)])).await;
    assert_eq!((position(&rig).await, rig.messages().await.len()), (Some(Seq(3)), 3));
}

#[tokio::test]
async fn after_another_history_one_more_pull_looks_for_what_was_pushed_meanwhile() {
    let (mut rig, _) = Rig::online(3).await;
    let mut other = page(vec![conversation(CHAT, BOB)], vec![entry(CHAT, 1)]);
    (other.epoch, other.reset) = (Epoch(2), true);
    rig.page(other).await;
    assert_eq!(rig.messages().await.len(), 1);
    assert!(!rig.life.pull.caught_up);
    assert!(rig.life.pull.entries.due().is_some());
    let mut rest = page(vec![], vec![entry(CHAT, 2)]);
    rest.epoch = Epoch(2);
    rig.page(rest).await;
    assert_eq!((rig.messages().await.len(), rig.life.pull.entries), (2, Step::Done));
    assert!(rig.life.pull.caught_up);
}

#[tokio::test]
async fn a_list_that_was_asked_for_before_news_was_dropped_is_asked_for_again() {
    let (mut rig, link) = Rig::online(1).await;
    let now = Instant::now();
    rig.life.pull.roster = Step::Due(now);
    rig.life.tend_pull(&mut rig.hub, now);
    rig.event(link, Event::Heads { heads: List::default() }).await;
    assert_eq!(rig.life.pull.roster, Step::Open, "only one at a time");
    for expected in [true, false] {
        let (contacts, presence) = (List::default(), Presence::default());
        let roster = Reply::Roster { contacts, presence, admin: false };
        rig.life.roster(&rig.hub, link, Ok(roster), now).await;
        assert_eq!(rig.life.pull.roster.due().is_some(), expected);
        rig.life.tend_pull(&mut rig.hub, Instant::now());
    }
}

#[tokio::test]
async fn a_head_that_the_server_never_explains_is_not_asked_for_without_end() {
    let (mut rig, link) = Rig::online(1).await;
    let heads = vec![Head { conversation: CHAT, seq: Seq(9) }];
    rig.event(link, Event::Heads { heads: List::cut(heads) }).await;
    assert!(rig.life.pull.entries.due().is_some());
    rig.page(page(vec![], vec![])).await;
    assert_eq!(rig.life.pull.entries, Step::Done);
    // The same when it is the answer itself that speaks of more than it brings.
    let grown = || vec![Conversation { head: Seq(20), ..conversation(CHAT, BOB) }];
    for expected in [true, false] {
        rig.page(page(grown(), vec![])).await;
        assert_eq!(rig.life.pull.entries.due().is_some(), expected);
    }
}

#[tokio::test]
async fn conversations_that_contradict_each_other_do_not_keep_the_others_out() {
    let (mut rig, _) = Rig::online(1).await;
    let (mine, doubled) = (ConversationId(8), ConversationId(9));
    let carol = UserId(3);
    let conversations = vec![
        conversation(mine, ME),
        conversation(CHAT, carol),
        conversation(ConversationId(10), carol),
        conversation(doubled, carol),
    ];
    let entries =
        [mine, doubled, ConversationId(10)].map(|id| entry(id, 1)).into_iter().collect::<Vec<_>>();
    rig.page(page(conversations, entries)).await;
    assert_eq!(rig.life.pull.entries, Step::Done);
    let chats = rig.life.cache.run(|db| chats::all(db)).await.unwrap();
    let seen: Vec<_> = chats.iter().map(|chat| (chat.peer, chat.conversation)).collect();
    assert_eq!(seen, [(BOB, Some(CHAT)), (carol, Some(ConversationId(10)))]);
    assert_eq!(chats[1].position, Some(Seq(1)));
}

#[tokio::test]
async fn an_entry_of_a_conversation_that_nobody_told_of_is_pulled_with_it() {
    let (mut rig, link) = Rig::online(1).await;
    let (chat, carol) = (ConversationId(8), UserId(3));
    rig.event(link, Event::Entry(entry(chat, 1))).await;
    assert!(rig.life.pull.entries.due().is_some());
    let seen = Conversation { head: Seq(1), ..conversation(chat, carol) };
    rig.page(page(vec![seen], vec![entry(chat, 1)])).await;
    assert_eq!(rig.life.pull.entries, Step::Done);
    assert_eq!(rig.life.chats[&carol].position, Some(Seq(1)));
}

#[tokio::test]
async fn a_conversation_is_told_again_just_before_or_after_its_first_entry_and_takes_nothing_back()
{
    let (mut rig, link) = Rig::online(0).await;
    let (chat, carol) = (ConversationId(8), UserId(3));
    let told = |id, peer| Event::Conversation(conversation(id, peer));
    rig.event(link, told(chat, carol)).await;
    rig.event(link, Event::Entry(entry(chat, 1))).await;
    assert_eq!(rig.life.chats[&carol].position, Some(Seq(1)), "without a pull");
    rig.event(link, Event::Entry(entry(CHAT, 1))).await;
    let (user, seq) = (BOB, Seq(1));
    rig.event(link, Event::Read { conversation: CHAT, user, seq }).await;
    let before = rig.life.chats.clone();
    rig.event(link, told(CHAT, BOB)).await;
    rig.event(link, told(chat, carol)).await;
    assert_eq!(rig.life.chats, before);
    assert_eq!(rig.life.pull.entries, Step::Done);
    // One that this device opened stays, though no page names it.
    rig.event(link, told(ConversationId(9), UserId(4))).await;
    rig.page(page(vec![], vec![])).await;
    assert_eq!(rig.life.chats[&UserId(4)].conversation, Some(ConversationId(9)));
}
