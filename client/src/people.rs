//! The contact list, statuses, and opening a chat with somebody.

use thrive_protocol::reply::Reply;
use thrive_protocol::request::{BlockUser, Request, RequestContact, SetPresence};

use crate::engine::asking::Effect;
use crate::handle::{Client, parse_username};
use crate::session::strange;
use crate::types::{Contact, Failure, Presence, UserId, Username};

impl Client {
    /// Everybody who is known, by the name to show: contacts, open requests, blocked people, and
    /// people with whom there only is a chat ([`crate::types::Relation::None`]).
    #[must_use]
    pub fn contacts(&self) -> Vec<Contact> {
        self.shared.state.lock().model.contacts()
    }

    #[must_use]
    pub fn contact(&self, user: UserId) -> Option<Contact> {
        self.shared.state.lock().model.contact(user).cloned()
    }

    #[must_use]
    pub fn find(&self, username: &Username) -> Option<Contact> {
        self.shared.state.lock().model.find(username).cloned()
    }

    /// Asks somebody to be my contact. If they asked me before, we now are.
    ///
    /// # Errors
    /// The server refuses, or there is no connection.
    pub async fn add_contact(&self, username: &str, text: &str) -> Result<Contact, Failure> {
        let username = parse_username(username)?.to_string();
        let request = RequestContact { username, text: text.to_owned() };
        self.contact_request(Request::RequestContact(request)).await
    }

    /// # Errors
    /// They have not asked, or there is no connection.
    pub async fn accept_contact(&self, user: UserId) -> Result<Contact, Failure> {
        self.contact_request(Request::AcceptContact { user }).await
    }

    /// They are not told.
    ///
    /// # Errors
    /// They have not asked, or there is no connection.
    pub async fn decline_contact(&self, user: UserId) -> Result<(), Failure> {
        self.request(Request::DeclineContact { user }, Effect::Gone(user)).await?;
        Ok(())
    }

    /// Ends being contacts, or takes my request back.
    ///
    /// # Errors
    /// The server refuses, or there is no connection.
    pub async fn remove_contact(&self, user: UserId) -> Result<(), Failure> {
        self.request(Request::RemoveContact { user }, Effect::Gone(user)).await?;
        Ok(())
    }

    /// # Errors
    /// The server refuses, or there is no connection.
    pub async fn block(&self, username: &str) -> Result<Contact, Failure> {
        let username = parse_username(username)?.to_string();
        self.contact_request(Request::BlockUser(BlockUser { username })).await
    }

    /// # Errors
    /// The server refuses, or there is no connection.
    pub async fn unblock(&self, user: UserId) -> Result<(), Failure> {
        self.request(Request::UnblockUser { user }, Effect::Unblocked(user)).await?;
        Ok(())
    }

    /// My own name for them; empty takes it away.
    ///
    /// # Errors
    /// The server refuses, or there is no connection.
    pub async fn name_contact(&self, user: UserId, nickname: &str) -> Result<Contact, Failure> {
        let nickname = nickname.to_owned();
        self.contact_request(Request::NameContact { user, nickname }).await
    }

    /// My status as the server knows it.
    #[must_use]
    pub fn own_presence(&self) -> Presence {
        self.shared.state.lock().model.own().clone()
    }

    /// Sets my status on all my devices.
    ///
    /// # Errors
    /// The server refuses, or there is no connection.
    pub async fn set_presence(&self, presence: Presence) -> Result<(), Failure> {
        let request = Request::SetPresence(set_presence(presence.clone()));
        self.request(request, Effect::OwnPresence(presence)).await?;
        Ok(())
    }

    /// Makes sure that somebody, contact or not, can be written to. Needs no connection for people who
    /// are known already.
    ///
    /// # Errors
    /// There is nobody of that name, or no connection.
    pub async fn open_chat(&self, username: &str) -> Result<UserId, Failure> {
        let username = parse_username(username)?;
        if let Some(known) = self.find(&username) {
            return Ok(known.user);
        }
        let request = Request::OpenConversation { username: username.to_string() };
        match self.request(request, Effect::Conversation).await? {
            Reply::Conversation(conversation) => Ok(conversation.peer),
            _ => Err(strange("the conversation")),
        }
    }

    async fn contact_request(&self, request: Request) -> Result<Contact, Failure> {
        match self.request(request, Effect::Contact).await? {
            // The model has it by now, with what only this device knows.
            Reply::Contact(contact) => self.contact(contact.user).ok_or(Failure::NotLoggedIn),
            _ => Err(strange("the contact")),
        }
    }
}

/// A status in the words of the wire.
pub(crate) fn set_presence(presence: Presence) -> SetPresence {
    let Presence { availability, preset, text, last_seen_ms: _ } = presence;
    SetPresence { availability, preset, text }
}
