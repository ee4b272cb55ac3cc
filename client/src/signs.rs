//! Whether a connection still lives, by the signs that it gives. Pure.

use std::time::{Duration, Instant};

/// An open request and a node that says nothing for so long: the path is taken for dead.
pub(crate) const PATIENCE: Duration = Duration::from_secs(5);
/// An open request and a node that says nothing for so long: it is asked for a sign of life. Whoever waits
/// for a database can still give one.
const ASKED: Duration = Duration::from_secs(2);
/// A request that is open for so long has been forgotten, whatever else is heard.
const HOPELESS: Duration = Duration::from_secs(15);
/// An open request and a path without a single datagram for so long, and for a few times its delay: QUIC
/// acknowledges within a fraction of it, also when the node is too busy to answer.
const SILENCE: Duration = Duration::from_secs(1);

/// The signs of life of one connection.
#[derive(Clone, Copy)]
pub struct Signs {
    /// When it was made, if that was done because another one was doubted.
    pub doubted: Option<Instant>,
    /// When a frame arrived last.
    pub heard: Instant,
    /// When a datagram was last found to have arrived.
    pub stirred: Instant,
    /// What a round trip takes.
    pub delay: Duration,
}

impl Signs {
    /// When to ask for a sign of life unless something is heard before, while a request that was made at
    /// `oldest` is open.
    pub fn ask_at(self, oldest: Instant) -> Instant {
        oldest.max(self.heard) + ASKED
    }

    /// When the path is to be taken for dead unless something happens before, while a request that was
    /// made at `oldest` is open.
    pub fn doubt_at(self, oldest: Instant) -> Instant {
        let answer = (oldest.max(self.heard) + PATIENCE).min(oldest + HOPELESS);
        // A connection that has only just been made instead of a silent one is not doubted so soon: on a
        // slow path, handshakes upon handshakes would take what is left of it.
        if self.doubted.is_some_and(|since| oldest < since + PATIENCE) {
            return answer;
        }
        answer.min(oldest.max(self.stirred) + SILENCE + self.delay.saturating_mul(3))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When a request of second 100 is doubted, on a connection of which all this is known.
    fn doubted(since: Option<u64>, heard: u64, stirred: u64, delay_ms: u64) -> u128 {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let delay = Duration::from_millis(delay_ms);
        let (heard, stirred) = (at(heard), at(stirred));
        let signs = Signs { doubted: since.map(at), heard, stirred, delay };
        (signs.doubt_at(at(100)) - at(100)).as_millis()
    }

    #[test]
    fn a_path_without_any_datagram_is_doubted_after_a_second_and_a_few_round_trips() {
        assert_eq!(doubted(None, 90, 90, 0), 1_000);
        assert_eq!(doubted(None, 90, 90, 100), 1_300);
        assert_eq!(doubted(None, 90, 102, 100), 3_300);
    }

    #[test]
    fn a_node_that_does_not_answer_is_asked_for_a_sign_of_life_before_it_is_doubted() {
        let start = Instant::now();
        let at = |second| start + Duration::from_secs(second);
        let check = |heard, asked| {
            let signs =
                Signs { doubted: None, heard: at(heard), stirred: at(200), delay: Duration::ZERO };
            assert_eq!(signs.ask_at(at(100)), at(asked), "heard at {heard}");
            assert!(signs.ask_at(at(100)) < signs.doubt_at(at(100)));
        };
        check(90, 102);
        check(104, 106);
    }

    #[test]
    fn a_node_that_acknowledges_and_does_not_answer_is_doubted_after_five_seconds() {
        assert_eq!(doubted(None, 90, 105, 0), 5_000);
        assert_eq!(doubted(None, 103, 103, 600), 5_800);
        assert_eq!(doubted(None, 90, 90, 5_000), 5_000);
    }

    #[test]
    fn a_request_that_is_forgotten_is_doubted_after_fifteen_seconds_whatever_else_is_heard() {
        assert_eq!(doubted(None, 114, 115, 0), 15_000);
    }

    #[test]
    fn a_connection_that_is_there_instead_of_a_silent_one_has_five_seconds_at_first() {
        assert_eq!(doubted(Some(96), 96, 96, 0), 5_000);
        assert_eq!(doubted(Some(95), 95, 95, 0), 1_000);
        assert_eq!(doubted(None, 99, 99, 0), 1_000);
    }
}
