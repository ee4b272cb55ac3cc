//! The connection, and what is said of it.

use slint::ComponentHandle;
use thrive_client::{Change, Connection, Failure, UserId};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::bridge::{News, OpenedChat, Wish};

use super::stage::*;

fn connection(stage: &Stage, connection: Connection) {
    stage.office.hear(News::Change(Change::Connection(connection)));
}

fn connecting() -> Connection {
    Connection::Connecting { attempt: 1, since_ms: 0, last_error: None }
}

#[test]
fn the_log_in_ends_in_one_sentence() {
    let stage = Stage::logged_in(vec![contact(2, "bob")]);
    stage.later(2_000);
    assert_eq!(stage.spoken(), ["Logged in."]);
}

#[test]
fn weakness_27_a_lost_connection_is_shown_and_said_after_two_seconds_and_so_is_its_return() {
    let stage = Stage::chatting(contact(2, "bob"), vec![]);
    stage.later(3_000);
    let before = stage.spoken().len();
    connection(&stage, connecting());
    stage.later(1_500);
    assert_eq!(stage.spoken().len(), before);
    assert_eq!(stage.main().get_connection(), "Connecting to the server…");
    stage.later(1_500);
    assert!(stage.chat(2).get_connection().starts_with("No connection."));
    assert!(stage.main().get_connection_bad());
    connection(&stage, Connection::Online);
    stage.later(1_000);
    let said = ["The connection is lost. I go on trying.", "The connection is back."];
    assert_eq!(stage.spoken()[before..], said);
    assert_eq!(stage.chat(2).get_connection(), "");
}

#[test]
fn another_certificate_while_somebody_is_logged_in_is_told_once_and_can_be_accepted_from_the_main_window()
 {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    stage.later(3_000);
    let before = stage.spoken().len();
    let changed = || Connection::Connecting {
        attempt: 2,
        since_ms: 0,
        last_error: Some(Failure::ServerChanged {
            host: "localhost".into(),
            known: "sha256:aa".into(),
            offered: "sha256:bb".into(),
        }),
    };
    connection(&stage, connecting());
    connection(&stage, changed());
    stage.later(3_000);
    connection(&stage, changed());
    stage.later(1_000);
    let sentence = "The certificate of localhost is not the one that was seen before. Nothing is \
                    sent. Alt+I in the main window asks whether to trust the new one.";
    assert_eq!(stage.spoken()[before..], [sentence]);
    // The chat keeps the keyboard, and its line says that nothing is sent.
    assert!(stage.office.look(|desk| desk.confirm.is_none()));
    assert!(stage.chat(2).get_connection().starts_with("No connection."));
    assert_eq!(stage.main().get_notice(), sentence);

    stage.wishes();
    stage.alt(&stage.main(), 'i');
    let window = stage.office.look(|desk| desk.confirm.as_ref().unwrap().0.window.clone_strong());
    assert!(window.get_question().contains("Offered now: sha256:bb"));
    stage.alt(&window, 't');
    let fingerprint = "sha256:bb".to_owned();
    assert_eq!(stage.wishes(), [Wish::AcceptServer { server: server(), fingerprint }]);
    stage.office.hear(News::ServerAccepted(Ok(())));
    connection(&stage, Connection::Online);
    stage.later(2_000);
    let said = ["The new certificate is trusted. The connection is back."];
    assert_eq!(stage.spoken()[before + 1..], said);
    assert_eq!(stage.main().get_notice(), "");
    stage.alt(&stage.main(), 'i');
    assert_eq!(stage.wishes(), [Wish::ServerInfo]);
}

#[test]
fn a_log_in_that_takes_long_says_so_and_calls_nothing_lost() {
    let stage = Stage::new();
    let window = stage.login();
    window.set_username("ann".into());
    window.set_password("secret-9".into());
    stage.alt(&window, 'l');
    connection(&stage, connecting());
    stage.later(1_500);
    assert!(stage.spoken().is_empty());
    stage.later(2_000);
    assert_eq!(stage.spoken(), ["Still connecting to the server."]);
}

#[test]
fn a_chat_that_opens_is_named_in_its_own_window() {
    let stage = Stage::logged_in(vec![contact(2, "bob")]);
    stage.later(3_000);
    let before = stage.spoken().len();
    let opened = OpenedChat { peer: UserId(2), messages: vec![], draft: String::new() };
    let username = contact(2, "bob").username;
    stage.office.hear(News::ChatOpened { username, result: Ok(opened) });
    // The keyboard is still on its way.
    stage.later(300);
    stage.office.tell(WindowKey::Contacts, Input::Active(false));
    stage.office.tell(WindowKey::Chat(UserId(2)), Input::Active(true));
    stage.later(300);
    assert_eq!(stage.spoken().len(), before);
    stage.later(500);
    assert_eq!(stage.spoken()[before..], ["bob, online."]);
}

#[test]
fn behind_another_program_messages_are_not_spoken() {
    let stage = Stage::chatting(contact(2, "bob"), vec![]);
    stage.later(3_000);
    let before = stage.spoken().len();
    stage.office.tell(WindowKey::Chat(UserId(2)), Input::Active(false));
    stage.later(1_000);
    stage.message(of_bob(1));
    stage.later(3_000);
    assert_eq!(stage.spoken().len(), before);
}

#[test]
fn the_network_knows_whether_somebody_has_the_program_before_them() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    let told = |stage: &mut Stage| {
        let attended = |wish| match wish {
            Wish::Attend(attended) => Some(attended),
            _ => None,
        };
        stage.all_wishes().into_iter().filter_map(attended).collect::<Vec<_>>()
    };
    let active = |stage: &Stage, active| {
        stage.office.tell(WindowKey::Contacts, Input::Active(active));
    };
    told(&mut stage);
    active(&stage, true);
    assert_eq!(told(&mut stage), [false; 0], "it is known");
    active(&stage, false);
    assert_eq!(told(&mut stage), [false]);
    active(&stage, true);
    assert_eq!(told(&mut stage), [true]);
    // It is said as soon as it can be.
    stage.fill_the_line();
    active(&stage, false);
    told(&mut stage);
    active(&stage, false);
    assert_eq!(told(&mut stage), [false]);
}
