//! Marks are told in the end, and never so many that the server has to refuse them.

use thrive_protocol::code::Code;
use thrive_protocol::ids::{ConversationId, UserId};
use thrive_protocol::reply::Reply;

use super::super::rig::{Rig, conversation, entry, page, refused};
use super::*;

fn is_mark(open: &Open) -> bool {
    matches!(open, Open::Read { .. } | Open::Delivered { .. })
}

#[tokio::test]
async fn a_mark_that_came_at_a_bad_moment_is_told_again_after_the_time_that_was_asked_for() {
    let (mut rig, _) = Rig::online(1).await;
    let now = Instant::now() + DELIVERED;
    rig.life.tell_delivered(now);
    assert_eq!(rig.count(is_mark), 1);
    let wait = Duration::from_secs(3);
    rig.answer(is_mark, Err(Refusal::after(Code::SlowDown, wait))).await;
    rig.life.tell_delivered(now + Duration::from_secs(2));
    assert_eq!(rig.count(is_mark), 0);
    rig.life.tell_delivered(Instant::now() + wait);
    assert_eq!(rig.count(is_mark), 1);
    rig.answer(is_mark, Ok(Reply::Done {})).await;
    rig.life.tell_delivered(now + 2 * wait);
    assert_eq!(rig.count(is_mark), 0);
}

#[tokio::test]
async fn a_mark_that_was_refused_for_good_is_not_repeated() {
    let (mut rig, _) = Rig::online(1).await;
    rig.life.tell_delivered(Instant::now() + DELIVERED);
    rig.answer(is_mark, refused(Code::NoSuchConversation)).await;
    rig.life.tell_delivered(Instant::now() + Duration::from_secs(100));
    assert_eq!(rig.count(is_mark), 0);
}

#[tokio::test]
async fn the_marks_of_many_chats_are_told_in_rounds() {
    let (mut rig, _) = Rig::online(0).await;
    let ids = 100..100 + 2 * ROUND as i64 + 5;
    let conversations = ids.clone().map(|id| conversation(ConversationId(id), UserId(id)));
    let entries = ids.map(|id| entry(ConversationId(id), 1));
    rig.page(page(conversations.collect(), entries.collect())).await;
    let mut now = Instant::now();
    for expected in [ROUND, 2 * ROUND, 2 * ROUND + 5] {
        now += NEXT_ROUND;
        rig.life.tell_delivered(now);
        assert_eq!(rig.count(is_mark), expected);
    }
}
