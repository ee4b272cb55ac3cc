//! What the environment says to our commands. Nothing else here reads it.
#![expect(clippy::disallowed_methods, reason = "the one place that reads the environment")]

use std::path::{Path, PathBuf};

/// Whether windows can be shown, and why not.
pub(crate) fn display() -> Result<(), &'static str> {
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let set = |name| std::env::var(name).is_ok_and(|value| !value.is_empty());
    if set("DISPLAY") || set("WAYLAND_DISPLAY") {
        Ok(())
    } else {
        Err("neither DISPLAY nor WAYLAND_DISPLAY is set, so no window can be shown")
    }
}

/// Where `program` is on the PATH, if it is there.
pub(crate) fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").ok()?;
    let file = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&path).map(|folder| folder.join(&file)).find(|file| file.is_file())
}

/// Where cargo puts what it builds.
pub(crate) fn target(root: &Path) -> PathBuf {
    match std::env::var("CARGO_TARGET_DIR") {
        Ok(folder) if !folder.is_empty() => root.join(folder),
        _ => root.join("target"),
    }
}
