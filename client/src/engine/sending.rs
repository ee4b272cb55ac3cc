//! The outbox at work: what goes out, what comes of it.

use std::time::{Duration, Instant};

use thrive_protocol::code::{Code, Refusal};
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::file::{
    ContentType, FileName, FileOffer, FileOffered, OfferFile, OfferedName,
};
use thrive_protocol::ids::{ClientMsgId, ConversationId, UserId};
use thrive_protocol::reply::Stored;
use thrive_protocol::request::{MessageBody, Request, SendMessage};
use tracing::{debug, error};
use uuid::Uuid;

use super::hub::Hub;
use super::inbound::Open;
use super::life::Life;
use super::{Answer, Offering, tell};
use crate::backoff::hinted;
use crate::cache::commit::Item;
use crate::cache::{chats, files, messages};
use crate::outbox::{Row, Text, WAITING};
use crate::sync::Placed;
use crate::types::{Arrival, Change, Failure, Message, MessageKey, MessageState};

/// After "not now" without a hint.
const PAUSE: Duration = Duration::from_secs(1);

impl Life {
    /// Takes a message from a person: when they hear of it, it is on this disk.
    pub(super) async fn send(
        &mut self,
        hub: &Hub,
        peer: UserId,
        text: &str,
        answer: Answer<MessageKey>,
        end: Option<Answer<Message>>,
        now: Instant,
    ) {
        self.put_waiting(hub, peer, text, None, answer, end, now).await;
    }

    /// A message, with the file that it offers, if it does.
    #[expect(clippy::too_many_arguments, reason = "what waits, and everybody who waits for it")]
    pub(super) async fn put_waiting(
        &mut self,
        hub: &Hub,
        peer: UserId,
        text: &str,
        offering: Option<Offering>,
        answer: Answer<MessageKey>,
        end: Option<Answer<Message>>,
        now: Instant,
    ) {
        let known = hub.shared.state.lock().model.contact(peer).map(|c| c.username.clone());
        let Some(username) = known else {
            return tell(answer, Err(Failure::Invalid("nobody with this number is known".into())));
        };
        if WAITING <= self.outbox.len() {
            let full = format!("{WAITING} messages wait already");
            return tell(answer, Err(Failure::Local(full)));
        }
        let id = ClientMsgId(Uuid::now_v7().into_bytes());
        let time = now_ms();
        let (own, me) = (text.to_owned(), self.username.clone());
        let offer = offering.as_ref().map(|it| it.offer.clone());
        let written = self
            .cache
            .run(move |db| {
                let change = db.transaction()?;
                chats::ensure(&change, peer, &username)?;
                let key = messages::put_waiting(&change, peer, id, time, &own)?;
                if let Some(Offering { offer, source }) = &offering {
                    files::put(&change, key, offer, source)?;
                }
                let message = messages::by_key(&change, &me, key)?;
                let chat = chats::of(&change, peer)?;
                change.commit()?;
                Ok((key, message, chat))
            })
            .await;
        match written {
            Ok((key, message, chat)) => {
                if let Some(chat) = chat {
                    self.chats.entry(peer).or_insert(chat);
                }
                self.outbox.add(Row { key, peer, id, text: Text(text.to_owned()), offer });
                if let Some(end) = end {
                    self.ends.insert(key, end);
                }
                if let Some(now) = message {
                    hub.emit(Change::Message { before: None, now, arrival: Arrival::Live });
                }
                tell(answer, Ok(key));
                self.typing.remove(&peer);
                self.pump(now);
            }
            Err(failure) => tell(answer, Err(failure)),
        }
    }

    /// Sends what may be sent now.
    pub(super) fn pump(&mut self, now: Instant) {
        let Some(session) = self.link.session.as_mut() else { return };
        for peer in self.outbox.peers() {
            let Some(chat) = self.chats.get(&peer) else { continue };
            if chat.conversation.is_none()
                && !self.outbox.is_held(peer, now)
                && self.opening.insert(peer)
            {
                let request = Request::OpenConversation { username: chat.username.to_string() };
                if session.send(now, request, Open::Chat { peer }).is_err() {
                    self.opening.remove(&peer);
                }
            }
        }
        let chats = &self.chats;
        let place = |peer| chats.get(&peer).and_then(|chat| chat.conversation);
        for row in self.outbox.take_due(now, |peer| place(peer).is_some()) {
            let Some(conversation) = place(row.peer) else { continue };
            let request = match row.offer {
                Some(offer) => Request::OfferFile(OfferFile {
                    conversation,
                    id: row.id,
                    name: OfferedName(offer.name),
                    size: offer.size,
                    content_type: offer.content_type,
                    sha256: offer.sha256,
                }),
                None => {
                    let text = MessageBody(row.text.0);
                    Request::SendMessage(SendMessage { conversation, id: row.id, text })
                }
            };
            let open = Open::Message { key: row.key, conversation };
            if session.send(now, request, open).is_err() {
                debug!("The connection takes no more messages at the moment");
                self.outbox.later(row.key, now, PAUSE);
            }
        }
    }

    /// The node has stored a message of this device.
    pub(super) fn stored(
        &mut self,
        key: MessageKey,
        conversation: ConversationId,
        stored: &Stored,
        now: Instant,
    ) {
        let Some(&peer) = self.by_conversation.get(&conversation) else {
            // It went to a conversation that is another one by now.
            return self.outbox.later(key, now, PAUSE);
        };
        self.reopened.remove(&peer);
        let item = || Item::Own { id: stored.id, time: stored.time };
        let new = self.sync.offer(conversation, stored.seq, item(), &mut self.commit.placed);
        if !new && self.outbox.peer_of(key).is_some() {
            // The log is further already, and still this row waits: it gets its place by itself.
            let (seq, item) = (stored.seq, item());
            self.commit.placed.push(Placed { conversation, seq, item });
        }
    }

