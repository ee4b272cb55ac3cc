//! What becomes of the rows of a former Thrive host: who keeps which name, who is whose contact, which
//! stored messages are delivered. Rights, bans and addresses of mail are in `kept`. Every row has a line in the report. No text of a message, no password
//! and no address of mail is in it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use argon2::ARGON2ID_IDENT;
use argon2::password_hash::phc::PasswordHash;
use thrive_protocol::admin::Extension;
use thrive_protocol::ids::Time;
use thrive_protocol::limits::{CONTACTS, USERNAME_MAX, USERNAME_MIN};
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::name::Username;
use thrive_protocol::people::Relation;
use thrive_protocol::secret::Secret;
use thrive_protocol::text::{InvalidText, MessageText, Reason};

mod kept;

/// What was read of a former database.
#[derive(Debug, Default)]
pub struct Former {
    pub users: Vec<User>,
    pub contacts: Vec<Contact>,
    pub messages: Vec<Message>,
    pub file_bans: Vec<FileBan>,
    /// The lines of `admins.txt`.
    pub admins: Vec<String>,
    /// Tables that are not taken over, with their rows.
    pub others: Vec<(String, i64)>,
}

#[derive(Clone, Debug)]
pub struct User {
    pub name: String,
    pub password: Secret,
    /// They have an address of mail and never entered the code that was sent there.
    pub unverified: bool,
    /// Empty: none.
    pub email: Secret,
    /// The code that was sent to that address has come back.
    pub has_proved_email: bool,
    /// The last day of their ban, as it was written there. Empty: none.
    pub banned_until: String,
    pub ban_reason: String,
}

#[derive(Clone, Debug)]
pub struct Contact {
    pub owner: String,
    pub contact: String,
    pub blocked: bool,
}

#[derive(Clone, Debug)]
pub struct Message {
    pub id: i64,
    pub recipient: String,
    pub sender: String,
    pub text: Secret,
    /// As it was written there.
    pub time: String,
}

#[derive(Clone, Debug)]
pub struct FileBan {
    pub name: String,
    pub kind: String,
    /// The last day; empty: for ever.
    pub until: String,
    pub reason: String,
}

/// What is on this server already, and what it keeps.
#[derive(Debug, Default)]
pub struct Here {
    /// Whoever has one of these names is left alone with everything of theirs: it may be the same person,
    /// imported before, or somebody else.
    pub taken: BTreeSet<Username>,
    /// How many accounts each address has, in its folded form. `None`: no addresses are kept.
    pub addresses: Option<BTreeMap<String, usize>>,
}

/// What is to be written. People are named by their place in `people`.
#[derive(Debug, Default)]
pub struct Plan {
    pub people: Vec<Person>,
    pub sides: Vec<Side>,
    pub messages: Vec<Delivery>,
    pub bans: Vec<Ban>,
    pub file_bans: Vec<BanOfFiles>,
    pub admins: Vec<usize>,
    /// One line for each row, and for each table that is left.
    pub report: Vec<String>,
}

#[derive(Debug)]
pub struct Person {
    pub username: Username,
    pub password: Password,
    pub email: Option<EmailAddress>,
}

/// Somebody who is kept out. `ends`: `None` is never.
#[derive(Debug, PartialEq)]
pub struct Ban {
    pub person: usize,
    pub ends: Option<Time>,
    pub reason: Reason,
}

#[derive(Debug, PartialEq)]
pub struct BanOfFiles {
    pub person: usize,
    pub extension: Extension,
    pub ends: Option<Time>,
    pub reason: Reason,
}

#[derive(Debug, PartialEq)]
pub enum Password {
    /// Argon2id, in whatever cost: it is hashed again at the first login.
    Hash(String),
    /// Kept as it is typed, as some versions did.
    Plain(Secret),
    /// Nothing that a password can be compared with.
    Lost,
}

/// What `owner` holds of `other`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Side {
    pub owner: usize,
    pub other: usize,
    pub relation: Relation,
    pub blocked: bool,
}

#[derive(Debug)]
pub struct Delivery {
    /// The number of its row: a part of its id, so that the same row is the same message.
    pub row: i64,
    pub sender: usize,
    pub recipient: usize,
    pub text: MessageText,
    pub time: Time,
}

