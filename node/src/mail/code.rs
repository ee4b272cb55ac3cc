//! A code that fits into an ear and an eye: eight marks, none of which looks like another.

use thrive_protocol::limits::CODE_CHARS;
use thrive_protocol::mail::CODE_ALPHABET;
use thrive_protocol::secret::Secret;

use crate::random;

pub(super) fn fresh() -> Secret {
    let marks = random::bytes::<CODE_CHARS>().map(|byte| {
        // 32 marks, so that each is as likely as the others.
        char::from(CODE_ALPHABET[usize::from(byte) % CODE_ALPHABET.len()])
    });
    Secret::new(marks.iter().collect())
}

/// In two halves, as it is read aloud.
pub(super) fn in_halves(code: &Secret) -> String {
    let (first, second) = code.expose().split_at(CODE_CHARS / 2);
    format!("{first}-{second}")
}

#[cfg(test)]
mod tests {
    use thrive_protocol::mail::typed_code;

    use super::*;

    #[test]
    fn a_code_as_it_is_written_is_the_code_and_no_two_are_the_same() {
        let code = fresh();
        assert_eq!(typed_code(&Secret::new(in_halves(&code))), Some(code.clone()));
        assert_eq!(in_halves(&code).len(), CODE_CHARS + 1);
        assert_ne!(fresh(), code);
    }
}
