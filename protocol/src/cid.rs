//! The connection ids that servers give out, and the number of the server in them.
//!
//! Between our own servers: clients take these octets as they are. The form is that of
//! draft-ietf-quic-load-balancers-21 with a server id of 4 octets and a nonce of 12, so that both fill
//! one AES block:
//!
//! ```text
//! octet 0      : number of the configuration (3 bits, 0 to 6), and the length of what follows, 16 (5 bits)
//! octets 1..17 : AES-128 of one block
//! block 0..4   : server id, big-endian: lease (24 bits), worker (8 bits); never 0
//! block 4..16  : nonce, which no two connection ids of one server may share
//! ```
//!
//! The other forms of the draft are in [`quic_lb`].

use aes::Aes128;
use aes::cipher::{Array, BlockCipherDecrypt as _, BlockCipherEncrypt as _, KeyInit as _};

pub mod quic_lb;

/// Octets of each connection id of ours.
pub const LEN: usize = 17;
/// Octets of the nonce in each.
pub const NONCE: usize = 12;
/// The configuration that is used where nothing else is said.
pub const DEFAULT_CONFIG: u8 = 1;
/// The highest number of a configuration. The one above it says that a connection id carries no server.
pub const LAST_CONFIG: u8 = 6;

/// One socket of one node: the lease that the node holds, and which of its workers it is.
// Invariant: the lease is not 0, so the id is not 0 either.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct ServerId(u32);

impl ServerId {
    /// The highest number of a lease.
    pub const LAST_LEASE: u32 = 0x00FF_FFFF;

    /// Worker 0 is the socket that clients dial directly, the others are behind routers. `None` when
    /// the lease is 0 or has more than 24 bits.
    #[must_use]
    pub const fn new(lease: u32, worker: u8) -> Option<Self> {
        if lease == 0 || Self::LAST_LEASE < lease {
            return None;
        }
        Some(Self(lease << 8 | worker as u32))
    }

    /// As it stands in a connection id.
    #[must_use]
    pub const fn from_bits(bits: u32) -> Option<Self> {
        Self::new(bits >> 8, (bits & 0xFF) as u8)
    }

    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }

    #[must_use]
    pub const fn lease(self) -> u32 {
        self.0 >> 8
    }

    #[must_use]
    pub const fn worker(self) -> u8 {
        (self.0 & 0xFF) as u8
    }
}

/// Writes and reads connection ids under one key.
#[derive(Clone)]
pub struct Codec {
    first: u8,
    cipher: Aes128,
}

impl Codec {
    /// # Panics
    /// `config` is over [`LAST_CONFIG`].
    #[must_use]
    pub fn new(config: u8, key: &[u8; 16]) -> Self {
        assert!(config <= LAST_CONFIG, "a configuration has a number from 0 to 6, not {config}");
        Self { first: config << 5 | BLOCK as u8, cipher: Aes128::new(&Array::from(*key)) }
    }

    /// `nonce` must be another one for each connection id of this server, for as long as the key lives.
    #[must_use]
    pub fn encode(&self, server: ServerId, nonce: [u8; NONCE]) -> [u8; LEN] {
        let mut block = [0; BLOCK];
        let (id, rest) = block.split_at_mut(BLOCK - NONCE);
        id.copy_from_slice(&server.0.to_be_bytes());
        rest.copy_from_slice(&nonce);
        let mut block = Array::from(block);
        self.cipher.encrypt_block(&mut block);
        let mut cid = [self.first; LEN];
        cid[1..].copy_from_slice(&block);
        cid
    }

    /// The server that made this connection id; `None` for one of another configuration or length, and
    /// for nearly every one that somebody made up: of 2^32 such ids about as many pass as there are leases.
    #[must_use]
    pub fn decode(&self, cid: &[u8]) -> Option<ServerId> {
        let (&first, block) = cid.split_first()?;
        let block: [u8; BLOCK] = block.try_into().ok()?;
        if first != self.first {
            return None;
        }
        let mut block = Array::from(block);
        self.cipher.decrypt_block(&mut block);
        ServerId::from_bits(u32::from_be_bytes(*block.first_chunk()?))
    }
}

/// Octets of one block of AES.
const BLOCK: usize = 16;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const KEY: [u8; 16] = [7; 16];

    #[test]
    fn a_server_id_has_a_lease_and_a_worker() {
        let id = ServerId::new(0x00AB_CDEF, 0x12).unwrap();
        assert_eq!((id.bits(), id.lease(), id.worker()), (0xABCD_EF12, 0x00AB_CDEF, 0x12));
        assert_eq!(ServerId::from_bits(0xABCD_EF12), Some(id));
    }

    #[test]
    fn there_is_no_server_without_a_lease() {
        for (lease, worker) in [(0, 0), (0, 7), (0x0100_0000, 0), (u32::MAX, 1)] {
            assert_eq!(ServerId::new(lease, worker), None);
        }
        assert_eq!(ServerId::from_bits(0xFF), None);
        let zero = Codec::new(1, &KEY).encode(ServerId(0), [3; NONCE]);
        assert_eq!(Codec::new(1, &KEY).decode(&zero), None);
    }

    #[test]
    fn the_first_octet_tells_the_configuration_and_the_length() {
        let id = ServerId::new(1, 1).unwrap();
        assert_eq!(Codec::new(0, &KEY).encode(id, [0; NONCE])[0], 0x10);
        assert_eq!(Codec::new(1, &KEY).encode(id, [0; NONCE])[0], 0x30);
        assert_eq!(Codec::new(LAST_CONFIG, &KEY).encode(id, [0; NONCE])[0], 0xD0);
    }

    #[test]
    fn the_configuration_without_servers_has_no_codec() {
        assert!(std::panic::catch_unwind(|| Codec::new(7, &KEY)).is_err());
    }

    #[test]
    fn what_others_made_is_read_by_nobody_else() {
        let id = ServerId::new(1, 1).unwrap();
        let codec = Codec::new(1, &KEY);
        let cid = codec.encode(id, [5; NONCE]);
        assert_eq!(codec.decode(&cid), Some(id));
        assert_eq!(Codec::new(2, &KEY).decode(&cid), None);
        assert_ne!(Codec::new(1, &[8; 16]).decode(&cid), Some(id));
        for length in 0..LEN {
            assert_eq!(codec.decode(&cid[..length]), None, "{length} octets");
        }
        assert_eq!(codec.decode(&[&cid[..], &[0]].concat()), None);
    }

    proptest! {
        #[test]
        fn every_server_is_read_back(
            key: [u8; 16], config in 0..=LAST_CONFIG, lease in 1..=ServerId::LAST_LEASE, worker: u8,
            nonce: [u8; NONCE],
        ) {
            let id = ServerId::new(lease, worker).unwrap();
            let codec = Codec::new(config, &key);
            prop_assert_eq!(codec.decode(&codec.encode(id, nonce)), Some(id));
        }

        #[test]
        fn no_octets_are_fatal(key: [u8; 16], octets in prop::collection::vec(any::<u8>(), 0..40)) {
            let _whatever = Codec::new(1, &key).decode(&octets);
        }
    }
}
