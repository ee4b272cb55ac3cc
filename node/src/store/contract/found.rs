//! The directory, what people let others see, and when they were last seen.

use std::time::{Duration, Instant};

use thrive_protocol::directory::{Privacy, SetPrivacy};
use thrive_protocol::people::{Availability, Presence, Relation};
use thrive_protocol::preset::Preset;
use thrive_protocol::text::StatusText;

use super::*;
use crate::domain::relation::{Pair, RelationRefusal};
use crate::store::directory::{Found, Look, MOST_BY_ID};
use crate::store::value::values;

/// Anybody, from the start.
fn anybody(caller: UserId) -> Look<'static> {
    Look { caller, search: "", after: "", only: None, limit: 100 }
}

async fn names(database: &Database, look: Look<'_>) -> Vec<String> {
    let found = database.look_up(look).await.unwrap();
    found.into_iter().map(|it| it.username.to_string()).collect()
}

async fn block(database: &Database, me: UserId, them: UserId) {
    let block = |pair: &mut Pair| {
        pair.block();
        Ok::<_, RelationRefusal>(())
    };
    database.change_contact(me, them, block).await.unwrap();
}

fn hidden() -> SetPrivacy {
    SetPrivacy { listed: Some(false), ..SetPrivacy::default() }
}

#[tokio::test]
async fn whoever_has_not_proven_their_address_is_not_found() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        emails::waiting(&database, "mallory", "m@example.org", NOW).await.unwrap();
        assert_eq!(names(&database, anybody(ann)).await, ["ann"]);
    })
    .await;
}

#[tokio::test]
async fn people_are_found_by_a_part_of_their_name_page_by_page_in_one_order() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        for name in ["joanna", "bob", "hannah", "a.n_n", "axnxn", "a-z"] {
            account(&database, name).await;
        }
        let search = |search| Look { search, ..anybody(ann) };
        assert_eq!(names(&database, search("ann")).await, ["ann", "hannah", "joanna"]);
        assert_eq!(names(&database, search("n_n")).await, ["a.n_n"], "no wildcard");
        assert_eq!(names(&database, search("nobody")).await, [""; 0]);
        let all = names(&database, anybody(ann)).await;
        assert_eq!(all.len(), 7);
        let (mut paged, mut after) = (Vec::new(), String::new());
        loop {
            let page = names(&database, Look { after: &after, limit: 2, ..anybody(ann) }).await;
            let Some(last) = page.last() else { break };
            after.clone_from(last);
            paged.extend(page);
        }
        assert_eq!(paged, all);
    })
    .await;
}

#[tokio::test]
async fn whoever_opted_out_or_has_blocked_the_one_who_asks_is_not_found() {
    on_each_engine(async |database| {
        let [ann, bob, eve, zoe] = [
            account(&database, "ann").await,
            account(&database, "bob").await,
            account(&database, "eve").await,
            account(&database, "zoe").await,
        ];
        database.set_privacy(eve, hidden(), NOW).await.unwrap();
        block(&database, zoe, ann).await;
        block(&database, ann, bob).await;
        let gone = "UPDATE account SET deleted = 1 WHERE username = 'gone'";
        account(&database, "gone").await;
        database.write("delete an account", gone, values![]).await.unwrap();
        let found = database.look_up(anybody(ann)).await.unwrap();
        let seen: Vec<_> = found.iter().map(|it| (it.user, it.blocked)).collect();
        assert_eq!(seen, [(ann, false), (bob, true)]);
        assert_eq!(names(&database, anybody(eve)).await, ["ann", "bob", "zoe"]);
        let only = [bob, eve, zoe, UserId(77)];
        let look = Look { only: Some(&only), ..anybody(ann) };
        assert_eq!(names(&database, look).await, ["bob"]);
        assert_eq!(names(&database, Look { only: Some(&[]), ..look }).await, [""; 0]);
        let many: Vec<_> = (0..MOST_BY_ID as i64).map(UserId).collect();
        let look = Look { only: Some(&many), ..look };
        assert_eq!(names(&database, look).await, [""; 0]);
    })
    .await;
}

#[tokio::test]
async fn what_is_found_says_where_they_stand_and_what_they_let_be_seen() {
    on_each_engine(async |database| {
        let (ann, bob, _) = ann_and_bob(&database).await;
        let ask = |pair: &mut Pair| pair.request(&Default::default());
        database.change_contact(ann, bob, ask).await.unwrap();
        let [first, second] = database.look_up(anybody(ann)).await.unwrap().try_into().unwrap();
        let stranger = Found {
            user: ann,
            username: Username::parse("ann").unwrap(),
            relation: Relation::None,
            blocked: false,
            presence_to_strangers: false,
            last_seen: None,
        };
        assert_eq!(first, stranger);
        assert_eq!((second.user, second.relation), (bob, Relation::Asked));
        let open = SetPrivacy {
            presence_to_strangers: Some(true),
            last_seen_to_contacts: Some(true),
            ..SetPrivacy::default()
        };
        database.set_privacy(bob, open, NOW).await.unwrap();
        let [_, second] = database.look_up(anybody(ann)).await.unwrap().try_into().unwrap();
        assert_eq!((second.presence_to_strangers, second.last_seen), (true, Some(NOW)));
    })
    .await;
}

