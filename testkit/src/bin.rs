//! Where our programs are, as the build that made this test left them.

use std::env;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};

/// The program `name` of the same build: `target/<profile>/<name>`.
///
/// # Errors
/// It has not been built.
pub fn bin(name: &str) -> Result<PathBuf> {
    let this = env::current_exe().context("find this program")?;
    let folder = this.parent().context("a program lies in a folder")?;
    // Tests lie one folder deeper than programs.
    let profile = if folder.ends_with("deps") { folder.parent() } else { Some(folder) };
    let path = profile.context("a build has a folder")?.join(name);
    ensure!(path.exists(), "{} is missing: cargo build --bin {name}", path.display());
    Ok(path)
}
