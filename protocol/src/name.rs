//! User names: parsed once, then carried as proof.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::limits::{USERNAME_MAX, USERNAME_MIN};

/// A login name: 3 to 32 of `a-z`, `0-9`, `.`, `_`, `-`, folded to lower case; it starts and ends with
/// a letter or digit.
// Invariant: holds only what `parse` accepted, so nothing downstream checks it again.
#[derive(Clone, Debug, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(transparent)]
pub struct Username(Box<str>);

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidUsername {
    #[error("a user name has {USERNAME_MIN} to {USERNAME_MAX} characters")]
    Length,
    #[error("a user name has only letters a to z, digits, and . _ - between them")]
    Characters,
    #[error("this name is reserved for the server")]
    Reserved,
}

impl Username {
    /// Checks and folds what a person typed. Spaces around it are theirs to lose.
    ///
    /// # Errors
    /// It breaks the rule above, or names the server or its staff.
    pub fn parse(raw: &str) -> Result<Self, InvalidUsername> {
        let folded = raw.trim().to_ascii_lowercase();
        let plain = |c: u8| matches!(c, b'a'..=b'z' | b'0'..=b'9');
        let (Some(&first), Some(&last)) = (folded.as_bytes().first(), folded.as_bytes().last())
        else {
            return Err(InvalidUsername::Length);
        };
        if !(USERNAME_MIN..=USERNAME_MAX).contains(&folded.len()) {
            return Err(InvalidUsername::Length);
        }
        if !folded.bytes().all(|c| plain(c) || matches!(c, b'.' | b'_' | b'-'))
            || !plain(first)
            || !plain(last)
        {
            return Err(InvalidUsername::Characters);
        }
        if RESERVED.contains(&folded.as_str()) {
            return Err(InvalidUsername::Reserved);
        }
        Ok(Self(folded.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Names that would let somebody pass for the service.
const RESERVED: [&str; 14] = [
    "admin",
    "administrator",
    "all",
    "everyone",
    "here",
    "moderator",
    "node",
    "root",
    "server",
    "staff",
    "support",
    "system",
    "thrive",
    "you",
];

impl fmt::Display for Username {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl<'de> Deserialize<'de> for Username {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Self::parse(&raw).map_err(de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_folded_and_trimmed() {
        assert_eq!(Username::parse(" Ann.B-1 ").unwrap().as_str(), "ann.b-1");
    }

    #[test]
    fn what_is_no_name_says_why() {
        let check = |raw: &str, why| assert_eq!(Username::parse(raw), Err(why), "{raw:?}");
        check("", InvalidUsername::Length);
        check("ab", InvalidUsername::Length);
        check(&"a".repeat(33), InvalidUsername::Length);
        check("a b", InvalidUsername::Characters);
        check("-ann", InvalidUsername::Characters);
        check("ann.", InvalidUsername::Characters);
        check("änne", InvalidUsername::Characters);
        check("an\u{202e}n", InvalidUsername::Characters);
        check("Admin", InvalidUsername::Reserved);
    }
}
