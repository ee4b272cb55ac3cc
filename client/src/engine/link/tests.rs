//! Whatever happens to connections: there is always a way back, and nothing is sent twice.

use std::future::pending;

use thrive_protocol::event::Event;

use super::super::rig::{CHAT, Rig, entry};
use super::*;

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