/// Where a former name leads.
#[derive(Clone, Copy)]
enum Found {
    Person(usize),
    LeftOut(&'static str),
}

#[must_use]
pub fn plan(former: &Former, here: &Here, now: Time) -> Plan {
    let mut plan = Plan::default();
    let names = names(&former.users);
    let mut found: HashMap<&str, Found> = HashMap::new();
    for (user, username) in former.users.iter().zip(names) {
        let what = if here.taken.contains(&username) {
            Found::LeftOut("exists on this server already")
        } else if user.unverified {
            Found::LeftOut("was never verified by mail")
        } else {
            plan.people.push(Person {
                username: username.clone(),
                password: password(user),
                email: None,
            });
            Found::Person(plan.people.len() - 1)
        };
        plan.report.push(match what {
            Found::LeftOut(why) => format!("user {:?}: left out, {username} {why}", user.name),
            Found::Person(person) => {
                let renamed = if user.name == username.as_str() { "" } else { " (renamed)" };
                let note = match plan.people[person].password {
                    Password::Hash(_) => "with the password",
                    Password::Plain(_) => "with the password, which is hashed now",
                    Password::Lost => "without a password, which has to be set anew",
                };
                format!("user {:?}: imported as {username}{renamed}, {note}", user.name)
            }
        });
        found.insert(&user.name, what);
    }
    let people = People { exact: found, folded: folded(&former.users) };
    kept::addresses(&mut plan, former, &people, here);
    kept::admins(&mut plan, former, &people);
    kept::bans(&mut plan, former, &people, now);
    kept::file_bans(&mut plan, former, &people, now);
    contacts(&mut plan, former, &people);
    for message in &former.messages {
        let line = deliver(&mut plan, message, &people, now);
        plan.report.push(format!("message {}: {line}", message.id));
    }
    for (table, rows) in &former.others {
        plan.report.push(format!("table {table}: left out, {rows} rows"));
    }
    plan
}

struct People<'a> {
    exact: HashMap<&'a str, Found>,
    /// Names that nobody else had in other letters.
    folded: HashMap<String, &'a str>,
}

impl People<'_> {
    /// Former servers wrote names as they were typed.
    fn find(&self, name: &str) -> Found {
        let exact = self.exact.get(name);
        let folded = || self.exact.get(self.folded.get(&name.to_lowercase())?);
        exact.or_else(folded).copied().unwrap_or(Found::LeftOut("there is no such user"))
    }

    fn both(&self, one: &str, other: &str) -> Result<(usize, usize), String> {
        match (self.find(one), self.find(other)) {
            (Found::Person(one), Found::Person(other)) => Ok((one, other)),
            (Found::LeftOut(why), _) => Err(format!("left out, {one:?}: {why}")),
            (_, Found::LeftOut(why)) => Err(format!("left out, {other:?}: {why}")),
        }
    }
}

fn folded(users: &[User]) -> HashMap<String, &str> {
    let mut folded: HashMap<String, Option<&str>> = HashMap::new();
    for user in users {
        let twice = folded.contains_key(&user.name.to_lowercase());
        folded.insert(user.name.to_lowercase(), (!twice).then_some(user.name.as_str()));
    }
    folded.into_iter().filter_map(|(name, user)| Some((name, user?))).collect()
}

/// The name of each, in their order. Names that are written as they are kept here come first, and of the
/// others the earlier row: whoever is later gets a number.
fn names(users: &[User]) -> Vec<Username> {
    let is_kept = |user: &User| {
        Username::parse(&user.name).is_ok_and(|username| username.as_str() == user.name)
    };
    let mut order: Vec<_> = (0..users.len()).collect();
    order.sort_by_key(|at| !is_kept(&users[*at]));
    let (mut given, mut names) = (BTreeSet::new(), BTreeMap::new());
    for at in order {
        let username = free_name(&users[at].name, &given);
        given.insert(username.clone());
        names.insert(at, username);
    }
    names.into_values().collect()
}

