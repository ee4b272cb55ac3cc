//! Where the programs of the services are, as whom they run, and on which port.

use std::fs;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener, UdpSocket};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use parking_lot::Mutex;

use crate::config;

/// Beside the PATH: where Debian keeps the programs of Redis' and Postgres' packages.
const USUAL: &[&str] = &["/usr/bin", "/usr/local/bin", "/opt/homebrew/bin"];
const VERSIONS: &str = "/usr/lib/postgresql";

/// Ports that the system does not hand out by itself, so that an instance which is started again
/// finds its port free.
const PORTS: std::ops::Range<u64> = 15_000..22_000;

/// Where ports are claimed.
const CLAIM: Ipv4Addr = Ipv4Addr::new(127, 84, 72, 86);

/// What programs are looked for in, when they start others.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// The folder with all programs of Postgres.
///
/// # Errors
/// They are not installed.
pub(crate) fn postgres() -> Result<PathBuf> {
    let complete = |folder: &PathBuf| {
        ["initdb", "postgres", "psql"].iter().all(|program| folder.join(program).is_file())
    };
    // A link on the PATH leads to the folder where its siblings are.
    let linked = config::path().into_iter().filter_map(|folder| {
        let program = fs::canonicalize(folder.join("postgres")).ok()?;
        Some(program.parent()?.to_owned())
    });
    linked.chain(versions()).find(complete).context(
        "Postgres is not installed: run `apt-get install postgresql` (cargo xtask test does it)",
    )
}

/// Debian's folders, the newest version first.
fn versions() -> Vec<PathBuf> {
    let entries = fs::read_dir(VERSIONS).into_iter().flatten().flatten();
    let number = |path: &Path| {
        path.file_name().and_then(|name| name.to_str()?.parse::<u32>().ok()).unwrap_or_default()
    };
    let mut folders: Vec<_> = entries.map(|entry| entry.path()).collect();
    folders.sort_by_key(|path| std::cmp::Reverse(number(path)));
    folders.into_iter().map(|path| path.join("bin")).collect()
}

/// The server program of Redis.
///
/// # Errors
/// It is not installed.
pub(crate) fn redis() -> Result<PathBuf> {
    let usual = USUAL.iter().map(PathBuf::from);
    let mut folders = config::path().into_iter().chain(usual);
    folders.find_map(|folder| Some(folder.join("redis-server")).filter(|it| it.is_file())).context(
        "Redis is not installed: run `apt-get install redis-server` (cargo xtask test does it)",
    )
}

/// A command that the environment of this process does not change.
pub(crate) fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", PATH).env("LC_ALL", "C.UTF-8");
    command
}

/// A TCP port of loopback that nobody listens on; see [`claim`].
///
/// # Errors
/// None was found.
pub(crate) fn free_port() -> Result<u16> {
    free("TCP", |port| !port_is_taken(port))
}

/// A UDP port of loopback that nobody has, and that the system does not give to anybody by itself, so
/// that a server which is started again finds it free. No other call gives it out, in this process or
/// another one, until this process ends.
///
/// # Errors
/// None was found.
pub fn free_udp_port() -> Result<u16> {
    free("UDP", |port| UdpSocket::bind((Ipv4Addr::LOCALHOST, port)).is_ok())
}

fn free(protocol: &str, is_free: impl Fn(u16) -> bool) -> Result<u16> {
    for _ in 0..1_000 {
        let port = u16::try_from(PORTS.start + random() % (PORTS.end - PORTS.start))?;
        if is_free(port) && claim(port) {
            return Ok(port);
        }
    }
    bail!("there is no free {protocol} port from {} to {}", PORTS.start, PORTS.end)
}

/// Makes a port this process's own among all that ask here, until this process ends; false when it is
/// somebody's. Who gets a port listens on it only later, and sometimes not for a while.
///
/// The claim is a socket with that port on an address of loopback that nothing else uses: the system
/// gives it to one alone, and takes it back however the process ends. Where there is no such address
/// (it is Linux's), every port can be had.
fn claim(port: u16) -> bool {
    static CLAIMS: Mutex<Vec<UdpSocket>> = Mutex::new(Vec::new());
    match UdpSocket::bind((CLAIM, port)) {
        Ok(socket) => CLAIMS.lock().push(socket),
        Err(error) => return error.kind() == ErrorKind::AddrNotAvailable,
    }
    true
}

/// Whether somebody listens there.
pub(crate) fn port_is_taken(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_err()
}

/// A number that nobody else has, of 64 bits.
pub(crate) fn random() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    // The keys of the map are random and the number of this call makes each one new.
    static CALLS: std::sync::atomic::AtomicU64 = std::sync::atomic::AtomicU64::new(0);
    let call = CALLS.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    RandomState::new().hash_one((std::process::id(), call))
}

/// Somebody on this machine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Account {
    pub(crate) user: u32,
    pub(crate) group: u32,
}

/// As whom Postgres must run, which refuses root: as its own user, or as nobody. `None` when we are
/// not root.
///
/// # Errors
/// There is no such user.
pub(crate) fn unprivileged() -> Result<Option<Account>> {
    if !is_root() {
        return Ok(None);
    }
    let listing = fs::read_to_string("/etc/passwd").context("read the users of this machine")?;
    let account = ["postgres", "nobody"].iter().find_map(|name| account(&listing, name));
    account.map(Some).context("there is no user `postgres` or `nobody` to run Postgres as")
}

#[cfg(unix)]
pub(crate) fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
pub(crate) fn is_root() -> bool {
    false
}

/// Reads lines of `name:x:user:group:…`.
fn account(listing: &str, name: &str) -> Option<Account> {
    let line = listing.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    Some(Account { user: numbers.next()?.ok()?, group: numbers.next()?.ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_found_by_its_whole_name() {
        let listing = "root:x:0:0:root:/root:/bin/bash\npostgres2:x:7:8::/:/bin/sh\n\
                       postgres:x:101:104:administrator,,,:/var/lib/postgresql:/bin/bash\n";
        assert_eq!(account(listing, "postgres"), Some(Account { user: 101, group: 104 }));
        assert_eq!(account(listing, "nobody"), None);
    }

    #[test]
    fn no_two_numbers_are_the_same() {
        let numbers: std::collections::HashSet<_> = (0..1_000).map(|_| random()).collect();
        assert_eq!(numbers.len(), 1_000);
    }

    #[test]
    fn a_free_port_can_be_listened_on() {
        let port = free_port().unwrap();
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }

    #[test]
    fn no_port_is_given_to_two() {
        let ports: std::collections::HashSet<_> =
            (0..400).map(|_| free_udp_port().unwrap()).collect();
        assert_eq!(ports.len(), 400);
        assert!(!ports.contains(&free_port().unwrap()));
    }

    /// The claim of one process holds against all others.
    #[test]
    fn what_another_has_claimed_is_left_alone() {
        let port = free_udp_port().unwrap();
        UdpSocket::bind((CLAIM, port)).unwrap_err();
        assert!(!claim(port));
    }
}
