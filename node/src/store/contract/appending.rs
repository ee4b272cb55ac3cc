//! The append keeps the promise of delivery: once, in one order, without gaps.

use std::cell::RefCell;
use std::collections::BTreeSet;

use thrive_protocol::entry::Body;
use thrive_protocol::ids::Seq;

use super::*;
use crate::domain::catch_up::Range;
use crate::domain::relation::{Pair, RelationRefusal};
use crate::store::value::Value;

#[tokio::test]
async fn messages_are_numbered_from_one_and_read_back_as_they_were() {
    on_each_engine(async |database| {
        let (ann, bob, conversation) = ann_and_bob(&database).await;
        let batch = vec![message(conversation, ann, 7), message(conversation, bob, 7)];
        let answers = database.append(batch).await.unwrap();
        let seqs: Vec<_> = answers.iter().map(|it| it.unwrap().seq.0).collect();
        assert_eq!(seqs, [1, 2]);
        let entries = database.entries_after(conversation, Seq(0), 10).await.unwrap();
        assert_eq!(entries.iter().map(|it| it.sender).collect::<Vec<_>>(), [ann, bob]);
        let sent = message(conversation, ann, 7);
        assert_eq!(entries[0].body, Body::Message { id: sent.id, text: sent.text });
        assert_eq!((entries[0].seq, entries[0].time), (Seq(1), sent.time));
        assert_eq!(database.heads(&[conversation]).await.unwrap()[0].seq, Seq(2));
    })
    .await;
}

#[tokio::test]
async fn a_repeated_id_gets_the_first_answer_and_burns_no_number() {
    on_each_engine(async |database| {
        let (ann, _, conversation) = ann_and_bob(&database).await;
        let first = append_one(&database, message(conversation, ann, 1)).await.unwrap();
        let mut repeat = message(conversation, ann, 1);
        repeat.time = Time(0);
        let batch = vec![
            repeat.clone(),
            message(conversation, ann, 2),
            message(conversation, ann, 2),
            repeat,
        ];
        let answers: Vec<_> =
            database.append(batch).await.unwrap().into_iter().map(Result::unwrap).collect();
        let again = Appended { duplicate: true, ..first };
        assert_eq!((answers[0], answers[3]), (again, again));
        assert_eq!((answers[1].seq, answers[1].duplicate), (Seq(2), false));
        assert_eq!(answers[2], Appended { duplicate: true, ..answers[1] });
        assert_eq!(database.heads(&[conversation]).await.unwrap()[0].seq, Seq(2));
    })
    .await;
}

#[tokio::test]
async fn which_messages_are_stored_is_known_for_their_sender_and_conversation() {
    on_each_engine(async |database| {
        let (ann, bob, conversation) = ann_and_bob(&database).await;
        let of = |numbers: std::ops::Range<u64>| {
            numbers.map(|number| message(conversation, ann, number)).collect::<Vec<_>>()
        };
        for item in of(60..70).into_iter().chain(of(90..95)) {
            append_one(&database, item).await.unwrap();
        }
        let stored = async |sender, asked: Vec<Append>| {
            let ids: Vec<_> = asked.into_iter().map(|it| it.id).collect();
            let mut stored = database.stored_of(conversation, sender, &ids).await.unwrap();
            stored.sort();
            stored
        };
        let expected: Vec<_> = of(60..70).into_iter().chain(of(90..92)).map(|it| it.id).collect();
        assert_eq!(stored(ann, of(0..92)).await, expected);
        assert_eq!(stored(ann, of(61..62)).await, [expected[1]]);
        assert_eq!(stored(ann, of(70..80)).await, []);
        assert_eq!(stored(bob, of(0..92)).await, []);
        assert_eq!(stored(ann, Vec::new()).await, []);
    })
    .await;
}

#[tokio::test]
async fn a_batch_that_breaks_off_leaves_nothing_behind() {
    on_each_engine(async |database| {
        let (ann, bob, conversation) = ann_and_bob(&database).await;
        let eve = account(&database, "eve").await;
        let other = database.create_direct(eve, bob, NOW).await.unwrap().unwrap();
        // A row where the second message is to go: the database is damaged here.
        let plant = "
            INSERT INTO message (conversation, seq, sender, client_msg_id, time, body)
            VALUES ($1, 2, $2, $3, 0, $3)";
        let params = vec![conversation.into(), bob.into(), Value::Blob(vec![0])];
        database.write("plant a row", plant, params).await.unwrap();
        let batch = vec![
            message(other, eve, 1),
            message(conversation, ann, 1),
            message(conversation, ann, 2),
        ];
        assert!(database.append(batch).await.is_err());
        assert!(database.entries_after(other, Seq(0), 9).await.unwrap().is_empty());
        assert_eq!(database.entries_after(conversation, Seq(0), 9).await.unwrap().len(), 1);
        let heads = database.heads(&[conversation, other]).await.unwrap();
        assert!(heads.iter().all(|head| head.seq == Seq(0)));
        assert_eq!(append_one(&database, message(other, eve, 1)).await.unwrap().seq, Seq(1));
    })
    .await;
}