/// The former name if it is a name here and free; else made of its letters: lower case, whatever may not
/// stand in a name becomes an underscore, and a number where it is needed.
fn free_name(former: &str, given: &BTreeSet<Username>) -> Username {
    let plain = |c: char| c.is_ascii_alphanumeric();
    let mut base = String::new();
    for c in former.trim().to_lowercase().chars() {
        let fits = plain(c) || matches!(c, '.' | '_' | '-');
        match fits {
            true => base.push(c),
            false if base.ends_with('_') => {}
            false => base.push('_'),
        }
    }
    let base = base.trim_matches(|c| !plain(c));
    let base = if base.is_empty() { "user" } else { base };
    let alone = Username::parse(base).ok().filter(|username| !given.contains(username));
    let numbered = |number: u32| {
        let end = format!("-{number}");
        let room = USERNAME_MAX - end.len();
        let head: String = base.chars().take(room).collect();
        let head = head.trim_end_matches(|c| !plain(c));
        Username::parse(&format!("{head}{end}")).ok()
    };
    // Somebody alone who only has to be renamed is the first of that name, and others count on.
    let first = if (USERNAME_MIN..=USERNAME_MAX).contains(&base.len()) { 2 } else { 1 };
    let free = |number| numbered(number).filter(|username| !given.contains(username));
    alone.or_else(|| (first..).find_map(free)).expect("there are more numbers than users")
}

fn password(user: &User) -> Password {
    let stored = user.password.expose();
    match stored {
        "" => Password::Lost,
        hash if can_be_compared(hash) => Password::Hash(hash.to_owned()),
        // Another hash: whoever knows it does not know the password.
        hash if hash.starts_with('$') => Password::Lost,
        _ => Password::Plain(user.password.clone()),
    }
}

/// A whole hash of argon2id, at a cost at which nobody is kept waiting by a login of somebody else.
fn can_be_compared(hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    let Ok(params) = argon2::Params::try_from(&hash) else { return false };
    let known = hash.version.is_none_or(|it| argon2::Version::try_from(it).is_ok());
    hash.algorithm == ARGON2ID_IDENT
        && known
        && hash.salt.is_some()
        && hash.hash.is_some()
        && params.m_cost() <= DEAREST_KIB
        && params.t_cost() <= DEAREST_TURNS
        && params.p_cost() <= DEAREST_TURNS
}

/// 256 MiB: four times of what Python hashes with.
const DEAREST_KIB: u32 = 256 * 1_024;
/// Passes over it, and lanes in it.
const DEAREST_TURNS: u32 = 16;

/// Formerly, one could have somebody in one's list without asking. Whoever has each other becomes a
/// contact; whoever has somebody alone has asked them.
fn contacts(plan: &mut Plan, former: &Former, people: &People<'_>) {
    let mut pairs: BTreeMap<(usize, usize), bool> = BTreeMap::new();
    let mut lines = Vec::new();
    for contact in &former.contacts {
        let both = people.both(&contact.owner, &contact.contact);
        let both = both.and_then(|(owner, other)| match owner == other {
            true => Err("left out, nobody is their own contact".to_owned()),
            false => Ok((owner, other)),
        });
        let line = match both {
            Err(why) => why,
            Ok(pair) if pairs.contains_key(&pair) => "left out, it stands there twice".to_owned(),
            Ok(pair) => {
                pairs.insert(pair, contact.blocked);
                String::new()
            }
        };
        lines.push(line);
    }
    let mut lists = Lists { counts: vec![0; plan.people.len()], sides: BTreeMap::new() };
    // Blocks come first, so that no list is too full for them; they take a place in it like anybody.
    let blocks = pairs.iter().filter(|(_, blocked)| **blocked);
    for ((owner, other), _) in blocks {
        if lists.have_room(&[(*owner, *other)]) {
            lists.put(*owner, *other, Relation::None, true);
        }
    }
    let mut agreed: BTreeMap<(usize, usize), bool> = BTreeMap::new();
    for (contact, line) in former.contacts.iter().zip(lines) {
        let row = format!("contact {:?} of {:?}", contact.contact, contact.owner);
        let pair = people.both(&contact.owner, &contact.contact);
        let (owner, other) = match pair {
            Ok(pair) if line.is_empty() => pair,
            Ok(_) | Err(_) => {
                plan.report.push(format!("{row}: {line}"));
                continue;
            }
        };
        let both = [(owner, other), (other, owner)];
        let became = if let Some(theirs) = pairs.get(&(other, owner)) {
            // Once for both rows: a contact is one on both sides, or on neither.
            let key = (owner.min(other), owner.max(other));
            let fits = *agreed.entry(key).or_insert_with(|| lists.have_room(&both));
            if fits {
                lists.put(owner, other, Relation::Contact, contact.blocked);
                lists.put(other, owner, Relation::Contact, *theirs);
            }
            fits.then_some("imported as a contact, each has the other")
        } else if contact.blocked {
            lists.sides.contains_key(&(owner, other)).then_some("imported")
        } else {
            let fits = lists.have_room(&both);
            if fits {
                lists.put(owner, other, Relation::Asked, false);
                lists.put(other, owner, Relation::AsksMe, false);
            }
            fits.then_some("imported as a request, the other has not agreed")
        };
        let is_blocked = contact.blocked && lists.sides.contains_key(&(owner, other));
        plan.report.push(match (became, is_blocked) {
            (Some(became), false) => format!("{row}: {became}"),
            (Some(became), true) => format!("{row}: {became}, blocked"),
            (None, true) => format!("{row}: imported as a block alone, a list is full"),
            (None, false) => format!("{row}: left out, a list is full"),
        });
    }
    let Lists { sides, .. } = lists;
    plan.sides = sides.into_values().collect();
}

