//! A message is stored once, or refused once, whatever becomes of its conversation.

use thrive_protocol::ids::{Seq, Time};
use thrive_protocol::reply::Reply;

use super::super::rig::{BOB, CHAT, Rig, conversation, entry, page, refused};
use super::*;

const OTHER: ConversationId = ConversationId(70);

fn is_message(open: &Open) -> bool {
    matches!(open, Open::Message { .. })
}

fn is_chat(open: &Open) -> bool {
    matches!(open, Open::Chat { .. })
}

async fn shape(rig: &Rig) -> Vec<(Option<u64>, String)> {
    rig.messages().await.into_iter().map(|it| (it.seq, it.text)).collect()
}

fn stored(rig: &Rig, key: MessageKey, seq: u64) -> Result<Reply, Refusal> {
    let session = rig.life.link.session.as_ref().unwrap();
    let opened =
        session.opened().any(|(_, open)| matches!(open, Open::Message { key: k, .. } if *k == key));
    assert!(opened, "it is in flight");
    Ok(Reply::Stored(Stored {
        id: rig.life.outbox.id_of(key).unwrap(),
        seq: Seq(seq),
        time: Time(5),
    }))
}

#[tokio::test]
async fn all_messages_in_flight_survive_a_conversation_that_is_another_one_now() {
    let (mut rig, _) = Rig::online(1).await;
    let keys = [rig.send("one").await, rig.send("two").await, rig.send("three").await];
    for _ in keys {
        rig.answer(is_message, refused(Code::NoSuchConversation)).await;
    }
    assert_eq!(rig.life.outbox.len(), 3);
    let later = Instant::now() + PAUSE;
    rig.life.pump(later);
    assert_eq!((rig.count(is_chat), rig.count(is_message)), (1, 0));
    rig.answer(is_chat, Ok(Reply::Conversation(conversation(OTHER, BOB)))).await;
    let texts = ["one", "two", "three"].map(|text| (None, text.to_owned()));
    assert_eq!(shape(&rig).await, texts, "what was in the old one is gone");
    for (seq, key) in keys.into_iter().enumerate() {
        rig.life.pump(Instant::now() + 2 * PAUSE);
        let reply = stored(&rig, key, seq as u64 + 1);
        rig.answer(is_message, reply).await;
    }
    assert_eq!(rig.life.outbox.len(), 0);
    let places: Vec<_> = shape(&rig).await.into_iter().map(|(seq, _)| seq).collect();
    assert_eq!(places, [Some(1), Some(2), Some(3)]);
    assert!(rig.life.reopened.is_empty(), "the next time counts anew");
}

#[tokio::test]
async fn a_conversation_that_stays_unknown_is_reopened_once_and_not_for_ever() {
    let (mut rig, _) = Rig::online(1).await;
    let key = rig.send("one").await;
    rig.answer(is_message, refused(Code::NoSuchConversation)).await;
    rig.life.pump(Instant::now() + PAUSE);
    rig.answer(is_chat, Ok(Reply::Conversation(conversation(CHAT, BOB)))).await;
    rig.life.pump(Instant::now() + 2 * PAUSE);
    rig.answer(is_message, refused(Code::NoSuchConversation)).await;
    assert_eq!(rig.life.outbox.len(), 0);
    let message = rig.messages().await.pop().unwrap();
    assert_eq!(message.key, key);
    assert_eq!(message.state, MessageState::Refused(Code::NoSuchConversation));
}

#[tokio::test]
async fn a_name_that_is_somebody_elses_now_gets_no_message() {
    let (mut rig, _) = Rig::online(1).await;
    rig.send("for Bob only").await;
    rig.answer(is_message, refused(Code::NoSuchConversation)).await;
    rig.life.pump(Instant::now() + PAUSE);
    rig.answer(is_chat, Ok(Reply::Conversation(conversation(OTHER, UserId(3))))).await;
    assert!(rig.life.opening.is_empty() && rig.life.outbox.is_empty());
    let message = rig.messages().await.pop().unwrap();
    assert_eq!(message.state, MessageState::Refused(Code::NoSuchUser));
}

#[tokio::test]
async fn an_acknowledgment_of_a_place_that_is_passed_still_ends_the_waiting() {
    let (mut rig, _) = Rig::online(2).await;
    // The log of this device begins behind the place that the message has.
    rig.sql("DELETE FROM message WHERE seq = 1; UPDATE chat SET floor = 2").await;
    let key = rig.send("late").await;
    let reply = stored(&rig, key, 1);
    rig.answer(is_message, reply).await;
    assert_eq!(rig.life.outbox.len(), 0);
    let expected = [(Some(1), "late".to_owned()), (Some(2), "entry 2".to_owned())];
    assert_eq!(shape(&rig).await, expected);
}

#[tokio::test]
async fn an_acknowledgment_of_a_place_that_is_taken_loses_no_text_and_waits_for_nothing() {
    let (mut rig, _) = Rig::online(2).await;
    let key = rig.send("where?").await;
    let reply = stored(&rig, key, 1);
    rig.answer(is_message, reply).await;
    assert_eq!(rig.life.outbox.len(), 0);
    let message = rig.messages().await.pop().unwrap();
    assert_eq!((message.text.as_str(), message.seq), ("where?", None));
    assert_eq!(message.state, MessageState::Refused(Code::Internal));
}

#[tokio::test]
async fn an_acknowledgment_of_a_message_that_is_not_on_the_disk_asks_for_its_entry() {
    let (mut rig, _) = Rig::online(1).await;
    let key = rig.send("gone").await;
    let reply = stored(&rig, key, 2);
    rig.sql("DELETE FROM message WHERE seq IS NULL").await;
    rig.answer(is_message, reply).await;
    assert_eq!(rig.life.outbox.len(), 0, "the disk says that nothing waits");
    assert!(rig.life.pull.entries.due().is_some() && !rig.life.pull.caught_up);
    rig.page(page(vec![], vec![entry(CHAT, 2)])).await;
    assert_eq!(rig.messages().await.len(), 2);
}

#[tokio::test]
async fn a_message_whose_place_another_program_noted_is_told_as_one_that_was_waiting() {
    let (mut rig, _) = Rig::online(1).await;
    let key = rig.send("hello").await;
    rig.sql("UPDATE message SET seq = 2 WHERE seq IS NULL; UPDATE chat SET position = 2").await;
    while rig.changes.try_recv().is_ok() {}
    let reply = stored(&rig, key, 2);
    rig.answer(is_message, reply).await;
    let mut told = Vec::new();
    while let Ok(change) = rig.changes.try_recv() {
        if let Change::Message { before, now, .. } = change {
            told.push((before, now.key, now.state));
        }
    }
    assert_eq!(told, [(Some(MessageState::Waiting), key, MessageState::Stored)]);
    assert_eq!(rig.life.outbox.len(), 0);
}
