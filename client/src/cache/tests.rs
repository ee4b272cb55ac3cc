//! The promises of the cache: nothing is lost, nothing is doubled, whatever is cut off in between.

mod files;

use thrive_protocol::code::Code;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Epoch, Seq, Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;
use thrive_protocol::text::MessageText;

use super::chats::{self, Marks};
use super::commit::{self, Commit, Committed, Item};
use super::older::{Older, older};
use super::{Cache, messages, people};
use crate::sync::Placed;
use crate::types::{Arrival, Message, MessageKey, MessageState, ServerAddress};

const ME: UserId = UserId(1);
const BOB: UserId = UserId(2);
const CHAT: ConversationId = ConversationId(7);

fn name(name: &str) -> Username {
    Username::parse(name).unwrap()
}

async fn open(dir: &tempfile::TempDir) -> Cache {
    let server = ServerAddress::parse("[::1]:2005").unwrap();
    Cache::open(dir.path(), &server, &name("ann")).await.unwrap().0
}

fn conversation(peer_read: u64) -> Conversation {
    Conversation {
        conversation: CHAT,
        peer: BOB,
        peer_name: name("bob"),
        head: Seq(9),
        read: Seq::START,
        peer_read: Seq(peer_read),
        peer_delivered: Seq(peer_read),
    }
}

fn entry(seq: u64, sender: UserId, id: u8, text: &str) -> Placed<Item> {
    let body = Body::Message { id: ClientMsgId([id; 16]), text: MessageText::parse(text).unwrap() };
    let entry = Entry { conversation: CHAT, seq: Seq(seq), sender, time: Time(5), body };
    Placed { conversation: CHAT, seq: Seq(seq), item: Item::Entry(entry, Arrival::Live) }
}

fn own(seq: u64, id: u8) -> Placed<Item> {
    let item = Item::Own { id: ClientMsgId([id; 16]), time: Time(9) };
    Placed { conversation: CHAT, seq: Seq(seq), item }
}

async fn write(
    cache: &Cache,
    placed: Vec<Placed<Item>>,
) -> Result<Committed, crate::types::Failure> {
    let commit = Commit { placed, ..Commit::default() };
    cache.run(|db| commit::commit(db, ME, &name("ann"), commit)).await
}

async fn begin(cache: &Cache) {
    let starts = vec![Head { conversation: CHAT, seq: Seq(1) }];
    let conversations = vec![conversation(0)];
    let commit = Commit { conversations, starts, epoch: Some(Epoch(3)), ..Commit::default() };
    cache.run(|db| commit::commit(db, ME, &name("ann"), commit)).await.unwrap();
}

async fn wait(cache: &Cache, id: u8, text: &'static str) -> MessageKey {
    cache
        .run(move |db| {
            chats::ensure(db, BOB, &name("bob"))?;
            messages::put_waiting(db, BOB, ClientMsgId([id; 16]), 1, text)
        })
        .await
        .unwrap()
}

async fn all(cache: &Cache) -> Vec<Message> {
    cache.run(|db| messages::newest(db, &name("ann"), BOB, 100)).await.unwrap()
}

fn shape(messages: &[Message]) -> Vec<(Option<u64>, &str)> {
    messages.iter().map(|message| (message.seq, message.text.as_str())).collect()
}

#[tokio::test]
async fn a_waiting_message_survives_and_takes_its_place_when_it_is_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    let key = wait(&cache, 1, "mine").await;
    drop(cache);
    let cache = open(&dir).await;
    begin(&cache).await;
    let waiting = cache.run(|db| messages::waiting(db)).await.unwrap();
    assert_eq!((waiting.len(), waiting[0].key, waiting[0].id.0), (1, key, [1; 16]));
    let done = write(&cache, vec![entry(1, BOB, 8, "theirs"), own(2, 1)]).await.unwrap();
    assert_eq!(done.messages[1].before, Some(MessageState::Waiting));
    assert_eq!((done.messages[1].message.key, done.messages[1].message.seq), (key, Some(2)));
    assert_eq!(shape(&all(&cache).await), [(Some(1), "theirs"), (Some(2), "mine")]);
    assert!(cache.run(|db| messages::waiting(db)).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_lost_acknowledgment_does_not_double_the_message_when_its_entry_is_pulled() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    let key = wait(&cache, 1, "mine").await;
    begin(&cache).await;
    let done = write(&cache, vec![entry(1, ME, 1, "mine")]).await.unwrap();
    assert_eq!(
        (done.messages[0].before, done.messages[0].message.key),
        (Some(MessageState::Waiting), key)
    );
    assert_eq!(shape(&all(&cache).await), [(Some(1), "mine")]);
}

