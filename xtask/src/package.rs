//! `cargo xtask package`: what people install, and the page by which installed programs find out about it.

use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};

use crate::{config, root, shell, system, windows};

mod archive;
pub(crate) mod check;
mod deb;
mod guides;
mod licences;
mod linux;
pub(crate) mod release;
mod scratch;
mod stock;
mod wine;

use self::stock::Feed;

#[derive(Subcommand)]
pub(crate) enum Package {
    /// The client for Windows as a zip file that needs no installation.
    Windows(Making),
    /// Client and server for Linux: two tar.gz files and two Debian packages.
    Linux(Making),
    /// Write and sign the page about the newest version, for the packages that are there.
    Release(release::Options),
    /// Make the pair of keys that releases are signed with.
    Key(release::KeyOptions),
    /// Check what goes into the packages and is not compiled.
    Check,
}

#[derive(Args)]
pub(crate) struct Making {
    /// Try the package when it is made: for Windows with Wine, for Linux in a scratch folder.
    #[arg(long = "try")]
    tried: bool,
    /// Build quickly instead of for speed: to try the packages and not to give them away.
    #[arg(long)]
    dev: bool,
    /// Take the programs as they were built the last time.
    #[arg(long)]
    no_build: bool,
    /// The address of `latest.toml`, for clients that look for newer versions.
    #[arg(long, value_name = "URL", requires = "updates_key")]
    updates_feed: Option<String>,
    /// The public key that `latest.toml` is signed with, or the file that holds it.
    #[arg(long, value_name = "PUBLIC", requires = "updates_feed")]
    updates_key: Option<String>,
    /// Who answers for the Debian packages, like "Ann Example <ann@example.org>".
    #[arg(long, value_name = "NAME <ADDRESS>", env = "THRIVE_MAINTAINER")]
    maintainer: Option<String>,
}

pub(crate) fn run(package: &Package) -> Result<()> {
    match package {
        Package::Windows(making) => make_windows(making),
        Package::Linux(making) => linux::make(making),
        Package::Release(options) => release::release(options),
        Package::Key(options) => release::make_key(options),
        Package::Check => check::check(),
    }
}

impl Making {
    fn feed(&self) -> Result<Option<Feed>> {
        let (Some(url), Some(key)) = (&self.updates_feed, &self.updates_key) else {
            return Ok(None);
        };
        Feed::new(url, key).map(Some)
    }
}

fn make_windows(making: &Making) -> Result<()> {
    let feed = making.feed()?;
    system::ensure(&[system::WINDOWS])?;
    windows::target()?;
    let how = Built { dev: making.dev, target: Some(windows::TARGET) };
    if !making.no_build {
        build(&["thrive-client", "thrive-slint"], how)?;
    }
    let mut items = stock::client(stock::System::Windows, how, feed.as_ref())?;
    items.extend(licences::items("thrive-slint", windows::TARGET)?);
    let name = format!("thrive-messenger-{}-windows-x86_64", version());
    let file = how.packages()?.join(format!("{name}.zip"));
    archive::zip(items, &name, &file)?;
    stock::say(&file)?;
    if making.tried { wine::try_out(&file, &name) } else { Ok(()) }
}

/// How programs are built, and so where they and their packages lie.
#[derive(Clone, Copy)]
struct Built {
    dev: bool,
    target: Option<&'static str>,
}

impl Built {
    /// Where a program lies.
    fn program(self, program: &str) -> PathBuf {
        let folder = config::target(&root());
        let folder = self.target.map_or_else(|| folder.clone(), |it| folder.join(it));
        folder.join(if self.dev { "debug" } else { "release" }).join(program)
    }

    /// What is in a program; without what only a debugger reads.
    fn bytes(self, program: &str) -> Result<Vec<u8>> {
        let file = self.program(program);
        if !self.dev {
            return stock::read(&file);
        }
        let scratch = tempfile::tempdir().context("no folder")?;
        let small = scratch.path().join(program);
        let strip = if self.target.is_some() { "x86_64-w64-mingw32-strip" } else { "strip" };
        shell::output(shell::command(strip).arg("-o").arg(&small).arg(&file))?;
        stock::read(&small)
    }

    /// Where packages of such programs are put.
    fn packages(self) -> Result<PathBuf> {
        let folder = folder()?;
        let folder = if self.dev { folder.join("dev") } else { folder };
        fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        Ok(folder)
    }
}

/// Builds programs; for speed, this takes many minutes.
fn build(packages: &[&str], how: Built) -> Result<()> {
    let begin = Instant::now();
    let mut cargo = shell::cargo(&["build", "--locked", "--bins"]);
    if !how.dev {
        cargo.arg("--release");
    }
    for package in packages {
        cargo.args(["--package", package]);
    }
    if let Some(target) = how.target {
        cargo.args(["--target", target]);
    }
    shell::run(&mut cargo).context("mend what does not compile and start again")?;
    println!("Built {} in {} s.", packages.join(" and "), begin.elapsed().as_secs());
    Ok(())
}

/// Where packages are put.
fn folder() -> Result<PathBuf> {
    let folder = config::target(&root()).join("packages");
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
    Ok(folder)
}

/// All our programs have the same.
fn version() -> &'static str {
    env!("CARGO_PKG_VERSION")
}
