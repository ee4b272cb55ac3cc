//! The datagrams that the fuzzer starts with, and every one that once did harm: judged on every run.

use std::time::Instant;

use thrive_protocol::cid::{Codec, DEFAULT_CONFIG};
use thrive_router::classify::{Packet, classify};
use thrive_router::rendezvous::Rendezvous;
use thrive_router::table::{Listing, Member, Table};
use thrive_router::verdict::{Judge, Reason, Verdict};

/// Names and octets of all of them.
fn all() -> Vec<(&'static str, Vec<u8>)> {
    let lines = include_str!("../datagrams.txt").lines().filter(|it| !it.starts_with('#'));
    lines.map(datagram).collect()
}

fn datagram(line: &str) -> (&str, Vec<u8>) {
    let mut words = line.split(' ');
    let (name, hex) = (words.next().unwrap(), words.next().unwrap().trim_start_matches('-'));
    let pair = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    let mut octets: Vec<u8> = (0..hex.len()).step_by(2).map(pair).collect();
    if let Some(length) = words.next() {
        octets.resize(length.parse().unwrap(), 0);
    }
    (name, octets)
}

#[test]
fn every_datagram_cut_anywhere_or_with_any_bit_flipped_is_judged() {
    let now = Instant::now();
    let mut table = Table::default();
    let workers = vec!["10.0.0.1:2011".parse().unwrap()];
    let member = Member { lease: 1, epoch: 1, workers, draining: false };
    table.apply(&Listing { members: vec![member], leased: false }, now);
    let mut judge = Judge::new(Codec::new(DEFAULT_CONFIG, &[1; 16]), Rendezvous::new(&[2; 16]));
    let client = "192.0.2.1:5".parse().unwrap();
    let mut judged = 0;
    let mut check = |datagram: &[u8]| {
        let verdict = judge.decide(datagram, client, &table, now);
        assert_eq!(
            classify(datagram).is_err(),
            verdict == Verdict::Drop(Reason::Truncated),
            "{datagram:x?}"
        );
        judged += 1;
    };
    for (_, datagram) in all() {
        check(&datagram);
        // What follows the ids is of no matter.
        let head = datagram.len().min(100);
        for cut in 0..head {
            check(&datagram[..cut]);
        }
        for bit in 0..head * 8 {
            let mut flipped = datagram.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            check(&flipped);
        }
    }
    assert!(5_000 < judged, "{judged}");
}

#[test]
fn the_datagrams_are_what_their_names_say() {
    for (name, datagram) in all() {
        let (long, initial) = match classify(&datagram) {
            Ok(Packet::Long { initial, .. }) => (true, initial),
            Ok(Packet::Short { .. }) | Err(_) => (false, false),
        };
        assert_eq!(initial, name.starts_with("initial"), "{name}");
        assert!(!name.starts_with("short") || !long, "{name}");
        let cut = ["cut", "missing", "empty", "octet"].iter().any(|it| name.contains(it));
        assert!(!cut || classify(&datagram).is_err(), "{name}");
    }
}
