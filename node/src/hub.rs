//! Who is connected here, which conversations they follow, and how news reaches their outboxes.
//!
//! One small state behind one lock that is held for a few lines, never over an await. It decides
//! nothing about rights: whoever follows a conversation was found to be a member by the store.

mod fan_out;
mod topic;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ConversationId, Seq, SessionId, UserId};
use thrive_protocol::limits;
use tokio::sync::Semaphore;

pub use self::fan_out::Delivery;
pub use self::topic::Gap;
use self::topic::Topic;
use crate::orders::Orders;
use crate::rate::{Bucket, Rate};
use crate::session::outbox::Outbox;
use crate::session::transfer::Turns;

/// A cheap handle.
#[derive(Clone, Default)]
pub struct Hub {
    /// Guards all of it; see the module.
    state: Arc<Mutex<State>>,
    /// That this node is to end.
    orders: Orders,
}

#[derive(Default)]
struct State {
    people: HashMap<UserId, Person>,
    /// Buckets of accounts that are gone and not full yet: leaving and coming back fills nothing.
    resting: HashMap<UserId, Buckets>,
    topics: HashMap<ConversationId, Topic>,
    /// Bytes of the entries that came before their turn.
    waiting: usize,
    /// Counts every change of a head, so that a connection can ask what changed since.
    version: u64,
}

/// Somebody with at least one connection.
struct Person {
    connections: Vec<Connection>,
    follows: Vec<ConversationId>,
    /// Until a first connection has read what it is to follow, that nothing is followed means nothing.
    begun: bool,
    /// The version of the list of contacts that nobody here has missed.
    contacts: Option<i64>,
    shared: Account,
}

/// How fast an account may do things, over all its connections.
#[derive(Clone, Copy, Debug)]
pub struct Buckets {
    /// Sending.
    pub messages: Bucket,
    /// Asking for anything else.
    pub requests: Bucket,
}

/// What all connections of one account have in common.
#[derive(Clone)]
pub struct Account {
    /// Guards two numbers for a line.
    pub buckets: Arc<Mutex<Buckets>>,
    /// Its turns for bulk answers.
    pub bulk: Arc<Semaphore>,
    /// Its turns for the content of files.
    pub(crate) transfers: Turns,
}

/// Resting buckets above which the full ones are thrown out.
const RESTING: usize = 4_096;

struct Connection {
    session: SessionId,
    outbox: Outbox,
}

impl Hub {
    /// Where this node hears that it is to end.
    #[must_use]
    pub fn orders(&self) -> Orders {
        self.orders.clone()
    }

    /// From now on news for `user` goes into `outbox`, too. `fresh` and `bulk` are what an account
    /// begins with.
    pub fn connect(
        &self,
        user: UserId,
        session: SessionId,
        outbox: Outbox,
        fresh: Buckets,
        bulk: usize,
    ) -> Account {
        let mut guard = self.state.lock();
        let state = &mut *guard;
        let person = state.people.entry(user).or_insert_with(|| Person {
            connections: Vec::new(),
            follows: Vec::new(),
            begun: false,
            contacts: None,
            shared: Account {
                buckets: Arc::new(Mutex::new(state.resting.remove(&user).unwrap_or(fresh))),
                bulk: Arc::new(Semaphore::new(bulk)),
                transfers: Turns::of_account(),
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
        state.rest(user, *person.shared.buckets.lock(), now);
        for conversation in person.follows {
            if let Some(topic) = state.topics.get_mut(&conversation)
                && topic.leave(user)
            {
                topic.forget(&mut state.waiting);
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
        person.begun = true;
        for conversation in conversations {
            if state.topics.entry(conversation).or_default().join(user) {
                person.follows.push(conversation);
            }
        }
    }

    /// Lets `user` follow a conversation that the store was seen to hold up to `head`, and that much of
    /// it needs no delivering. Whatever is beyond does, said by somebody or not.
    pub fn follow_from(&self, user: UserId, conversation: ConversationId, head: Seq) {
        self.state.lock().follow_from(user, conversation, head);
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

    /// What must be read from the store to close these gaps; those that closed by themselves are left
    /// out.
    #[must_use]
    pub fn missing(&self, gaps: &[Gap]) -> Vec<Gap> {
        let state = self.state.lock();
        let missing = |gap: &Gap| {
            let (after, to) = state.topics.get(&gap.conversation)?.missing(gap.to)?;
            Some(Gap { after, to, ..*gap })
        };
        gaps.iter().filter_map(missing).collect()
    }

    /// Every session that is connected here, and whose it is.
    #[must_use]
    pub fn sessions(&self) -> Vec<(UserId, SessionId)> {
        let state = self.state.lock();
        let of = |(user, person): (&UserId, &Person)| {
            let user = *user;
            person.connections.iter().map(move |it| (user, it.session)).collect::<Vec<_>>()
        };
        state.people.iter().flat_map(of).collect()
    }

    /// Who is connected here: the next `at_most` after `last`, by id. None after the last one.
    #[must_use]
    pub fn people_after(&self, last: UserId, at_most: usize) -> Vec<UserId> {
        let mut people: Vec<_> =
            self.state.lock().people.keys().copied().filter(|user| last < *user).collect();
        people.sort_unstable();
        people.truncate(at_most);
        people
    }

    /// Somebody who is just coming reads the list of contacts after this. What others of their
    /// connections know may be older, and is left for [`Self::contacts_moved`].
    pub fn contacts_are_at(&self, user: UserId, version: i64) {
        if let Some(person) = self.state.lock().people.get_mut(&user) {
            person.contacts.get_or_insert(version);
        }
    }

    /// The store has this version of the list of contacts. Says whether that is news.
    #[must_use]
    pub fn contacts_moved(&self, user: UserId, version: i64) -> bool {
        let mut state = self.state.lock();
        let Some(person) = state.people.get_mut(&user) else { return false };
        let moved = person.contacts.is_some_and(|known| known < version);
        person.contacts = person.contacts.max(Some(version));
        moved
    }

    /// Which of these members are connected here and do not follow their conversation. Whoever is just
    /// coming is none of them: they are about to read what they are to follow.
    #[must_use]
    pub fn strangers(
        &self,
        members: impl IntoIterator<Item = (ConversationId, UserId)>,
    ) -> Vec<(ConversationId, UserId)> {
        let state = self.state.lock();
        let is_stranger = |(conversation, user): &(ConversationId, UserId)| {
            let topic = state.topics.get(conversation);
            state.people.get(user).is_some_and(|person| person.begun)
                && !topic.is_some_and(|it| it.members().contains(user))
        };
        members.into_iter().filter(is_stranger).collect()
    }
}

impl Buckets {
    #[must_use]
    pub fn full(messages: Rate, requests: Rate) -> Self {
        Self { messages: Bucket::full(messages), requests: Bucket::full(requests) }
    }

    fn are_full(&mut self, now: Instant) -> bool {
        self.messages.is_full(now) && self.requests.is_full(now)
    }
}

impl State {
    fn follow_from(&mut self, user: UserId, conversation: ConversationId, head: Seq) {
        let Some(person) = self.people.get_mut(&user) else { return };
        let topic = self.topics.entry(conversation).or_default();
        if topic.join(user) {
            person.follows.push(conversation);
        }
        topic.start_at(head);
    }

    fn rest(&mut self, user: UserId, mut buckets: Buckets, now: Instant) {
        if !buckets.are_full(now) {
            self.resting.insert(user, buckets);
        }
        if RESTING < self.resting.len() {
            self.resting.retain(|_, buckets| !buckets.are_full(now));
        }
    }
}

#[cfg(test)]
mod tests;
