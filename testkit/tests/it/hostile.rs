//! Peers that do not keep to the protocol: each is answered or thrown out, and nobody else notices.

use std::time::{Duration, Instant};

use anyhow::Result;
use thrive_protocol::version::{ALPN, close};
use thrive_protocol::{ClientFrame, Code, NodeFrame, Request, frame, limits};
use thrive_testkit::dial::Windows;
use thrive_testkit::{Dialer, Pair, TestNode};

/// Somebody who behaves can still be served, and quickly.
async fn still_serves(node: &TestNode) -> Result<()> {
    let begun = Instant::now();
    node.guest().await?.ok(Request::ServerInfo {}).await?;
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn a_program_of_another_protocol_is_turned_away_in_the_handshake() -> Result<()> {
    let node = TestNode::start().await?;
    for protocol in [&b"h3"[..], b"thrive/2"] {
        let stranger = Dialer::with(Windows::default(), &[protocol])?;
        assert!(stranger.connect(node.address).await.is_err());
    }
    let both = Dialer::with(Windows::default(), &[b"h3", ALPN])?;
    both.connect(node.address).await?;
    Ok(())
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed_at_the_hello_deadline() -> Result<()> {
    let deadline = Duration::from_millis(300);
    let node = TestNode::start_with(|config| config.limits.hello_deadline = deadline).await?;
    let begun = Instant::now();
    let no_stream = node.dialer.connect(node.address).await?;
    let mut half_a_hello = node.connect().await?;
    half_a_hello.write(&[0, 0]).await?;
    for connection in [&no_stream, &half_a_hello.connection] {
        let reason = connection.closed().await;
        assert!(
            matches!(&reason, quinn::ConnectionError::ApplicationClosed(it)
            if it.error_code == close::TOO_SLOW.into()),
            "{reason}"
        );
    }
    let took = begun.elapsed();
    assert!(deadline <= took && took < deadline * 10, "{took:?}");
    Ok(())
}

#[tokio::test]
async fn a_guest_who_does_not_log_in_is_closed_at_the_login_deadline() -> Result<()> {
    let deadline = Duration::from_millis(300);
    let node = TestNode::start_with(|config| config.limits.login_deadline = deadline).await?;
    let mut guest = node.guest().await?;
    let begun = Instant::now();
    // Asking something else meanwhile does not help.
    while guest.ask(Request::ServerInfo {}).await.is_ok() && begun.elapsed() < deadline * 10 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(guest.closed().await?, close::TOO_SLOW);
    Ok(())
}

#[tokio::test]
async fn a_frame_over_4_kib_before_login_ends_the_connection_before_it_is_read() -> Result<()> {
    let node = TestNode::start().await?;
    let mut guest = node.guest().await?;
    let over = limits::FRAME_BEFORE_LOGIN as u32 + 1;
    guest.write(&over.to_be_bytes()).await?;
    assert_eq!(guest.closed().await?, close::PROTOCOL);

    let mut guest = node.guest().await?;
    let largest = frame::wrap(&vec![0xff; limits::FRAME_BEFORE_LOGIN]);
    guest.write(&largest).await?;
    assert_eq!(guest.closed().await?, close::PROTOCOL, "read, and no CBOR");
    still_serves(&node).await
}

#[tokio::test]
async fn a_frame_over_64_kib_after_login_ends_the_connection() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    ann.write(&(limits::FRAME as u32 + 1).to_be_bytes()).await?;
    assert_eq!(ann.closed().await?, close::PROTOCOL);
    Ok(())
}

#[tokio::test]
async fn weakness_21_what_is_no_cbor_ends_the_connection_and_what_is_half_right_is_answered()
-> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    // {"id": 7, "rq": {"dance": {}}}
    ann.write(&frame::wrap(b"\xa2\x62id\x07\x62rq\xa1\x65dance\xa0")).await?;
    assert_eq!(ann.answer_to(7).await?.map_err(|it| it.code), Err(Code::UnknownRequest));
    // {"id": 8, "rq": {"typing": {}}}
    ann.write(&frame::wrap(b"\xa2\x62id\x08\x62rq\xa1\x66typing\xa0")).await?;
    assert_eq!(ann.answer_to(8).await?.map_err(|it| it.code), Err(Code::BadRequest));
    // {"id": 9}
    ann.write(&frame::wrap(b"\xa1\x62id\x09")).await?;
    assert_eq!(ann.answer_to(9).await?.map_err(|it| it.code), Err(Code::BadRequest));
    ann.ok(Request::Heartbeat {}).await?;

    for body in [&b"GET / HTTP/1.1\r\n\r\n"[..], b"\xff", b"\x81\x81\x81", b"\xa1\x62rq\xa0"] {
        let mut client = node.log_in("ann").await?;
        client.write(&frame::wrap(body)).await?;
        assert_eq!(client.closed().await?, close::PROTOCOL);
    }
    let mut client = node.log_in("ann").await?;
    client.write(&[0; 4]).await?;
    assert_eq!(client.closed().await?, close::PROTOCOL, "an empty frame");
    ann.ok(Request::Heartbeat {}).await.map(drop)
}

