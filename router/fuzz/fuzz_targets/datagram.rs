//! Any bytes from a client and from a node: never a panic, and nothing goes where no node is.

#![no_main]

use std::time::Instant;

use libfuzzer_sys::fuzz_target;
use thrive_protocol::cid::{Codec, DEFAULT_CONFIG};
use thrive_protocol::encapsulation::{EncapKey, Ping, Pong, open};
use thrive_router::rendezvous::Rendezvous;
use thrive_router::table::{Listing, Member, Table};
use thrive_router::verdict::{Judge, Verdict};

fuzz_target!(|datagram: &[u8]| {
    let now = Instant::now();
    let mut table = Table::default();
    let member = |lease: u32| Member {
        lease,
        epoch: 1,
        workers: vec![([10, 0, 0, lease as u8], 2011).into()],
        draining: false,
    };
    table.apply(&Listing { members: vec![member(1), member(2)], leased: false }, now);
    let mut judge = Judge::new(Codec::new(DEFAULT_CONFIG, &[1; 16]), Rendezvous::new(&[2; 16]));
    let client = ([192, 0, 2, 1], 5).into();
    if let Verdict::To { address, .. } = judge.decide(datagram, client, &table, now) {
        assert!(table.knows(address));
    }
    assert!(open(&EncapKey::new(&[3; 16]), datagram).is_none());
    let _whatever = (Ping::decode(datagram), Pong::decode(datagram));
});
