//! The secret that all nodes and routers of a cluster share, and the keys that are made of it.

use std::fmt;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, Zeroizing};

/// The content of the secret's file. Wiped when dropped, and never printed.
pub struct Secret(Zeroizing<Vec<u8>>);

/// Fewer octets than this are not taken for a secret.
pub const SHORTEST: usize = 32;

#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("the secret of a cluster has at least {SHORTEST} bytes; this one has {0}")]
pub struct TooShort(pub usize);

impl Secret {
    /// Every byte of the file counts, a newline at its end too.
    ///
    /// # Errors
    /// There are fewer than [`SHORTEST`] of them.
    pub fn new(bytes: Vec<u8>) -> Result<Self, TooShort> {
        let bytes = Zeroizing::new(bytes);
        if bytes.len() < SHORTEST { Err(TooShort(bytes.len())) } else { Ok(Self(bytes)) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("***")
    }
}

/// One key for each use, so that one that leaks tells nothing of the others. Wiped when dropped.
#[derive(Clone)]
pub struct Keys {
    /// Of the connection ids: [`Codec`](crate::cid::Codec).
    pub cid: [u8; 16],
    /// Of the headers between routers and nodes: [`EncapKey`](crate::encapsulation::EncapKey).
    pub encapsulation: [u8; 16],
    /// By which all routers choose the same node for a new connection, and strangers cannot tell which.
    pub rendezvous: [u8; 16],
    /// With which one node answers for the connections of another that is gone.
    pub reset: [u8; 32],
    /// Of the tokens that prove the address of a client.
    pub token: [u8; 32],
    /// Of the certificate, where nobody gave one.
    pub certificate: [u8; 32],
}

impl Keys {
    #[must_use]
    pub fn derive(secret: &Secret) -> Self {
        let source = Hkdf::<Sha256>::new(Some(SALT), &secret.0);
        Self {
            cid: key(&source, "connection id"),
            encapsulation: key(&source, "encapsulation"),
            rendezvous: key(&source, "rendezvous"),
            reset: key(&source, "stateless reset"),
            token: key(&source, "address token"),
            certificate: key(&source, "certificate"),
        }
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.cid.zeroize();
        self.encapsulation.zeroize();
        self.rendezvous.zeroize();
        self.reset.zeroize();
        self.token.zeroize();
        self.certificate.zeroize();
    }
}

/// Keeps these keys apart from whatever else somebody makes of the same bytes.
const SALT: &[u8] = b"thrive cluster 1";

fn key<const N: usize>(source: &Hkdf<Sha256>, label: &str) -> [u8; N] {
    let mut key = [0; N];
    source
        .expand(label.as_bytes(), &mut key)
        .expect("a key is shorter than HKDF's limit of 8160 bytes");
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(bytes: &[u8]) -> Keys {
        Keys::derive(&Secret::new(bytes.to_vec()).unwrap())
    }

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|octet| format!("{octet:02x}")).collect()
    }

    #[test]
    fn a_short_secret_is_none() {
        assert_eq!(Secret::new(vec![1; 31]).unwrap_err(), TooShort(31));
        assert!(Secret::new(vec![1; 32]).is_ok());
    }

    #[test]
    fn a_secret_does_not_print() {
        assert_eq!(format!("{:?}", Secret::new(vec![b'a'; 40]).unwrap()), "***");
    }

    #[test]
    fn each_key_is_another_one_and_every_byte_of_the_secret_counts() {
        let (one, two) = (keys(&[1; 32]), keys(&[1; 33]));
        let all = |keys: &Keys| {
            [
                keys.cid.to_vec(),
                keys.encapsulation.to_vec(),
                keys.rendezvous.to_vec(),
                keys.reset.to_vec(),
                keys.token.to_vec(),
                keys.certificate.to_vec(),
            ]
        };
        let mut every: Vec<_> = all(&one).into_iter().chain(all(&two)).collect();
        every.sort();
        every.dedup();
        assert_eq!(every.len(), 12);
    }

    // A node of another version must make the same keys, or the cluster falls apart.
    #[test]
    fn the_keys_of_a_secret_never_change() {
        let keys = keys(b"thirty-two bytes are long enough");
        let made = [
            hex(&keys.cid),
            hex(&keys.encapsulation),
            hex(&keys.rendezvous),
            hex(&keys.reset),
            hex(&keys.token),
            hex(&keys.certificate),
        ];
        assert_eq!(made, KNOWN);
    }

    /// Made by an HKDF of another author.
    const KNOWN: [&str; 6] = [
        "4ddc37d4884eefc8d14a85f20bb02af1",
        "c8b9ca8b59076eed97044adcd483b55e",
        "cb5aa16078eb2a60cb591547679d6d3b",
        "8e12c77860e19e548620b79b61082ae39c7512558a32e43cbf3725cf5f78ac31",
        "9ab438b6575119a8376efa98575ff86d17a7f58ace4976c123be00196608e4ad",
        "e4f71b6a75d32a65445271b7e7ff21d972257ef891287b0ef84f9702ef59ecc8",
    ];
}
