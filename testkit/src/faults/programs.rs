//! The programs that can be ordered to do wrong: builds of their own, in a folder of their own, so that
//! what is shipped never has that feature.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use super::Plan;
use crate::bin;

impl Plan {
    /// A short run with the programs of this build, which take no orders.
    ///
    /// # Errors
    /// They have not been built.
    pub fn short(seed: u64) -> Result<Self> {
        Ok(Self {
            seed,
            short: true,
            bug: None,
            node: bin("thrive-node")?,
            router: bin("thrive-router")?,
            journal: None,
            people: None,
            rate: None,
        })
    }

    /// The same with programs that take orders, which are built now if they are not up to date.
    ///
    /// # Errors
    /// They do not build.
    pub fn short_with_orders(seed: u64) -> Result<Self> {
        let folder = build()?;
        let (node, router) = (folder.join("thrive-node"), folder.join("thrive-router"));
        Ok(Self { node, router, ..Self::short(seed)? })
    }
}

/// Builds them into `target/faults` and says where they are.
fn build() -> Result<PathBuf> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let root = root.parent().context("the testkit lies in the repository")?;
    let target = root.join("target/faults");
    let status = Command::new("cargo")
        .current_dir(root)
        .args(["build", "--locked", "--quiet", "--features", "thrive-node/faults"])
        .args(["--package", "thrive-node", "--package", "thrive-router", "--bins"])
        .arg("--target-dir")
        .arg(&target)
        .status()
        .context("run cargo")?;
    ensure!(status.success(), "the programs of the fault runner do not build");
    Ok(target.join("debug"))
}
