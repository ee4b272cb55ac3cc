//! What stands before each datagram between a router and a node, in both directions.
//!
//! ```text
//! 0..2   magic, 0x51 0x4C        | 2      kind: 1 data, 2 ping, 3 pong
//! 3      state of the sender: 0 starting, 1 ready, 2 draining; 0 from a router
//! 4..6   port of the client      | 6..8   id of the router
//! 8..24  address of the client, IPv6 or an IPv4 address mapped into it
//! 24..32 SipHash-2-4 over octets 0..24 and the first 16 of the payload
//! ```
//!
//! Numbers are big-endian, except the hash, which is written as its authors do: little-endian. The
//! header tells a node the address of the client, and a router where an answer goes, so that neither
//! keeps a socket for each client. Only holders of the cluster's secret can make one.

use std::hash::Hasher as _;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use siphasher::sip::SipHasher24;

/// Octets of the header.
pub const HEADER: usize = 32;
/// The load of a node that takes no more. 0 is one that does nothing.
pub const FULL: u8 = 16;

/// The key of the hash. It is not printed.
#[derive(Clone)]
pub struct EncapKey(SipHasher24);

impl EncapKey {
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(key))
    }
}

/// What a datagram between router and node is for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// The payload is a datagram of the client, or for it.
    Data = 1,
    /// A router asks how a node is: [`Ping`].
    Ping = 2,
    /// The node's answer: [`Pong`].
    Pong = 3,
}

/// How far a node is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum State {
    /// Not ready yet. Routers say this too, of whom nobody asks it.
    #[default]
    Starting = 0,
    /// Takes connections.
    Ready = 1,
    /// Keeps the connections that it has, and takes no new ones.
    Draining = 2,
}

/// The header without its hash.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Header {
    pub kind: Kind,
    pub state: State,
    /// Where the payload came from, or where it goes to. Unspecified in a ping and a pong. Read back
    /// without scope and flow, and never as a mapped IPv4 address.
    pub client: SocketAddr,
    /// The router that sent this, or through which it goes to the client.
    pub router: u16,
}

impl Header {
    /// A header that is about no client.
    #[must_use]
    pub fn without_client(kind: Kind, state: State, router: u16) -> Self {
        Self { kind, state, client: SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)), router }
    }
}

/// The header that goes before `payload`.
#[must_use]
pub fn seal(key: &EncapKey, header: Header, payload: &[u8]) -> [u8; HEADER] {
    let mut octets = [0; HEADER];
    octets[..2].copy_from_slice(&MAGIC);
    octets[2] = header.kind as u8;
    octets[3] = header.state as u8;
    octets[4..6].copy_from_slice(&header.client.port().to_be_bytes());
    octets[6..8].copy_from_slice(&header.router.to_be_bytes());
    let ip = match header.client.ip() {
        IpAddr::V4(ip) => ip.to_ipv6_mapped(),
        IpAddr::V6(ip) => ip,
    };
    octets[8..24].copy_from_slice(&ip.octets());
    let mac = mac(key, &octets[..HASHED], payload);
    octets[HASHED..].copy_from_slice(&mac.to_le_bytes());
    octets
}

/// Takes a datagram apart. `None` when it is too short, when nobody who knows the key sealed it, and
/// when it says what only a later version would.
#[must_use]
pub fn open<'a>(key: &EncapKey, datagram: &'a [u8]) -> Option<(Header, &'a [u8])> {
    let (octets, payload) = datagram.split_first_chunk::<HEADER>()?;
    let (hashed, sent) = octets.split_at(HASHED);
    if !hashed.starts_with(&MAGIC) {
        return None;
    }
    if u64::from_le_bytes(sent.try_into().ok()?) != mac(key, hashed, payload) {
        return None;
    }
    let kind = match octets[2] {
        1 => Kind::Data,
        2 => Kind::Ping,
        3 => Kind::Pong,
        _ => return None,
    };
    let state = match octets[3] {
        0 => State::Starting,
        1 => State::Ready,
        2 => State::Draining,
        _ => return None,
    };
    let ip = Ipv6Addr::from(<[u8; 16]>::try_from(&octets[8..24]).ok()?).to_canonical();
    let port = u16::from_be_bytes([octets[4], octets[5]]);
    let router = u16::from_be_bytes([octets[6], octets[7]]);
    Some((Header { kind, state, client: SocketAddr::new(ip, port), router }, payload))
}

/// The payload of a ping.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Ping {
    /// Another number for each ping, which a stranger cannot guess.
    pub counter: u64,
}

/// The payload of a pong. The state is in its header.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Pong {
    /// That of the ping.
    pub counter: u64,
    pub connections: u32,
    /// 0 to [`FULL`].
    pub load: u8,
}

impl Ping {
    pub const LEN: usize = 8;

    #[must_use]
    pub fn encode(self) -> [u8; Self::LEN] {
        self.counter.to_be_bytes()
    }

    /// What follows is for later versions.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        payload.first_chunk().map(|octets| Self { counter: u64::from_be_bytes(*octets) })
    }
}

impl Pong {
    pub const LEN: usize = 13;

    #[must_use]
    pub fn encode(self) -> [u8; Self::LEN] {
        let mut octets = [0; Self::LEN];
        octets[..8].copy_from_slice(&self.counter.to_be_bytes());
        octets[8..12].copy_from_slice(&self.connections.to_be_bytes());
        octets[12] = self.load;
        octets
    }

