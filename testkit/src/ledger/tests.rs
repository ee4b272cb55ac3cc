//! The ledger sees every way to break the contract, and none in a run that kept it.

use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::text::MessageText;

use super::*;

const CHAT: ConversationId = ConversationId(1);
const OTHER: ConversationId = ConversationId(2);

fn id(number: u8) -> ClientMsgId {
    ClientMsgId([number; 16])
}

fn entry(seq: u64, number: u8) -> Entry {
    Entry {
        conversation: CHAT,
        seq: Seq(seq),
        sender: UserId(1),
        time: Time(0),
        body: Body::Message { id: id(number), text: MessageText::parse("x").unwrap() },
    }
}

fn ack(seq: u64, number: u8) -> Stored {
    Stored { id: id(number), seq: Seq(seq), time: Time(0) }
}

fn place(seq: u64, number: u8) -> Place {
    Place::of(&entry(seq, number))
}

/// Three messages of which two were acknowledged, one reader who has them all.
fn good() -> Ledger {
    let mut ledger = Ledger::default();
    for number in 1..=3 {
        ledger.attempt(CHAT, id(number));
        ledger.stored(&entry(number.into(), number));
        ledger.shown("bob", &entry(number.into(), number));
    }
    ledger.acked(ack(1, 1));
    ledger.acked(ack(3, 3));
    ledger.acked(ack(3, 3));
    ledger
}

fn check(spoil: impl FnOnce(&mut Ledger), expected: Result<(), Broken>) {
    let mut ledger = good();
    spoil(&mut ledger);
    assert_eq!(ledger.check(), expected);
}

#[test]
fn a_run_without_fault_keeps_the_contract() {
    check(|_| {}, Ok(()));
}

#[test]
fn every_way_to_break_the_contract_is_found() {
    let bob = || "bob".to_owned();
    check(|it| it.store.truncate(2), Err(Broken::Lost(ack(3, 3))));
    check(|it| it.acked(ack(3, 2)), Err(Broken::Lost(ack(3, 2))));
    check(
        |it| it.shown.get_mut("bob").unwrap().truncate(2),
        Err(Broken::NotShown { reader: bob(), place: place(3, 3) }),
    );
    check(
        |it| it.reader("eve"),
        Err(Broken::NotShown { reader: "eve".into(), place: place(1, 1) }),
    );
    check(
        |it| it.shown("bob", &entry(2, 2)),
        Err(Broken::Twice { reader: Some(bob()), place: place(2, 2) }),
    );
    check(
        |it| {
            it.stored(&entry(4, 3));
            it.shown("bob", &entry(4, 3));
        },
        Err(Broken::Twice { reader: Some(bob()), place: place(4, 3) }),
    );
    check(
        |it| it.shown.get_mut("bob").unwrap().swap(0, 1),
        Err(Broken::OutOfOrder { reader: bob(), place: place(1, 1) }),
    );
    check(
        |it| {
            it.attempt(CHAT, id(5));
            it.stored(&entry(5, 5));
            it.shown("bob", &entry(5, 5));
        },
        Err(Broken::Gap { conversation: CHAT, seq: Seq(4) }),
    );
    check(
        |it| it.acked(Stored { time: Time(9), ..ack(1, 1) }),
        Err(Broken::TwoAnswers(ack(1, 1), Stored { time: Time(9), ..ack(1, 1) })),
    );
    check(|it| it.refused(id(2)), Err(Broken::FromNowhere(place(2, 2))));
    check(
        |it| {
            it.stored(&entry(4, 9));
            it.shown("bob", &entry(4, 9));
        },
        Err(Broken::FromNowhere(place(4, 9))),
    );
    check(
        |it| it.attempt_after(CHAT, id(2), [id(3)]),
        Err(Broken::TooEarly { place: place(2, 2), after: id(3) }),
    );
}

#[test]
fn a_message_after_the_one_it_answers_is_fine() {
    check(|it| it.attempt_after(CHAT, id(3), [id(2)]), Ok(()));
    // One that was refused, or never stored, has no place to stand before.
    check(|it| it.attempt_after(CHAT, id(3), [id(7)]), Ok(()));
}

#[test]
fn a_reader_need_not_show_what_it_may_not_read_but_all_that_it_may() {
    check(|it| it.member("eve", OTHER), Ok(()));
    check(
        |it| {
            it.member("eve", OTHER);
            it.attempt(OTHER, id(4));
            it.stored(&Entry { conversation: OTHER, ..entry(1, 4) });
            it.member("bob", CHAT);
        },
        Err(Broken::NotShown {
            reader: "eve".into(),
            place: Place { conversation: OTHER, ..place(1, 4) },
        }),
    );
}

#[test]
fn all_findings_are_told_and_each_names_its_promise() {
    let mut ledger = good();
    ledger.store.truncate(1);
    let found: Vec<_> = ledger.findings().iter().map(Broken::invariant).collect();
    let expected = [Invariant::I1, Invariant::I1, Invariant::I4, Invariant::I4];
    assert_eq!(found, expected);
}
