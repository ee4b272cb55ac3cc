//! Connection ids with any lengths of server id and nonce, as draft-ietf-quic-load-balancers-21 has them:
//! in the clear, one block of AES, or four passes over two halves.
//!
//! Our own servers use the one form that [`Codec`](super::Codec) writes. The others serve balancers that
//! somebody else makes, and hold our understanding of the draft against its test vectors.

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};

use super::LAST_CONFIG;

/// Server id and nonce together have at most so many octets.
pub const LONGEST: usize = 19;
/// A nonce has at least so many octets.
pub const SHORTEST_NONCE: usize = 4;

/// One configuration of the draft. The first octet always tells the length of what follows.
#[derive(Clone)]
pub struct Layout {
    config: u8,
    server_id: usize,
    nonce: usize,
    cipher: Option<Aes128>,
}

impl Layout {
    /// Lengths in octets. Without a key, connection ids are in the clear. `None` when the draft has no
    /// such configuration.
    #[must_use]
    pub fn new(config: u8, server_id: usize, nonce: usize, key: Option<&[u8; 16]>) -> Option<Self> {
        let fits = config <= LAST_CONFIG
            && 0 < server_id
            && SHORTEST_NONCE <= nonce
            && server_id.saturating_add(nonce) <= LONGEST;
        let cipher = key.map(|key| Aes128::new(&Array::from(*key)));
        fits.then_some(Self { config, server_id, nonce, cipher })
    }

    /// `None` when the lengths are not those of the configuration.
    #[must_use]
    pub fn encode(&self, server_id: &[u8], nonce: &[u8]) -> Option<Vec<u8>> {
        if server_id.len() != self.server_id || nonce.len() != self.nonce {
            return None;
        }
        let plain = [server_id, nonce].concat();
        let body = match &self.cipher {
            None => plain,
            Some(cipher) => match <[u8; BLOCK]>::try_from(plain.as_slice()) {
                Ok(block) => {
                    let mut block = Array::from(block);
                    cipher.encrypt_block(&mut block);
                    block.to_vec()
                }
                Err(_) => four_passes(cipher, &plain),
            },
        };
        let first = self.config << 5 | body.len() as u8;
        Some([&[first], body.as_slice()].concat())
    }

    /// The server id; `None` for a connection id of another configuration or length.
    #[must_use]
    pub fn decode(&self, cid: &[u8]) -> Option<Vec<u8>> {
        let (&first, body) = cid.split_first()?;
        let length = self.server_id + self.nonce;
        if body.len() != length || first != (self.config << 5 | length as u8) {
            return None;
        }
        let mut plain = match &self.cipher {
            None => body.to_vec(),
            Some(cipher) => match <[u8; BLOCK]>::try_from(body) {
                Ok(block) => {
                    let mut block = Array::from(block);
                    cipher.decrypt_block(&mut block);
                    block.to_vec()
                }
                Err(_) => back_again(cipher, body, self.server_id),
            },
        };
        plain.truncate(self.server_id);
        Some(plain)
    }
}

const BLOCK: usize = 16;

/// Two halves that overlap in one octet when the length is odd; then the left one owns the upper four
/// bits of that octet, and the right one the lower four.
struct Halves {
    left: Vec<u8>,
    right: Vec<u8>,
    length: usize,
}

impl Halves {
    fn of(octets: &[u8]) -> Self {
        let length = octets.len();
        let half = length.div_ceil(2);
        let mut halves =
            Self { left: octets[..half].to_vec(), right: octets[length - half..].to_vec(), length };
        halves.clear_what_is_not_theirs();
        halves
    }

    /// Mixes the left half into the right one, or the other way around.
    fn pass(&mut self, cipher: &Aes128, number: u8) {
        let into_right = number % 2 == 1;
        let (from, into) =
            if into_right { (&self.left, &mut self.right) } else { (&self.right, &mut self.left) };
        let mut block = [0; BLOCK];
        block[..from.len()].copy_from_slice(from);
        // At most ten octets are before these two, so they are never overwritten.
        block[BLOCK - 2] = self.length as u8;
        block[BLOCK - 1] = number;
        let mut block = Array::from(block);
        cipher.encrypt_block(&mut block);
        for (octet, mask) in into.iter_mut().zip(block) {
            *octet ^= mask;
        }
        self.clear_what_is_not_theirs();
    }

    fn clear_what_is_not_theirs(&mut self) {
        if self.length % 2 == 1 {
            if let Some(last) = self.left.last_mut() {
                *last &= 0xF0;
            }
            if let Some(first) = self.right.first_mut() {
                *first &= 0x0F;
            }
        }
    }

    fn joined(mut self) -> Vec<u8> {
        if self.length % 2 == 1
            && let Some(middle) = self.left.pop()
            && let Some(first) = self.right.first_mut()
        {
            *first |= middle;
        }
        self.left.extend(self.right);
        self.left
    }
}

fn four_passes(cipher: &Aes128, plain: &[u8]) -> Vec<u8> {
    let mut halves = Halves::of(plain);
    for number in 1..=4 {
        halves.pass(cipher, number);
    }
    halves.joined()
}

