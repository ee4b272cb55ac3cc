//! Conversations: who is in them and how far they go.

use thrive_protocol::event::Head;
use thrive_protocol::ids::{ConversationId, Seq, Time, UserId};
use thrive_protocol::people::Conversation;

use crate::store::error::{Cause, Doing, rule};
use crate::store::ids::{first_id, fresh_id};
use crate::store::undisturbed::undisturbed;
use crate::store::value::{Row, Value, values};
use crate::store::{Database, StoreError};

impl Database {
    /// The direct conversation of two people, if they have one.
    ///
    /// # Errors
    /// The store failed.
    pub async fn find_direct(
        &self,
        one: UserId,
        other: UserId,
    ) -> Result<Option<ConversationId>, StoreError> {
        let doing = "find a direct conversation";
        let (low, high) = (one.min(other), one.max(other));
        let rows = self.read(doing, SELECT_DIRECT, values![low, high]).await?;
        rows.first().map(|row| row.get(0)).transpose().doing(doing)
    }

    /// Makes the direct conversation of two people. `None`: somebody else was quicker, find it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn create_direct(
        &self,
        one: UserId,
        other: UserId,
        now: Time,
    ) -> Result<Option<ConversationId>, StoreError> {
        undisturbed(|| self.try_create_direct(one.min(other), one.max(other), now)).await
    }

    async fn try_create_direct(
        &self,
        low: UserId,
        high: UserId,
        now: Time,
    ) -> Result<Option<ConversationId>, StoreError> {
        let doing = "create a direct conversation";
        loop {
            let id = fresh_id(now);
            let mut transaction = self.begin(doing).await?;
            match transaction.run(INSERT_CONVERSATION, values![id, now]).await {
                Ok(_) => {}
                Err(error) if error.rule() == Some(rule::CONVERSATION_PKEY) => continue,
                Err(error) => return Err(error),
            }
            match transaction.run(INSERT_DIRECT, values![id, low, high]).await {
                Ok(_) => {}
                Err(error) if error.rule() == Some(rule::DIRECT_PAIR_KEY) => return Ok(None),
                Err(error) => return Err(error),
            }
            transaction.run(INSERT_MEMBERS, values![id, low, high]).await?;
            transaction.commit().await?;
            return Ok(Some(ConversationId(id)));
        }
    }

    /// A conversation as one of its members sees it.
    ///
    /// # Errors
    /// The store failed.
    pub async fn conversation(
        &self,
        member: UserId,
        conversation: ConversationId,
    ) -> Result<Option<Conversation>, StoreError> {
        let doing = "read a conversation";
        let sql = format!("{SELECT_CONVERSATION} AND mine.conversation = $2");
        let rows = self.read(doing, sql, values![member, conversation]).await?;
        rows.first().map(conversation_of).transpose().doing(doing)
    }

    /// The conversations of somebody, the last active first, and no more than `limit`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn conversations_of(
        &self,
        member: UserId,
        limit: usize,
    ) -> Result<Vec<Conversation>, StoreError> {
        let doing = "read the conversations of a user";
        let sql = format!(
            "{SELECT_CONVERSATION}
             ORDER BY conversation.last_time DESC, conversation.id DESC LIMIT $2"
        );
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = self.read(doing, sql, values![member, limit]).await?;
        rows.iter().map(conversation_of).collect::<Result<_, _>>().doing(doing)
    }

    /// These conversations as each of the two sees them before anything is said.
    ///
    /// # Errors
    /// The store failed.
    pub async fn introductions(
        &self,
        conversations: &[ConversationId],
    ) -> Result<Vec<(UserId, Conversation)>, StoreError> {
        let doing = "read who is in conversations";
        let mut found = Vec::new();
        for chunk in conversations.chunks(HEADS_AT_ONCE) {
            // Filled up as in `heads`.
            let padded = chunk.iter().chain(std::iter::repeat(&chunk[0])).take(HEADS_AT_ONCE);
            let params = padded.map(|id| Value::from(*id)).collect();
            let sql = format!("{SELECT_INTRODUCTIONS} ({})", placeholders(HEADS_AT_ONCE));
            for row in &self.read(doing, sql, params).await? {
                found.extend(introductions(row).doing(doing)?);
            }
        }
        Ok(found)
    }

    /// Every conversation of somebody and how far it goes.
    ///
    /// # Errors
    /// The store failed.
    pub async fn heads_of(&self, member: UserId) -> Result<Vec<Head>, StoreError> {
        let doing = "read the heads of a user";
        let rows = self.read(doing, SELECT_HEADS_OF, values![member]).await?;
        rows.iter().map(head_of).collect::<Result<_, _>>().doing(doing)
    }

    /// How far these conversations go. Unknown ones are left out.
    ///
    /// # Errors
    /// The store failed.
    pub async fn heads(&self, conversations: &[ConversationId]) -> Result<Vec<Head>, StoreError> {
        let doing = "read heads";
        let mut heads = Vec::with_capacity(conversations.len());
        for chunk in conversations.chunks(HEADS_AT_ONCE) {
            // Filled up with repeats, so that there is one statement to prepare and not one for
            // each length.
            let padded = chunk.iter().chain(std::iter::repeat(&chunk[0])).take(HEADS_AT_ONCE);
            let params = padded.map(|id| Value::from(*id)).collect();
            let sql = format!("{SELECT_HEADS} ({})", placeholders(HEADS_AT_ONCE));
            let rows = self.read(doing, sql, params).await?;
            for row in &rows {
                heads.push(head_of(row).doing(doing)?);
            }
        }
        Ok(heads)
    }

    /// Who is in the conversations that were made since a moment of the clocks of the nodes, page by
    /// page: in order, those after `after`, and no more than `limit`.
    ///
    /// # Errors
    /// The store failed.
    pub async fn members_since(
        &self,
        since: Time,
        after: Option<(ConversationId, UserId)>,
        limit: usize,
    ) -> Result<Vec<(ConversationId, UserId)>, StoreError> {
        let doing = "find the members of new conversations";
        // Ids begin with the time. No account has a number below 0.
        let first = (ConversationId(first_id(since)), UserId(-1));
        let (conversation, account) = after.unwrap_or(first);
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let params = values![conversation, account, limit];
        let rows = self.read(doing, SELECT_MEMBERS_AFTER, params).await?;
        rows.iter().map(membership).collect::<Result<_, _>>().doing(doing)
    }

    /// Every conversation of each of these people.
    ///
    /// # Errors
    /// The store failed.
    pub async fn memberships_of(
        &self,
        accounts: &[UserId],
    ) -> Result<Vec<(ConversationId, UserId)>, StoreError> {
        let doing = "find the conversations of people";
        let mut found = Vec::new();
        for chunk in accounts.chunks(HEADS_AT_ONCE) {
            // Filled up as in `heads`.
            let padded = chunk.iter().chain(std::iter::repeat(&chunk[0])).take(HEADS_AT_ONCE);
            let params = padded.map(|id| Value::from(*id)).collect();
            let sql = format!("{SELECT_MEMBERSHIPS} ({})", placeholders(HEADS_AT_ONCE));
            for row in &self.read(doing, sql, params).await? {
                found.push(membership(row).doing(doing)?);
            }
        }
        Ok(found)
    }
}

