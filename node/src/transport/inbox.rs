//! Datagrams that the system has handed over, until QUIC takes them.
//!
//! The system may put several into one piece, one behind the other, when they come from one router.
//! They are of many clients, and QUIC knows one address for each piece, so they are taken apart here.

use std::io::{self, IoSliceMut};

use quinn::udp::{BATCH_SIZE, RecvMeta};

/// Bytes of the largest piece that the system makes.
const PIECE: usize = 64 * 1024;

pub(super) struct Inbox {
    /// Takes memory only where something was ever written.
    space: Box<[u8]>,
    metas: [RecvMeta; BATCH_SIZE],
    filled: usize,
    /// The piece that is taken apart, and how much of it is.
    piece: usize,
    at: usize,
}

impl Inbox {
    pub(super) fn new() -> Self {
        Self {
            space: vec![0; PIECE * BATCH_SIZE].into_boxed_slice(),
            metas: [RecvMeta::default(); BATCH_SIZE],
            filled: 0,
            piece: 0,
            at: 0,
        }
    }

    /// The next datagram, with what is known about its piece.
    pub(super) fn next(&mut self) -> Option<(&[u8], RecvMeta)> {
        while self.piece < self.filled {
            let meta = self.metas[self.piece];
            let start = self.at;
            if meta.len <= start {
                self.piece += 1;
                self.at = 0;
                continue;
            }
            self.at = meta.len.min(start + meta.stride.max(1));
            let piece = self.piece * PIECE;
            return Some((&self.space[piece + start..piece + self.at], meta));
        }
        None
    }

    /// Reads more with `receive`, which gets the pieces and says how many it has filled. All that was
    /// there must have been taken.
    pub(super) fn fill(
        &mut self,
        receive: impl FnOnce(&mut [IoSliceMut<'_>], &mut [RecvMeta]) -> io::Result<usize>,
    ) -> io::Result<()> {
        (self.filled, self.piece, self.at) = (0, 0, 0);
        let mut pieces = self.space.chunks_exact_mut(PIECE).map(IoSliceMut::new);
        let mut pieces: [IoSliceMut<'_>; BATCH_SIZE] =
            std::array::from_fn(|_| pieces.next().unwrap_or_else(|| IoSliceMut::new(&mut [])));
        self.filled = receive(&mut pieces, &mut self.metas)?.min(BATCH_SIZE);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(pieces: &[(&[u8], usize)]) -> Inbox {
        let mut inbox = Inbox::new();
        let receive = |bufs: &mut [IoSliceMut<'_>], metas: &mut [RecvMeta]| {
            for (index, (bytes, stride)) in pieces.iter().enumerate() {
                bufs[index][..bytes.len()].copy_from_slice(bytes);
                metas[index].len = bytes.len();
                metas[index].stride = *stride;
            }
            Ok(pieces.len())
        };
        inbox.fill(receive).unwrap();
        inbox
    }

    fn taken(inbox: &mut Inbox) -> Vec<Vec<u8>> {
        let mut all = Vec::new();
        while let Some((datagram, _)) = inbox.next() {
            all.push(datagram.to_vec());
        }
        all
    }

    #[test]
    fn a_piece_of_several_datagrams_is_taken_apart() {
        let mut inbox = filled(&[(b"aabbc", 2), (b"", 0), (b"dddd", 4), (b"ee", 9)]);
        assert_eq!(taken(&mut inbox), [&b"aa"[..], b"bb", b"c", b"dddd", b"ee"]);
        assert!(inbox.next().is_none());
    }

    #[test]
    fn what_could_not_be_read_leaves_nothing_behind() {
        let mut inbox = filled(&[(b"old", 3)]);
        let broken = inbox.fill(|_, _| Err(io::ErrorKind::WouldBlock.into()));
        assert!(broken.is_err());
        assert!(inbox.next().is_none());
    }

    #[test]
    fn the_largest_piece_fits_everywhere() {
        let large = vec![7; PIECE];
        let mut inbox = filled(&vec![(large.as_slice(), PIECE); BATCH_SIZE]);
        assert_eq!(taken(&mut inbox).len(), BATCH_SIZE);
    }
}
