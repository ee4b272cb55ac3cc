//! Who may try to log in, or to make an account, and when. Pure decisions that take the time as an
//! argument, and two small handles to share them. Sessions that come back with a token never pass here.
//!
//! An attempt is counted when it begins, not when it has failed: otherwise a thousand attempts at the
//! same moment would all find a clean slate.
//!
//! Failures are counted by account and place, so that nobody can make anybody wait who is somewhere else.
//! Beside that, all places together have a number of attempts that is bounded, or whoever has many addresses
//! could guess on and on. Where the owner has logged in before, only the first count holds.

use std::collections::HashMap;
use std::fmt;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use thrive_protocol::name::Username;

use crate::rate::{Bucket, Rate};

/// What the throttles allow.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ThrottleRules {
    /// Failures of one account from one place before it has to wait at all: people mistype.
    pub free_failures: u32,
    /// The longest wait of one account at one place. It never becomes a lock.
    pub longest_wait: Duration,
    /// Attempts of one address over all accounts. Successful ones are not counted.
    pub per_address: Rate,
}

/// The state of login attempts.
#[derive(Debug)]
pub struct Throttle {
    rules: ThrottleRules,
    /// By account and site.
    failures: Bounded<(Username, Network), Failures>,
    /// Attempts of each account from everywhere where its owner was not seen yet.
    accounts: Bounded<Username, Bucket>,
    /// Sites from which an account was logged in to.
    known: Bounded<(Username, Network), ()>,
    addresses: Bounded<Network, Bucket>,
}

/// Attempts since the last success, those in progress included.
#[derive(Clone, Copy, Debug)]
struct Failures {
    count: u32,
    last: Instant,
}

impl Throttle {
    #[must_use]
    pub fn new(rules: ThrottleRules) -> Self {
        Self {
            rules,
            failures: Bounded::new(),
            accounts: Bounded::new(),
            known: Bounded::new(),
            addresses: Bounded::new(),
        }
    }

    /// Begins an attempt, which must end in [`failed`](Self::failed), [`succeeded`](Self::succeeded)
    /// or [`undecided`](Self::undecided). One that never ends counts as failed.
    ///
    /// # Errors
    /// Not yet; the time to wait. Nothing is counted.
    pub fn check(&mut self, who: &Username, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let place = place(who, from);
        let failures = self
            .failures
            .get(&place, now)
            .filter(|it| now.saturating_duration_since(it.last) < FORGET_AFTER)
            .copied()
            .unwrap_or(Failures { count: 0, last: now });
        let allowed_at = failures.last + self.rules.wait_after(failures.count);
        if now < allowed_at {
            return Err(allowed_at - now);
        }
        let rate = self.rules.per_address;
        self.addresses.get_or(Network::of(from), now, || Bucket::full(rate)).take(now)?;
        if self.known.get(&place, now).is_none() {
            let rate = self.rules.all_places();
            let taken = self.accounts.get_or(who.clone(), now, || Bucket::full(rate)).take(now);
            taken.inspect_err(|_| self.give_back(from, now))?;
        }
        *self.failures.get_or(place, now, || failures) =
            Failures { count: failures.count.saturating_add(1), last: now };
        Ok(())
    }

    /// The password was wrong, or nobody has that name. The wait begins now.
    pub fn failed(&mut self, who: &Username, from: IpAddr, now: Instant) {
        if let Some(failures) = self.failures.get(&place(who, from), now) {
            failures.last = now;
        }
    }

    /// The password was right: the account starts afresh at this place, which is its owner's from now on,
    /// and the attempt does not count.
    pub fn succeeded(&mut self, who: &Username, from: IpAddr, now: Instant) {
        let place = place(who, from);
        self.failures.remove(&place);
        self.give_back_account(who, &place, now);
        self.known.get_or(place, now, || ());
        self.give_back(from, now);
    }

    /// We could not tell, through no fault of the caller; the attempt does not count.
    pub fn undecided(&mut self, who: &Username, from: IpAddr, now: Instant) {
        let place = place(who, from);
        if let Some(failures) = self.failures.get(&place, now) {
            failures.count = failures.count.saturating_sub(1);
        }
        self.give_back_account(who, &place, now);
        self.give_back(from, now);
    }

    /// Somebody has proven otherwise that the account is theirs, and it has another password: it starts
    /// afresh, and no other place is its owner's than this one.
    pub fn renewed(&mut self, who: &Username, from: IpAddr, now: Instant) {
        self.failures.forget(|(name, _)| name == who);
        self.known.forget(|(name, _)| name == who);
        self.accounts.remove(who);
        self.known.get_or(place(who, from), now, || ());
    }

    fn give_back_account(&mut self, who: &Username, place: &(Username, Network), now: Instant) {
        if self.known.get(place, now).is_none()
            && let Some(bucket) = self.accounts.get(who, now)
        {
            bucket.give_back();
        }
    }

    fn give_back(&mut self, from: IpAddr, now: Instant) {
        if let Some(bucket) = self.addresses.get(&Network::of(from), now) {
            bucket.give_back();
        }
    }
}

impl ThrottleRules {
    /// How long after the last of `failures` the next attempt may come: 1, 2, 4, … seconds.
    fn wait_after(&self, failures: u32) -> Duration {
        let Some(beyond) = failures.checked_sub(self.free_failures) else { return Duration::ZERO };
        let seconds = 1_u64.checked_shl(beyond).unwrap_or(u64::MAX);
        Duration::from_secs(seconds).min(self.longest_wait)
    }

