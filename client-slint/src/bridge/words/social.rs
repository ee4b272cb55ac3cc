//! Wishes and news about people beyond the contact list.

use thrive_client::{
    Contact, Failure, FoundPage, GroupRenamed, Missed, Privacy, SetPrivacy, Tab, Talk, UserId,
    Username,
};

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum SocialWish {
    /// A page of the user directory.
    Directory {
        tab: Tab,
        search: String,
        after: Option<String>,
        /// Comes back with the answer.
        asked: u64,
    },
    /// Everybody with whom something was written.
    Talks,
    /// Asks somebody to be a contact, without words.
    Add(Username),
    /// My own name for somebody, and the group they stand in; what stays as it is has none here.
    Name {
        user: UserId,
        nickname: Option<String>,
        group: Option<String>,
    },
    /// Everybody in a group of mine is to be in another one; empty: in none.
    RenameGroup {
        group: String,
        name: String,
    },
    /// Watch for how long nothing was touched.
    Away {
        /// Away after so many minutes; 0 is never.
        minutes: u8,
        /// I am shown as away since such a watch that has ended, and not by my own choice.
        shown_away: bool,
    },
    Privacy,
    SetPrivacy(SetPrivacy),
    /// How long a status may be.
    StatusLimit,
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum SocialNews {
    Directory {
        asked: u64,
        result: Result<FoundPage, Failure>,
    },
    Talks(Result<Vec<Talk>, Failure>),
    Added(Result<Contact, Failure>),
    Named(Result<Contact, Failure>),
    GroupRenamed {
        /// What it was called.
        group: String,
        result: Result<GroupRenamed, Failure>,
    },
    /// What came while this device was away, the last time that it came back.
    Missed(Vec<Missed>),
    /// Whether this computer says for how long nothing was touched.
    IdleKnown(bool),
    /// I am shown as away, or not any more, because nothing was touched.
    AutoAway(bool),
    Privacy(Result<Privacy, Failure>),
    /// Letters.
    StatusLimit(u32),
}
