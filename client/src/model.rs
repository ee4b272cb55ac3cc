//! Who is known, and how they are right now: contact list, presence, unread counts, typing. Pure.
//!
//! Every change of it comes out as what a screen needs to hear. It knows no message texts; those are
//! in the cache.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use thrive_protocol::ids::UserId;
use thrive_protocol::name::Username;
use thrive_protocol::people::{self, Relation};

use crate::types::{Arrival, Change, Contact, Presence};

/// A typing mark is void after so long without a repeat.
const TYPING: Duration = Duration::from_secs(6);

#[derive(Debug, Default)]
pub(crate) struct Model {
    people: BTreeMap<UserId, Contact>,
    own: Presence,
    /// I am an admin, as far as the server said.
    admin: bool,
    typing: BTreeMap<UserId, Instant>,
    /// What was heard while a list of contacts is on its way: the list may be older than that.
    heard: Option<Heard>,
}

#[derive(Debug, Default)]
struct Heard {
    /// What they are to us changed, or may have.
    relations: BTreeSet<UserId>,
    /// Only how they are changed. Of somebody who is on no list yet, nothing else is known.
    presences: BTreeMap<UserId, Presence>,
    own: bool,
}

impl Model {
    /// What the cache remembers, before the network says anything.
    pub(crate) fn load(people: Vec<Contact>, own: Presence) -> Self {
        let people = people.into_iter().map(|contact| (contact.user, contact)).collect();
        Self { people, own, ..Self::default() }
    }

    /// Everybody, by the name that is shown.
    pub(crate) fn contacts(&self) -> Vec<Contact> {
        let mut contacts: Vec<_> = self.people.values().cloned().collect();
        contacts.sort_by_cached_key(|contact| contact.display_name().to_lowercase());
        contacts
    }

    pub(crate) fn contact(&self, user: UserId) -> Option<&Contact> {
        self.people.get(&user)
    }

    pub(crate) fn find(&self, username: &Username) -> Option<&Contact> {
        self.people.values().find(|contact| contact.username == *username)
    }

    pub(crate) fn own(&self) -> &Presence {
        &self.own
    }

    /// A list of contacts was asked for: from now on, single news is newer than it.
    pub(crate) fn expect_roster(&mut self) {
        self.heard = Some(Heard::default());
    }

    /// The whole list as the server has it.
    pub(crate) fn roster(
        &mut self,
        contacts: Vec<people::Contact>,
        own: people::Presence,
    ) -> Vec<Change> {
        let mut newer = self.heard.take().unwrap_or_default();
        let listed: BTreeSet<_> = contacts.iter().map(|contact| contact.user).collect();
        let mut changes = Vec::new();
        for contact in contacts {
            if newer.relations.contains(&contact.user) {
                continue;
            }
            let shown = newer.presences.remove(&contact.user);
            let shown = shown.unwrap_or_else(|| presence(contact.presence.clone()));
            changes.extend(self.list(contact, shown, Arrival::CatchUp));
        }
        let gone: Vec<_> = self
            .people
            .values()
            .filter(|contact| contact.relation != Relation::None || contact.blocked)
            .map(|contact| contact.user)
            .filter(|user| !listed.contains(user) && !newer.relations.contains(user))
            .collect();
        for user in gone {
            changes.extend(self.forget(user, Arrival::CatchUp));
        }
        if !newer.own {
            changes.extend(self.own_presence(presence(own)));
        }
        changes
    }

    /// One contact is new or changed.
    pub(crate) fn put(&mut self, contact: people::Contact, arrival: Arrival) -> Option<Change> {
        self.note(contact.user);
        let shown = presence(contact.presence.clone());
        self.list(contact, shown, arrival)
    }

    fn list(
        &mut self,
        contact: people::Contact,
        presence: Presence,
        arrival: Arrival,
    ) -> Option<Change> {
        let before = self.people.get(&contact.user);
        let now = Contact {
            user: contact.user,
            username: contact.username,
            nickname: contact.nickname.as_str().to_owned(),
            group: contact.group.as_str().to_owned(),
            relation: contact.relation,
            blocked: contact.blocked,
            request: contact.request.as_str().to_owned(),
            presence,
            unread: before.map_or(0, |before| before.unread),
            typing: before.is_some_and(|before| before.typing),
            admin: contact.admin,
        };
        self.replace(now, arrival)
    }

    /// Contacts are in another group, or in none.
    pub(crate) fn regroup(&mut self, users: &[UserId], group: &str) -> Vec<Change> {
        let moved = |user: &UserId| {
            if self.people.get(user)?.relation != Relation::Contact {
                return None;
            }
            self.note(*user);
            self.edit(*user, Arrival::Live, |contact| group.clone_into(&mut contact.group))
        };
        users.iter().filter_map(moved).collect()
    }

