//! Words of people: message texts, status texts, nicknames, groups. Checked once, then carried as proof.
//!
//! Control characters are taken out, line ends are `\n`, and lengths are counted in characters (and in
//! bytes where a frame must hold them).

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, de};

use crate::limits;

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum InvalidText {
    #[error("the text is empty")]
    Empty,
    #[error("the text is longer than {max} characters")]
    TooLong { max: usize },
    #[error("the text has more than {max} lines")]
    TooManyLines { max: usize },
}

/// The text of a message: 1 to 4 000 characters, 16 KiB, 200 lines.
#[derive(Clone, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct MessageText(Box<str>);

impl MessageText {
    /// # Errors
    /// Nothing is left after trimming, or it is over a limit.
    pub fn parse(raw: &str) -> Result<Self, InvalidText> {
        let text = plain(raw, Lines::Keep);
        let text = text.trim_end();
        if text.trim().is_empty() {
            return Err(InvalidText::Empty);
        }
        if limits::TEXT_BYTES < text.len() || limits::TEXT_CHARS < text.chars().count() {
            return Err(InvalidText::TooLong { max: limits::TEXT_CHARS });
        }
        if limits::TEXT_LINES < text.lines().count() {
            return Err(InvalidText::TooManyLines { max: limits::TEXT_LINES });
        }
        Ok(Self(text.into()))
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A message is private: its text must not reach a log by way of `{:?}`.
impl fmt::Debug for MessageText {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "MessageText({} bytes)", self.0.len())
    }
}

impl<'de> Deserialize<'de> for MessageText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Self::parse(&raw).map_err(de::Error::custom)
    }
}

/// What an operator says to everybody: up to 1 000 characters and 20 lines, or nothing. It is no secret.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct WelcomeText(Box<str>);

impl WelcomeText {
    /// # Errors
    /// It is over a limit.
    pub fn parse(raw: &str) -> Result<Self, InvalidText> {
        let text = plain(raw, Lines::Keep);
        let text = text.trim_end();
        if limits::WELCOME_CHARS < text.chars().count() {
            return Err(InvalidText::TooLong { max: limits::WELCOME_CHARS });
        }
        if limits::WELCOME_LINES < text.lines().count() {
            return Err(InvalidText::TooManyLines { max: limits::WELCOME_LINES });
        }
        Ok(Self(text.into()))
    }

    /// Keeps what is within the limits.
    #[must_use]
    pub fn cut(raw: &str) -> Self {
        let text = plain(raw, Lines::Keep);
        let lines: Vec<_> = text.split('\n').take(limits::WELCOME_LINES).collect();
        let text: String = lines.join("\n").chars().take(limits::WELCOME_CHARS).collect();
        Self(text.trim_end().into())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<'de> Deserialize<'de> for WelcomeText {
    /// A newer server may say more than fits; that is no reason not to use it.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::cut(&String::deserialize(deserializer)?))
    }
}

/// One line of at most `MAX` characters; it may be empty.
#[derive(Clone, Default, Eq, Hash, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Line<const MAX: usize>(Box<str>);

/// One's own words beside the status.
pub type StatusText = Line<{ limits::STATUS_CHARS }>;
/// The name that I give a contact; empty means none.
pub type Nickname = Line<{ limits::NICKNAME_CHARS }>;
/// The group of my list that a contact stands in; empty means none.
pub type GroupName = Line<{ limits::GROUP_CHARS }>;
/// What I say to somebody whom I ask to be my contact.
pub type RequestText = Line<{ limits::REQUEST_CHARS }>;
/// What a device or program calls itself in the list of sessions.
pub type DeviceName = Line<{ limits::DEVICE_CHARS }>;
/// Why somebody is kept out or kept from something; it may be empty.
pub type Reason = Line<{ limits::REASON_CHARS }>;
/// What an admin tells everybody.
pub type AlertText = Line<{ limits::ALERT_CHARS }>;

impl<const MAX: usize> Line<MAX> {
    /// # Errors
    /// It has more than `MAX` characters.
    pub fn parse(raw: &str) -> Result<Self, InvalidText> {
        let text = plain(raw, Lines::Join);
        let text = text.trim();
        if MAX < text.chars().count() {
            return Err(InvalidText::TooLong { max: MAX });
        }
        Ok(Self(text.into()))
    }

    /// Keeps the first `MAX` characters: for names that a program makes up, such as a host name.
    #[must_use]
    pub fn cut(raw: &str) -> Self {
        Self(plain(raw, Lines::Join).trim().chars().take(MAX).collect())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Whether two names are of one group: capital and small letters make no other one.
#[must_use]
pub fn same_group(one: &str, other: &str) -> bool {
    one.to_lowercase() == other.to_lowercase()
}

impl<const MAX: usize> fmt::Debug for Line<MAX> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Line({} bytes)", self.0.len())
    }
}

impl<'de, const MAX: usize> Deserialize<'de> for Line<MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = String::deserialize(deserializer)?;
        Self::parse(&raw).map_err(de::Error::custom)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Lines {
    Keep,
    Join,
}

/// Without control characters, and without the marks that turn the direction of the text after them:
/// with those a name or message could pass for another.
fn plain(raw: &str, lines: Lines) -> String {
    // Nearly every text in some languages.
    if raw.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return raw.to_owned();
    }
    let unified = raw.replace("\r\n", "\n");
    let mut text = String::with_capacity(unified.len());
    for c in unified.chars() {
        match c {
            '\n' | '\r' if lines == Lines::Keep => text.push('\n'),
            '\n' | '\r' | '\t' if lines == Lines::Join => text.push(' '),
            '\t' => text.push('\t'),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            c if c.is_control() => {}
            c => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_and_overrides_are_taken_out_and_line_ends_unified() {
        let text = MessageText::parse("a\u{0}b\r\nc\u{202e}d\te\u{1b}[1m  \n").unwrap();
        assert_eq!(text.as_str(), "ab\ncd\te[1m");
    }

    #[test]
    fn parsing_what_was_parsed_changes_nothing() {
        let text = MessageText::parse(" x\r\r\ny \t").unwrap();
        assert_eq!(MessageText::parse(text.as_str()).unwrap(), text);
    }

    #[test]
    fn every_limit_has_its_own_refusal() {
        let check = |raw: String, why| assert_eq!(MessageText::parse(&raw), Err(why));
        check(" \n\t".into(), InvalidText::Empty);
        check("x".repeat(4_001), InvalidText::TooLong { max: 4_000 });
        check("x\n".repeat(201), InvalidText::TooManyLines { max: 200 });
        assert!(MessageText::parse(&"x\n".repeat(200)).is_ok());
        assert_eq!(
            StatusText::parse(&"x".repeat(121)).unwrap_err(),
            InvalidText::TooLong { max: 120 }
        );
    }

    #[test]
    fn capital_and_small_letters_make_no_other_group() {
        assert!(same_group("ÄPFEL und Birnen", "äpfel UND birnen"));
        assert!(!same_group("Apfel", "Äpfel") && !same_group("", "x"));
    }

    #[test]
    fn a_line_has_no_breaks_and_no_text_in_its_debug_form() {
        let line = StatusText::parse(" at\nlunch\t").unwrap();
        assert_eq!(line.as_str(), "at lunch");
        assert!(!format!("{line:?}").contains("lunch"));
    }
}
