//! What replies and events of the node do.

use std::time::{Duration, Instant};

use thrive_protocol::code::{Code, Refusal};
use thrive_protocol::event::Event;
use thrive_protocol::ids::{ConversationId, Seq, UserId};
use thrive_protocol::message::NodeFrame;
use thrive_protocol::reply::{GroupRenamed, Reply};
use thrive_protocol::request::Request;
use tracing::{debug, info};

use super::asking::Effect;
use super::hub::Hub;
use super::life::{Life, Over, Step};
use super::{Answer, tell};
use crate::cache::chats::Marks;
use crate::cache::commit::Item;
use crate::cache::people;
use crate::model::presence;
use crate::session::{End, Inbound, LinkId, News, Session, ends_session};
use crate::types::{Arrival, Change, Failure, MessageKey};

/// For news that the order of arrival may still bring by itself.
pub(super) const GRACE: Duration = Duration::from_millis(150);
/// The same while acknowledgments of our own messages are on the way.
const GRACE_SENDING: Duration = Duration::from_millis(750);

/// A request that waits for its reply.
#[derive(Debug)]
pub(crate) enum Open {
    Ask {
        /// To be asked once more if the connection goes, in case that does no harm.
        repeat: Option<(Request, Instant)>,
        effect: Effect,
        answer: Answer<Reply>,
    },
    Message {
        key: MessageKey,
        conversation: ConversationId,
    },
    /// A conversation that is opened because a message waits for it.
    Chat {
        peer: UserId,
    },
    Heartbeat,
    Read {
        peer: UserId,
        seq: Seq,
    },
    Delivered {
        peer: UserId,
        seq: Seq,
    },
    Typing,
    LogOut,
}

impl Open {
    /// There will be no answer.
    pub(super) fn fail(self, failure: &Failure) {
        match self {
            Self::Ask { answer, .. } => tell(answer, Err(failure.clone())),
            // The outbox sends again; marks are told again after catching up; the rest is void.
            Self::Message { .. }
            | Self::Chat { .. }
            | Self::Heartbeat
            | Self::Read { .. }
            | Self::Delivered { .. }
            | Self::Typing
            | Self::LogOut => {}
        }
    }
}

impl Life {
    /// Works through what arrived. Returns how the login ends, if it does.
    pub(super) async fn news(&mut self, hub: &Hub, news: Vec<Inbound>) -> Option<Over> {
        let now = Instant::now();
        for Inbound { link, news } in news {
            let over = match news {
                News::Frame(frame) => {
                    // What a connection said that is given up already counts no more.
                    let Some(session) = self.link.session(link) else { continue };
                    session.heard(now);
                    self.frame(hub, link, frame, now).await
                }
                News::Ended(end) => {
                    self.settle(hub, now).await;
                    self.ended_link(hub, link, &end, now)
                }
            };
            if over.is_some() {
                self.settle(hub, now).await;
                return over;
            }
        }
        self.settle(hub, now).await;
        self.trust_again(hub, now);
        self.pump(now);
        None
    }

    fn ended_link(&mut self, hub: &Hub, link: LinkId, end: &End, now: Instant) -> Option<Over> {
        if !self.link.is_current(link) {
            let ended = |(session, _): &mut (Session<Open>, Instant)| session.link() == link;
            if let Some((mut old, _)) = self.link.leaving.take_if(ended) {
                self.interrupted(&mut old, now);
            }
            return None;
        }
        let code = ends_session(&end.failure);
        // A log-out may be answered by the end of the connection.
        if let Some((answer, _)) = self.leaving.take() {
            let result = if code.is_some() { Ok(()) } else { Err(end.failure.clone()) };
            return Some(Over { code: None, answer: Some((answer, result)) });
        }
        if code.is_some() {
            return Some(Over { code, answer: None });
        }
        self.lose(hub, now, end);
        None
    }

    async fn frame(
        &mut self,
        hub: &Hub,
        link: LinkId,
        frame: NodeFrame,
        now: Instant,
    ) -> Option<Over> {
        match frame {
            NodeFrame::Reply { re, result } => {
                match self.link.session(link).and_then(|session| session.answered(re)) {
                    Some(open) => self.reply(hub, open, result, now).await,
                    None => {
                        debug!("A reply to nothing was left out");
                        None
                    }
                }
            }
            // Only one connection tells how things are; entries are welcome from anywhere.
            NodeFrame::Event(event)
                if self.link.is_current(link) || matches!(event, Event::Entry(_)) =>
            {
                self.event(hub, event, now).await
            }
            NodeFrame::Event(_) => None,
        }
    }

