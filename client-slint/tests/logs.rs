//! The logs of chats, with a real node and the client library: nothing is left out and nothing comes twice.

use std::path::Path;

use jiff::tz::TimeZone;
use thrive_client::{Client, Options, Secret, ServerAddress, UserId, Username};
use thrive_slint::bridge::logs::Logs;
use thrive_testkit::{PASSWORD, PATIENCE, Pair, TestNode, eventually};

async fn open(dir: &Path, node: &TestNode) -> anyhow::Result<Client> {
    let client = Client::open(Options {
        dir: dir.join("bob"),
        server: ServerAddress { host: "127.0.0.1".into(), port: node.address.port() },
        program: "a test".into(),
        device: "a test".into(),
    })
    .await?;
    Ok(client)
}

fn keep(dir: &Path, client: &Client) -> Logs {
    let (news, _) = tokio::sync::mpsc::channel(10);
    let logs = Logs::start(client.clone(), dir.to_owned(), TimeZone::UTC, news);
    let (mut changes, ear) = (client.changes(), logs.ear());
    tokio::spawn(async move {
        while let Some(change) = changes.next().await {
            ear(&change);
        }
    });
    logs
}

/// The texts in the log of the chat with Ann.
fn texts(dir: &Path) -> Vec<String> {
    texts_with(dir, "ann")
}

fn texts_with(dir: &Path, contact: &str) -> Vec<String> {
    let folder = dir.join("ThriveMessenger/chats").join(contact);
    let mut days: Vec<_> =
        std::fs::read_dir(folder).into_iter().flatten().flatten().map(|it| it.path()).collect();
    days.sort();
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let lines: String = days.into_iter().map(read).collect();
    lines.lines().filter_map(|it| it.split_once(": ")).map(|(_, text)| text.to_owned()).collect()
}

async fn until(dir: &Path, count: usize) -> anyhow::Result<Vec<String>> {
    eventually("the log has so many lines", async || {
        Ok(Some(texts(dir)).filter(|it| count <= it.len()))
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_lacks_nothing_that_came_while_nobody_wrote_it() -> anyhow::Result<()> {
    let (node, dir) = (TestNode::start().await?, tempfile::tempdir()?);
    let dir = dir.path();
    let Pair { mut ann, bob, chat } = node.pair().await?;
    let ann_is: UserId = ann.user()?;
    drop(bob);
    ann.say(chat, "before").await?;
    let client = open(dir, &node).await?;
    let account = client.log_in("bob", Secret::new(PASSWORD.into())).await?;
    client.online(PATIENCE).await?;
    eventually("the first is there", async || {
        Ok((client.messages(ann_is, 10).await?.len() == 1).then_some(()))
    })
    .await?;
    // As the desk does it: from here on, and only this chat.
    client.set_bookmark("thrive-messenger log", ann_is, 1).await?;
    let logs = keep(dir, &client);
    let chats = || [Username::parse("ann").unwrap()].into();
    logs.keep(chats());
    ann.say(chat, "live").await?;
    client.send(ann_is, "mine").await?;
    assert_eq!(until(dir, 2).await?.len(), 2);
    drop(logs);

    // Nobody writes, and more comes than a chat shows when it is opened.
    for number in 0..120 {
        ann.say(chat, &format!("missed {number}")).await?;
    }
    client.close().await;
    let client = open(dir, &node).await?;
    client.resume("bob", account.token).await?;
    let logs = keep(dir, &client);
    logs.keep(chats());
    client.online(PATIENCE).await?;
    let all = until(dir, 122).await?;
    let missed: Vec<_> = (0..120).map(|number| format!("missed {number}")).collect();
    assert_eq!(all[2..], missed[..]);
    let mut first = all[..2].to_vec();
    first.sort();
    assert_eq!(first, ["live", "mine"]);
    client.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chats_of_the_next_person_are_not_logged_because_those_of_the_last_one_were()
-> anyhow::Result<()> {
    let (node, dir) = (TestNode::start().await?, tempfile::tempdir()?);
    let dir = dir.path();
    let Pair { mut ann, bob, .. } = node.pair().await?;
    let ann_is: UserId = ann.user()?;
    drop(bob);
    node.sign_up("carl").await?;
    let mut zoe = node.newcomer("zoe").await?;
    let to_carl = ann.open_chat("carl").await?.conversation;
    ann.say(to_carl, "for carl alone").await?;
    let from_zoe = zoe.open_chat("carl").await?.conversation;
    zoe.say(from_zoe, "hello").await?;

    let client = open(dir, &node).await?;
    client.log_in("bob", Secret::new(PASSWORD.into())).await?;
    client.online(PATIENCE).await?;
    let logs = keep(dir, &client);
    logs.keep([Username::parse("ann").unwrap()].into());
    client.log_out().await?;
    client.log_in("carl", Secret::new(PASSWORD.into())).await?;
    client.online(PATIENCE).await?;
    eventually("it is there", async || {
        Ok((client.messages(ann_is, 10).await?.len() == 1).then_some(()))
    })
    .await?;
    // One after the other: when this is written, everything before it was done.
    logs.keep([Username::parse("zoe").unwrap()].into());
    eventually("what Carl wants logged is", async || {
        Ok((texts_with(dir, "zoe").len() == 1).then_some(()))
    })
    .await?;
    assert_eq!(texts(dir), [""; 0]);
    client.close().await;
    Ok(())
}
