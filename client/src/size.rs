//! How large something is, in the words of people: the same in the window and on the command line. Pure.

/// Decimal units, at most one digit behind the point, and never a zero there: "240 kB", "1.5 GB". What is
/// left over is dropped, so that a limit never promises more than is taken.
#[must_use]
pub fn size_in_words(bytes: u64) -> String {
    if bytes < 1_000 {
        return if bytes == 1 { "1 byte".to_owned() } else { format!("{bytes} bytes") };
    }
    let (mut unit, mut name) = (1_000, UNITS[0]);
    for next in &UNITS[1..] {
        if bytes / unit < 1_000 {
            break;
        }
        (unit, name) = (unit * 1_000, next);
    }
    let (whole, tenths) = (bytes / unit, bytes % unit / (unit / 10));
    if tenths == 0 { format!("{whole} {name}") } else { format!("{whole}.{tenths} {name}") }
}

const UNITS: [&str; 4] = ["kB", "MB", "GB", "TB"];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_size_has_a_unit_and_at_most_one_digit_behind_the_point() {
        let table = [
            (0, "0 bytes"),
            (1, "1 byte"),
            (999, "999 bytes"),
            (1_000, "1 kB"),
            (1_099, "1 kB"),
            (1_500, "1.5 kB"),
            (240_000, "240 kB"),
            (999_999, "999.9 kB"),
            (1_000_000, "1 MB"),
            (2_100_000, "2.1 MB"),
            (20_971_520, "20.9 MB"),
            (100_000_000, "100 MB"),
            (1_500_000_000, "1.5 GB"),
            (2_000_000_000_000, "2 TB"),
            (u64::MAX, "18446744 TB"),
        ];
        for (bytes, expected) in table {
            assert_eq!(size_in_words(bytes), expected, "{bytes}");
        }
    }
}
