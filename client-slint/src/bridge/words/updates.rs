//! Wishes and news about newer versions of this program.

use crate::updates::{Offer, Verdict, Version};

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum UpdateWish {
    Look,
    /// Without having been asked: at most once a day, and only a newer version is news.
    LookOnceADay,
    /// Fetches it and puts it into the place of this program.
    Install(Offer),
}

/// What came of it. Failures are sentences.
#[derive(Clone, Debug)]
pub enum UpdateNews {
    Looked(Result<Verdict, String>),
    Noticed(Offer),
    /// Percent of the download.
    Progress(u8),
    Installed(Result<Version, String>),
}
