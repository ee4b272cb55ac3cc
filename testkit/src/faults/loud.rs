//! People who write by frames instead of with a client, in chats of the crowd, and are in its ledger.

use std::collections::HashMap;

use anyhow::{Context as _, Result, bail};
use thrive_protocol::ids::{ClientMsgId, ConversationId};
use thrive_protocol::{Reply, Request};

use crate::crowd::text;
use crate::ledger::journal::{Journal, Tag, What};
use crate::raw::{RawClient, message, message_id};

/// Their numbers begin here, beyond all devices of a crowd.
const FIRST: u32 = 1_000_000;

/// Somebody who writes by frames.
pub struct Author {
    journal: Journal,
    device: u32,
    count: u32,
}

/// A message that may be sent as often as one likes.
#[derive(Clone)]
pub struct Draft {
    pub tag: Tag,
    pub id: ClientMsgId,
    conversation: ConversationId,
    text: String,
}

impl Author {
    #[must_use]
    pub fn new(number: u32, journal: &Journal) -> Self {
        Self { journal: journal.clone(), device: FIRST + number, count: 0 }
    }

    /// A new message; from here on it counts as attempted.
    pub fn draft(&mut self, conversation: ConversationId, bytes: usize) -> Draft {
        self.count += 1;
        let tag = Tag { device: self.device, count: self.count };
        let attempt = What::Attempt { conversation, tag, after: vec![] };
        self.journal.write(self.device, attempt);
        Draft { tag, id: message_id(), conversation, text: text::write(tag, bytes) }
    }

    /// Sends drafts, as many at a time as `window`, and again those that the node cannot take yet, until
    /// each is stored.
    ///
    /// # Errors
    /// One is refused for good, or the connection ends.
    pub async fn send(
        &self,
        client: &mut RawClient,
        drafts: Vec<Draft>,
        window: usize,
    ) -> Result<()> {
        let mut waiting: Vec<Draft> = drafts.into_iter().rev().collect();
        let mut under_way: HashMap<u32, Draft> = HashMap::new();
        while !waiting.is_empty() || !under_way.is_empty() {
            while under_way.len() < window
                && let Some(draft) = waiting.pop()
            {
                under_way.insert(client.post(draft.request()).await?, draft);
            }
            let (re, result) = client.next_answer().await?;
            let draft = under_way.remove(&re).context("an answer to a question")?;
            match result {
                Ok(Reply::Stored(stored)) => {
                    let (seq, time) = (stored.seq, stored.time);
                    let what = What::Stored { tag: draft.tag, seq, time };
                    self.journal.write(self.device, what);
                }
                Err(refusal) if refusal.code.retry() => waiting.push(draft),
                other => bail!("neither stored nor not yet: {other:?}"),
            }
        }
        Ok(())
    }
}

impl Draft {
    fn request(&self) -> Request {
        message(self.conversation, self.id, &self.text)
    }
}
