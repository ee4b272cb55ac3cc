//! What is worked out before and after the statement.

use std::time::Duration;

use thrive_protocol::entry::Body;
use thrive_protocol::text::MessageText;

use super::*;
use crate::domain::relation::RelationRefusal;
use crate::store::Database;
use crate::store::contract::{account, ann_and_bob, fresh_postgres, message};

fn item(conversation: i64, sender: i64, id: u8) -> Append {
    Append {
        conversation: ConversationId(conversation),
        sender: UserId(sender),
        id: ClientMsgId([id; 16]),
        text: MessageText::parse(&format!("text {id}")).unwrap(),
        time: Time(i64::from(id)),
    }
}

#[test]
fn items_are_ordered_by_conversation_and_within_it_as_they_came() {
    let batch =
        [item(9, 1, 1), item(3, 2, 2), item(9, 2, 3), item(3, 2, 4), item(9, 1, 5), item(3, 1, 6)];
    let layout = Layout::of(&batch);
    assert_eq!(layout.times, [2, 4, 6, 1, 3, 5]);
    assert_eq!(layout.pairs, [1, 1, 2, 3, 4, 3]);
    assert_eq!((layout.conversations, layout.senders), (vec![3, 3, 9, 9], vec![2, 1, 1, 2]));
    assert_eq!(layout.places, [3, 0, 4, 1, 5, 2]);
    assert_eq!(layout.logs, [3, 3, 3, 9, 9, 9]);
    assert_eq!(layout.writers, [2, 2, 1, 1, 2, 1]);
    assert_eq!(layout.steps, [1, 2, 3, 1, 2, 3]);
    let moves = Moves { conversations: vec![3, 9], by: vec![3, 3], times: vec![6, 5] };
    assert_eq!(layout.moves, moves);
}

/// A database, Ann, Bob, their chat, and a connection that appends.
async fn lane() -> (Database, UserId, UserId, ConversationId, Lane) {
    let database = Database::connect(&fresh_postgres()).await.unwrap();
    let (ann, bob, conversation) = ann_and_bob(&database).await;
    let Database::Postgres(postgres) = &database else { panic!("it is on a server") };
    let lane = postgres.lanes.take().await.unwrap();
    (database, ann, bob, conversation, lane)
}

#[tokio::test]
async fn what_is_new_and_allowed_is_stored_with_hope_and_with_care_alike() {
    let (database, ann, bob, conversation, lane) = lane().await;
    let batch = |first: u64| {
        let of = |number, sender| message(conversation, sender, first + number);
        [of(0, ann), of(1, bob), of(2, ann)]
    };
    for (first, hopes) in [(10, true), (20, false), (30, true)] {
        let batch = batch(first);
        let said = Layout::of(&batch).append(&lane, hopes).await.unwrap();
        assert_eq!(said.bases, HashMap::from([(conversation.0, first * 3 / 10 - 3)]));
    }
    let entries = database.entries_after(conversation, Seq(0), 100).await.unwrap();
    assert_eq!(entries.iter().map(|it| it.seq.0).collect::<Vec<_>>(), (1..=9).collect::<Vec<_>>());
    let senders: Vec<_> = entries.iter().map(|it| it.sender).collect();
    assert_eq!(senders, [[ann, bob, ann]; 3].concat());
    let last = batch(30);
    assert_eq!(entries[8].body, Body::Message { id: last[2].id, text: last[2].text.clone() });
}

