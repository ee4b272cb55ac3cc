//! Contacts: asking, agreeing, parting, blocking. The rules are in `domain::relation`; here they are
//! applied, and both sides hear what changed for them.

use std::collections::HashMap;

use thrive_protocol::bounded::List;
use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::limits::{CONTACTS, GROUP_CHARS, NICKNAME_CHARS, REQUEST_CHARS};
use thrive_protocol::name::Username;
use thrive_protocol::people::{Availability, Contact, Presence, Relation};
use thrive_protocol::reply::GroupRenamed;
use thrive_protocol::request::{BlockUser, RequestContact};
use thrive_protocol::text::{GroupName, Nickname, RequestText};
use thrive_protocol::{Code, Event, Refusal};

use super::Caller;
use crate::domain::relation::{Pair, RelationRefusal, Side, may_see_presence};
use crate::last_seen;
use crate::news::{Answer, Audience, Done, Fault};
use crate::presence::Online;
use crate::store::contacts::{ChangeContactError, Changed, ListedContact as Line, Renamed};
use crate::store::{Database, StoreError};

/// Of so many contacts a renamed group tells one by one.
const NEWS_OF_GROUP: usize = 32;

#[derive(Clone)]
pub struct Contacts {
    database: Database,
    online: Online,
}

#[derive(Debug, thiserror::Error)]
pub enum ContactError {
    #[error("nobody has this name")]
    NoSuchUser,
    #[error("that is the caller")]
    Yourself,
    #[error(transparent)]
    Relation(#[from] RelationRefusal),
    #[error("a list of contacts is full")]
    TooMany,
    #[error("the request text is too long")]
    TextTooLong,
    #[error("the nickname is too long")]
    NicknameTooLong,
    #[error("the name of the group is too long")]
    GroupTooLong,
    #[error("nobody is in this group")]
    NoSuchGroup,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The person whom a request is about.
#[derive(Clone)]
struct Other {
    user: UserId,
    username: Username,
    is_admin: bool,
}

/// When people were last seen, of those who let their contacts know.
struct Seen(HashMap<UserId, Time>);

impl Contacts {
    pub(super) fn new(database: Database, online: Online) -> Self {
        Self { database, online }
    }

    /// Everybody the caller knows, by name.
    ///
    /// # Errors
    /// The store failed.
    pub async fn list(&self, caller: &Caller) -> Result<Vec<Contact>, ContactError> {
        let lines = self.database.list_contacts(caller.user).await?;
        Ok(lines.into_iter().map(|line| self.listed(line)).collect())
    }

    /// Whether the caller is an admin, as others see in their lists.
    ///
    /// # Errors
    /// The store failed.
    pub async fn is_admin(&self, caller: &Caller) -> Result<bool, ContactError> {
        Ok(self.database.is_admin(caller.user).await?)
    }

    /// Asks somebody to be a contact.
    ///
    /// # Errors
    /// There is nobody to ask, or nothing to ask for.
    pub async fn request(
        &self,
        caller: &Caller,
        request: RequestContact,
    ) -> Result<Done<Contact>, ContactError> {
        let text = RequestText::parse(&request.text).map_err(|_| ContactError::TextTooLong)?;
        let other = self.named(caller, &request.username).await?;
        self.change_and_show(caller, other, |pair| pair.request(&text)).await
    }

    /// # Errors
    /// They have not asked.
    pub async fn accept(
        &self,
        caller: &Caller,
        user: UserId,
    ) -> Result<Done<Contact>, ContactError> {
        let other = self.known(caller, user).await?;
        self.change_and_show(caller, other, Pair::accept).await
    }

    /// # Errors
    /// They have not asked.
    pub async fn decline(&self, caller: &Caller, user: UserId) -> Result<Done<()>, ContactError> {
        let other = self.known(caller, user).await?;
        self.change(caller, &other, Pair::decline).await
    }

    /// Ends being contacts, or takes the caller's request back.
    ///
    /// # Errors
    /// There is neither.
    pub async fn remove(&self, caller: &Caller, user: UserId) -> Result<Done<()>, ContactError> {
        let other = self.known(caller, user).await?;
        self.change(caller, &other, Pair::remove).await
    }

    /// # Errors
    /// There is nobody of this name.
    pub async fn block(
        &self,
        caller: &Caller,
        request: BlockUser,
    ) -> Result<Done<Contact>, ContactError> {
        let other = self.named(caller, &request.username).await?;
        let block = |pair: &mut Pair| {
            pair.block();
            Ok(())
        };
        self.change_and_show(caller, other, block).await
    }

    /// # Errors
    /// There is nobody of this id.
    pub async fn unblock(&self, caller: &Caller, user: UserId) -> Result<Done<()>, ContactError> {
        let other = self.known(caller, user).await?;
        let unblock = |pair: &mut Pair| {
            pair.unblock();
            Ok(())
        };
        self.change(caller, &other, unblock).await
    }

    /// Gives a contact a name of the caller's own; an empty one takes it away.
    ///
    /// # Errors
    /// They are not in the caller's list.
    pub async fn name(
        &self,
        caller: &Caller,
        user: UserId,
        nickname: &str,
    ) -> Result<Done<Contact>, ContactError> {
        let nickname = Nickname::parse(nickname).map_err(|_| ContactError::NicknameTooLong)?;
        let other = self.known(caller, user).await?;
        self.change_and_show(caller, other, |pair| pair.name(&nickname)).await
    }

    /// Puts a contact into a group of the caller's list; an empty name takes them out.
    ///
    /// # Errors
    /// They are no contact of the caller, or the name is too long.
    pub async fn group(
        &self,
        caller: &Caller,
        user: UserId,
        group: &str,
    ) -> Result<Done<Contact>, ContactError> {
        let group = GroupName::parse(group).map_err(|_| ContactError::GroupTooLong)?;
        let other = self.known(caller, user).await?;
        self.change_and_show(caller, other, |pair| pair.group(&group)).await
    }

    /// Puts everybody in a group of the caller's list into another one, or into none, in one step.
    ///
    /// # Errors
    /// Nobody is in the group, or the name is too long.
    pub async fn rename_group(
        &self,
        caller: &Caller,
        group: &str,
        name: &str,
    ) -> Result<Done<GroupRenamed>, ContactError> {
        let name = GroupName::parse(name).map_err(|_| ContactError::GroupTooLong)?;
        // Nobody can be in one whose name is longer than names may be.
        let group = GroupName::parse(group).map_err(|_| ContactError::NoSuchGroup)?;
        let renamed = self.database.rename_group(caller.user, &group, &name).await?;
        let Renamed { group, members, changed } = renamed.ok_or(ContactError::NoSuchGroup)?;
        let mut done = Done::quietly(GroupRenamed { group, users: List::cut(members) });
        if NEWS_OF_GROUP < changed.len() {
            // Their devices read the list again, which is less than so much news.
            let again = Event::Heads { heads: List::default() };
            return Ok(done.and(Audience::User(caller.user), again, Some(caller.session)));
        }
        for line in changed {
            let event = Event::Contact(self.listed(line));
            done = done.and(Audience::User(caller.user), event, Some(caller.session));
        }
        Ok(done)
    }

    async fn named(&self, caller: &Caller, username: &str) -> Result<Other, ContactError> {
        let username = Username::parse(username).map_err(|_| ContactError::NoSuchUser)?;
        let user = self.database.find_user(&username).await?.ok_or(ContactError::NoSuchUser)?;
        let is_admin = self.database.is_admin(user).await?;
        not_the_caller(caller, Other { user, username, is_admin })
    }

    async fn known(&self, caller: &Caller, user: UserId) -> Result<Other, ContactError> {
        let username = self.database.username(user).await?.ok_or(ContactError::NoSuchUser)?;
        let is_admin = self.database.is_admin(user).await?;
        not_the_caller(caller, Other { user, username, is_admin })
    }

    /// For requests that are answered with the contact: the caller's session knows it from there.
    async fn change_and_show(
        &self,
        caller: &Caller,
        other: Other,
        rule: impl Fn(&mut Pair) -> Result<(), RelationRefusal>,
    ) -> Result<Done<Contact>, ContactError> {
        let me = self.myself(caller).await?;
        let (changed, seen) = self.store(caller, &other, rule).await?;
        let mut done = Done::quietly(());
        for (to, event) in self.news(&me, &other, &changed, &seen) {
            done = done.and(to, event, Some(caller.session));
        }
        let sees = changed.after.sees_presence();
        let contact = self.contact(other, changed.after.mine, sees, &seen);
        Ok(done.map(|()| contact))
    }

    /// For requests that are answered with "done": the caller's session hears the news, too.
    async fn change(
        &self,
        caller: &Caller,
        other: &Other,
        rule: impl Fn(&mut Pair) -> Result<(), RelationRefusal>,
    ) -> Result<Done<()>, ContactError> {
        let me = self.myself(caller).await?;
        let (changed, seen) = self.store(caller, other, rule).await?;
        let mut done = Done::quietly(());
        for (to, event) in self.news(&me, other, &changed, &seen) {
            done = done.and(to, event, None);
        }
        Ok(done)
    }

    /// The caller, as the other sees them.
    async fn myself(&self, caller: &Caller) -> Result<Other, ContactError> {
        let is_admin = self.database.is_admin(caller.user).await?;
        Ok(Other { user: caller.user, username: caller.username.clone(), is_admin })
    }

    async fn store(
        &self,
        caller: &Caller,
        other: &Other,
        rule: impl Fn(&mut Pair) -> Result<(), RelationRefusal>,
    ) -> Result<(Changed, Seen), ContactError> {
        // Read before, so that nothing can fail once the change is stored.
        let seen = Seen(self.database.last_seen_of(&[caller.user, other.user]).await?);
        let changed = self.database.change_contact(caller.user, other.user, rule).await;
        let changed = changed.map_err(|error| match error {
            ChangeContactError::Refused(refusal) => refusal.into(),
            ChangeContactError::Full => ContactError::TooMany,
            ChangeContactError::Store(error) => error.into(),
        })?;
        Ok((changed, seen))
    }

    /// What each of the two sees differently now. A block shows to the other as being offline only.
    fn news(
        &self,
        me: &Other,
        other: &Other,
        changed: &Changed,
        seen: &Seen,
    ) -> Vec<(Audience, Event)> {
        let Changed { before, after } = changed;
        let saw = before.sees_presence();
        let sees = after.sees_presence();
        let mut news = Vec::new();
        if before.mine != after.mine {
            let event = self.line_event(other.clone(), after.mine.clone(), sees, seen);
            news.push((Audience::User(me.user), event));
        }
        if before.theirs != after.theirs {
            let event = self.line_event(me.clone(), after.theirs.clone(), sees, seen);
            news.push((Audience::User(other.user), event));
        } else if saw != sees && after.theirs.relation == Relation::Contact {
            let presence = self.presence(me.user, sees, seen);
            let event = Event::Presence { user: me.user, presence };
            news.push((Audience::User(other.user), event));
        }
        news
    }

    fn line_event(&self, of: Other, side: Side, sees: bool, seen: &Seen) -> Event {
        if side.is_blank() {
            return Event::ContactGone { user: of.user };
        }
        Event::Contact(self.contact(of, side, sees, seen))
    }

    fn listed(&self, line: Line) -> Contact {
        let sees = may_see_presence(line.side.relation, line.side.blocked, line.blocked_by_them);
        let seen = Seen(line.last_seen.map(|at| (line.user, at)).into_iter().collect());
        let Line { user, username, side, is_admin, .. } = line;
        self.contact(Other { user, username, is_admin }, side, sees, &seen)
    }

    fn contact(&self, of: Other, side: Side, sees: bool, seen: &Seen) -> Contact {
        Contact {
            presence: self.presence(of.user, sees, seen),
            user: of.user,
            username: of.username,
            relation: side.relation,
            blocked: side.blocked,
            nickname: side.nickname,
            // A node of the version before leaves it behind when the two part.
            group: if side.relation == Relation::Contact {
                side.group
            } else {
                GroupName::default()
            },
            request: side.request,
            admin: of.is_admin,
        }
    }

    fn presence(&self, user: UserId, sees: bool, seen: &Seen) -> Presence {
        if !sees {
            return Presence::default();
        }
        let presence = self.online.of(user);
        if presence.availability != Availability::Offline {
            return presence;
        }
        Presence { last_seen: seen.0.get(&user).copied().map(last_seen::shown), ..presence }
    }
}

fn not_the_caller(caller: &Caller, other: Other) -> Result<Other, ContactError> {
    if other.user == caller.user {
        return Err(ContactError::Yourself);
    }
    Ok(other)
}

impl Answer for ContactError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::NoSuchUser => Code::NoSuchUser.into(),
            Self::Yourself => Code::Yourself.into(),
            Self::Relation(refusal) => match refusal {
                RelationRefusal::AlreadyContact => Code::AlreadyContact,
                RelationRefusal::AlreadyAsked => Code::AlreadyAsked,
                RelationRefusal::NoRequest => Code::NoRequest,
                RelationRefusal::NotAContact => Code::NotAContact,
                RelationRefusal::BlockedByYou => Code::BlockedByYou,
                RelationRefusal::Blocked => Code::Blocked,
            }
            .into(),
            Self::TooMany => Refusal::over(Code::TooManyContacts, CONTACTS),
            Self::TextTooLong => Refusal::over(Code::TextTooLong, REQUEST_CHARS),
            Self::NicknameTooLong => Refusal::over(Code::NicknameTooLong, NICKNAME_CHARS),
            Self::GroupTooLong => Refusal::over(Code::GroupTooLong, GROUP_CHARS),
            Self::NoSuchGroup => Code::NoSuchGroup.into(),
            Self::Store(error) => error.refusal(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::NoSuchUser
            | Self::Yourself
            | Self::TextTooLong
            | Self::NicknameTooLong
            | Self::GroupTooLong
            | Self::NoSuchGroup => Fault::Peer,
            Self::Relation(_) | Self::TooMany => Fault::Policy,
            Self::Store(error) => error.fault(),
        }
    }
}
