//! The contact list: its rows, and what can be done with the chosen one.

use thrive_client::{Availability, Contact, Relation, UserId, Username};

use crate::rows::{Listed, RowChange, Rows, Step};
use crate::words;

/// Requests first, then by name. Presence does not order the list: rows that jump about cannot be
/// followed by ear.
impl Listed for Contact {
    type Id = UserId;
    type Place = (bool, String, UserId);

    fn id(&self) -> UserId {
        self.user
    }

    fn place(&self) -> Self::Place {
        (!is_request(self), self.display_name().to_lowercase(), self.user)
    }

    fn letters(&self) -> String {
        self.display_name().to_owned()
    }
}

fn is_request(contact: &Contact) -> bool {
    contact.relation == Relation::AsksMe && !contact.blocked
}

#[derive(Debug, Default)]
pub struct Contacts {
    rows: Rows<Contact>,
}

/// One row, ready to be shown and spoken.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Line {
    pub present: bool,
    pub position: usize,
    pub spoken: String,
    pub name: String,
    pub detail: String,
    pub unread: String,
    pub shape: i32,
}

/// What Enter, or a button, does with the chosen row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Plan {
    Chat(Username),
    /// Accept, decline or block?
    Request(Contact),
    /// Really?
    ConfirmDelete(Contact),
    Block(Username),
    Unblock(UserId),
    /// A sentence why not.
    Nothing(&'static str),
}

impl Contacts {
    pub fn put(&mut self, contact: Contact) -> Vec<RowChange> {
        self.rows.put(contact)
    }

    pub fn gone(&mut self, user: UserId) -> Vec<RowChange> {
        self.rows.hide(user)
    }

    /// Takes the whole list anew; who is no longer in it is hidden.
    pub fn reload(&mut self, contacts: Vec<Contact>) -> Vec<RowChange> {
        let gone: Vec<_> = self
            .rows
            .shown()
            .map(|contact| contact.user)
            .filter(|user| !contacts.iter().any(|contact| contact.user == *user))
            .collect();
        let mut changes: Vec<_> = gone.into_iter().flat_map(|user| self.rows.hide(user)).collect();
        changes.extend(contacts.into_iter().flat_map(|contact| self.rows.put(contact)));
        changes
    }

    #[must_use]
    pub fn get(&self, user: UserId) -> Option<&Contact> {
        self.rows.get(user)
    }

    pub fn find(&self, username: &Username) -> Option<&Contact> {
        self.rows.shown().find(|contact| contact.username == *username)
    }

    #[must_use]
    pub fn unread(&self) -> u32 {
        self.rows.shown().map(|contact| contact.unread).sum()
    }

    #[must_use]
    pub fn count(&self) -> usize {
        self.rows.count()
    }

    #[must_use]
    pub fn current(&self) -> Option<usize> {
        self.rows.current()
    }

    #[must_use]
    pub fn chosen(&self) -> Option<&Contact> {
        self.rows.chosen()
    }

    pub fn walk(&mut self, step: Step) {
        self.rows.walk(step);
    }

    pub fn letter(&mut self, letter: &str) {
        self.rows.letter(letter);
    }

    pub fn choose(&mut self, at: usize) {
        self.rows.choose(at);
    }

    /// The list got the focus, or its first rows: somebody has to be chosen.
    pub fn enter(&mut self) {
        if self.rows.current().is_none() {
            self.rows.walk(Step::First);
        }
    }

    #[must_use]
    pub fn line(&self, at: usize) -> Option<Line> {
        let row = self.rows.rows().get(at)?;
        let contact = &row.item;
        let unread = match contact.unread {
            0 => String::new(),
            1..=999 => contact.unread.to_string(),
            _ => "999+".into(),
        };
        let shape = match (contact.relation, contact.blocked, contact.presence.availability) {
            (Relation::Contact, false, Availability::Online) => 1,
            (Relation::Contact, false, Availability::Away) => 2,
            (Relation::Contact, false, Availability::Busy | Availability::DoNotDisturb) => 3,
            (Relation::Contact, false, Availability::Offline | Availability::Invisible)
            | (Relation::Contact, true, _)
            | (Relation::None | Relation::Asked | Relation::AsksMe, _, _) => 0,
        };
        Some(Line {
            present: row.present,
            position: self.rows.position(at),
            spoken: words::spoken_contact(contact),
            name: contact.display_name().to_owned(),
            detail: words::standing(contact),
            unread,
            shape,
        })
    }

