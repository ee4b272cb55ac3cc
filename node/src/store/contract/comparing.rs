//! What a node asks to find out what it was not told.

use thrive_protocol::ids::{ConversationId, SessionId, Time, UserId};
use thrive_protocol::text::DeviceName;

use super::{HASH, NOW, account, on_each_engine};
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
        assert_eq!(database.ended_sessions(&[]).await.unwrap(), []);
        assert_eq!(database.ended_sessions(&all).await.unwrap(), []);
        let over = [all[0], all[77], all[149], SessionId(5)];
        for session in &over[..3] {
            assert!(database.end_session(ann, *session).await.unwrap());
        }
        all.push(SessionId(5));
        assert_eq!(database.ended_sessions(&all).await.unwrap(), over);
        assert_eq!(database.ended_sessions(&all[1..2]).await.unwrap(), []);
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