/// Who has whom, while it is decided.
struct Lists {
    /// How many each has.
    counts: Vec<usize>,
    sides: BTreeMap<(usize, usize), Side>,
}

impl Lists {
    /// Whether all of these can be in them: of `(owner, other)`.
    fn have_room(&self, pairs: &[(usize, usize)]) -> bool {
        pairs.iter().all(|pair| self.sides.contains_key(pair) || self.counts[pair.0] < CONTACTS)
    }

    fn put(&mut self, owner: usize, other: usize, relation: Relation, blocked: bool) {
        let side = Side { owner, other, relation, blocked };
        if self.sides.insert((owner, other), side).is_none() {
            self.counts[owner] += 1;
        }
    }
}

fn deliver(plan: &mut Plan, message: &Message, people: &People<'_>, now: Time) -> String {
    let (sender, recipient) = match people.both(&message.sender, &message.recipient) {
        Ok((sender, recipient)) if sender == recipient => {
            return "left out, nobody writes to themselves".to_owned();
        }
        Ok(both) => both,
        Err(why) => return why,
    };
    let blocked = plan
        .sides
        .iter()
        .any(|side| side.blocked && (side.owner, side.other) == (recipient, sender));
    if blocked {
        return "left out, the recipient has blocked the sender".to_owned();
    }
    let (text, cut) = match MessageText::parse(message.text.expose()) {
        Ok(text) => (text, ""),
        Err(InvalidText::Empty) => return "left out, it is empty".to_owned(),
        Err(InvalidText::TooLong { .. } | InvalidText::TooManyLines { .. }) => {
            match MessageText::parse(&beginning(message.text.expose())) {
                Ok(text) => (text, ", the end is cut off"),
                Err(_) => return "left out, it begins with nothing but space".to_owned(),
            }
        }
    };
    let (time, guess) = match moment(&message.time) {
        Some(time) => (time.min(now), ""),
        None => (now, ", with the time of the import"),
    };
    plan.messages.push(Delivery { row: message.id, sender, recipient, text, time });
    format!("imported, from {:?} to {:?}{cut}{guess}", message.sender, message.recipient)
}

/// What fits into one message in any case.
fn beginning(text: &str) -> String {
    let lines: Vec<_> = text.lines().take(thrive_protocol::limits::TEXT_LINES).collect();
    let most = thrive_protocol::limits::TEXT_CHARS;
    lines.join("\n").chars().take(most).collect()
}

/// Seconds or milliseconds since 1970, or a date with a time; without an offset it is taken for UTC.
fn moment(written: &str) -> Option<Time> {
    let written = written.trim();
    if let Ok(number) = written.parse::<f64>() {
        let millis = if number.abs() < 1e11 { number * 1_000.0 } else { number };
        return (0.0 < millis && millis < 1e15).then_some(Time(millis as i64));
    }
    let with_offset = written.parse::<jiff::Timestamp>().ok();
    let naive =
        || written.parse::<jiff::civil::DateTime>().ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok();
    let instant = with_offset.or_else(|| Some(naive()?.timestamp()))?;
    Some(Time(instant.as_millisecond()))
}

#[cfg(test)]
mod tests;
