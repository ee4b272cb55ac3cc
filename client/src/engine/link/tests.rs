//! Whatever happens to connections: there is always a way back, and nothing is sent twice.

use std::future::pending;
use std::sync::atomic::Ordering;

use thrive_protocol::event::Event;
use thrive_protocol::people::Availability;
use thrive_protocol::reply::Reply;
use thrive_protocol::request::SetPresence;
use tokio::sync::oneshot;

use super::super::asking::{Ask, Effect};
use super::super::rig::{BOB, CHAT, Rig, conversation, entry, page};
use super::*;
use crate::types::{Arrival, Connection};

fn end() -> End {
    End { loss: Loss::Prompt, failure: Failure::Unreachable("a test".to_owned()) }
}

#[tokio::test]
async fn a_second_connection_in_the_making_outlives_the_one_that_was_doubted() {
    let (mut rig, link) = Rig::online(1).await;
    let handle = rig.hub.jobs.spawn(pending());
    rig.life.link.attempt = Some(Attempt { id: 77, handle, doubt: true });
    rig.ended(link, end()).await;
    assert!(rig.life.link.session.is_none());
    let attempt = rig.life.link.attempt.as_ref().expect("it is all there is");
    assert_eq!(attempt.id, 77);
}

#[tokio::test]
async fn a_node_that_is_heard_again_needs_no_second_connection() {
    let (mut rig, link) = Rig::online(1).await;
    let handle = rig.hub.jobs.spawn(pending());
    rig.life.link.attempt = Some(Attempt { id: 77, handle, doubt: true });
    rig.event(link, Event::Entry(entry(CHAT, 2))).await;
    assert!(rig.life.link.attempt.is_none());
}

#[tokio::test]
async fn a_login_is_never_without_a_way_back_unless_the_program_ends() {
    let mut rig = Rig::new().await;
    let now = Instant::now();
    rig.life.tend_link(&mut rig.hub, now);
    let attempt = rig.life.link.attempt.take().expect("a connection is made");
    attempt.abort();
    rig.life.last_words(&mut rig.hub, now);
    rig.life.tend_link(&mut rig.hub, now);
    assert!(rig.life.link.attempt.is_none());
    assert_eq!(rig.life.link.retry_at, None);
}

#[tokio::test]
async fn an_attempt_that_breaks_is_an_attempt_that_failed() {
    let mut rig = Rig::new().await;
    let handle = rig.hub.jobs.spawn(async { panic!("a test") });
    rig.life.link.attempt = Some(Attempt { id: 77, handle, doubt: false });
    let Some(Err(error)) = rig.hub.jobs.join_next().await else { panic!("it ends badly") };
    let id = rig.life.attempt_of(error.id()).expect("it is known which job that was");
    let failure = Failure::Local("a test".to_owned());
    let over = rig.life.attempted(&mut rig.hub, id, Err(failure), Instant::now()).await;
    assert!(over.is_none() && rig.life.link.attempt.is_none());
    assert!(rig.life.link.retry_at.is_some());
}

#[tokio::test]
async fn what_is_in_flight_on_the_new_connection_stays_so_when_the_old_one_ends() {
    let (mut rig, old) = Rig::online(1).await;
    rig.send("hello").await;
    let is_message = |open: &Open| matches!(open, Open::Message { .. });
    assert_eq!(rig.count(is_message), 1);
    rig.connect().await;
    let now = Instant::now();
    rig.life.pump(now);
    assert_eq!(rig.count(is_message), 1, "it is repeated on the new connection");
    rig.ended(old, end()).await;
    rig.life.pump(now);
    assert_eq!(rig.count(is_message), 1);

    rig.connect().await;
    rig.life.pump(now);
    rig.life.tend_link(&mut rig.hub, Instant::now() + LEAVING);
    rig.life.pump(now);
    assert_eq!(rig.count(is_message), 1);
    assert!(rig.life.link.leaving.is_none());
}

#[tokio::test]
async fn what_comes_from_a_connection_that_was_given_up_is_not_believed() {
    let (mut rig, link) = Rig::online(1).await;
    rig.event(LinkId(link.0 + 99), Event::Entry(entry(CHAT, 2))).await;
    assert_eq!(rig.messages().await.len(), 1);
    rig.event(link, Event::Entry(entry(CHAT, 2))).await;
    assert_eq!(rig.messages().await.len(), 2);
}

#[tokio::test]
async fn a_list_that_broke_is_asked_for_again() {
    let (mut rig, _) = Rig::online(1).await;
    let now = Instant::now();
    rig.life.pull.roster = Step::Open;
    rig.life.pull_failed(now);
    assert!(rig.life.pull.roster.due().is_some());
}

const SOON: Duration = Duration::from_millis(500);

fn go_away() -> Event {
    Event::GoAway { deadline_ms: 10_000 }
}

