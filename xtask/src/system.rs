//! System packages: what Debian must have for us, and how it gets there.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::{config, shell};

/// To build the programs: a C compiler for the database engine and the cryptography, and the
/// headers of the sound and font libraries.
pub(crate) const BUILD: &[&str] =
    &["gcc", "libc6-dev", "pkg-config", "libasound2-dev", "libfontconfig-dev"];

/// To show a window: libraries that are opened while the program runs, and letters to write with.
pub(crate) const SHOW: &[&str] = &[
    "fonts-dejavu-core",
    "libx11-6",
    "libx11-xcb1",
    "libxcursor1",
    "libxi6",
    "libxkbcommon-x11-0",
    "libxkbcommon0",
    "libxrandr2",
];

/// To build for Windows: a C compiler, and what puts an icon into a program.
pub(crate) const WINDOWS: &[&str] = &["binutils-mingw-w64-x86-64", "gcc-mingw-w64-x86-64"];

/// To try programs for Windows.
pub(crate) const WINE: &[&str] = &["wine", "wine64"];

/// To make Debian packages.
pub(crate) const DEB: &[&str] = &["dpkg-dev", "xz-utils"];

/// To check the files by which desktops know the program.
pub(crate) const DESKTOP_FILES: &[&str] = &["appstream", "desktop-file-utils"];

/// To test: a display and an accessibility bus without a desk, keys for them, clocks that are wrong, and
/// a C compiler for Windows.
pub(crate) const TEST: &[&str] = &[
    "at-spi2-core",
    "dbus",
    "gcc-mingw-w64-x86-64",
    "gir1.2-atspi-2.0",
    "git",
    "libfaketime",
    "openbox",
    "openssl",
    "python3",
    "python3-gi",
    "x11-utils",
    "xdotool",
    "xvfb",
];

/// What a cluster stands on. Tests and `cargo xtask cluster` start instances of their own; what the
/// system runs as a service is not touched.
pub(crate) const SERVICES: &[&str] = &["postgresql", "redis-server"];

/// Beside them, what takes the mails of tests.
pub(crate) const MAIL: &[&str] = &["python3-aiosmtpd"];

/// Installs packages without starting the services that come with them, which nobody asked for:
/// Debian asks this file before it starts one.
const INSTALL: &str = r#"
policy=/usr/sbin/policy-rc.d
if [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' >"$policy" && chmod 755 "$policy"
fi
apt-get -q install -y --no-install-recommends "$@"
"#;

/// Installs whichever of these packages are missing, and says so before.
pub(crate) fn ensure(wanted: &[&[&str]]) -> Result<()> {
    let wanted: BTreeSet<&str> = wanted.iter().flat_map(|list| list.iter().copied()).collect();
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    if !Path::new("/etc/debian_version").exists() {
        println!(
            "This is not Debian, so nothing is installed. If a later step fails, install what \
             these Debian packages hold: {}",
            join(&wanted)
        );
        return Ok(());
    }
    let missing = missing(&wanted)?;
    if missing.is_empty() {
        return Ok(());
    }
    println!("Installing Debian packages that are missing: {}", join(&missing));
    let by_hand = format!("run this as root and start again: apt-get install {}", join(&missing));
    let mut update = root(&["apt-get", "-q", "update"]).context(by_hand.clone())?;
    // Old lists may still hold every package, so a failed update alone stops nothing.
    if let Err(error) = shell::run(&mut update) {
        println!("  The package lists could not be renewed ({error}); going on with the old ones.");
    }
    let mut install = root(&["sh", "-ec", INSTALL, "install"])?;
    install.args(&missing).env("DEBIAN_FRONTEND", "noninteractive");
    shell::run(&mut install).context(by_hand)
}

/// Those of `wanted` that dpkg does not call installed.
fn missing<'a>(wanted: &BTreeSet<&'a str>) -> Result<BTreeSet<&'a str>> {
    let mut query = shell::command("dpkg-query");
    query.args(["--show", "--showformat", "${db:Status-Status} ${Package} ${Provides}\n"]);
    query.args(["*"]);
    let installed = shell::output(&mut query).context("dpkg cannot say what is installed")?;
    Ok(not_installed(wanted, &installed))
}

/// Reads lines of `status package provided, provided (= 1)`.
fn not_installed<'a>(wanted: &BTreeSet<&'a str>, listing: &str) -> BTreeSet<&'a str> {
    let mut there = BTreeSet::new();
    for line in listing.lines() {
        let Some(names) = line.strip_prefix("installed ") else { continue };
        let words = names.split([' ', ',']).filter(|word| !word.is_empty());
        there.extend(words);
    }
    wanted.iter().copied().filter(|package| !there.contains(package)).collect()
}

/// The command with the rights of root: we are root, or sudo is there.
fn root(words: &[&str]) -> Result<Command> {
    let am_root = shell::output(shell::command("id").arg("-u"))?.trim() == "0";
    let mut command = if am_root {
        shell::command(words[0])
    } else if config::on_path("sudo").is_some() {
        let mut sudo = shell::command("sudo");
        sudo.args(["--preserve-env=DEBIAN_FRONTEND", words[0]]);
        sudo
    } else {
        bail!("packages are missing, and there is neither root nor sudo to install them");
    };
    command.args(&words[1..]);
    Ok(command)
}

fn join(packages: &BTreeSet<&str>) -> String {
    packages.iter().copied().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(wanted: &[&str], listing: &str, expected: &[&str]) {
        let wanted = wanted.iter().copied().collect();
        let expected: BTreeSet<_> = expected.iter().copied().collect();
        assert_eq!(not_installed(&wanted, listing), expected);
    }

    #[test]
    fn what_dpkg_calls_installed_is_not_installed_again() {
        check(&["xvfb", "dbus"], "installed xvfb \ninstalled dbus default-dbus (= 1)\n", &[]);
        check(&["xvfb", "dbus"], "installed xvfb \nconfig-files dbus \n", &["dbus"]);
        check(&["xvfb"], "", &["xvfb"]);
    }

    #[test]
    fn a_package_that_another_one_provides_counts() {
        check(&["pkg-config"], "installed pkgconf pkg-config (= 1.8.1), libpkgconf\n", &[]);
    }
}
