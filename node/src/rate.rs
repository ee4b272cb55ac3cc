//! Token buckets: how often somebody may do something. Pure; the time comes from the caller.

use std::time::{Duration, Instant};

/// So many at once, and so many each second after that.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub burst: u32,
    pub per_second: f64,
}

impl Rate {
    #[must_use]
    pub const fn new(burst: u32, per_second: f64) -> Self {
        Self { burst, per_second }
    }

    /// What either allows.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self {
            burst: self.burst.max(other.burst),
            per_second: self.per_second.max(other.per_second),
        }
    }
}

/// What is left of a [`Rate`]. It begins full.
#[derive(Clone, Copy, Debug)]
pub struct Bucket {
    rate: Rate,
    tokens: f64,
    /// When `tokens` was right; `None` until the first use.
    at: Option<Instant>,
}

impl Bucket {
    #[must_use]
    pub fn full(rate: Rate) -> Self {
        Self { rate, tokens: f64::from(rate.burst), at: None }
    }

    /// Takes one token. A refusal takes nothing, so asking too often does not make the wait longer.
    ///
    /// # Errors
    /// The bucket is empty; the time until it holds a token again.
    pub fn take(&mut self, now: Instant) -> Result<(), Duration> {
        self.refill(now);
        if 1.0 <= self.tokens + ROUNDING {
            self.tokens = (self.tokens - 1.0).max(0.0);
            return Ok(());
        }
        // Rounded up to a whole millisecond, so that whoever waits exactly that long is let in.
        let millis = ((1.0 - self.tokens) / self.rate.per_second * 1_000.0).ceil();
        Err(Duration::from_millis(if millis.is_finite() { millis as u64 } else { NEVER_MILLIS }))
    }

    /// Gives one token back: what was taken has turned out not to count.
    pub fn give_back(&mut self) {
        self.tokens = (self.tokens + 1.0).min(f64::from(self.rate.burst));
    }

    /// Whether forgetting this bucket changes nothing.
    pub fn is_full(&mut self, now: Instant) -> bool {
        self.refill(now);
        f64::from(self.rate.burst) <= self.tokens
    }

    fn refill(&mut self, now: Instant) {
        // A clock that reads earlier than before adds nothing and takes nothing.
        let passed = self.at.map_or(Duration::ZERO, |at| now.saturating_duration_since(at));
        let filled = passed.as_secs_f64().mul_add(self.rate.per_second, self.tokens);
        self.tokens = filled.min(f64::from(self.rate.burst));
        self.at = Some(self.at.map_or(now, |at| at.max(now)));
    }
}

/// Less than any wait is worth: sums of small fractions end a little below the whole.
const ROUNDING: f64 = 1e-6;
/// The wait that is named when a rate allows nothing at all.
const NEVER_MILLIS: u64 = 24 * 60 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_each_interval() {
        let start = Instant::now();
        let mut bucket = Bucket::full(Rate::new(3, 2.0));
        for _ in 0..3 {
            assert_eq!(bucket.take(start), Ok(()));
        }
        assert_eq!(bucket.take(start), Err(Duration::from_millis(500)));
        assert_eq!(bucket.take(start + Duration::from_millis(500)), Ok(()));
        assert!(bucket.take(start + Duration::from_millis(500)).is_err());
    }

    #[test]
    fn waiting_as_long_as_told_is_always_enough() {
        for per_second in [0.033, 0.3, 1.0, 7.0, 13.3] {
            let mut now = Instant::now();
            let mut bucket = Bucket::full(Rate::new(1, per_second));
            for _ in 0..50 {
                if let Err(wait) = bucket.take(now) {
                    now += wait;
                    assert_eq!(bucket.take(now), Ok(()), "{per_second}");
                }
            }
        }
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let start = Instant::now();
        let mut bucket = Bucket::full(Rate::new(2, 100.0));
        assert_eq!(bucket.take(start), Ok(()));
        let later = start + Duration::from_secs(3_600);
        bucket.give_back();
        bucket.give_back();
        assert_eq!(bucket.take(later), Ok(()));
        assert_eq!(bucket.take(later), Ok(()));
        assert!(bucket.take(later).is_err());
    }

    #[test]
    fn a_clock_that_goes_back_gives_no_tokens_twice() {
        let start = Instant::now() + Duration::from_secs(10);
        let mut bucket = Bucket::full(Rate::new(1, 1.0));
        assert_eq!(bucket.take(start), Ok(()));
        assert!(bucket.take(start - Duration::from_secs(5)).is_err());
        assert!(bucket.take(start).is_err());
        assert_eq!(bucket.take(start + Duration::from_secs(1)), Ok(()));
    }

    #[test]
    fn a_rate_of_zero_after_the_burst_names_a_finite_wait() {
        let now = Instant::now();
        let mut bucket = Bucket::full(Rate::new(1, 0.0));
        assert_eq!(bucket.take(now), Ok(()));
        assert_eq!(bucket.take(now), Err(Duration::from_secs(24 * 60 * 60)));
    }
}
