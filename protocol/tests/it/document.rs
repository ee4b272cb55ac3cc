//! `docs/PROTOCOL.md` names every message, and its examples are the vectors, byte for byte.

use std::fs;
use std::path::PathBuf;

use thrive_protocol::{Code, Event, Request};

use crate::vectors::folder;

fn document() -> String {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../docs/PROTOCOL.md");
    fs::read_to_string(path).expect("docs/PROTOCOL.md is there")
}

#[test]
fn every_example_in_the_document_is_a_vector() {
    let document = document();
    let mut examples = 0;
    for block in document.split("```text vector ").skip(1) {
        let (name, rest) = block.split_once('\n').unwrap();
        let (example, _) = rest.split_once("```").unwrap();
        let page = fs::read_to_string(folder().join(format!("{name}.txt")));
        assert_eq!(example, page.unwrap_or_else(|error| panic!("{name}: {error}")), "{name}");
        examples += 1;
    }
    assert!(20 <= examples, "the worked session is there: {examples}");
}

#[test]
fn every_request_event_and_code_is_described() {
    let document = document();
    let codes = Code::ALL.iter().filter(|code| **code != Code::Unknown).map(|code| code.word());
    let replies = ["welcome", "server_info", "logged_in", "sessions", "roster", "contact"]
        .into_iter()
        .chain([
            "conversation",
            "stored",
            "page",
            "sync_page",
            "heartbeat",
            "done",
            "email",
            "directory",
            "privacy",
            "group_renamed",
        ]);
    for word in Request::KINDS.iter().chain(Event::KINDS).copied().chain(codes).chain(replies) {
        assert!(document.contains(&format!("`{word}`")), "`{word}` is not described");
    }
}
