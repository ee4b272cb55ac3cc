//! What happens around the transaction: order, answers, failures.

use std::sync::Arc;
use std::time::Duration;

use thrive_protocol::frame::HEADER;
use thrive_protocol::ids::Seq;

use super::*;
use crate::bus::Local;
use crate::hub::Hub;
use crate::store::contract::{ann_and_bob, message};

struct Rig {
    database: Database,
    appender: Appender,
    running: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl Rig {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("thrive.db")).unwrap();
        let bus = Bus::Local(Local::new(Hub::default(), database.clone()));
        let (appender, run) = Appender::new(database.clone(), bus);
        Self { database, appender, running: tokio::spawn(run), _folder: folder }
    }
}

/// The next answers on this connection: the request, and the number or the code.
async fn answers(outbox: &Outbox, count: usize) -> Vec<(u32, Result<u64, Code>)> {
    let mut found = Vec::new();
    while found.len() < count {
        let mut frames = Vec::new();
        let taken = outbox.take(&mut frames, 999);
        tokio::time::timeout(Duration::from_secs(10), taken).await.expect("an answer in time");
        for frame in frames {
            let Ok(Some(NodeFrame::Reply { re, result })) = NodeFrame::decode(&frame[HEADER..])
            else {
                panic!("a reply was expected");
            };
            found.push(match result {
                Ok(Reply::Stored(stored)) => (re, Ok(stored.seq.0)),
                Ok(other) => panic!("{other:?}"),
                Err(refusal) => (re, Err(refusal.code)),
            });
        }
    }
    found
}

#[tokio::test]
async fn everything_is_answered_in_the_order_of_submission_and_stored_before_the_loop_ends() {
    let rig = Rig::start();
    let (ann, bob, conversation) = ann_and_bob(&rig.database).await;
    let outbox = Outbox::bounded(1 << 20);
    for number in 1..=500 {
        let sender = if number % 2 == 0 { ann } else { bob };
        let append = message(conversation, sender, number);
        let request = u32::try_from(number).unwrap();
        rig.appender.submit(Submission { append, outbox: outbox.clone(), request }).unwrap();
    }
    drop(rig.appender);
    rig.running.await.unwrap();
    let expected: Vec<_> = (1..=500).map(|number: u32| (number, Ok(u64::from(number)))).collect();
    assert_eq!(answers(&outbox, 500).await, expected);
    let entries = rig.database.entries_after(conversation, Seq::START, 999).await.unwrap();
    assert_eq!(entries.len(), 500);
}

/// Not only the batch that failed: what was sent behind it must not overtake it.
#[tokio::test]
async fn when_a_batch_fails_everything_behind_it_in_its_conversation_fails_too() {
    let rig = Rig::start();
    let (ann, _, conversation) = ann_and_bob(&rig.database).await;
    rig.database.close().await;
    let outbox = Outbox::bounded(1 << 20);
    for number in 1..=300 {
        let append = message(conversation, ann, number);
        let request = u32::try_from(number).unwrap();
        rig.appender.submit(Submission { append, outbox: outbox.clone(), request }).unwrap();
    }
    let answers = answers(&outbox, 300).await;
    assert!(answers.iter().all(|(_, answer)| *answer == Err(Code::Internal)), "{answers:?}");
    let failed = outbox.failed();
    assert_eq!(failed[0], (conversation, message(conversation, ann, 1).id));
    assert_eq!(failed[200], (conversation, message(conversation, ann, 201).id));
}

#[tokio::test]
async fn more_than_the_queue_holds_is_refused_as_busy_and_what_was_taken_is_answered() {
    let rig = Rig::start();
    let (ann, _, conversation) = ann_and_bob(&rig.database).await;
    let outbox = Outbox::bounded(1 << 20);
    // The loop has no turn while this task does not wait.
    let mut refused = None;
    for number in 1..=QUEUE as u64 + 1 {
        let append = message(conversation, ann, number);
        let submission = Submission { append, outbox: outbox.clone(), request: 0 };
        refused = rig.appender.submit(submission).err();
    }
    assert_eq!(refused.map(|it| it.code), Some(Code::Busy));
    let stored = answers(&outbox, QUEUE).await;
    assert!(stored.iter().all(|(_, answer)| answer.is_ok()));
}

#[tokio::test]
async fn each_connection_is_answered_in_the_order_of_the_log_whoever_else_writes() {
    let rig = Rig::start();
    let (ann, bob, conversation) = ann_and_bob(&rig.database).await;
    let outboxes: Vec<_> = (0..4).map(|_| Arc::new(Outbox::bounded(1 << 20))).collect();
    let mut number = 0;
    for round in 0..100_u32 {
        for outbox in &outboxes {
            number += 1;
            let append = message(conversation, if round % 2 == 0 { ann } else { bob }, number);
            let submission = Submission { append, outbox: outbox.as_ref().clone(), request: round };
            rig.appender.submit(submission).unwrap();
        }
        tokio::task::yield_now().await;
    }
    for outbox in outboxes {
        let answers = answers(&outbox, 100).await;
        let seqs: Vec<_> = answers.iter().map(|(_, answer)| answer.unwrap()).collect();
        assert!(seqs.is_sorted(), "{seqs:?}");
    }
}
