//! What the environment says about services for tests. Nothing else here reads it.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::path::PathBuf;

/// The URL of a Postgres whose user may make databases.
pub const POSTGRES: &str = "THRIVE_TEST_POSTGRES";
/// The URL of a Redis.
pub const REDIS: &str = "THRIVE_TEST_REDIS";

pub(crate) fn postgres() -> Option<String> {
    std::env::var(POSTGRES).ok().filter(|url| !url.is_empty())
}

pub(crate) fn redis() -> Option<String> {
    std::env::var(REDIS).ok().filter(|url| !url.is_empty())
}

/// The folders of the PATH.
pub(crate) fn path() -> Vec<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default();
    std::env::split_paths(&path).collect()
}
