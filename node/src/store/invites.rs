//! Invitations, as far as they are asked for or given back; they are made in [`super::admins`] and used up
//! in [`super::accounts`].

use thrive_protocol::ids::Time;

use crate::store::error::Doing;
use crate::store::value::{Row, values};
use crate::store::{Database, StoreError, Transaction};

/// An invitation. Its code is known to whoever made it, and to nobody else.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Invite {
    pub id: i64,
    /// Accounts that may still be made by it.
    pub uses: i64,
    /// The last moment of it.
    pub ends: Time,
    pub made: Time,
}

impl Database {
    /// Those that somebody could still use, the oldest first.
    ///
    /// # Errors
    /// The store failed.
    pub async fn invites(&self, now: Time) -> Result<Vec<Invite>, StoreError> {
        let doing = "list the invitations";
        let rows = self.read(doing, SELECT_INVITES, values![now]).await?;
        let invite = |row: &Row| {
            Ok(Invite { id: row.get(0)?, uses: row.get(1)?, ends: row.get(2)?, made: row.get(3)? })
        };
        rows.iter().map(invite).collect::<Result<_, _>>().doing(doing)
    }

    /// Whether the invitation with this hash of its code can be used now.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_invited(&self, code_hash: [u8; 32], now: Time) -> Result<bool, StoreError> {
        let params = values![code_hash.to_vec(), now];
        Ok(!self.read("look for an invitation", SELECT_INVITE, params).await?.is_empty())
    }
}

/// Gives back what sign-ups have used that came to nothing. Their rows: the account, and its invitation.
pub(super) async fn give_back(
    transaction: &mut Transaction,
    gone: &[Row],
) -> Result<(), StoreError> {
    for row in gone {
        let invite: i64 = row.get(1).doing("give an invitation back")?;
        if invite != 0 {
            transaction.run(GIVE_BACK, values![invite]).await?;
        }
    }
    Ok(())
}

const GIVE_BACK: &str = "UPDATE invite SET uses = uses + 1 WHERE id = $1";

const SELECT_INVITES: &str = "
    SELECT id, uses, ends, made FROM invite WHERE 0 < uses AND $1 <= ends ORDER BY id LIMIT 1000";

const SELECT_INVITE: &str = "
    SELECT id FROM invite WHERE code_hash = $1 AND 0 < uses AND $2 <= ends";
