//! Contacts, presence and blocks, as both sides see them.

use std::time::Duration;

use anyhow::{Result, bail};
use thrive_protocol::people::{Availability, Contact, Relation};
use thrive_protocol::request::{BlockUser, CreateAccount, SetPresence};
use thrive_protocol::secret::Secret;
use thrive_protocol::{Code, Event, Reply, Request};
use thrive_testkit::door::request_contact;
use thrive_testkit::{PASSWORD, Pair, RawClient, TestNode, message_id};

async fn contacts(client: &RawClient) -> Result<Vec<Contact>> {
    match client.bulk(Request::ListContacts {}).await? {
        Ok(Reply::Roster { contacts, .. }) => Ok(contacts.into_inner()),
        other => bail!("no roster but {other:?}"),
    }
}

async fn told_of_contact(client: &mut RawClient) -> Result<Contact> {
    client
        .event(|event| match event {
            Event::Contact(contact) => Some(contact),
            _ => None,
        })
        .await
}

fn set_presence(availability: Availability, text: &str) -> Request {
    Request::SetPresence(SetPresence { availability, preset: None, text: text.into() })
}

fn block(username: &str) -> Request {
    Request::BlockUser(BlockUser { username: username.into() })
}

#[tokio::test]
async fn a_request_is_heard_with_its_text_and_accepting_it_shows_both_online() -> Result<()> {
    let node = TestNode::start().await?;
    let (mut ann, mut bob) = (node.newcomer("ann").await?, node.newcomer("bob").await?);
    let Reply::Contact(asked) = ann.ok(request_contact("Bob", "it is Ann")).await? else {
        bail!("no contact")
    };
    assert_eq!((asked.user, asked.relation), (bob.user()?, Relation::Asked));
    assert_eq!(asked.presence.availability, Availability::Offline, "not yet");

    let heard = told_of_contact(&mut bob).await?;
    assert_eq!((heard.user, heard.relation), (ann.user()?, Relation::AsksMe));
    assert_eq!(heard.request.as_str(), "it is Ann");
    let Reply::Contact(now) = bob.ok(Request::AcceptContact { user: heard.user }).await? else {
        bail!("no contact")
    };
    assert_eq!(
        (now.relation, now.presence.availability),
        (Relation::Contact, Availability::Online)
    );
    let heard = told_of_contact(&mut ann).await?;
    assert_eq!(
        (heard.relation, heard.presence.availability),
        (Relation::Contact, Availability::Online)
    );
    assert_eq!(contacts(&ann).await?[0].relation, Relation::Contact);
    Ok(())
}

#[tokio::test]
async fn a_declined_request_is_gone_and_the_other_is_not_told() -> Result<()> {
    let node = TestNode::start().await?;
    let (mut ann, mut bob) = (node.newcomer("ann").await?, node.newcomer("bob").await?);
    ann.ok(request_contact("bob", "")).await?;
    let user = ann.user()?;
    bob.ok(Request::DeclineContact { user }).await?;
    assert_eq!(contacts(&bob).await?, []);
    let news = ann.events_until(Duration::from_millis(100)).await?;
    assert!(news.iter().all(|it| !matches!(it, Event::Contact(_) | Event::ContactGone { .. })));
    assert_eq!(contacts(&ann).await?[0].relation, Relation::Asked);
    assert_eq!(ann.refused(request_contact("bob", "")).await?, Code::AlreadyAsked);
    Ok(())
}

#[tokio::test]
async fn requests_that_make_no_sense_say_why() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, .. } = node.pair().await?;
    assert_eq!(ann.refused(request_contact("ann", "")).await?, Code::Yourself);
    assert_eq!(ann.refused(request_contact("nobody", "")).await?, Code::NoSuchUser);
    assert_eq!(ann.refused(request_contact("\u{0}", "")).await?, Code::NoSuchUser);
    assert_eq!(ann.refused(request_contact("bob", "")).await?, Code::AlreadyContact);
    let nobody = thrive_protocol::ids::UserId(1);
    assert_eq!(ann.refused(Request::RemoveContact { user: nobody }).await?, Code::NoSuchUser);
    let user = node.newcomer("eve").await?.user()?;
    assert_eq!(ann.refused(Request::RemoveContact { user }).await?, Code::NotAContact);
    assert_eq!(ann.refused(Request::AcceptContact { user }).await?, Code::NoRequest);
    assert_eq!(ann.refused(set_presence(Availability::Offline, "")).await?, Code::BadRequest);
    Ok(())
}

#[tokio::test]
async fn presence_is_told_to_contacts_and_survives_a_restart() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, .. } = node.pair().await?;
    bob.ok(set_presence(Availability::Busy, "baking")).await?;
    let seen = ann.sees(bob.user()?, |it| (it.availability == Availability::Busy).then_some(it));
    assert_eq!(seen.await?.text.as_str(), "baking");

    let (ann_token, bob_token) = (ann.token()?, bob.token()?);
    let node = node.restart().await?;
    let _bob = node.resume(&bob_token).await?;
    let ann = node.resume(&ann_token).await?;
    let presence = contacts(&ann).await?[0].presence.clone();
    assert_eq!((presence.availability, presence.text.as_str()), (Availability::Busy, "baking"));
    Ok(())
}

