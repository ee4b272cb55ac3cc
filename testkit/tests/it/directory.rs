//! Finding people, what they let others see, and what the server says about itself.

use anyhow::{Context as _, Result, bail};
use thrive_node::config::Welcome;
use thrive_protocol::directory::{Directory, DirectoryPage, Listed, Privacy, SetPrivacy, Tab};
use thrive_protocol::people::{Availability, Contact, Presence};
use thrive_protocol::preset::Preset;
use thrive_protocol::reply::ServerInfo;
use thrive_protocol::request::{BlockUser, SetPresence};
use thrive_protocol::text::WelcomeText;
use thrive_protocol::{Code, Reply, Request};
use thrive_testkit::process::Place;
use thrive_testkit::{Cluster, Pair, RawClient, TestNode, eventually};

pub(crate) async fn page(client: &RawClient, tab: Tab, search: &str) -> Result<DirectoryPage> {
    let request = Directory { tab, search: search.into(), after: None, limit: 50 };
    match client.bulk(Request::Directory(request)).await? {
        Ok(Reply::Directory(page)) => Ok(page),
        other => bail!("no page of the directory but {other:?}"),
    }
}

pub(crate) async fn names(client: &RawClient, tab: Tab) -> Result<Vec<String>> {
    let people = page(client, tab, "").await?.people;
    Ok(people.iter().map(|it| it.username.to_string()).collect())
}

/// Without a search: those have a pace, and this is asked again and again.
async fn listed(client: &RawClient, name: &str) -> Result<Option<Listed>> {
    let people = page(client, Tab::Everyone, "").await?.people;
    Ok(people.into_iter().find(|it| it.username.as_str() == name))
}

pub(crate) async fn lets(client: &mut RawClient, set: SetPrivacy) -> Result<Privacy> {
    match client.ok(Request::SetPrivacy(set)).await? {
        Reply::Privacy(privacy) => Ok(privacy),
        other => bail!("no privacy but {other:?}"),
    }
}

pub(crate) fn open() -> SetPrivacy {
    SetPrivacy {
        listed: None,
        presence_to_strangers: Some(true),
        last_seen_to_contacts: Some(true),
    }
}

pub(crate) async fn info(client: &mut RawClient) -> Result<ServerInfo> {
    match client.ok(Request::ServerInfo {}).await? {
        Reply::ServerInfo(info) => Ok(info),
        other => bail!("no server information but {other:?}"),
    }
}

pub(crate) async fn contact(client: &RawClient) -> Result<Contact> {
    match client.bulk(Request::ListContacts {}).await? {
        Ok(Reply::Roster { contacts, .. }) => {
            contacts.into_iter().next().context("there is a contact")
        }
        other => bail!("no roster but {other:?}"),
    }
}

#[tokio::test]
async fn people_of_two_nodes_find_each_other_as_they_may_see_each_other() -> Result<()> {
    let cluster = Cluster::start().nodes(2).routers(1).ready()?;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    let Pair { ann, mut bob, .. } = here.pair_across("ann", &there, "bob").await?;
    let mut eve = cluster.router_door(0)?.newcomer("eve").await?;
    eventually("bob is seen at the other node", async || {
        Ok((names(&ann, Tab::Online).await? == ["ann", "bob"]).then_some(()))
    })
    .await?;
    assert_eq!(names(&ann, Tab::Everyone).await?, ["ann", "bob", "eve"]);
    assert_eq!(names(&ann, Tab::Offline).await?, ["eve"], "she has not said who may see her");
    assert_eq!(names(&ann, Tab::Admins).await?, [""; 0]);
    lets(&mut eve, open()).await?;
    eve.ok(Request::SetPresence(SetPresence {
        availability: Availability::Away,
        preset: Some(Preset::WatchingTv),
        text: "the news".into(),
    }))
    .await?;
    eventually("eve is seen with what she does", async || {
        let Presence { availability, preset, text, .. } =
            listed(&ann, "eve").await?.context("eve is listed")?.presence;
        let shown = (availability, preset, text.as_str());
        Ok((shown == (Availability::Away, Some(Preset::WatchingTv), "the news")).then_some(()))
    })
    .await?;
    bob.ok(Request::BlockUser(BlockUser { username: "eve".into() })).await?;
    assert!(listed(&eve, "bob").await?.is_none());
    assert!(listed(&bob, "eve").await?.context("eve is listed")?.blocked);
    let hidden = SetPrivacy { listed: Some(false), ..SetPrivacy::default() };
    assert!(!lets(&mut eve, hidden).await?.listed);
    assert_eq!(names(&ann, Tab::Everyone).await?, ["ann", "bob"]);
    let request = Directory { tab: Tab::Everyone, search: String::new(), after: None, limit: 1 };
    assert_eq!(ann.bulk(Request::Directory(request.clone())).await?.map(drop), Ok(()));
    let refused = bob.refused(Request::Directory(request)).await?;
    assert_eq!(refused, Code::WrongStream);
    Ok(())
}

