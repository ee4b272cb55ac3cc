//! I10: who is there is shown as there, and who is not, is not, but for short whiles. Pure: the truth
//! and what was shown are laid over each other.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::broken::Broken;
use super::journal::{Follower, Record, What};

/// How long somebody may be shown wrongly.
#[derive(Clone, Copy, Debug)]
pub struct Rules {
    /// As absent, while they are there.
    pub absent: Duration,
    /// As there, while they are absent: a ghost.
    pub ghost: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self { absent: Duration::from_secs(3), ghost: Duration::from_secs(15) }
    }
}

/// The longest that anybody was shown wrongly, and what went beyond the rules.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    pub longest_absent: Duration,
    pub longest_ghost: Duration,
    pub broken: Vec<Broken>,
}

/// Looks at a whole run that was watched until `end`.
#[must_use]
pub fn check(records: &[Record], people: &[Follower], end: Duration, rules: Rules) -> Verdict {
    let mut scene = Scene::of(people);
    let mut verdict = Verdict::default();
    for record in records {
        for key in scene.play(record) {
            scene.judge(key, record.at, rules, &mut verdict);
        }
    }
    for (key, view) in scene.views {
        if let Some((since, shown)) = view.wrong {
            verdict.note(key, end.saturating_sub(since), shown, rules);
        }
    }
    verdict
}

/// A device and a person whom it shows.
type Key = (u32, u32);

/// What one device shows of one person.
#[derive(Clone, Copy, Default)]
struct View {
    online: bool,
    /// Since when it is wrong while somebody can see it, and what it says.
    wrong: Option<(Duration, bool)>,
}

/// The truth and the views, at one moment.
struct Scene<'a> {
    people: BTreeMap<u32, &'a Follower>,
    /// The devices that watch a person.
    watchers: BTreeMap<u32, Vec<u32>>,
    views: BTreeMap<Key, View>,
    up: BTreeSet<u32>,
}

impl<'a> Scene<'a> {
    fn of(people: &'a [Follower]) -> Self {
        let mut watchers: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        let mut views = BTreeMap::new();
        for follower in people {
            for person in &follower.watches {
                watchers.entry(*person).or_default().push(follower.device);
                views.insert((follower.device, *person), View::default());
            }
        }
        let people = people.iter().map(|it| (it.device, it)).collect();
        Self { people, watchers, views, up: BTreeSet::new() }
    }

    /// Lets one record happen; the views that it may have made right or wrong.
    fn play(&mut self, record: &Record) -> Vec<Key> {
        let device = record.device;
        let Some(follower) = self.people.get(&device) else { return Vec::new() };
        let is_up = match &record.what {
            What::Sees { person, online } => {
                let Some(view) = self.views.get_mut(&(device, *person)) else { return Vec::new() };
                view.online = *online;
                return vec![(device, *person)];
            }
            What::Up => true,
            What::Down { .. } | What::Left => false,
            What::Attempt { .. }
            | What::Stored { .. }
            | What::Refused { .. }
            | What::Shown { .. } => return Vec::new(),
        };
        let changed = if is_up { self.up.insert(device) } else { self.up.remove(&device) };
        if !changed {
            return Vec::new();
        }
        let own = follower.watches.iter().map(|person| (device, *person));
        let watchers = self.watchers.get(&follower.person).into_iter().flatten();
        own.chain(watchers.map(|watcher| (*watcher, follower.person))).collect()
    }

    fn judge(&mut self, key: Key, at: Duration, rules: Rules, verdict: &mut Verdict) {
        let is_there =
            self.people.values().any(|it| it.person == key.1 && self.up.contains(&it.device));
        let looks = self.up.contains(&key.0);
        let Some(view) = self.views.get_mut(&key) else { return };
        let wrong = (looks && view.online != is_there).then_some(view.online);
        match (view.wrong, wrong) {
            (Some((_, before)), Some(now)) if before == now => return,
            (Some((since, before)), _) => verdict.note(key, at - since, before, rules),
            (None, _) => {}
        }
        view.wrong = wrong.map(|shown| (at, shown));
    }
}

impl Verdict {
    fn note(&mut self, (watcher, person): Key, lasted: Duration, shown_online: bool, rules: Rules) {
        let (longest, limit) = match shown_online {
            true => (&mut self.longest_ghost, rules.ghost),
            false => (&mut self.longest_absent, rules.absent),
        };
        *longest = (*longest).max(lasted);
        if limit < lasted {
            self.broken.push(Broken::WrongPresence { watcher, person, shown_online, lasted });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn people() -> Vec<Follower> {
        let one = |device, person, watches| Follower {
            device,
            person,
            conversations: Vec::new(),
            watches: vec![watches],
        };
        // Bob has two devices.
        vec![one(1, 10, 20), one(2, 20, 10), one(3, 20, 10)]
    }

    fn record(secs: u64, device: u32, what: What) -> Record {
        Record { at: Duration::from_secs(secs), device, what }
    }

    fn sees(secs: u64, device: u32, person: u32, online: bool) -> Record {
        record(secs, device, What::Sees { person, online })
    }

    fn down() -> What {
        What::Down { why: String::new() }
    }

    fn start() -> Vec<Record> {
        vec![
            record(0, 1, What::Up),
            record(0, 2, What::Up),
            sees(1, 1, 20, true),
            sees(1, 2, 10, true),
        ]
    }

    fn verdict(more: Vec<Record>, end: u64) -> Verdict {
        let records = [start(), more].concat();
        check(&records, &people(), Duration::from_secs(end), Rules::default())
    }

    #[test]
    fn short_whiles_of_wrong_presence_are_measured_and_forgiven() {
        let found = verdict(vec![record(10, 2, down()), sees(20, 1, 20, false)], 60);
        assert_eq!(found.broken, []);
        assert_eq!(found.longest_ghost, Duration::from_secs(10));
        assert_eq!(found.longest_absent, Duration::from_secs(1));
    }

    #[test]
    fn a_ghost_is_found_also_when_it_never_goes() {
        let ghost = |lasted| Broken::WrongPresence {
            watcher: 1,
            person: 20,
            shown_online: true,
            lasted: Duration::from_secs(lasted),
        };
        let gone = vec![record(10, 2, down()), sees(30, 1, 20, false)];
        assert_eq!(verdict(gone, 60).broken, [ghost(20)]);
        assert_eq!(verdict(vec![record(10, 2, What::Left)], 60).broken, [ghost(50)]);
    }

    #[test]
    fn somebody_who_is_there_may_not_be_shown_as_absent() {
        let found = verdict(vec![sees(10, 1, 20, false), sees(14, 1, 20, true)], 60);
        let absent = Broken::WrongPresence {
            watcher: 1,
            person: 20,
            shown_online: false,
            lasted: Duration::from_secs(4),
        };
        assert_eq!(found.broken, [absent]);
    }

    #[test]
    fn one_of_two_devices_is_enough_to_be_there() {
        let found =
            verdict(vec![record(5, 3, What::Up), sees(5, 3, 10, true), record(6, 2, down())], 90);
        assert_eq!(found.broken, []);
        assert_eq!(found.longest_ghost, Duration::ZERO);
    }

    #[test]
    fn nobody_is_misled_while_they_are_not_connected_themselves() {
        let more = vec![
            record(10, 1, down()),
            record(11, 2, down()),
            record(50, 1, What::Up),
            sees(51, 1, 20, false),
        ];
        let found = verdict(more, 60);
        assert_eq!(found.broken, []);
        assert_eq!(found.longest_ghost, Duration::from_secs(1));
    }
}
