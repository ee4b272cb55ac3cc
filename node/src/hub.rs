//! Who is connected here, which conversations they follow, and how news reaches their outboxes.
//!
//! One small state behind one lock that is held for a few lines, never over an await. It decides
//! nothing about rights: whoever follows a conversation was found to be a member by the store.

mod topic;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use parking_lot::Mutex;
use thrive_protocol::entry::Entry;
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ConversationId, Seq, SessionId, UserId};
use thrive_protocol::version::close;
use thrive_protocol::{Event, NodeFrame, limits};
use tokio::sync::Semaphore;

pub use self::topic::Gap;
use self::topic::{Offer, Topic};
use crate::news::{Audience, News};
use crate::rate::Bucket;
use crate::session::outbox::Outbox;

/// A cheap handle.
#[derive(Clone, Default)]
pub struct Hub {
    /// Guards all of it; see the module.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    people: HashMap<UserId, Person>,
    /// Buckets of accounts that are gone and not full yet: leaving and coming back fills nothing.
    resting: HashMap<UserId, Bucket>,
    topics: HashMap<ConversationId, Topic>,
    /// Counts every change of a head, so that a connection can ask what changed since.
    version: u64,
}

/// Somebody with at least one connection.
struct Person {
    connections: Vec<Connection>,
    follows: Vec<ConversationId>,
    shared: Account,
}

/// What all connections of one account have in common.
#[derive(Clone)]
pub struct Account {
    /// How fast it may send.
    pub messages: Arc<Mutex<Bucket>>,
    /// Its turns for bulk answers.
    pub bulk: Arc<Semaphore>,
}

/// Resting buckets above which the full ones are thrown out.
const RESTING: usize = 4_096;

struct Connection {
    session: SessionId,
    outbox: Outbox,
}

impl Hub {
    /// From now on news for `user` goes into `outbox`, too. `fresh` and `bulk` are what an account
    /// begins with.
    pub fn connect(
        &self,
        user: UserId,
        session: SessionId,
        outbox: Outbox,
        fresh: Bucket,
        bulk: usize,
    ) -> Account {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let person = state.people.entry(user).or_insert_with(|| Person {
            connections: Vec::new(),
            follows: Vec::new(),
            shared: Account {
                messages: Arc::new(Mutex::new(state.resting.remove(&user).unwrap_or(fresh))),
                bulk: Arc::new(Semaphore::new(bulk)),
            },
        });
        person.connections.push(Connection { session, outbox });
        person.shared.clone()
    }

    /// Forgets a connection. Says whether it was the last one of this account here.
    pub fn disconnect(&self, user: UserId, outbox: &Outbox, now: Instant) -> bool {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Some(person) = state.people.get_mut(&user) else { return false };
        let before = person.connections.len();
        person.connections.retain(|connection| !connection.outbox.is(outbox));
        if !person.connections.is_empty() || person.connections.len() == before {
            return false;
        }
        let Some(person) = state.people.remove(&user) else { return false };
        state.rest(user, *person.shared.messages.lock(), now);
        for conversation in person.follows {
            if let Some(topic) = state.topics.get_mut(&conversation)
                && topic.leave(user)
            {
                state.topics.remove(&conversation);
            }
        }
        true
    }