#[tokio::test]
async fn who_is_invisible_looks_exactly_like_who_is_offline() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let user = bob.user()?;
    bob.ok(set_presence(Availability::Invisible, "secret")).await?;
    let seen = ann.sees(user, |it| (it.availability == Availability::Offline).then_some(it));
    assert_eq!(seen.await?.text.as_str(), "");
    let seq = ann.say(chat, "are you there?").await?.seq;
    bob.ok(Request::Typing { conversation: chat, active: true }).await?;
    bob.ok(Request::MarkDelivered { conversation: chat, seq }).await?;
    bob.ok(Request::MarkRead { conversation: chat, seq }).await?;
    let mut leaks = ann.events_until(Duration::from_millis(100)).await?;
    // That they became contacts is looked at once more, whoever is there.
    leaks.retain(|event| !matches!(event, Event::Heads { heads } if heads.is_empty()));
    // Her own message is the first in the conversation, and brings it to all her devices.
    leaks.retain(|event| !matches!(event, Event::Conversation(it) if it.head.0 == 0));
    assert_eq!(leaks, [], "nothing that only somebody who is there can cause");
    assert_eq!(contacts(&ann).await?[0].presence, thrive_protocol::people::Presence::default());
    Ok(())
}

#[tokio::test]
async fn a_blocked_sender_is_refused_and_hears_and_sees_nothing() -> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, mut bob, chat } = node.pair().await?;
    let user = bob.user()?;
    bob.ok(block("ann")).await?;
    let seen = ann.sees(user, |it| (it.availability == Availability::Offline).then_some(it));
    seen.await?;

    let refused = ann.send(chat, message_id(), "hello?").await?;
    assert_eq!(refused.map_err(|it| it.code), Err(Code::Blocked));
    let refused = bob.send(chat, message_id(), "ha").await?;
    assert_eq!(refused.map_err(|it| it.code), Err(Code::BlockedByYou));
    ann.ok(Request::Typing { conversation: chat, active: true }).await?;
    bob.ok(Request::Typing { conversation: chat, active: true }).await?;
    bob.ok(set_presence(Availability::Online, "free")).await?;
    assert_eq!(ann.events_until(Duration::from_millis(100)).await?, []);
    let heard = bob.events_until(Duration::from_millis(50)).await?;
    assert!(
        !heard.iter().any(|it| matches!(it, Event::Entry(_) | Event::Typing { .. })),
        "{heard:?}"
    );

    bob.ok(Request::UnblockUser { user: ann.user()? }).await?;
    let seen = ann.sees(user, |it| (it.availability == Availability::Online).then_some(it));
    assert_eq!(seen.await?.text.as_str(), "free");
    assert_eq!(ann.say(chat, "hello again").await?.seq.0, 1, "refusals burn no place");
    Ok(())
}

#[tokio::test]
async fn weakness_15_a_contact_who_leaves_goes_offline_only_when_the_last_device_is_gone()
-> Result<()> {
    let node = TestNode::start().await?;
    let Pair { mut ann, bob, .. } = node.pair().await?;
    let user = bob.user()?;
    let phone = node.log_in("bob").await?;
    drop(bob);
    let news = ann.events_until(Duration::from_millis(300)).await?;
    // That he is online may be told late; that he is not is wrong.
    let online = |it: &Event| match it {
        Event::Presence { presence, .. } => presence.availability == Availability::Online,
        _ => true,
    };
    assert!(news.iter().all(online), "{news:?}");
    phone.connection.close(0_u32.into(), b"");
    ann.sees(user, |it| (it.availability == Availability::Offline).then_some(())).await
}

#[tokio::test]
async fn weakness_02_a_name_in_other_letters_is_the_same_name_and_logs_in_in_any() -> Result<()> {
    let node = TestNode::start().await?;
    node.sign_up("U2x").await?;
    for again in ["u2x", "U2X", " u2x "] {
        let create = CreateAccount {
            username: again.into(),
            password: password(),
            email: None,
            invite: None,
        };
        let refused = node.guest().await?.refused(Request::CreateAccount(create)).await?;
        assert_eq!(refused, Code::UsernameTaken, "{again}");
        node.log_in(again).await?;
    }
    Ok(())
}

#[tokio::test]
async fn weakness_03_what_is_a_path_or_has_blanks_in_it_becomes_no_name() -> Result<()> {
    let node = TestNode::start().await?;
    for odd in ["../../../../tmp/x", "a b", "a\nb", "", "  ", "con\u{0}", "änne", "a/b", "..."] {
        let create =
            CreateAccount { username: odd.into(), password: password(), email: None, invite: None };
        let refused = node.guest().await?.refused(Request::CreateAccount(create)).await?;
        assert_eq!(refused, Code::UsernameInvalid, "{odd:?}");
    }
    Ok(())
}

fn password() -> Secret {
    Secret::new(PASSWORD.into())
}
