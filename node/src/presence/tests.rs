//! Who is seen when, on one node and on several.

mod simulation;

use thrive_protocol::text::StatusText;

use super::*;

const ANN: UserId = UserId(1);
const BOB: UserId = UserId(2);
const FIRST: Process = Process { node: 1, epoch: 10 };
const SECOND: Process = Process { node: 2, epoch: 20 };

fn status(changed: u64, availability: Availability) -> Status {
    Status { changed, presence: presence(availability) }
}

fn presence(availability: Availability) -> Presence {
    Presence::new(availability, StatusText::parse("lunch").unwrap())
}

fn arrive(online: &Online, user: UserId, status: &Status) {
    online.arrived(user);
    online.learn(user, status.clone());
}

fn changed(online: &Online) -> Vec<UserId> {
    let mut changed = online.take_changed(100);
    changed.sort();
    changed
}

fn node(process: Process) -> Online {
    let online = Online::default();
    online.join(process);
    online
}

fn said(online: &Online) -> Gossip {
    online.changes(100).unwrap()
}

#[test]
fn every_node_sees_the_truth_after_any_history_and_a_repair() {
    simulation::run(Instant::now());
}

#[test]
fn a_second_device_is_no_news_and_nor_is_a_quick_reconnect() {
    let online = Online::default();
    let start = Instant::now();
    let away = status(1, Availability::Away);
    arrive(&online, ANN, &away);
    assert_eq!(changed(&online), [ANN]);
    arrive(&online, ANN, &away);
    online.left(ANN, start);
    online.left(ANN, start);
    online.expire(start + DEBOUNCE / 2);
    assert_eq!(online.of(ANN), presence(Availability::Away));
    arrive(&online, ANN, &away);
    online.expire(start + DEBOUNCE * 2);
    assert_eq!((changed(&online), online.count()), (vec![], 1));
}

#[test]
fn whoever_stays_away_is_offline_after_the_debounce_and_told_once() {
    let online = Online::default();
    let start = Instant::now();
    arrive(&online, ANN, &status(1, Availability::Online));
    assert_eq!(changed(&online), [ANN]);
    online.left(ANN, start);
    online.expire(start + DEBOUNCE);
    assert_eq!(changed(&online), [ANN]);
    online.expire(start + DEBOUNCE);
    assert_eq!(changed(&online), []);
    assert_eq!((online.of(ANN), online.count()), (Presence::default(), 0));
}

#[test]
fn invisible_looks_exactly_like_offline() {
    let online = Online::default();
    let start = Instant::now();
    arrive(&online, ANN, &status(1, Availability::Invisible));
    assert_eq!((online.of(ANN), online.count()), (Presence::default(), 0));
    online.learn(ANN, status(2, Availability::Busy));
    assert_eq!((online.of(ANN), online.count()), (presence(Availability::Busy), 1));
    online.learn(ANN, status(3, Availability::Invisible));
    assert_eq!(changed(&online), [ANN]);
    online.left(ANN, start);
    online.expire(start + DEBOUNCE);
    assert_eq!((changed(&online), online.count()), (vec![], 0));
}

#[test]
fn the_status_of_somebody_who_is_not_here_changes_nothing() {
    let online = Online::default();
    online.learn(ANN, status(1, Availability::Online));
    assert_eq!((changed(&online), online.of(ANN)), (vec![], Presence::default()));
}

#[test]
fn somebody_is_seen_from_every_node_and_moving_between_nodes_is_no_news() {
    let (one, other) = (node(FIRST), node(SECOND));
    let now = Instant::now();
    let busy = status(1, Availability::Busy);
    arrive(&one, ANN, &busy);
    other.hear(said(&one), now);
    assert_eq!(other.of(ANN), presence(Availability::Busy));
    assert_eq!((changed(&other), other.count()), (vec![ANN], 1));
    one.left(ANN, now);
    other.hear(said(&one), now);
    arrive(&other, ANN, &busy);
    one.hear(said(&other), now);
    for online in [&one, &other] {
        online.expire(now + DEBOUNCE * 2);
        assert_eq!(online.of(ANN), presence(Availability::Busy));
    }
    assert_eq!(changed(&other), []);
    assert_eq!(changed(&one), [ANN]);
    assert!(one.hear(one.beat().unwrap(), now) && !one.hear(other.beat().unwrap(), now));
}

