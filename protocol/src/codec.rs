//! One typed CBOR value in the body of one frame.
//!
//! Decoding is strict about what ciborium lets pass: the whole slice must be used, and nesting is
//! limited. It goes into types, never into a tree of values, so that memory stays bounded by the frame.

use bytes::{BufMut, Bytes, BytesMut};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::frame::HEADER;
use crate::limits::DEPTH;

#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum DecodeError {
    #[error("not the CBOR value that is expected here: {0}")]
    Malformed(Box<str>),
    #[error("{0} bytes after the value")]
    Trailing(usize),
}

/// Reads one value that fills all of `body`.
///
/// # Errors
/// The bytes are not that value, nest too deeply, or go on after it.
pub fn decode<T: DeserializeOwned>(mut body: &[u8]) -> Result<T, DecodeError> {
    let value = ciborium::de::from_reader_with_recursion_limit(&mut body, DEPTH)
        .map_err(|error| DecodeError::Malformed(without_content(error)))?;
    match body.len() {
        0 => Ok(value),
        left => Err(DecodeError::Trailing(left)),
    }
}

/// Says what is wrong without repeating what the peer sent: an error may be logged, and a password that
/// came as a number must not be in it.
fn without_content(error: ciborium::de::Error<impl std::fmt::Debug>) -> Box<str> {
    use ciborium::de::Error;

    match error {
        Error::Io(_) => "it ends too early".into(),
        Error::Syntax(offset) => format!("no CBOR at byte {offset}").into(),
        Error::RecursionLimitExceeded => "it nests too deeply".into(),
        // Those that name one of our own fields, or count.
        Error::Semantic(_, words)
            if ["missing field", "duplicate field", "invalid length"]
                .iter()
                .any(|start| words.starts_with(start)) =>
        {
            words.into()
        }
        // "invalid type: integer `12`, expected str": the middle is the peer's.
        Error::Semantic(_, words) => match words.rfind(", expected ") {
            Some(ours) => format!("something else than {}", &words[ours + 11..]).into(),
            None => "a value out of its range".into(),
        },
    }
}

/// Writes one value, with the length of its frame before it.
///
/// # Panics
/// Never for the types of this crate: their encoding cannot fail, and the writer is memory.
pub fn encode_framed<T: Serialize>(value: &T) -> Bytes {
    let mut framed = BytesMut::with_capacity(256);
    framed.put_u32(0);
    let mut writer = framed.writer();
    ciborium::into_writer(value, &mut writer).expect("our types encode into memory");
    let mut framed = writer.into_inner();
    let len = (framed.len() - HEADER) as u32;
    framed[..HEADER].copy_from_slice(&len.to_be_bytes());
    framed.freeze()
}

/// Writes one value without a frame.
///
/// # Panics
/// Never, as [`encode_framed`].
#[must_use]
pub fn encode<T: Serialize>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(128);
    ciborium::into_writer(value, &mut bytes).expect("our types encode into memory");
    bytes
}