    /// The name of the button follows the chosen row.
    #[must_use]
    pub fn block_label(&self) -> &'static str {
        if self.chosen().is_some_and(|contact| contact.blocked) { "Unblock" } else { "Block" }
    }

    #[must_use]
    pub fn open(&self) -> Plan {
        match self.chosen() {
            Some(contact) if is_request(contact) => Plan::Request(contact.clone()),
            Some(contact) => Plan::Chat(contact.username.clone()),
            None => Plan::Nothing(NOBODY),
        }
    }

    #[must_use]
    pub fn delete(&self) -> Plan {
        match self.chosen() {
            Some(contact) if is_request(contact) => Plan::Request(contact.clone()),
            Some(contact) => Plan::ConfirmDelete(contact.clone()),
            None => Plan::Nothing(NOBODY),
        }
    }

    #[must_use]
    pub fn block(&self) -> Plan {
        match self.chosen() {
            Some(contact) if contact.blocked => Plan::Unblock(contact.user),
            Some(contact) => Plan::Block(contact.username.clone()),
            None => Plan::Nothing(NOBODY),
        }
    }
}

const NOBODY: &str = "Choose somebody in the list first. Alt+A adds a contact.";

#[cfg(test)]
mod tests {
    use thrive_client::Presence;

    use super::*;

    pub(super) fn contact(id: i64, name: &str) -> Contact {
        Contact {
            user: UserId(id),
            username: Username::parse(name).unwrap(),
            nickname: String::new(),
            relation: Relation::Contact,
            blocked: false,
            request: String::new(),
            presence: Presence::new(Availability::Away, "lunch".into()),
            unread: 2,
            typing: false,
            admin: false,
        }
    }

    #[test]
    fn a_row_says_the_name_first_and_what_is_special_last() {
        let mut contacts = Contacts::default();
        contacts.put(contact(1, "ann"));
        assert_eq!(contacts.line(0).unwrap().spoken, "ann, 2 unread, away, lunch");
        contacts.put(Contact { typing: true, unread: 0, ..contact(1, "ann") });
        assert_eq!(contacts.line(0).unwrap().spoken, "ann, away, lunch");
        contacts.put(Contact { blocked: true, unread: 0, ..contact(1, "ann") });
        assert_eq!(contacts.line(0).unwrap().spoken, "ann, blocked");
    }

    #[test]
    fn a_request_stands_first_and_enter_answers_it() {
        let mut contacts = Contacts::default();
        contacts.put(contact(1, "ann"));
        let request = Contact {
            relation: Relation::AsksMe,
            request: "hi".into(),
            unread: 0,
            ..contact(2, "zoe")
        };
        contacts.put(request.clone());
        assert_eq!(contacts.line(0).unwrap().spoken, "zoe asks to be your contact: hi");
        contacts.enter();
        assert_eq!(contacts.open(), Plan::Request(request));
    }

    #[test]
    fn blocking_follows_the_chosen_contact() {
        let mut contacts = Contacts::default();
        assert_eq!(contacts.block(), Plan::Nothing(NOBODY));
        contacts.put(contact(1, "ann"));
        contacts.put(Contact { blocked: true, ..contact(2, "bob") });
        contacts.enter();
        assert_eq!(contacts.block_label(), "Block");
        contacts.walk(Step::Down);
        assert_eq!(
            (contacts.block_label(), contacts.block()),
            ("Unblock", Plan::Unblock(UserId(2)))
        );
    }

    #[test]
    fn a_reload_hides_who_is_gone() {
        let mut contacts = Contacts::default();
        contacts.reload(vec![contact(1, "ann"), contact(2, "bob")]);
        contacts.reload(vec![contact(2, "bob"), contact(3, "cat")]);
        assert_eq!(contacts.count(), 2);
        assert!(!contacts.line(0).unwrap().present);
        assert_eq!(contacts.unread(), 4);
    }
}
