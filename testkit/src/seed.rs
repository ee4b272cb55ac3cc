//! People who are put straight into the store, with a session each: for measurements that need
//! thousands of them and do not measure how passwords are hashed.

use anyhow::{Context as _, Result};
use data_encoding::BASE32_NOPAD;
use sha2::{Digest as _, Sha256};
use thrive_node::store::Database;
use thrive_node::store::accounts::NewAccount;
use thrive_node::store::sessions::NewSession;
use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::secret::Secret;
use thrive_protocol::text::DeviceName;

/// Somebody who can come back by token, and by nothing else.
#[derive(Clone)]
pub struct Seeded {
    pub user: UserId,
    pub username: String,
    pub token: Secret,
}

/// A password hash that no password has.
const NO_PASSWORD: &str = "$argon2id$none";

/// Makes `count` accounts whose names begin with `name`, each with one session.
///
/// # Errors
/// The store refuses.
pub async fn people(database: &Database, name: &str, count: usize) -> Result<Vec<Seeded>> {
    let created = Time(now_ms()?);
    let mut people = Vec::with_capacity(count);
    for number in 0..count {
        let username = format!("{name}{number}");
        let account = NewAccount {
            username: Username::parse(&username).map_err(|_| anyhow::anyhow!("a user name"))?,
            password_hash: NO_PASSWORD.into(),
            created,
            freed_before: created,
            invite: None,
            first_is_admin: false,
            address: None,
        };
        let user = database.create_account(account).await?.user;
        let secret: [u8; 32] = Sha256::digest(uuid::Uuid::new_v4().as_bytes()).into();
        let session = NewSession {
            user,
            verified: NO_PASSWORD.into(),
            token_hash: Sha256::digest(secret).into(),
            device: DeviceName::cut("seeded"),
            created,
            at_most: 1,
        };
        database.begin_session(&session).await?.context("the account is there")?;
        let text = format!("thr1_{}", BASE32_NOPAD.encode(&secret).to_ascii_lowercase());
        people.push(Seeded { user, username, token: Secret::new(text) });
    }
    Ok(people)
}

fn now_ms() -> Result<i64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_millis())?)
}
