//! What happens when. Of two things of the same moment the one that was planned first comes first.

use std::collections::BTreeMap;
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Agenda<E> {
    now: Duration,
    count: u64,
    /// Boxed, because they are moved about a lot on their way to the front.
    planned: BTreeMap<(Duration, u64), Box<E>>,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { now: Duration::ZERO, count: 0, planned: BTreeMap::new() }
    }
}

impl<E> Agenda<E> {
    pub(super) fn now(&self) -> Duration {
        self.now
    }

    pub(super) fn at(&mut self, at: Duration, event: E) {
        self.count += 1;
        self.planned.insert((at.max(self.now), self.count), Box::new(event));
    }

    pub(super) fn after(&mut self, wait: Duration, event: E) {
        self.at(self.now + wait, event);
    }

    /// The next event before `end`; the time is its time from now on.
    pub(super) fn next(&mut self, end: Duration) -> Option<E> {
        let first = self.planned.first_entry().filter(|first| first.key().0 < end)?;
        self.now = first.key().0;
        Some(*first.remove())
    }
}