#[tokio::test]
async fn what_another_program_wrote_already_is_not_written_twice() {
    let dir = tempfile::tempdir().unwrap();
    let (one, other) = (open(&dir).await, open(&dir).await);
    begin(&one).await;
    let entries = || vec![entry(1, BOB, 8, "a"), entry(2, ME, 9, "b")];
    let first = write(&one, entries()).await.unwrap();
    let second = write(&other, entries()).await.unwrap();
    let keys = |done: &Committed| done.messages.iter().map(|a| a.message.key).collect::<Vec<_>>();
    assert_eq!(keys(&first), keys(&second));
    assert_eq!(all(&one).await.len(), 2);
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    begin(&cache).await;
    // One in between is missing, as if the disk had failed to take it.
    assert!(write(&cache, vec![entry(1, BOB, 8, "a"), entry(3, BOB, 9, "c")]).await.is_err());
    assert!(all(&cache).await.is_empty());
    let chat = cache.run(|db| chats::of(db, BOB)).await.unwrap().unwrap();
    assert_eq!(chat.position, Some(Seq(0)));
}

#[tokio::test]
async fn unread_counts_follow_the_mark_and_states_follow_the_marks_of_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    begin(&cache).await;
    let done =
        write(&cache, vec![entry(1, BOB, 1, "a"), entry(2, ME, 2, "b"), entry(3, BOB, 3, "c")])
            .await
            .unwrap();
    assert_eq!(done.chats[0].1, 2);
    let marks = Marks { read: Seq(1), peer_delivered: Seq(2), ..Marks::default() };
    cache.run(move |db| chats::mark(db, BOB, marks)).await.unwrap();
    // Marks never go back.
    cache.run(|db| chats::mark(db, BOB, Marks::default())).await.unwrap();
    assert_eq!(cache.run(|db| chats::unread(db, BOB)).await.unwrap(), 1);
    assert_eq!(all(&cache).await[1].state, MessageState::Delivered);
}

#[tokio::test]
async fn another_history_takes_away_all_but_what_waits_and_the_drafts() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    begin(&cache).await;
    write(&cache, vec![entry(1, BOB, 1, "old")]).await.unwrap();
    wait(&cache, 5, "waits").await;
    cache.run(|db| chats::set_draft(db, BOB, &name("bob"), "draft")).await.unwrap();
    let commit = Commit {
        reset: true,
        epoch: Some(Epoch(4)),
        conversations: vec![conversation(0)],
        starts: vec![Head { conversation: CHAT, seq: Seq(1) }],
        placed: vec![entry(1, BOB, 9, "new")],
    };
    cache.run(|db| commit::commit(db, ME, &name("ann"), commit)).await.unwrap();
    assert_eq!(shape(&all(&cache).await), [(Some(1), "new"), (None, "waits")]);
    assert_eq!(cache.run(|db| people::epoch(db)).await.unwrap(), Some(Epoch(4)));
    assert_eq!(cache.run(|db| chats::draft(db, BOB)).await.unwrap(), "draft");
}

#[tokio::test]
async fn older_pages_join_what_is_there_and_never_leave_a_hole() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    let commit = Commit {
        conversations: vec![conversation(0)],
        starts: vec![Head { conversation: CHAT, seq: Seq(8) }],
        placed: vec![entry(8, BOB, 8, "eight")],
        ..Commit::default()
    };
    cache.run(|db| commit::commit(db, ME, &name("ann"), commit)).await.unwrap();
    let page = |seqs: std::ops::Range<u64>| -> Vec<Entry> {
        seqs.map(|seq| match entry(seq, BOB, seq as u8, "older").item {
            Item::Entry(entry, _) => entry,
            Item::Own { .. } => unreachable!("entry makes entries"),
        })
        .collect()
    };
    let ask = async |before: u64, entries: Vec<Entry>, more: bool| {
        let before = Seq(before);
        let page = Older { peer: BOB, conversation: CHAT, before, entries, more };
        let moved = cache.run(|db| older(db, ME, page)).await.unwrap();
        let floor = cache.run(|db| chats::of(db, BOB)).await.unwrap().unwrap().floor;
        (moved, floor.0, all(&cache).await.len())
    };
    assert_eq!(ask(8, page(5..8), true).await, (true, 5, 4));
    // Asked for by somebody who did not know of the first.
    assert_eq!(ask(8, page(5..8), false).await, (true, 5, 4));
    // Nothing that joins: repeated, of another conversation, with a hole.
    assert_eq!(ask(5, page(5..7), true).await, (false, 5, 4));
    let mut foreign = page(4..5);
    foreign[0].conversation = ConversationId(99);
    assert_eq!(ask(5, foreign, true).await, (false, 5, 4));
    let mut hole = page(1..5);
    hole.remove(1);
    assert_eq!(ask(5, hole, false).await, (true, 3, 6));
    // What is fetched as history was never new.
    assert_eq!(cache.run(|db| chats::unread(db, BOB)).await.unwrap(), 1);
    wait(&cache, 200, "waits").await;
    let mut mine = page(1..3);
    let text = MessageText::parse("waits").unwrap();
    mine[1].sender = ME;
    mine[1].body = Body::Message { id: ClientMsgId([200; 16]), text };
    assert_eq!(ask(3, mine, false).await, (true, 1, 8));
    assert!(cache.run(|db| messages::waiting(db)).await.unwrap().is_empty());
}

