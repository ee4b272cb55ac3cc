//! After a run: what the store has, what every device shows, and the ledger of it all.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, ensure};
use thrive_protocol::entry::Body;
use thrive_protocol::ids::{ConversationId, Seq};
use thrive_protocol::reply::Stored;
use thrive_protocol::request::Position;

use super::gather::come_in;
use super::{Crowd, text};
use crate::door::Door;
use crate::ledger::journal::{Tag, What};
use crate::ledger::{Ledger, Place};

/// More messages than any run has.
const ALL: usize = 10_000_000;

impl Crowd {
    /// Everything that happened, and everything that is there in the end. The store is read through
    /// `door`, with the tokens of people, so their clients should have come to rest.
    ///
    /// # Errors
    /// The store or a device cannot be read.
    pub async fn ledger(&self, door: &Door) -> Result<Ledger> {
        let mut ledger = self.story();
        self.read_devices(&mut ledger).await?;
        self.read_store(door, &mut ledger).await?;
        Ok(ledger)
    }

    /// What the journal says.
    fn story(&self) -> Ledger {
        let mut ledger = Ledger::default();
        let records = self.journal.records();
        let left: BTreeSet<u32> =
            records.iter().filter(|it| it.what == What::Left).map(|it| it.device).collect();
        for follower in self.followers().iter().filter(|it| !left.contains(&it.device)) {
            for chat in &follower.conversations {
                ledger.member(&live(follower.device), *chat);
            }
        }
        for record in records {
            match record.what {
                What::Attempt { conversation, tag, after } => {
                    ledger.attempt_after(conversation, tag.id(), after.into_iter().map(Tag::id));
                }
                What::Stored { tag, seq, time } => {
                    ledger.acked(Stored { id: tag.id(), seq, time });
                }
                What::Refused { tag, .. } => ledger.refused(tag.id()),
                // Whoever left for good need not have shown everything; what they did show is gone
                // with them.
                What::Shown { .. } if left.contains(&record.device) => {}
                What::Shown { conversation, seq, tag, .. } => {
                    let place = Place { conversation, seq, id: tag.id() };
                    ledger.shown_at(&live(record.device), place);
                }
                What::Sees { .. } | What::Up | What::Down { .. } | What::Left => {}
            }
        }
        ledger
    }

    /// Each device is one more reader: what its list of messages says in the end.
    async fn read_devices(&self, ledger: &mut Ledger) -> Result<()> {
        for device in &self.devices {
            let Some(client) = device.client() else { continue };
            let name = format!("device {} in the end", device.index);
            for (friend, chat) in &self.people[device.person as usize].friends {
                ledger.member(&name, *chat);
                let user = self.people[*friend as usize].user;
                for message in client.messages(user, ALL).await? {
                    // What still waits has no place; the journal knows that it has no answer.
                    let Some(seq) = message.seq else { continue };
                    let tag = text::read(&message.text).context("the crowd wrote it")?;
                    let place = Place { conversation: *chat, seq: Seq(seq), id: tag.id() };
                    ledger.shown_at(&name, place);
                }
            }
        }
        Ok(())
    }

    async fn read_store(&self, door: &Door, ledger: &mut Ledger) -> Result<()> {
        for (number, person) in (0_u32..).zip(&self.people) {
            // Each chat is read once, by the first of its two.
            let mine: Vec<_> = person
                .friends
                .iter()
                .filter(|(friend, _)| number < *friend)
                .map(|(_, chat)| *chat)
                .collect();
            if mine.is_empty() {
                continue;
            }
            let client = come_in(door, &person.token).await.context("read the store")?;
            let epoch = client.me.as_ref().map(|me| me.epoch);
            let mut positions: Vec<_> = person
                .friends
                .iter()
                .map(|(_, conversation)| Position { conversation: *conversation, seq: Seq::START })
                .collect();
            loop {
                let page = client.sync(epoch, &positions).await?;
                ensure!(!page.reset, "the history is the same one");
                for entry in page.entries.iter() {
                    let chat = entry.conversation;
                    if let Some(at) = positions.iter_mut().find(|it| it.conversation == chat) {
                        at.seq = entry.seq;
                    }
                    if mine.contains(&chat) {
                        ledger.stored_at(place(chat, entry.seq, &entry.body)?);
                    }
                }
                if !page.more {
                    break;
                }
            }
            client.connection.close(0_u32.into(), b"");
        }
        Ok(())
    }
}

fn place(conversation: ConversationId, seq: Seq, body: &Body) -> Result<Place> {
    let Body::Message { text, .. } = body else { anyhow::bail!("an entry that nobody wrote") };
    let tag = text::read(text.as_str()).context("an entry that nobody of the crowd wrote")?;
    Ok(Place { conversation, seq, id: tag.id() })
}

fn live(device: u32) -> String {
    format!("device {device}")
}
