//! Many at once, two nodes at once, and the end in the middle.

use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::{join_all, try_join_all};
use proptest::prelude::*;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::*;
use crate::store::Database;
use crate::store::contract::{ann_and_bob, fresh_postgres};
use crate::store::value::values;

fn place(number: i64) -> (ConversationId, UserId) {
    (ConversationId(number), UserId(2 * number))
}

/// A database with this many conversations; `place` names one member of each.
async fn with_conversations(database: &Database, count: i64) -> Vec<(ConversationId, UserId)> {
    for sql in [
        "INSERT INTO account (id, username, password_hash, created)
         SELECT number, 'user' || number, '', 0 FROM generate_series(2, 2 * $1 + 1) AS number",
        "INSERT INTO conversation (id, created)
         SELECT number, 0 FROM generate_series(1, $1) AS number",
        "INSERT INTO member (conversation, account)
         SELECT number / 2, number FROM generate_series(2, 2 * $1 + 1) AS number",
    ] {
        database.write("fill", sql, values![count]).await.unwrap();
    }
    (1..=count).map(place).collect()
}

async fn deliver(
    database: &Database,
    (conversation, member): (ConversationId, UserId),
    seq: u64,
) -> Result<(), crate::store::StoreError> {
    database.mark_delivered(member, conversation, Seq(seq)).await
}

async fn delivered(database: &Database, (conversation, member): (ConversationId, UserId)) -> u64 {
    let sql = "SELECT delivered_seq FROM member WHERE conversation = $1 AND account = $2";
    let rows = database.read("look", sql, values![conversation, member]).await.unwrap();
    rows[0].get::<Seq>(0).unwrap().0
}

async fn number(database: &Database, sql: &'static str) -> i64 {
    database.read("count", sql, values![]).await.unwrap()[0].get(0).unwrap()
}

