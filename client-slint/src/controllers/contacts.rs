//! The contact list: its rows, and what can be done with the chosen one.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use thrive_client::{Availability, Contact, Relation, UserId, Username};

use crate::rows::{Listed, RowChange, Rows, Step};
use crate::settings::Order;
use crate::words;

/// A contact at its place in the list. Requests stand first. Presence does not order the list unless
/// that is wanted, and then not until somebody enters it: rows that jump about cannot be followed by ear.
#[derive(Clone, Debug)]
struct Entry {
    contact: Contact,
    order: Order,
    /// By status, as it was when the list was sorted.
    rank: u8,
}

/// The name, forwards or backwards.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Alphabet {
    Forwards(String),
    Backwards(Reverse<String>),
}

impl Listed for Entry {
    type Id = UserId;
    type Place = (bool, u8, Alphabet, UserId);

    fn id(&self) -> UserId {
        self.contact.user
    }

    fn place(&self) -> Self::Place {
        let name = self.contact.display_name().to_lowercase();
        let name = match self.order {
            Order::Name | Order::Status => Alphabet::Forwards(name),
            Order::NameBackwards => Alphabet::Backwards(Reverse(name)),
        };
        (!is_request(&self.contact), self.rank, name, self.contact.user)
    }

    fn letters(&self) -> String {
        self.contact.display_name().to_owned()
    }
}

fn is_request(contact: &Contact) -> bool {
    contact.relation == Relation::AsksMe && !contact.blocked
}

/// Who is there stands before who is not.
fn rank(contact: &Contact, order: Order) -> u8 {
    match order {
        Order::Name | Order::NameBackwards => return 0,
        Order::Status => {}
    }
    if contact.blocked || contact.relation != Relation::Contact {
        return 5;
    }
    match contact.presence.availability {
        Availability::Online => 0,
        Availability::Away => 1,
        Availability::Busy => 2,
        Availability::DoNotDisturb => 3,
        Availability::Offline | Availability::Invisible => 4,
    }
}

/// People with whom there only is a chat stand among the conversations.
fn is_listed(contact: &Contact) -> bool {
    contact.relation != Relation::None || contact.blocked
}

#[derive(Debug, Default)]
pub struct Contacts {
    /// Everybody who is known, in the list or not.
    known: BTreeMap<UserId, Contact>,
    rows: Rows<Entry>,
    order: Order,
    /// In small letters; empty for everybody.
    search: String,
}