#[tokio::test]
async fn an_acknowledgment_without_its_message_ends_what_is_written_of_that_log_only() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    begin(&cache).await;
    let items = vec![entry(1, BOB, 8, "a"), own(2, 77), entry(3, BOB, 9, "c")];
    let done = write(&cache, items).await.unwrap();
    assert!(done.incomplete);
    assert_eq!(shape(&all(&cache).await), [(Some(1), "a")]);
    let chat = cache.run(|db| chats::of(db, BOB)).await.unwrap().unwrap();
    assert_eq!(chat.position, Some(Seq(1)));
}

#[tokio::test]
async fn a_conversation_that_became_another_one_starts_empty_but_for_what_waits() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    begin(&cache).await;
    write(&cache, vec![entry(1, BOB, 1, "old"), entry(2, BOB, 2, "old")]).await.unwrap();
    wait(&cache, 5, "waits").await;
    cache.run(|db| chats::set_bookmark(db, "tail", BOB, Seq(2))).await.unwrap();
    let marks = Marks { read: Seq(2), peer_read: Seq(2), ..Marks::default() };
    cache.run(move |db| chats::mark(db, BOB, marks)).await.unwrap();
    let again = Commit { conversations: vec![conversation(0)], ..Commit::default() };
    let done = cache.run(|db| commit::commit(db, ME, &name("ann"), again)).await.unwrap();
    assert!(!done.forgotten);
    let other = ConversationId(70);
    let conversations = vec![Conversation { conversation: other, ..conversation(0) }];
    let starts = vec![Head { conversation: other, seq: Seq(1) }];
    let commit = Commit { conversations, starts, ..Commit::default() };
    let done = cache.run(|db| commit::commit(db, ME, &name("ann"), commit)).await.unwrap();
    assert!(done.forgotten);
    assert_eq!(shape(&all(&cache).await), [(None, "waits")]);
    let chat = cache.run(|db| chats::of(db, BOB)).await.unwrap().unwrap();
    assert_eq!((chat.position, chat.floor, chat.marks), (Some(Seq(0)), Seq(1), Marks::default()));
    assert_eq!(cache.run(|db| chats::bookmark(db, "tail", BOB)).await.unwrap(), None);
}

#[test]
fn no_user_name_makes_a_file_name_that_windows_takes_for_a_device() {
    let server = ServerAddress::parse("[::1]:2005").unwrap();
    for user in ["con", "nul", "com1", "con.smith"] {
        let path = super::file(std::path::Path::new("data"), &server, &name(user));
        let file = path.file_name().unwrap().to_str().unwrap().to_owned();
        assert_eq!(file, format!("account-{user}.db"));
    }
}

#[tokio::test]
async fn a_refused_message_leaves_the_outbox_until_it_is_tried_again_or_deleted() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    let key = wait(&cache, 1, "mine").await;
    cache.run(move |db| messages::refuse(db, key, &Code::Blocked.into())).await.unwrap();
    assert!(cache.run(|db| messages::waiting(db)).await.unwrap().is_empty());
    assert_eq!(all(&cache).await[0].state, MessageState::Refused(Code::Blocked));
    let row = cache.run(move |db| messages::retry(db, key)).await.unwrap().unwrap();
    assert_eq!((row.key, row.id.0), (key, [1; 16]));
    assert!(!cache.run(move |db| messages::discard(db, key)).await.unwrap());
    cache.run(move |db| messages::refuse(db, key, &Code::Blocked.into())).await.unwrap();
    assert!(cache.run(move |db| messages::discard(db, key)).await.unwrap());
    assert!(all(&cache).await.is_empty());
}

#[tokio::test]
async fn the_cache_of_another_account_of_the_same_name_is_not_shown() {
    let dir = tempfile::tempdir().unwrap();
    let cache = open(&dir).await;
    cache.run(|db| people::set_me(db, ME)).await.unwrap();
    begin(&cache).await;
    write(&cache, vec![entry(1, BOB, 1, "private")]).await.unwrap();
    cache.run(|db| people::set_me(db, ME)).await.unwrap();
    assert_eq!(all(&cache).await.len(), 1);
    cache.run(|db| people::set_me(db, UserId(99))).await.unwrap();
    assert!(all(&cache).await.is_empty());
    assert!(cache.run(|db| chats::all(db)).await.unwrap().is_empty());
}
