//! The program itself: its start, its end, and its folder.

use anyhow::Result;
use tempfile::TempDir;
use thrive_protocol::version::close;
use thrive_protocol::{Event, Request};
use thrive_testkit::process::Place;
use thrive_testkit::{Pair, TestNode};

fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?)
}

#[tokio::test]
async fn when_it_is_asked_to_stop_it_tells_every_client_and_exits_with_0() -> Result<()> {
    let folder = folder()?;
    let place = Place::new(&folder.path().join("node"))?;
    let node = place.start()?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let stored = ann.say(chat, "the last words").await?;
    let mut guest = node.guest().await?;
    let stopping = std::thread::spawn(move || node.terminate());
    for client in [&mut ann, &mut bob] {
        let told = client.event(|event| match event {
            Event::GoAway { deadline_ms } => Some(deadline_ms),
            _ => None,
        });
        assert!(told.await? <= 60_000);
        assert_eq!(client.closed().await?, close::GOING_AWAY);
    }
    assert_eq!(guest.closed().await?, close::GOING_AWAY);
    assert!(guest.ask(Request::ServerInfo {}).await.is_err());
    let status = stopping.join().expect("the thread does not panic")?;
    assert_eq!(status.code(), Some(0), "{status}");

    let node = place.start()?;
    let bob = node.log_in("bob").await?;
    assert_eq!(bob.sync(None, &[]).await?.conversations[0].head, stored.seq);
    Ok(())
}

#[tokio::test]
async fn a_client_that_leaves_when_it_is_told_does_not_delay_the_end() -> Result<()> {
    let node = TestNode::start().await?;
    let mut ann = node.newcomer("ann").await?;
    let begun = std::time::Instant::now();
    let leaving = async {
        ann.event(|event| matches!(event, Event::GoAway { .. }).then_some(())).await?;
        ann.connection.close(close::DONE.into(), b"");
        Ok::<_, anyhow::Error>(())
    };
    let ((), left) = tokio::join!(node.stop(), leaving);
    left?;
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    Ok(())
}

#[tokio::test]
async fn the_certificate_stays_the_same_for_the_life_of_the_folder() -> Result<()> {
    let folder = folder()?;
    let place = Place::new(&folder.path().join("node"))?;
    let node = place.start()?;
    let first = node.fingerprint.clone();
    assert_eq!(node.fingerprint().await?, first, "it shows what it prints");
    node.kill()?;
    let node = place.start()?;
    assert_eq!(node.fingerprint, first);
    assert_eq!(node.fingerprint().await?, first);
    Ok(())
}

#[tokio::test]
async fn a_second_node_on_the_same_folder_does_not_start() -> Result<()> {
    let folder = folder()?;
    let place = Place::new(&folder.path().join("node"))?;
    let node = place.start()?;
    let status = place.start_in_vain()?;
    assert_eq!(status.code(), Some(1), "{status}");
    node.guest().await?.ok(Request::ServerInfo {}).await?;
    let log = std::fs::read_to_string(place.log())?;
    assert!(log.contains("another node"), "{log}");
    Ok(())
}

#[tokio::test]
async fn a_port_that_is_taken_is_an_error_that_names_it() -> Result<()> {
    let folder = folder()?;
    let taken = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let port = taken.local_addr()?.port();
    let place = Place { port, ..Place::new(&folder.path().join("node"))? };
    assert_eq!(place.start_in_vain()?.code(), Some(1));
    let log = std::fs::read_to_string(place.log())?;
    assert!(log.contains(&port.to_string()), "{log}");
    Ok(())
}

#[tokio::test]
async fn nothing_private_is_in_the_log_even_at_the_finest_level() -> Result<()> {
    let folder = folder()?;
    let mut place = Place::new(&folder.path().join("node"))?;
    place.settings.push("log=thrive_node=trace".into());
    let node = place.start()?;
    let Pair { mut ann, bob, chat } = node.pair().await?;
    ann.say(chat, "canary-in-a-message").await?;
    let mut guest = node.guest().await?;
    drop(node.try_log_in(&mut guest, "ann", "canary-in-a-password").await?);
    ann.post(thrive_testkit::raw::message(chat, thrive_testkit::message_id(), "canary \u{0}"))
        .await?;
    let token = bob.token()?;
    drop(node.resume(&token).await?);
    node.terminate()?;
    let log = std::fs::read_to_string(place.log())?;
    for secret in ["canary", token.expose(), thrive_testkit::PASSWORD] {
        assert!(!log.contains(secret), "{secret} is in the log");
    }
    Ok(())
}
