//! Who is online, as others may see it: counted connections, a stored status, and a debounced end.
//!
//! The state is pure and takes the time; [`Online`] is the handle that others hold. Announcing is up
//! to whoever called: every change says whether others see it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use thrive_protocol::ids::UserId;
use thrive_protocol::people::{Availability, Presence};

/// Somebody whose last connection went is still shown for so long: a reconnect is no news.
const DEBOUNCE: Duration = Duration::from_secs(5);

/// A cheap handle.
#[derive(Clone, Default)]
pub struct Online {
    /// Guards the table for a few lines; never held over an await.
    table: Arc<Mutex<Table>>,
}

#[derive(Default)]
struct Table {
    people: HashMap<UserId, Person>,
}

struct Person {
    connections: u32,
    /// What the account has stored.
    wanted: Presence,
    /// When others are to see that nobody is there any more.
    gone_at: Option<Instant>,
}

impl Online {
    /// What others see of `user`: offline when invisible or not connected.
    #[must_use]
    pub fn of(&self, user: UserId) -> Presence {
        self.table.lock().people.get(&user).map(Person::seen).unwrap_or_default()
    }

    /// People who are seen as online now.
    #[must_use]
    pub fn count(&self) -> u64 {
        let seen = |it: &&Person| it.seen().availability != Availability::Offline;
        self.table.lock().people.values().filter(seen).count() as u64
    }

    /// One connection more. What others see changes with [`Self::set`], which is called next.
    pub fn arrived(&self, user: UserId) {
        let mut table = self.table.lock();
        let person = table.people.entry(user).or_insert_with(Person::absent);
        person.connections += 1;
        person.gone_at = None;
    }

    /// One connection less. Others see nothing of it yet; see [`Self::expired`].
    pub fn left(&self, user: UserId, now: Instant) {
        if let Some(person) = self.table.lock().people.get_mut(&user) {
            person.connections = person.connections.saturating_sub(1);
            if person.connections == 0 {
                person.gone_at = Some(now + DEBOUNCE);
            }
        }
    }

    /// The account has this status stored. Says whether others see something else now.
    pub fn set(&self, user: UserId, wanted: Presence) -> bool {
        let mut table = self.table.lock();
        let Some(person) = table.people.get_mut(&user) else { return false };
        let before = person.seen();
        person.wanted = wanted;
        before != person.seen()
    }

    /// Forgets those who have been away for long enough; returns the ones whom others saw until now.
    pub fn expired(&self, now: Instant) -> Vec<UserId> {
        let mut seen = Vec::new();
        self.table.lock().people.retain(|user, person| {
            let gone = person.gone_at.is_some_and(|at| at <= now);
            if gone && person.seen() != Presence::default() {
                seen.push(*user);
            }
            !gone
        });
        seen
    }
}

impl Person {
    fn absent() -> Self {
        Self { connections: 0, wanted: Presence::default(), gone_at: None }
    }

    fn seen(&self) -> Presence {
        match self.wanted.availability {
            Availability::Offline | Availability::Invisible => Presence::default(),
            Availability::Online
            | Availability::Away
            | Availability::Busy
            | Availability::DoNotDisturb => self.wanted.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use thrive_protocol::text::StatusText;

    use super::*;

    const ANN: UserId = UserId(1);

    fn status(availability: Availability) -> Presence {
        Presence { availability, text: StatusText::parse("lunch").unwrap() }
    }

    fn arrive(online: &Online, stored: &Presence) -> bool {
        online.arrived(ANN);
        online.set(ANN, stored.clone())
    }

    #[test]
    fn a_second_device_is_no_news_and_nor_is_a_quick_reconnect() {
        let online = Online::default();
        let start = Instant::now();
        let away = status(Availability::Away);
        assert!(arrive(&online, &away));
        assert!(!arrive(&online, &away));
        online.left(ANN, start);
        online.left(ANN, start);
        assert_eq!(online.expired(start + DEBOUNCE / 2), []);
        assert_eq!(online.of(ANN), away);
        assert!(!arrive(&online, &away));
        assert_eq!(online.expired(start + DEBOUNCE * 2), []);
        assert_eq!(online.count(), 1);
    }

    #[test]
    fn whoever_stays_away_is_offline_after_the_debounce_and_told_once() {
        let online = Online::default();
        let start = Instant::now();
        arrive(&online, &status(Availability::Online));
        online.left(ANN, start);
        assert_eq!(online.expired(start + DEBOUNCE), [ANN]);
        assert_eq!(online.expired(start + DEBOUNCE), []);
        assert_eq!(online.of(ANN), Presence::default());
    }

    #[test]
    fn invisible_looks_exactly_like_offline() {
        let online = Online::default();
        let start = Instant::now();
        assert!(!arrive(&online, &status(Availability::Invisible)));
        assert_eq!(online.of(ANN), Presence::default());
        assert_eq!(online.count(), 0);
        assert!(online.set(ANN, status(Availability::Busy)));
        assert_eq!(online.of(ANN), status(Availability::Busy));
        assert!(online.set(ANN, status(Availability::Invisible)));
        online.left(ANN, start);
        assert_eq!(online.expired(start + DEBOUNCE), []);
    }

    #[test]
    fn the_status_of_somebody_who_is_not_here_changes_nothing() {
        assert!(!Online::default().set(ANN, status(Availability::Online)));
    }
}