#[test]
fn who_becomes_invisible_on_one_device_is_not_shown_by_the_node_of_the_other() {
    let (one, other, third) = (node(FIRST), node(SECOND), node(Process { node: 3, epoch: 1 }));
    let now = Instant::now();
    let seen = status(1, Availability::Online);
    arrive(&one, ANN, &seen);
    arrive(&other, ANN, &seen);
    third.hear(said(&one), now);
    third.hear(said(&other), now);
    other.chose(ANN, status(2, Availability::Invisible));
    third.hear(said(&other), now);
    assert_eq!(third.of(ANN), Presence::default());
    // The device that chose it goes, and the first node has still not heard of it.
    other.left(ANN, now);
    third.hear(said(&other), now);
    one.chose(BOB, seen);
    third.hear(said(&one), now);
    assert_eq!(third.of(ANN), Presence::default());
}

#[test]
fn a_status_reaches_the_node_of_another_device_even_when_the_one_that_chose_it_has_left() {
    let (one, other) = (node(FIRST), node(SECOND));
    let now = Instant::now();
    arrive(&one, ANN, &status(1, Availability::Online));
    drop(said(&one));
    other.chose(ANN, status(2, Availability::Invisible));
    one.hear(said(&other), now);
    assert_eq!(one.of(ANN), Presence::default());
    let told = said(&one).changes;
    assert_eq!(told, [Change { user: ANN, status: Some(status(2, Availability::Invisible)) }]);
}

#[test]
fn late_and_repeated_messages_are_dropped_and_a_missing_one_is_noticed() {
    let (one, other) = (node(FIRST), node(SECOND));
    let now = Instant::now();
    other.members(&[(FIRST, Digest::default())], true, now);
    assert!(other.correct(FIRST, one.snapshot().unwrap(), now) && other.doubtful().is_empty());
    arrive(&one, ANN, &status(1, Availability::Online));
    let came = said(&one);
    one.left(ANN, now);
    let went = said(&one);
    other.hear(went, now);
    assert_eq!(other.doubtful(), [FIRST]);
    other.hear(came, now);
    other.expire(now + DEBOUNCE);
    assert_eq!(other.of(ANN), Presence::default());
    let old = Snapshot { seq: 1, ..Snapshot::default() };
    assert!(!other.correct(FIRST, old, now));
    assert!(other.correct(FIRST, one.snapshot().unwrap(), now) && other.doubtful().is_empty());
}

#[test]
fn a_lost_last_message_is_noticed_by_the_next_beat_and_by_the_lease() {
    let (one, by_beat, by_lease) = (node(FIRST), node(SECOND), node(Process { node: 3, epoch: 1 }));
    let now = Instant::now();
    for other in [&by_beat, &by_lease] {
        other.members(&[(FIRST, one.digest())], true, now);
        other.correct(FIRST, one.snapshot().unwrap(), now);
    }
    arrive(&one, ANN, &status(1, Availability::Online));
    drop(said(&one));
    by_beat.hear(one.beat().unwrap(), now);
    assert_eq!(by_beat.doubtful(), [FIRST]);
    by_lease.members(&[(FIRST, one.digest())], true, now);
    assert_eq!(by_lease.doubtful(), []);
    by_lease.members(&[(FIRST, one.digest())], true, now);
    assert_eq!(by_lease.doubtful(), [FIRST]);
}

#[test]
fn a_lease_that_is_older_than_what_was_heard_is_no_difference() {
    let (one, other) = (node(FIRST), node(SECOND));
    let now = Instant::now();
    other.members(&[(FIRST, one.digest())], true, now);
    other.correct(FIRST, one.snapshot().unwrap(), now);
    let lease = one.digest();
    arrive(&one, ANN, &status(1, Availability::Online));
    other.hear(said(&one), now);
    for _ in 0..5 {
        other.members(&[(FIRST, lease)], true, now);
    }
    assert_eq!(other.doubtful(), []);
}

