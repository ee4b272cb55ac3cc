//! What every engine must do. Each test runs on each engine that this machine has.

mod admins;
mod appending;
mod comparing;
mod emails;
mod files;
mod found;
mod groups;
mod importing;
mod marks;
mod people;
mod transactions;

use thrive_protocol::ids::{ClientMsgId, ConversationId, Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::text::MessageText;

use crate::config;
use crate::store::Database;
use crate::store::accounts::NewAccount;
use crate::store::append::{Append, AppendRefusal, Appended};

pub(crate) const NOW: Time = Time(1_800_000_000_000);
/// The password hash of every account.
const HASH: &str = "$argon2id$";

/// Runs a test on a fresh database of each engine.
pub(crate) async fn on_each_engine(test: impl AsyncFn(Database)) {
    let folder = tempfile::tempdir().unwrap();
    test(Database::open(&folder.path().join("thrive.db")).unwrap()).await;
    test(Database::connect(&fresh_postgres()).await.unwrap()).await;
}

/// The settings of a Postgres database with nothing in it.
pub(crate) fn fresh_postgres() -> config::Postgres {
    postgres_at(&thrive_services::postgres().fresh())
}

pub(crate) fn postgres_at(url: &str) -> config::Postgres {
    let url = config::Url::parse(url, &["postgres"]).unwrap();
    config::Postgres { url, password_file: None, ca: None, connections: 6 }
}

pub(crate) async fn account(database: &Database, name: &str) -> UserId {
    let new = NewAccount {
        username: Username::parse(name).unwrap(),
        password_hash: HASH.into(),
        created: NOW,
        freed_before: NOW,
        invite: None,
        first_is_admin: false,
        address: None,
    };
    database.create_account(new).await.unwrap().user
}

/// Ann, Bob, and their conversation.
pub(crate) async fn ann_and_bob(database: &Database) -> (UserId, UserId, ConversationId) {
    let ann = account(database, "ann").await;
    let bob = account(database, "bob").await;
    let conversation = database.create_direct(bob, ann, NOW).await.unwrap().unwrap();
    (ann, bob, conversation)
}

/// The message that a sender knows by this number.
pub(crate) fn message(conversation: ConversationId, sender: UserId, number: u64) -> Append {
    let mut id = [0; 16];
    id[8..].copy_from_slice(&number.to_be_bytes());
    Append {
        conversation,
        sender,
        id: ClientMsgId(id),
        text: MessageText::parse(&format!("message {number}")).unwrap(),
        time: Time(NOW.0 + i64::try_from(number).unwrap()),
    }
}

async fn append_one(database: &Database, item: Append) -> Result<Appended, AppendRefusal> {
    let [answer] = database.append(vec![item]).await.unwrap().try_into().unwrap();
    answer
}