    /// What follows is for later versions. A load over [`FULL`] is full.
    #[must_use]
    pub fn decode(payload: &[u8]) -> Option<Self> {
        let (counter, rest) = payload.split_first_chunk()?;
        let (connections, rest) = rest.split_first_chunk()?;
        Some(Self {
            counter: u64::from_be_bytes(*counter),
            connections: u32::from_be_bytes(*connections),
            load: rest.first()?.min(&FULL).to_owned(),
        })
    }
}

/// So many octets of the header are hashed; the hash itself follows.
const HASHED: usize = 24;
/// So many octets of the payload are hashed: enough to tie the header to its datagram, and quick.
const OF_PAYLOAD: usize = 16;
const MAGIC: [u8; 2] = [0x51, 0x4C];

fn mac(key: &EncapKey, hashed: &[u8], payload: &[u8]) -> u64 {
    let mut hasher = key.0;
    hasher.write(hashed);
    hasher.write(&payload[..payload.len().min(OF_PAYLOAD)]);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> EncapKey {
        EncapKey::new(&[9; 16])
    }

    fn header(client: &str) -> Header {
        let client = client.parse().unwrap();
        Header { kind: Kind::Data, state: State::Ready, client, router: 0x0102 }
    }

    fn datagram(header: Header, payload: &[u8]) -> Vec<u8> {
        [&seal(&key(), header, payload), payload].concat()
    }

    #[test]
    fn the_header_is_laid_out_as_it_is_written() {
        let octets =
            seal(&key(), header("192.0.2.1:0x1234".replace("0x1234", "4660").as_str()), b"");
        assert_eq!(octets[..8], [0x51, 0x4C, 1, 1, 0x12, 0x34, 1, 2]);
        assert_eq!(octets[8..24], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 192, 0, 2, 1]);
    }

    #[test]
    fn the_hash_is_the_one_of_its_authors() {
        // Key 00..0f and data 00..0e, from the paper of SipHash.
        let key = EncapKey::new(&std::array::from_fn(|at| at as u8));
        let data: [u8; 15] = std::array::from_fn(|at| at as u8);
        assert_eq!(mac(&key, &data, &[]), 0xa129_ca61_49be_45e5);
    }

    #[test]
    fn a_datagram_of_somebody_without_the_key_is_not_opened() {
        let whole = datagram(header("[2001:db8::1]:5"), b"a datagram of a client");
        assert!(open(&key(), &whole).is_some());
        assert!(open(&EncapKey::new(&[8; 16]), &whole).is_none());
        for bit in 0..(HEADER + OF_PAYLOAD) * 8 {
            let mut flipped = whole.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(open(&key(), &flipped).is_none(), "bit {bit}");
        }
    }

    #[test]
    fn a_datagram_that_is_cut_in_its_header_is_not_opened() {
        let whole = datagram(header("192.0.2.1:5"), b"payload");
        // Within the first octets of the payload the hash would not fit either.
        for length in 0..whole.len() {
            assert!(open(&key(), &whole[..length]).is_none(), "{length} octets");
        }
    }

    #[test]
    fn a_kind_or_state_of_a_later_version_is_not_opened() {
        for (at, octet) in [(2, 0), (2, 4), (3, 3), (3, 0xFF)] {
            let mut octets = seal(&key(), header("192.0.2.1:5"), b"");
            octets[at] = octet;
            let hash = mac(&key(), &octets[..HASHED], b"");
            octets[HASHED..].copy_from_slice(&hash.to_le_bytes());
            assert!(open(&key(), &octets).is_none());
        }
    }

    #[test]
    fn a_mapped_address_is_the_address_that_it_maps() {
        let mapped = datagram(header("[::ffff:192.0.2.1]:5"), b"");
        let (read, _) = open(&key(), &mapped).unwrap();
        assert_eq!(read.client, "192.0.2.1:5".parse().unwrap());
    }

    #[test]
    fn pings_and_pongs_may_grow() {
        let ping = Ping { counter: 0x0102_0304_0506_0708 };
        assert_eq!(Ping::decode(&[&ping.encode()[..], &[1]].concat()), Some(ping));
        assert_eq!(Ping::decode(&ping.encode()[..7]), None);
        let pong = Pong { counter: 3, connections: 70_000, load: FULL };
        assert_eq!(Pong::decode(&[&pong.encode()[..], &[1]].concat()), Some(pong));
        assert_eq!(Pong::decode(&pong.encode()[..12]), None);
        assert_eq!(Pong::decode(&Pong { load: 200, ..pong }.encode()), Some(pong));
    }

    proptest! {
        #[test]
        fn what_was_sealed_is_opened(
            key: [u8; 16], kind in 0..3_usize, state in 0..3_usize, ip: IpAddr, port: u16,
            router: u16, payload in prop::collection::vec(any::<u8>(), 0..100),
        ) {
            let key = EncapKey::new(&key);
            let kind = [Kind::Data, Kind::Ping, Kind::Pong][kind];
            let state = [State::Starting, State::Ready, State::Draining][state];
            let header = Header { kind, state, client: SocketAddr::new(ip.to_canonical(), port), router };
            let datagram = [&seal(&key, header, &payload), payload.as_slice()].concat();
            prop_assert_eq!(open(&key, &datagram), Some((header, payload.as_slice())));
        }

        #[test]
        fn no_octets_are_fatal(octets in prop::collection::vec(any::<u8>(), 0..100)) {
            prop_assert_eq!(open(&key(), &octets), None);
        }
    }
}
