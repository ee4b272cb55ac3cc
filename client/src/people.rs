//! The contact list, statuses, and opening a chat with somebody.

use thrive_protocol::reply::Reply;
use thrive_protocol::request::{BlockUser, Request, RequestContact, SetPresence};
use thrive_protocol::text::same_group;

use crate::engine::asking::Effect;
use crate::handle::{Client, parse_username};
use crate::session::strange;
use crate::types::{Contact, Failure, GroupRenamed, Presence, UserId, Username};

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

    /// The groups that I have contacts in, by name.
    #[must_use]
    pub fn groups(&self) -> Vec<String> {
        groups(self.contacts().iter())
    }

    /// Puts a contact into a group of mine; empty takes them out. A group is there as long as somebody
    /// is in it. One that I have is kept as it is written for the others in it, however it is written now.
    ///
    /// # Errors
    /// They are no contact, the server refuses or knows no groups, or there is no connection.
    pub async fn group_contact(&self, user: UserId, group: &str) -> Result<Contact, Failure> {
        let mut group = group.trim().to_owned();
        let contacts = self.contacts();
        let others = groups(contacts.iter().filter(|contact| contact.user != user));
        if let Some(kept) = others.into_iter().find(|it| same_group(it, &group)) {
            group = kept;
        }
        self.contact_request(Request::GroupContact { user, group }).await
    }

    /// Puts everybody in a group of mine into another one, in one step; an empty name takes them out. A
    /// group of that name that I have already is joined and keeps its writing.
    ///
    /// # Errors
    /// Nobody is in the group, the server refuses or cannot do it, or there is no connection.
    pub async fn rename_group(&self, group: &str, name: &str) -> Result<GroupRenamed, Failure> {
        let (group, name) = (group.to_owned(), name.to_owned());
        let request = Request::RenameGroup { group, name };
        match self.request(request, Effect::Regrouped).await? {
            Reply::GroupRenamed(renamed) => Ok(GroupRenamed {
                group: renamed.group.as_str().to_owned(),
                // The model has them by now, as they are.
                contacts: renamed.users.iter().filter_map(|user| self.contact(*user)).collect(),
            }),
            _ => Err(strange("the group")),
        }
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

/// The groups that people are in, each once, by name.
#[must_use]
pub fn groups<'a>(contacts: impl Iterator<Item = &'a Contact>) -> Vec<String> {
    let in_group = contacts.map(|contact| &contact.group).filter(|it| !it.is_empty());
    let mut groups: Vec<String> = in_group.cloned().collect();
    groups.sort_by_cached_key(|it| (it.to_lowercase(), it.clone()));
    groups.dedup_by(|one, other| same_group(one, other));
    groups
}

/// A status in the words of the wire.
pub(crate) fn set_presence(presence: Presence) -> SetPresence {
    let Presence { availability, preset, text, last_seen_ms: _ } = presence;
    SetPresence { availability, preset, text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Relation;

    #[test]
    fn groups_are_told_once_each_and_by_name() {
        let contact = |id: i64, group: &str| Contact {
            user: UserId(id),
            username: Username::parse(&format!("user{id}")).unwrap(),
            nickname: String::new(),
            group: group.into(),
            relation: Relation::Contact,
            blocked: false,
            request: String::new(),
            presence: Presence::default(),
            unread: 0,
            typing: false,
            admin: false,
        };
        let contacts: Vec<_> = (1..)
            .zip(["work", "", "Choir", "WORK", "choir", "Äpfel"])
            .map(|(id, it)| contact(id, it))
            .collect();
        assert_eq!(groups(contacts.iter()), ["Choir", "WORK", "Äpfel"]);
    }
}
