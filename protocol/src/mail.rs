//! E-mail: addresses, the codes that are sent to them, and what is asked and answered about both.
//!
//! Addresses and codes travel as [`Secret`]s, so that none reaches a log by way of `{:?}`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::limits::{CODE_CHARS, EMAIL_BYTES};
use crate::secret::Secret;

/// A new code for an account that is not verified yet.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResendCode {
    pub username: String,
}

/// The code that a new account got by mail.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct VerifyAccount {
    pub username: String,
    pub code: Secret,
}

/// A code for another password, to whoever has forgotten theirs.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RequestReset {
    /// A user name, or an address of e-mail.
    pub account: Secret,
}

/// Another password, by the code that was asked for with [`RequestReset`].
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ResetPassword {
    pub username: String,
    pub code: Secret,
    pub password: Secret,
}

/// Another address for my account. It counts once the code that is sent to it has come back.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ChangeEmail {
    pub email: Secret,
    /// Mine: whoever has only found my device must not have the way to a new password.
    pub password: Secret,
}

/// The address of my account, with most of it hidden.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct EmailShown {
    /// Absent: the account has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// The one that waits for its code.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changing_to: Option<String>,
}

/// An address of e-mail: ASCII, one `@`, a domain with a dot. `Debug` shows nothing of it.
// Invariant: holds only what `parse` accepted, so it can stand in a header of a mail as it is.
#[derive(Clone, Eq, PartialEq)]
pub struct EmailAddress(Box<str>);

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("an e-mail address looks like ann@example.org")]
pub struct InvalidEmail;

impl EmailAddress {
    /// Checks what a person typed. Spaces around it are theirs to lose.
    ///
    /// # Errors
    /// No mail could be sent there.
    pub fn parse(raw: &str) -> Result<Self, InvalidEmail> {
        let raw = raw.trim();
        let (local, domain) = raw.rsplit_once('@').ok_or(InvalidEmail)?;
        let fits = raw.len() <= EMAIL_BYTES
            && (1..=LOCAL).contains(&local.len())
            && local.split('.').all(|part| !part.is_empty() && part.bytes().all(is_atom))
            && domain.contains('.')
            && domain.split('.').all(is_label);
        if fits { Ok(Self(raw.into())) } else { Err(InvalidEmail) }
    }

    /// As it was typed: where a mail goes.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What two ways of writing one address have in common.
    #[must_use]
    pub fn folded(&self) -> String {
        self.0.to_ascii_lowercase()
    }

    /// Enough for its owner to know it, and for nobody to write to it: `a***@example.org`.
    #[must_use]
    pub fn masked(&self) -> String {
        let (local, domain) = self.0.rsplit_once('@').unwrap_or_default();
        let first: String = local.chars().take(1).collect();
        format!("{first}***@{domain}")
    }
}

impl fmt::Debug for EmailAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EmailAddress(***)")
    }
}

/// Bytes before the `@`, as mail servers have it.
const LOCAL: usize = 64;
/// Bytes of a part of a domain.
const LABEL: usize = 63;

fn is_atom(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte)
}

fn is_label(label: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=LABEL).contains(&label.len())
        && label.bytes().all(plain)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// A code as it is compared: what a person typed, without spaces and hyphens, in capitals. `None` when
/// it can be no code.
#[must_use]
pub fn typed_code(raw: &Secret) -> Option<Secret> {
    let marks = raw.expose().chars().filter(|c| !c.is_whitespace() && *c != '-');
    let code: String = marks.map(|c| c.to_ascii_uppercase()).take(CODE_CHARS + 1).collect();
    let code = Secret::new(code);
    let fits = code.expose().chars().count() == CODE_CHARS
        && code.expose().bytes().all(|byte| CODE_ALPHABET.contains(&byte));
    fits.then_some(code)
}

/// What codes are made of: 32 marks, none of which looks like another (no I, O, 0, 1).
pub const CODE_ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_trimmed_and_compared_without_regard_to_capitals() {
        let typed = EmailAddress::parse(" Ann.B+chat@Example.ORG ").unwrap();
        assert_eq!(typed.as_str(), "Ann.B+chat@Example.ORG");
        assert_eq!(typed.folded(), "ann.b+chat@example.org");
    }

    #[test]
    fn what_could_be_something_else_in_a_mail_is_no_address() {
        let long = format!("{}@example.org", "a".repeat(65));
        for raw in [
            "",
            "ann",
            "@example.org",
            "ann@",
            "ann@localhost",
            "ann@example..org",
            "ann@-example.org",
            "ann@exam ple.org",
            "a nn@example.org",
            "ann@@example.org",
            ".ann@example.org",
            "ann@example.org\r\nBcc: eve@example.org",
            "Ann <ann@example.org>",
            "ann@example.org, eve@example.org",
            "änn@example.org",
            long.as_str(),
        ] {
            assert_eq!(EmailAddress::parse(raw), Err(InvalidEmail), "{raw:?}");
        }
    }

    #[test]
    fn an_address_is_shown_so_that_only_its_owner_knows_it_and_prints_as_nothing() {
        let address = EmailAddress::parse("ann@example.org").unwrap();
        assert_eq!(address.masked(), "a***@example.org");
        assert!(!format!("{address:?}").contains("ann"));
    }

    #[test]
    fn a_code_is_taken_as_people_type_it() {
        let typed = |raw: &str| typed_code(&Secret::new(raw.into()));
        let code = Secret::new("K7QMR2XP".into());
        for raw in ["K7QMR2XP", "k7qm-r2xp", " K7QM R2XP\n"] {
            assert_eq!(typed(raw), Some(code.clone()), "{raw:?}");
        }
        for raw in ["", "K7QMR2X", "K7QMR2XPP", "K7QMR2X0", "K7QMR2XÄ", &"K".repeat(5_000)] {
            assert_eq!(typed(raw), None, "{raw:?}");
        }
    }
}