    /// The node has taken an offer of this device. The entry that says so may come as well, before or after.
    pub(super) fn file_offered(
        &mut self,
        key: MessageKey,
        conversation: ConversationId,
        offered: &FileOffered,
        now: Instant,
    ) {
        let row = self.outbox.row(key).filter(|row| row.id == offered.id);
        let (Some(me), Some(row)) = (self.user, row) else { return };
        let Some(offer) = row.offer.clone() else { return self.outbox.later(key, now, PAUSE) };
        let Ok(name) = FileName::parse(&offer.name) else {
            return self.outbox.later(key, now, PAUSE);
        };
        let &FileOffered { id, seq, time, file, expires } = offered;
        let content_type = ContentType::parse(&offer.content_type);
        let (size, sha256) = (offer.size, offer.sha256);
        let offer = FileOffer { id, file, name, size, content_type, sha256, expires };
        let entry = Entry { conversation, seq, sender: me, time, body: Body::FileOffer(offer) };
        let item = Item::Entry(entry, Arrival::Live);
        let new = self.sync.offer(conversation, seq, item.clone(), &mut self.commit.placed);
        if !new && self.outbox.peer_of(key).is_some() {
            // The log is further already, and still this row waits: it gets its place by itself.
            self.commit.placed.push(Placed { conversation, seq, item });
        }
    }

    /// The node did not store a message.
    pub(super) async fn refused(
        &mut self,
        hub: &Hub,
        key: MessageKey,
        conversation: ConversationId,
        refusal: &Refusal,
        now: Instant,
    ) {
        if refusal.code.retry() {
            return self.outbox.later(key, now, hint(refusal));
        }
        let peer = self.outbox.peer_of(key);
        if let (Code::NoSuchConversation, Some(peer)) = (refusal.code, peer)
            && let Some(chat) = self.chats.get_mut(&peer)
        {
            if chat.conversation != Some(conversation) {
                // Sent before it was known that this number means nothing any more.
                return self.outbox.later(key, now, PAUSE);
            }
            if self.reopened.insert(peer) {
                // After a backup was restored the old number means nothing; the person still does.
                chat.conversation = None;
                return self.outbox.later(key, now, PAUSE);
            }
        }
        self.give_up(hub, vec![key], refusal).await;
    }

    /// The conversation for which messages wait cannot be opened.
    pub(super) async fn not_opened(
        &mut self,
        hub: &Hub,
        peer: UserId,
        refusal: &Refusal,
        now: Instant,
    ) {
        self.opening.remove(&peer);
        if refusal.code.retry() {
            return self.outbox.hold(peer, now, hint(refusal));
        }
        let keys = self.outbox.give_up(peer);
        self.give_up(hub, keys, refusal).await;
    }

    async fn give_up(&mut self, hub: &Hub, keys: Vec<MessageKey>, refusal: &Refusal) {
        for key in keys {
            self.outbox.settled(key);
            let (why, me) = (refusal.clone(), self.username.clone());
            let noted = self
                .cache
                .run(move |db| {
                    messages::refuse(db, key, &why)?;
                    messages::by_key(db, &me, key)
                })
                .await;
            match noted {
                Ok(Some(now)) => {
                    let before = Some(MessageState::Waiting);
                    hub.emit(Change::Message { before, now, arrival: Arrival::Live });
                }
                Ok(None) => {}
                // It is sent again after the next start, and refused again.
                Err(error) => error!(%error, "A refusal could not be written down"),
            }
            if let Some(end) = self.ends.remove(&key) {
                // Whoever waits has the text and hears of the refusal: nothing is left for a screen.
                if let Err(error) = self.cache.run(move |db| messages::discard(db, key)).await {
                    debug!(%error, "A refused message stays on the disk");
                }
                tell(end, Err(refusal.clone().into()));
            }
        }
    }

    /// Tries a refused message once more.
    pub(super) async fn retry(
        &mut self,
        hub: &Hub,
        key: MessageKey,
        answer: Answer<()>,
        now: Instant,
    ) {
        let me = self.username.clone();
        let again = self
            .cache
            .run(move |db| {
                let before = messages::by_key(db, &me, key)?;
                let row = messages::retry(db, key)?;
                Ok((before, row, messages::by_key(db, &me, key)?))
            })
            .await;
        match again {
            Ok((Some(before), Some(row), Some(after))) => {
                self.reopened.remove(&row.peer);
                self.outbox.add(row);
                let before = Some(before.state);
                hub.emit(Change::Message { before, now: after, arrival: Arrival::Live });
                tell(answer, Ok(()));
                self.pump(now);
            }
            Ok(_) => tell(answer, Err(not_refused())),
            Err(failure) => tell(answer, Err(failure)),
        }
    }

    /// Deletes a refused message.
    pub(super) async fn discard(&self, key: MessageKey, answer: Answer<()>) {
        let deleted = self.cache.run(move |db| messages::discard(db, key)).await;
        let result = deleted.and_then(|deleted| deleted.then_some(()).ok_or_else(not_refused));
        tell(answer, result);
    }
}

fn not_refused() -> Failure {
    Failure::Invalid("this message was not refused".to_owned())
}

pub(super) fn hint(refusal: &Refusal) -> Duration {
    hinted(refusal.retry_after_ms, PAUSE)
}

/// The clock of this computer, for messages that the server has not given a time yet.
pub(crate) fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