    /// No contact any more. Somebody with whom there is a conversation stays known.
    pub(crate) fn gone(
        &mut self,
        user: UserId,
        has_chat: bool,
        arrival: Arrival,
    ) -> Option<Change> {
        self.note(user);
        if has_chat {
            return self.forget(user, arrival);
        }
        self.typing.remove(&user);
        self.people.remove(&user).map(|_| Change::ContactGone(user))
    }

    /// Somebody with whom there is a conversation, contact or not.
    pub(crate) fn chat(&mut self, user: UserId, username: &Username) -> Option<Change> {
        if self.people.contains_key(&user) {
            return None;
        }
        let now = Contact {
            user,
            username: username.clone(),
            nickname: String::new(),
            group: String::new(),
            relation: Relation::None,
            blocked: false,
            request: String::new(),
            presence: Presence::default(),
            unread: 0,
            typing: false,
            admin: false,
        };
        self.replace(now, Arrival::CatchUp)
    }

    pub(crate) fn presence(
        &mut self,
        user: UserId,
        presence: Presence,
        arrival: Arrival,
    ) -> Option<Change> {
        if let Some(heard) = &mut self.heard {
            heard.presences.insert(user, presence.clone());
        }
        self.edit(user, arrival, |contact| contact.presence = presence)
    }

    pub(crate) fn own_presence(&mut self, presence: Presence) -> Option<Change> {
        if let Some(heard) = &mut self.heard {
            heard.own = true;
        }
        (self.own != presence).then(|| {
            self.own = presence;
            Change::OwnPresence(self.own.clone())
        })
    }

    pub(crate) fn is_invisible(&self) -> bool {
        self.own.availability == people::Availability::Invisible
    }

    pub(crate) fn is_admin(&self) -> bool {
        self.admin
    }

    pub(crate) fn own_rights(&mut self, admin: bool) -> Option<Change> {
        let changed = std::mem::replace(&mut self.admin, admin) != admin;
        changed.then_some(Change::Admin(admin))
    }

    pub(crate) fn unblocked(&mut self, user: UserId) -> Option<Change> {
        let changed = self.edit(user, Arrival::Live, |contact| contact.blocked = false);
        if changed.is_some() {
            self.note(user);
        }
        changed
    }

    pub(crate) fn unread(&mut self, user: UserId, unread: u32, arrival: Arrival) -> Option<Change> {
        self.edit(user, arrival, |contact| contact.unread = unread)
    }

    pub(crate) fn typing(&mut self, user: UserId, active: bool, now: Instant) -> Option<Change> {
        if active {
            self.typing.insert(user, now + TYPING);
        } else {
            self.typing.remove(&user);
        }
        self.edit(user, Arrival::Live, |contact| contact.typing = active)
    }

    /// Ends typing marks that nobody repeated.
    pub(crate) fn expire(&mut self, now: Instant) -> Vec<Change> {
        let over: Vec<_> =
            self.typing.iter().filter(|(_, end)| **end <= now).map(|(user, _)| *user).collect();
        over.into_iter().filter_map(|user| self.typing(user, false, now)).collect()
    }

    pub(crate) fn next_expiry(&self) -> Option<Instant> {
        self.typing.values().min().copied()
    }

    /// The connection is gone: nobody can be seen typing.
    pub(crate) fn cut_off(&mut self, now: Instant) -> Vec<Change> {
        self.heard = None;
        let typing: Vec<_> = self.typing.keys().copied().collect();
        typing.into_iter().filter_map(|user| self.typing(user, false, now)).collect()
    }

    fn forget(&mut self, user: UserId, arrival: Arrival) -> Option<Change> {
        self.edit(user, arrival, |contact| {
            contact.relation = Relation::None;
            contact.blocked = false;
            contact.nickname.clear();
            contact.group.clear();
            contact.request.clear();
            contact.presence = Presence::default();
        })
    }

    fn edit(
        &mut self,
        user: UserId,
        arrival: Arrival,
        change: impl FnOnce(&mut Contact),
    ) -> Option<Change> {
        let mut now = self.people.get(&user)?.clone();
        change(&mut now);
        self.replace(now, arrival)
    }

    fn replace(&mut self, now: Contact, arrival: Arrival) -> Option<Change> {
        let before = self.people.insert(now.user, now.clone());
        (before.as_ref() != Some(&now)).then_some(Change::Contact { before, now, arrival })
    }

    fn note(&mut self, user: UserId) {
        if let Some(heard) = &mut self.heard {
            heard.relations.insert(user);
        }
    }
}

/// From the wire to plain words.
pub(crate) fn presence(presence: people::Presence) -> Presence {
    Presence {
        availability: presence.availability,
        preset: presence.preset,
        text: presence.text.as_str().to_owned(),
        last_seen_ms: presence.last_seen.map(|at| at.0),
    }
}

#[cfg(test)]
mod tests {
    use thrive_protocol::people::Availability;
    use thrive_protocol::text::{GroupName, Nickname, RequestText};

    use super::*;

    const ANN: UserId = UserId(1);
    const BOB: UserId = UserId(2);

