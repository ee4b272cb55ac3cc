//! Marks: how far I have read and received, how far the other has.

use std::time::{Duration, Instant};

use thrive_protocol::code::Refusal;
use thrive_protocol::ids::{ConversationId, Seq, UserId};
use thrive_protocol::request::Request;
use tracing::debug;

use super::hub::Hub;
use super::inbound::Open;
use super::life::Life;
use super::sending::hint;
use super::{Answer, tell};
use crate::cache::chats::{self, Marks};
use crate::cache::messages;
use crate::types::{Arrival, Change, MessageState};

/// Marks of so long are told together.
pub(super) const DELIVERED: Duration = Duration::from_millis(200);
/// Marks told at once, and how long until the next ones: somebody with a thousand chats must not use
/// up what a server takes from one connection.
const ROUND: usize = 30;
const NEXT_ROUND: Duration = Duration::from_secs(1);

impl Life {
    /// Somebody, maybe I on another device, has read or received up to there.
    pub(super) async fn marked(
        &mut self,
        hub: &Hub,
        conversation: ConversationId,
        user: UserId,
        seq: Seq,
        read: bool,
    ) {
        let Some(&peer) = self.by_conversation.get(&conversation) else { return };
        let Some(chat) = self.chats.get(&peer) else { return };
        let before = chat.marks;
        if self.user == Some(user) {
            if read && before.read < seq {
                self.read_up_to(hub, peer, Marks { read: seq, read_told: seq, ..before }).await;
            }
            return;
        }
        let (peer_read, peer_delivered) = match read {
            true => (seq.max(before.peer_read), seq.max(before.peer_delivered)),
            false => (before.peer_read, seq.max(before.peer_delivered)),
        };
        let marks = Marks { peer_read, peer_delivered, ..before };
        if marks == before {
            return;
        }
        self.note_marks(peer, marks).await;
        let after = if read { before.peer_read } else { before.peer_delivered };
        let name = self.username.clone();
        let changed =
            self.cache.run(move |db| messages::mine_between(db, &name, peer, after, seq)).await;
        for now in changed.unwrap_or_default() {
            let place = Seq(now.seq.unwrap_or_default());
            let was = match place {
                place if place <= before.peer_read => MessageState::Read,
                place if place <= before.peer_delivered => MessageState::Delivered,
                _ => MessageState::Stored,
            };
            if was != now.state {
                hub.emit(Change::Message { before: Some(was), now, arrival: Arrival::Live });
            }
        }
    }

    /// Moves my own read mark and counts again.
    pub(super) async fn read_up_to(&mut self, hub: &Hub, peer: UserId, marks: Marks) {
        self.note_marks(peer, marks).await;
        if let Ok(unread) = self.cache.run(move |db| chats::unread(db, peer)).await {
            hub.model(|model| model.unread(peer, unread, Arrival::Live));
        }
    }

    /// Writes marks down; they only move forward.
    pub(super) async fn note_marks(&mut self, peer: UserId, marks: Marks) {
        let Some(chat) = self.chats.get_mut(&peer) else { return };
        let known = &mut chat.marks;
        known.read = known.read.max(marks.read);
        known.read_told = known.read_told.max(marks.read_told);
        known.delivered_told = known.delivered_told.max(marks.delivered_told);
        known.peer_read = known.peer_read.max(marks.peer_read);
        known.peer_delivered = known.peer_delivered.max(marks.peer_delivered);
        if let Err(error) = self.cache.run(move |db| chats::mark(db, peer, marks)).await {
            debug!(%error, "A mark could not be written down");
        }
    }

    pub(super) async fn mark_read(
        &mut self,
        hub: &Hub,
        peer: UserId,
        answer: Answer<()>,
        now: Instant,
    ) {
        let unread = hub.shared.state.lock().model.contact(peer).map_or(0, |c| c.unread);
        let chat = self.chats.get(&peer);
        let position = chat.and_then(|chat| chat.position);
        if let (1.., Some(chat), Some(position)) = (unread, chat, position) {
            let marks = Marks { read: position, ..chat.marks };
            self.read_up_to(hub, peer, marks).await;
            self.tell_read(peer, now);
        }
        tell(answer, Ok(()));
    }

    /// Tells the server how far I have read, if it does not know. `false`: there was nothing to tell.
    pub(super) fn tell_read(&mut self, peer: UserId, now: Instant) -> bool {
        let Some(chat) = self.chats.get(&peer) else { return false };
        let (Some(conversation), marks) = (chat.conversation, chat.marks) else { return false };
        let (Some(session), seq) = (self.link.session.as_mut(), marks.read) else { return false };
        if seq <= marks.read_told {
            return false;
        }
        let request = Request::MarkRead { conversation, seq };
        if session.send(now, request, Open::Read { peer, seq }).is_err() {
            self.mark_later(peer, now + NEXT_ROUND);
        }
        true
    }

    /// Tells the server what has arrived on this device. `false`: there was nothing to tell.
    fn tell_received(&mut self, peer: UserId, now: Instant) -> bool {
        let Some(chat) = self.chats.get(&peer) else { return false };
        let (Some(conversation), Some(seq)) = (chat.conversation, chat.position) else {
            return false;
        };
        let Some(session) = self.link.session.as_mut() else { return false };
        // What was read has been received.
        if seq <= chat.marks.delivered_told || seq <= chat.marks.read {
            return false;
        }
        let request = Request::MarkDelivered { conversation, seq };
        if session.send(now, request, Open::Delivered { peer, seq }).is_err() {
            self.mark_later(peer, now + NEXT_ROUND);
        }
        true
    }

    /// Tells the marks that wait, all of a short while at once, but not too many.
    pub(super) fn tell_delivered(&mut self, now: Instant) {
        if self.link.session.is_none() || self.delivered_at.is_none_or(|at| now < at) {
            return;
        }
        self.delivered_at = None;
        let mut peers = std::mem::take(&mut self.delivered).into_iter();
        let mut told = 0;
        while told < ROUND
            && let Some(peer) = peers.next()
        {
            let (read, received) = (self.tell_read(peer, now), self.tell_received(peer, now));
            told += usize::from(read) + usize::from(received);
        }
        for peer in peers {
            self.mark_later(peer, now + NEXT_ROUND);
        }
    }

    /// After catching up: marks that the server does not know yet.
    pub(super) fn tell_marks(&mut self, now: Instant) {
        self.delivered.extend(self.chats.keys());
        self.delivered_at.get_or_insert(now);
    }

    /// The server did not take a mark.
    pub(super) fn mark_refused(&mut self, peer: UserId, refusal: &Refusal, now: Instant) {
        debug!(code = refusal.code.word(), "A mark was refused");
        if refusal.code.retry() {
            self.mark_later(peer, now + hint(refusal));
        }
    }

    /// The marks of one chat have to wait, and the others with them: they are never urgent.
    fn mark_later(&mut self, peer: UserId, at: Instant) {
        self.delivered.insert(peer);
        self.delivered_at = self.delivered_at.max(Some(at));
    }
}

#[cfg(test)]
mod tests;
