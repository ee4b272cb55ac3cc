//! How far the way to a newer version is, and what the key for it means there.

use thrive_client::size_in_words;

use crate::updates::{Form, Offer, Version};

/// How far it is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub enum Way {
    #[default]
    Nowhere,
    /// Somebody pressed the key and waits for the answer.
    Looking,
    Loading {
        version: Version,
        percent: u8,
    },
    /// It is there from the next start on.
    Installed(Version),
}

/// What the key for newer versions does now.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Step {
    Look,
    Say(String),
    AskToRestart(Version),
}

impl Way {
    #[must_use]
    pub fn pressed(&self, has_feed: bool) -> Step {
        match self {
            _ if !has_feed => Step::Say(NO_FEED.into()),
            Self::Nowhere => Step::Look,
            Self::Looking => Step::Say("Still looking for a newer version.".into()),
            Self::Loading { version, percent } => Step::Say(loading(*version, *percent)),
            Self::Installed(version) => Step::AskToRestart(*version),
        }
    }
}

/// The line in the main window while it is fetched.
#[must_use]
pub fn loading(version: Version, percent: u8) -> String {
    format!("Fetching Thrive {version}: {percent} percent.")
}

/// Whether this percent is said aloud: a few on a long way, not each.
#[must_use]
pub fn is_said(percent: u8) -> bool {
    matches!(percent, 25 | 50 | 75)
}

/// The question about a newer version: its heading, its words.
#[must_use]
pub fn question(offer: &Offer) -> (String, String) {
    let heading = format!("Thrive {} is there", offer.version);
    let words = format!(
        "You have Thrive {}. The new version is {} large and comes from where this one came from; \
         its signature is right. Fetching it takes a while, and you can go on chatting. Your \
         messages and settings stay.",
        Version::own(),
        size_in_words(offer.size)
    );
    (heading, words)
}

/// What to do where the system alone replaces programs.
#[must_use]
pub fn by_hand(offer: &Offer) -> Vec<String> {
    vec![
        format!("You have Thrive {}. It was installed as a Debian package.", Version::own()),
        "The system renews it; this program cannot.".into(),
        format!("Fetch {} ({}).", offer.url, size_in_words(offer.size)),
        format!("Compare it: sha256sum {} must print {}", offer.name, offer.sha256),
        format!("Install it: sudo apt install ./{}", offer.name),
    ]
}

/// News about a version that nobody asked for. `key` is empty when there is none.
#[must_use]
pub fn noticed(version: Version, key: &str) -> String {
    match key {
        "" => format!("Thrive {version} is there. The main window has a button for it."),
        key => format!("Thrive {version} is there. {key} in the main window tells more."),
    }
}

/// Whether the program can replace itself.
#[must_use]
pub fn replaces_itself(form: Form) -> bool {
    match form {
        Form::Zip | Form::Tar => true,
        Form::Deb => false,
    }
}

const NO_FEED: &str =
    "This build does not know where newer versions are. Ask whoever gave it to you.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_does_what_is_next() {
        let version = Version::parse("9.0.0").unwrap();
        assert_eq!(Way::Nowhere.pressed(false), Step::Say(NO_FEED.into()));
        assert_eq!(Way::Nowhere.pressed(true), Step::Look);
        assert!(matches!(Way::Looking.pressed(true), Step::Say(_)));
        let half = Way::Loading { version, percent: 50 };
        assert_eq!(half.pressed(true), Step::Say("Fetching Thrive 9.0.0: 50 percent.".into()));
        assert_eq!(Way::Installed(version).pressed(true), Step::AskToRestart(version));
    }

    #[test]
    fn a_long_download_says_three_words_and_not_a_hundred() {
        assert_eq!((0..=100).filter(|percent| is_said(*percent)).count(), 3);
    }
}