    async fn reply(
        &mut self,
        hub: &Hub,
        open: Open,
        result: Result<Reply, Refusal>,
        now: Instant,
    ) -> Option<Over> {
        match (open, result) {
            (Open::Ask { effect, answer, .. }, result) => {
                if let Ok(reply) = &result {
                    self.apply(hub, effect, reply, now).await;
                }
                tell(answer, result.map_err(Failure::from));
            }
            (Open::Message { key, conversation }, Ok(Reply::Stored(stored))) => {
                self.stored(key, conversation, &stored, now);
            }
            (Open::Message { key, conversation }, Ok(Reply::FileOffered(offered))) => {
                self.file_offered(key, conversation, &offered, now);
            }
            (Open::Message { key, .. }, Ok(_)) => self.outbox.later(key, now, GRACE_SENDING),
            (Open::Message { key, conversation }, Err(refusal)) => {
                self.refused(hub, key, conversation, &refusal, now).await;
            }
            (Open::Chat { peer }, Ok(Reply::Conversation(conversation)))
                if conversation.peer == peer =>
            {
                self.opening.remove(&peer);
                self.conversation(conversation);
            }
            (Open::Chat { peer }, Ok(Reply::Conversation(_))) => {
                // The name is somebody else's by now, and the text is not meant for them.
                self.not_opened(hub, peer, &Code::NoSuchUser.into(), now).await;
            }
            (Open::Chat { peer }, Ok(_)) => {
                self.opening.remove(&peer);
                self.outbox.hold(peer, now, GRACE_SENDING);
            }
            (Open::Chat { peer }, Err(refusal)) => {
                self.not_opened(hub, peer, &refusal, now).await;
            }
            (Open::Heartbeat, Ok(Reply::Heartbeat { heads, .. })) => {
                for head in heads {
                    self.sync.head(head.conversation, head.seq);
                }
            }
            (Open::Heartbeat, _) | (Open::Typing, _) => {}
            (Open::Read { peer, seq }, Ok(_)) => {
                self.note_marks(peer, Marks { read_told: seq, ..Marks::default() }).await;
            }
            (Open::Delivered { peer, seq }, Ok(_)) => {
                self.note_marks(peer, Marks { delivered_told: seq, ..Marks::default() }).await;
            }
            (Open::Read { peer, .. } | Open::Delivered { peer, .. }, Err(refusal)) => {
                self.mark_refused(peer, &refusal, now);
            }
            (Open::LogOut, result) => {
                // Refused because the session is over already is as good.
                let result = match result {
                    Err(refusal) if refusal.code.retry() => Err(refusal.into()),
                    Ok(_) | Err(_) => Ok(()),
                };
                let answer = self.leaving.take().map(|(answer, _)| (answer, result));
                return Some(Over { code: None, answer });
            }
        }
        None
    }

    /// What the success of a request means for the model.
    async fn apply(&mut self, hub: &Hub, effect: Effect, reply: &Reply, now: Instant) {
        match (effect, reply) {
            (Effect::Contact, Reply::Contact(contact)) => {
                hub.model(|model| model.put(contact.clone(), Arrival::Live));
                self.save_person(hub, contact.user).await;
            }
            (Effect::Regrouped, Reply::GroupRenamed(renamed)) => {
                hub.model(|model| model.regroup(&renamed.users, renamed.group.as_str()));
                self.save_groups(renamed).await;
            }
            (Effect::Conversation, Reply::Conversation(conversation)) => {
                self.conversation(conversation.clone());
                // Whoever asked wants to write there: it must be known before they hear.
                self.settle(hub, now).await;
            }
            (Effect::Gone(user), _) => self.gone(hub, user, Arrival::Live).await,
            (Effect::Unblocked(user), _) => {
                hub.model(|model| model.unblocked(user));
                self.save_person(hub, user).await;
            }
            (Effect::OwnPresence(presence), _) => {
                hub.model(|model| model.own_presence(presence));
            }
            (Effect::None | Effect::Contact | Effect::Regrouped | Effect::Conversation, _) => {}
        }
    }