/// What was told of the connection and of messages.
fn told(rig: &mut Rig) -> (Vec<Connection>, Vec<(String, Arrival)>) {
    let (mut connection, mut messages) = (Vec::new(), Vec::new());
    while let Ok(change) = rig.changes.try_recv() {
        match change {
            Change::Connection(now) => connection.push(now),
            Change::Message { now, arrival, .. } => messages.push((now.text, arrival)),
            _ => {}
        }
    }
    (connection, messages)
}

/// An open request of a person.
fn ask(rig: &mut Rig, request: Request) -> oneshot::Receiver<Result<Reply, Failure>> {
    let (answer, result) = oneshot::channel();
    let now = Instant::now();
    rig.life.ask(Ask::new(request, Effect::None, answer, now), now);
    result
}

fn away() -> Request {
    Request::SetPresence(SetPresence {
        availability: Availability::Away,
        preset: None,
        text: String::new(),
    })
}

#[tokio::test]
async fn a_node_that_sends_away_is_left_only_for_another_connection_and_nobody_is_told() {
    let (mut rig, old) = Rig::online(1).await;
    // No sign of life is due meanwhile.
    rig.life.link.first_beat = 1.0;
    told(&mut rig);
    rig.event(old, go_away()).await;
    let at = rig.life.link.retry_at.expect("another connection is made soon");
    assert!(at <= Instant::now() + SOON);
    assert!(rig.life.link.session.is_some(), "the old one is still in use");
    rig.life.tend_link(&mut rig.hub, at);
    rig.life.link.attempt.take().expect("it is being made").abort();

    let new = rig.connect().await;
    rig.life.pull.roster = Step::Done;
    let now = Instant::now();
    rig.life.tend_link(&mut rig.hub, now);
    assert!(rig.life.link.leaving.is_some(), "until all is read, the old one may still tell news");
    rig.event(old, Event::Entry(entry(CHAT, 2))).await;
    rig.event(new, Event::Entry(entry(CHAT, 2))).await;
    let entries = (2..=3).map(|seq| entry(CHAT, seq)).collect();
    rig.page(page(vec![conversation(CHAT, BOB)], entries)).await;
    rig.life.tend_link(&mut rig.hub, now);
    assert!(rig.life.link.leaving.is_none());
    rig.event(new, Event::Entry(entry(CHAT, 4))).await;

    let (connection, messages) = told(&mut rig);
    assert_eq!(connection, [], "nobody is told of a connection that was never lost");
    let live = |seq: u64| (format!("entry {seq}"), Arrival::Live);
    assert_eq!(messages, [live(2), live(3), live(4)], "each once, in order, and as news");
}

#[tokio::test]
async fn a_node_that_sends_away_while_it_is_doubted_is_left_all_the_same() {
    let (mut rig, link) = Rig::online(1).await;
    let handle = rig.hub.jobs.spawn(pending());
    rig.life.link.attempt = Some(Attempt { id: 77, handle, doubt: true });
    rig.event(link, go_away()).await;
    rig.event(link, Event::Entry(entry(CHAT, 2))).await;
    assert_eq!(rig.life.link.attempt.as_ref().map(|attempt| attempt.id), Some(77));
}

#[tokio::test]
async fn whoever_is_sent_away_and_fails_to_come_back_elsewhere_tries_again() {
    let (mut rig, link) = Rig::online(1).await;
    rig.event(link, go_away()).await;
    rig.life.link.retry_at = None;
    let now = Instant::now();
    rig.life.tend_link(&mut rig.hub, now);
    let attempt = rig.life.link.attempt.as_ref().expect("it goes on trying");
    let (id, failure) = (attempt.id, Failure::Unreachable("a test".to_owned()));
    rig.life.attempted(&mut rig.hub, id, Err(failure), now).await;
    assert!(rig.life.link.retry_at.is_some());
    assert!(rig.life.link.session.is_some(), "what works until the deadline is kept");
}

#[tokio::test]
async fn a_second_connection_that_fails_does_not_end_one_that_has_spoken_meanwhile() {
    let (mut rig, link) = Rig::online(1).await;
    for heard in [true, false] {
        rig.send("hello").await;
        let handle = rig.hub.jobs.spawn(pending());
        rig.life.link.attempt = Some(Attempt { id: 77, handle, doubt: true });
        let now = Instant::now() + crate::signs::PATIENCE * 2;
        if heard {
            rig.life.link.session(link).expect("it is in use").heard(now);
        } else {
            rig.life.link.session(link).expect("it is in use").heard(Instant::now());
        }
        let failure = Failure::Unreachable("a test".to_owned());
        rig.life.attempted(&mut rig.hub, 77, Err(failure), now).await;
        assert_eq!(rig.life.link.session.is_some(), heard);
    }
}

