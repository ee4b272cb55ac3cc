//! Conversations: opening them, reading back, and telling how far one is.

use thrive_protocol::entry::Entry;
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Epoch, Seq, UserId};
use thrive_protocol::limits::HISTORY_PAGE;
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;
use thrive_protocol::request::History;
use thrive_protocol::{Code, Event, Refusal};

use super::Caller;
use crate::clock;
use crate::domain::page;
use crate::news::{Answer, Audience, Done, Fault};
use crate::store::marks::Standing;
use crate::store::{Database, StoreError};

#[derive(Clone)]
pub struct Conversations {
    pub(super) database: Database,
    pub(super) epoch: Epoch,
}

#[derive(Debug, thiserror::Error)]
pub enum ConversationError {
    #[error("nobody has this name")]
    NoSuchUser,
    #[error("that is the caller")]
    Yourself,
    #[error("they have blocked the caller")]
    Blocked,
    #[error("the caller has blocked them")]
    BlockedByYou,
    #[error("the caller is in no such conversation")]
    NoSuchConversation,
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Conversations {
    pub(super) fn new(database: Database, epoch: Epoch) -> Self {
        Self { database, epoch }
    }

    /// Which of these messages of the caller are stored.
    ///
    /// # Errors
    /// The store failed.
    pub async fn stored(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        ids: Vec<ClientMsgId>,
    ) -> Result<Vec<ClientMsgId>, ConversationError> {
        Ok(self.database.stored_of(conversation, caller.user, &ids).await?)
    }

    /// The direct conversation with somebody, made when there is none. What was said stays readable
    /// after a block; a new conversation needs that there is none.
    ///
    /// # Errors
    /// There is nobody to talk with.
    pub async fn open(
        &self,
        caller: &Caller,
        username: &str,
    ) -> Result<Done<Conversation>, ConversationError> {
        let username = Username::parse(username).map_err(|_| ConversationError::NoSuchUser)?;
        let peer = self.database.find_user(&username).await?;
        let peer = peer.ok_or(ConversationError::NoSuchUser)?;
        if peer == caller.user {
            return Err(ConversationError::Yourself);
        }
        if let Some(known) = self.database.find_direct(caller.user, peer).await? {
            return self.opened(caller, peer, known).await;
        }
        let pair = self.database.pair(caller.user, peer).await?;
        if pair.mine.blocked {
            return Err(ConversationError::BlockedByYou);
        }
        if pair.theirs.blocked {
            return Err(ConversationError::Blocked);
        }

        let made = match self.database.create_direct(caller.user, peer, clock::now()).await? {
            Some(made) => made,
            None => {
                // The peer opened it in this very moment.
                let known = self.database.find_direct(caller.user, peer).await?;
                known.ok_or(ConversationError::NoSuchConversation)?
            }
        };
        self.opened(caller, peer, made).await
    }

    /// Tells the caller's devices of a conversation for as long as nothing was said in it, and has those
    /// of the peer follow it in silence: that somebody thinks of writing tells that they are there, and
    /// is nobody's business before they have said something. Again each time, since whoever made it may
    /// have failed or gone before the news was out.
    async fn opened(
        &self,
        caller: &Caller,
        peer: UserId,
        conversation: ConversationId,
    ) -> Result<Done<Conversation>, ConversationError> {
        let mine = self.seen_by(caller.user, conversation).await?;
        if mine.head != Seq::START {
            return Ok(Done::quietly(mine));
        }
        let event = Event::Conversation(mine.clone());
        Ok(Done::quietly(mine).and(Audience::Follower(peer), event.clone(), None).and(
            Audience::User(caller.user),
            event,
            Some(caller.session),
        ))
    }

    /// One page of entries before a place, oldest first, and whether there are any before it.
    ///
    /// # Errors
    /// The caller is in no such conversation.
    pub async fn history(
        &self,
        caller: &Caller,
        request: History,
    ) -> Result<(Vec<Entry>, bool), ConversationError> {
        self.standing(caller, request.conversation).await?;
        let before = request.before.unwrap_or(Seq(u64::MAX));
        let limit = usize::try_from(request.limit).unwrap_or(HISTORY_PAGE).clamp(1, HISTORY_PAGE);
        let entries = self.database.entries_before(request.conversation, before, limit).await?;
        let entries = page::newest_that_fit(entries);
        let more = entries.first().is_some_and(|oldest| Seq(1) < oldest.seq);
        Ok((entries, more))
    }

    /// Every conversation that a session of `user` is to follow, and how far it goes.
    ///
    /// # Errors
    /// The store failed.
    pub async fn heads_of(&self, user: UserId) -> Result<Vec<Head>, ConversationError> {
        Ok(self.database.heads_of(user).await?)
    }

    /// The caller has read up to here. Whoever is hidden from the peer tells only the own devices.
    ///
    /// # Errors
    /// The caller is in no such conversation.
    pub async fn mark_read(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Done<()>, ConversationError> {
        let standing = self.standing(caller, conversation).await?;
        let seq = seq.min(standing.head);
        let hidden = is_hidden(&standing);
        let to = if hidden {
            if seq <= standing.read {
                return Ok(Done::quietly(()));
            }
            self.database.mark_read_unseen(caller.user, conversation, seq).await?;
            Audience::User(caller.user)
        } else {
            if seq <= standing.read.min(standing.shown_read) {
                return Ok(Done::quietly(()));
            }
            self.database.mark_read(caller.user, conversation, seq).await?;
            Audience::Conversation(conversation)
        };
        let event = Event::Read { conversation, user: caller.user, seq };
        Ok(Done::quietly(()).and(to, event, Some(caller.session)))
    }

    /// A device of the caller has received up to here. It matters to the peer only.
    ///
    /// # Errors
    /// The caller is in no such conversation.
    pub async fn mark_delivered(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        seq: Seq,
    ) -> Result<Done<()>, ConversationError> {
        let standing = self.standing(caller, conversation).await?;
        let seq = seq.min(standing.head);
        if is_hidden(&standing) || seq <= standing.delivered {
            return Ok(Done::quietly(()));
        }
        self.database.mark_delivered(caller.user, conversation, seq).await?;
        let event = Event::Delivered { conversation, user: caller.user, seq };
        Ok(Done::quietly(()).and(Audience::User(standing.peer), event, Some(caller.session)))
    }

    /// The caller writes, or stopped. Nothing is stored.
    ///
    /// # Errors
    /// The caller is in no such conversation.
    pub async fn typing(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        active: bool,
    ) -> Result<Done<()>, ConversationError> {
        let standing = self.standing(caller, conversation).await?;
        if is_hidden(&standing) {
            return Ok(Done::quietly(()));
        }
        let event = Event::Typing { conversation, user: caller.user, active };
        Ok(Done::quietly(()).and(Audience::User(standing.peer), event, Some(caller.session)))
    }

    async fn standing(
        &self,
        caller: &Caller,
        conversation: ConversationId,
    ) -> Result<Standing, ConversationError> {
        let standing = self.database.standing(caller.user, conversation).await?;
        standing.ok_or(ConversationError::NoSuchConversation)
    }

    async fn seen_by(
        &self,
        member: UserId,
        conversation: ConversationId,
    ) -> Result<Conversation, ConversationError> {
        let seen = self.database.conversation(member, conversation).await?;
        seen.ok_or(ConversationError::NoSuchConversation)
    }
}

/// Whether the peer must not learn that the member is there and reads.
fn is_hidden(standing: &Standing) -> bool {
    standing.invisible || standing.blocked
}

impl Answer for ConversationError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::NoSuchUser => Code::NoSuchUser.into(),
            Self::Yourself => Code::Yourself.into(),
            Self::Blocked => Code::Blocked.into(),
            Self::BlockedByYou => Code::BlockedByYou.into(),
            Self::NoSuchConversation => Code::NoSuchConversation.into(),
            Self::Store(error) => error.refusal(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::NoSuchUser | Self::Yourself | Self::NoSuchConversation => Fault::Peer,
            Self::Blocked | Self::BlockedByYou => Fault::Policy,
            Self::Store(error) => error.fault(),
        }
    }
}
