//! New ids. They are made here and not by the database, so that both engines give the same kind.

use thrive_protocol::ids::Time;

use crate::random;

/// 2026-01-01T00:00:00Z, before the first account.
const START_MS: i64 = 1_767_225_600_000;
const RANDOM_BITS: u32 = 21;
const TIME_BITS: u32 = 42;

/// A positive id that sorts by the time of its making: 42 bits of milliseconds since 2026, then 21
/// random bits. Two may collide within one millisecond: the primary key tells, and whoever creates
/// tries again.
#[must_use]
pub fn fresh_id(now: Time) -> i64 {
    id_of(now, u32::from_be_bytes(random::bytes()))
}

/// The first id that may be made at that time.
#[must_use]
pub fn first_id(at: Time) -> i64 {
    id_of(at, 0)
}

fn id_of(now: Time, random: u32) -> i64 {
    let millis = (now.0 - START_MS).clamp(1, (1 << TIME_BITS) - 1);
    millis << RANDOM_BITS | i64::from(random >> (u32::BITS - RANDOM_BITS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_positive_and_sort_by_time_whatever_the_clock_says() {
        let late = Time(START_MS + (1 << TIME_BITS) - 1);
        assert!(id_of(Time(START_MS + 5), u32::MAX) < id_of(Time(START_MS + 6), 0));
        assert!(0 < id_of(Time(0), 0));
        assert_eq!(id_of(late, u32::MAX), i64::MAX);
        assert_eq!(id_of(Time(i64::MAX / 2), u32::MAX), i64::MAX);
    }
}
