//! The directory and what people let others see, as a caller gets it.

use thrive_protocol::admin::AdminCommand;
use thrive_protocol::directory::{Directory, DirectoryPage, Listed, SetPrivacy, Tab};

use super::*;
use crate::last_seen;

impl World {
    async fn page(&self, caller: &Caller, request: Directory) -> DirectoryPage {
        self.services.people.page(caller, request).await.unwrap()
    }

    async fn tab(&self, caller: &Caller, tab: Tab) -> Vec<String> {
        let page = self.page(caller, Directory { tab, ..all() }).await;
        assert_eq!(page.next, None);
        page.people.iter().map(|it| it.username.to_string()).collect()
    }

    async fn listed(&self, caller: &Caller, name: &str) -> Option<Listed> {
        let page = self.page(caller, Directory { search: name.into(), ..all() }).await;
        page.people.into_iter().find(|it| it.username.as_str() == name)
    }

    async fn lets(&self, caller: &Caller, set: SetPrivacy) {
        self.services.privacy.set(caller, set).await.unwrap();
    }
}

fn all() -> Directory {
    Directory { tab: Tab::Everyone, search: String::new(), after: None, limit: 200 }
}

fn open() -> SetPrivacy {
    SetPrivacy { presence_to_strangers: Some(true), ..SetPrivacy::default() }
}

fn block(name: &str) -> thrive_protocol::request::BlockUser {
    thrive_protocol::request::BlockUser { username: name.into() }
}

#[tokio::test]
async fn strangers_are_shown_as_offline_unless_they_want_to_be_seen() {
    let world = World::new().await;
    let [ann, bob, eve] =
        [world.person("ann").await, world.person("bob").await, world.person("eve").await];
    world.become_contacts(&ann, &bob).await;
    for caller in [&ann, &bob, &eve] {
        world.shows(caller, Availability::Busy).await;
    }
    assert_eq!(world.tab(&ann, Tab::Everyone).await, ["ann", "bob", "eve"]);
    assert_eq!(world.tab(&ann, Tab::Online).await, ["ann", "bob"]);
    assert_eq!(world.tab(&ann, Tab::Offline).await, ["eve"]);
    assert_eq!(world.tab(&eve, Tab::Online).await, ["eve"]);
    world.lets(&eve, open()).await;
    assert_eq!(world.tab(&ann, Tab::Online).await, ["ann", "bob", "eve"]);
    let seen = world.listed(&ann, "eve").await.unwrap();
    assert_eq!((seen.presence, seen.you), (at_home(Availability::Busy), false));
    assert!(world.listed(&ann, "ann").await.unwrap().you);
    assert_eq!(world.tab(&ann, Tab::Admins).await, [""; 0]);
    let order = |command| world.services.admins.host(command);
    order(AdminCommand::Promote { username: "bob".into() }).await.unwrap();
    assert_eq!(world.tab(&ann, Tab::Admins).await, ["bob"]);
    assert!(world.listed(&ann, "bob").await.unwrap().admin);
    assert!(!world.listed(&ann, "eve").await.unwrap().admin);
    order(AdminCommand::Demote { username: "bob".into() }).await.unwrap();
    assert_eq!(world.tab(&ann, Tab::Admins).await, [""; 0]);
    order(AdminCommand::DeleteUser { username: "eve".into() }).await.unwrap();
    assert_eq!(world.tab(&ann, Tab::Everyone).await, ["ann", "bob"]);
}

#[tokio::test]
async fn a_block_hides_in_both_directions_and_invisible_is_offline_to_everybody() {
    let world = World::new().await;
    let [ann, bob, eve] =
        [world.person("ann").await, world.person("bob").await, world.person("eve").await];
    world.become_contacts(&ann, &bob).await;
    for caller in [&ann, &bob, &eve] {
        world.lets(caller, open()).await;
        world.shows(caller, Availability::Online).await;
    }
    world.services.contacts.block(&ann, block("eve")).await.unwrap();
    assert!(world.listed(&eve, "ann").await.is_none());
    let eve_row = world.listed(&ann, "eve").await.unwrap();
    assert_eq!((eve_row.blocked, eve_row.presence), (true, Presence::default()));
    world.shows(&bob, Availability::Invisible).await;
    assert_eq!(world.tab(&ann, Tab::Online).await, ["ann"]);
    assert_eq!(world.listed(&ann, "bob").await.unwrap().presence, Presence::default());
    assert_eq!(world.listed(&bob, "bob").await.unwrap().presence, Presence::default());
}

