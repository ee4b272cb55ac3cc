//! The contact list: its rows, and what can be done with the chosen one.

mod renaming;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use thrive_client::{Availability, Contact, Relation, UserId, Username};

use self::renaming::Renaming;
use super::groups::{GroupKey, Heading, headings, key_of};
use crate::rows::{Listed, RowChange, Rows, Step};
use crate::settings::Order;
use crate::words;

/// A row of the list.
#[derive(Clone, Debug)]
enum Entry {
    Person(Person),
    /// Above the people of a group.
    Heading(Heading),
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum EntryId {
    Person(UserId),
    Heading(GroupKey),
}

/// A contact at its place in the list. Requests stand first. Presence does not order the list unless
/// that is wanted, and then not until somebody enters it: rows that jump about cannot be followed by ear.
#[derive(Clone, Debug)]
struct Person {
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
    type Id = EntryId;
    type Place = (Section, Option<(u8, Alphabet, UserId)>);

    fn id(&self) -> EntryId {
        match self {
            Self::Person(person) => EntryId::Person(person.contact.user),
            Self::Heading(heading) => EntryId::Heading(heading.key.clone()),
        }
    }

    fn place(&self) -> Self::Place {
        let person = match self {
            // Before everybody in its section.
            Self::Heading(heading) => return (Section::of(heading.key.clone()), None),
            Self::Person(person) => person,
        };
        let contact = &person.contact;
        let name = contact.display_name().to_lowercase();
        let name = match person.order {
            Order::Name | Order::Status => Alphabet::Forwards(name),
            Order::NameBackwards => Alphabet::Backwards(Reverse(name)),
        };
        let section =
            if is_request(contact) { Section::Requests } else { Section::of(key_of(contact)) };
        (section, Some((person.rank, name, contact.user)))
    }

    fn letters(&self) -> String {
        match self {
            Self::Person(person) => person.contact.display_name().to_owned(),
            Self::Heading(heading) => heading.name().to_owned(),
        }
    }
}

/// Groups stand by name, and who is in none below them.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Section {
    Requests,
    Group(GroupKey),
    NoGroup,
}

impl Section {
    fn of(key: GroupKey) -> Self {
        if key.is_empty() { Self::NoGroup } else { Self::Group(key) }
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
    closed: BTreeSet<GroupKey>,
    /// Those that are shown.
    headings: BTreeMap<GroupKey, Heading>,
    renaming: Option<Renaming>,
}

/// One row, ready to be shown and spoken.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Line {
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
    /// Opens or closes the group.
    Fold,
    /// A sentence why not.
    Nothing(&'static str),
}

impl Contacts {
    pub fn put(&mut self, contact: Contact) -> Vec<RowChange> {
        let (had, at_old) = (self.rows.current().is_some(), self.is_at_renamed());
        self.known.insert(contact.user, contact.clone());
        let (mut changes, folded) = self.renew_headings();
        changes.extend(match folded {
            true => self.place_people(false),
            false => self.place(contact, false),
        });
        self.follow(at_old);
        self.keep_chosen(had);
        changes
    }

    pub fn gone(&mut self, user: UserId) -> Vec<RowChange> {
        let had = self.rows.current().is_some();
        self.known.remove(&user);
        let mut changes = self.rows.remove(EntryId::Person(user));
        changes.extend(self.place_all(false));
        self.keep_chosen(had);
        changes
    }

    /// The last row that could be chosen may go just before the next one comes.
    fn keep_chosen(&mut self, had: bool) {
        if had {
            self.begin();
        }
    }

