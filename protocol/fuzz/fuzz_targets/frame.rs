//! Any bytes as a stream of frames, arriving in pieces: never a panic, never more than the limit.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use thrive_protocol::frame;

fuzz_target!(|input: (u16, Vec<Vec<u8>>)| {
    let (max, pieces) = input;
    let max = usize::from(max);
    let mut buffer = BytesMut::new();
    for piece in pieces {
        buffer.extend_from_slice(&piece);
        loop {
            match frame::take(&mut buffer, max) {
                Ok(Some(body)) => assert!((1..=max).contains(&body.len())),
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
});
