//! Frames over QUIC streams: lengths and limits, nothing of what is in them.

use bytes::{Bytes, BytesMut};
use quinn::RecvStream;
use thrive_protocol::frame::{self, FrameError};

/// Bytes taken from the stream at once.
const CHUNK: usize = 16 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum WireError {
    #[error(transparent)]
    Frame(#[from] FrameError),
    #[error(transparent)]
    Read(#[from] quinn::ReadError),
    #[error("the stream ended within a frame")]
    Cut,
}

/// Takes whole frames off a stream. Dropping [`Self::next`] loses nothing.
#[derive(Debug)]
pub(crate) struct FrameReader {
    stream: RecvStream,
    buffer: BytesMut,
    max: usize,
}

impl FrameReader {
    pub(crate) fn new(stream: RecvStream, max: usize) -> Self {
        Self { stream, buffer: BytesMut::new(), max }
    }

    /// From now on frames may be this long.
    pub(crate) fn allow(&mut self, max: usize) {
        self.max = max;
    }

    /// What comes behind the frames, piece by piece, as it is; `None` at the end.
    pub(crate) async fn raw(&mut self) -> Result<Option<Bytes>, WireError> {
        if !self.buffer.is_empty() {
            return Ok(Some(std::mem::take(&mut self.buffer).freeze()));
        }
        Ok(self.stream.read_chunk(CHUNK, true).await?.map(|chunk| chunk.bytes))
    }

    /// The next frame; `None` when the stream ended after a whole one.
    pub(crate) async fn next(&mut self) -> Result<Option<Bytes>, WireError> {
        loop {
            if let Some(body) = frame::take(&mut self.buffer, self.max)? {
                return Ok(Some(body));
            }
            match self.stream.read_chunk(CHUNK, true).await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk.bytes),
                None if self.buffer.is_empty() => return Ok(None),
                None => return Err(WireError::Cut),
            }
        }
    }
}
