//! Opening conversations, reading back, marks and typing.

use thrive_protocol::bounded::List;
use thrive_protocol::event::Head;
use thrive_protocol::ids::Seq;
use thrive_protocol::limits::HISTORY_PAGE;
use thrive_protocol::request::{BlockUser, History, Sync};

use super::*;

async fn block(world: &World, caller: &Caller, other: &Caller) {
    let request = BlockUser { username: other.username.as_str().into() };
    world.services.contacts.block(caller, request).await.unwrap();
}

fn history(conversation: ConversationId, before: Option<u64>, limit: u32) -> History {
    History { conversation, before: before.map(Seq), limit }
}

#[tokio::test]
async fn a_conversation_is_made_once_and_until_something_is_said_its_peer_does_not_learn_of_it() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let conversations = &world.services.conversations;
    let opened = conversations.open(&ann, "bob").await.unwrap();
    assert_eq!(heard(&opened.news, bob.user), []);
    assert_eq!(heard(&opened.news, ann.user), [Event::Conversation(opened.reply.clone())]);
    let heads = conversations.heads_of(bob.user).await.unwrap();
    assert_eq!(heads, [Head { conversation: opened.reply.conversation, seq: Seq(0) }]);
    let told = async |caller| {
        let everything = Sync { epoch: None, positions: List::default() };
        let page = conversations.sync(caller, everything).await.unwrap();
        page.conversations.iter().map(|it| (it.conversation, it.peer)).collect::<Vec<_>>()
    };
    assert_eq!(told(&bob).await, []);
    world.say(opened.reply.conversation, ann.user, [1]).await;
    assert_eq!(told(&bob).await, [(opened.reply.conversation, ann.user)]);

    for (name, expected) in [("nobody", Code::NoSuchUser), ("Ann", Code::Yourself)] {
        assert_eq!(code(conversations.open(&ann, name).await).map(drop), Err(expected));
    }
}

#[tokio::test]
async fn the_own_devices_are_told_again_and_those_of_the_peer_follow_until_something_is_said() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let conversations = &world.services.conversations;
    // Made, and then the request was cut off: nobody has heard of it.
    let made = world.database.create_direct(ann.user, bob.user, clock::now()).await;
    let conversation = made.unwrap().unwrap();
    for _ in 0..2 {
        let opened = conversations.open(&ann, "bob").await.unwrap();
        assert_eq!(opened.reply.conversation, conversation);
        assert_eq!(heard(&opened.news, ann.user), [Event::Conversation(opened.reply.clone())]);
        // The session that asked has its answer; all devices of the peer are to follow.
        let whom: Vec<_> = opened.news.iter().map(|it| (it.to, it.origin)).collect();
        let own = (Audience::User(ann.user), Some(ann.session));
        assert_eq!(whom, [(Audience::Follower(bob.user), None), own]);
    }
    world.say(conversation, ann.user, [1]).await;
    for (caller, name) in [(&ann, "bob"), (&bob, "ann")] {
        let again = conversations.open(caller, name).await.unwrap();
        assert_eq!((again.reply.conversation, again.reply.head), (conversation, Seq(1)));
        assert!(again.news.is_empty());
    }
}

#[tokio::test]
async fn a_block_prevents_a_new_conversation_and_hides_no_old_one() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let eve = world.person("eve").await;
    let conversations = &world.services.conversations;
    let old = world.talk(&ann, &bob).await;
    block(&world, &ann, &bob).await;
    block(&world, &ann, &eve).await;
    assert_eq!(conversations.open(&bob, "ann").await.unwrap().reply.conversation, old);
    assert_eq!(code(conversations.open(&eve, "ann").await).map(drop), Err(Code::Blocked));
    assert_eq!(code(conversations.open(&ann, "eve").await).map(drop), Err(Code::BlockedByYou));
}