#[tokio::test]
async fn the_time_somebody_was_last_seen_survives_the_sudden_end_of_the_node() -> Result<()> {
    let home = tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?;
    let place = Place::new(&home.path().join("node"))?;
    let node = place.start()?;
    let Pair { ann, mut bob, .. } = node.pair().await?;
    assert_eq!(contact(&ann).await?.presence.last_seen, None);
    let before = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let privacy = lets(&mut bob, open()).await?;
    assert!(privacy.listed && privacy.last_seen_to_contacts);
    assert_eq!(contact(&ann).await?.presence.last_seen, None, "he is there");
    node.kill()?;
    let node = place.start()?;
    let ann = node.log_in("ann").await?;
    let presence = contact(&ann).await?.presence;
    assert_eq!(presence.availability, Availability::Offline);
    let seen = u64::try_from(presence.last_seen.context("he was seen")?.0)?;
    let since = before.as_secs().saturating_sub(seen / 1_000);
    assert!(since <= 60, "to the minute: {since} s before");
    Ok(())
}

#[tokio::test]
async fn a_contact_who_leaves_is_shown_with_when_that_was_if_they_want_it() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, .. } = node.pair().await?;
    lets(&mut bob, open()).await?;
    let user = bob.user()?;
    bob.connection.close(0_u32.into(), b"");
    let gone = |it: Presence| (it.availability == Availability::Offline).then_some(it.last_seen);
    let told = ann.sees(user, gone).await?.context("they are told when")?;
    eventually("the list says about the same", async || {
        let listed = contact(&ann).await?.presence.last_seen.context("it says when")?;
        Ok(((told.0 - listed.0).abs() <= 60_000).then_some(()))
    })
    .await
}

#[tokio::test]
async fn the_server_says_who_it_is_and_what_its_operator_has_to_say() -> Result<()> {
    let node = TestNode::start_with(|config| {
        config.address = Some(("chat.example.org".into(), 2005));
        config.welcome = Welcome {
            before_login: WelcomeText::cut("Hello!\nTea is at five."),
            after_login: WelcomeText::cut("Be kind."),
        };
    })
    .await?;
    let mut ann = node.newcomer("ann").await?;
    assert_eq!(ann.me.as_ref().context("she is logged in")?.text.as_str(), "Be kind.");
    let said = info(&mut ann).await?;
    assert_eq!((said.host.as_deref(), said.port), (Some("chat.example.org"), Some(2005)));
    assert_eq!((said.online, said.limits.status_chars), (1, 120));
    let mut guest = node.connect().await?;
    let hello = thrive_protocol::request::Hello {
        version: 1,
        client: "a test".into(),
        features: Default::default(),
    };
    let Reply::Welcome(welcome) = guest.ok(Request::Hello(hello)).await? else {
        bail!("no welcome")
    };
    assert_eq!(welcome.text.as_str(), "Hello!\nTea is at five.");
    Ok(())
}