#[test]
fn people_of_a_process_that_died_are_offline_and_nothing_late_brings_them_back() {
    let (one, other) = (node(FIRST), node(SECOND));
    let now = Instant::now();
    arrive(&one, ANN, &status(1, Availability::Online));
    other.hear(said(&one), now);
    arrive(&one, BOB, &status(1, Availability::Online));
    let late = said(&one);
    other.members(&[], false, now);
    other.expire(now + DEBOUNCE * 9);
    assert_eq!(other.of(ANN).availability, Availability::Online);
    other.members(&[], true, now);
    other.expire(now + DEBOUNCE_SWEPT);
    assert_eq!(other.of(ANN), Presence::default());
    other.hear(late, now);
    assert_eq!(other.of(BOB), Presence::default());
    // It lives after all: its lease is back.
    other.members(&[(FIRST, one.digest())], true, now);
    assert!(other.correct(FIRST, one.snapshot().unwrap(), now));
    assert_eq!(other.of(BOB).availability, Availability::Online);
}

#[test]
fn a_later_process_of_a_node_ends_what_the_earlier_one_asserted() {
    let (one, other) = (node(FIRST), node(SECOND));
    let now = Instant::now();
    arrive(&one, ANN, &status(1, Availability::Online));
    let early = said(&one);
    other.hear(early.clone(), now);
    let again = node(Process { epoch: FIRST.epoch + 1, ..FIRST });
    arrive(&again, BOB, &status(1, Availability::Online));
    other.hear(said(&again), now);
    other.hear(early, now);
    other.expire(now + DEBOUNCE);
    assert_eq!(other.of(ANN), Presence::default());
    assert_eq!(other.of(BOB).availability, Availability::Online);
}

#[test]
fn who_could_not_be_told_of_is_told_of_later_and_a_bell_rings_for_it() {
    let online = Online::default();
    let rung = Arc::new(Mutex::new(0));
    let bell = Arc::clone(&rung);
    online.on_change(move || *bell.lock() += 1);
    arrive(&online, ANN, &status(1, Availability::Online));
    assert!(0 < *rung.lock());
    let taken = changed(&online);
    online.put_back(taken);
    assert_eq!(changed(&online), [ANN]);
}

fn sightings(online: &Online) -> Vec<UserId> {
    let mut sightings = online.take_sightings();
    sightings.sort();
    sightings
}

#[test]
fn being_seen_begins_and_ends_with_a_note_also_by_becoming_invisible_and_never_while_invisible() {
    let online = Online::default();
    let start = Instant::now();
    arrive(&online, ANN, &status(1, Availability::Online));
    assert_eq!((sightings(&online), online.seen_here()), (vec![ANN], vec![ANN]));
    online.chose(ANN, status(2, Availability::Busy));
    assert_eq!(sightings(&online), [], "they are seen on");
    online.chose(ANN, status(3, Availability::Invisible));
    assert_eq!((sightings(&online), online.seen_here()), (vec![ANN], vec![]));
    online.left(ANN, start);
    online.expire(start + DEBOUNCE);
    arrive(&online, ANN, &status(3, Availability::Invisible));
    assert_eq!((sightings(&online), online.seen_here()), (vec![], vec![]));
    arrive(&online, BOB, &status(1, Availability::Away));
    assert_eq!(sightings(&online), [BOB]);
    online.left(BOB, start);
    assert_eq!((sightings(&online), online.seen_here()), (vec![], vec![BOB]), "until the debounce");
    online.expire(start + DEBOUNCE);
    assert_eq!((sightings(&online), online.seen_here()), (vec![BOB], vec![]));
}

#[test]
fn the_node_of_the_last_connection_notes_when_somebody_was_last_seen() {
    let (first, second) = (node(FIRST), node(SECOND));
    let start = Instant::now();
    let away = status(1, Availability::Away);
    arrive(&first, ANN, &away);
    second.hear(said(&first), start);
    arrive(&second, ANN, &away);
    first.hear(said(&second), start);
    assert_eq!((sightings(&first), sightings(&second)), (vec![ANN], vec![]));
    first.left(ANN, start);
    second.hear(said(&first), start);
    second.left(ANN, start);
    first.hear(said(&second), start);
    for node in [&first, &second] {
        node.expire(start + DEBOUNCE);
        assert_eq!(node.count(), 0);
    }
    assert_eq!((sightings(&first), sightings(&second)), (vec![], vec![ANN]));
}

#[test]
fn those_who_are_seen_are_listed_if_they_are_not_too_many() {
    let online = Online::default();
    for (user, availability) in [(1, Availability::Online), (2, Availability::Invisible)] {
        arrive(&online, UserId(user), &status(1, availability));
    }
    assert_eq!(online.seen_everywhere(1), Some(vec![ANN]));
    assert_eq!(online.seen_everywhere(0), None);
}
