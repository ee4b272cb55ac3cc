//! A clock of one process that can be set while it runs.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;

/// Where Debian puts it; `cargo xtask test` installs it.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// The clock of whoever is started with its [environment](Self::environment). What measures durations
/// goes on truly, as it does when people set a clock.
pub struct WrongClock {
    folder: TempDir,
}

impl WrongClock {
    /// It is right at first.
    ///
    /// # Errors
    /// libfaketime is not installed.
    pub fn new() -> Result<Self> {
        ensure!(Path::new(LIBRARY).exists(), "libfaketime is missing: apt-get install libfaketime");
        let folder = tempfile::Builder::new().prefix("thrive-clock-").tempdir()?;
        let clock = Self { folder };
        clock.set(0)?;
        Ok(clock)
    }

    /// What the process must have in its environment.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 4] {
        [
            ("LD_PRELOAD", LIBRARY.to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.folder.path().join("clock").display().to_string()),
            ("FAKETIME_NO_CACHE", "1".to_owned()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".to_owned()),
        ]
    }

    /// So many seconds ahead of the right time, or behind it.
    ///
    /// # Errors
    /// The disk failed.
    pub fn set(&self, seconds: i64) -> Result<()> {
        let next = self.folder.path().join("next");
        fs::write(&next, format!("{seconds:+}")).context("write a clock")?;
        // In one step, so that the library never reads half of it.
        fs::rename(&next, self.folder.path().join("clock")).context("set a clock")
    }
}