#[tokio::test]
async fn who_may_not_write_is_refused_and_the_rest_of_the_batch_is_stored() {
    on_each_engine(async |database| {
        let (ann, bob, conversation) = ann_and_bob(&database).await;
        let eve = account(&database, "eve").await;
        let early = append_one(&database, message(conversation, ann, 1)).await.unwrap();
        let block = |pair: &mut Pair| {
            pair.block();
            Ok::<_, RelationRefusal>(())
        };
        database.change_contact(bob, ann, block).await.unwrap();
        let other = database.create_direct(ann, eve, NOW).await.unwrap().unwrap();
        let batch = vec![
            message(conversation, eve, 1),
            message(conversation, ann, 2),
            message(conversation, bob, 3),
            message(other, eve, 4),
            message(ConversationId(1), ann, 5),
            message(conversation, ann, 1),
        ];
        let answers = database.append(batch).await.unwrap();
        assert_eq!(answers[0], Err(AppendRefusal::NoSuchConversation));
        assert_eq!(answers[1], Err(AppendRefusal::Blocked));
        assert_eq!(answers[2], Err(AppendRefusal::BlockedByYou));
        assert_eq!(answers[3].unwrap().seq, Seq(1));
        assert_eq!(answers[4], Err(AppendRefusal::NoSuchConversation));
        // It was stored before the block: that stays true.
        assert_eq!(answers[5].unwrap().seq, early.seq);
        assert_eq!(database.entries_after(conversation, Seq(0), 9).await.unwrap().len(), 1);
    })
    .await;
}

