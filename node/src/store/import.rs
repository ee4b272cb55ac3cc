//! Writes people, what they hold of each other and what was said to them, all of it or nothing.

use std::collections::BTreeSet;

use thrive_protocol::ids::{ClientMsgId, ConversationId, Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Relation;
use thrive_protocol::text::MessageText;

use crate::store::append::{INSERT_MESSAGE, KIND_TEXT};
use crate::store::contacts::relation_word;
use crate::store::conversations::{INSERT_CONVERSATION, INSERT_DIRECT, INSERT_MEMBERS};
use crate::store::error::Doing;
use crate::store::undisturbed::undisturbed;
use crate::store::value::values;
use crate::store::{Database, StoreError};

/// Everything that is to be there, with its ids.
#[derive(Debug, Default)]
pub struct Import {
    pub accounts: Vec<Account>,
    pub sides: Vec<Side>,
    pub conversations: Vec<Conversation>,
}

#[derive(Debug)]
pub struct Account {
    pub user: UserId,
    pub username: Username,
    /// A PHC string.
    pub password_hash: String,
    pub created: Time,
}

/// What `owner` holds of `other`.
#[derive(Debug)]
pub struct Side {
    pub owner: UserId,
    pub other: UserId,
    pub relation: Relation,
    pub blocked: bool,
}

/// Of two people, with what was said in it, in order.
#[derive(Debug)]
pub struct Conversation {
    pub conversation: ConversationId,
    pub low: UserId,
    pub high: UserId,
    pub created: Time,
    pub messages: Vec<Message>,
}

#[derive(Debug)]
pub struct Message {
    pub sender: UserId,
    pub id: ClientMsgId,
    pub time: Time,
    pub text: MessageText,
}

impl Database {
    /// Every name that nobody else may have: of living accounts, and of former ones.
    ///
    /// # Errors
    /// The store failed.
    pub async fn taken_names(&self) -> Result<BTreeSet<Username>, StoreError> {
        let doing = "read all names";
        let rows = self.read(doing, SELECT_NAMES, values![]).await?;
        let names = rows.iter().map(|row| row.get::<String>(0));
        let names = names.collect::<Result<Vec<_>, _>>().doing(doing)?;
        Ok(names.iter().filter_map(|name| Username::parse(name).ok()).collect())
    }

    /// Writes all of it in one transaction.
    ///
    /// # Errors
    /// Nothing of it is written: a name was taken meanwhile, it took too long, or the store failed.
    pub async fn import(&self, import: &Import) -> Result<(), StoreError> {
        undisturbed(|| self.try_import(import)).await
    }

    async fn try_import(&self, import: &Import) -> Result<(), StoreError> {
        let mut transaction = self.begin("import people").await?;
        for it in &import.accounts {
            let hash = it.password_hash.as_str();
            let params = values![it.user, it.username.as_str(), hash, it.created];
            transaction.run(INSERT_ACCOUNT, params).await?;
        }
        for it in &import.sides {
            let params = values![it.owner, it.other, relation_word(it.relation), it.blocked];
            transaction.run(INSERT_SIDE, params).await?;
        }
        for it in &import.conversations {
            let id = it.conversation;
            transaction.run(INSERT_CONVERSATION, values![id, it.created]).await?;
            transaction.run(INSERT_DIRECT, values![id, it.low, it.high]).await?;
            transaction.run(INSERT_MEMBERS, values![id, it.low, it.high]).await?;
            let mut seq = 0_i64;
            let mut time = it.created;
            for message in &it.messages {
                seq += 1;
                time = message.time;
                let (sender, key) = (message.sender, message.id.0.to_vec());
                let body = message.text.as_str().as_bytes().to_vec();
                let params = values![id, seq, sender, key, time, KIND_TEXT, body];
                transaction.run(INSERT_MESSAGE, params).await?;
            }
            transaction.run(crate::store::append::MOVE_HEAD, values![id, seq, time]).await?;
        }
        transaction.commit().await
    }
}

const SELECT_NAMES: &str = "
    SELECT username FROM account UNION SELECT username FROM freed_username";

const INSERT_ACCOUNT: &str = "
    INSERT INTO account (id, username, password_hash, created) VALUES ($1, $2, $3, $4)";

const INSERT_SIDE: &str = "
    INSERT INTO contact (owner, other, relation, blocked) VALUES ($1, $2, $3, $4)";
