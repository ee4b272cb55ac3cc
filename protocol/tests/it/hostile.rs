//! No bytes make a reader panic, hang or accept what is not whole. How much memory they may cost is
//! measured in `tests/memory.rs`.

use std::time::{Duration, Instant};

use ciborium::cbor;
use proptest::prelude::*;
use thrive_protocol::codec::{self, DecodeError};
use thrive_protocol::message::BadRequest;
use thrive_protocol::people::{Availability, Relation};
use thrive_protocol::reply::SignUp;
use thrive_protocol::{ClientFrame, Code, NodeFrame, limits};

use crate::{inputs, samples};

/// Bodies of every sample.
fn bodies() -> Vec<(String, Vec<u8>)> {
    samples::all().into_iter().map(|(name, it)| (name, it.encode()[4..].to_vec())).collect()
}

/// Reads as both sides would. That it returns is the test.
fn read(body: &[u8]) -> (bool, bool) {
    (ClientFrame::decode(body).is_ok(), matches!(NodeFrame::decode(body), Ok(Some(_))))
}

#[test]
fn a_message_that_is_cut_anywhere_is_an_error() {
    for (name, body) in bodies() {
        for cut in 0..body.len() {
            assert_eq!(read(&body[..cut]), (false, false), "{name} cut at {cut}");
        }
    }
}

#[test]
fn bytes_after_a_message_are_an_error() {
    for (name, mut body) in bodies() {
        body.push(0xf6);
        assert_eq!(read(&body), (false, false), "{name}");
    }
}

#[test]
fn a_message_with_any_bit_flipped_is_read_or_refused_but_never_fatal() {
    for (_, body) in bodies() {
        for bit in 0..body.len() * 8 {
            let mut flipped = body.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            let _whichever = read(&flipped);
        }
    }
}

#[test]
fn a_huge_length_that_is_not_there_is_an_error() {
    for huge in inputs::HUGE {
        for body in inputs::everywhere(huge) {
            assert_eq!(read(&body), (false, false), "{body:x?}");
        }
    }
}

#[test]
fn a_huge_length_anywhere_in_a_message_is_read_or_refused_but_never_fatal() {
    for (_, body) in bodies() {
        for at in 0..body.len() {
            for huge in inputs::HUGE {
                let _whichever = read(&[&body[..at], huge, &body[at..]].concat());
            }
        }
    }
}

#[test]
fn a_text_that_is_not_utf_8_is_an_error_in_every_field() {
    for start in [
        &b"\xa2\x62id\x07\x62rq\xa1\x66resume\xa1\x65token"[..],
        b"\xa2\x62id\x07\x62rq\xa1\x69heartbeat\xa1\x61x",
        b"\xa2\x62id\x07\x62rq\xa1",
    ] {
        for text in [
            &b"\x61\xc3"[..],
            b"\x62\xc3\x28",
            b"\x63a\xe2\x98",
            b"\x64\xf5aaa",
            b"\x63\xed\xa0\x80",
        ] {
            assert!(ClientFrame::decode(&[start, text].concat()).is_err());
            assert!(ClientFrame::decode(&[start, text, b"\xa0"].concat()).is_err());
        }
    }
}

#[test]
fn a_frame_full_of_anything_is_read_or_refused_quickly() {
    for (what, filler) in inputs::fillers() {
        for body in inputs::everywhere(&filler) {
            assert!(body.len() <= limits::FRAME);
            let start = Instant::now();
            let _whichever = read(&body);
            // 64 KiB take some milliseconds even without optimisation; a second is a defect.
            assert!(start.elapsed() < Duration::from_secs(1), "{what}");
        }
    }
}

#[test]
fn nesting_beyond_the_limit_is_an_error_also_where_it_would_be_skipped() {
    let nested = |levels: usize| {
        let mut body = b"\xa3\x62id\x07\x62rq\xa1\x69heartbeat\xa0\x61x".to_vec();
        body.extend(vec![0x81; levels]);
        body.push(0x00);
        ClientFrame::decode(&body)
    };
    assert!(nested(limits::DEPTH - 2).is_ok());
    assert!(matches!(nested(limits::DEPTH + 1), Err(BadRequest::Hopeless(_))));
}