/// One row, ready to be shown and spoken.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
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
        self.known.insert(contact.user, contact.clone());
        self.place(contact, false)
    }

    pub fn gone(&mut self, user: UserId) -> Vec<RowChange> {
        self.known.remove(&user);
        self.rows.hide(user)
    }

    /// Takes the whole list anew; who is no longer in it is hidden.
    pub fn reload(&mut self, contacts: Vec<Contact>) -> Vec<RowChange> {
        let gone: Vec<_> = self
            .known
            .keys()
            .copied()
            .filter(|user| !contacts.iter().any(|contact| contact.user == *user))
            .collect();
        let mut changes: Vec<_> = gone.into_iter().flat_map(|user| self.gone(user)).collect();
        changes.extend(contacts.into_iter().flat_map(|contact| self.put(contact)));
        changes
    }

    /// Shows only those whose name holds this, all of them for an empty one.
    pub fn search(&mut self, text: &str) -> Vec<RowChange> {
        self.search = text.trim().to_lowercase();
        self.place_all(false)
    }

    #[must_use]
    pub fn is_searched(&self) -> bool {
        !self.search.is_empty()
    }

    /// Another order is wanted.
    pub fn order(&mut self, order: Order) -> Vec<RowChange> {
        self.order = order;
        self.place_all(true)
    }

    /// Puts everybody at their place; by status as it is now if `anew`, else as it was.
    fn place_all(&mut self, anew: bool) -> Vec<RowChange> {
        let known: Vec<_> = self.known.values().cloned().collect();
        known.into_iter().flat_map(|contact| self.place(contact, anew)).collect()
    }

    fn place(&mut self, contact: Contact, anew: bool) -> Vec<RowChange> {
        if !is_listed(&contact) || !self.is_wanted(&contact) {
            return self.rows.hide(contact.user);
        }
        let order = self.order;
        let was = self.rows.get(contact.user).filter(|_| !anew);
        let rank = was.map_or_else(|| rank(&contact, order), |entry| entry.rank);
        self.rows.put(Entry { contact, order, rank })
    }

    fn is_wanted(&self, contact: &Contact) -> bool {
        let holds = |name: &str| name.to_lowercase().contains(&self.search);
        holds(contact.display_name()) || holds(contact.username.as_str())
    }

    #[must_use]
    pub fn get(&self, user: UserId) -> Option<&Contact> {
        self.known.get(&user)
    }

    pub fn find(&self, username: &Username) -> Option<&Contact> {
        self.known.values().find(|contact| contact.username == *username)
    }

    #[must_use]
    pub fn unread(&self) -> u32 {
        self.known.values().map(|contact| contact.unread).sum()
    }

    /// Messages of people who are in no list of contacts.
    #[must_use]
    pub fn unread_elsewhere(&self) -> u32 {
        let strangers = self.known.values().filter(|contact| !is_listed(contact));
        strangers.map(|contact| contact.unread).sum()
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
        self.rows.chosen().map(|entry| &entry.contact)
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

    /// The list got its first rows: somebody has to be chosen.
    pub fn begin(&mut self) {
        if self.rows.current().is_none() {
            self.rows.walk(Step::First);
        }
    }

    /// The list got the focus. By status it is sorted now, when nobody stands in it yet.
    pub fn enter(&mut self) -> Vec<RowChange> {
        let changes = match self.order {
            Order::Status => self.place_all(true),
            Order::Name | Order::NameBackwards => Vec::new(),
        };
        self.begin();
        changes
    }

    #[must_use]
    pub fn line(&self, at: usize) -> Option<Line> {
        let row = self.rows.rows().get(at)?;
        Some(Line {
            present: row.present,
            position: self.rows.position(at),
            ..line_of(&row.item.contact)
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

/// What stands in the row of a contact.
#[must_use]
pub fn line_of(contact: &Contact) -> Line {
    Line {
        present: true,
        position: 0,
        spoken: words::spoken_contact(contact),
        name: words::called(contact.display_name(), contact.admin),
        detail: words::standing(contact),
        unread: count(contact.unread),
        shape: match (contact.relation, contact.blocked) {
            (Relation::Contact, false) => shape(contact.presence.availability),
            (Relation::Contact, true)
            | (Relation::None | Relation::Asked | Relation::AsksMe, _) => 0,
        },
    }
}

/// A number for the badge of a row.
#[must_use]
pub fn count(unread: u32) -> String {
    match unread {
        0 => String::new(),
        1..=999 => unread.to_string(),
        _ => "999+".into(),
    }
}

/// Which shape stands for a status.
#[must_use]
pub fn shape(availability: Availability) -> i32 {
    match availability {
        Availability::Online => 1,
        Availability::Away => 2,
        Availability::Busy | Availability::DoNotDisturb => 3,
        Availability::Offline | Availability::Invisible => 0,
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

    fn names(contacts: &Contacts) -> Vec<String> {
        let lines = (0..contacts.rows.rows().len()).filter_map(|at| contacts.line(at));
        lines.filter(|line| line.present).map(|line| line.name).collect()
    }

    #[test]
    fn a_search_narrows_the_list_and_keeps_who_is_chosen() {
        let mut contacts = Contacts::default();
        contacts.reload(vec![contact(1, "ann"), contact(2, "bob"), contact(3, "nancy")]);
        contacts.begin();
        contacts.walk(Step::Last);
        contacts.search(" AN");
        assert_eq!(names(&contacts), ["ann", "nancy"]);
        contacts.put(Contact { unread: 9, ..contact(2, "bob") });
        contacts.put(Contact { unread: 9, ..contact(3, "nancy") });
        assert_eq!(names(&contacts), ["ann", "nancy"]);
        assert_eq!(contacts.chosen().unwrap().user, UserId(3));
        contacts.search("");
        assert_eq!(names(&contacts), ["ann", "bob", "nancy"]);
        assert_eq!(contacts.chosen().unwrap().user, UserId(3));
    }

    #[test]
    fn by_status_rows_move_only_when_the_list_is_entered() {
        let is = |availability| Presence::new(availability, String::new());
        let online = |id, name| Contact { presence: is(Availability::Online), ..contact(id, name) };
        let mut contacts = Contacts::default();
        contacts.order(Order::Status);
        contacts.reload(vec![contact(1, "ann"), online(2, "bob"), contact(3, "cat")]);
        assert_eq!(names(&contacts), ["bob", "ann", "cat"]);
        contacts.begin();
        contacts.put(online(3, "cat"));
        contacts.put(contact(2, "bob"));
        assert_eq!(names(&contacts), ["bob", "ann", "cat"]);
        contacts.enter();
        assert_eq!(names(&contacts), ["cat", "ann", "bob"]);
        assert_eq!(contacts.chosen().unwrap().user, UserId(2), "who was chosen still is");
        contacts.order(Order::NameBackwards);
        assert_eq!(names(&contacts), ["cat", "bob", "ann"]);
    }

    #[test]
    fn whoever_only_wrote_is_known_but_in_no_list() {
        let mut contacts = Contacts::default();
        contacts.put(Contact { relation: Relation::None, ..contact(7, "zoe") });
        assert_eq!((contacts.count(), contacts.unread_elsewhere()), (0, 2));
        assert!(contacts.get(UserId(7)).is_some());
        contacts.put(Contact { relation: Relation::None, blocked: true, ..contact(7, "zoe") });
        assert_eq!(contacts.count(), 1, "or nobody could unblock them");
    }

    #[test]
    fn an_admin_is_marked_for_the_eye_and_the_ear() {
        let mut contacts = Contacts::default();
        contacts.put(Contact { admin: true, unread: 0, ..contact(1, "ann") });
        let line = contacts.line(0).unwrap();
        assert_eq!(
            (line.name.as_str(), line.spoken.as_str()),
            ("ann (Admin)", "ann (Admin), away, lunch")
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
