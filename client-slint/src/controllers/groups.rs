//! Groups in the contact list: a heading for each, which can be closed. There are none as long as no
//! contact is in one.

use std::collections::{BTreeMap, BTreeSet};

use thrive_client::{Availability, Contact, Relation};

use super::contacts::{Line, count};

/// The key of a group: its name in small letters. Who is in none has the empty one.
pub type GroupKey = String;

#[must_use]
pub fn key_of(contact: &Contact) -> GroupKey {
    contact.group.to_lowercase()
}

/// The row above those who are in a group.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Heading {
    pub key: GroupKey,
    /// As it was written; empty for those who are in none.
    name: String,
    people: usize,
    /// Of those, who is there, in whatever status.
    online: usize,
    unread: u32,
    pub closed: bool,
}

impl Heading {
    #[must_use]
    pub fn name(&self) -> &str {
        if self.name.is_empty() { "No group" } else { &self.name }
    }

    #[must_use]
    pub fn people(&self) -> usize {
        self.people
    }

    /// Whether this is a group of the person's own, and not all who are in none.
    #[must_use]
    pub fn is_group(&self) -> bool {
        !self.key.is_empty()
    }

    /// For the eye and the ear. Of an open group the rows say what is unread.
    #[must_use]
    pub fn line(&self) -> Line {
        let Self { people, online, unread, closed, .. } = self;
        let name = self.name();
        let online = format!("{online} of {people} online");
        let unread = if *closed { *unread } else { 0 };
        let spoken = match (closed, unread) {
            (false, _) => format!("{name}, group, open, {online}"),
            (true, 0) => format!("{name}, group, closed, {online}"),
            (true, _) => format!("{name}, group, closed, {unread} unread, {online}"),
        };
        Line {
            spoken,
            name: name.to_owned(),
            detail: online,
            unread: count(unread),
            shape: if *closed { CLOSED } else { OPEN },
        }
    }
}

/// The shapes of a heading, beside those of a status.
const OPEN: i32 = 10;
const CLOSED: i32 = 11;

/// The headings that belong above these people; none at all when nobody is in a group.
#[must_use]
pub fn headings<'a>(
    people: impl Iterator<Item = &'a Contact>,
    closed: &BTreeSet<GroupKey>,
) -> BTreeMap<GroupKey, Heading> {
    let mut headings = BTreeMap::new();
    for contact in people {
        let key = key_of(contact);
        let heading = headings.entry(key.clone()).or_insert_with(|| Heading {
            closed: closed.contains(&key),
            key,
            name: contact.group.clone(),
            people: 0,
            online: 0,
            unread: 0,
        });
        heading.people += 1;
        heading.online += usize::from(is_online(contact));
        heading.unread = heading.unread.saturating_add(contact.unread);
    }
    if headings.keys().all(String::is_empty) {
        headings.clear();
    }
    headings
}

fn is_online(contact: &Contact) -> bool {
    let there = match contact.presence.availability {
        Availability::Offline | Availability::Invisible => false,
        Availability::DoNotDisturb
        | Availability::Busy
        | Availability::Away
        | Availability::Online => true,
    };
    there && contact.relation == Relation::Contact && !contact.blocked
}
