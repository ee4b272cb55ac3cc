//! The client library that people use, against a real node: nothing lost, nothing twice, one order,
//! through the death of the node and of the client.

use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use tempfile::TempDir;
use thrive_client::{
    Account, Change, Changes, Client, Code, Failure, MessageState, Options, Secret, ServerAddress,
    UserId,
};
use thrive_protocol::Event;
use thrive_protocol::entry::Body;
use thrive_testkit::process::Place;
use thrive_testkit::{Door, PASSWORD, TestNode, eventually};
use tokio::time::timeout;

/// Long enough for a client that waits before it comes back.
const REUNION: Duration = Duration::from_secs(45);

fn folder() -> Result<TempDir> {
    Ok(tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?)
}

async fn open(dir: &TempDir, name: &str, door: &Door) -> Result<Client> {
    let options = Options {
        dir: dir.path().join(name),
        server: ServerAddress { host: "127.0.0.1".into(), port: door.address.port() },
        program: "thrive-testkit".into(),
        device: format!("{name}'s computer"),
    };
    Ok(Client::open(options).await?)
}

async fn log_in(client: &Client, username: &str) -> Result<Account> {
    let account = client.log_in(username, Secret::new(PASSWORD.into())).await?;
    client.online(REUNION).await?;
    Ok(account)
}

/// The texts of the next `count` new messages, in the order in which they are shown.
async fn shown(changes: &mut Changes, count: usize) -> Result<Vec<String>> {
    let mut texts = Vec::new();
    while texts.len() < count {
        let change = timeout(REUNION, changes.next()).await.context("the next message in time")?;
        match change.context("the client is open")? {
            Change::Message { before: None, now, .. } if !now.mine => texts.push(now.text),
            Change::Reload => bail!("the test listens quickly enough"),
            _ => {}
        }
    }
    Ok(texts)
}

async fn texts(client: &Client, peer: UserId) -> Result<Vec<String>> {
    Ok(client.messages(peer, 1_000).await?.into_iter().map(|it| it.text).collect())
}

fn numbered(range: std::ops::RangeInclusive<usize>) -> Vec<String> {
    range.map(|n| format!("message {n}")).collect()
}

#[tokio::test]
async fn two_clients_and_a_bare_connection_show_the_same_messages_in_the_same_order() -> Result<()>
{
    let (node, dir) = (TestNode::start().await?, folder()?);
    drop(node.pair().await?);
    let (ann, bob) = (open(&dir, "ann", &node).await?, open(&dir, "bob", &node).await?);
    let (ann_is, bob_is) = (log_in(&ann, "ann").await?.user, log_in(&bob, "bob").await?.user);
    let mut bare = node.log_in("bob").await?;
    let mut changes = bob.changes();
    for text in numbered(1..=20) {
        ann.send(bob_is, &text).await?;
    }
    assert_eq!(shown(&mut changes, 20).await?, numbered(1..=20));
    assert_eq!(texts(&bob, ann_is).await?, numbered(1..=20));
    for expected in numbered(1..=20) {
        let Body::Message { text, .. } = bare.entry().await?.body else { bail!("no message") };
        assert_eq!(text.as_str(), expected);
    }
    eventually("ann's messages are marked as delivered", async || {
        let messages = ann.messages(bob_is, 100).await?;
        let delivered = |it: &thrive_client::Message| it.state == MessageState::Delivered;
        Ok((messages.len() == 20 && messages.iter().all(delivered)).then_some(()))
    })
    .await?;
    bob.mark_read(ann_is).await?;
    eventually("they are marked as read", async || {
        let messages = ann.messages(bob_is, 100).await?;
        Ok(messages.iter().all(|it| it.state == MessageState::Read).then_some(()))
    })
    .await
}

#[tokio::test]
async fn what_came_while_the_client_was_closed_is_there_once_when_it_is_opened_again() -> Result<()>
{
    let (node, dir) = (TestNode::start().await?, folder()?);
    let mut pair = node.pair().await?;
    let bob = open(&dir, "bob", &node).await?;
    let account = log_in(&bob, "bob").await?;
    let ann_is = pair.ann.user()?;
    for text in numbered(1..=3) {
        pair.ann.say(pair.chat, &text).await?;
    }
    eventually("the first three are there", async || {
        Ok((texts(&bob, ann_is).await?.len() == 3).then_some(()))
    })
    .await?;
    bob.close().await;
    for text in numbered(4..=150) {
        pair.ann.say(pair.chat, &text).await?;
    }
    let bob = open(&dir, "bob", &node).await?;
    bob.resume("bob", account.token).await?;
    bob.online(REUNION).await?;
    assert_eq!(texts(&bob, ann_is).await?, numbered(1..=150));
    Ok(())
}

#[tokio::test]
async fn weakness_20_a_node_that_is_killed_and_comes_back_costs_no_message_and_doubles_none()
-> Result<()> {
    let (home, dir) = (folder()?, folder()?);
    // A port that is the same after a restart, and free now.
    let port = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let place = Place { port, ..Place::new(&home.path().join("node"))? };
    let node = place.start()?;
    drop(node.pair().await?);
    let (ann, bob) = (open(&dir, "ann", &node).await?, open(&dir, "bob", &node).await?);
    let (ann_is, bob_is) = (log_in(&ann, "ann").await?.user, log_in(&bob, "bob").await?.user);
    let mut changes = bob.changes();
    for text in numbered(1..=30) {
        ann.send(bob_is, &text).await?;
    }
    node.kill()?;
    for text in numbered(31..=60) {
        ann.send(bob_is, &text).await?;
    }
    let node = place.start()?;
    assert_eq!(shown(&mut changes, 60).await?, numbered(1..=60));
    assert_eq!(texts(&bob, ann_is).await?, numbered(1..=60));

    let mut bare = node.log_in("ann").await?;
    let page = bare.sync(None, &[]).await?;
    assert_eq!(page.conversations[0].head.0, 60, "sixty places, not one more");
    // And nothing comes late.
    let late = bare.events_until(Duration::from_millis(300)).await?;
    assert!(!late.iter().any(|it| matches!(it, Event::Entry(_))), "{late:?}");
    Ok(())
}

