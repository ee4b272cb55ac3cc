//! Days and durations as admins write them. UTC everywhere; arithmetic, no clock.

use super::Until;
use crate::ids::Time;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Why a word is no end of anything.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidEnd {
    #[error("this day is not in the calendar: write MM/DD/YYYY or YYYY-MM-DD")]
    NoSuchDay,
    #[error("this duration is too long: write a date, or 12/31/9999 for ever")]
    TooLong,
}

/// Reads `MM/DD/YYYY`, `YYYY-MM-DD`, `30m`, `12h`, `3d`, `2w` or `forever`. A day lasts to its end.
/// `None`: it does not look like any of these.
#[must_use]
pub fn end(word: &str) -> Option<Result<Until, InvalidEnd>> {
    if word.eq_ignore_ascii_case("forever") {
        return Some(Ok(Until::Forever {}));
    }
    let looks_like = |mark: char| {
        let digits = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
        2 <= word.matches(mark).count() && word.split(mark).all(digits)
    };
    if looks_like('/') {
        return Some(day(word.split('/'), [2, 0, 1]));
    }
    if looks_like('-') {
        return Some(day(word.split('-'), [0, 1, 2]));
    }
    let unit = word.chars().next_back()?;
    let seconds = match unit.to_ascii_lowercase() {
        'm' => 60,
        'h' => 60 * 60,
        'd' => 24 * 60 * 60,
        'w' => 7 * 24 * 60 * 60,
        _ => return None,
    };
    let number = &word[..word.len() - 1];
    if number.is_empty() || !number.bytes().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let total = number.parse::<u64>().ok().and_then(|it| it.checked_mul(seconds));
    Some(match total {
        Some(total) if total <= LONGEST => Ok(Until::ForSeconds(total)),
        Some(_) | None => Err(InvalidEnd::TooLong),
    })
}

/// A hundred years.
const LONGEST: u64 = 100 * 366 * 24 * 60 * 60;

/// `order`: where year, month and day are.
fn day<'a>(parts: impl Iterator<Item = &'a str>, order: [usize; 3]) -> Result<Until, InvalidEnd> {
    // A part that is no number, such as an empty or an endless one, makes it no day.
    let numbers: Vec<i64> = parts.map(str::parse).collect::<Result<_, _>>().unwrap_or_default();
    let [year, month, day] = order.map(|at| numbers.get(at).copied().unwrap_or(0));
    let in_calendar = numbers.len() == 3
        && (1970..=9999).contains(&year)
        && (1..=12).contains(&month)
        && (1..=days_of(year, month)).contains(&day);
    match (year, month, day) {
        _ if !in_calendar => Err(InvalidEnd::NoSuchDay),
        (9999, 12, 31) => Ok(Until::Forever {}),
        _ => Ok(Until::At(Time((days_from_epoch(year, month, day) + 1) * DAY_MS - 1))),
    }
}

fn days_of(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Days since 1970-01-01. Years are counted from March, so that the leap day is the last of its year.
fn days_from_epoch(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let month = (month + 9) % 12;
    365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + day - 1 - 719_468
}

/// A time for people, in UTC and to the minute: `2026-12-24 23:59 UTC`.
#[must_use]
pub fn shown(time: Time) -> String {
    let days = time.0.div_euclid(DAY_MS);
    let minutes = time.0.rem_euclid(DAY_MS) / 60_000;
    // The inverse of `days_from_epoch`, over cycles of 400 years.
    let shifted = days + 719_468;
    let cycle = shifted.div_euclid(146_097);
    let of_cycle = shifted.rem_euclid(146_097);
    let of_years =
        (of_cycle - of_cycle / 1_460 + of_cycle / 36_524 - of_cycle / 146_096).div_euclid(365);
    let of_year = of_cycle - (365 * of_years + of_years / 4 - of_years / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = cycle * 400 + of_years + i64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {:02}:{:02} UTC", minutes / 60, minutes % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_lasts_to_its_end_however_it_is_written() {
        // 2026-12-25T00:00:00Z is 1 798 156 800 000.
        let end_of_the_24th = Ok(Until::At(Time(1_798_156_799_999)));
        for word in ["12/24/2026", "2026-12-24"] {
            assert_eq!(end(word), Some(end_of_the_24th), "{word}");
        }
        assert_eq!(end("02/29/2028").map(|it| it.is_ok()), Some(true));
        assert_eq!(end("1970-01-01"), Some(Ok(Until::At(Time(86_399_999)))));
        for word in ["12/31/9999", "9999-12-31", "forever"] {
            assert_eq!(end(word), Some(Ok(Until::Forever {})), "{word}");
        }
    }

    #[test]
    fn durations_are_minutes_hours_days_and_weeks() {
        for (word, seconds) in
            [("30m", 1_800), ("12h", 43_200), ("3d", 259_200), ("2W", 1_209_600), ("0d", 0)]
        {
            assert_eq!(end(word), Some(Ok(Until::ForSeconds(seconds))), "{word}");
        }
    }

    #[test]
    fn a_bad_day_is_told_from_a_word_that_is_none() {
        for word in
            ["13/45/2027", "02/29/2027", "2027-00-10", "2027-4-31", "1/2/3/2027", "//", "1-2-3"]
        {
            assert_eq!(end(word), Some(Err(InvalidEnd::NoSuchDay)), "{word}");
        }
        for word in ["2026-12-24-", "12/24/2026/", "2026-12-24-99999999999999999999"] {
            assert_eq!(end(word), Some(Err(InvalidEnd::NoSuchDay)), "{word}");
        }
        for word in ["99999999999999999999d", "9999999w"] {
            assert_eq!(end(word), Some(Err(InvalidEnd::TooLong)), "{word}");
        }
        for word in ["", "spam", "d", "3", "3x", "-3d", "a/b/c", "semi-pro-spam", "10-4", "3é"] {
            assert_eq!(end(word), None, "{word}");
        }
    }

    #[test]
    fn a_time_is_shown_in_utc() {
        for (time, words) in [
            (0, "1970-01-01 00:00 UTC"),
            (1_798_156_799_999, "2026-12-24 23:59 UTC"),
            (1_835_395_200_000, "2028-02-29 00:00 UTC"),
            (-1, "1969-12-31 23:59 UTC"),
            (253_402_300_799_999, "9999-12-31 23:59 UTC"),
        ] {
            assert_eq!(shown(Time(time)), words);
        }
        for day in 0..150_000 {
            let noon = Time(day * DAY_MS + DAY_MS / 2);
            let word = shown(noon)[..10].to_owned();
            if let Some(Ok(Until::At(until))) = end(&word) {
                assert_eq!(until.0, (day + 1) * DAY_MS - 1, "{word}");
            } else {
                panic!("{word} is a day");
            }
        }
    }
}
