//! The certificate that all nodes of a cluster make of its secret. Clients pin its bytes, so those must
//! be the same on every node and in every version: nothing in it comes from a clock or from chance.

use rcgen::{
    CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ED25519, SerialNumber,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// The certificate and its key.
pub(super) fn certificate(
    seed: &[u8; 32],
) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), rcgen::Error> {
    let key = PrivatePkcs8KeyDer::from([&PKCS8[..], seed].concat());
    let pair = KeyPair::from_pkcs8_der_and_sign_algo(&key, &PKCS_ED25519)?;
    let mut params = CertificateParams::new(vec!["localhost".to_owned(), "thrive".to_owned()])?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Thrive cluster");
    params.serial_number = Some(SerialNumber::from(SERIAL));
    params.not_before = date_time_ymd(2026, 1, 1);
    params.not_after = date_time_ymd(2126, 1, 1);
    let certificate = params.self_signed(&pair)?;
    Ok((vec![certificate.der().clone()], key.into()))
}

/// Any number would do, as long as it stays.
const SERIAL: u64 = 2005;

/// A private Ed25519 key as RFC 8410 has it: version 0, the algorithm, and before the 32 octets of the
/// key itself their length, twice.
const PKCS8: [u8; 16] = [
    0x30, 0x2e, 0x02, 0x01, 0x00, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20,
];

#[cfg(test)]
mod tests {
    use super::super::Fingerprint;
    use super::*;

    #[test]
    fn a_seed_makes_one_certificate_and_another_seed_another() {
        let made = |seed: u8| certificate(&[seed; 32]).unwrap().0;
        assert_eq!(made(1), made(1));
        assert_ne!(made(1), made(2));
    }

    #[test]
    fn the_certificate_of_a_seed_never_changes() {
        let (chain, _) = certificate(&[7; 32]).unwrap();
        assert_eq!(Fingerprint::of(&chain[0]).to_string(), KNOWN);
    }

    /// Clients of a cluster would be asked whether to trust it anew if this changed.
    const KNOWN: &str = "sha256:073db07bda4e6d011486681460d8107c1e905f6a026142af19050461d4c236e7";
}
