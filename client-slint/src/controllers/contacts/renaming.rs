//! Renaming a whole group: its contacts come to the new name one after the other, and the list stays
//! chosen and closed where it was.

use std::collections::BTreeSet;

use thrive_client::UserId;

use super::{Contacts, Entry, EntryId, is_listed, is_request};
use crate::controllers::groups::{GroupKey, Heading, key_of};
use crate::rows::{Listed, RowChange};

/// A group that is being renamed.
#[derive(Clone, Debug)]
pub(super) struct Renaming {
    from: GroupKey,
    /// Empty: everybody is taken out.
    to: GroupKey,
    members: BTreeSet<UserId>,
    /// The new name was closed as the group is.
    closed: bool,
}

impl Contacts {
    /// The heading that is chosen.
    #[must_use]
    pub fn heading(&self) -> Option<&Heading> {
        match self.rows.chosen()? {
            Entry::Heading(heading) => Some(heading),
            Entry::Person(_) => None,
        }
    }

    /// A group is about to be renamed.
    pub fn rename_group(&mut self, group: &str, name: &str) {
        self.not_renamed();
        let (from, to) = (group.to_lowercase(), name.to_lowercase());
        let grouped = self.known.values().filter(|it| is_listed(it) && !is_request(it));
        let members = grouped.filter(|it| key_of(it) == from).map(|it| it.user).collect();
        let is_new = !to.is_empty() && !self.headings.contains_key(&to);
        let closed = is_new && self.closed.contains(&from) && self.closed.insert(to.clone());
        self.renaming = Some(Renaming { from, to, members, closed });
    }

    /// It is done, as far as the server knows: these people are in that group now, or in none.
    pub fn renamed(&mut self, users: &[UserId], group: &str) -> Vec<RowChange> {
        let at_old = self.is_at_renamed();
        let to = group.to_lowercase();
        if let Some(renaming) = &mut self.renaming
            && renaming.to != to
        {
            // Cleaned by the server in a way that was not foreseen here.
            if std::mem::take(&mut renaming.closed) {
                self.closed.remove(&renaming.to);
                renaming.closed = self.closed.insert(to.clone());
            }
            renaming.to = to;
        }
        for user in users {
            if let Some(contact) = self.known.get_mut(user) {
                group.clone_into(&mut contact.group);
            }
        }
        let changes = self.place_all(false);
        self.follow(at_old);
        if let Some(Renaming { from, .. }) = self.renaming.take()
            && !self.headings.contains_key(&from)
        {
            self.closed.remove(&from);
        }
        changes
    }

    /// It is not done.
    pub fn not_renamed(&mut self) {
        if let Some(Renaming { to, closed: true, .. }) = self.renaming.take()
            && !self.headings.contains_key(&to)
        {
            self.closed.remove(&to);
        }
    }

    /// Whether the heading is chosen of a group that is being renamed.
    pub(super) fn is_at_renamed(&self) -> bool {
        let renaming = self.renaming.as_ref();
        renaming.is_some_and(|it| self.heading().is_some_and(|heading| heading.key == it.from))
    }

    /// The heading was chosen before a change, and is perhaps gone by it: what is chosen now.
    pub(super) fn follow(&mut self, at_old: bool) {
        let Some(renaming) = &self.renaming else { return };
        if !at_old || self.is_at_renamed() {
            return;
        }
        let is_member = |entry: &&Entry| match entry {
            Entry::Person(person) => renaming.members.contains(&person.contact.user),
            Entry::Heading(_) => false,
        };
        let first = self.rows.rows().iter().find(is_member).filter(|_| renaming.to.is_empty());
        let now = match first {
            Some(first) => first.id(),
            None => EntryId::Heading(renaming.to.clone()),
        };
        self.rows.choose_id(now);
    }
}