#[test]
fn a_key_that_stands_twice_is_an_error() {
    let twice = b"\xa3\x62id\x07\x62id\x08\x62rq\xa1\x69heartbeat\xa0";
    assert!(ClientFrame::decode(twice).is_err());
    let entry = [
        &b"\xa1\x62ev\xa1\x65entry\xa5\x6cconversation\x01\x63seq\x01\x66sender\x01\x64time\x01"[..],
        b"\x64body\xa2\x61x\x00\x61y\x00",
    ]
    .concat();
    assert!(NodeFrame::decode(&entry).is_err(), "an entry says one thing");
}

#[test]
fn a_list_that_is_longer_than_its_limit_is_refused() {
    let mut body = b"\xa2\x62id\x07\x62rq\xa1\x64sync\xa1\x69positions".to_vec();
    body.extend([0x99, 0x05, 0xdd]);
    body.extend(b"\xa2\x6cconversation\x01\x63seq\x01".repeat(limits::POSITIONS + 1));
    assert!(matches!(ClientFrame::decode(&body), Err(BadRequest::Malformed { id: 7, .. })));
}

#[test]
fn fields_that_are_not_known_are_skipped_at_every_level() {
    let up = cbor!({
        "new" => [1, {"deep" => "er"}], "id" => 3,
        "rq" => {"history" => {"conversation" => 1, "limit" => 5, "new" => {"a" => [[]]}}}
    });
    assert!(ClientFrame::decode(&codec::encode(&up.unwrap())).is_ok());
    let down = cbor!({
        "ev" => {"entry" => {
            "conversation" => 1, "seq" => 1, "sender" => 1, "time" => 1, "edited" => true,
            "body" => {"message" => {"id" => ciborium::Value::Bytes(vec![1; 16]), "text" => "x", "colour" => 3}}
        }},
        "trace" => 9
    });
    assert!(matches!(NodeFrame::decode(&codec::encode(&down.unwrap())), Ok(Some(_))));
}

#[test]
fn words_that_only_a_newer_peer_knows_have_a_meaning_for_an_older_one() {
    let word = codec::encode(&"from_the_future");
    assert_eq!(codec::decode(&word), Ok(Code::Unknown));
    assert_eq!(codec::decode(&word), Ok(Availability::Away));
    assert_eq!(codec::decode(&word), Ok(Relation::None));
    assert_eq!(codec::decode(&word), Ok(SignUp::Closed));
}

#[test]
fn a_reply_that_is_unknown_is_an_error_since_nobody_asked_for_it() {
    let body = codec::encode(&cbor!({"re" => 1, "ok" => {"fireworks" => {}}}).unwrap());
    assert!(NodeFrame::decode(&body).is_err());
}

#[test]
fn an_error_does_not_repeat_what_the_peer_sent() {
    let check = |body: &[u8]| {
        let Err(BadRequest::Malformed { error, .. } | BadRequest::Hopeless(error)) =
            ClientFrame::decode(body)
        else {
            panic!("it is malformed")
        };
        let words = error.to_string();
        for content in ["31415926", "hunter2", "2.7625"] {
            assert!(!words.contains(content), "{words}");
        }
    };
    let body = |request| codec::encode(&cbor!({"id" => 1, "rq" => request}).unwrap());
    check(&body(cbor!({"resume" => {"token" => 31_415_926}}).unwrap()));
    check(&body(cbor!({"resume" => {"token" => -31_415_927}}).unwrap()));
    check(&body(cbor!({"resume" => {"token" => 2.7625}}).unwrap()));
    check(&body(cbor!({"hello" => {"version" => "hunter2"}}).unwrap()));
    check(&body(cbor!("hunter2").unwrap()));
    let error = ClientFrame::decode(&body(cbor!({"resume" => {}}).unwrap())).unwrap_err();
    let BadRequest::Malformed { error: DecodeError::Malformed(words), .. } = error else {
        panic!("{error:?}")
    };
    assert!(words.contains("token"), "it names the field that is missing: {words}");
}

proptest! {
    #[test]
    fn any_bytes_at_all_are_read_or_refused(body in prop::collection::vec(any::<u8>(), 0..2_000)) {
        let _whichever = read(&body);
    }

    #[test]
    fn a_message_with_any_piece_replaced_is_read_or_refused(
        at in any::<prop::sample::Index>(),
        place in any::<prop::sample::Index>(),
        bytes in prop::collection::vec(any::<u8>(), 0..12),
    ) {
        let bodies = bodies();
        let mut body = at.get(&bodies).1.clone();
        let start = place.index(body.len());
        let end = body.len().min(start + bytes.len());
        body.splice(start..end, bytes);
        let _whichever = read(&body);
    }
}