    fn wire(user: UserId, relation: Relation) -> people::Contact {
        people::Contact {
            user,
            username: Username::parse(&format!("user{user}")).unwrap(),
            relation,
            blocked: false,
            nickname: Nickname::default(),
            group: GroupName::default(),
            request: RequestText::default(),
            presence: people::Presence::default(),
            admin: false,
        }
    }

    fn online() -> Presence {
        Presence::new(Availability::Online, String::new())
    }

    #[test]
    fn a_change_tells_before_and_after_and_no_change_tells_nothing() {
        let mut model = Model::default();
        let change = model.put(wire(ANN, Relation::Contact), Arrival::Live);
        assert!(matches!(change, Some(Change::Contact { before: None, .. })));
        assert_eq!(model.put(wire(ANN, Relation::Contact), Arrival::Live), None);
        let Some(Change::Contact { before: Some(before), now, .. }) =
            model.presence(ANN, online(), Arrival::Live)
        else {
            panic!("a presence that changed is a change");
        };
        assert_eq!(before.presence.availability, Availability::Offline);
        assert_eq!(now.presence.availability, Availability::Online);
    }

    #[test]
    fn news_that_came_while_a_list_was_on_its_way_wins_over_the_list() {
        let mut model = Model::default();
        model.put(wire(ANN, Relation::Asked), Arrival::Live);
        model.put(wire(BOB, Relation::Contact), Arrival::Live);
        model.expect_roster();
        model.put(wire(ANN, Relation::Contact), Arrival::Live);
        model.gone(BOB, false, Arrival::Live);
        let old = vec![wire(ANN, Relation::Asked), wire(BOB, Relation::Contact)];
        model.roster(old, people::Presence::default());
        assert_eq!(model.contact(ANN).unwrap().relation, Relation::Contact);
        assert!(model.contact(BOB).is_none());
    }

    #[test]
    fn somebody_whose_presence_comes_before_the_first_list_is_in_the_list_as_they_are_now() {
        let mut model = Model::default();
        model.expect_roster();
        assert_eq!(model.presence(ANN, online(), Arrival::Live), None, "nobody knows them yet");
        model.chat(BOB, &Username::parse("bob").unwrap());
        model.presence(BOB, online(), Arrival::Live);
        model.own_presence(online());
        let list = vec![wire(ANN, Relation::Contact), wire(BOB, Relation::Contact)];
        model.roster(list, people::Presence::default());
        for user in [ANN, BOB] {
            let contact = model.contact(user).expect("whoever is listed is shown");
            assert_eq!((contact.relation, &contact.presence), (Relation::Contact, &online()));
        }
        assert_eq!(model.own(), &online(), "the list is older than what was heard");
    }

    #[test]
    fn a_list_without_somebody_ends_being_contacts_but_not_being_known() {
        let mut model = Model::default();
        model.put(wire(ANN, Relation::Contact), Arrival::Live);
        model.unread(ANN, 3, Arrival::Live);
        model.expect_roster();
        let changes = model.roster(Vec::new(), people::Presence::default());
        assert_eq!(changes.len(), 1);
        let ann = model.contact(ANN).unwrap();
        assert_eq!((ann.relation, ann.unread), (Relation::None, 3));
    }

    #[test]
    fn a_group_that_is_renamed_is_newer_than_a_list_that_is_on_its_way() {
        let mut model = Model::default();
        model.put(wire(ANN, Relation::Contact), Arrival::Live);
        model.chat(BOB, &Username::parse("bob").unwrap());
        model.expect_roster();
        assert_eq!(model.regroup(&[ANN, BOB, UserId(3)], "Choir").len(), 1, "of contacts only");
        assert_eq!(model.regroup(&[ANN], "Choir"), []);
        let old = people::Contact { group: GroupName::cut("x"), ..wire(ANN, Relation::Contact) };
        model.roster(vec![old], people::Presence::default());
        assert_eq!(model.contact(ANN).unwrap().group, "Choir");
        assert_eq!(model.contact(BOB).unwrap().group, "");
    }

    #[test]
    fn typing_ends_by_itself_after_six_seconds_unless_it_is_repeated() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let mut model = Model::default();
        model.chat(ANN, &Username::parse("ann").unwrap());
        assert!(model.typing(ANN, true, start).is_some());
        assert!(model.typing(ANN, true, at(3)).is_none());
        assert!(model.expire(at(8)).is_empty());
        assert_eq!(model.expire(at(9)).len(), 1);
        assert!(!model.contact(ANN).unwrap().typing);
        assert_eq!(model.next_expiry(), None);
    }

    #[test]
    fn being_cut_off_ends_all_typing_and_nothing_else() {
        let now = Instant::now();
        let mut model = Model::default();
        model.put(wire(ANN, Relation::Contact), Arrival::Live);
        model.presence(ANN, online(), Arrival::Live);
        model.typing(ANN, true, now);
        assert_eq!(model.cut_off(now).len(), 1);
        assert_eq!(model.contact(ANN).unwrap().presence, online());
    }
}
