//! Times in the words of the person's own place. Always absolute: "2 minutes ago" would change under
//! a screen reader, which would read it again.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

fn local(time_ms: i64, zone: &TimeZone) -> Zoned {
    // A time outside of what the calendar knows is shown as the beginning of time, not as a crash.
    Timestamp::from_millisecond(time_ms).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
}

/// `3:04 PM` on the day `now` is in, else `November 19, 3:04 PM`, else with the year.
#[must_use]
pub fn of_message(time_ms: i64, now_ms: i64, zone: &TimeZone) -> String {
    let (time, now) = (local(time_ms, zone), local(now_ms, zone));
    let form = if time.date() == now.date() {
        "%-I:%M %p"
    } else if time.year() == now.year() {
        "%B %-d, %-I:%M %p"
    } else {
        "%B %-d, %Y, %-I:%M %p"
    };
    time.strftime(form).to_string()
}

#[must_use]
pub fn day(time_ms: i64, zone: &TimeZone) -> Date {
    local(time_ms, zone).date()
}

/// The day and the time for a log: `2026-11-20` and `3:04:05 PM`.
#[must_use]
pub fn of_log(time_ms: i64, zone: &TimeZone) -> (String, String) {
    let time = local(time_ms, zone);
    (time.strftime("%Y-%m-%d").to_string(), time.strftime("%-I:%M:%S %p").to_string())
}

#[must_use]
pub fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_further_away_the_more_is_said() {
        let zone = TimeZone::UTC;
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_millisecond();
        let now = at("2026-11-20T20:00:00Z");
        let check = |time, expected: &str| assert_eq!(of_message(at(time), now, &zone), expected);
        check("2026-11-20T15:04:00Z", "3:04 PM");
        check("2026-11-19T00:04:00Z", "November 19, 12:04 AM");
        check("2025-11-19T09:30:00Z", "November 19, 2025, 9:30 AM");
    }
}
