//! People of a former host, in numbers.

use thrive_protocol::ids::Seq;
use thrive_protocol::people::Relation;

use super::*;
use crate::store::import::{Account, Conversation, Import, Message, Side};

/// Everybody has everybody else: 62 250 rows. One by one, they took longer than a transaction may.
const PEOPLE: i64 = 250;
const MESSAGES: u64 = 1_100;

fn a_host() -> Import {
    let people = || (1..=PEOPLE).map(UserId);
    let account = |user: UserId| Account {
        user,
        username: Username::parse(&format!("person{user}")).unwrap(),
        password_hash: HASH.into(),
        created: NOW,
        email: None,
    };
    let side = |owner, other| Side { owner, other, relation: Relation::Contact, blocked: false };
    let of = |owner| people().filter(move |it| *it != owner).map(move |it| side(owner, it));
    let chat = |id: i64, messages: u64| Conversation {
        conversation: ConversationId(id),
        low: UserId(id),
        high: UserId(id + 1),
        created: NOW,
        messages: (1..=messages)
            .map(|number| message(ConversationId(id), UserId(id), number))
            .map(|it| Message { sender: it.sender, id: it.id, time: it.time, text: it.text })
            .collect(),
    };
    Import {
        accounts: people().map(account).collect(),
        sides: people().flat_map(of).collect(),
        conversations: (1..PEOPLE).map(|id| chat(id, if id == 7 { MESSAGES } else { 1 })).collect(),
        bans: Vec::new(),
        file_bans: Vec::new(),
        admins: Vec::new(),
        now: NOW,
    }
}

#[tokio::test]
async fn a_host_of_some_ten_thousand_rows_is_taken_over_at_once_or_not_at_all() {
    on_each_engine(async |database| {
        let nobody = (UserId(0), Username::parse("nobody").unwrap());
        let wrong = Import { admins: vec![nobody], ..a_host() };
        assert!(database.import(&wrong).await.is_err());
        assert_eq!(database.count_accounts().await.unwrap(), 0);
        let begun = std::time::Instant::now();
        database.import(&a_host()).await.unwrap();
        println!("the import: {:?}", begun.elapsed());
        assert_eq!(database.count_accounts().await.unwrap(), PEOPLE as u64);
        let listed = database.list_contacts(UserId(PEOPLE)).await.unwrap();
        assert_eq!(listed.len() as i64, PEOPLE - 1);
        let chat = ConversationId(7);
        let entries = database.entries_after(chat, Seq::START, 5_000).await.unwrap();
        let found: Vec<_> = entries.iter().map(|it| (it.seq.0, it.sender, it.time.0)).collect();
        let said = (1..=MESSAGES).map(|it| (it, UserId(7), NOW.0 + it as i64));
        assert_eq!(found, said.collect::<Vec<_>>());
        let seen = database.conversation(UserId(8), chat).await.unwrap().unwrap();
        assert_eq!((seen.peer, seen.head), (UserId(7), Seq(MESSAGES)));
        let next = append_one(&database, message(chat, UserId(8), 9_999)).await.unwrap();
        assert_eq!(next.seq, Seq(MESSAGES + 1));
    })
    .await;
}