    /// Takes the whole list anew; who is no longer in it goes.
    pub fn reload(&mut self, contacts: Vec<Contact>) -> Vec<RowChange> {
        let at_old = self.is_at_renamed();
        let now: BTreeMap<_, _> = contacts.into_iter().map(|it| (it.user, it)).collect();
        let before = std::mem::replace(&mut self.known, now);
        let mut changes = Vec::new();
        for user in before.keys().filter(|user| !self.known.contains_key(*user)) {
            changes.extend(self.rows.remove(EntryId::Person(*user)));
        }
        changes.extend(self.place_all(false));
        self.follow(at_old);
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

    /// These groups are closed, by their keys.
    pub fn close(&mut self, closed: BTreeSet<GroupKey>) -> Vec<RowChange> {
        self.closed = closed;
        self.place_all(false)
    }

    /// Opens or closes the group whose heading is chosen.
    pub fn turn(&mut self) -> Vec<RowChange> {
        let Some(Entry::Heading(heading)) = self.rows.chosen() else { return Vec::new() };
        let key = heading.key.clone();
        if !self.closed.remove(&key) {
            self.closed.insert(key);
        }
        self.place_all(false)
    }

    /// Opens or closes a group, wherever the keys are. `None`: there is no such group any more.
    pub fn set_closed(&mut self, key: &GroupKey, closed: bool) -> Option<Vec<RowChange>> {
        self.headings.contains_key(key).then(|| {
            if closed {
                self.closed.insert(key.clone());
            } else {
                self.closed.remove(key);
            }
            self.place_all(false)
        })
    }

    /// Left and Right, as in a tree: out of a group or closing it, opening it or into it.
    pub fn fold(&mut self, fold: Fold) -> Vec<RowChange> {
        match (fold, self.rows.chosen()) {
            (Fold::Out, Some(Entry::Person(person))) if !is_request(&person.contact) => {
                self.rows.choose_id(EntryId::Heading(key_of(&person.contact)));
                Vec::new()
            }
            (Fold::In, Some(Entry::Heading(heading))) if !heading.closed => self.walk(Step::Down),
            (Fold::Out, Some(Entry::Heading(Heading { closed: false, .. })))
            | (Fold::In, Some(Entry::Heading(_))) => self.turn(),
            (Fold::Out | Fold::In, _) => Vec::new(),
        }
    }

    /// The groups that are closed.
    #[must_use]
    pub fn closed(&self) -> &BTreeSet<GroupKey> {
        &self.closed
    }

    /// Puts everybody at their place; by status as it is now if `anew`, else as it was.
    fn place_all(&mut self, anew: bool) -> Vec<RowChange> {
        let (mut changes, _) = self.renew_headings();
        changes.extend(self.place_people(anew));
        changes
    }

    fn place_people(&mut self, anew: bool) -> Vec<RowChange> {
        let known: Vec<_> = self.known.values().cloned().collect();
        known.into_iter().flat_map(|contact| self.place(contact, anew)).collect()
    }

    fn place(&mut self, contact: Contact, anew: bool) -> Vec<RowChange> {
        let id = EntryId::Person(contact.user);
        if !is_listed(&contact) || !self.is_wanted(&contact) {
            return self.rows.remove(id);
        }
        if self.is_folded(&contact) {
            let chosen = self.chosen().is_some_and(|it| it.user == contact.user);
            let changes = self.rows.remove(id);
            if chosen {
                self.rows.choose_id(EntryId::Heading(key_of(&contact)));
            }
            return changes;
        }
        let order = self.order;
        let rank = match self.rows.get(id) {
            Some(Entry::Person(was)) if !anew => was.rank,
            _ => rank(&contact, order),
        };
        self.rows.put(Entry::Person(Person { contact, order, rank }))
    }

    fn is_folded(&self, contact: &Contact) -> bool {
        let heading = self.headings.get(&key_of(contact));
        !is_request(contact) && heading.is_some_and(|heading| heading.closed)
    }

    /// Brings the headings in line with the people; a search shows people only, of closed groups too.
    /// Also says whether people have to be shown or hidden by it.
    fn renew_headings(&mut self) -> (Vec<RowChange>, bool) {
        let grouped = self.known.values().filter(|it| is_listed(it) && !is_request(it));
        let now = match self.is_searched() {
            true => BTreeMap::new(),
            false => headings(grouped, &self.closed),
        };
        let before = std::mem::replace(&mut self.headings, now);
        let mut changes = Vec::new();
        for (key, heading) in &self.headings {
            // One that is chosen keeps its numbers until it is left: a name that changes while it has the
            // focus is read again.
            let shown = match self.rows.get(EntryId::Heading(key.clone())) {
                Some(Entry::Heading(shown)) => shown == heading || self.is_heard(shown, heading),
                Some(Entry::Person(_)) | None => false,
            };
            if !shown {
                changes.extend(self.rows.put(Entry::Heading(heading.clone())));
            }
        }
        // After the others have their numbers: one of them may be chosen by it.
        for key in before.keys().filter(|key| !self.headings.contains_key(*key)) {
            changes.extend(self.rows.remove(EntryId::Heading(key.clone())));
        }
        (changes, folded(&before) != folded(&self.headings))
    }

    /// The heading is chosen, and only numbers differ.
    fn is_heard(&self, shown: &Heading, now: &Heading) -> bool {
        let chosen = matches!(self.rows.chosen(), Some(Entry::Heading(it)) if it.key == now.key);
        chosen && shown.closed == now.closed && shown.name() == now.name()
    }

    fn is_wanted(&self, contact: &Contact) -> bool {
        let holds = |name: &str| name.to_lowercase().contains(&self.search);
        holds(contact.display_name()) || holds(contact.username.as_str())
    }

    #[must_use]
    pub fn get(&self, user: UserId) -> Option<&Contact> {
        self.known.get(&user)
    }

    pub fn known(&self) -> impl Iterator<Item = &Contact> {
        self.known.values()
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

    /// The person who is chosen, if a person is.
    #[must_use]
    pub fn chosen(&self) -> Option<&Contact> {
        match self.rows.chosen()? {
            Entry::Person(person) => Some(&person.contact),
            Entry::Heading(_) => None,
        }
    }

    /// Whether the heading of a group is chosen.
    #[must_use]
    pub fn is_at_heading(&self) -> bool {
        self.heading().is_some()
    }

    /// How many people there are, or are found.
    #[must_use]
    pub fn people(&self) -> usize {
        self.known.values().filter(|it| is_listed(it) && self.is_wanted(it)).count()
    }

    pub fn walk(&mut self, step: Step) -> Vec<RowChange> {
        self.rows.walk(step);
        self.renew_headings().0
    }

    pub fn letter(&mut self, letter: &str) -> Vec<RowChange> {
        self.rows.letter(letter);
        self.renew_headings().0
    }

    pub fn choose(&mut self, at: usize) -> Vec<RowChange> {
        self.rows.choose(at);
        self.renew_headings().0
    }

    /// The list got its first rows: somebody has to be chosen, a person if there is one to see.
    pub fn begin(&mut self) {
        if self.rows.current().is_none() {
            let is_person = |row: &Entry| matches!(row, Entry::Person(_));
            match self.rows.rows().iter().position(is_person) {
                Some(at) => self.rows.choose(at),
                None => self.rows.walk(Step::First),
            }
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
        Some(match self.rows.rows().get(at)? {
            Entry::Person(person) => line_of(&person.contact),
            Entry::Heading(heading) => heading.line(),
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
            None if self.is_at_heading() => Plan::Fold,
            None => Plan::Nothing(NOBODY),
        }
    }

    #[must_use]
    pub fn delete(&self) -> Plan {
        match self.chosen() {
            Some(contact) if is_request(contact) => Plan::Request(contact.clone()),
            Some(contact) => Plan::ConfirmDelete(contact.clone()),
            None => self.nobody(),
        }
    }

    #[must_use]
    pub fn block(&self) -> Plan {
        match self.chosen() {
            Some(contact) if contact.blocked => Plan::Unblock(contact.user),
            Some(contact) => Plan::Block(contact.username.clone()),
            None => self.nobody(),
        }
    }

    fn nobody(&self) -> Plan {
        Plan::Nothing(if self.is_at_heading() { A_GROUP } else { NOBODY })
    }
}

/// Left or Right.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fold {
    Out,
    In,
}

fn folded(headings: &BTreeMap<GroupKey, Heading>) -> Vec<&GroupKey> {
    headings.values().filter(|it| it.closed).map(|it| &it.key).collect()
}

/// What stands in the row of a contact.
#[must_use]
pub fn line_of(contact: &Contact) -> Line {
    Line {
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

pub const A_GROUP: &str = "This is a group. Choose somebody in it.";
const NOBODY: &str = "Choose somebody in the list first. Alt+A adds a contact.";

#[cfg(test)]
mod tests;
