//! What happened, and who is to hear of it. Services return news as data; the session hands it to the bus.

use thrive_protocol::entry::Entry;
use thrive_protocol::ids::{ConversationId, SessionId, UserId};
use thrive_protocol::{Event, Refusal};

/// One event for somebody.
#[derive(Clone, Debug, PartialEq)]
pub struct News {
    pub to: Audience,
    pub event: Event,
    /// The session that caused it: it knows already and is left out.
    pub origin: Option<SessionId>,
}

/// Who is to hear.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub enum Audience {
    /// Every session of one person.
    User(UserId),
    /// One person, who follows the conversation of the event from now on and hears nothing of it.
    Follower(UserId),
    /// Every session of every member of a conversation.
    Conversation(ConversationId),
    /// One session; it is ended after it has heard.
    EndSession(UserId, SessionId),
    /// Everybody who is connected, on every node.
    Everybody,
    /// Every node itself: it hands its people over and ends.
    EveryNode,
}

/// A finished request: the answer for the caller, and the news for others.
///
/// The session publishes the news after the effect is stored and the reply queued, so a request that
/// failed can never have told anybody that it succeeded.
#[derive(Debug)]
pub struct Done<T> {
    pub reply: T,
    pub news: Vec<News>,
    /// What was put into the log of a conversation: news for everybody in it, the caller included.
    pub entry: Option<Entry>,
}

impl<T> Done<T> {
    /// Nobody else needs to know.
    pub fn quietly(reply: T) -> Self {
        Self { reply, news: Vec::new(), entry: None }
    }

    #[must_use]
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Done<U> {
        Done { reply: change(self.reply), news: self.news, entry: self.entry }
    }

    #[must_use]
    pub fn and(mut self, to: Audience, event: Event, origin: Option<SessionId>) -> Self {
        self.news.push(News { to, event, origin });
        self
    }
}

/// Whose doing a failure is: decides the log level, the metric and whether a retry can help.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The request was wrong. Retrying it unchanged cannot help.
    Peer,
    /// The request was fine and the rules said no.
    Policy,
    /// We failed. The peer may retry.
    Ours,
}

/// An error that ends a request: what the peer hears, and whose fault it is.
pub trait Answer: std::error::Error {
    fn refusal(&self) -> Refusal;
    fn fault(&self) -> Fault;
}
