//! Whoever is invisible looks exactly like whoever is not there, in everything that a node says.

use std::time::Duration;

use anyhow::{Context as _, Result};
use thrive_protocol::directory::Tab;
use thrive_protocol::people::{Availability, Presence};
use thrive_protocol::preset::Preset;
use thrive_protocol::request::SetPresence;
use thrive_protocol::{Event, Request};
use thrive_testkit::{Cluster, Pair, RawClient, eventually};

use crate::directory::{contact, info, lets, names, open};

/// Long enough for a hint over the bus, and for what a node tells late.
const CALM: Duration = Duration::from_millis(1_500);

fn invisible() -> Request {
    Request::SetPresence(SetPresence {
        availability: Availability::Invisible,
        preset: Some(Preset::HidingFromTheParents),
        text: "secret".into(),
    })
}

/// Everything that was pushed and that somebody has caused. An empty hint is none.
async fn heard(client: &mut RawClient) -> Result<Vec<Event>> {
    let heard = client.events_until(CALM).await?;
    Ok(heard.into_iter().filter(|it| !matches!(it, Event::Heads { .. })).collect())
}

/// What Ann can find out about Bob by asking, apart from when he was last seen.
async fn asked(ann: &RawClient) -> Result<impl PartialEq + std::fmt::Debug + use<>> {
    let mut contact = contact(ann).await?;
    contact.presence.last_seen = None;
    let sync = ann.sync(None, &[]).await?.conversations;
    Ok((
        contact,
        names(ann, Tab::Online).await?,
        names(ann, Tab::Offline).await?,
        sync[0].peer_read,
        sync[0].peer_delivered,
    ))
}

#[tokio::test]
async fn whoever_is_invisible_and_looks_at_a_chat_is_not_noticed_before_they_write() -> Result<()> {
    let cluster = Cluster::start().nodes(2).routers(1).ready()?;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    let (mut eve, mut bob) = (here.newcomer("eve").await?, there.newcomer("bob").await?);
    bob.ok(invisible()).await?;
    // Opened again and again, and by several devices of hers that come meanwhile.
    let chat = bob.open_chat("eve").await?.conversation;
    bob.open_chat("eve").await?;
    bob.ok(Request::Typing { conversation: chat, active: true }).await?;
    assert_eq!(heard(&mut eve).await?, []);
    let mut phone = there.log_in("eve").await?;
    for device in [&eve, &phone] {
        assert!(device.sync(None, &[]).await?.conversations.is_empty());
    }

    bob.say(chat, "it is me").await?;
    for device in [&mut eve, &mut phone] {
        let told = device.event(|it| match it {
            Event::Conversation(it) => Some(it),
            _ => None,
        });
        let told = told.await?;
        assert_eq!((told.conversation, told.peer_name.as_str()), (chat, "bob"));
        assert_eq!(device.entry().await?.conversation, chat);
        assert_eq!(device.sync(None, &[]).await?.conversations[0].head.0, 1);
    }
    Ok(())
}

#[tokio::test]
async fn weakness_24_whoever_is_invisible_leaks_nowhere_on_two_nodes() -> Result<()> {
    let cluster = Cluster::start().nodes(2).routers(1).ready()?;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    let Pair { mut ann, mut bob, chat } = here.pair_across("ann", &there, "bob").await?;
    // A stranger who may see everybody's presence, at whichever node the router chose.
    let mut eve = cluster.router_door(0)?.newcomer("eve").await?;
    lets(&mut bob, open()).await?;
    let user = bob.user()?;
    eventually("bob is seen by all", async || {
        let seen = [names(&ann, Tab::Online).await?, names(&eve, Tab::Online).await?];
        Ok(seen.iter().all(|it| it.contains(&"bob".to_owned())).then_some(()))
    })
    .await?;

    // How he looks when he is really gone.
    let token = bob.token()?;
    bob.connection.close(0_u32.into(), b"");
    let gone = |it: Presence| (it.availability == Availability::Offline).then_some(it);
    let seen = ann.sees(user, gone).await?;
    assert!(seen.last_seen.is_some() && seen.text.is_empty());
    eventually("the counts say so, too", async || {
        Ok((info(&mut eve).await?.online == 2).then_some(()))
    })
    .await?;
    let seq = ann.say(chat, "are you there?").await?.seq;
    let offline = asked(&ann).await?;
    let eve_of_offline = names(&eve, Tab::Online).await?;

    // He comes back, is seen, and becomes invisible: the same words as of somebody who leaves.
    let mut bob = there.resume(&token).await?;
    ann.sees(user, |it| (it.availability == Availability::Online).then_some(())).await?;
    bob.ok(invisible()).await?;
    let seen = ann.sees(user, gone).await?;
    assert_eq!(Presence { last_seen: None, ..seen.clone() }, Presence::default());
    assert!(seen.last_seen.is_some(), "as when he left");
    assert_eq!(heard(&mut ann).await?, []);
    let last_seen = contact(&ann).await?.presence.last_seen;

    // Everything that somebody does who is there.
    bob.ok(Request::Typing { conversation: chat, active: true }).await?;
    bob.ok(Request::MarkDelivered { conversation: chat, seq }).await?;
    bob.ok(Request::MarkRead { conversation: chat, seq }).await?;
    bob.ok(Request::Heartbeat {}).await?;
    bob.ok(invisible()).await?;
    lets(&mut bob, open()).await?;
    let phone = cluster.router_door(0)?.log_in("bob").await?;
    phone.sync(None, &[]).await?;
    assert_eq!(heard(&mut ann).await?, [], "nothing that only somebody who is there can cause");
    assert_eq!(asked(&ann).await?, offline);

    // He goes and comes, on both nodes, still invisible: no login is announced first.
    phone.connection.close(0_u32.into(), b"");
    bob.connection.close(0_u32.into(), b"");
    let bob = here.resume(&token).await?;
    let again = there.resume(&token).await?;
    assert_eq!(heard(&mut ann).await?, []);
    assert_eq!(asked(&ann).await?, offline);
    assert_eq!(contact(&ann).await?.presence.last_seen, last_seen, "it stands still");
    assert_eq!(names(&eve, Tab::Online).await?, eve_of_offline);
    for client in [&mut ann, &mut eve] {
        let online = info(client).await?.online;
        assert_eq!(online, 2, "ann and eve");
    }
    let eve_sees = crate::directory::page(&eve, Tab::Everyone, "bob").await?.people;
    let eve_sees = eve_sees.first().context("bob is listed")?;
    assert_eq!(eve_sees.presence, Presence::default());
    drop((bob, again));
    Ok(())
}
