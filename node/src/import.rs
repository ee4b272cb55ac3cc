//! Takes over a former Thrive host: its people with their passwords, contacts, blocks, bans and rights, and
//! the messages that wait for somebody. What becomes of each row is decided in `domain::former`; it is written in one
//! transaction, so that an import that broke off has changed nothing and is simply run again.

use std::collections::BTreeMap;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use thrive_protocol::ids::{ClientMsgId, ConversationId, Time, UserId};
use thrive_protocol::secret::Secret;

use crate::clock;
use crate::domain::former::{self, Delivery, Here, Password, Plan};
use crate::password::{HashError, Hasher};
use crate::random;
use crate::store::bans;
use crate::store::former::{FormerError, read};
use crate::store::ids::fresh_id;
use crate::store::import::{Account, Ban, Conversation, FileBan, Import, Message, Side};
use crate::store::{Database, StoreError};

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    Former(#[from] FormerError),
    #[error("hash a password")]
    Hash(#[from] HashError),
    #[error("nothing was imported")]
    Store(#[from] StoreError),
}

/// Reads the database at `former` and decides. Writes nothing. `admins`: the text of `admins.txt`.
/// `has_mail`: this server keeps addresses.
///
/// # Errors
/// One of the two databases cannot be read.
pub async fn plan(
    former: &Path,
    admins: &str,
    database: &Database,
    has_mail: bool,
) -> Result<Plan, ImportError> {
    let mut former = read(former)?;
    former.admins = admins.lines().map(str::to_owned).collect();
    let addresses = if has_mail { Some(database.taken_addresses().await?) } else { None };
    let here = Here { taken: database.taken_names().await?, addresses };
    Ok(former::plan(&former, &here, clock::now()))
}

/// Writes what was decided.
///
/// # Errors
/// Nothing was written.
pub async fn carry_out(
    plan: Plan,
    database: &Database,
    hasher: &Hasher,
) -> Result<(), ImportError> {
    let now = clock::now();
    let mut ids = Ids::of(now, plan.people.len() + plan.messages.len());
    let mut accounts = Vec::new();
    for person in plan.people {
        let password_hash = match person.password {
            Password::Hash(hash) => hash,
            Password::Plain(password) => hasher.hash(password).await?,
            // Nobody knows this password, and nobody ever did.
            Password::Lost => hasher.hash(unknown()).await?,
        };
        let user = UserId(ids.next());
        let username = person.username;
        let email = person.email;
        accounts.push(Account { user, username, password_hash, created: now, email });
    }
    let user = |person: usize| accounts[person].user;
    let sides = plan
        .sides
        .iter()
        .map(|it| Side {
            owner: user(it.owner),
            other: user(it.other),
            relation: it.relation,
            blocked: it.blocked,
        })
        .collect();
    let mut said: BTreeMap<(UserId, UserId), Vec<Delivery>> = BTreeMap::new();
    for delivery in plan.messages {
        let (one, other) = (user(delivery.sender), user(delivery.recipient));
        said.entry((one.min(other), one.max(other))).or_default().push(delivery);
    }
    let conversations = said.into_iter().map(|((low, high), deliveries)| Conversation {
        conversation: ConversationId(ids.next()),
        low,
        high,
        created: deliveries.first().map_or(now, |it| it.time),
        messages: deliveries.into_iter().map(|it| message(it, &user)).collect(),
    });
    let conversations = conversations.collect();
    let ends = |it: Option<Time>| it.unwrap_or(bans::FOREVER);
    let ban =
        |it: former::Ban| Ban { user: user(it.person), ends: ends(it.ends), reason: it.reason };
    let file_ban = |it: former::BanOfFiles| FileBan {
        user: user(it.person),
        extension: it.extension,
        ends: ends(it.ends),
        reason: it.reason,
    };
    let bans = plan.bans.into_iter().map(ban).collect();
    let file_bans = plan.file_bans.into_iter().map(file_ban).collect();
    let admins = plan.admins.iter().map(|it| (user(*it), accounts[*it].username.clone())).collect();
    let import = Import { accounts, sides, conversations, bans, file_bans, admins, now };
    Ok(database.import(&import).await?)
}

fn message(delivery: Delivery, user: &impl Fn(usize) -> UserId) -> Message {
    Message {
        sender: user(delivery.sender),
        id: message_id(delivery.row),
        time: delivery.time,
        text: delivery.text,
    }
}

/// Made of the number of the row alone: unique among those of a former host.
fn message_id(row: i64) -> ClientMsgId {
    let hash: [u8; 32] =
        Sha256::digest([b"thrive import ".as_slice(), &row.to_be_bytes()].concat()).into();
    let mut id = [0; 16];
    id.copy_from_slice(&hash[..16]);
    ClientMsgId(id)
}

fn unknown() -> Secret {
    let bytes: [u8; 32] = random::bytes();
    Secret::new(data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

/// Ids that differ from each other for certain: one for each millisecond until now.
struct Ids {
    next: Time,
}

impl Ids {
    fn of(now: Time, count: usize) -> Self {
        Self { next: Time(now.0 - i64::try_from(count).unwrap_or(i64::MAX)) }
    }

    fn next(&mut self) -> i64 {
        self.next.0 += 1;
        fresh_id(self.next)
    }
}
