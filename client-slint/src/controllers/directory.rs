//! The user directory: what is searched for, what was found, and which answer is still wanted.

use thrive_client::{Contact, Found, FoundPage, Relation, Tab, UserId, Username};

use super::contacts::{Line, shape};
use crate::bridge::SocialWish;
use crate::rows::{Listed, RowChange, Rows, Step};
use crate::words;

/// The tabs, in their order.
pub const TABS: [(Tab, &str); 4] = [
    (Tab::Everyone, "Everyone"),
    (Tab::Online, "Online"),
    (Tab::Offline, "Offline"),
    (Tab::Admins, "Admins"),
];

/// A row: somebody, or the way to the next page.
#[derive(Clone, Debug)]
enum Entry {
    Person(Box<Found>),
    More,
}

/// By name; the way to the next page stands last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Id {
    Person(UserId),
    More,
}

impl Listed for Entry {
    type Id = Id;
    type Place = (bool, String);

    fn id(&self) -> Id {
        match self {
            Self::Person(found) => Id::Person(found.user),
            Self::More => Id::More,
        }
    }

    fn place(&self) -> Self::Place {
        match self {
            Self::Person(found) => (false, found.username.as_str().to_owned()),
            Self::More => (true, String::new()),
        }
    }

    fn letters(&self) -> String {
        match self {
            Self::Person(found) => found.username.as_str().to_owned(),
            Self::More => String::new(),
        }
    }
}

/// What Enter does with a row.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Chosen {
    Person(Box<Found>),
    More,
    Nobody,
}

#[derive(Debug, Default)]
pub struct Directory {
    tab: usize,
    search: String,
    rows: Rows<Entry>,
    next: Option<String>,
    /// The number of the question whose answer is wanted.
    asked: u64,
    /// That answer has not come.
    waiting: bool,
    /// It is a further page, and not a new search.
    further: bool,
}

impl Directory {
    /// Something else is searched for. The answer to what was asked before is not wanted any more.
    pub fn search(&mut self, text: &str) -> SocialWish {
        self.search = text.trim().to_owned();
        self.ask(None)
    }

    pub fn turn(&mut self, tab: usize) -> SocialWish {
        self.tab = tab.min(TABS.len() - 1);
        self.ask(None)
    }

    /// The next page, if there is one and it is not on its way.
    pub fn more(&mut self) -> Option<SocialWish> {
        if self.waiting {
            return None;
        }
        let next = self.next.clone()?;
        Some(self.ask(Some(next)))
    }

    fn ask(&mut self, after: Option<String>) -> SocialWish {
        self.asked += 1;
        self.waiting = true;
        self.further = after.is_some();
        let (tab, search) = (TABS[self.tab].0, self.search.clone());
        SocialWish::Directory { tab, search, after, asked: self.asked }
    }

    #[must_use]
    pub fn tab(&self) -> usize {
        self.tab
    }

    /// Whether an answer is the one that is waited for.
    #[must_use]
    pub fn wants(&self, asked: u64) -> bool {
        self.waiting && asked == self.asked
    }

    /// It did not work.
    pub fn failed(&mut self) {
        self.waiting = false;
    }

    /// A page has come. Who was found before as well stays in the same row, and whoever stands on
    /// somebody stays there. Somebody who has asked for more goes on with the first who has come.
    pub fn found(&mut self, page: FoundPage) -> Vec<RowChange> {
        self.waiting = false;
        let mut changes = Vec::new();
        if !self.further {
            let gone: Vec<_> = self
                .people()
                .map(|found| found.user)
                .filter(|user| !page.people.iter().any(|found| found.user == *user))
                .collect();
            changes.extend(gone.into_iter().flat_map(|user| self.rows.remove(Id::Person(user))));
        }
        let asked_here = self.further && matches!(self.rows.chosen(), Some(Entry::More));
        let first = page.people.first().map(|found| found.user);
        let people = page.people.into_iter().map(|found| Entry::Person(Box::new(found)));
        changes.extend(people.flat_map(|entry| self.rows.put(entry)));
        self.next = page.next;
        changes.extend(match (&self.next, self.rows.get(Id::More)) {
            (Some(_), None) => self.rows.put(Entry::More),
            (None, Some(_)) => self.rows.remove(Id::More),
            (Some(_), Some(_)) | (None, None) => Vec::new(),
        });
        if let Some(first) = first.filter(|_| asked_here) {
            self.rows.choose_id(Id::Person(first));
        }
        changes
    }

    /// A person who is shown here has changed.
    pub fn changed(&mut self, contact: &Contact) -> Vec<RowChange> {
        let Some(Entry::Person(found)) = self.rows.get(Id::Person(contact.user)) else {
            return Vec::new();
        };
        let mut found = found.clone();
        found.relation = contact.relation;
        found.blocked = contact.blocked;
        if contact.relation == Relation::Contact {
            found.presence = contact.presence.clone();
        }
        self.rows.put(Entry::Person(found))
    }

