//! Short lists of people with words of their own: conversations with people who are no contacts, and
//! who wrote while one was away.

use thrive_client::{Contact, Missed, Relation, Talk, UserId};

use super::contacts::{Line, count, shape};
use crate::rows::{Listed, RowChange, Rows, Step};
use crate::words;

/// One row.
#[derive(Clone, Debug)]
pub struct Person {
    pub contact: Contact,
    /// The smaller, the higher.
    rank: i64,
    /// The number in the badge.
    number: u32,
    /// The words tell the number.
    missed: bool,
    says: String,
}

impl Listed for Person {
    type Id = UserId;
    type Place = (i64, UserId);

    fn id(&self) -> UserId {
        self.contact.user
    }

    fn place(&self) -> Self::Place {
        (self.rank, self.contact.user)
    }

    fn letters(&self) -> String {
        self.contact.display_name().to_owned()
    }
}

impl Person {
    /// A conversation: what is unread, and what was written last.
    #[must_use]
    pub fn of_talk(talk: &Talk) -> Self {
        let text = words::one_line(&talk.last.text);
        let last = match talk.last.mine {
            true => format!("last message: You: {text}"),
            false => format!("last message: {text}"),
        };
        let standing = match talk.contact.relation {
            Relation::Asked | Relation::AsksMe => words::standing(&talk.contact),
            Relation::None | Relation::Contact => String::new(),
        };
        let says = if standing.is_empty() { last } else { format!("{standing}, {last}") };
        let (contact, number) = (talk.contact.clone(), talk.contact.unread);
        Self { contact, rank: talk.last.time_ms.saturating_neg(), number, missed: false, says }
    }

    /// How many messages and files of somebody were missed; whoever has the most stands first.
    #[must_use]
    pub fn of_missed(missed: &Missed, contact: Contact) -> Self {
        let number = missed.count();
        let says = Missed::in_words(std::slice::from_ref(missed));
        Self { contact, rank: -i64::from(number), number, missed: true, says }
    }

    fn line(&self) -> Line {
        let name = words::called(self.contact.display_name(), self.contact.admin);
        let mut says = self.says.clone();
        if self.contact.blocked {
            says.push_str(", blocked");
        }
        let unread = match self.contact.unread {
            0 => String::new(),
            // The words have their number already.
            unread if self.missed && unread == self.number => String::new(),
            unread => format!(", {unread} unread"),
        };
        let kind = match (self.contact.relation, self.contact.blocked) {
            (Relation::Contact, false) => shape(self.contact.presence.availability),
            (Relation::Contact | Relation::None | Relation::Asked | Relation::AsksMe, _) => 0,
        };
        Line {
            spoken: format!("{name}{unread}, {says}"),
            name,
            detail: says,
            unread: count(self.number),
            shape: kind,
        }
    }
}

#[derive(Debug, Default)]
pub struct Company {
    rows: Rows<Person>,
}

impl Company {
    /// The list as it is now. Whoever is in it already stays at the same place.
    pub fn refresh(&mut self, people: Vec<Person>) -> Vec<RowChange> {
        let gone: Vec<_> = self
            .rows
            .rows()
            .iter()
            .map(|person| person.contact.user)
            .filter(|user| !people.iter().any(|person| person.contact.user == *user))
            .collect();
        let mut changes: Vec<_> =
            gone.into_iter().flat_map(|user| self.rows.remove(user)).collect();
        for mut person in people {
            if let Some(known) = self.rows.get(person.contact.user) {
                person.rank = known.rank;
            }
            changes.extend(self.rows.put(person));
        }
        changes
    }

    /// Somebody who is in the list has changed.
    pub fn changed(&mut self, contact: &Contact) -> Vec<RowChange> {
        let Some(known) = self.rows.get(contact.user) else { return Vec::new() };
        let person = Person { contact: contact.clone(), ..known.clone() };
        self.rows.put(person)
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
        self.rows.chosen().map(|person| &person.contact)
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

    pub fn enter(&mut self) {
        if self.rows.current().is_none() {
            self.rows.walk(Step::First);
        }
    }

    #[must_use]
    pub fn line(&self, at: usize) -> Option<Line> {
        self.rows.rows().get(at).map(Person::line)
    }

    #[must_use]
    pub fn block_label(&self) -> &'static str {
        if self.chosen().is_some_and(|contact| contact.blocked) { "Unblock" } else { "Block" }
    }
}

#[cfg(test)]
mod tests {
    use thrive_client::{Message, MessageKey, MessageState, Presence, Username};

    use super::*;

    fn stranger(id: i64, name: &str) -> Contact {
        Contact {
            user: UserId(id),
            username: Username::parse(name).unwrap(),
            nickname: String::new(),
            group: String::new(),
            relation: Relation::None,
            blocked: false,
            request: String::new(),
            presence: Presence::default(),
            unread: 0,
            typing: false,
            admin: false,
        }
    }

    fn talk(contact: Contact, time_ms: i64) -> Person {
        let last = Message {
            key: MessageKey(1),
            peer: contact.user,
            seq: Some(1),
            mine: false,
            sender: contact.username.clone(),
            time_ms,
            text: "hi\nthere".into(),
            state: MessageState::Stored,
            file: None,
        };
        Person::of_talk(&Talk { contact, last })
    }

    fn spoken(company: &Company) -> Vec<String> {
        let lines = (0..company.rows.rows().len()).filter_map(|at| company.line(at));
        lines.map(|line| line.spoken).collect()
    }

    #[test]
    fn the_last_active_stands_first_and_stays_where_it_is() {
        let mut company = Company::default();
        company.refresh(vec![talk(stranger(1, "ann"), 100), talk(stranger(2, "bob"), 200)]);
        let unread = Contact { unread: 2, ..stranger(1, "ann") };
        company.refresh(vec![talk(unread, 900), talk(stranger(2, "bob"), 200)]);
        let expected = ["bob, last message: hi there", "ann, 2 unread, last message: hi there"];
        assert_eq!(spoken(&company), expected);
    }

    #[test]
    fn whoever_missed_the_most_messages_of_somebody_finds_them_first() {
        let mut company = Company::default();
        let missed = |id, name: &str, messages| {
            let missed =
                Missed { user: UserId(id), name: name.into(), messages, files: 0, last: 9 };
            Person::of_missed(&missed, stranger(id, name))
        };
        company.refresh(vec![missed(1, "ann", 1), missed(2, "bob", 3)]);
        assert_eq!(spoken(&company), ["bob, 3 messages", "ann, 1 message"]);
        company.changed(&Contact { unread: 3, ..stranger(2, "bob") });
        company.changed(&Contact { unread: 4, ..stranger(1, "ann") });
        assert_eq!(spoken(&company), ["bob, 3 messages", "ann, 4 unread, 1 message"]);
    }
}
