//! The bytes of every message, kept for ever: what was written once is what is written and read today.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use thrive_protocol::{ClientFrame, Code, Event, NodeFrame, Request, limits};

use crate::diagnostic;
use crate::samples::{self, Frame};

pub(crate) fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/vectors")
}

#[test]
fn every_message_is_written_and_read_as_it_was_when_its_vector_was_made() {
    for (name, frame) in samples::all() {
        let path = folder().join(format!("{name}.cbor"));
        let kept = fs::read(&path).unwrap_or_else(|error| {
            panic!("{name} ({error}): `cargo run -p thrive-protocol --example write_vectors`")
        });
        assert_eq!(frame.encode(), kept, "{name} is written in another way");

        let (length, body) = kept.split_at(4);
        assert_eq!(u32::from_be_bytes(length.try_into().unwrap()) as usize, body.len(), "{name}");
        let read = match frame {
            Frame::Up(_) => Frame::Up(ClientFrame::decode(body).unwrap()),
            Frame::Down(_) => Frame::Down(NodeFrame::decode(body).unwrap().unwrap()),
        };
        assert_eq!(read, frame, "{name} is read in another way");
    }
}

#[test]
fn the_page_beside_each_vector_says_what_its_bytes_say() {
    for (name, frame) in samples::all() {
        let page = fs::read_to_string(folder().join(format!("{name}.txt"))).unwrap();
        assert_eq!(page, diagnostic::page(&frame.encode()), "{name}");
    }
}

#[test]
fn every_kind_of_message_and_every_code_has_a_vector_and_no_vector_is_without_a_message() {
    let samples: BTreeSet<String> = samples::all().into_iter().map(|(name, _)| name).collect();
    let kinds = Request::KINDS.iter().map(|kind| format!("up_{kind}"));
    let events = Event::KINDS.iter().map(|kind| format!("down_event_{kind}"));
    let codes = Code::ALL.iter().map(|code| format!("down_refusal_{}", code.word()));
    for name in kinds.chain(events).chain(codes) {
        assert!(samples.contains(&name), "{name} has no sample");
    }

    let files: BTreeSet<String> = fs::read_dir(folder())
        .unwrap()
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    let wanted = samples.iter().flat_map(|name| [format!("{name}.cbor"), format!("{name}.txt")]);
    assert_eq!(files, wanted.collect());
}

#[test]
fn the_lists_of_kinds_hold_exactly_the_words_on_the_wire() {
    let mut requests = Vec::new();
    let mut events = Vec::new();
    for (_, frame) in samples::all() {
        match frame {
            Frame::Up(frame) => requests.push(frame.rq.kind()),
            Frame::Down(NodeFrame::Event(event)) => events.push(samples::event_kind(&event)),
            Frame::Down(NodeFrame::Reply { .. }) => {}
        }
    }
    let set = |words: &[&'static str]| words.iter().copied().collect::<BTreeSet<_>>();
    assert_eq!(set(&requests), set(Request::KINDS));
    assert_eq!(set(&events), set(Event::KINDS));
    for (kinds, len) in [(Request::KINDS, set(&requests).len()), (Event::KINDS, set(&events).len())]
    {
        assert_eq!(kinds.len(), len, "a word stands twice");
    }
}

#[test]
fn no_message_comes_near_the_limit_of_nesting() {
    let deepest = samples::all()
        .iter()
        .map(|(_, frame)| diagnostic::depth(&frame.encode()[4..]))
        .max()
        .unwrap();
    assert_eq!(deepest, 7, "docs/PROTOCOL.md, part 3, and limits::DEPTH say so");
    assert!(deepest + 4 < limits::DEPTH);
}
