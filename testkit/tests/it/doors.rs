//! Coming in, as the library does it against a real node: with a status of one's own choice, and what a
//! server says to whoever has not come in yet.

use std::time::Duration;

use anyhow::Result;
use tempfile::TempDir;
use thrive_client::{
    Availability, Client, Code, Connection, Failure, Options, Presence, Secret, ServerAddress,
};
use thrive_protocol::Event;
use thrive_testkit::{PASSWORD, TestNode};

/// Long enough for everything that is told to arrive.
const A_WHILE: Duration = Duration::from_millis(800);

async fn client(dir: &TempDir, port: u16) -> Result<Client> {
    let options = Options {
        dir: dir.path().to_owned(),
        server: ServerAddress { host: "127.0.0.1".into(), port },
        program: "thrive-testkit".into(),
        device: "bob's computer".into(),
    };
    Ok(Client::open(options).await?)
}

fn password() -> Secret {
    Secret::new(PASSWORD.into())
}

#[tokio::test]
async fn whoever_logs_in_as_invisible_is_never_seen_not_even_for_a_moment() -> Result<()> {
    let (node, dir) = (TestNode::start().await?, tempfile::tempdir()?);
    let mut pair = node.pair().await?;
    let bob = pair.bob.user()?;
    // Bob's stored status is online, and he has left.
    drop(pair.bob);
    pair.ann.sees(bob, |it| (it.availability == Availability::Offline).then_some(())).await?;

    let client = client(&dir, node.address.port()).await?;
    let invisible = Presence::new(Availability::Invisible, "hiding".into());
    client.log_in_showing("bob", password(), Some(invisible.clone())).await?;
    client.online(Duration::from_secs(20)).await?;
    assert_eq!(client.own_presence().availability, Availability::Invisible);
    let news = pair.ann.events_until(A_WHILE).await?;
    let of_bob = |event: &Event| matches!(event, Event::Presence { user, .. } if *user == bob);
    assert!(!news.iter().any(of_bob), "{news:?}");

    // It is the status of all that follow.
    client.log_out().await?;
    client.log_in("bob", password()).await?;
    client.online(Duration::from_secs(20)).await?;
    assert_eq!(client.own_presence().text, "hiding");
    let news = pair.ann.events_until(A_WHILE).await?;
    assert!(!news.iter().any(of_bob), "{news:?}");

    client.log_out().await?;
    let busy = Presence::new(Availability::Busy, "back".into());
    client.log_in_showing("bob", password(), Some(busy)).await?;
    let seen = pair.ann.sees(bob, |it| (it.availability != Availability::Offline).then_some(it));
    assert_eq!(seen.await?.availability, Availability::Busy, "the first that is seen of him");
    Ok(())
}

#[tokio::test]
async fn a_status_that_nobody_can_have_lets_nobody_in() -> Result<()> {
    let (node, dir) = (TestNode::start().await?, tempfile::tempdir()?);
    drop(node.pair().await?);
    let client = client(&dir, node.address.port()).await?;
    let endless = Presence::new(Availability::Online, "a".repeat(1_000));
    let refused = client.log_in_showing("bob", password(), Some(endless)).await;
    assert!(
        matches!(refused, Err(Failure::Refused { code: Code::StatusTooLong, .. })),
        "{refused:?}"
    );
    assert_eq!(client.connection(), Connection::Idle);
    Ok(())
}

#[tokio::test]
async fn a_server_tells_whoever_comes_how_many_are_there_and_how_to_get_an_account() -> Result<()> {
    let (node, dir) = (TestNode::start().await?, tempfile::tempdir()?);
    let _pair = node.pair().await?;
    let greeting = client(&dir, node.address.port()).await?.greeting().await?;
    assert_eq!(greeting.people, Some((2, 2)));
    assert!(greeting.sign_up_open && !greeting.sign_up_by_invite && !greeting.email_required);
    Ok(())
}

#[tokio::test]
async fn a_server_that_is_away_keeps_whoever_comes_by_token_waiting_and_a_dead_token_does_not()
-> Result<()> {
    let (node, dir) = (TestNode::start().await?, tempfile::tempdir()?);
    drop(node.pair().await?);
    let first = client(&dir, node.address.port()).await?;
    let account = first.log_in("bob", password()).await?;
    first.close().await;

    let nobody = std::net::UdpSocket::bind("127.0.0.1:0")?;
    let away = client(&dir, nobody.local_addr()?.port()).await?;
    away.resume("bob", account.token.clone()).await?;
    assert!(matches!(away.connection(), Connection::Connecting { .. }), "it goes on trying");
    away.close().await;

    let again = client(&dir, node.address.port()).await?;
    let over = again.resume("bob", Secret::new("A".repeat(43))).await;
    assert!(matches!(over, Err(Failure::Refused { code: Code::SessionEnded, .. })), "{over:?}");
    again.resume("bob", account.token).await?;
    again.online(Duration::from_secs(20)).await?;
    Ok(())
}
