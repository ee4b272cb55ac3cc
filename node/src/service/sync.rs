//! Catching up: what a device lacks, over all its conversations, page by page.
//!
//! The node keeps nothing between pages: the device moves its positions on and asks again. Each page
//! is without gaps from the positions on, so one that is lost costs nothing but another request.

use std::collections::{HashSet, VecDeque};

use thrive_protocol::bounded::List;
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::Seq;
use thrive_protocol::limits::POSITIONS;
use thrive_protocol::reply::SyncPage;
use thrive_protocol::request::{Position, Sync};

use super::Caller;
use super::conversations::{ConversationError, Conversations};
use crate::domain::catch_up::{self, Range};
use crate::domain::page::Room;
use crate::store::StoreError;

impl Conversations {
    /// The next page of what the caller's device lacks.
    ///
    /// # Errors
    /// The store failed.
    pub async fn sync(
        &self,
        caller: &Caller,
        request: Sync,
    ) -> Result<SyncPage, ConversationError> {
        // The most recent ones: a device cannot send positions for more, either.
        let conversations = self.database.conversations_of(caller.user, POSITIONS).await?;
        let heads: Vec<_> = conversations.iter().map(|it| (it.conversation, it.head)).collect();
        // Positions mean something only together with the epoch that they belong to.
        let (reset, known): (bool, &[Position]) = match request.epoch {
            None => (false, &[]),
            Some(epoch) if epoch != self.epoch => (true, &[]),
            Some(_) if catch_up::is_ahead(&heads, &request.positions) => (true, &[]),
            Some(_) => (false, &request.positions),
        };

        let missing = catch_up::missing(&heads, known);
        let (entries, more) = self.read(missing.into()).await?;

        // Marks may have moved anywhere, so the last page tells about every conversation; those
        // before it only about the ones whose entries they bring. That somebody has opened one is told
        // to nobody before something is said in it.
        let brought: HashSet<_> = entries.iter().map(|entry| entry.conversation).collect();
        let told = conversations
            .into_iter()
            .filter(|it| it.head != Seq::START && (!more || brought.contains(&it.conversation)))
            .collect();
        Ok(SyncPage {
            epoch: self.epoch,
            reset,
            conversations: List::cut(told),
            entries: List::cut(entries),
            more,
        })
    }

    /// As much of the ranges as one page holds, and whether that was not all.
    async fn read(&self, mut missing: VecDeque<Range>) -> Result<(Vec<Entry>, bool), StoreError> {
        let mut room = Room::of_sync_page();
        let mut page = Vec::new();
        loop {
            let slice = catch_up::slice(&mut missing, SLICE.min(room.entries()));
            if slice.is_empty() {
                return Ok((page, !missing.is_empty()));
            }
            for entry in self.database.entries_in(&slice).await? {
                if !room.take(&entry) {
                    return Ok((page, true));
                }
                page.push(entry);
            }
        }
    }
}

/// Entries that are read at once: at most 1 MiB of texts, so that a page of long ones does not read
/// much more than it can hold.
const SLICE: usize = 64;
