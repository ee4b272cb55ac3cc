//! Writes people, what they hold of each other and what was said to them, all of it or nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use thrive_protocol::admin::Extension;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Time, UserId};
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;
use thrive_protocol::people::Relation;
use thrive_protocol::text::{MessageText, Reason};

use crate::store::admins::{INSERT_ADMIN, UPSERT_BAN, UPSERT_FILE_BAN};
use crate::store::append::KIND_TEXT;
use crate::store::audit;
use crate::store::contacts::relation_word;
use crate::store::error::{Doing, rule};
use crate::store::undisturbed::undisturbed;
use crate::store::value::{Value, values};
use crate::store::{Database, StoreError, Transaction};

/// Everything that is to be there, with its ids.
#[derive(Debug)]
pub struct Import {
    pub accounts: Vec<Account>,
    pub sides: Vec<Side>,
    pub conversations: Vec<Conversation>,
    /// With the time of the import.
    pub bans: Vec<Ban>,
    pub file_bans: Vec<FileBan>,
    pub admins: Vec<(UserId, Username)>,
    pub now: Time,
}

#[derive(Debug)]
pub struct Ban {
    pub user: UserId,
    pub ends: Time,
    pub reason: Reason,
}

#[derive(Debug)]
pub struct FileBan {
    pub user: UserId,
    pub extension: Extension,
    pub ends: Time,
    pub reason: Reason,
}

#[derive(Debug)]
pub struct Account {
    pub user: UserId,
    pub username: Username,
    /// A PHC string.
    pub password_hash: String,
    pub created: Time,
    /// One that is proved.
    pub email: Option<EmailAddress>,
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
        loop {
            match undisturbed(|| self.try_import(import)).await {
                // Somebody else, or another admin, got this number of a line of the audit.
                Err(error) if error.rule() == Some(rule::AUDIT_PKEY) => {}
                other => return other,
            }
        }
    }

    async fn try_import(&self, import: &Import) -> Result<(), StoreError> {
        let mut transaction = self.begin_for("import people", PATIENCE).await?;
        let accounts = import.accounts.iter().map(|it| {
            let hash = it.password_hash.as_str();
            let email = it.email.as_ref().map_or("", |it| it.as_str());
            let folded = it.email.as_ref().map(EmailAddress::folded).unwrap_or_default();
            values![it.user, it.username.as_str(), hash, it.created, email, folded]
        });
        insert(&mut transaction, INSERT_ACCOUNTS, accounts).await?;
        let sides = import
            .sides
            .iter()
            .map(|it| values![it.owner, it.other, relation_word(it.relation), it.blocked]);
        insert(&mut transaction, INSERT_SIDES, sides).await?;
        insert_conversations(&mut transaction, &import.conversations).await?;
        for it in &import.bans {
            let params = values![it.user, it.ends, it.reason.as_str(), import.now, HOST];
            transaction.run(UPSERT_BAN, params).await?;
        }
        for it in &import.file_bans {
            let (kind, reason) = (it.extension.as_str(), it.reason.as_str());
            let params = values![it.user, kind, it.ends, reason, import.now, HOST];
            transaction.run(UPSERT_FILE_BAN, params).await?;
        }
        for (user, username) in &import.admins {
            transaction.run(INSERT_ADMIN, values![*user, import.now, HOST]).await?;
            let line = audit::Line {
                time: import.now,
                actor: None,
                action: "promote",
                target: Some(*user),
                target_name: username.as_str(),
                detail: "an admin of the host that was imported",
                outcome: "done",
            };
            audit::write(&mut transaction, &line).await?;
        }
        transaction.commit().await
    }

    /// How many accounts each address has that is proved, in its folded form.
    ///
    /// # Errors
    /// The store failed.
    pub async fn taken_addresses(&self) -> Result<BTreeMap<String, usize>, StoreError> {
        let doing = "read all addresses";
        let rows = self.read(doing, SELECT_ADDRESSES, values![]).await?;
        let mut taken = BTreeMap::new();
        for row in &rows {
            *taken.entry(row.get::<String>(0).doing(doing)?).or_default() += 1;
        }
        Ok(taken)
    }
}

async fn insert_conversations(
    transaction: &mut Transaction,
    conversations: &[Conversation],
) -> Result<(), StoreError> {
    let logs = conversations.iter().map(|it| {
        let last = it.messages.last().map_or(it.created, |it| it.time);
        values![it.conversation, it.created, it.messages.len() as i64, last]
    });
    insert(transaction, INSERT_CONVERSATIONS, logs).await?;
    let pairs = conversations.iter().map(|it| values![it.conversation, it.low, it.high]);
    insert(transaction, INSERT_DIRECTS, pairs).await?;
    let members = conversations
        .iter()
        .flat_map(|it| [it.low, it.high].map(|member| values![it.conversation, member]));
    insert(transaction, INSERT_MEMBERS, members).await?;
    let messages = conversations.iter().flat_map(|of| {
        (1_i64..).zip(&of.messages).map(|(seq, it)| {
            let (key, body) = (it.id.0.to_vec(), it.text.as_str().as_bytes().to_vec());
            values![of.conversation, seq, it.sender, key, it.time, KIND_TEXT, body]
        })
    });
    insert(transaction, INSERT_MESSAGES, messages).await
}

/// Writes rows, many with each statement: over a network, the answers take longer than the work.
async fn insert(
    transaction: &mut Transaction,
    into: &str,
    rows: impl Iterator<Item = Vec<Value>>,
) -> Result<(), StoreError> {
    let mut rows = rows.peekable();
    while let Some(columns) = rows.peek().map(Vec::len) {
        let params: Vec<_> = rows.by_ref().take(ROWS_AT_ONCE).flatten().collect();
        let row = |first: usize| {
            let numbers: Vec<_> =
                (first + 1..=first + columns).map(|it| format!("${it}")).collect();
            format!("({})", numbers.join(", "))
        };
        let all: Vec<_> = (0..params.len()).step_by(columns).map(row).collect();
        transaction.run(format!("{into} VALUES {}", all.join(", ")), params).await?;
    }
    Ok(())
}

/// How long an import may take: hundreds of thousands of rows over a slow network.
const PATIENCE: Duration = Duration::from_secs(300);

/// Both engines take some ten thousand parameters; a row has seven at most, and a message some kilobytes.
const ROWS_AT_ONCE: usize = 500;

/// In the place of the account that has made something.
const HOST: UserId = UserId(0);

const SELECT_ADDRESSES: &str = "
    SELECT email_folded FROM account
    WHERE email_folded <> '' AND deleted = 0 AND unverified_until = 0";

const SELECT_NAMES: &str = "
    SELECT username FROM account UNION SELECT username FROM freed_username";

const INSERT_ACCOUNTS: &str = "
    INSERT INTO account (id, username, password_hash, created, email, email_folded)";

const INSERT_SIDES: &str = "INSERT INTO contact (owner, other, relation, blocked)";

const INSERT_CONVERSATIONS: &str = "
    INSERT INTO conversation (id, created, last_seq, last_time)";

const INSERT_DIRECTS: &str = "INSERT INTO direct (conversation, low, high)";

const INSERT_MEMBERS: &str = "INSERT INTO member (conversation, account)";

const INSERT_MESSAGES: &str = "
    INSERT INTO message (conversation, seq, sender, client_msg_id, time, kind, body)";