    /// Attempts of one account from all places together. One place alone never uses it up: at its slowest it
    /// takes half of what comes back.
    fn all_places(&self) -> Rate {
        Rate::new(FROM_EVERYWHERE, 2.0 / self.longest_wait.as_secs_f64().max(1.0))
    }
}

/// Whose password is tried, and where: of IPv6 a whole site, since one line has many networks.
fn place(who: &Username, from: IpAddr) -> (Username, Network) {
    (who.clone(), Network::of(from).site())
}

/// As many failures in a row as one account may have at all, by NIST SP 800-63B, before they become slow.
const FROM_EVERYWHERE: u32 = 100;

/// Longer than anybody waits between two guesses of one session; after it an account has a clean slate.
const FORGET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// [`Throttle`], shared. A cheap handle.
#[derive(Clone, Debug)]
pub struct LoginThrottle(Arc<Mutex<Throttle>>);

impl LoginThrottle {
    #[must_use]
    pub fn new(rules: ThrottleRules) -> Self {
        Self(Arc::new(Mutex::new(Throttle::new(rules))))
    }

    /// See [`Throttle::check`].
    ///
    /// # Errors
    /// Not yet; the time to wait.
    pub fn check(&self, who: &Username, from: IpAddr, now: Instant) -> Result<(), Duration> {
        self.0.lock().check(who, from, now)
    }

    /// See [`Throttle::failed`].
    pub fn failed(&self, who: &Username, from: IpAddr, now: Instant) {
        self.0.lock().failed(who, from, now);
    }

    /// See [`Throttle::succeeded`].
    pub fn succeeded(&self, who: &Username, from: IpAddr, now: Instant) {
        self.0.lock().succeeded(who, from, now);
    }

    /// See [`Throttle::renewed`].
    pub fn renewed(&self, who: &Username, from: IpAddr, now: Instant) {
        self.0.lock().renewed(who, from, now);
    }

    /// See [`Throttle::undecided`].
    pub fn undecided(&self, who: &Username, from: IpAddr, now: Instant) {
        self.0.lock().undecided(who, from, now);
    }
}

/// What one address may ask for without an account: new accounts, mails, tries of codes. A cheap handle.
#[derive(Clone, Debug)]
pub struct AddressThrottle {
    rate: Rate,
    addresses: Arc<Mutex<Bounded<Network, Bucket>>>,
}

impl AddressThrottle {
    #[must_use]
    pub fn new(rate: Rate) -> Self {
        Self { rate, addresses: Arc::new(Mutex::new(Bounded::new())) }
    }

    /// Counts one request.
    ///
    /// # Errors
    /// Not yet; the time to wait.
    pub fn take(&self, from: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut addresses = self.addresses.lock();
        addresses.get_or(Network::of(from), now, || Bucket::full(self.rate)).take(now)
    }
}

/// What counts as one address: all of an IPv4 address, the first 64 bits of an IPv6 address, since
/// whoever has one of those has them all.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Network {
    V4(Ipv4Addr),
    V6(u64),
}

impl Network {
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6((u128::from(address) >> 64) as u64),
        }
    }

    /// The site that it belongs to: of IPv6 the first 48 bits, since one line or host often has that many
    /// networks.
    #[must_use]
    pub fn site(self) -> Self {
        match self {
            Self::V4(address) => Self::V4(address),
            Self::V6(bits) => Self::V6(bits & !0xffff),
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => address.fmt(formatter),
            Self::V6(bits) => {
                write!(formatter, "{}/64", Ipv6Addr::from_bits(u128::from(*bits) << 64))
            }
        }
    }
}

/// A map that forgets what was not used for longest when it is full.
///
/// Making room looks at every entry. That is some tens of microseconds, and whoever causes it has
/// just bought a password hash that costs a thousand times as much.
#[derive(Debug)]
struct Bounded<K, V> {
    entries: HashMap<K, (Instant, V)>,
}

impl<K: Clone + Eq + Hash, V> Bounded<K, V> {
    fn new() -> Self {
        Self { entries: HashMap::new() }
    }

    fn get(&mut self, key: &K, now: Instant) -> Option<&mut V> {
        let (used, value) = self.entries.get_mut(key)?;
        *used = now;
        Some(value)
    }

    fn get_or(&mut self, key: K, now: Instant, new: impl FnOnce() -> V) -> &mut V {
        if self.entries.len() == ENTRIES && !self.entries.contains_key(&key) {
            let oldest = self.entries.iter().min_by_key(|(_, (used, _))| *used);
            if let Some(oldest) = oldest.map(|(key, _)| key.clone()) {
                self.entries.remove(&oldest);
            }
        }
        let (used, value) = self.entries.entry(key).or_insert_with(|| (now, new()));
        *used = now;
        value
    }

    fn remove(&mut self, key: &K) {
        self.entries.remove(key);
    }

    fn forget(&mut self, which: impl Fn(&K) -> bool) {
        self.entries.retain(|key, _| !which(key));
    }
}

/// About 1 MiB for each map, and more addresses than attack a server of this size at a time.
const ENTRIES: usize = 8_192;

#[cfg(test)]
mod tests;
