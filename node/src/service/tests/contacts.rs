//! Contacts, and who sees whom.

use thrive_protocol::people::{Contact, Relation};
use thrive_protocol::request::BlockUser;
use thrive_protocol::text::{GroupName, Nickname, RequestText};

use super::*;
use crate::domain::relation::{Pair, RelationRefusal};

fn block(caller: &Caller) -> BlockUser {
    BlockUser { username: caller.username.as_str().into() }
}

/// A line of a list that nobody has decorated.
fn line(of: &Caller, relation: Relation, presence: Presence) -> Contact {
    Contact {
        user: of.user,
        username: of.username.clone(),
        relation,
        blocked: false,
        nickname: Nickname::default(),
        group: GroupName::default(),
        request: RequestText::default(),
        presence,
        admin: false,
    }
}

#[tokio::test]
async fn a_request_that_is_accepted_shows_both_to_each_other() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.shows(&ann, Availability::Online).await;
    world.shows(&bob, Availability::Away).await;

    let asked = contacts.request(&ann, ask("Bob")).await.unwrap();
    assert_eq!(asked.reply.relation, Relation::Asked);
    assert_eq!(asked.reply.presence, Presence::default());
    let [Event::Contact(seen)] = &heard(&asked.news, bob.user)[..] else {
        panic!("{:?}", asked.news)
    };
    assert_eq!((seen.relation, seen.request.as_str()), (Relation::AsksMe, "Do you remember me?"));
    assert_eq!(seen.presence, Presence::default());
    assert!(asked.news.iter().all(|it| it.origin == Some(ann.session)));

    let accepted = contacts.accept(&bob, ann.user).await.unwrap();
    assert_eq!(accepted.reply, line(&ann, Relation::Contact, at_home(Availability::Online)));
    let for_ann = line(&bob, Relation::Contact, at_home(Availability::Away));
    assert_eq!(heard(&accepted.news, ann.user), [Event::Contact(for_ann.clone())]);
    assert_eq!(heard(&accepted.news, bob.user), [Event::Contact(accepted.reply)]);
    assert_eq!(contacts.list(&ann).await.unwrap(), [for_ann]);
    assert_eq!(world.database.watchers_of(&[ann.user]).await.unwrap(), [(ann.user, bob.user)]);
}

#[tokio::test]
async fn a_declined_request_is_gone_here_and_open_there() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    contacts.request(&ann, ask("bob")).await.unwrap();
    let declined = contacts.decline(&bob, ann.user).await.unwrap();
    assert_eq!(heard(&declined.news, ann.user), []);
    assert_eq!(heard(&declined.news, bob.user), [Event::ContactGone { user: ann.user }]);
    assert_eq!(contacts.list(&bob).await.unwrap(), []);
    assert_eq!(contacts.list(&ann).await.unwrap()[0].relation, Relation::Asked);
    let again = code(contacts.request(&ann, ask("bob")).await);
    assert_eq!(again.map(drop), Err(Code::AlreadyAsked));
    // Bob changes his mind.
    let asked = contacts.request(&bob, ask("ann")).await.unwrap();
    assert_eq!(asked.reply.relation, Relation::Contact);
}

#[tokio::test]
async fn a_block_looks_like_being_offline() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.shows(&ann, Availability::Online).await;
    world.shows(&bob, Availability::Online).await;
    world.become_contacts(&ann, &bob).await;

    let blocked = contacts.block(&ann, block(&bob)).await.unwrap();
    assert!(blocked.reply.blocked);
    assert_eq!(blocked.reply.presence, Presence::default());
    let gone = Event::Presence { user: ann.user, presence: Presence::default() };
    assert_eq!(heard(&blocked.news, bob.user), [gone]);
    let seen = contacts.list(&bob).await.unwrap();
    assert_eq!(seen, [line(&ann, Relation::Contact, Presence::default())]);
    assert_eq!(world.database.watchers_of(&[ann.user, bob.user]).await.unwrap(), []);

    let unblocked = contacts.unblock(&ann, bob.user).await.unwrap();
    let back = at_home(Availability::Online);
    let here = Event::Presence { user: ann.user, presence: back.clone() };
    assert_eq!(heard(&unblocked.news, bob.user), [here]);
    let line = line(&bob, Relation::Contact, back);
    assert_eq!(heard(&unblocked.news, ann.user), [Event::Contact(line)]);
    // The answer does not hold the contact: the session that asked must hear of it, too.
    assert!(unblocked.news.iter().all(|it| it.origin.is_none()));
    assert!(contacts.unblock(&ann, bob.user).await.unwrap().news.is_empty());
}

