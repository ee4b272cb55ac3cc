//! Accounts, sessions, contacts, conversations and marks.

use thrive_protocol::people::{Availability, Presence, Relation};
use thrive_protocol::text::{DeviceName, RequestText, StatusText};

use super::*;
use crate::domain::relation::{Pair, RelationRefusal};
use crate::store::accounts::CreateAccountError;
use crate::store::contacts::ChangeContactError;
use crate::store::sessions::NewSession;
use thrive_protocol::ids::{Seq, SessionId};
use thrive_protocol::limits::CONTACTS;

#[tokio::test]
async fn a_name_is_given_once_and_not_soon_again() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        let name = |raw: &str| Username::parse(raw).unwrap();
        let create = async |raw: &str, freed_before| {
            let new = NewAccount {
                username: name(raw),
                password_hash: "x".into(),
                created: NOW,
                freed_before,
                invite: None,
                first_is_admin: false,
                address: None,
            };
            database.create_account(new).await
        };
        assert!(matches!(create("ann", NOW).await, Err(CreateAccountError::Taken)));
        let freed = "INSERT INTO freed_username (username, freed) VALUES ('old', $1)";
        database.write("free a name", freed, super::super::values![NOW]).await.unwrap();
        let before = Time(NOW.0 - 1);
        assert!(matches!(create("old", before).await, Err(CreateAccountError::Taken)));
        assert!(create("old", NOW).await.is_ok());
        assert_eq!(database.find_user(&name("ann")).await.unwrap(), Some(ann));
        assert_eq!(database.find_user(&name("nobody")).await.unwrap(), None);
        assert_eq!(database.username(ann).await.unwrap(), Some(name("ann")));
        assert_eq!(database.credentials(&name("ann")).await.unwrap().unwrap().user, ann);
        assert_eq!(database.count_accounts().await.unwrap(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_chosen_status_is_kept_with_a_number_that_rises() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        let bob = account(&database, "bob").await;
        let fresh = database.statuses_of(&[ann]).await.unwrap();
        assert_eq!(fresh[0].1.presence.availability, Availability::Online);
        let mut last = fresh[0].1.changed;
        let all = [
            Availability::Invisible,
            Availability::DoNotDisturb,
            Availability::Busy,
            Availability::Away,
            Availability::Online,
        ];
        for availability in all {
            let presence = Presence::new(availability, StatusText::cut("at lunch"));
            let chosen = database.choose_status(ann, presence.clone()).await.unwrap();
            assert!(last < chosen.changed && chosen.presence == presence);
            last = chosen.changed;
            let both = database.statuses_of(&[bob, UserId(77), ann]).await.unwrap();
            assert!(both.len() == 2 && both.contains(&(ann, chosen)), "{both:?}");
        }
        assert!(database.choose_status(UserId(77), Presence::default()).await.is_err());
    })
    .await;
}

#[tokio::test]
async fn the_session_that_was_unused_for_longest_makes_room() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        let begin = async |number: u8| {
            let new = NewSession {
                user: ann,
                verified: HASH.into(),
                token_hash: [number; 32],
                device: DeviceName::cut(&format!("device {number}")),
                created: Time(NOW.0 + i64::from(number)),
                at_most: 3,
            };
            database.begin_session(&new).await.unwrap().unwrap()
        };
        let first = begin(1).await.session;
        let second = begin(2).await.session;
        assert!(begin(3).await.ended.is_empty());
        database.touch_session(first, Time(NOW.0 + 100)).await.unwrap();
        assert_eq!(begin(4).await.ended, [second]);
        assert!(database.find_session([2; 32]).await.unwrap().is_none());
        let found = database.find_session([1; 32]).await.unwrap().unwrap();
        assert_eq!((found.session, found.user, found.last_seen.0), (first, ann, NOW.0 + 100));
        let listed = database.list_sessions(ann, first).await.unwrap();
        assert_eq!(listed.iter().filter(|it| it.current).count(), 1);
        assert_eq!((listed.len(), listed[0].session), (3, first));
        let bob = account(&database, "bob").await;
        assert!(!database.end_session(bob, first).await.unwrap());
        let ended = database.change_password(ann, HASH, "new", Some(first)).await;
        assert_eq!(ended.unwrap().unwrap().len(), 2);
        assert!(database.end_session(ann, first).await.unwrap());
        assert!(!database.end_session(ann, first).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_password_that_was_changed_meanwhile_begins_and_changes_nothing() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        let begin = async |number: u8, verified: &str| {
            let new = NewSession {
                user: ann,
                verified: verified.into(),
                token_hash: [number; 32],
                device: DeviceName::cut("phone"),
                created: NOW,
                at_most: 3,
            };
            database.begin_session(&new).await.unwrap()
        };
        let kept = begin(1, HASH).await.unwrap().session;
        let changed = database.change_password(ann, HASH, "second", None).await.unwrap();
        assert_eq!(changed, Some(Vec::new()));
        assert!(begin(2, HASH).await.is_none());
        assert!(!database.renew_hash(ann, HASH, "third").await.unwrap());
        let refused = database.change_password(ann, HASH, "third", Some(SessionId(7)));
        assert!(refused.await.unwrap().is_none());
        assert!(database.contacts_version(ann, kept).await.unwrap().is_some());
        assert_eq!(database.list_sessions(ann, kept).await.unwrap().len(), 1);
        let name = Username::parse("ann").unwrap();
        let known = database.credentials(&name).await.unwrap().unwrap();
        assert_eq!(known.password_hash, "second");
        assert!(begin(2, "second").await.is_some());
    })
    .await;
}

