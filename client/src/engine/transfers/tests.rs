//! What is done for files, and when.

use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Event;
use thrive_protocol::file::{ContentType, FileHash, FileName, FileOffer, FileState as Said};
use thrive_protocol::ids::{ClientMsgId, Seq, Time};
use thrive_protocol::people::Availability;

use super::super::inbound::Open;
use super::super::rig::{BOB, CHAT, ME, Rig};
use super::*;
use crate::types::Presence;

const FILE: FileId = FileId(5);

#[tokio::test]
async fn what_was_received_is_told_again_until_the_log_has_it_and_never_while_i_am_invisible() {
    let (mut rig, link) = Rig::online(0).await;
    let offer = Body::FileOffer(FileOffer {
        id: ClientMsgId([7; 16]),
        file: FILE,
        name: FileName::parse("a.txt").unwrap(),
        size: 5,
        content_type: ContentType::parse("text/plain"),
        sha256: FileHash([7; 32]),
        expires: Time(i64::MAX),
    });
    let became = |state| Body::FileState { file: FILE, state };
    let log = [(BOB, offer), (ME, became(Said::Accepted)), (BOB, became(Said::Ready))].into_iter();
    for (seq, (sender, body)) in (1..).zip(log) {
        let entry = Entry { conversation: CHAT, seq: Seq(seq), sender, time: Time(0), body };
        rig.event(link, Event::Entry(entry)).await;
    }
    let message = rig.messages().await[0].key;
    let saved = move |db: &mut rusqlite::Connection| files::saved(db, message, "/home/ann/a.txt");
    rig.life.cache.run(saved).await.unwrap();

    let mut now = Instant::now();
    for (availability, told) in [
        (Availability::Invisible, 0),
        (Availability::Invisible, 0),
        (Availability::Away, 1),
        (Availability::Away, 2),
    ] {
        rig.hub.model(|it| it.own_presence(Presence { availability, ..Presence::default() }));
        let work = rig.life.cache.run(|db| files::work(db, now_ms())).await;
        rig.life.transfers.due = None;
        rig.life.work(&mut rig.hub, work, now);
        assert_eq!(rig.count(|open| matches!(open, Open::Ask { .. })), told);
        // It is looked at again by itself.
        let due = rig.life.transfers.next_due().unwrap();
        assert!(now < due && due <= now + SETTLE);
        now += SETTLE;
    }
    let body = became(Said::Received);
    let entry = Entry { conversation: CHAT, seq: Seq(4), sender: ME, time: Time(0), body };
    rig.event(link, Event::Entry(entry)).await;
    let work = rig.life.cache.run(|db| files::work(db, now_ms())).await.unwrap();
    assert_eq!(work, []);
}