#[tokio::test]
async fn nobody_asks_through_a_block() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let blocked = contacts.block(&ann, block(&bob)).await.unwrap();
    assert_eq!(heard(&blocked.news, bob.user), []);
    let refused = code(contacts.request(&bob, ask("ann")).await);
    assert_eq!(refused.map(drop), Err(Code::Blocked));
    let refused = code(contacts.request(&ann, ask("bob")).await);
    assert_eq!(refused.map(drop), Err(Code::BlockedByYou));
    assert_eq!(contacts.list(&bob).await.unwrap(), []);
    let unblocked = contacts.unblock(&ann, bob.user).await.unwrap();
    assert_eq!(heard(&unblocked.news, ann.user), [Event::ContactGone { user: bob.user }]);
}

#[tokio::test]
async fn parting_is_told_to_both() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.become_contacts(&ann, &bob).await;
    let removed = contacts.remove(&ann, bob.user).await.unwrap();
    assert_eq!(heard(&removed.news, bob.user), [Event::ContactGone { user: ann.user }]);
    assert_eq!(heard(&removed.news, ann.user), [Event::ContactGone { user: bob.user }]);
    let refused = code(contacts.remove(&ann, bob.user).await);
    assert_eq!(refused.map(drop), Err(Code::NotAContact));
}

#[tokio::test]
async fn a_nickname_is_nobody_elses_business() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    world.become_contacts(&ann, &bob).await;
    let named = contacts.name(&ann, bob.user, " Bobby ").await.unwrap();
    assert_eq!(named.reply.nickname.as_str(), "Bobby");
    assert_eq!(heard(&named.news, bob.user), []);
    assert_eq!(contacts.list(&ann).await.unwrap()[0].nickname.as_str(), "Bobby");
    let refused = code(contacts.name(&ann, bob.user, &"x".repeat(41)).await);
    assert_eq!(refused.map(drop), Err(Code::NicknameTooLong));
}

#[tokio::test]
async fn a_group_is_of_contacts_and_nobody_elses_business() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    contacts.request(&ann, ask("bob")).await.unwrap();
    for (who, of) in [(&ann, &bob), (&bob, &ann)] {
        let refused = code(contacts.group(who, of.user, "Choir").await);
        assert_eq!(refused.map(drop), Err(Code::NotAContact), "while it is a request");
    }
    contacts.accept(&bob, ann.user).await.unwrap();
    let grouped = contacts.group(&ann, bob.user, " Choir ").await.unwrap();
    assert_eq!(grouped.reply.group.as_str(), "Choir");
    assert_eq!(heard(&grouped.news, bob.user), []);
    contacts.name(&ann, bob.user, "Bobby").await.unwrap();
    assert_eq!(contacts.list(&ann).await.unwrap()[0].group.as_str(), "Choir");
    assert_eq!(contacts.list(&bob).await.unwrap()[0].group.as_str(), "");
    let refused = code(contacts.group(&ann, bob.user, &"x".repeat(41)).await);
    assert_eq!(refused.map(drop), Err(Code::GroupTooLong));
    let taken_out = contacts.group(&ann, bob.user, "").await.unwrap();
    assert_eq!(taken_out.reply.group.as_str(), "");
}

