//! Reading messages: from the cache, and from the server what the cache does not have.

use thrive_protocol::ids::{Seq, UserId};
use thrive_protocol::limits;
use thrive_protocol::reply::Reply;
use thrive_protocol::request::{History, Request};

use crate::cache::chats::{self, Chat};
use crate::cache::older::{Older, older};
use crate::cache::{Cache, messages};
use crate::handle::Client;
use crate::session::strange;
use crate::types::{Failure, Message, MessageKey, Username};

impl Client {
    /// The newest messages with somebody that this device has, oldest first, those that wait last.
    ///
    /// # Errors
    /// Nobody is logged in, or the disk says no.
    pub async fn messages(&self, peer: UserId, limit: usize) -> Result<Vec<Message>, Failure> {
        let (cache, me) = self.cache()?;
        cache.run(move |db| messages::newest(db, &me, peer, limit)).await
    }

    /// Messages before one of them, oldest first, and whether there are more. What this device does not
    /// have is asked of the server; without a connection this ends where the cache ends.
    ///
    /// # Errors
    /// Nobody is logged in, or the disk says no.
    pub async fn earlier(
        &self,
        peer: UserId,
        before: MessageKey,
        limit: usize,
    ) -> Result<(Vec<Message>, bool), Failure> {
        let (cache, me) = self.cache()?;
        let name = me.clone();
        let at = cache.run(move |db| messages::by_key(db, &name, before)).await?;
        // What waits has everything else before it.
        let place = at.and_then(|message| message.seq).map_or(Seq(u64::MAX), Seq);
        loop {
            let name = me.clone();
            let (found, chat) = cache
                .run(move |db| {
                    let found = messages::before(db, &name, peer, place, limit)?;
                    Ok((found, chats::of(db, peer)?))
                })
                .await?;
            let first = found.first().and_then(|message| message.seq).map_or(place, Seq);
            let Some(chat) = chat else { return Ok((found, false)) };
            let more = Seq(1) < chat.floor;
            if limit <= found.len() {
                return Ok((found, more || chat.floor < first));
            }
            if !more || !self.fetch_older(&cache, &chat).await? {
                return Ok((found, more));
            }
        }
    }

    /// Messages after a place, oldest first; for programs that follow a chat by themselves.
    ///
    /// # Errors
    /// Nobody is logged in, or the disk says no.
    pub async fn later(
        &self,
        peer: UserId,
        after: u64,
        limit: usize,
    ) -> Result<Vec<Message>, Failure> {
        let (cache, me) = self.cache()?;
        cache.run(move |db| messages::after(db, &me, peer, Seq(after), limit)).await
    }

    /// How far a program that follows messages has got with somebody: what it noted last, else how far
    /// was read.
    ///
    /// # Errors
    /// Nobody is logged in, or the disk says no.
    pub async fn bookmark(&self, program: &str, peer: UserId) -> Result<u64, Failure> {
        let (cache, program) = (self.cache()?.0, program.to_owned());
        let place = cache
            .run(move |db| match chats::bookmark(db, &program, peer)? {
                Some(seq) => Ok(seq),
                None => Ok(chats::of(db, peer)?.map_or(Seq::START, |chat| chat.marks.read)),
            })
            .await?;
        Ok(place.0)
    }

    /// Notes how far a program has got. It never goes back.
    ///
    /// # Errors
    /// Nobody is logged in, or the disk says no.
    pub async fn set_bookmark(&self, program: &str, peer: UserId, seq: u64) -> Result<(), Failure> {
        let (cache, program) = (self.cache()?.0, program.to_owned());
        cache.run(move |db| chats::set_bookmark(db, &program, peer, Seq(seq))).await
    }

    /// What was begun and not sent; empty when nothing was.
    pub async fn draft(&self, peer: UserId) -> String {
        let Ok((cache, _)) = self.cache() else { return String::new() };
        cache.run(move |db| chats::draft(db, peer)).await.unwrap_or_default()
    }

    /// Keeps what was begun, over restarts.
    ///
    /// # Errors
    /// Nobody is logged in, nobody has this number, or the disk says no.
    pub async fn set_draft(&self, peer: UserId, text: &str) -> Result<(), Failure> {
        let (cache, text) = (self.cache()?.0, text.to_owned());
        let Some(contact) = self.contact(peer) else {
            return Err(Failure::Invalid("nobody with this number is known".to_owned()));
        };
        cache.run(move |db| chats::set_draft(db, peer, &contact.username, &text)).await
    }

    /// The last message with everybody with whom there is one.
    pub(crate) async fn last_messages(&self) -> Result<Vec<Message>, Failure> {
        let (cache, me) = self.cache()?;
        cache
            .run(move |db| {
                let mut last = Vec::new();
                for chat in chats::all(db)? {
                    last.extend(messages::newest(db, &me, chat.peer, 1)?);
                }
                Ok(last)
            })
            .await
    }

    /// Brings one more page from the server into the cache. `false`: not now.
    async fn fetch_older(&self, cache: &Cache, chat: &Chat) -> Result<bool, Failure> {
        let (Some(conversation), Some(me)) = (chat.conversation, self.account()) else {
            return Ok(false);
        };
        let (peer, floor) = (chat.peer, chat.floor);
        let limit = limits::HISTORY_PAGE as u32;
        let request = Request::History(History { conversation, before: Some(floor), limit });
        match self.aside(request).await {
            Ok(Reply::Page { entries, more }) => {
                let entries = entries.into_inner();
                let page = Older { peer, conversation, before: floor, entries, more };
                cache.run(move |db| older(db, me.user, page)).await
            }
            Ok(_) => Err(strange("a page of history")),
            Err(Failure::Unreachable(_) | Failure::Refused { .. }) => Ok(false),
            Err(failure) => Err(failure),
        }
    }

    pub(crate) fn cache(&self) -> Result<(Cache, Username), Failure> {
        let state = self.shared.state.lock();
        let (cache, username) = (state.cache.clone(), state.username.clone());
        cache.zip(username).ok_or(Failure::NotLoggedIn)
    }
}
