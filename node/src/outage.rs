//! Says a lasting failure twice and not a thousand times: when it begins, and when it is over. Takes the
//! time as an argument.

use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// One thing that may fail again and again, whoever does it.
#[derive(Debug, Default)]
pub struct Outage {
    /// Guards two fields for a line.
    failing: Mutex<Option<Failing>>,
}

#[derive(Debug)]
struct Failing {
    count: u64,
    last: Instant,
}

/// Nothing may fail for so long before it counts as over: where every other attempt fails, not every
/// other attempt is a line.
const QUIET: Duration = Duration::from_secs(1);

impl Outage {
    /// It failed. Says whether that is news.
    pub fn failed(&self, now: Instant) -> bool {
        let mut guard = self.failing.lock();
        let failing = guard.get_or_insert(Failing { count: 0, last: now });
        failing.count += 1;
        failing.last = now;
        failing.count == 1
    }

    /// It worked. Says how often it failed, if it is over now.
    pub fn worked(&self, now: Instant) -> Option<u64> {
        let mut guard = self.failing.lock();
        let over = guard.take_if(|failing| failing.last + QUIET <= now);
        over.map(|failing| failing.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_first_failure_and_the_end_are_news() {
        let (outage, start) = (Outage::default(), Instant::now());
        assert_eq!(outage.worked(start), None);
        assert!(outage.failed(start));
        assert!(!outage.failed(start + QUIET));
        assert_eq!(outage.worked(start + QUIET), None, "others still fail");
        assert!(!outage.failed(start + QUIET));
        assert_eq!(outage.worked(start + 2 * QUIET), Some(3));
        assert_eq!(outage.worked(start + 3 * QUIET), None);
        assert!(outage.failed(start + 3 * QUIET));
    }
}