    /// Lets `user` follow conversations. Call it before reading their heads, so that nothing falls
    /// between; then tell the heads with [`Self::raise`].
    pub fn follow(&self, user: UserId, conversations: impl IntoIterator<Item = ConversationId>) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let Some(person) = state.people.get_mut(&user) else { return };
        for conversation in conversations {
            if state.topics.entry(conversation).or_default().join(user) {
                person.follows.push(conversation);
            }
        }
    }

    /// The store says that a conversation reaches to `head`. Returns what was not delivered here.
    pub fn raise(&self, heads: impl IntoIterator<Item = Head>) -> Vec<Gap> {
        let mut state = self.state.lock();
        let gap_of = |head: Head| {
            let topic = state.topics.get_mut(&head.conversation)?;
            topic.known_head(head.seq).map(|after| Gap {
                conversation: head.conversation,
                after,
                to: head.seq,
            })
        };
        heads.into_iter().filter_map(gap_of).collect()
    }

    /// Delivers entries that were committed, in the order in which they are given. What leaves a gap
    /// is not delivered: the gap is returned, to be read from the store.
    pub fn deliver(&self, entries: impl IntoIterator<Item = (Entry, Option<Outbox>)>) -> Vec<Gap> {
        let mut gaps = Vec::new();
        let mut guard = self.state.lock();
        let state = &mut *guard;
        for (entry, origin) in entries {
            let Some(topic) = state.topics.get_mut(&entry.conversation) else { continue };
            match topic.offer(entry.seq) {
                Offer::Next => {}
                Offer::Known => continue,
                Offer::Gap { after } => {
                    gaps.push(Gap { conversation: entry.conversation, after, to: entry.seq });
                    continue;
                }
            }
            state.version += 1;
            topic.version = state.version;
            let members = topic.members();
            let frame = NodeFrame::Event(Event::Entry(entry)).encode();
            for person in members.iter().filter_map(|user| state.people.get(user)) {
                person.push(&frame, |it| !origin.as_ref().is_some_and(|from| it.outbox.is(from)));
            }
        }
        gaps
    }

    /// Gives news to everybody of its audience who is connected here.
    pub fn tell(&self, news: &News) {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let frame = NodeFrame::Event(news.event.clone()).encode();
        let others = |it: &Connection| news.origin != Some(it.session);
        match news.to {
            Audience::User(user) => {
                if let Some(person) = state.people.get_mut(&user) {
                    if let Event::Conversation(it) = &news.event {
                        let topic = state.topics.entry(it.conversation).or_default();
                        if topic.join(user) {
                            person.follows.push(it.conversation);
                        }
                        topic.start_at(it.head);
                    }
                    person.push(&frame, others);
                }
            }
            Audience::Conversation(conversation) => {
                let Some(topic) = state.topics.get(&conversation) else { return };
                for person in topic.members().iter().filter_map(|user| state.people.get(user)) {
                    person.push(&frame, others);
                }
            }
            Audience::EndSession(user, session) => {
                let Some(person) = state.people.get(&user) else { return };
                for connection in person.connections.iter().filter(|it| it.session == session) {
                    connection.outbox.push(frame.clone());
                    connection.outbox.end(close::SESSION_ENDED);
                }
            }
        }
    }

    /// Heads of what `user` follows that changed after `since`, and the `since` for next time.
    #[must_use]
    pub fn heads(&self, user: UserId, since: u64) -> (Vec<Head>, u64) {
        let state = self.state.lock();
        let Some(person) = state.people.get(&user) else { return (Vec::new(), since) };
        let mut changed: Vec<_> = person
            .follows
            .iter()
            .filter_map(|id| state.topics.get(id).map(|topic| (*id, topic)))
            .filter(|(_, topic)| since < topic.version)
            .collect();
        changed.sort_by_key(|(_, topic)| topic.version);
        changed.truncate(limits::HEADS);
        let upto = match changed.last() {
            Some((_, topic)) if changed.len() == limits::HEADS => topic.version,
            _ => state.version,
        };
        let heads = changed
            .into_iter()
            .filter_map(|(conversation, topic)| Some(Head { conversation, seq: topic.head()? }));
        (heads.collect(), upto)
    }

    /// Every conversation that somebody follows here.
    #[must_use]
    pub fn followed(&self) -> Vec<ConversationId> {
        self.state.lock().topics.keys().copied().collect()
    }

    /// Every connection's outbox, for the end of the node.
    #[must_use]
    pub fn outboxes(&self) -> Vec<Outbox> {
        let state = self.state.lock();
        state.people.values().flat_map(|it| &it.connections).map(|it| it.outbox.clone()).collect()
    }

    /// Whether `seq` of `conversation` was already delivered here, or nobody follows it.
    #[must_use]
    pub fn has(&self, conversation: ConversationId, seq: Seq) -> bool {
        let state = self.state.lock();
        state.topics.get(&conversation).is_none_or(|it| it.head().is_some_and(|head| seq <= head))
    }
}

impl State {
    fn rest(&mut self, user: UserId, mut bucket: Bucket, now: Instant) {
        if !bucket.is_full(now) {
            self.resting.insert(user, bucket);
        }
        if RESTING < self.resting.len() {
            self.resting.retain(|_, bucket| !bucket.is_full(now));
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

#[cfg(test)]
mod tests;
