//! What a node asks to find out what it was not told.

use thrive_protocol::ids::{ConversationId, SessionId, Time, UserId};
use thrive_protocol::text::{DeviceName, GroupName, Nickname, RequestText};

use super::{HASH, NOW, account, ann_and_bob, on_each_engine};
use crate::domain::relation::{Pair, RelationRefusal};
use crate::store::Database;
use crate::store::sessions::NewSession;

async fn begin(database: &Database, user: UserId, number: u8) -> SessionId {
    let new = NewSession {
        user,
        verified: HASH.to_owned(),
        token_hash: [number; 32],
        device: DeviceName::cut("test"),
        created: NOW,
        at_most: 500,
    };
    database.begin_session(&new).await.unwrap().unwrap().session
}

#[tokio::test]
async fn sessions_that_are_over_are_told_from_those_that_live_however_many_are_asked_about() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        let mut all = Vec::new();
        for number in 0..150 {
            all.push(begin(&database, ann, number).await);
        }
        let ended = async |asked: &[SessionId]| {
            let live = database.live_sessions(asked).await.unwrap();
            let ended = asked.iter().copied().filter(|id| !live.contains_key(id));
            ended.collect::<Vec<_>>()
        };
        assert_eq!(ended(&[]).await, []);
        assert_eq!(ended(&all).await, []);
        let over = [all[0], all[77], all[149], SessionId(5)];
        for session in &over[..3] {
            assert!(database.end_session(ann, *session).await.unwrap());
        }
        all.push(SessionId(5));
        assert_eq!(ended(&all).await, over);
        assert_eq!(ended(&all[1..2]).await, []);
    })
    .await;
}

#[tokio::test]
async fn the_version_of_contacts_rises_for_those_whose_list_looks_different() {
    on_each_engine(async |database| {
        let (ann, bob, _) = ann_and_bob(&database).await;
        let sessions = [begin(&database, ann, 1).await, begin(&database, bob, 2).await];
        let versions = async || {
            let live = database.live_sessions(&sessions).await.unwrap();
            let mine = database.contacts_version(ann, sessions[0]).await.unwrap();
            assert_eq!(mine, Some(live[&sessions[0]]));
            sessions.map(|it| live[&it])
        };
        assert_eq!(versions().await, [0, 0]);
        let ask = |pair: &mut Pair| pair.request(&RequestText::default());
        database.change_contact(ann, bob, ask).await.unwrap();
        assert_eq!(versions().await, [1, 1]);
        assert!(database.change_contact(ann, bob, ask).await.is_err());
        let same = |_: &mut Pair| Ok::<_, RelationRefusal>(());
        database.change_contact(ann, bob, same).await.unwrap();
        assert_eq!(versions().await, [1, 1]);
        let name = |pair: &mut Pair| {
            pair.mine.nickname = Nickname::cut("Bobby");
            pair.mine.group = GroupName::cut("Choir");
            Ok::<_, RelationRefusal>(())
        };
        database.change_contact(ann, bob, name).await.unwrap();
        assert_eq!(versions().await, [2, 1], "a nickname is nobody else's business");
        let side = &database.list_contacts(ann).await.unwrap()[0].side;
        assert_eq!((side.nickname.as_str(), side.group.as_str()), ("Bobby", "Choir"));
        assert_eq!(*side, database.pair(ann, bob).await.unwrap().mine);
        let block = |pair: &mut Pair| {
            pair.block();
            Ok::<_, RelationRefusal>(())
        };
        database.change_contact(bob, ann, block).await.unwrap();
        assert_eq!(versions().await, [3, 2]);
    })
    .await;
}

#[tokio::test]
async fn members_of_new_conversations_come_page_by_page_and_those_of_people_all_at_once() {
    on_each_engine(async |database| {
        let ann = account(&database, "ann").await;
        let mut made: Vec<(ConversationId, UserId)> = Vec::new();
        for (minute, name) in ["bob", "carol", "dave"].into_iter().enumerate() {
            let other = account(&database, name).await;
            let now = Time(NOW.0 + 60_000 * i64::try_from(minute).unwrap());
            let chat = database.create_direct(ann, other, now).await.unwrap().unwrap();
            made.extend([(chat, ann.min(other)), (chat, ann.max(other))]);
        }
        let since = async |at: i64, after, limit| {
            database.members_since(Time(NOW.0 + at), after, limit).await.unwrap()
        };
        assert_eq!(since(0, None, 10).await, made);
        assert_eq!(since(1, None, 10).await, made[2..]);
        assert_eq!(since(120_001, None, 10).await, []);
        let page = since(0, None, 3).await;
        assert_eq!(page, made[..3]);
        assert_eq!(since(0, page.last().copied(), 3).await, made[3..]);

        let mut found = database.memberships_of(&[ann]).await.unwrap();
        found.sort_unstable();
        let mine: Vec<_> = made.iter().copied().filter(|(_, user)| *user == ann).collect();
        assert_eq!(found, mine);
        let everybody: Vec<_> =
            made.iter().map(|(_, user)| *user).chain((1..200).map(UserId)).collect();
        let mut found = database.memberships_of(&everybody).await.unwrap();
        found.sort_unstable();
        found.dedup();
        assert_eq!(found, made);
    })
    .await;
}
