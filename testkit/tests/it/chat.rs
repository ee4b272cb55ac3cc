//! Messages from one person to another: exactly once, in one order, whatever was missed.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use thrive_node::rate::Rate;
use thrive_protocol::entry::Body;
use thrive_protocol::ids::{ConversationId, Epoch, Seq};
use thrive_protocol::request::{History, Position};
use thrive_protocol::{Code, Event, Reply, Request, limits};
use thrive_testkit::{Pair, RawClient, TestNode, message_id, raw};

/// Everything from the store, page by page, as a device would pull it that holds nothing.
async fn history(client: &RawClient, conversation: ConversationId) -> Result<Vec<(Seq, String)>> {
    let (mut log, mut before) = (Vec::new(), None);
    loop {
        let request = History { conversation, before, limit: 50 };
        let Ok(Reply::Page { entries, more }) = client.bulk(Request::History(request)).await?
        else {
            bail!("no page")
        };
        before = entries.first().map(|entry| entry.seq);
        log.extend(entries.iter().rev().map(|entry| (entry.seq, text(&entry.body))));
        if !more {
            log.reverse();
            return Ok(log);
        }
    }
}

fn text(body: &Body) -> String {
    match body {
        Body::Message { text, .. } => text.as_str().to_owned(),
        Body::FileOffer(_) | Body::FileState { .. } | Body::Unknown {} => "unknown".into(),
    }
}

#[tokio::test]
async fn a_message_arrives_exactly_once_and_in_order_on_both_devices_of_the_recipient() -> Result<()>
{
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let mut bobs_phone = node.log_in("bob").await?;
    for n in 1..=50 {
        ann.post(raw::message(chat, message_id(), &format!("message {n}"))).await?;
    }
    for device in [&mut bob, &mut bobs_phone] {
        for n in 1..=50 {
            let entry = device.entry().await?;
            assert_eq!((entry.seq, text(&entry.body)), (Seq(n), format!("message {n}")));
            assert_eq!(entry.sender, ann.user()?);
        }
        let more = device.events_until(Duration::from_millis(100)).await?;
        assert!(!more.iter().any(|it| matches!(it, Event::Entry(_))), "{more:?}");
    }
    assert_eq!(history(&ann, chat).await?.len(), 50);
    Ok(())
}

#[tokio::test]
async fn the_sender_hears_of_a_message_by_its_answer_and_their_other_device_by_an_event()
-> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, chat, .. } = node.pair().await?;
    let mut anns_phone = node.log_in("ann").await?;
    let stored = ann.say(chat, "hello").await?;
    assert_eq!(anns_phone.entry().await?.seq, stored.seq);
    let news = ann.events_until(Duration::from_millis(100)).await?;
    assert!(!news.iter().any(|it| matches!(it, Event::Entry(_))), "{news:?}");
    Ok(())
}

#[tokio::test]
async fn a_message_that_is_sent_again_gets_the_same_answer_and_is_stored_once() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let id = message_id();
    let first = ann.send(chat, id, "hello").await?;
    ann.say(chat, "another").await?;
    assert_eq!(ann.send(chat, id, "hello").await?, first);
    assert_eq!(ann.send(chat, id, "other words").await?, first);
    let again = node.resume(&ann.token()?).await?.send(chat, id, "hello").await?;
    assert_eq!(again, first, "also on another connection");

    let expected = [(Seq(1), "hello".into()), (Seq(2), "another".into())];
    assert_eq!(history(&bob, chat).await?, expected);
    assert_eq!((bob.entry().await?.seq, bob.entry().await?.seq), (Seq(1), Seq(2)));
    let more = bob.events_until(Duration::from_millis(100)).await?;
    assert!(!more.iter().any(|it| matches!(it, Event::Entry(_))), "{more:?}");
    Ok(())
}

#[tokio::test]
async fn the_same_id_from_both_people_is_two_messages() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let id = message_id();
    assert_eq!(ann.send(chat, id, "from ann").await?.map(|it| it.seq), Ok(Seq(1)));
    assert_eq!(bob.send(chat, id, "from bob").await?.map(|it| it.seq), Ok(Seq(2)));
    Ok(())
}