#[tokio::test]
async fn pages_hold_everybody_once_whatever_the_tab() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    for number in 0..30 {
        let person = world.person(&format!("person{number:02}")).await;
        world.lets(&person, open()).await;
        if number % 3 == 0 {
            world.shows(&person, Availability::Online).await;
        }
    }
    for (tab, expected) in [(Tab::Everyone, 31_usize), (Tab::Online, 10), (Tab::Offline, 21)] {
        let (mut found, mut after, mut pages) = (Vec::new(), None, 0);
        loop {
            let page = world.page(&ann, Directory { tab, after, limit: 5, ..all() }).await;
            found.extend(page.people.iter().map(|it| it.username.to_string()));
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let mut sorted = found.clone();
        sorted.sort();
        sorted.dedup();
        assert_eq!((found.len(), sorted.len(), pages), (expected, expected, expected.div_ceil(5)));
    }
}

#[tokio::test]
async fn what_is_no_name_finds_nobody_and_what_is_no_place_is_refused() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    for search in ["änn", "a b", "%", &"x".repeat(33)] {
        let page = world.page(&ann, Directory { search: search.into(), ..all() }).await;
        assert_eq!((page.people.len(), page.next), (0, None), "{search}");
    }
    let page = world.page(&ann, Directory { search: " ANN ".into(), ..all() }).await;
    assert_eq!(page.people.len(), 1);
    for after in ["Ann", "a b", &"x".repeat(33)] {
        let request = Directory { after: Some(after.into()), ..all() };
        let refused = code(world.services.people.page(&ann, request).await);
        assert_eq!(refused.map(drop), Err(Code::BadRequest), "{after}");
    }
}

#[tokio::test]
async fn contacts_see_when_somebody_was_last_there_if_they_want_it_and_strangers_never() {
    let world = World::new().await;
    let [ann, bob, eve] =
        [world.person("ann").await, world.person("bob").await, world.person("eve").await];
    world.become_contacts(&ann, &bob).await;
    let now = clock::now();
    let seen = async |by: &Caller| world.listed(by, "bob").await.unwrap().presence.last_seen;
    world.database.saw(&[bob.user], now).await.unwrap();
    assert_eq!(seen(&ann).await, None, "not unless he says so");
    let share = SetPrivacy { last_seen_to_contacts: Some(true), ..open() };
    world.lets(&bob, share).await;
    world.database.saw(&[bob.user], now).await.unwrap();
    assert_eq!(seen(&ann).await, Some(last_seen::shown(now)));
    assert_eq!(seen(&eve).await, None);
    let row = &world.services.contacts.list(&ann).await.unwrap()[0];
    assert_eq!(row.presence.last_seen, Some(last_seen::shown(now)));
    world.shows(&bob, Availability::Online).await;
    let row = &world.services.contacts.list(&ann).await.unwrap()[0];
    assert_eq!(row.presence.last_seen, None, "he is there");
    world.shows(&bob, Availability::Invisible).await;
    let named = world.services.contacts.name(&ann, bob.user, "Bobby").await.unwrap().reply;
    assert_eq!(named.presence.last_seen, Some(last_seen::shown(now)), "as before");
    world.services.contacts.block(&bob, block("ann")).await.unwrap();
    let row = &world.services.contacts.list(&ann).await.unwrap()[0];
    assert_eq!(row.presence, Presence::default());
}

#[tokio::test]
async fn where_a_page_goes_on_does_not_tell_who_is_there_unseen() {
    let world = World::new().await;
    let ann = world.person("ann").await;
    for seen in ["bob", "dora"] {
        let person = world.person(seen).await;
        world.lets(&person, open()).await;
        world.shows(&person, Availability::Online).await;
    }
    let carl = world.person("carl").await;
    let first = Directory { tab: Tab::Online, limit: 1, ..all() };
    let away = world.page(&ann, first.clone()).await;
    assert_eq!(away.next.as_deref(), Some("bob"));
    world.shows(&carl, Availability::Online).await;
    assert_eq!(world.page(&ann, first.clone()).await, away);
    let second = world.page(&ann, Directory { after: away.next, ..first }).await;
    assert_eq!((second.people[0].username.as_str(), second.next), ("dora", None));
}

#[tokio::test]
async fn searches_have_a_pace_and_the_whole_list_has_none() {
    let world = World::new().await;
    let [ann, bob] = [world.person("ann").await, world.person("bob").await];
    let look = async |caller: &Caller, search: &str| {
        let request = Directory { search: search.into(), ..all() };
        code(world.services.people.page(caller, request).await).map(drop)
    };
    let mut tired = 0;
    for _ in 0..20 {
        tired += usize::from(look(&ann, "nobody-has-this").await == Err(Code::SlowDown));
    }
    assert!((5..=10).contains(&tired), "{tired}");
    for _ in 0..20 {
        assert_eq!(look(&ann, "").await, Ok(()));
    }
    assert_eq!(look(&bob, "ann").await, Ok(()), "others are not held up");
}