#[tokio::test]
async fn garbage_on_a_bulk_stream_harms_only_that_stream() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    for bytes in [&frame::wrap(b"garbage")[..], &[0xff; 64], &[], &[0, 0, 1]] {
        let (mut up, _down) = ann.connection.open_bi().await?;
        up.write_all(bytes).await?;
        up.finish()?;
    }
    ann.ok(Request::Heartbeat {}).await?;
    assert!(ann.bulk(Request::ListContacts {}).await?.is_ok());
    Ok(())
}

#[tokio::test]
async fn bulk_streams_that_are_left_open_do_not_hold_up_the_control_stream() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    let mut open = Vec::new();
    for _ in 0..12 {
        let (mut up, down) = ann.connection.open_bi().await?;
        up.write_all(&[0, 0]).await?;
        open.push((up, down));
    }
    ann.ok(Request::Heartbeat {}).await?;
    drop(open);
    assert!(ann.bulk(Request::ListContacts {}).await?.is_ok(), "and room is made again");
    Ok(())
}

#[tokio::test]
async fn weakness_09_a_flood_of_requests_is_slowed_down_and_told_for_how_long() -> Result<()> {
    let slow = thrive_node::rate::Rate::new(5, 1.0);
    let node = TestNode::start_with(|config| {
        config.limits.messages = slow;
        config.limits.requests = slow;
    })
    .await?;
    let Pair { mut ann, chat, .. } = node.pair().await?;
    let mut refusals = Vec::new();
    for _ in 0..20 {
        if let Err(refusal) = ann.send(chat, thrive_testkit::message_id(), "again").await? {
            refusals.push(refusal);
        }
    }
    assert!(10 < refusals.len(), "{}", refusals.len());
    let told = |it: &thrive_protocol::Refusal| {
        it.code == Code::SlowDown && it.retry_after_ms.is_some_and(|wait| wait <= 1_000)
    };
    assert!(refusals.iter().all(told), "{refusals:?}");
    // A second device of the same account does not get another allowance.
    let mut phone = node.resume(&ann.token()?).await?;
    let answer = phone.send(chat, thrive_testkit::message_id(), "and again").await?;
    assert_eq!(answer.map_err(|it| it.code), Err(Code::SlowDown));
    Ok(())
}

#[tokio::test]
async fn whoever_opens_many_connections_may_not_ask_as_many_times_as_much() -> Result<()> {
    let node = TestNode::start_with(|config| {
        config.limits.requests = thrive_node::rate::Rate::new(20, 0.1);
        config.limits.account_requests = thrive_node::rate::Rate::new(50, 0.1);
    })
    .await?;
    let (ann, mut bob) = (node.newcomer("ann").await?, node.newcomer("bob").await?);
    let mut answered = 0;
    for _ in 0..5 {
        let mut connection = node.resume(&ann.token()?).await?;
        for _ in 0..20 {
            match connection.ask(Request::GetPrivacy {}).await? {
                Ok(_) => answered += 1,
                Err(refusal) => assert_eq!(refusal.code, Code::SlowDown),
            }
        }
    }
    assert!((48..=52).contains(&answered), "{answered}");
    // Whatever the others ask, a connection can be seen to live; and nobody else has to wait.
    node.resume(&ann.token()?).await?.ok(Request::Heartbeat {}).await?;
    bob.ok(Request::GetPrivacy {}).await?;
    Ok(())
}

#[tokio::test]
async fn a_version_that_is_not_spoken_is_refused_and_another_can_be_offered() -> Result<()> {
    let node = TestNode::start().await?;
    let mut client = node.connect().await?;
    let hello = thrive_protocol::request::Hello {
        version: 99,
        client: "from the future".into(),
        features: thrive_protocol::bounded::List::default(),
    };
    assert_eq!(client.refused(Request::Hello(hello)).await?, Code::VersionUnsupported);
    client.hello().await
}

#[tokio::test]
async fn more_connections_than_one_address_may_have_are_turned_away() -> Result<()> {
    let node = TestNode::start_with(|config| config.limits.connections_per_address = 3).await?;
    let mut guests = Vec::new();
    for _ in 0..3 {
        guests.push(node.guest().await?);
    }
    assert!(node.guest().await.is_err());
    guests.pop().expect("three").connection.close(0_u32.into(), b"");
    thrive_testkit::eventually("there is room again", async || Ok(node.guest().await.ok())).await?;
    Ok(())
}

#[tokio::test]
async fn a_request_that_is_cut_into_single_bytes_is_still_one_request() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    let bytes = ClientFrame { id: 99, rq: Request::Heartbeat {} }.encode();
    for byte in bytes {
        ann.write(&[byte]).await?;
        tokio::task::yield_now().await;
    }
    assert!(ann.answer_to(99).await?.is_ok());
    let two = [5, 6].map(|id| ClientFrame { id, rq: Request::Heartbeat {} }.encode()).concat();
    ann.write(&two).await?;
    for id in [5, 6] {
        assert!(matches!(ann.next_frame().await?, NodeFrame::Reply { re, .. } if re == id));
    }
    Ok(())
}
