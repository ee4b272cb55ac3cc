//! Frames over QUIC streams.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use quinn::{RecvStream, SendStream};
use thrive_protocol::frame::{self, FrameError};
use tokio::time::timeout;

/// Reading in pieces of this size; a larger frame is put together from several.
const CHUNK: usize = 16 * 1024;

pub struct Framed {
    stream: RecvStream,
    buffer: BytesMut,
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The peer has ended the stream between two frames.
    #[error("end of the stream")]
    End,
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error("the stream broke")]
    Broken,
}

impl Framed {
    #[must_use]
    pub fn new(stream: RecvStream) -> Self {
        Self { stream, buffer: BytesMut::new() }
    }

    /// The next whole frame, of at most `max` bytes. Cancel-safe: what was read stays.
    ///
    /// # Errors
    /// The stream ends or breaks, or the peer announces more than `max`.
    pub async fn next(&mut self, max: usize) -> Result<Bytes, ReadError> {
        loop {
            if let Some(body) = frame::take(&mut self.buffer, max)? {
                if self.buffer.is_empty() {
                    // Let go of the memory: an idle connection holds no buffer.
                    self.buffer = BytesMut::new();
                }
                return Ok(body);
            }
            match self.stream.read_chunk(CHUNK, true).await {
                Ok(Some(chunk)) => self.buffer.extend_from_slice(&chunk.bytes),
                Ok(None) if self.buffer.is_empty() => return Err(ReadError::End),
                Ok(None) | Err(_) => return Err(ReadError::Broken),
            }
        }
    }
}

impl Framed {
    /// What comes behind the frames, piece by piece, as it is.
    ///
    /// # Errors
    /// The peer has ended the stream, or it broke.
    pub async fn raw(&mut self) -> Result<Bytes, ReadError> {
        if !self.buffer.is_empty() {
            return Ok(std::mem::take(&mut self.buffer).freeze());
        }
        match self.stream.read_chunk(CHUNK, true).await {
            Ok(Some(chunk)) => Ok(chunk.bytes),
            Ok(None) => Err(ReadError::End),
            Err(_) => Err(ReadError::Broken),
        }
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
pub enum WriteError {
    #[error("the peer takes no more")]
    Gone,
    #[error("nothing could be written for too long")]
    Stalled,
}

/// Writes whole frames, and empties `frames`. A peer may be slow, but not stand still for `stall`.
///
/// # Errors
/// The stream is of no further use.
pub async fn write_frames(
    stream: &mut SendStream,
    frames: &mut Vec<Bytes>,
    stall: Duration,
) -> Result<(), WriteError> {
    let mut left = &mut frames[..];
    while !left.is_empty() {
        let written = timeout(stall, stream.write_chunks(left)).await;
        let written = written.map_err(|_| WriteError::Stalled)?.map_err(|_| WriteError::Gone)?;
        left = &mut left[written.chunks..];
    }
    frames.clear();
    Ok(())
}
