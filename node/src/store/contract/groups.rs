//! Groups of contacts.

use thrive_protocol::ids::{SessionId, UserId};
use thrive_protocol::people::Relation;
use thrive_protocol::text::{DeviceName, GroupName};

use super::{HASH, NOW, account, on_each_engine};
use crate::domain::relation::{Pair, RelationRefusal};
use crate::store::Database;
use crate::store::sessions::NewSession;

async fn session(database: &Database, user: UserId) -> SessionId {
    let new = NewSession {
        user,
        verified: HASH.to_owned(),
        token_hash: [1; 32],
        device: DeviceName::cut("test"),
        created: NOW,
        at_most: 3,
    };
    database.begin_session(&new).await.unwrap().unwrap().session
}

/// Makes somebody stand so in the list of `owner`, in a group.
async fn put(database: &Database, owner: UserId, name: &str, relation: Relation, group: &str) {
    let other = account(database, name).await;
    let change = |pair: &mut Pair| {
        pair.mine.relation = relation;
        pair.mine.blocked = relation == Relation::None;
        pair.mine.group = GroupName::cut(group);
        Ok::<_, RelationRefusal>(())
    };
    database.change_contact(owner, other, change).await.unwrap();
}

/// Everybody's group in the list of `owner`, by name.
async fn groups(database: &Database, owner: UserId) -> String {
    let list = database.list_contacts(owner).await.unwrap();
    let group = |group: &GroupName| group.as_str().to_owned();
    list.iter().map(|it| group(&it.side.group)).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn a_group_is_renamed_for_all_contacts_in_it_at_once_and_for_nobody_else() {
    on_each_engine(async |database| {
        let (ann, eve) = (account(&database, "ann").await, account(&database, "eve").await);
        let mine = session(&database, ann).await;
        let version = async || database.contacts_version(ann, mine).await.unwrap().unwrap();
        for (name, group) in [("bob", "Übung"), ("cleo", "ÜBUNG"), ("dan", "Pub"), ("fay", "")] {
            put(&database, ann, name, Relation::Contact, group).await;
        }
        // A node of the version before leaves a group behind when two part.
        put(&database, ann, "gil", Relation::None, "Übung").await;
        put(&database, eve, "hal", Relation::Contact, "Übung").await;
        let before = version().await;
        let rename = async |group: &str, name: &str| {
            let (group, name) = (GroupName::cut(group), GroupName::cut(name));
            let renamed = database.rename_group(ann, &group, &name).await.unwrap()?;
            let changed = renamed.changed.iter();
            let changed = changed.map(|it| format!("{} {}", it.username, it.side.group.as_str()));
            Some((renamed.members.len(), changed.collect::<Vec<_>>().join(", ")))
        };
        assert_eq!(rename("Work", "Choir").await, None);
        assert_eq!(rename("", "Choir").await, None);
        assert_eq!(version().await, before);

        let moved = Some((2, "bob Choir, cleo Choir".to_owned()));
        assert_eq!(rename("übung", "Choir").await, moved);
        assert_eq!(groups(&database, ann).await, "Choir Choir Pub  Übung");
        assert_eq!(groups(&database, eve).await, "Übung");
        assert_eq!(version().await, before + 1);
        assert_eq!(rename("choir", "Choir").await, Some((2, String::new())), "it is so already");
        assert_eq!(version().await, before + 1);

        let joined = Some((2, "bob Pub, cleo Pub".to_owned()));
        assert_eq!(rename("Choir", "pub").await, joined);
        let lowered = Some((3, "bob pub, cleo pub, dan pub".to_owned()));
        assert_eq!(rename("Pub", "pub").await, lowered);
        assert_eq!(rename("Pub", "").await.map(|(members, _)| members), Some(3));
        assert_eq!(groups(&database, ann).await, "    Übung");
        assert_eq!(version().await, before + 4);
    })
    .await;
}

#[tokio::test]
async fn a_group_that_is_written_in_many_ways_is_renamed_as_one() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        let forms = ["work", "Work", "wOrk", "woRk", "worK"];
        for (name, form) in ["bob", "cleo", "dan", "fay", "gil"].into_iter().zip(forms) {
            put(&database, ann, name, Relation::Contact, form).await;
        }
        let (group, name) = (GroupName::cut("WORK"), GroupName::cut("wOrk"));
        let renamed = database.rename_group(ann, &group, &name).await.unwrap().unwrap();
        assert_eq!((renamed.members.len(), renamed.changed.len()), (5, 4));
        assert_eq!(groups(&database, ann).await, ["wOrk"; 5].join(" "));
    })
    .await;
}
