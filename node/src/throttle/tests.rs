//! Login and sign-up throttles at any time we like.

use super::*;

const RULES: ThrottleRules = ThrottleRules {
    free_failures: 5,
    longest_wait: Duration::from_secs(900),
    per_address: Rate::new(30, 30.0 / 600.0),
};
/// Only the rules for accounts.
const ACCOUNTS: ThrottleRules =
    ThrottleRules { per_address: Rate::new(1_000_000, 1_000_000.0), ..RULES };

fn ann() -> Username {
    Username::parse("ann").unwrap()
}

fn user(number: usize) -> Username {
    Username::parse(&format!("user{number}")).unwrap()
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

#[test]
fn five_failures_are_free_and_then_each_wait_doubles_up_to_fifteen_minutes() {
    let mut throttle = Throttle::new(ACCOUNTS);
    let (who, from, mut now) = (ann(), ip("192.0.2.1"), Instant::now());
    let mut waits = Vec::new();
    for _ in 0..17 {
        if let Err(wait) = throttle.check(&who, from, now) {
            waits.push(wait.as_secs());
            now += wait;
            assert_eq!(throttle.check(&who, from, now), Ok(()));
        }
        throttle.failed(&who, from, now);
    }
    assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
}

#[test]
fn the_wait_begins_when_the_failure_is_known() {
    let mut throttle = Throttle::new(ACCOUNTS);
    let (who, from, now) = (ann(), ip("192.0.2.1"), Instant::now());
    for _ in 0..5 {
        throttle.check(&who, from, now).unwrap();
    }
    let known = now + Duration::from_secs(60);
    throttle.failed(&who, from, known);
    assert_eq!(throttle.check(&who, from, known), Err(Duration::from_secs(1)));
}

/// Guesses at one account from so many sites, as often as each may at every `step` of so many hours; how many
/// there were.
fn guesses(throttle: &mut Throttle, sites: u8, start: Instant, hours: u64, step: usize) -> usize {
    let mut count = 0;
    for second in (0..hours * 3_600).step_by(step) {
        let now = start + Duration::from_secs(second);
        for site in 0..sites {
            let from = ip(&format!("198.51.100.{site}"));
            while throttle.check(&ann(), from, now).is_ok() {
                throttle.failed(&ann(), from, now);
                count += 1;
            }
        }
    }
    count
}

#[test]
fn whoever_guesses_makes_nobody_wait_who_is_somewhere_else() {
    let mut throttle = Throttle::new(ACCOUNTS);
    let start = Instant::now();
    assert_eq!(
        guesses(&mut throttle, 1, start, 24, 1),
        109,
        "15 at the beginning, then 4 in an hour"
    );
    let later = start + Duration::from_secs(24 * 3_600);
    for number in 0..5 {
        let from = ip(&format!("192.0.2.{number}"));
        assert_eq!(throttle.check(&ann(), from, later), Ok(()));
        throttle.failed(&ann(), from, later);
    }
    // Of IPv6, whoever has one network of a site has them all.
    for number in 0..5 {
        throttle.check(&ann(), ip(&format!("2001:db8:1:{number}::1")), later).unwrap();
    }
    assert!(throttle.check(&ann(), ip("2001:db8:1:9::1"), later).is_err());
    assert_eq!(throttle.check(&ann(), ip("2001:db8:2:9::1"), later), Ok(()));
}

#[test]
fn guesses_are_bounded_for_all_places_together_and_do_not_keep_the_owner_from_where_they_were_before()
 {
    let mut throttle = Throttle::new(ACCOUNTS);
    let (home, start) = (ip("192.0.2.1"), Instant::now());
    throttle.check(&ann(), home, start).unwrap();
    throttle.succeeded(&ann(), home, start);
    // However many sites: 100, and then 8 in an hour.
    let most = 100 + 10 * 8;
    let count = guesses(&mut throttle, 200, start, 10, 30);
    assert!((most - 1..=most).contains(&count), "{count}");
    let later = start + Duration::from_secs(10 * 3_600 - 20);
    let elsewhere = ip("203.0.113.1");
    let wait = throttle.check(&ann(), elsewhere, later).unwrap_err();
    assert!(wait <= Duration::from_secs(450), "{wait:?}");
    for _ in 0..5 {
        assert_eq!(throttle.check(&ann(), home, later), Ok(()));
        throttle.failed(&ann(), home, later);
    }
    assert!(throttle.check(&ann(), home, later).is_err(), "there is a count of its own");

    // A code from the mail helps at once, and where somebody else had come in does not count any more.
    throttle.renewed(&ann(), elsewhere, later);
    assert_eq!(throttle.check(&ann(), elsewhere, later), Ok(()));
    throttle.succeeded(&ann(), elsewhere, later);
    guesses(&mut throttle, 200, later, 1, 30);
    let later = later + Duration::from_secs(3_600 - 20);
    assert_eq!(throttle.check(&ann(), elsewhere, later), Ok(()));
    assert!(throttle.check(&ann(), home, later).is_err());
}

#[test]
fn an_attempt_that_its_account_may_not_make_costs_its_address_nothing() {
    let rules = ThrottleRules { per_address: Rate::new(3, 0.0), ..RULES };
    let mut throttle = Throttle::new(rules);
    let now = Instant::now();
    for number in 0..100 {
        throttle.check(&ann(), ip(&format!("198.51.100.{number}")), now).unwrap();
    }
    let from = ip("192.0.2.1");
    for _ in 0..50 {
        assert!(throttle.check(&ann(), from, now).is_err());
    }
    for number in 0..3 {
        assert_eq!(throttle.check(&user(number), from, now), Ok(()));
    }
}

#[test]
fn the_wait_never_grows_into_a_lock() {
    let rules = ThrottleRules { free_failures: 0, ..RULES };
    assert_eq!(rules.wait_after(63), Duration::from_secs(900));
    assert_eq!(rules.wait_after(64), Duration::from_secs(900));
    assert_eq!(rules.wait_after(u32::MAX), Duration::from_secs(900));
}

#[test]
fn a_success_clears_the_account() {
    let mut throttle = Throttle::new(ACCOUNTS);
    let (who, from, now) = (ann(), ip("192.0.2.1"), Instant::now());
    for _ in 0..5 {
        throttle.check(&who, from, now).unwrap();
        throttle.failed(&who, from, now);
    }
    let later = now + Duration::from_secs(1);
    throttle.check(&who, from, later).unwrap();
    throttle.succeeded(&who, from, later);
    for _ in 0..5 {
        assert_eq!(throttle.check(&who, from, later), Ok(()));
    }
}

#[test]
fn attempts_at_the_same_moment_are_counted_before_their_answers_are_known() {
    let mut throttle = Throttle::new(ACCOUNTS);
    let (who, from, now) = (ann(), ip("192.0.2.1"), Instant::now());
    let allowed = (0..100).filter(|_| throttle.check(&who, from, now).is_ok()).count();
    assert_eq!(allowed, 5);
}

#[test]
fn an_attempt_that_could_not_be_decided_does_not_count() {
    let mut throttle = Throttle::new(RULES);
    let (who, from, now) = (ann(), ip("192.0.2.1"), Instant::now());
    for _ in 0..100 {
        assert_eq!(throttle.check(&who, from, now), Ok(()));
        throttle.undecided(&who, from, now);
    }
}

#[test]
fn the_wait_of_one_account_does_not_touch_another() {
    let mut throttle = Throttle::new(ACCOUNTS);
    let (from, now) = (ip("192.0.2.1"), Instant::now());
    for _ in 0..6 {
        let _refused_at_last = throttle.check(&ann(), from, now);
    }
    assert!(throttle.check(&ann(), from, now).is_err());
    assert_eq!(throttle.check(&user(1), from, now), Ok(()));
}

#[test]
fn one_address_has_thirty_attempts_over_all_accounts_in_ten_minutes() {
    let mut throttle = Throttle::new(RULES);
    let (from, now) = (ip("192.0.2.1"), Instant::now());
    let allowed = (0..100).filter(|&n| throttle.check(&user(n), from, now).is_ok()).count();
    assert_eq!(allowed, 30);
    assert_eq!(throttle.check(&ann(), from, now), Err(Duration::from_secs(20)));
    assert_eq!(throttle.check(&ann(), ip("192.0.2.2"), now), Ok(()));
    let later = now + Duration::from_secs(600);
    let allowed = (100..200).filter(|&n| throttle.check(&user(n), from, later).is_ok()).count();
    assert_eq!(allowed, 30);
}

#[test]
fn successful_logins_do_not_use_up_an_address() {
    let mut throttle = Throttle::new(RULES);
    let (from, now) = (ip("192.0.2.1"), Instant::now());
    for number in 0..100 {
        assert_eq!(throttle.check(&user(number), from, now), Ok(()));
        throttle.succeeded(&user(number), from, now);
    }
}

#[test]
fn an_account_is_not_counted_when_its_address_is_refused() {
    let rules = ThrottleRules { per_address: Rate::new(1, 0.0), ..RULES };
    let mut throttle = Throttle::new(rules);
    let now = Instant::now();
    assert_eq!(throttle.check(&user(1), ip("192.0.2.1"), now), Ok(()));
    for _ in 0..100 {
        assert!(throttle.check(&ann(), ip("192.0.2.1"), now).is_err());
    }
    assert_eq!(throttle.check(&ann(), ip("192.0.2.2"), now), Ok(()));
}

#[test]
fn an_account_has_a_clean_slate_after_a_day() {
    let mut throttle = Throttle::new(ACCOUNTS);
    let (who, from, mut now) = (ann(), ip("192.0.2.1"), Instant::now());
    for _ in 0..20 {
        if let Err(wait) = throttle.check(&who, from, now) {
            now += wait;
            throttle.check(&who, from, now).unwrap();
        }
    }
    now += FORGET_AFTER;
    let allowed = (0..100).filter(|_| throttle.check(&who, from, now).is_ok()).count();
    assert_eq!(allowed, 5);
}

#[test]
fn an_ipv6_network_counts_as_one_address_and_a_mapped_ipv4_address_as_itself() {
    let same = |a, b| assert_eq!(Network::of(ip(a)), Network::of(ip(b)), "{a} {b}");
    let other = |a, b| assert_ne!(Network::of(ip(a)), Network::of(ip(b)), "{a} {b}");
    same("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff");
    other("2001:db8::1", "2001:db8:0:1::1");
    same("::ffff:192.0.2.1", "192.0.2.1");
    other("192.0.2.1", "192.0.2.2");
}

#[test]
fn memory_stays_bounded_and_the_entry_unused_for_longest_leaves_first() {
    let mut map = Bounded::new();
    let start = Instant::now();
    for number in 0..ENTRIES {
        map.get_or(number, start + Duration::from_millis(number as u64), || number);
    }
    let later = start + Duration::from_secs(3_600);
    assert_eq!(map.get(&0, later), Some(&mut 0));
    map.get_or(ENTRIES, later, || ENTRIES);
    assert_eq!(map.entries.len(), ENTRIES);
    assert!(map.entries.contains_key(&0) && map.entries.contains_key(&ENTRIES));
    assert!(!map.entries.contains_key(&1));
}

#[test]
fn an_address_may_make_six_accounts_at_once_and_one_each_half_minute_after_that() {
    let throttle = AddressThrottle::new(Rate::new(6, 1.0 / 30.0));
    let (from, now) = (ip("2001:db8::1"), Instant::now());
    for _ in 0..6 {
        assert_eq!(throttle.take(from, now), Ok(()));
    }
    let neighbor = ip("2001:db8::2");
    assert_eq!(throttle.take(neighbor, now), Err(Duration::from_secs(30)));
    assert_eq!(throttle.take(neighbor, now + Duration::from_secs(30)), Ok(()));
    assert_eq!(throttle.take(ip("2001:db8:0:1::1"), now), Ok(()));
}

#[test]
fn a_line_with_many_networks_is_one_site() {
    let site = |address: &str| Network::of(address.parse().unwrap()).site();
    assert_eq!(site("2001:db8:1:2::3"), site("2001:db8:1:ffff::4"));
    assert_ne!(site("2001:db8:1:2::3"), site("2001:db8:2:2::3"));
    assert_eq!(site("192.0.2.1"), site("::ffff:192.0.2.1"));
    assert_ne!(site("192.0.2.1"), site("192.0.2.2"));
}