/// Three passes lay the left half open, which is enough where it holds the whole server id.
fn back_again(cipher: &Aes128, body: &[u8], server_id: usize) -> Vec<u8> {
    let mut halves = Halves::of(body);
    for number in [4, 3, 2] {
        halves.pass(cipher, number);
    }
    if body.len() / 2 < server_id {
        halves.pass(cipher, 1);
    }
    halves.joined()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
        (0..hex.len()).step_by(2).map(pair).collect()
    }

    fn key(hex: &str) -> [u8; 16] {
        octets(hex).try_into().unwrap()
    }

    fn holds(config: u8, key: Option<&[u8; 16]>, server_id: &str, nonce: &str, cid: &str) {
        let (server_id, nonce) = (octets(server_id), octets(nonce));
        let layout = Layout::new(config, server_id.len(), nonce.len(), key).unwrap();
        assert_eq!(layout.encode(&server_id, &nonce), Some(octets(cid)));
        assert_eq!(layout.decode(&octets(cid)), Some(server_id));
    }

    #[test]
    fn the_vectors_of_the_draft_in_the_clear() {
        holds(0, None, "c4605e", "4504cc4f", "07c4605e4504cc4f");
        // Printed with an odd number of digits: the zero of the nonce stands in the first octet there.
        holds(1, None, "350d28b420", "03487d970b", "2a350d28b42003487d970b");
    }

    #[test]
    fn the_encrypted_vectors_of_the_draft() {
        let key = key("8f95f09245765f80256934e50c66207f");
        let holds =
            |config, server_id, nonce, cid| holds(config, Some(&key), server_id, nonce, cid);
        holds(0, "ed793a", "ee080dbf", "0720b1d07b359d3c");
        holds(1, "ed793a51d49b8f5fab65", "ee080dbf48", "2fcc381bc74cb4fbad2823a3d1f8fed2");
        holds(2, "ed793a51d49b8f5f", "ee080dbf48c0d1e5", "504dd2d05a7b0de9b2b9907afb5ecf8cc3");
        // Printed with 12 as the first octet, which is configuration 0; the vector is of configuration 3.
        holds(
            3,
            "ed793a51d49b8f5fab",
            "ee080dbf48c0d1e55d",
            "725779c9cc86beb3a3a4a3ca96fce4bfe0cdbc",
        );
    }

    #[test]
    fn the_example_that_the_draft_works_through() {
        let key = key("fdf726a9893ec05c0632d3956680baf0");
        holds(0, Some(&key), "31441a", "9c69c275", "0767947d29be054a");
    }

    #[test]
    fn the_form_of_our_own_servers_is_the_single_pass_of_the_draft() {
        let key = key("8f95f09245765f80256934e50c66207f");
        let server = super::super::ServerId::from_bits(0xed79_3a51).unwrap();
        let nonce = octets("d49b8f5fee080dbf48c0d1e5").try_into().unwrap();
        let cid = octets("504dd2d05a7b0de9b2b9907afb5ecf8cc3");
        let codec = super::super::Codec::new(2, &key);
        assert_eq!(codec.encode(server, nonce)[..], cid);
        assert_eq!(codec.decode(&cid), Some(server));
    }

    #[test]
    fn there_is_no_configuration_beyond_the_draft() {
        let there =
            |config, server_id, nonce| Layout::new(config, server_id, nonce, None).is_some();
        assert!(there(6, 1, 4) && there(0, 15, 4) && there(0, 8, 11));
        assert!(!there(7, 1, 4) && !there(0, 0, 8) && !there(0, 4, 3) && !there(0, 16, 4));
        assert!(!there(0, usize::MAX, 4));
    }

    #[test]
    fn other_lengths_and_configurations_are_not_read() {
        let layout = Layout::new(3, 8, 10, None).unwrap();
        let cid = layout.encode(&[1; 8], &[2; 10]).unwrap();
        assert_eq!(layout.decode(&cid), Some(vec![1; 8]));
        assert_eq!(layout.decode(&cid[..18]), None);
        assert_eq!(layout.decode(&[]), None);
        assert_eq!(Layout::new(2, 8, 10, None).unwrap().decode(&cid), None);
        assert_eq!(layout.encode(&[1; 7], &[2; 10]), None);
        assert_eq!(layout.encode(&[1; 8], &[2; 11]), None);
    }

    proptest! {
        #[test]
        fn every_server_id_is_read_back_in_every_layout(
            config in 0..=LAST_CONFIG, server_id in prop::collection::vec(any::<u8>(), 1..=15),
            nonce in prop::collection::vec(any::<u8>(), 4..=18), key: Option<[u8; 16]>,
        ) {
            prop_assume!(server_id.len() + nonce.len() <= LONGEST);
            let layout = Layout::new(config, server_id.len(), nonce.len(), key.as_ref()).unwrap();
            let cid = layout.encode(&server_id, &nonce).unwrap();
            prop_assert_eq!(layout.decode(&cid), Some(server_id));
        }

        #[test]
        fn no_octets_are_fatal(
            server_id in 1..=15_usize, nonce in 4..=18_usize, key: [u8; 16],
            octets in prop::collection::vec(any::<u8>(), 0..40),
        ) {
            if let Some(layout) = Layout::new(1, server_id, nonce, Some(&key)) {
                let _whatever = layout.decode(&octets);
            }
        }
    }
}
