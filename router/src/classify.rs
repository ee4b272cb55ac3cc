//! Reads of a datagram what every version of QUIC has in common (RFC 8999), and whether it begins with
//! an Initial packet. Decides nothing.
//!
//! Of the first octet only the highest bit counts: the one below it may be anything, since clients
//! grease it.

use thrive_protocol::cid;

/// The beginning of a datagram.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Packet<'a> {
    /// A packet of the time before both sides know each other's connection ids.
    Long { destination: &'a [u8], source: &'a [u8], initial: bool },
    /// A packet of a connection that stands; its connection id is one of ours or of nobody.
    Short { destination: &'a [u8; cid::LEN] },
}

/// It ends before its connection ids do, so it is no QUIC, or none of ours.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Truncated;

/// # Errors
/// The datagram is too short for what it begins with.
pub fn classify(datagram: &[u8]) -> Result<Packet<'_>, Truncated> {
    let (&first, rest) = datagram.split_first().ok_or(Truncated)?;
    if first & LONG == 0 {
        let destination = rest.first_chunk().ok_or(Truncated)?;
        return Ok(Packet::Short { destination });
    }
    let (version, rest) = rest.split_first_chunk().ok_or(Truncated)?;
    let (destination, rest) = connection_id(rest)?;
    let (source, _) = connection_id(rest)?;
    let initial = match u32::from_be_bytes(*version) {
        VERSION_1 => first & KIND == 0,
        VERSION_2 => first & KIND == 0x10,
        _ => false,
    };
    Ok(Packet::Long { destination, source, initial })
}

/// A length and so many octets.
fn connection_id(octets: &[u8]) -> Result<(&[u8], &[u8]), Truncated> {
    let (&length, rest) = octets.split_first().ok_or(Truncated)?;
    rest.split_at_checked(usize::from(length)).ok_or(Truncated)
}

const LONG: u8 = 0x80;
const KIND: u8 = 0x30;
const VERSION_1: u32 = 1;
const VERSION_2: u32 = 0x6B33_43CF;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn long(first: u8, version: u32, destination: &[u8], source: &[u8]) -> Vec<u8> {
        let mut octets = vec![first];
        octets.extend(version.to_be_bytes());
        for id in [destination, source] {
            octets.push(id.len() as u8);
            octets.extend(id);
        }
        octets
    }

    fn is_initial(first: u8, version: u32) -> bool {
        match classify(&long(first, version, &[1; 8], &[2; 8])) {
            Ok(Packet::Long { initial, .. }) => initial,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_initial_is_known_in_both_versions_whatever_the_greased_bit_is() {
        for first in [0xC3, 0x83] {
            assert!(is_initial(first, VERSION_1));
            assert!(!is_initial(first, VERSION_2));
            assert!(is_initial(first | 0x10, VERSION_2));
            assert!(!is_initial(first | 0x10, VERSION_1));
            assert!(!is_initial(first, 0xFACE_B00C));
        }
    }

    #[test]
    fn the_ids_of_a_long_header_may_have_any_length_and_be_empty() {
        for (destination, source) in [(0, 0), (0, 20), (255, 255), (17, 8)] {
            let (destination, source) = (vec![1; destination], vec![2; source]);
            let octets = long(0xE0, VERSION_1, &destination, &source);
            let expected =
                Packet::Long { destination: &destination, source: &source, initial: false };
            assert_eq!(classify(&octets), Ok(expected));
        }
    }

    #[test]
    fn a_long_header_that_is_cut_anywhere_is_truncated() {
        let whole = long(0xC0, VERSION_1, &[1; 20], &[2; 8]);
        for length in 0..whole.len() {
            assert_eq!(classify(&whole[..length]), Err(Truncated), "{length} octets");
        }
        assert!(classify(&whole).is_ok());
    }

    #[test]
    fn a_short_header_has_a_connection_id_of_ours_or_is_truncated() {
        let whole: Vec<u8> = (0..40).collect();
        for first in [0x00, 0x40, 0x7F] {
            let octets = [&[first], &whole[1..]].concat();
            let destination = octets[1..18].try_into().unwrap();
            assert_eq!(classify(&octets), Ok(Packet::Short { destination }));
            assert_eq!(classify(&octets[..18]), Ok(Packet::Short { destination }));
            assert_eq!(classify(&octets[..17]), Err(Truncated));
        }
    }

    proptest! {
        #[test]
        fn no_octets_are_fatal(octets in prop::collection::vec(any::<u8>(), 0..600)) {
            let _whatever = classify(&octets);
        }
    }
}
