//! Where our programs are, as the build that made this test left them.

use std::env;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};

/// The program `name` of the same build: `target/<profile>/<name>`.
///
/// # Errors
/// It has not been built.
pub fn bin(name: &str) -> Result<PathBuf> {
    let folder = folder()?;
    let profile = if is_test(&folder) { folder.parent() } else { Some(folder.as_path()) };
    let path = profile.context("a build has a folder")?.join(name);
    ensure!(path.exists(), "{} is missing: cargo build --bin {name}", path.display());
    Ok(path)
}

/// Whether this process is a test, whose output is shown only when it has failed.
#[must_use]
pub fn in_test() -> bool {
    folder().is_ok_and(|folder| is_test(&folder))
}

/// Tests lie one folder deeper than programs.
fn is_test(folder: &Path) -> bool {
    folder.ends_with("deps")
}

fn folder() -> Result<PathBuf> {
    let this = env::current_exe().context("find this program")?;
    Ok(this.parent().context("a program lies in a folder")?.to_owned())
}
