//! What a hostile frame may cost in memory, measured. A binary of its own, since it counts every
//! allocation of the process.

use cap::Cap;
use std::alloc::System;
use thrive_protocol::{ClientFrame, NodeFrame, limits};

#[path = "it/admin.rs"]
mod admin;
#[path = "it/inputs.rs"]
mod inputs;
#[path = "it/samples.rs"]
mod samples;
#[path = "it/session.rs"]
mod session;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Everything that one reading may allocate, freed again or not: a frame of 64 KiB becomes at most
/// its own size in values, and half as much again while vectors and strings grow, several times over.
const MOST: usize = 2 * 1024 * 1024;

#[test]
fn no_frame_of_64_kib_costs_more_than_2_mib_to_read() {
    let mut worst = (0, "nothing");
    let mut measure = |what: &'static str, body: &[u8]| {
        assert!(body.len() <= limits::FRAME);
        let before = MEMORY.total_allocated();
        let outcome = (ClientFrame::decode(body).is_ok(), NodeFrame::decode(body).is_ok());
        let cost = MEMORY.total_allocated() - before;
        assert!(cost < MOST, "{what}: {cost} bytes, {outcome:?}");
        worst = worst.max((cost, what));
    };
    for (what, filler) in inputs::fillers() {
        for body in inputs::everywhere(&filler) {
            measure(what, &body);
        }
    }
    for huge in inputs::HUGE {
        for body in inputs::everywhere(huge) {
            measure("a huge length", &body);
        }
        for (_, frame) in samples::all() {
            let body = &frame.encode()[4..];
            for at in 0..body.len() {
                measure("a huge length in a sample", &[&body[..at], huge, &body[at..]].concat());
            }
        }
    }
    for seed in 0..2_000_u64 {
        measure("noise", &noise(seed, 1 + (seed as usize * 37) % 4_000));
    }
    assert!(0 < worst.0, "the allocator is not counting");
    eprintln!("worst: {} bytes for {}", worst.0, worst.1);
}

/// Bytes without order, the same for the same seed, with many CBOR headers of lists and maps among them.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut byte = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(|at| if at % 3 == 0 { 0x80 | (byte() & 0x3f) } else { byte() }).collect()
}