#[tokio::test]
async fn a_client_that_dies_with_messages_in_its_outbox_sends_them_when_it_is_opened_again()
-> Result<()> {
    let (home, dir) = (folder()?, folder()?);
    let port = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let place = Place { port, ..Place::new(&home.path().join("node"))? };
    let node = place.start()?;
    drop(node.pair().await?);
    let ann = open(&dir, "ann", &node).await?;
    let account = log_in(&ann, "ann").await?;
    let bob_is = ann.open_chat("bob").await?;
    node.kill()?;
    for text in numbered(1..=5) {
        ann.send(bob_is, &text).await?;
    }
    drop(ann);
    let node = place.start()?;
    let ann = open(&dir, "ann", &node).await?;
    ann.resume("ann", account.token).await?;
    ann.online(REUNION).await?;
    let bob = node.log_in("bob").await?;
    eventually("all five are on the node", async || {
        let page = bob.sync(None, &[]).await?;
        Ok((page.entries.len() == 5).then_some(()))
    })
    .await?;
    assert_eq!(texts(&ann, bob_is).await?, numbered(1..=5));
    Ok(())
}

#[tokio::test]
async fn weakness_05_another_certificate_behind_a_known_name_is_refused_until_it_is_accepted()
-> Result<()> {
    let dir = folder()?;
    let port = std::net::UdpSocket::bind("127.0.0.1:0")?.local_addr()?.port();
    let first = TestNode::start_with(|config| config.listen.set_port(port)).await?;
    first.sign_up("ann").await?;
    let ann = open(&dir, "ann", &first).await?;
    log_in(&ann, "ann").await?;
    ann.close().await;
    let known = first.printed_fingerprint();
    first.stop().await;

    let other = TestNode::start_with(|config| config.listen.set_port(port)).await?;
    other.sign_up("ann").await?;
    let ann = open(&dir, "ann", &other).await?;
    let refused = ann.log_in("ann", Secret::new(PASSWORD.into())).await;
    let offered = other.printed_fingerprint();
    match refused {
        Err(Failure::ServerChanged { known: was, offered: is, .. }) => {
            assert_eq!((was, is), (known, offered.clone()));
        }
        other => bail!("the password was given to a stranger: {other:?}"),
    }
    let server = ServerAddress { host: "127.0.0.1".into(), port };
    ann.accept_server(&server, &offered).await?;
    log_in(&ann, "ann").await?;
    Ok(())
}

#[tokio::test]
async fn groups_come_to_every_device_and_stay_without_a_connection() -> Result<()> {
    let node = TestNode::start().await?;
    let pair = node.pair().await?;
    let (bob, eve) = (pair.bob.user()?, node.newcomer("eve").await?);
    let dir = folder()?;
    let (desk, lap) = (open(&dir, "desk", &node).await?, open(&dir, "lap", &node).await?);
    let account = log_in(&desk, "ann").await?;
    log_in(&lap, "ann").await?;
    desk.add_contact("eve", "").await?;
    let eve = eve.user()?;
    let refused = desk.group_contact(eve, "Choir").await;
    assert!(matches!(refused, Err(Failure::Refused { code: Code::NotAContact, .. })));
    assert_eq!(desk.group_contact(bob, " Choir ").await?.group, "Choir");
    eventually("the other device has the group", async || {
        Ok((lap.groups() == ["Choir"]).then_some(()))
    })
    .await?;
    assert_eq!(lap.group_contact(bob, "CHOIR").await?.group, "CHOIR", "nobody else is in it");
    let renamed = lap.rename_group(" choir", " Singers ").await?;
    assert_eq!((renamed.group.as_str(), renamed.contacts.len()), ("Singers", 1));
    assert_eq!(renamed.contacts[0].group, "Singers", "as it is in the list");
    assert_eq!(lap.groups(), ["Singers"], "without waiting for anything");
    eventually("the other device has the new name", async || {
        Ok((desk.groups() == ["Singers"]).then_some(()))
    })
    .await?;
    let gone = desk.rename_group("Choir", "Pub").await;
    assert!(matches!(gone, Err(Failure::Refused { code: Code::NoSuchGroup, .. })), "{gone:?}");
    assert_eq!(desk.rename_group("Singers", "singers").await?.group, "singers");
    assert_eq!(desk.rename_group("Singers", "").await?.contacts.len(), 1);
    assert_eq!(desk.groups(), [""; 0]);
    desk.group_contact(bob, "Choir").await?;
    desk.rename_group("Choir", "Pub").await?;
    desk.close().await;
    let desk = open(&dir, "desk", &node).await?;
    drop(node);
    desk.resume("ann", account.token).await?;
    assert_eq!(desk.groups(), ["Pub"], "without any server");
    Ok(())
}