proptest! {
    #[test]
    fn what_is_folded_comes_to_the_same_as_one_after_another(
        marks in prop::collection::vec((0..4_i64, 0..3_i64, [0..9_u64, 0..9, 0..9]), 0..60)
    ) {
        let mut model = BTreeMap::<_, [u64; 3]>::new();
        for (conversation, member, to) in &marks {
            let registers = model.entry((*conversation, *member)).or_default();
            for (register, to) in registers.iter_mut().zip(to) {
                *register = (*register).max(*to);
            }
        }
        let columns = Columns::of(marks.iter().map(|(conversation, member, to)| {
            let [read, shown_read, delivered] = to.map(Seq);
            let to = Positions { read, shown_read, delivered };
            Mark { conversation: ConversationId(*conversation), member: UserId(*member), to }
        }));
        let Columns { conversations, members, reads, shown_reads, delivereds } = columns;
        let places = conversations.into_iter().zip(members);
        let registers = reads.into_iter().zip(shown_reads).zip(delivereds);
        let registers = registers.map(|((read, shown), delivered)| {
            [read, shown, delivered].map(i64::unsigned_abs)
        });
        // In the order of the model, which is the order to lock in, and each once.
        prop_assert_eq!(
            places.zip(registers).collect::<Vec<_>>(),
            model.into_iter().collect::<Vec<_>>()
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn five_hundred_marks_at_once_share_a_few_commits() {
    let database = Database::connect(&fresh_postgres()).await.unwrap();
    let places = with_conversations(&database, 500).await;
    let mut tasks = JoinSet::new();
    for place in places.clone() {
        let database = database.clone();
        tasks.spawn(async move { deliver(&database, place, 3).await.unwrap() });
    }
    tasks.join_all().await;
    // A row names the transaction that wrote it.
    let writers = "SELECT count(DISTINCT xmin::text) FROM member WHERE delivered_seq = 3";
    let writers = number(&database, writers).await;
    assert!((1..=50).contains(&writers), "{writers} transactions");
    assert_eq!(number(&database, "SELECT count(*) FROM member WHERE delivered_seq = 3").await, 500);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn two_nodes_that_mark_the_same_in_opposite_orders_are_not_in_each_others_way() {
    const ROUNDS: u64 = 60;
    let settings = fresh_postgres();
    let nodes =
        [Database::connect(&settings).await.unwrap(), Database::connect(&settings).await.unwrap()];
    let places = with_conversations(&nodes[0], 60).await;
    let mut tasks = JoinSet::new();
    for (node, database) in nodes.iter().enumerate() {
        let (database, mut places) = (database.clone(), places.clone());
        if node == 1 {
            places.reverse();
        }
        tasks.spawn(async move {
            for round in 1..=ROUNDS {
                let marks = places.iter().map(|place| deliver(&database, *place, round));
                try_join_all(marks).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    let unlike = "SELECT count(*) FROM member WHERE delivered_seq NOT IN (0, 60)";
    assert_eq!(number(&nodes[0], unlike).await, 0);
    // What a session counted is told to all after a second at most.
    sleep(Duration::from_millis(1_100)).await;
    join_all(nodes.iter().map(|node| deliver(node, places[0], ROUNDS + 1))).await;
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    assert_eq!(number(&nodes[0], deadlocks).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_close_in_the_middle_loses_no_mark_that_was_answered() {
    let settings = fresh_postgres();
    let database = Database::connect(&settings).await.unwrap();
    let other = Database::connect(&settings).await.unwrap();
    let places = with_conversations(&database, 40).await;
    let mut tasks = JoinSet::new();
    for place in places.clone() {
        let database = database.clone();
        tasks.spawn(async move {
            for seq in 1.. {
                if let Err(error) = deliver(&database, place, seq).await {
                    assert!(matches!(error.cause, Cause::Stopped), "{error:?}");
                    return (place, seq - 1);
                }
            }
            unreachable!("it marks until it is stopped")
        });
    }
    let begun = Instant::now();
    while delivered(&other, places[0]).await < 5 {
        assert!(begun.elapsed() < Duration::from_secs(20));
    }
    database.close().await;
    let mut at_the_end = Vec::new();
    for place in &places {
        at_the_end.push(delivered(&other, *place).await);
    }
    for (place, answered) in tasks.join_all().await {
        let at = places.iter().position(|it| *it == place).unwrap();
        assert!(0 < answered);
        // What was taken was written and answered before the close came back, and nothing after it.
        assert_eq!(at_the_end[at], answered);
        assert_eq!(delivered(&other, place).await, answered);
    }
}

#[tokio::test]
async fn what_was_taken_is_written_when_its_caller_and_all_handles_are_gone() {
    let settings = fresh_postgres();
    let database = Database::connect(&settings).await.unwrap();
    let other = Database::connect(&settings).await.unwrap();
    let (ann, _, conversation) = ann_and_bob(&database).await;
    // The first one is on its way; the second waits for it.
    for seq in [4, 9] {
        let marking = database.mark_delivered(ann, conversation, Seq(seq)).now_or_never();
        assert!(marking.is_none());
    }
    drop(database);
    let begun = Instant::now();
    while delivered(&other, (conversation, ann)).await < 9 {
        assert!(begun.elapsed() < Duration::from_secs(10));
        sleep(Duration::from_millis(5)).await;
    }
    let sessions = "SELECT count(*) FROM pg_stat_activity
        WHERE datname = current_database() AND query LIKE '%greatest(read_seq%' AND pid <> pg_backend_pid()";
    while number(&other, sessions).await != 0 {
        assert!(begun.elapsed() < Duration::from_secs(10), "its connection is still open");
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_full_queue_says_busy_and_what_waits_in_it_is_written_or_hears_why_not() {
    let database = Database::connect(&fresh_postgres()).await.unwrap();
    let (ann, _, conversation) = ann_and_bob(&database).await;
    let place = (conversation, ann);
    for change in [None, Some("ALTER TABLE member RENAME TO away")] {
        let mut holder = database.begin("hold").await.unwrap();
        holder.run("LOCK TABLE member", values![]).await.unwrap();
        let first = {
            let database = database.clone();
            tokio::spawn(async move { deliver(&database, place, 1).await })
        };
        let begun = Instant::now();
        while number(&database, "SELECT count(*) FROM pg_locks WHERE NOT granted").await == 0 {
            assert!(begun.elapsed() < DEADLINE);
            sleep(Duration::from_millis(5)).await;
        }
        let waiting = join_all((0..QUEUE as u64).map(|seq| deliver(&database, place, seq)));
        let one_more = async {
            let error = deliver(&database, place, 9_999).await.unwrap_err();
            assert!(matches!(error.cause, Cause::Busy) && error.is_busy(), "{error:?}");
            if let Some(change) = change {
                holder.run(change, values![]).await.unwrap();
            }
            holder.commit().await.unwrap();
        };
        let (waiting, ()) = tokio::join!(waiting, one_more);
        assert_eq!(first.await.unwrap().is_ok(), change.is_none());
        for outcome in waiting {
            match outcome {
                Ok(()) => assert_eq!(change, None),
                Err(error) => {
                    assert!(
                        change.is_some() && matches!(error.cause, Cause::Engine(_)),
                        "{error:?}"
                    );
                }
            }
        }
    }
    database.write("put it back", "ALTER TABLE away RENAME TO member", values![]).await.unwrap();
    assert_eq!(delivered(&database, place).await, QUEUE as u64 - 1);
    deliver(&database, place, 5_000).await.unwrap();
    assert_eq!(delivered(&database, place).await, 5_000);
}

#[tokio::test]
async fn the_statement_finds_each_member_along_an_index_whatever_the_planner_believes() {
    let settings = fresh_postgres();
    let database = Database::connect(&settings).await.unwrap();
    for step in ["nothing known", "known empty, one here", "known small", "many, unknown", "known"]
    {
        match step {
            "nothing known" => {}
            "known empty, one here" => {
                database.write("analyze", "ANALYZE", values![]).await.unwrap();
                ann_and_bob(&database).await;
            }
            "many, unknown" => drop(with_conversations(&database, 2_000).await),
            _ => drop(database.write("analyze", "ANALYZE", values![]).await.unwrap()),
        }
        let plan = plan(&settings).await;
        let (account, conversation) =
            ("(account = asked.account)", "(conversation = asked.conversation)");
        let both = [
            format!("Index Cond: ({account} AND {conversation})"),
            format!("Index Cond: ({conversation} AND {account})"),
        ];
        assert!(both.iter().any(|both| plan.contains(both)), "{step}: {plan}");
    }
}

/// What a connection for marks does with the statement.
async fn plan(settings: &crate::config::Postgres) -> String {
    let connector = Connector::new(settings).unwrap();
    let way = Way::open(&connector).await.unwrap();
    let client = &way.connection.client;
    client.batch_execute(&format!("PREPARE mark AS {MARK}")).await.unwrap();
    let explain = "EXPLAIN EXECUTE mark ('{1}', '{1}', '{1}', '{1}', '{1}')";
    let rows = client.simple_query(explain).await.unwrap();
    let lines = rows.iter().filter_map(|row| match row {
        tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0),
        _ => None,
    });
    lines.collect::<Vec<_>>().join("\n")
}
