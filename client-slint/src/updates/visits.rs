//! When the feed was looked at last, and the newest version that was ever seen there: once a day is
//! enough, and what was seen cannot be taken back.

use std::fs;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::Version;

#[derive(Default, Deserialize, Serialize)]
#[serde(default)]
struct Visits {
    /// Milliseconds since 1970.
    looked_ms: i64,
    highest: String,
}

/// Whether it is time to look again. Keeps that it was looked now.
#[must_use]
pub fn due(dir: &Path, now_ms: i64) -> bool {
    let visits = load(dir);
    // A clock that was set back would otherwise keep it from looking for years.
    let rested = now_ms.checked_sub(visits.looked_ms).is_none_or(|it| !(0..DAY_MS).contains(&it));
    if rested {
        save(dir, &Visits { looked_ms: now_ms, ..visits });
    }
    rested
}

/// The newest version that was ever seen.
#[must_use]
pub fn highest(dir: &Path) -> Version {
    Version::parse(&load(dir).highest).unwrap_or_default()
}

pub fn saw(dir: &Path, version: Version) {
    let visits = load(dir);
    if Version::parse(&visits.highest).is_none_or(|highest| highest < version) {
        save(dir, &Visits { highest: version.to_string(), ..visits });
    }
}

fn load(dir: &Path) -> Visits {
    let text = fs::read_to_string(file(dir)).unwrap_or_default();
    toml::from_str(&text).unwrap_or_default()
}

/// Whole or not at all. Without it, one looks more often.
fn save(dir: &Path, visits: &Visits) {
    let half = file(dir).with_extension("toml.new");
    let written = toml::to_string(visits)
        .map_err(std::io::Error::other)
        .and_then(|text| fs::write(&half, text))
        .and_then(|()| fs::rename(&half, file(dir)));
    if let Err(error) = written {
        tracing::warn!(%error, "It is not kept when a newer version was looked for");
    }
}

fn file(dir: &Path) -> PathBuf {
    dir.join("update-visits.toml")
}

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn once_a_day_is_enough_and_a_clock_that_goes_back_does_no_harm() {
        let dir = tempfile::tempdir().unwrap();
        let now = 1_800_000_000_000;
        assert!(due(dir.path(), now));
        assert!(!due(dir.path(), now + 1));
        assert!(!due(dir.path(), now + DAY_MS - 1));
        assert!(due(dir.path(), now + DAY_MS));
        assert!(due(dir.path(), now - DAY_MS));
    }

    #[test]
    fn the_newest_version_that_was_seen_stays() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(highest(dir.path()), Version::default());
        let version = |text| Version::parse(text).unwrap();
        saw(dir.path(), version("0.10.0"));
        saw(dir.path(), version("0.9.0"));
        assert!(!due(dir.path(), 0) || highest(dir.path()) == version("0.10.0"));
        assert_eq!(highest(dir.path()), version("0.10.0"));
    }
}
