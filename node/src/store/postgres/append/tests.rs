//! What is worked out before and after the statement.

use thrive_protocol::text::MessageText;

use super::*;
use crate::store::Database;
use crate::store::contract::{ann_and_bob, fresh_postgres, message};

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
    let database = Database::connect(&fresh_postgres()).await.unwrap();
    let (ann, bob, conversation) = ann_and_bob(&database).await;
    let Database::Postgres(postgres) = &database else { panic!("it is on a server") };
    let lane = postgres.lanes.take().await.unwrap();
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
