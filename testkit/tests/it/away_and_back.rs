//! What came while somebody was offline: kept, with its time, and summed up.

use anyhow::Result;
use thrive_client::{Client, Missed, Options, Secret, ServerAddress};
use thrive_protocol::Request;
use thrive_testkit::{Door, PASSWORD, Pair, TestNode};

use std::time::Duration;

const REUNION: Duration = Duration::from_secs(45);

async fn open(dir: &std::path::Path, door: &Door) -> Result<Client> {
    let options = Options {
        dir: dir.to_owned(),
        server: ServerAddress { host: "127.0.0.1".into(), port: door.address.port() },
        program: "thrive-testkit".into(),
        device: "a computer".into(),
    };
    Ok(Client::open(options).await?)
}

fn names(missed: &[Missed]) -> Vec<(&str, u32)> {
    missed.iter().map(|it| (it.name.as_str(), it.messages)).collect()
}

#[tokio::test]
async fn weakness_14_offline_messages_are_kept_with_their_time_and_summed_up() -> Result<()> {
    let dir = tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?;
    let node = TestNode::start().await?;
    let Pair { mut ann, bob, chat } = node.pair().await?;
    bob.connection.close(0_u32.into(), b"");
    let mut stored = Vec::new();
    for text in ["one", "two", "three"] {
        stored.push(ann.say(chat, text).await?.time.0);
    }
    let mut eve = node.newcomer("eve").await?;
    let of_eve = eve.open_chat("bob").await?.conversation;
    let last = eve.say(of_eve, "you do not know me").await?.time.0;
    // Neither the end of the senders nor that of the server loses or changes any of it.
    drop((ann, eve));
    let node = node.restart().await?;

    let bob = open(dir.path(), &node).await?;
    let account = bob.log_in("bob", Secret::new(PASSWORD.into())).await?;
    bob.online(REUNION).await?;
    let missed = bob.missed();
    assert_eq!(names(&missed), [("ann", 3), ("eve", 1)]);
    assert_eq!(Missed::in_words(&missed), "4 messages");
    let talks = bob.conversations().await?;
    let shown: Vec<_> = talks.iter().map(|it| (it.last.time_ms, it.is_stranger())).collect();
    assert_eq!(shown, [(last, true), (stored[2], false)]);
    let ann_is = talks[1].contact.user;
    let messages = bob.messages(ann_is, 10).await?;
    assert_eq!(messages.iter().map(|it| it.time_ms).collect::<Vec<_>>(), stored);
    bob.close().await;

    // Nothing new came, so nothing was missed; and what was read elsewhere was not, either.
    let bob = open(dir.path(), &node).await?;
    bob.resume("bob", account.token.clone()).await?;
    bob.online(REUNION).await?;
    assert_eq!(names(&bob.missed()), []);
    bob.close().await;
    let mut ann = node.log_in("ann").await?;
    ann.say(chat, "four").await?;
    let seq = ann.say(chat, "five").await?.seq;
    let mut phone = node.log_in("bob").await?;
    phone.ok(Request::MarkRead { conversation: chat, seq }).await?;
    let bob = open(dir.path(), &node).await?;
    bob.resume("bob", account.token).await?;
    bob.online(REUNION).await?;
    assert_eq!(names(&bob.missed()), []);
    bob.close().await;
    Ok(())
}
