//! Session tokens: 256 random bits that the device keeps, and the hash that the store keeps.

use data_encoding::BASE32_NOPAD;
use sha2::{Digest as _, Sha256};
use thrive_protocol::secret::Secret;

use crate::random;

/// A new token.
pub(super) struct Token([u8; 32]);

impl Token {
    pub(super) fn fresh() -> Self {
        Self(random::bytes())
    }

    /// What the device gets. The prefix lets scanners find a token that was published by accident.
    pub(super) fn text(&self) -> Secret {
        let mut text = BASE32_NOPAD.encode(&self.0);
        text.make_ascii_lowercase();
        text.insert_str(0, PREFIX);
        Secret::new(text)
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// The code of an invitation: 80 random bits, in groups that a person can read out.
pub(super) struct Invitation([u8; 10]);

impl Invitation {
    pub(super) fn fresh() -> Self {
        Self(random::bytes())
    }

    /// `k7wm-4f2p-9cxt-h3ra`
    pub(super) fn text(&self) -> Secret {
        let mut digits = BASE32_NOPAD.encode(&self.0);
        digits.make_ascii_lowercase();
        for place in [12, 8, 4] {
            digits.insert(place, '-');
        }
        Secret::new(digits)
    }

    pub(super) fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0).into()
    }
}

/// The hash of the code of an invitation, however it was typed; `None` when it can be none of ours.
pub(super) fn hash_of_invitation(text: &Secret) -> Option<[u8; 32]> {
    let digits: String = text.expose().chars().filter(char::is_ascii_alphanumeric).collect();
    let bytes = BASE32_NOPAD.decode(digits.to_ascii_uppercase().as_bytes()).ok()?;
    let bytes: [u8; 10] = bytes.try_into().ok()?;
    Some(Sha256::digest(bytes).into())
}

/// The hash of a token that a device sent; `None` when it can be no token of ours.
pub(super) fn hash_of(text: &Secret) -> Option<[u8; 32]> {
    let digits = text.expose().strip_prefix(PREFIX)?;
    if digits.len() != DIGITS {
        return None;
    }
    let bytes = BASE32_NOPAD.decode(digits.to_ascii_uppercase().as_bytes()).ok()?;
    Some(Sha256::digest(bytes).into())
}

const PREFIX: &str = "thr1_";
/// 256 bits, five to a digit.
const DIGITS: usize = 52;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_invitation_is_known_however_its_code_is_typed() {
        let code = Invitation::fresh();
        let text = code.text().expose().to_owned();
        assert_eq!(text.len(), 19);
        for typed in [text.clone(), text.to_uppercase(), text.replace('-', " ")] {
            assert_eq!(hash_of_invitation(&Secret::new(typed)), Some(code.hash()));
        }
        for wrong in ["", "k7wm", &format!("{text}a"), &text[1..]] {
            assert_eq!(hash_of_invitation(&Secret::new(wrong.to_owned())), None);
        }
    }

    #[test]
    fn a_token_is_known_by_its_text_and_by_nothing_else() {
        let token = Token::fresh();
        let text = token.text();
        assert_eq!(hash_of(&text), Some(token.hash()));
        assert_ne!(Token::fresh().hash(), token.hash());
        let raw = text.expose();
        for wrong in [&raw[1..], &raw[..raw.len() - 1], "", "thr1_", &format!("{raw}a")] {
            assert_eq!(hash_of(&Secret::new(wrong.to_owned())), None);
        }
    }
}
