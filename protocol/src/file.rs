//! Files that one person offers another: names, kinds, what may be asked and answered about them.
//!
//! An offer is an entry of the log of a conversation, and so is each change of it. The bytes of a file
//! go over a stream of their own: see [`crate::request::Stream::Transfer`].

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bounded::List;
use crate::ids::{ClientMsgId, ConversationId, FileId, Seq, Time};
use crate::limits;

/// A name without a folder, which every system can show. A client that saves a file still has to make it
/// fit its own system: `aux.txt` is a device of Windows.
#[derive(Clone, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct FileName(Box<str>);

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidFileName {
    #[error("the file name is empty")]
    Empty,
    #[error("the file name is longer than {max} characters")]
    TooLong { max: usize },
    #[error("the file name has characters in it that no name may have")]
    Strange,
}

impl FileName {
    /// # Errors
    /// It is empty, too long, leads into another folder, hides what it is, or ends in a dot.
    pub fn parse(raw: &str) -> Result<Self, InvalidFileName> {
        if raw.is_empty() {
            return Err(InvalidFileName::Empty);
        }
        if limits::FILE_NAME_BYTES < raw.len() || limits::FILE_NAME_CHARS < raw.chars().count() {
            return Err(InvalidFileName::TooLong { max: limits::FILE_NAME_CHARS });
        }
        // Windows cuts dots and spaces off the end, so that "a.exe." would be a program after all.
        let edges = raw.starts_with(' ') || raw.ends_with([' ', '.']);
        if edges || raw.chars().any(is_strange) {
            return Err(InvalidFileName::Strange);
        }
        Ok(Self(raw.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands behind the last dot, in lower case; empty when there is none.
    #[must_use]
    pub fn extension(&self) -> String {
        self.0.rsplit_once('.').map(|(_, last)| last.to_lowercase()).unwrap_or_default()
    }
}

/// Separators of folders, control characters, and what turns the direction of a text round: with it,
/// "annexe.txt" may be a program.
fn is_strange(letter: char) -> bool {
    letter.is_control()
        || "/\\".contains(letter)
        || matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The name of a file may be as private as a message.
impl fmt::Debug for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "FileName({} bytes)", self.0.len())
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for FileName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Self::parse(&raw).map_err(de::Error::custom)
    }
}

/// What the sender says that it is, such as `image/png`. A hint for people; the node looks at the data.
#[derive(Clone, Debug, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct ContentType(Box<str>);

impl ContentType {
    /// Whatever is no content type becomes the one that says nothing.
    #[must_use]
    pub fn parse(raw: &str) -> Self {
        let part = |it: &str| {
            let fine = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
            !it.is_empty() && it.chars().all(fine)
        };
        let raw = raw.to_ascii_lowercase();
        let fits = raw.len() <= limits::CONTENT_TYPE_BYTES
            && raw.split_once('/').is_some_and(|(kind, form)| part(kind) && part(form));
        Self(if fits { raw.into() } else { UNKNOWN_TYPE.into() })
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for ContentType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::parse(&String::deserialize(deserializer)?))
    }
}

const UNKNOWN_TYPE: &str = "application/octet-stream";

/// The SHA-256 of a whole file.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct FileHash(pub [u8; 32]);

impl Serialize for FileHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.0)
    }
}

impl<'de> Deserialize<'de> for FileHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ThirtyTwo;

        impl Visitor<'_> for ThirtyTwo {
            type Value = FileHash;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a byte string of 32 bytes")
            }

            fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<FileHash, E> {
                bytes.try_into().map(FileHash).map_err(|_| E::invalid_length(bytes.len(), &self))
            }
        }

        deserializer.deserialize_bytes(ThirtyTwo)
    }
}

/// Asks that somebody be offered a file.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OfferFile {
    pub conversation: ConversationId,
    /// As of a message: repeated until the answer is definite.
    pub id: ClientMsgId,
    pub name: OfferedName,
    pub size: u64,
    pub content_type: String,
    pub sha256: FileHash,
}

/// A file name on its way in; its `Debug` form does not show it.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct OfferedName(pub String);

impl fmt::Debug for OfferedName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "OfferedName({} bytes)", self.0.len())
    }
}

/// The offer is on disk. Said again, word for word, to every repeat of the same id.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FileOffered {
    pub id: ClientMsgId,
    pub seq: Seq,
    pub time: Time,
    pub file: FileId,
    /// Until then it can be sent, accepted and fetched.
    pub expires: Time,
}

/// An offer as it stands in the log.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FileOffer {
    pub id: ClientMsgId,
    pub file: FileId,
    pub name: FileName,
    pub size: u64,
    pub content_type: ContentType,
    pub sha256: FileHash,
    pub expires: Time,
}

/// What became of an offer. Each is said once, and only ever adds to what was said before.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// The recipient wants it.
    Accepted,
    /// The recipient does not want it: nothing of it is kept.
    Declined,
    /// The sender took it back: nothing of it is kept.
    Cancelled,
    /// All of it is at the server, and is what was offered.
    Ready,
    /// What was sent is not what was offered, or not allowed: nothing of it is kept.
    Refused,
    /// A device of the recipient has all of it.
    Received,
    /// A word of a newer peer.
    #[serde(other)]
    Unknown,
}

/// What a server takes, as `limits` tells it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct FileLimits {
    /// Bytes of one file.
    pub bytes: u64,
    /// Bytes of all that one account has offered and that is still kept.
    pub quota: u64,
    /// How long a file is kept.
    pub keep_ms: u64,
    /// Extensions that are refused, in lower case and without the dot.
    pub refused: List<String, { limits::REFUSED_EXTENSIONS }>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_and_hides_nothing() {
        let fine = ["a", "report (1).pdf", ".profile", "Ünïcode ☕.txt", "a..b", "con"];
        for name in fine {
            assert_eq!(FileName::parse(name).unwrap().as_str(), name);
        }
        let long = "x".repeat(limits::FILE_NAME_CHARS + 1);
        let wide = "\u{1f600}".repeat(limits::FILE_NAME_BYTES / 4 + 1);
        let not = [
            "",
            ".",
            "..",
            "../a",
            "a/b",
            "a\\b",
            "a\nb",
            "a\0",
            "a.exe.",
            "a.exe ",
            " a",
            &long,
            &wide,
            "annexe\u{202e}txt.exe",
        ];
        for name in not {
            assert!(FileName::parse(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn the_extension_is_what_stands_behind_the_last_dot() {
        let check = |name: &str, extension: &str| {
            assert_eq!(FileName::parse(name).unwrap().extension(), extension, "{name}");
        };
        check("a.TXT", "txt");
        check("a.txt.Exe", "exe");
        check("README", "");
        check(".profile", "profile");
    }

    #[test]
    fn what_is_no_content_type_says_nothing() {
        let check = |raw: &str, shown: &str| assert_eq!(ContentType::parse(raw).as_str(), shown);
        check("Image/PNG", "image/png");
        check("application/vnd.api+json", "application/vnd.api+json");
        for raw in ["", "image", "image/", "/png", "a/b/c", "a b/c", &"x/".repeat(99)] {
            check(raw, UNKNOWN_TYPE);
        }
    }
}