#[tokio::test]
async fn privacy_is_careful_by_default_and_changes_only_where_it_is_told_to() {
    on_each_engine(async |database| {
        let (ann, bob, _) = ann_and_bob(&database).await;
        let at_first =
            Privacy { listed: true, presence_to_strangers: false, last_seen_to_contacts: false };
        assert_eq!(database.privacy_of(ann).await.unwrap(), at_first);
        let set = database.set_privacy(ann, hidden(), NOW).await.unwrap();
        assert_eq!(set, Privacy { listed: false, ..at_first });
        let open = SetPrivacy { presence_to_strangers: Some(true), ..SetPrivacy::default() };
        let set = database.set_privacy(ann, open, NOW).await.unwrap();
        assert_eq!(set, Privacy { listed: false, presence_to_strangers: true, ..at_first });
        assert_eq!(database.privacy_of(ann).await.unwrap(), set);
        assert_eq!(database.privacy_of(bob).await.unwrap(), at_first);
        assert!(database.set_privacy(UserId(77), hidden(), NOW).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn when_somebody_was_last_seen_is_kept_only_if_they_want_it_and_never_goes_back() {
    on_each_engine(async |database| {
        let (ann, bob, _) = ann_and_bob(&database).await;
        let at = |seconds: i64| Time(NOW.0 + seconds * 1_000);
        let seen = async |user| database.last_seen_of(&[user]).await.unwrap().get(&user).copied();
        database.saw(&[ann, bob], at(1)).await.unwrap();
        assert_eq!(seen(ann).await, None, "she has not allowed it");
        let share =
            |shown| SetPrivacy { last_seen_to_contacts: Some(shown), ..SetPrivacy::default() };
        // She is not seen just now.
        database.set_privacy(ann, share(true), Time(0)).await.unwrap();
        assert_eq!(seen(ann).await, None);
        database.saw(&[ann, bob], at(5)).await.unwrap();
        database.saw(&[ann], at(3)).await.unwrap();
        assert_eq!((seen(ann).await, seen(bob).await), (Some(at(5)), None));
        database.set_privacy(ann, share(true), at(9)).await.unwrap();
        assert_eq!(seen(ann).await, Some(at(5)), "nothing has changed");
        let many: Vec<_> = (0..300).map(UserId).chain([ann]).collect();
        database.saw(&many, at(7)).await.unwrap();
        assert_eq!(seen(ann).await, Some(at(7)));
        database.set_privacy(ann, share(false), at(9)).await.unwrap();
        database.set_privacy(ann, share(true), Time(0)).await.unwrap();
        assert_eq!(seen(ann).await, None, "it was forgotten");
    })
    .await;
}

#[tokio::test]
async fn a_preset_is_kept_with_the_status() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        for preset in Preset::ALL.iter().copied().map(Some).chain([None]) {
            let status = Presence::new(Availability::Busy, StatusText::cut("really"));
            let chosen = Presence { preset, ..status };
            database.choose_status(ann, chosen.clone()).await.unwrap();
            let stored = database.statuses_of(&[ann]).await.unwrap();
            assert_eq!(stored[0].1.presence, chosen);
        }
    })
    .await;
}

/// A hundred thousand accounts, of whom one in a hundred has blocked the one who asks.
const FILL: &str = "
    WITH RECURSIVE place (at) AS (SELECT 1 UNION ALL SELECT at + 1 FROM place WHERE at < 5000)
    INSERT INTO account (id, username, password_hash, created)
    SELECT at + $1, 'person' || ((at + $1) * 7919 % 100003), 'x', 0 FROM place";

const FILL_BLOCKS: &str = "
    INSERT INTO contact (owner, other, blocked)
    SELECT id, $1, 1 FROM account WHERE id <= 1000";

/// Much more than it takes, on a machine that does much else.
const QUICK: Duration = Duration::from_millis(1_500);

#[tokio::test]
async fn a_hundred_thousand_accounts_are_looked_through_quickly() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        // In parts, each of which a busy machine can do in time.
        for filled in (0..100_000_i64).step_by(5_000) {
            database.write("fill the directory", FILL, values![filled]).await.unwrap();
        }
        database.write("fill the blocks", FILL_BLOCKS, values![ann]).await.unwrap();
        let few: Vec<_> = (5_000..5_100).map(UserId).collect();
        let looks = [
            ("the first page", anybody(ann), 100),
            ("a page in the middle", Look { after: "person5", ..anybody(ann) }, 100),
            ("many", Look { search: "son77", ..anybody(ann) }, 100),
            ("nobody", Look { search: "nobody", ..anybody(ann) }, 0),
            ("a few people", Look { only: Some(&few), ..anybody(ann) }, 100),
        ];
        for (what, look, expected) in looks {
            let start = Instant::now();
            assert_eq!(database.look_up(look).await.unwrap().len(), expected, "{what}");
            let took = start.elapsed();
            println!("{what}: {took:?}");
            assert!(took < QUICK, "{what}: {took:?}");
        }
    })
    .await;
}
