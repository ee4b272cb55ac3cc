//! What goes into the packages and no compiler reads. Quick, so that `cargo xtask test` does it.

use std::fs;

use anyhow::{Context, Result};

use super::linux;
use crate::{root, shell, system};

/// The files for desktops are what desktops understand.
pub(crate) fn check() -> Result<()> {
    system::ensure(&[system::DESKTOP_FILES])?;
    let desktop = root().join("packaging/linux/org.thrive.Messenger.desktop");
    shell::run(shell::command("desktop-file-validate").arg(desktop))
        .context("see https://specifications.freedesktop.org/desktop-entry-spec/")?;
    let scratch = tempfile::tempdir().context("no folder")?;
    let metainfo = scratch.path().join("org.thrive.Messenger.metainfo.xml");
    fs::write(&metainfo, linux::metainfo()?)?;
    shell::run(shell::command("appstreamcli").args(["validate", "--no-net"]).arg(metainfo))
        .context("see https://www.freedesktop.org/software/appstream/docs/")?;
    let unit = root().join("packaging/linux/thrive-node.service");
    let text = fs::read_to_string(&unit).with_context(|| format!("no {}", unit.display()))?;
    for line in ["DynamicUser=yes", "StateDirectory=thrive-node", "ProtectSystem=strict"] {
        anyhow::ensure!(text.lines().any(|it| it == line), "{} lacks {line}", unit.display());
    }
    Ok(())
}