#[tokio::test]
async fn a_request_that_may_be_repeated_outlives_its_connection_and_another_one_does_not() {
    let (mut rig, link) = Rig::online(1).await;
    let mut repeated = ask(&mut rig, away());
    let mut failed = ask(&mut rig, Request::AcceptContact { user: BOB });
    rig.ended(link, end()).await;
    assert!(matches!(failed.try_recv(), Ok(Err(Failure::Unreachable(_)))));
    assert!(repeated.try_recv().is_err(), "it is not answered yet");
    rig.connect().await;
    let is_ask = |open: &Open| matches!(open, Open::Ask { .. });
    assert_eq!(rig.count(is_ask), 1);
    rig.answer(is_ask, Ok(Reply::Done {})).await;
    assert_eq!(repeated.try_recv(), Ok(Ok(Reply::Done {})));
}

#[tokio::test]
async fn requests_under_way_are_answered_on_the_connection_that_is_being_left() {
    let (mut rig, old) = Rig::online(1).await;
    let mut result = ask(&mut rig, Request::AcceptContact { user: BOB });
    rig.connect().await;
    rig.life.pull.caught_up = true;
    rig.life.tend_link(&mut rig.hub, Instant::now());
    let session = rig.life.link.session(old).expect("it is kept for the answer");
    let re = session.opened().next().expect("it is open there").0;
    let reply = thrive_protocol::message::NodeFrame::Reply { re, result: Ok(Reply::Done {}) };
    let news = crate::session::News::Frame(reply);
    rig.life.news(&rig.hub, vec![crate::session::Inbound { link: old, news }]).await;
    assert_eq!(result.try_recv(), Ok(Ok(Reply::Done {})));
    rig.life.tend_link(&mut rig.hub, Instant::now());
    assert!(rig.life.link.leaving.is_none());
}

#[tokio::test]
async fn signs_of_life_are_asked_for_every_five_seconds_while_used_and_else_every_twenty() {
    let (mut rig, _) = Rig::online(1).await;
    let start = Instant::now();
    (rig.life.link.last_beat, rig.life.link.first_beat) = (Some(start), 1.0);
    let mut check = |used_before: u64, attended, expected| {
        rig.hub.used = start.checked_sub(Duration::from_secs(used_before)).expect("a time");
        rig.hub.shared.attended.store(attended, Ordering::Relaxed);
        let due = rig.life.link.beat_due(&rig.hub).expect("it beats");
        assert_eq!(due - start, Duration::from_secs(expected), "{used_before} {attended}");
    };
    check(0, false, 5);
    check(59, false, 5);
    check(60, false, 20);
    check(600, true, 5);
}

#[tokio::test]
async fn a_path_on_which_nothing_is_answered_gets_a_second_connection_beside_it() {
    let (mut rig, _) = Rig::online(1).await;
    rig.send("hello").await;
    let sent = Instant::now();
    rig.life.tend_link(&mut rig.hub, sent + Duration::from_millis(900));
    assert!(rig.life.link.attempt.is_none());
    rig.life.tend_link(&mut rig.hub, sent + crate::signs::PATIENCE);
    let attempt = rig.life.link.attempt.as_ref().expect("a second connection is made");
    assert!(attempt.doubt && rig.life.link.session.is_some());
}

#[tokio::test]
async fn people_hear_of_a_path_that_stays_silent_and_again_when_it_speaks() {
    let (mut rig, link) = Rig::online(1).await;
    told(&mut rig);
    // Acknowledgments of the path, which come as they like, have no say then.
    rig.life.link.session(link).expect("it is in use").is_made_in_doubt(Instant::now());
    rig.send("hello").await;
    let handle = rig.hub.jobs.spawn(pending());
    rig.life.link.attempt = Some(Attempt { id: 77, handle, doubt: true });
    let silent = Instant::now() + crate::signs::PATIENCE;
    rig.life.tend_link(&mut rig.hub, silent);
    assert_eq!(told(&mut rig).0, [], "it may be nothing");
    let wake = rig.life.link.next_wake(&rig.hub).expect("somebody looks again");
    rig.life.tend_link(&mut rig.hub, wake.max(silent + UNSPOKEN));
    let [Connection::Connecting { .. }] = &told(&mut rig).0[..] else { panic!("they hear of it") };
    assert!(rig.life.link.session.is_some(), "it may come back to life");
    rig.event(link, Event::Entry(entry(CHAT, 2))).await;
    assert_eq!(told(&mut rig).0, [Connection::Online]);
}

#[tokio::test]
async fn a_node_that_does_not_answer_is_asked_once_for_a_sign_of_life() {
    let (mut rig, _) = Rig::online(1).await;
    let now = Instant::now();
    (rig.life.link.last_beat, rig.life.link.first_beat) = (Some(now), 1.0);
    rig.send("hello").await;
    let asked = |rig: &Rig| rig.count(|open| matches!(open, Open::Heartbeat));
    for (millis, expected) in [(1_000, 0), (2_500, 1), (4_500, 1)] {
        let at = now + Duration::from_millis(millis);
        rig.life.beat(&rig.hub, at);
        assert_eq!(asked(&rig), expected, "after {millis} ms");
    }
}
