//! One frame: a `u32` big-endian length and that many bytes of body.
//!
//! Knows nothing about the body. The limit is checked on the length alone, before anything is
//! buffered for it.

use bytes::{Buf, BufMut, Bytes, BytesMut};

/// Bytes of the length that starts each frame.
pub const HEADER: usize = 4;

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum FrameError {
    #[error("frame of {len} bytes, limit is {max}")]
    TooLong { len: usize, max: usize },
    #[error("empty frame")]
    Empty,
}

/// Takes the first whole frame off `buffer`, or nothing when more bytes are needed.
///
/// # Errors
/// The announced length is zero or over `max`; the stream is of no further use then.
pub fn take(buffer: &mut BytesMut, max: usize) -> Result<Option<Bytes>, FrameError> {
    let Some(header) = buffer.first_chunk::<HEADER>() else { return Ok(None) };
    let len = checked(*header, max)?;
    if buffer.len() - HEADER < len {
        return Ok(None);
    }
    buffer.advance(HEADER);
    Ok(Some(buffer.split_to(len).freeze()))
}

/// The length that a header announces.
///
/// # Errors
/// It is zero or over `max`.
pub fn checked(header: [u8; HEADER], max: usize) -> Result<usize, FrameError> {
    let len = u32::from_be_bytes(header) as usize;
    match len {
        0 => Err(FrameError::Empty),
        _ if max < len => Err(FrameError::TooLong { len, max }),
        _ => Ok(len),
    }
}

/// Puts a body into a frame.
#[must_use]
pub fn wrap(body: &[u8]) -> Bytes {
    let mut framed = BytesMut::with_capacity(HEADER + body.len());
    framed.put_u32(body.len() as u32);
    framed.put_slice(body);
    framed.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_comes_out_as_it_went_in_however_it_is_cut() {
        let bytes = [wrap(b"one"), wrap(b"four")].concat();
        for cut in 0..bytes.len() {
            let mut buffer = BytesMut::from(&bytes[..cut]);
            let mut bodies = Vec::new();
            while let Some(body) = take(&mut buffer, 10).unwrap() {
                bodies.push(body);
            }
            buffer.extend_from_slice(&bytes[cut..]);
            while let Some(body) = take(&mut buffer, 10).unwrap() {
                bodies.push(body);
            }
            assert_eq!(bodies, [&b"one"[..], b"four"], "cut at {cut}");
        }
    }

    #[test]
    fn a_long_length_is_refused_before_its_bytes_arrive() {
        let mut buffer = BytesMut::from(&[0xff, 0xff, 0xff, 0xff][..]);
        assert_eq!(take(&mut buffer, 64), Err(FrameError::TooLong { len: 0xffff_ffff, max: 64 }));
    }

    #[test]
    fn an_empty_frame_is_refused() {
        assert_eq!(take(&mut BytesMut::from(&[0; 4][..]), 64), Err(FrameError::Empty));
    }
}