#[tokio::test]
async fn who_was_away_pulls_what_was_missed_from_their_position() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, bob, chat } = node.pair().await?;
    let token = bob.token()?;
    let epoch = bob.me.as_ref().map(|me| me.epoch);
    ann.say(chat, "seen").await?;
    drop(bob);
    for n in 2..=700 {
        ann.post(raw::message(chat, message_id(), &format!("message {n}"))).await?;
    }
    while ann
        .next_answer()
        .await?
        .1
        .is_ok_and(|it| !matches!(it, Reply::Stored(s) if s.seq == Seq(700)))
    {}

    let bob = node.resume(&token).await?;
    let mut position = Seq(1);
    loop {
        let page = bob.sync(epoch, &[Position { conversation: chat, seq: position }]).await?;
        ensure!(!page.reset, "the epoch is the same");
        for entry in page.entries.iter() {
            assert_eq!(entry.seq, position.next(), "without gaps");
            position = entry.seq;
        }
        if !page.more {
            assert_eq!(page.conversations[0].head, Seq(700));
            break;
        }
    }
    assert_eq!(position, Seq(700));
    Ok(())
}

#[tokio::test]
async fn a_new_device_gets_the_last_entries_and_another_epoch_means_from_the_beginning()
-> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, bob, chat } = node.pair().await?;
    for n in 1..=60 {
        ann.say(chat, &format!("message {n}")).await?;
    }
    let seqs = |page: &thrive_protocol::reply::SyncPage| {
        page.entries.iter().map(|entry| entry.seq.0).collect::<Vec<_>>()
    };
    let last = limits::SYNC_FIRST as u64;
    let page = bob.sync(None, &[]).await?;
    assert_eq!((page.reset, seqs(&page)), (false, (61 - last..=60).collect()));

    let positions = [Position { conversation: chat, seq: Seq(58) }];
    let page = bob.sync(Some(page.epoch), &positions).await?;
    assert_eq!((page.reset, seqs(&page)), (false, vec![59, 60]));
    let page = bob.sync(Some(Epoch(page.epoch.0 ^ 1)), &positions).await?;
    assert_eq!((page.reset, seqs(&page)), (true, (61 - last..=60).collect()));
    Ok(())
}

#[tokio::test]
async fn what_follows_a_message_that_was_refused_for_now_does_not_overtake_it() -> Result<()> {
    let node = TestNode::start_with(|config| config.limits.messages = Rate::new(2, 100.0)).await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let mut waiting: Vec<_> = (1..=8).map(|n| (message_id(), format!("message {n}"))).collect();
    while !waiting.is_empty() {
        let mut under_way = Vec::new();
        for (id, text) in &waiting {
            under_way.push(ann.post(raw::message(chat, *id, text)).await?);
            // Slow enough that the bucket holds a token again for those behind a refused one.
            tokio::time::sleep(Duration::from_millis(6)).await;
        }
        let mut refused = Vec::new();
        for (message, request) in waiting.into_iter().zip(under_way) {
            match ann.answer_to(request).await? {
                Ok(_) => {}
                Err(refusal) => {
                    assert_eq!(refusal.code, Code::SlowDown);
                    refused.push(message);
                }
            }
        }
        waiting = refused;
    }
    for n in 1..=8 {
        assert_eq!(text(&bob.entry().await?.body), format!("message {n}"));
    }
    Ok(())
}

#[tokio::test]
async fn nobody_else_can_read_or_write_in_a_conversation() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, chat, .. } = node.pair().await?;
    ann.say(chat, "private").await?;
    let mut eve = node.newcomer("eve").await?;
    let refused = eve.send(chat, message_id(), "let me in").await?;
    assert_eq!(refused.map_err(|it| it.code), Err(Code::NoSuchConversation));
    let read = History { conversation: chat, before: None, limit: 10 };
    let refused = eve.bulk(Request::History(read)).await?;
    assert_eq!(refused.map_err(|it| it.code), Err(Code::NoSuchConversation));
    let page = eve.sync(None, &[Position { conversation: chat, seq: Seq(0) }]).await?;
    assert!(page.entries.is_empty() && page.conversations.is_empty());
    for request in [
        Request::MarkRead { conversation: chat, seq: Seq(1) },
        Request::Typing { conversation: chat, active: true },
    ] {
        assert_eq!(eve.refused(request).await?, Code::NoSuchConversation);
    }
    Ok(())
}

