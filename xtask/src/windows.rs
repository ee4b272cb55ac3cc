//! Whether the clients compile for Windows, where most of their users are.

use anyhow::{Context, Result};

use crate::shell;

pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";

/// Adds the target's standard library if it is missing.
pub(crate) fn target() -> Result<()> {
    // Without rustup the toolchain came from elsewhere, and may bring the library itself.
    if let Ok(installed) =
        shell::output(shell::command("rustup").args(["target", "list", "--installed"]))
        && !installed.lines().any(|line| line.trim() == TARGET)
    {
        shell::run(shell::command("rustup").args(["target", "add", TARGET]))
            .with_context(|| format!("add it by hand: rustup target add {TARGET}"))?;
    }
    Ok(())
}

/// Checks the clients, and what the lints say of code that only Windows has.
pub(crate) fn check() -> Result<()> {
    target()?;
    shell::run(&mut shell::cargo(&[
        "clippy",
        "--quiet",
        "--locked",
        "--package",
        "thrive-client",
        "--package",
        "thrive-slint",
        "--target",
        TARGET,
        "--",
        "--deny",
        "warnings",
    ]))
    .context("the clients must compile for Windows; look for code that needs #[cfg(unix)]")
}