    async fn event(&mut self, hub: &Hub, event: Event, now: Instant) -> Option<Over> {
        let arrival = match self.link.is_settled(now) {
            true => Arrival::Live,
            false => Arrival::CatchUp,
        };
        match event {
            Event::Entry(entry) => self.pushed(entry),
            Event::Conversation(conversation) => self.conversation(conversation),
            Event::Contact(contact) => {
                let user = contact.user;
                // Somebody who asks wants an answer, however soon after a login that is.
                let arrival = if self.link.is_live() { Arrival::Live } else { arrival };
                hub.model(|model| model.put(contact, arrival));
                self.save_person(hub, user).await;
            }
            Event::ContactGone { user } => self.gone(hub, user, arrival).await,
            Event::Presence { user, presence: shown } if self.user == Some(user) => {
                hub.model(|model| model.own_presence(presence(shown)));
            }
            Event::Presence { user, presence: shown } => {
                hub.model(|model| model.presence(user, presence(shown), arrival));
            }
            Event::Read { conversation, user, seq } => {
                self.settle(hub, now).await;
                self.marked(hub, conversation, user, seq, true).await;
            }
            Event::Delivered { conversation, user, seq } => {
                self.settle(hub, now).await;
                self.marked(hub, conversation, user, seq, false).await;
            }
            Event::Typing { conversation, user, active } => {
                if self.by_conversation.get(&conversation) == Some(&user) {
                    hub.model(|model| model.typing(user, active, now));
                }
            }
            Event::Heads { heads } => {
                for head in heads {
                    self.sync.head(head.conversation, head.seq);
                }
                // News of people may have been dropped with the entries.
                self.pull.list_again(now);
            }
            Event::GoAway { deadline_ms } => {
                info!("The server asks to come back");
                self.go_away(now, Duration::from_millis(deadline_ms));
            }
            Event::SessionEnded {} => {
                let code = Some(Code::SessionEnded);
                return Some(Over { code, answer: None });
            }
            Event::Alert { text, time } => {
                hub.emit(Change::Alert { text: text.as_str().to_owned(), time_ms: time.0 });
            }
            Event::Banned { until, reason } => {
                let (until_ms, reason) = (until.map(|it| it.0), reason.as_str().to_owned());
                hub.emit(Change::Banned { until_ms, reason });
                return Some(Over { code: Some(Code::Banned), answer: None });
            }
            Event::AccountDeleted {} => {
                return Some(Over { code: Some(Code::AccountDeleted), answer: None });
            }
        }
        None
    }

    fn pushed(&mut self, entry: thrive_protocol::entry::Entry) {
        let arrival = if self.link.is_live() { Arrival::Live } else { Arrival::CatchUp };
        let (conversation, seq) = (entry.conversation, entry.seq);
        let item = Item::Entry(entry, arrival);
        self.sync.offer(conversation, seq, item, &mut self.commit.placed);
    }

    async fn gone(&self, hub: &Hub, user: UserId, arrival: Arrival) {
        let has_chat = self.chats.contains_key(&user);
        hub.model(|model| model.gone(user, has_chat, arrival));
        if let Err(error) = self.cache.run(move |db| people::remove(db, user)).await {
            debug!(%error, "A contact could not be taken off the disk");
        }
    }

    async fn save_groups(&self, renamed: &GroupRenamed) {
        let renamed = renamed.clone();
        let saved =
            self.cache.run(move |db| people::regroup(db, &renamed.users, renamed.group.as_str()));
        if let Err(error) = saved.await {
            debug!(%error, "A group could not be renamed on the disk");
        }
    }

    async fn save_person(&self, hub: &Hub, user: UserId) {
        let contact = hub.shared.state.lock().model.contact(user).cloned();
        let Some(contact) = contact else { return };
        if let Err(error) = self.cache.run(move |db| people::put(db, &contact)).await {
            debug!(%error, "A contact could not be written down");
        }
    }

    /// Plans a pull if something is missing.
    pub(super) fn look_for_gaps(&mut self, now: Instant) {
        if self.link.session.is_none() || self.pull.entries != Step::Done {
            return;
        }
        let mut behind = self.sync.behind().peekable();
        if behind.peek().is_none() {
            return;
        }
        let sending = behind.any(|conversation| {
            let peer = self.by_conversation.get(&conversation);
            peer.is_some_and(|&peer| self.outbox.in_flight_to(peer))
        });
        let grace = if sending { GRACE_SENDING } else { GRACE };
        self.pull.entries = Step::Due(now + grace);
    }
}