#[tokio::test]
async fn both_sides_of_a_pair_are_written_together_and_blank_sides_go() {
    on_each_engine(async |database| {
        let (ann, bob, _) = ann_and_bob(&database).await;
        let ask = |pair: &mut Pair| pair.request(&RequestText::cut("It is Ann."));
        database.change_contact(ann, bob, ask).await.unwrap();
        let seen = database.pair(bob, ann).await.unwrap();
        assert_eq!((seen.mine.relation, seen.theirs.relation), (Relation::AsksMe, Relation::Asked));
        assert_eq!(seen.mine.request.as_str(), "It is Ann.");
        assert!(matches!(
            database.change_contact(ann, bob, ask).await,
            Err(ChangeContactError::Refused(RelationRefusal::AlreadyAsked))
        ));
        database.change_contact(bob, ann, Pair::accept).await.unwrap();
        assert_eq!(database.watchers_of(&[ann]).await.unwrap(), [(ann, bob)]);
        let mut both = database.watchers_of(&[ann, bob]).await.unwrap();
        both.sort();
        let mut expected = [(ann, bob), (bob, ann)];
        expected.sort();
        assert_eq!(both, expected);
        let changed = database
            .change_contact(bob, ann, |pair| {
                pair.block();
                Ok::<_, RelationRefusal>(())
            })
            .await
            .unwrap();
        assert!(!changed.before.mine.blocked && changed.after.mine.blocked);
        assert_eq!(database.watchers_of(&[ann, bob]).await.unwrap(), []);
        let list = database.list_contacts(ann).await.unwrap();
        assert!(list[0].blocked_by_them && !list[0].side.blocked);
        database.change_contact(ann, bob, Pair::remove).await.unwrap();
        assert!(database.list_contacts(ann).await.unwrap().is_empty());
        assert_eq!(database.list_contacts(bob).await.unwrap().len(), 1);
    })
    .await;
}