#[tokio::test]
async fn history_is_read_page_by_page_by_members_only() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let eve = world.person("eve").await;
    let conversations = &world.services.conversations;
    let conversation = world.talk(&ann, &bob).await;
    world.say(conversation, ann.user, 1..=450).await;

    let mut before = None;
    let mut pages = Vec::new();
    loop {
        let request = history(conversation, before, u32::MAX);
        let (entries, more) = conversations.history(&bob, request).await.unwrap();
        before = entries.first().map(|it| it.seq.0);
        pages.push(entries.iter().map(|it| it.seq.0).collect::<Vec<_>>());
        if !more {
            break;
        }
    }
    assert_eq!(pages.iter().map(Vec::len).collect::<Vec<_>>(), [HISTORY_PAGE, HISTORY_PAGE, 50]);
    pages.reverse();
    assert_eq!(pages.concat(), (1..=450).collect::<Vec<_>>());
    let (entries, more) =
        conversations.history(&bob, history(conversation, Some(3), 1)).await.unwrap();
    assert_eq!((entries[0].seq, entries.len(), more), (Seq(2), 1, true));
    let refused = code(conversations.history(&eve, history(conversation, None, 9)).await);
    assert_eq!(refused.map(drop), Err(Code::NoSuchConversation));
}

#[tokio::test]
async fn marks_move_forward_never_beyond_the_end_and_tell_only_when_they_moved() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let conversations = &world.services.conversations;
    let conversation = world.talk(&ann, &bob).await;
    world.say(conversation, ann.user, 1..=5).await;
    let read =
        async |seq| conversations.mark_read(&bob, conversation, Seq(seq)).await.unwrap().news;
    let received =
        async |seq| conversations.mark_delivered(&bob, conversation, Seq(seq)).await.unwrap().news;

    let news = received(2).await;
    let event = Event::Delivered { conversation, user: bob.user, seq: Seq(2) };
    assert_eq!(heard(&news, ann.user), [event]);
    assert!(received(2).await.is_empty());
    let news = read(3).await;
    assert_eq!(news[0].to, Audience::Conversation(conversation));
    assert_eq!(news[0].event, Event::Read { conversation, user: bob.user, seq: Seq(3) });
    assert_eq!(news[0].origin, Some(bob.session));
    assert!(read(3).await.is_empty() && read(1).await.is_empty());
    // Whoever has read has received.
    assert!(received(3).await.is_empty());
    let news = read(1_000).await;
    assert_eq!(news[0].event, Event::Read { conversation, user: bob.user, seq: Seq(5) });
    let seen = conversations.open(&ann, "bob").await.unwrap().reply;
    assert_eq!((seen.peer_read, seen.peer_delivered, seen.read), (Seq(5), Seq(5), Seq(0)));

    let eve = world.person("eve").await;
    let refused = code(conversations.mark_read(&eve, conversation, Seq(1)).await);
    assert_eq!(refused.map(drop), Err(Code::NoSuchConversation));
}

#[tokio::test]
async fn who_is_invisible_or_blocked_gives_no_sign() {
    let world = World::new().await;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let conversations = &world.services.conversations;
    let conversation = world.talk(&ann, &bob).await;
    world.say(conversation, ann.user, 1..=5).await;
    let silent = async |seq| {
        let read = conversations.mark_read(&bob, conversation, Seq(seq)).await.unwrap();
        assert_eq!(read.news[0].to, Audience::User(bob.user));
        let received = conversations.mark_delivered(&bob, conversation, Seq(seq)).await.unwrap();
        assert!(received.news.is_empty());
        let typing = conversations.typing(&bob, conversation, true).await.unwrap();
        assert!(typing.news.is_empty());
        let seen = conversations.open(&ann, "bob").await.unwrap().reply;
        assert_eq!((seen.peer_read, seen.peer_delivered), (Seq(0), Seq(0)));
        let own = conversations.open(&bob, "ann").await.unwrap().reply;
        assert_eq!(own.read, Seq(seq));
    };
    world.shows(&bob, Availability::Invisible).await;
    silent(2).await;
    world.shows(&bob, Availability::Online).await;
    block(&world, &ann, &bob).await;
    silent(3).await;
    world.services.contacts.unblock(&ann, bob.user).await.unwrap();
    block(&world, &bob, &ann).await;
    silent(4).await;
    world.services.contacts.unblock(&bob, ann.user).await.unwrap();

    let typing = conversations.typing(&bob, conversation, true).await.unwrap();
    let event = Event::Typing { conversation, user: bob.user, active: true };
    assert_eq!(heard(&typing.news, ann.user), [event]);
    // What was read in secret is told with the next mark.
    conversations.mark_read(&bob, conversation, Seq(4)).await.unwrap();
    let seen = conversations.open(&ann, "bob").await.unwrap().reply;
    assert_eq!((seen.peer_read, seen.peer_delivered), (Seq(4), Seq(4)));
}