#[tokio::test]
async fn a_group_is_renamed_in_one_step_and_the_other_devices_hear_of_each_contact() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let ann = world.person("ann").await;
    let (bob, cleo, dan) =
        (world.person("bob").await, world.person("cleo").await, world.person("dan").await);
    world.shows(&bob, Availability::Away).await;
    for (other, group) in [(&bob, "Choir"), (&cleo, "CHOIR"), (&dan, "Pub")] {
        world.become_contacts(&ann, other).await;
        contacts.group(&ann, other.user, group).await.unwrap();
    }
    contacts.name(&ann, bob.user, "Bobby").await.unwrap();
    let refused = async |group: &str, name: &str| {
        code(contacts.rename_group(&ann, group, name).await).map(drop)
    };
    assert_eq!(refused("Work", "Choir").await, Err(Code::NoSuchGroup));
    assert_eq!(refused(" ", "Choir").await, Err(Code::NoSuchGroup));
    assert_eq!(refused(&"x".repeat(41), "Choir").await, Err(Code::NoSuchGroup));
    assert_eq!(refused("Choir", &"x".repeat(41)).await, Err(Code::GroupTooLong));

    let renamed = contacts.rename_group(&ann, " choir", " Singers ").await.unwrap();
    assert_eq!(renamed.reply.group.as_str(), "Singers");
    assert_eq!(*renamed.reply.users, [bob.user, cleo.user]);
    let group = GroupName::cut("Singers");
    let of_bob = Contact {
        nickname: Nickname::cut("Bobby"),
        group: group.clone(),
        ..line(&bob, Relation::Contact, at_home(Availability::Away))
    };
    let of_cleo = Contact { group, ..contacts.list(&ann).await.unwrap()[1].clone() };
    assert_eq!(heard(&renamed.news, ann.user), [of_bob, of_cleo].map(Event::Contact));
    assert!(renamed.news.iter().all(|it| it.origin == Some(ann.session)));
    assert_eq!(renamed.news.len(), 2, "nobody else hears of it");
    let groups = contacts.list(&ann).await.unwrap();
    let groups: Vec<_> = groups.iter().map(|it| it.group.as_str()).collect();
    assert_eq!(groups, ["Singers", "Singers", "Pub"]);

    let joined = contacts.rename_group(&ann, "Singers", "PUB").await.unwrap();
    assert_eq!(joined.reply.group.as_str(), "Pub", "as it is written for those in it");
    let out = contacts.rename_group(&ann, "Pub", "").await.unwrap();
    assert_eq!((out.reply.group.as_str(), out.reply.users.len()), ("", 3));
    assert_eq!(refused("Pub", "").await, Err(Code::NoSuchGroup));
}

/// So much news would fill the queue that everybody shares.
#[tokio::test]
async fn of_a_large_group_that_is_renamed_the_other_devices_read_the_list_again() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let ann = world.person("ann").await;
    for number in 0..33 {
        let member = world.person(&format!("member{number}")).await;
        world.become_contacts(&ann, &member).await;
        contacts.group(&ann, member.user, "Choir").await.unwrap();
    }
    let renamed = contacts.rename_group(&ann, "Choir", "Singers").await.unwrap();
    assert_eq!(renamed.reply.users.len(), 33);
    assert_eq!(renamed.news.len(), 1);
    assert_eq!(renamed.news[0].origin, Some(ann.session));
    let heard = heard(&renamed.news, ann.user);
    assert!(matches!(&heard[..], [Event::Heads { heads }] if heads.is_empty()), "{heard:?}");
}

/// A node of the version before knows no groups, and so leaves them behind.
#[tokio::test]
async fn a_group_that_outlived_the_contact_is_not_shown() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let (ann, bob) = (world.person("ann").await, world.person("bob").await);
    let left_behind = |pair: &mut Pair| {
        pair.mine.blocked = true;
        pair.mine.group = GroupName::cut("Choir");
        Ok::<_, RelationRefusal>(())
    };
    world.database.change_contact(ann.user, bob.user, left_behind).await.unwrap();
    let listed = contacts.list(&ann).await.unwrap();
    assert_eq!((listed[0].blocked, listed[0].group.as_str()), (true, ""));
}

#[tokio::test]
async fn who_is_not_there_cannot_be_a_contact() {
    let world = World::new().await;
    let contacts = &world.services.contacts;
    let ann = world.person("ann").await;
    for (name, expected) in
        [("nobody", Code::NoSuchUser), ("a b", Code::NoSuchUser), ("Ann", Code::Yourself)]
    {
        assert_eq!(code(contacts.request(&ann, ask(name)).await).map(drop), Err(expected));
    }
    let refused = code(contacts.accept(&ann, UserId(7)).await);
    assert_eq!(refused.map(drop), Err(Code::NoSuchUser));
}

#[tokio::test]
async fn a_status_is_checked_and_kept() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    let statuses = &world.services.presence;
    let set = async |availability, text: &str| {
        let request = SetPresence { availability, preset: None, text: text.into() };
        code(statuses.set(&ann, request).await)
    };
    assert_eq!(set(Availability::Offline, "").await, Err(Code::BadRequest));
    assert_eq!(set(Availability::Away, &"x".repeat(121)).await, Err(Code::StatusTooLong));
    let stored = set(Availability::Invisible, "at home").await;
    assert_eq!(stored.clone().map(|it| it.presence), Ok(at_home(Availability::Invisible)));
    assert_eq!(statuses.of_account(ann.user).await.ok(), stored.ok());
}