#[tokio::test]
async fn texts_that_break_the_rules_are_refused_with_the_rule() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let longest = "\u{1f600}".repeat(limits::TEXT_CHARS);
    for (text, code) in [
        (String::new(), Code::TextEmpty),
        (" \n\u{0}".into(), Code::TextEmpty),
        (format!("{longest}x"), Code::TextTooLong),
        ("x\n".repeat(limits::TEXT_LINES + 1), Code::TextTooLong),
    ] {
        let answer = ann.send(chat, message_id(), &text).await?;
        assert_eq!(answer.map_err(|it| it.code), Err(code));
    }
    assert_eq!(ann.say(chat, &longest).await?.seq, Seq(1), "a refusal burns no place");
    assert_eq!(text(&bob.entry().await?.body), longest);
    Ok(())
}

#[tokio::test]
async fn read_and_delivered_marks_reach_the_other_and_never_go_back() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    for n in 1..=3 {
        ann.say(chat, &format!("message {n}")).await?;
    }
    let (conversation, user) = (chat, bob.user()?);
    bob.ok(Request::MarkDelivered { conversation, seq: Seq(3) }).await?;
    bob.ok(Request::MarkRead { conversation, seq: Seq(2) }).await?;
    bob.ok(Request::MarkRead { conversation, seq: Seq(1) }).await?;
    let marks = ann.events_until(Duration::from_millis(100)).await?;
    let marks: Vec<_> = marks
        .into_iter()
        .filter(|it| matches!(it, Event::Read { .. } | Event::Delivered { .. }))
        .collect();
    assert_eq!(
        marks,
        [
            Event::Delivered { conversation, user, seq: Seq(3) },
            Event::Read { conversation, user, seq: Seq(2) },
        ]
    );
    let seen = ann.sync(None, &[]).await?.conversations[0].clone();
    assert_eq!((seen.peer_delivered, seen.peer_read, seen.read), (Seq(3), Seq(2), Seq(0)));
    let seen = bob.sync(None, &[]).await?.conversations[0].clone();
    assert_eq!((seen.read, seen.peer_read), (Seq(2), Seq(0)));
    Ok(())
}

#[tokio::test]
async fn typing_is_told_and_not_stored() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    for active in [true, false] {
        ann.ok(Request::Typing { conversation: chat, active }).await?;
        let heard = bob.event(|event| match event {
            Event::Typing { conversation, user, active } => Some((conversation, user, active)),
            _ => None,
        });
        assert_eq!(heard.await?, (chat, ann.user()?, active));
    }
    assert!(history(&bob, chat).await?.is_empty());
    Ok(())
}

#[tokio::test]
async fn what_is_accepted_survives_a_restart_and_positions_stay_good() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, bob, chat } = node.pair().await?;
    let stored = ann.say(chat, "before").await?;
    let (token, epoch) = (bob.token()?, bob.me.as_ref().map(|me| me.epoch));
    let node = node.restart().await?;
    let mut bob = node.resume(&token).await?;
    assert_eq!(bob.me.as_ref().map(|me| me.epoch), epoch);
    let after = bob.say(chat, "after").await?;
    assert_eq!(after.seq, stored.seq.next());
    let page = bob.sync(epoch, &[Position { conversation: chat, seq: Seq(0) }]).await?;
    assert_eq!(page.entries.len(), 2);
    Ok(())
}

#[tokio::test]
async fn heads_on_the_heartbeat_tell_what_grew_since_the_last_one() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let mut heads = async || match bob.ok(Request::Heartbeat {}).await? {
        Reply::Heartbeat { heads, .. } => {
            Ok(heads.iter().map(|it| (it.conversation, it.seq)).collect::<Vec<_>>())
        }
        other => bail!("no heartbeat but {other:?}"),
    };
    heads().await?;
    let seq = ann.say(chat, "hello").await?.seq;
    // The answer comes from the commit; the news follows it at once, but not before it.
    let told = thrive_testkit::eventually("a head is told", async || {
        let told = heads().await?;
        Ok((!told.is_empty()).then_some(told))
    });
    assert_eq!(told.await?, [(chat, seq)]);
    assert_eq!(heads().await?, []);
    Ok(())
}