    fn people(&self) -> impl Iterator<Item = &Found> {
        self.rows.rows().iter().filter_map(|entry| match entry {
            Entry::Person(found) => Some(&**found),
            Entry::More => None,
        })
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
    pub fn chosen(&self) -> Chosen {
        match self.rows.chosen() {
            Some(Entry::Person(found)) => Chosen::Person(found.clone()),
            Some(Entry::More) => Chosen::More,
            None => Chosen::Nobody,
        }
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
        Some(match self.rows.rows().get(at)? {
            Entry::Person(found) => line_of(found),
            Entry::More => Line {
                spoken: "Load more people".into(),
                name: "Load more people".into(),
                ..Line::default()
            },
        })
    }

    /// How many were found, as a sentence.
    #[must_use]
    pub fn result(&self) -> String {
        let found = self.people().count();
        let more = if self.next.is_some() { " There are more." } else { "" };
        // The server tells how many are online at all; some of them show it to their contacts only.
        let whose = match TABS[self.tab].0 {
            Tab::Online => " whom you see online",
            Tab::Everyone | Tab::Offline | Tab::Admins => "",
        };
        match found {
            0 if self.next.is_some() => "Nobody yet, but there is more to load.".into(),
            0 => "Nobody was found.".into(),
            1 => format!("1 person{whose}.{more}"),
            many => format!("{many} people{whose}.{more}"),
        }
    }

    #[must_use]
    pub fn block_label(&self) -> &'static str {
        match self.chosen() {
            Chosen::Person(found) if found.blocked => "Unblock",
            Chosen::Person(_) | Chosen::More | Chosen::Nobody => "Block",
        }
    }
}

fn line_of(found: &Found) -> Line {
    let name = words::called(found.username.as_str(), found.admin);
    let standing = [
        Some(words::presence(&found.presence)),
        found.you.then(|| "you".to_owned()),
        match found.relation {
            Relation::Contact => Some("contact".to_owned()),
            Relation::Asked => Some("has not answered your request".to_owned()),
            Relation::AsksMe => Some("asks to be your contact".to_owned()),
            Relation::None => None,
        },
        found.blocked.then(|| "blocked".to_owned()),
    ];
    let detail = standing.into_iter().flatten().collect::<Vec<_>>().join(", ");
    Line {
        spoken: format!("{name}, {detail}"),
        name,
        detail,
        shape: shape(found.presence.availability),
        ..Line::default()
    }
}

/// Why nothing is done with a row.
///
/// # Errors
/// A sentence: it is oneself.
pub fn somebody_else(found: &Found) -> Result<&Username, &'static str> {
    if found.you { Err("That is you.") } else { Ok(&found.username) }
}

#[cfg(test)]
mod tests {
    use thrive_client::Presence;

    use super::*;

    fn found(id: i64, name: &str) -> Found {
        Found {
            user: UserId(id),
            username: Username::parse(name).unwrap(),
            presence: Presence::default(),
            relation: Relation::None,
            blocked: false,
            you: false,
            admin: false,
        }
    }

    fn page(people: &[(i64, &str)], next: Option<&str>) -> FoundPage {
        let people = people.iter().map(|(id, name)| found(*id, name)).collect();
        FoundPage { people, next: next.map(str::to_owned) }
    }

    fn shown(directory: &Directory) -> Vec<String> {
        let lines = (0..directory.rows.rows().len()).filter_map(|at| directory.line(at));
        lines.map(|line| line.name).collect()
    }

    #[test]
    fn a_row_says_everything_that_is_special() {
        let special =
            Found { admin: true, blocked: true, relation: Relation::Contact, ..found(1, "ann") };
        assert_eq!(line_of(&special).spoken, "ann (Admin), offline, contact, blocked");
        assert_eq!(line_of(&Found { you: true, ..found(1, "ann") }).spoken, "ann, offline, you");
    }

    #[test]
    fn who_is_found_again_stays_in_the_row_and_the_chosen_one_is_kept() {
        let mut directory = Directory::default();
        directory.search("");
        directory.found(page(&[(1, "ann"), (2, "bob"), (3, "cat")], None));
        directory.choose(1);
        directory.search("b");
        let changes = directory.found(page(&[(2, "bob"), (4, "bert")], None));
        assert_eq!(shown(&directory), ["bert", "bob"]);
        assert!(matches!(directory.chosen(), Chosen::Person(bob) if bob.user == UserId(2)));
        assert!(changes.contains(&RowChange::Updated(0)), "{changes:?}");
        assert_eq!(directory.result(), "2 people.");
    }

    #[test]
    fn only_the_answer_to_the_last_question_is_wanted() {
        let mut directory = Directory::default();
        directory.search("a");
        directory.search("an");
        assert!(!directory.wants(1));
        assert!(directory.wants(2));
        directory.found(page(&[], None));
        assert!(!directory.wants(2));
        assert_eq!(directory.result(), "Nobody was found.");
    }

    #[test]
    fn more_is_the_last_row_and_leads_to_the_first_who_has_come() {
        let mut directory = Directory::default();
        directory.search("");
        assert_eq!(directory.more(), None, "the first page is on its way");
        directory.found(page(&[(1, "ann"), (2, "bob")], Some("bob")));
        assert_eq!(shown(&directory), ["ann", "bob", "Load more people"]);
        assert_eq!(directory.result(), "2 people. There are more.");
        directory.tab = 1;
        assert_eq!(directory.result(), "2 people whom you see online. There are more.");
        directory.walk(Step::Last);
        assert_eq!(directory.chosen(), Chosen::More);
        let wish = directory.more().unwrap();
        assert!(matches!(wish, SocialWish::Directory { after: Some(after), .. } if after == "bob"));
        assert_eq!(directory.more(), None);
        directory.found(page(&[(3, "cat")], None));
        assert_eq!(shown(&directory), ["ann", "bob", "cat"]);
        assert!(matches!(directory.chosen(), Chosen::Person(cat) if cat.user == UserId(3)));
    }
}
