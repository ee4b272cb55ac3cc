//! Newer versions of this program: where to look for one, whether what is found there is really from
//! whoever made this one, and how it takes the place of the old one.
//!
//! The order of trust: the package that was installed names a key; only what that key has signed says
//! which version is there, and how large its package is and what is in it; only a package that is
//! exactly that is unpacked.

pub mod archive;
pub mod feed;
pub mod fetch;
pub mod install;
pub mod manifest;
pub mod visits;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use self::feed::{Feed, Form};
pub use self::fetch::Fetcher;
pub use self::manifest::{Offer, Verdict};

/// Up to three numbers; the later one is larger.
#[derive(Clone, Copy, Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
pub struct Version([u32; 3]);

impl Version {
    /// `1.2.3`, and nothing after it: a version that is only tried out is never offered.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut numbers = [0; 3];
        let mut parts = text.split('.');
        for number in &mut numbers {
            let part = parts.next()?;
            if part.is_empty() || !part.bytes().all(|it| it.is_ascii_digit()) {
                return None;
            }
            *number = part.parse().ok()?;
        }
        parts.next().is_none().then_some(Self(numbers))
    }

    /// Of the program that runs.
    #[must_use]
    pub fn own() -> Self {
        Self::parse(env!("CARGO_PKG_VERSION")).unwrap_or_default()
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [major, minor, patch] = self.0;
        write!(formatter, "{major}.{minor}.{patch}")
    }
}

/// Why there is no update.
#[derive(Debug)]
pub enum Refusal {
    /// The feed or the package cannot be fetched.
    Unreachable(String),
    /// It is not signed by whoever made this program.
    Forged,
    /// It is signed, and not understood.
    Strange(String),
    /// It is older than what was seen before: somebody shows an old page.
    TakenBack { offered: Version, seen: Version },
    /// The newer version has no package for this computer.
    NotForUs(Version),
    /// The package is not what the feed promised.
    Damaged,
    /// The package would write where it must not.
    Unsafe(String),
    /// The disk said no.
    Disk(io::Error),
}

impl Refusal {
    /// What a person is told.
    #[must_use]
    pub fn sentence(&self) -> String {
        match self {
            Self::Unreachable(_) => {
                "The place for newer versions cannot be reached. Please try again later.".into()
            }
            Self::Forged => {
                "What is offered as a newer version is not signed by whoever made this \
                             program. Nothing was installed. Tell your host about it."
                    .into()
            }
            Self::Strange(_) => {
                "This program does not understand the page about newer versions.".into()
            }
            Self::TakenBack { offered, seen } => format!(
                "The page about newer versions offers {offered}, and {seen} was seen there before. \
                 Nothing was installed."
            ),
            Self::NotForUs(version) => {
                format!("Thrive {version} is there, but not for a computer like this one.")
            }
            Self::Damaged => "The newer version has arrived damaged. Nothing was installed.".into(),
            Self::Unsafe(_) => {
                "The package of the newer version is not in order. Nothing was installed.".into()
            }
            Self::Disk(_) => {
                "The newer version could not be written to the disk. The version that \
                              you have stays."
                    .into()
            }
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unreachable(why) | Self::Strange(why) | Self::Unsafe(why) => {
                formatter.write_str(why)
            }
            Self::Disk(error) => error.fmt(formatter),
            other => formatter.write_str(&other.sentence()),
        }
    }
}

impl From<io::Error> for Refusal {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

/// Looks at the feed. What was seen there is remembered in the data folder.
///
/// # Errors
/// It cannot be fetched, or it is not what it should be.
pub fn look(feed: &Feed, fetcher: &Fetcher, dir: &Path, own: Version) -> Result<Verdict, Refusal> {
    let page = fetcher.small(&feed.url, PAGE_MAX)?;
    let signature = fetcher.small(&format!("{}.minisig", feed.url), SIGNATURE_MAX)?;
    let signature = String::from_utf8(signature).map_err(|_| Refusal::Forged)?;
    let seen = visits::highest(dir);
    let read = manifest::read(&page, &signature, &feed.key)?;
    let verdict = manifest::judge(&read, feed, own, seen, manifest::SYSTEM)?;
    visits::saw(dir, read.version());
    Ok(verdict)
}

/// Fetches what was offered, compares it, and puts it in the place of this program. `progress` hears
/// percents. The program that runs goes on as it is until it is started again.
///
/// # Errors
/// It cannot be fetched, is not what was promised, or cannot be written; then nothing is changed.
pub fn install(
    feed: &Feed,
    offer: &Offer,
    fetcher: &Fetcher,
    dir: &Path,
    progress: &mut dyn FnMut(u8),
) -> Result<(), Refusal> {
    let root = feed.root().ok_or_else(|| Refusal::Unsafe("the program has no folder".into()))?;
    let folder = dir.join("updates");
    fs::create_dir_all(&folder)?;
    let package = folder.join(&offer.name);
    let fetched = fetcher.file(offer, &package, progress);
    let unpacked = fetched.and_then(|()| {
        let fresh = install::fresh(&root)?;
        archive::unpack(feed.form, &package, &fresh)?;
        Ok(fresh)
    });
    // It is large, and of no use any more.
    if let Err(error) = fs::remove_file(&package) {
        tracing::debug!(%error, "A package is not removed");
    }
    let fresh: PathBuf = unpacked?;
    install::replace(&root, &fresh, &feed.program)
}

/// The page about the newest version.
const PAGE_MAX: u64 = 64 * 1_024;
const SIGNATURE_MAX: u64 = 4 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("0.9.0") < version("0.10.0"));
        assert!(version("1.0.0") < version("1.0.1"));
        assert_eq!(version("1.2.3").to_string(), "1.2.3");
        for wrong in ["1.2", "1.2.3.4", "1.2.x", "1.2.3-rc1", "v1.2.3", "1..3", "+1.2.3", ""] {
            assert_eq!(Version::parse(wrong), None, "{wrong}");
        }
        assert!(Version::default() < Version::own());
    }
}