/// Makes as many accounts as a list has lines, and fills the list with them.
async fn fill(database: &Database, owner: UserId, relation: &str) {
    let many: Vec<_> = (0..CONTACTS as i64).map(|i| (1_000 + i, i)).collect();
    for chunk in many.chunks(100) {
        let people: Vec<_> =
            chunk.iter().map(|(id, i)| format!("({id}, 'many{i}', '', 0)")).collect();
        let lines: Vec<_> =
            chunk.iter().map(|(id, _)| format!("({}, {id}, '{relation}')", owner.0)).collect();
        for sql in [
            format!(
                "INSERT INTO account (id, username, password_hash, created) VALUES {}",
                people.join(", ")
            ),
            format!("INSERT INTO contact (owner, other, relation) VALUES {}", lines.join(", ")),
        ] {
            database.write("fill a list", sql, Vec::new()).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_list_that_others_have_filled_keeps_nobody_from_blocking() {
    on_each_engine(async |database| {
        let (ann, bob, _) = ann_and_bob(&database).await;
        fill(&database, ann, "asks_me").await;
        let zoe = account(&database, "zoe").await;
        let block = |pair: &mut Pair| {
            pair.block();
            Ok::<_, RelationRefusal>(())
        };
        for other in [bob, zoe] {
            database.change_contact(ann, other, block).await.unwrap();
        }
        let listed = database.list_contacts(ann).await.unwrap();
        // No more than a list holds, by name, and requests of others are left out first.
        assert_eq!(listed.len(), CONTACTS);
        assert!(listed.is_sorted_by_key(|it| it.username.as_str().to_owned()));
        let blocked: Vec<_> = listed.iter().filter(|it| it.side.blocked).collect();
        assert_eq!(blocked.iter().map(|it| it.user).collect::<Vec<_>>(), [bob, zoe]);

        let unblock = |pair: &mut Pair| {
            pair.unblock();
            Ok::<_, RelationRefusal>(())
        };
        database.change_contact(ann, bob, unblock).await.unwrap();
        let ask = |pair: &mut Pair| pair.request(&RequestText::default());
        let full = database.change_contact(ann, bob, ask).await;
        assert!(matches!(full, Err(ChangeContactError::Full)));
    })
    .await;
}

#[tokio::test]
async fn a_full_list_takes_no_more_people() {
    on_each_engine(async |database| {
        let (ann, bob, _) = ann_and_bob(&database).await;
        fill(&database, ann, "asked").await;
        let ask = |pair: &mut Pair| pair.request(&RequestText::default());
        let full = database.change_contact(ann, bob, ask).await;
        assert!(matches!(full, Err(ChangeContactError::Full)));
        let full = database.change_contact(bob, ann, ask).await;
        assert!(matches!(full, Err(ChangeContactError::Full)));
        assert_eq!(database.pair(bob, ann).await.unwrap(), Pair::default());
        let known = UserId(1_000);
        assert!(database.change_contact(ann, known, Pair::remove).await.is_ok());
        assert!(database.change_contact(ann, bob, ask).await.is_ok());
    })
    .await;
}

#[tokio::test]
async fn two_people_have_one_conversation_whoever_opens_it() {
    on_each_engine(async |database| {
        let (ann, bob, conversation) = ann_and_bob(&database).await;
        assert_eq!(database.create_direct(ann, bob, NOW).await.unwrap(), None);
        assert_eq!(database.find_direct(ann, bob).await.unwrap(), Some(conversation));
        assert_eq!(database.find_direct(bob, ann).await.unwrap(), Some(conversation));
        let seen = database.conversation(ann, conversation).await.unwrap().unwrap();
        assert_eq!((seen.peer, seen.peer_name.as_str(), seen.head), (bob, "bob", Seq(0)));
        let eve = account(&database, "eve").await;
        assert!(database.conversation(eve, conversation).await.unwrap().is_none());
    })
    .await;
}

#[tokio::test]
async fn marks_only_grow_and_what_is_read_unseen_stays_with_its_reader() {
    on_each_engine(async |database| {
        let (ann, bob, conversation) = ann_and_bob(&database).await;
        let marks = async || {
            let mine = database.conversation(ann, conversation).await.unwrap().unwrap();
            let theirs = database.conversation(bob, conversation).await.unwrap().unwrap();
            (mine.read.0, theirs.peer_read.0, theirs.peer_delivered.0)
        };
        database.mark_delivered(ann, conversation, Seq(4)).await.unwrap();
        assert_eq!(marks().await, (0, 0, 4));
        database.mark_read(ann, conversation, Seq(3)).await.unwrap();
        assert_eq!(marks().await, (3, 3, 4));
        database.mark_read_unseen(ann, conversation, Seq(7)).await.unwrap();
        assert_eq!(marks().await, (7, 3, 4));
        database.mark_read(ann, conversation, Seq(5)).await.unwrap();
        database.mark_delivered(ann, conversation, Seq(1)).await.unwrap();
        assert_eq!(marks().await, (7, 5, 5));
        let standing = database.standing(ann, conversation).await.unwrap().unwrap();
        assert_eq!((standing.peer, standing.read, standing.shown_read), (bob, Seq(7), Seq(5)));
        assert!(!standing.blocked && !standing.invisible);
    })
    .await;
}
