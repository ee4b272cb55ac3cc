//! When to try the next connection. Pure: time and chance are arguments.
//!
//! Full jitter keeps ten thousand clients of a server that came back from knocking together.

use std::time::{Duration, Instant};

/// The first delay is somewhere below this.
const BASE: Duration = Duration::from_millis(250);
/// No delay is longer.
const CAP: Duration = Duration::from_secs(20);
/// After so long without a loss the count starts again.
const HEALTHY: Duration = Duration::from_secs(60);
/// No hint of a server holds this device back for longer.
const HINT: Duration = Duration::from_secs(60);
/// How far the clients of a node that asked them to leave, or that was killed, spread themselves.
const PROMPT: Duration = Duration::from_millis(500);
/// A connection that held for so long was a real one.
const STEADY: Duration = Duration::from_secs(5);
/// Bounds of the wait after a node that takes no new connections: the next one asked may.
const REFUSED: [Duration; 2] = [Duration::from_millis(50), Duration::from_millis(500)];

/// Why there is no connection any more.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Loss {
    /// The node said that another one, or itself in a moment, will answer.
    Prompt,
    /// Silence, or a fault on the way.
    Fault,
}

/// How long to wait after "not now": what the server said, within reason, or `otherwise`.
pub(crate) fn hinted(retry_after_ms: Option<u64>, otherwise: Duration) -> Duration {
    retry_after_ms.map_or(otherwise, |hint| Duration::from_millis(hint).min(HINT))
}

/// How far the clients that a node sends away spread themselves, when there is so much time for it.
pub(crate) fn spread(deadline: Duration, chance: f64) -> Duration {
    PROMPT.min(deadline / 2).mul_f64(chance.clamp(0.0, 1.0))
}

/// How long to wait after a node that takes no new connections.
pub(crate) fn refused(chance: f64) -> Duration {
    let [shortest, longest] = REFUSED;
    shortest + (longest - shortest).mul_f64(chance.clamp(0.0, 1.0))
}

#[derive(Debug, Default)]
pub struct Backoff {
    failures: u32,
    up_since: Option<Instant>,
}

impl Backoff {
    /// Failed attempts and losses since things were last healthy.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    pub fn connected(&mut self, now: Instant) {
        self.up_since = Some(now);
    }

    /// An attempt failed: how long to wait. `chance` is from 0 to 1.
    pub fn failed(&mut self, chance: f64) -> Duration {
        let ceiling = BASE.saturating_mul(1 << self.failures.min(10)).min(CAP);
        self.failures = self.failures.saturating_add(1);
        ceiling.mul_f64(chance.clamp(0.0, 1.0))
    }

    /// The connection is gone: how long to wait before the first attempt.
    pub fn lost(&mut self, now: Instant, loss: Loss, chance: f64) -> Duration {
        let up = self.up_since.take().map_or(Duration::ZERO, |since| now - since);
        if HEALTHY <= up {
            self.failures = 0;
        }
        // Not twice in a row: a node that resets everybody at once must not be asked in a tight loop.
        if loss == Loss::Prompt && (self.failures == 0 || STEADY <= up) {
            self.failures = self.failures.max(1);
            return spread(Duration::MAX, chance);
        }
        self.failed(chance)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_up_to_the_cap_and_chance_takes_any_part_of_them() {
        let mut backoff = Backoff::default();
        let ceilings: Vec<_> = (0..9).map(|_| backoff.failed(1.0).as_millis()).collect();
        assert_eq!(ceilings, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 20_000, 20_000]);
        assert_eq!(backoff.failed(0.0), Duration::ZERO);
        assert_eq!(backoff.failed(0.5), Duration::from_secs(10));
    }

    #[test]
    fn a_hint_is_followed_but_not_for_years() {
        let otherwise = Duration::from_secs(2);
        assert_eq!(hinted(None, otherwise), otherwise);
        assert_eq!(hinted(Some(700), otherwise), Duration::from_millis(700));
        assert_eq!(hinted(Some(u64::MAX), otherwise), HINT);
    }

    #[test]
    fn only_a_minute_of_health_starts_the_count_again() {
        let start = Instant::now();
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.failed(1.0);
        }
        backoff.connected(start);
        assert_eq!(backoff.lost(start + Duration::from_secs(59), Loss::Fault, 1.0).as_secs(), 8);
        backoff.connected(start);
        let after_health = backoff.lost(start + Duration::from_secs(60), Loss::Fault, 1.0);
        assert_eq!(after_health, BASE);
    }

    #[test]
    fn being_sent_away_is_answered_within_half_a_second_but_not_twice_in_a_row() {
        let start = Instant::now();
        let mut backoff = Backoff::default();
        backoff.connected(start);
        assert_eq!(backoff.lost(start, Loss::Prompt, 1.0), PROMPT);
        backoff.connected(start);
        assert_eq!(backoff.lost(start, Loss::Prompt, 1.0), Duration::from_millis(500));
        backoff.connected(start);
        assert_eq!(backoff.lost(start, Loss::Prompt, 1.0), Duration::from_secs(1));
    }

    #[test]
    fn a_reset_after_a_few_good_seconds_is_answered_at_once_whatever_was_before() {
        let start = Instant::now();
        let mut backoff = Backoff::default();
        for _ in 0..6 {
            backoff.failed(1.0);
        }
        backoff.connected(start);
        assert_eq!(backoff.lost(start + STEADY, Loss::Prompt, 1.0), PROMPT);
        backoff.connected(start);
        assert!(PROMPT < backoff.lost(start + STEADY / 2, Loss::Prompt, 1.0));
        backoff.connected(start);
        assert!(PROMPT < backoff.lost(start + STEADY, Loss::Fault, 1.0));
    }

    #[test]
    fn whoever_is_refused_comes_back_within_half_a_second_and_never_at_once() {
        assert_eq!(refused(0.0), Duration::from_millis(50));
        assert_eq!(refused(1.0), Duration::from_millis(500));
    }

    #[test]
    fn those_who_are_sent_away_use_at_most_half_of_the_time_they_have() {
        assert_eq!(spread(Duration::from_secs(10), 1.0), PROMPT);
        assert_eq!(spread(Duration::from_millis(200), 1.0), Duration::from_millis(100));
        assert_eq!(spread(Duration::ZERO, 1.0), Duration::ZERO);
    }
}