#[tokio::test]
async fn a_hope_that_is_wrong_stores_nothing_and_makes_careful_for_a_moment() {
    let (database, ann, bob, conversation, lane) = lane().await;
    let eve = account(&database, "eve").await;
    let known = [message(conversation, ann, 1)];
    Layout::of(&known).append(&lane, true).await.unwrap();
    let wrong = [
        // Known already, and from somebody who is no member.
        vec![message(conversation, bob, 2), message(conversation, ann, 1)],
        vec![message(conversation, bob, 2), message(conversation, eve, 3)],
    ];
    for batch in &wrong {
        let hope = Layout::of(batch).append(&lane, true).await;
        assert!(matches!(hope, Err(Cause::Rule(_))), "nothing of it may be stored");
        assert_eq!(database.heads(&[conversation]).await.unwrap()[0].seq, Seq(1));
    }
    database
        .change_contact(bob, ann, |pair| -> Result<(), RelationRefusal> {
            pair.block();
            Ok(())
        })
        .await
        .unwrap();
    let blocked = [message(conversation, ann, 4)];
    assert!(matches!(Layout::of(&blocked).append(&lane, true).await, Err(Cause::Rule(_))));

    let Database::Postgres(postgres) = &database else { panic!("it is on a server") };
    let now = Instant::now();
    assert!(postgres.lanes.hopes(now));
    let answers = database.append(wrong[0].clone()).await.unwrap();
    assert_eq!(answers[0], Err(AppendRefusal::BlockedByYou));
    assert!(answers[1].unwrap().duplicate);
    let soon = Instant::now();
    assert!(!postgres.lanes.hopes(soon));
    assert!(postgres.lanes.hopes(soon + Duration::from_secs(1)));
}

#[test]
fn each_item_gets_what_follows_from_what_the_statement_says() {
    // The repeat of the first; then one that is known and one that is refused.
    let batch = [item(9, 1, 1), item(3, 2, 2), item(9, 1, 1), item(3, 2, 3), item(4, 2, 4)];
    let layout = Layout::of(&batch);
    let said = || Said {
        bases: HashMap::from([(9, 40), (3, 0)]),
        others: HashMap::from([
            (0, Ok(Appended { seq: Seq(7), time: Time(2), duplicate: true })),
            (2, Err(AppendRefusal::Blocked)),
        ]),
    };
    let stored = |seq, time| Ok(Appended { seq: Seq(seq), time: Time(time), duplicate: false });
    let known = |seq, time| Ok(Appended { seq: Seq(seq), time: Time(time), duplicate: true });
    let refused = Err(AppendRefusal::Blocked);
    let answers = layout.answers(said(), false).unwrap();
    assert_eq!(answers, [stored(41, 1), known(7, 2), known(41, 1), stored(1, 3), refused]);
    // After a connection broke, what has our own time may be of our own first try: nobody knows it yet.
    let answers = layout.answers(said(), true).unwrap();
    assert_eq!(answers, [stored(41, 1), stored(7, 2), known(41, 1), stored(1, 3), refused]);
    // A statement that says nothing about an item is not believed.
    assert!(layout.answers(Said::default(), false).is_err());
}

#[tokio::test]
async fn taken_apart_it_does_the_same_and_undoes_what_fails() {
    let (database, ann, bob, conversation, lane) = lane().await;
    let batch = [message(conversation, ann, 1), message(conversation, bob, 2)];
    for duplicate in [false, true] {
        let layout = Layout::of(&batch);
        let said = layout.in_steps(&lane).await.unwrap();
        let answers = layout.answers(said, false).unwrap();
        let told: Vec<_> = answers.iter().map(|it| it.unwrap()).collect();
        assert_eq!(told.iter().map(|it| it.seq.0).collect::<Vec<_>>(), [1, 2]);
        assert!(told.iter().all(|it| it.duplicate == duplicate));
    }
    // The next number is taken already: the database is damaged here.
    let damage = "UPDATE conversation SET last_seq = 0";
    database.write("damage", damage, Vec::new()).await.unwrap();
    let third = [message(conversation, ann, 3)];
    assert!(Layout::of(&third).in_steps(&lane).await.is_err());
    let repair = "UPDATE conversation SET last_seq = 2";
    database.write("repair", repair, Vec::new()).await.unwrap();
    let said = Layout::of(&third).in_steps(&lane).await.unwrap();
    assert_eq!(said.bases, HashMap::from([(conversation.0, 2)]));
}
