//! Entries and news on their way into the outboxes of those who are connected here.

use bytes::Bytes;
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::{ConversationId, Seq, SessionId, UserId};
use thrive_protocol::version::close;
use thrive_protocol::{Event, NodeFrame};

use super::topic::Offer;
use super::{Connection, Gap, Hub, Person, State};
use crate::faults::{self, Point};
use crate::news::{Audience, News};
use crate::orders::Ending;
use crate::session::outbox::Outbox;

/// An entry that is on disk, encoded once for everybody in the whole cluster.
#[derive(Clone)]
pub struct Delivery {
    pub conversation: ConversationId,
    pub seq: Seq,
    /// What each connection is sent.
    pub frame: Bytes,
    /// The connection on this node that sent it and was told by its acknowledgement.
    pub origin: Option<Outbox>,
}

impl Delivery {
    #[must_use]
    pub fn of(entry: Entry, origin: Option<Outbox>) -> Self {
        let (conversation, seq) = (entry.conversation, entry.seq);
        let frame = NodeFrame::Event(Event::Entry(entry)).encode();
        Self { conversation, seq, frame, origin }
    }
}

impl Hub {
    /// Delivers entries that were committed, in the order of their numbers. What leaves a gap waits
    /// for it to close, within bounds: the gap is returned, to be read from the store.
    pub fn deliver(&self, deliveries: &[Delivery]) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut guard = self.state.lock();
        let State { people, topics, waiting, version, .. } = &mut *guard;
        for delivery in deliveries {
            let conversation = delivery.conversation;
            let Some(topic) = topics.get_mut(&conversation) else { continue };
            match topic.offer(delivery.seq) {
                Offer::Known => continue,
                Offer::Gap { after } => {
                    topic.hold(delivery, waiting);
                    gaps.push(Gap { conversation, after, to: delivery.seq });
                    continue;
                }
                Offer::Next => {}
            }
            *version += 1;
            topic.version = *version;
            let reach = |members: &[UserId], delivery: &Delivery| {
                let origin = delivery.origin.as_ref();
                for person in members.iter().filter_map(|user| people.get(user)) {
                    person
                        .push(&delivery.frame, |it| !origin.is_some_and(|from| it.outbox.is(from)));
                    faults::point(Point::MidFanOut);
                }
            };
            reach(topic.members(), delivery);
            while let Some(early) = topic.next_early(waiting) {
                reach(topic.members(), &early);
            }
        }
        gaps
    }

    /// Gives news to everybody of its audience who is connected here.
    pub fn tell(&self, news: &News) {
        if news.to == Audience::EveryNode {
            return self.orders.give(Ending::Stop);
        }
        if let Audience::Follower(user) = news.to {
            let Event::Conversation(it) = &news.event else { return };
            return self.follow_from(user, it.conversation, it.head);
        }
        if !self.state.lock().concerns(news.to) {
            return;
        }
        // Between two locks: nobody waits for it, and what concerns nobody here is not encoded.
        let frame = NodeFrame::Event(news.event.clone()).encode();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let others = |it: &Connection| news.origin != Some(it.session);
        match news.to {
            Audience::User(user) => {
                if let Event::Conversation(it) = &news.event {
                    state.follow_from(user, it.conversation, it.head);
                }
                if let Some(person) = state.people.get(&user) {
                    person.push(&frame, others);
                }
            }
            Audience::Conversation(conversation) => {
                let Some(topic) = state.topics.get(&conversation) else { return };
                for person in topic.members().iter().filter_map(|user| state.people.get(user)) {
                    person.push(&frame, others);
                }
            }
            Audience::Everybody => {
                for person in state.people.values() {
                    person.push(&frame, others);
                }
            }
            // Done above: they are no news for people.
            Audience::Follower(_) | Audience::EveryNode => {}
            Audience::EndSession(user, session) => {
                let Some(person) = state.people.get(&user) else { return };
                for connection in person.connections.iter().filter(|it| it.session == session) {
                    connection.outbox.push(frame.clone());
                    connection.outbox.end(close::SESSION_ENDED);
                }
            }
        }
    }

    /// Gives one event to many people, those of them who are connected here. Encoded once for all.
    pub fn tell_people(&self, people: &[UserId], event: Event) {
        let frame = NodeFrame::Event(event).encode();
        let state = self.state.lock();
        for person in people.iter().filter_map(|user| state.people.get(user)) {
            person.push(&frame, |_| true);
        }
    }

    /// Ends what is connected here of a session that is over; `event` says why.
    pub fn end_session(&self, user: UserId, session: SessionId, event: Event) {
        let to = Audience::EndSession(user, session);
        self.tell(&News { to, event, origin: None });
    }
}

impl State {
    /// Whether anybody of this audience is connected here: news of other nodes mostly concern nobody.
    fn concerns(&self, audience: Audience) -> bool {
        match audience {
            Audience::User(user) | Audience::EndSession(user, _) => self.people.contains_key(&user),
            Audience::Conversation(conversation) => self.topics.contains_key(&conversation),
            Audience::Everybody => !self.people.is_empty(),
            Audience::Follower(_) | Audience::EveryNode => false,
        }
    }
}

impl Person {
    fn push(&self, frame: &Bytes, wanted: impl Fn(&Connection) -> bool) {
        for connection in self.connections.iter().filter(|it| wanted(it)) {
            // A full outbox remembers that it is behind; an ended one is about to go.
            connection.outbox.push(frame.clone());
        }
    }
}