fn membership(row: &Row) -> Result<(ConversationId, UserId), Cause> {
    Ok((row.get(0)?, row.get(1)?))
}

/// To the one and to the other.
fn introductions(row: &Row) -> Result<[(UserId, Conversation); 2], Cause> {
    let (low, high) = (row.get(1)?, row.get(2)?);
    let seen = |peer, peer_name| -> Result<Conversation, Cause> {
        Ok(Conversation {
            conversation: row.get(0)?,
            peer,
            peer_name,
            head: Seq::START,
            read: Seq::START,
            peer_read: Seq::START,
            peer_delivered: Seq::START,
        })
    };
    Ok([(low, seen(high, row.get(4)?)?), (high, seen(low, row.get(3)?)?)])
}

/// `$1, $2, …`
pub(super) fn placeholders(count: usize) -> String {
    numbered_after(0, count)
}

/// The same behind those that a statement has already.
pub(super) fn numbered_after(before: usize, count: usize) -> String {
    let numbers: Vec<_> =
        (before + 1..=before + count).map(|number| format!("${number}")).collect();
    numbers.join(", ")
}

fn head_of(row: &Row) -> Result<Head, Cause> {
    Ok(Head { conversation: row.get(0)?, seq: row.get(1)? })
}

fn conversation_of(row: &Row) -> Result<Conversation, Cause> {
    Ok(Conversation {
        conversation: row.get(0)?,
        peer: row.get(1)?,
        peer_name: row.get(2)?,
        head: row.get(3)?,
        read: row.get(4)?,
        peer_read: row.get(5)?,
        peer_delivered: row.get(6)?,
    })
}

/// One statement of a size that both engines plan quickly.
const HEADS_AT_ONCE: usize = 128;

const SELECT_DIRECT: &str = "SELECT conversation FROM direct WHERE low = $1 AND high = $2";

const INSERT_CONVERSATION: &str = "
    INSERT INTO conversation (id, kind, created, last_time) VALUES ($1, 'direct', $2, $2)";

const INSERT_DIRECT: &str = "
    INSERT INTO direct (conversation, low, high) VALUES ($1, $2, $3)";

const INSERT_MEMBERS: &str = "
    INSERT INTO member (conversation, account) VALUES ($1, $2), ($1, $3)";

const SELECT_CONVERSATION: &str = "
    SELECT conversation.id, account.id, account.username, conversation.last_seq,
      mine.read_seq, peer.shown_read_seq, peer.delivered_seq
    FROM member AS mine
    JOIN conversation ON conversation.id = mine.conversation
    JOIN member AS peer
      ON peer.conversation = mine.conversation AND peer.account <> mine.account
    JOIN account ON account.id = peer.account
    WHERE mine.account = $1";

const SELECT_INTRODUCTIONS: &str = "
    SELECT direct.conversation, direct.low, direct.high, one.username, other.username
    FROM direct
    JOIN account AS one ON one.id = direct.low
    JOIN account AS other ON other.id = direct.high
    WHERE direct.conversation IN";

const SELECT_HEADS_OF: &str = "
    SELECT conversation.id, conversation.last_seq
    FROM member JOIN conversation ON conversation.id = member.conversation
    WHERE member.account = $1";

const SELECT_MEMBERS_AFTER: &str = "
    SELECT conversation, account FROM member
    WHERE (conversation, account) > ($1, $2)
    ORDER BY conversation, account LIMIT $3";

const SELECT_MEMBERSHIPS: &str = "
    SELECT conversation, account FROM member WHERE account IN";

const SELECT_HEADS: &str = "SELECT id, last_seq FROM conversation WHERE id IN";
