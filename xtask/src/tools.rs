//! Cargo's helpers: taken from the PATH if they are there, else installed below `target`.

use std::path::PathBuf;
use std::process::Command;
use std::thread::{self, JoinHandle};
use std::time::Instant;

use anyhow::{Context, Result, anyhow};

use crate::{config, root, shell};

/// A program that `cargo install` can get.
#[derive(Clone, Copy)]
pub(crate) struct Tool {
    pub(crate) package: &'static str,
    /// A version that was tried; another one on the PATH will do as well.
    version: &'static str,
    /// Features to leave out or put in, so that it builds fast and without OpenSSL.
    features: &'static [&'static str],
}

pub(crate) const NEXTEST: Tool = Tool {
    package: "cargo-nextest",
    version: "0.9.143",
    features: &["--no-default-features", "--features", "default-no-update"],
};

pub(crate) const DENY: Tool = Tool { package: "cargo-deny", version: "0.20.2", features: &[] };

impl Tool {
    /// Where it is, if it is anywhere.
    pub(crate) fn found(&self) -> Option<PathBuf> {
        let ours = folder().join("bin").join(self.file());
        if ours.is_file() { Some(ours) } else { config::on_path(self.package) }
    }

    /// Where it is, after installing it if need be.
    pub(crate) fn ready(&self) -> Result<PathBuf> {
        if let Some(found) = self.found() {
            return Ok(found);
        }
        println!("Installing {} {} (takes a few minutes, once)", self.package, self.version);
        let begin = Instant::now();
        shell::output(&mut self.install()).with_context(|| {
            format!("install it by hand and start again: cargo install --locked {}", self.package)
        })?;
        println!("{} is installed ({} s)", self.package, begin.elapsed().as_secs());
        self.found().ok_or_else(|| anyhow!("{} was installed but is not there", self.package))
    }

    /// Installs it beside other work; ask the handle when it is needed.
    pub(crate) fn ready_later(self) -> JoinHandle<Result<PathBuf>> {
        thread::spawn(move || self.ready())
    }

    fn install(&self) -> Command {
        let tools = folder();
        // Not optimised: it takes minutes less to build, and each runs for seconds.
        let mut cargo = shell::cargo(&["install", "--locked", "--quiet", "--debug"]);
        cargo.env("CARGO_PROFILE_DEV_DEBUG", "0");
        cargo.args(["--version", self.version]).args(self.features);
        cargo.arg("--root").arg(&tools);
        // A folder of its own: it neither waits for the workspace's build nor holds it up.
        cargo.arg("--target-dir").arg(tools.join("build").join(self.package));
        cargo.arg(self.package);
        // At home, so that the workspace's own settings do not apply to it.
        cargo.env_remove("RUSTFLAGS");
        cargo
    }

    fn file(&self) -> String {
        format!("{}{}", self.package, std::env::consts::EXE_SUFFIX)
    }
}

/// Makes sure that clippy and rustfmt come with the toolchain.
pub(crate) fn components() -> Result<()> {
    for (probe, component) in [("clippy", "clippy"), ("fmt", "rustfmt")] {
        if shell::output(&mut shell::cargo(&[probe, "--version"])).is_err() {
            println!("Installing the toolchain's component {component}");
            shell::run(shell::command("rustup").args(["component", "add", component]))
                .with_context(|| format!("add {component} to the Rust toolchain by hand"))?;
        }
    }
    Ok(())
}

fn folder() -> PathBuf {
    config::target(&root()).join("tools")
}
