//! What is written is what is read, for any value.

use bytes::BytesMut;
use proptest::prelude::*;
use thrive_protocol::frame::{self, HEADER};
use thrive_protocol::{ClientFrame, NodeFrame};

use crate::{diagnostic, strategies};

proptest! {
    #[test]
    fn any_request_comes_back_as_it_went(frame in strategies::client_frame()) {
        let bytes = frame.encode();
        prop_assert_eq!(ClientFrame::decode(&bytes[HEADER..]), Ok(frame));
    }

    #[test]
    fn any_reply_or_event_comes_back_as_it_went(frame in strategies::node_frame()) {
        let bytes = frame.encode();
        prop_assert_eq!(NodeFrame::decode(&bytes[HEADER..]), Ok(Some(frame)));
    }

    #[test]
    fn what_is_written_can_be_read_by_a_reader_that_shares_nothing_with_us(
        frame in strategies::node_frame(),
    ) {
        let bytes = frame.encode();
        prop_assert!(diagnostic::page(&bytes).starts_with("length"));
    }

    #[test]
    fn frames_come_out_of_a_stream_however_it_is_cut(
        sent in prop::collection::vec(strategies::client_frame(), 1..6),
        cuts in prop::collection::vec(1_usize..200, 1..40),
    ) {
        let stream = sent.iter().flat_map(|it| it.encode()).collect::<Vec<u8>>();
        let (mut buffer, mut read, mut left) = (BytesMut::new(), Vec::new(), &stream[..]);
        let mut cuts = cuts.iter().cycle();
        while !left.is_empty() {
            let (now, later) = left.split_at((*cuts.next().unwrap()).min(left.len()));
            buffer.extend_from_slice(now);
            left = later;
            while let Some(body) = frame::take(&mut buffer, 1 << 20).unwrap() {
                read.push(ClientFrame::decode(&body).unwrap());
            }
        }
        prop_assert_eq!(read, sent);
        prop_assert!(buffer.is_empty());
    }
}