#[tokio::test]
async fn many_tasks_that_repeat_themselves_leave_one_row_each_and_no_gap() {
    const TASKS: u64 = 8;
    const EACH: u64 = 40;
    on_each_engine(async |database| {
        let (ann, bob, conversation) = ann_and_bob(&database).await;
        let mut tasks = tokio::task::JoinSet::new();
        for task in 0..TASKS {
            let database = database.clone();
            tasks.spawn(async move {
                let mut answers = Vec::new();
                for i in 0..EACH {
                    // Two tasks at a time send the same ids, and every message is sent three times.
                    let number = task / 2 * EACH + i;
                    let sender = if number.is_multiple_of(3) { ann } else { bob };
                    for _ in 0..3 {
                        let item = message(conversation, sender, number);
                        answers.push((number, append_one(&database, item).await.unwrap().seq));
                    }
                }
                answers
            });
        }
        let answers: BTreeSet<_> = tasks.join_all().await.into_iter().flatten().collect();
        let rows = TASKS / 2 * EACH;
        // As many pairs as ids: each id had one place, whoever asked.
        assert_eq!(answers.len() as u64, rows);
        let entries = database.entries_after(conversation, Seq(0), 10_000).await.unwrap();
        let seqs: Vec<_> = entries.iter().map(|entry| entry.seq.0).collect();
        assert_eq!(seqs, (1..=rows).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn pages_and_ranges_are_cut_at_the_right_places() {
    on_each_engine(async |database| {
        let (ann, bob, conversation) = ann_and_bob(&database).await;
        let eve = account(&database, "eve").await;
        let other = database.create_direct(eve, bob, NOW).await.unwrap().unwrap();
        for conversation in [conversation, other] {
            let batch = (1..=30).map(|number| message(conversation, bob, number)).collect();
            database.append(batch).await.unwrap();
        }
        let seqs = |entries: Vec<thrive_protocol::entry::Entry>| {
            entries.iter().map(|it| (it.conversation, it.seq.0)).collect::<Vec<_>>()
        };
        let of = |conversation, seqs: std::ops::RangeInclusive<u64>| {
            seqs.map(|seq| (conversation, seq)).collect::<Vec<_>>()
        };
        let after = database.entries_after(conversation, Seq(5), 3).await.unwrap();
        assert_eq!(seqs(after), of(conversation, 6..=8));
        let before = database.entries_before(conversation, Seq(5), 3).await.unwrap();
        assert_eq!(seqs(before), of(conversation, 2..=4));
        let end = database.entries_before(conversation, Seq(u64::MAX), 2).await.unwrap();
        assert_eq!(seqs(end), of(conversation, 29..=30));
        let range =
            |conversation, after, to| Range { conversation, after: Seq(after), to: Seq(to) };
        // More ranges than fit into one statement.
        let mut ranges = vec![range(other, 28, 30)];
        ranges.extend((0..20).map(|i| range(conversation, i, i + 1)));
        let mut expected = of(other, 29..=30);
        expected.extend(of(conversation, 1..=20));
        assert_eq!(seqs(database.entries_in(&ranges).await.unwrap()), expected);
        assert_eq!(database.heads_of(ann).await.unwrap().len(), 1);
        assert_eq!(database.heads_of(bob).await.unwrap().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn an_entry_of_a_kind_that_is_unknown_or_broken_keeps_its_place() {
    on_each_engine(async |database| {
        let (ann, _, conversation) = ann_and_bob(&database).await;
        let batch = (1..=3).map(|number| message(conversation, ann, number)).collect();
        database.append(batch).await.unwrap();
        let newer = "UPDATE message SET kind = 77 WHERE seq = 1";
        database.write("write as a newer node", newer, Vec::new()).await.unwrap();
        let broken = "UPDATE message SET body = $1 WHERE seq = 2";
        let no_text = vec![Value::Blob(vec![0xff])];
        database.write("break a message", broken, no_text).await.unwrap();
        let entries = database.entries_after(conversation, Seq(0), 9).await.unwrap();
        assert_eq!(entries.iter().map(|it| it.seq.0).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!([&entries[0].body, &entries[1].body], [&Body::Unknown {}; 2]);
        assert!(matches!(entries[2].body, Body::Message { .. }));
    })
    .await;
}

#[tokio::test]
async fn heads_of_more_conversations_than_one_statement_takes_are_all_found() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        let mut conversations = Vec::new();
        for i in 0..150 {
            let other = account(&database, &format!("user{i}")).await;
            conversations.push(database.create_direct(ann, other, NOW).await.unwrap().unwrap());
        }
        let heads = database.heads(&conversations).await.unwrap();
        let found: BTreeSet<_> = heads.iter().map(|head| head.conversation).collect();
        assert_eq!(found, conversations.into_iter().collect());
    })
    .await;
}

#[tokio::test]
async fn members_are_introduced_to_their_conversation_as_it_was_before_anything_was_said() {
    on_each_engine(async |database| {
        let (ann, bob, conversation) = ann_and_bob(&database).await;
        let eve = account(&database, "eve").await;
        let other = database.create_direct(ann, eve, NOW).await.unwrap().unwrap();
        database.append(vec![message(conversation, ann, 1)]).await.unwrap();
        database.mark_read(ann, conversation, Seq(1)).await.unwrap();
        let told = database.introductions(&[conversation]).await.unwrap();
        let told: BTreeSet<_> = told
            .iter()
            .map(|(user, it)| (*user, it.conversation, it.peer, it.peer_name.as_str(), it.head))
            .collect();
        let expected =
            [(ann, conversation, bob, "bob", Seq(0)), (bob, conversation, ann, "ann", Seq(0))];
        assert_eq!(told, expected.into());
        assert_eq!(database.introductions(&[conversation, other]).await.unwrap().len(), 4);
        assert_eq!(database.introductions(&[]).await.unwrap(), []);
    })
    .await;
}

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[tokio::test]
async fn both_engines_give_the_same_answers() {
    let told = RefCell::new(Vec::new());
    on_each_engine(async |database| {
        let mut dice = Dice(20_261_120);
        let mut people = Vec::new();
        for i in 0..5 {
            people.push(account(&database, &format!("user{i}")).await);
        }
        let mut conversations = vec![ConversationId(7)];
        for (one, other) in [(0, 1), (1, 2), (2, 3), (3, 4), (4, 0)] {
            let made = database.create_direct(people[one], people[other], NOW).await;
            conversations.push(made.unwrap().unwrap());
        }
        let mut answers = Vec::new();
        for _ in 0..60 {
            let (one, other) = (people[dice.below(5)], people[dice.below(5)]);
            let blocks = dice.below(3) == 0;
            let change = |pair: &mut Pair| {
                if blocks {
                    pair.block()
                } else {
                    pair.unblock()
                };
                Ok::<_, RelationRefusal>(())
            };
            if one != other {
                database.change_contact(one, other, change).await.unwrap();
            }
            let size = 1 + dice.below(40);
            let batch = (0..size).map(|i| {
                let conversation = conversations[dice.below(6)];
                let item = message(conversation, people[dice.below(5)], dice.below(300) as u64);
                Append { time: Time(NOW.0 + i as i64), ..item }
            });
            answers.extend(database.append(batch.collect()).await.unwrap());
        }
        let mut heads = Vec::new();
        for conversation in &conversations[1..] {
            let entries = database.entries_after(*conversation, Seq(0), 9_999).await.unwrap();
            assert!(entries.iter().map(|it| it.seq.0).eq(1..=entries.len() as u64));
            heads.push((entries.len(), entries.last().map(|it| it.time)));
        }
        told.borrow_mut().push((answers, heads));
    })
    .await;
    let [one, other] = &told.into_inner()[..] else { panic!("there are two engines") };
    assert_eq!(one, other);
    let has = |wanted: fn(&Result<Appended, AppendRefusal>) -> bool| one.0.iter().any(wanted);
    assert!(
        has(|it| it.is_ok_and(|it| !it.duplicate)) && has(|it| it.is_ok_and(|it| it.duplicate))
    );
    assert!(has(|it| *it == Err(AppendRefusal::Blocked)));
    assert!(has(|it| *it == Err(AppendRefusal::BlockedByYou)));
    assert!(has(|it| *it == Err(AppendRefusal::NoSuchConversation)));
}
