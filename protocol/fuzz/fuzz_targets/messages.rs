//! Any bytes as the body of a frame, in both directions: never a panic; and what was read is written
//! and read again as the same value.

#![no_main]

use libfuzzer_sys::fuzz_target;
use thrive_protocol::frame::HEADER;
use thrive_protocol::{ClientFrame, NodeFrame};

fuzz_target!(|body: &[u8]| {
    if let Ok(frame) = ClientFrame::decode(body) {
        let again = ClientFrame::decode(&frame.encode()[HEADER..]);
        assert_eq!(again, Ok(frame));
    }
    if let Ok(Some(frame)) = NodeFrame::decode(body) {
        let again = NodeFrame::decode(&frame.encode()[HEADER..]);
        assert_eq!(again, Ok(Some(frame)));
    }
});
