//! Commands for the server, and what the host says to people.

use slint::ComponentHandle;
use slint::platform::Key;
use thrive_client::admin::{AdminAnswer, AdminCommand, Person};
use thrive_client::{Change, Code, Failure, UserId, Username};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::bridge::{HostNews, HostWish, News, Wish};
use thrive_slint::desk::host::Host;
use thrive_slint::ui::OrdersWindow;

use super::stage::*;

/// What was said since the start has these words in it.
fn hears(stage: &Stage, words: &str) {
    let said = stage.spoken().join(" ");
    assert!(said.contains(words), "{words:?} in {said:?}");
}

fn opened(stage: &Stage) -> OrdersWindow {
    stage.alt(&stage.main(), 'v');
    stage.office.tell(WindowKey::Host(Host::Orders), Input::Active(true));
    stage.settle();
    stage.office.look(|desk| desk.counter.orders.as_ref().unwrap().view.window.clone_strong())
}

fn answered(stage: &Stage, result: Result<AdminAnswer, Failure>) {
    stage.office.hear(News::Host(HostNews::Answered(result)));
    stage.settle();
}

fn bob() -> Person {
    Person { user: UserId(2), username: Username::parse("bob").unwrap() }
}

fn refused(code: Code) -> Failure {
    Failure::Refused { code, retry_after_ms: None, limit: None }
}

#[test]
fn a_command_is_typed_sent_by_enter_and_its_answer_is_spoken_and_kept() {
    let mut stage = Stage::logged_in(vec![]);
    let window = opened(&stage);
    assert!(window.get_field_has_focus());
    let list = named(&window, "Answers");
    assert!(list.accessible_description().unwrap().contains("/help"));
    stage.write(&window, "/admin bob");
    stage.press(&window, Key::Return);
    let promote = AdminCommand::Promote { username: "bob".into() };
    assert_eq!(stage.wishes(), [Wish::Host(HostWish::Order(promote))]);
    assert_eq!(window.get_text(), "");
    answered(&stage, Ok(AdminAnswer::Promoted(bob())));
    assert_eq!(rows(&window), ["You: /admin bob", "bob is an admin now."]);
    assert!(window.get_field_has_focus());
    stage.later(6_000);
    hears(&stage, "bob is an admin now.");
}

#[test]
fn whoever_has_no_rights_hears_from_the_server_why_nothing_happens() {
    let stage = Stage::logged_in(vec![]);
    let window = opened(&stage);
    stage.write(&window, "/who");
    stage.press(&window, Key::Return);
    answered(&stage, Err(refused(Code::AdminOnly)));
    assert_eq!(rows(&window)[1], "Only admins may do that.");
    stage.later(6_000);
    hears(&stage, "Only admins may do that.");
}

#[test]
fn what_is_no_command_stays_in_the_field_and_is_explained() {
    let mut stage = Stage::logged_in(vec![]);
    let window = opened(&stage);
    stage.write(&window, "/ban bob");
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), []);
    assert_eq!(window.get_text(), "/ban bob");
    assert!(window.get_field_has_focus());
    stage.later(6_000);
    hears(&stage, "Something is missing: /ban USER");
}

#[test]
fn help_is_answered_without_the_server_and_says_where_its_lines_are() {
    let mut stage = Stage::logged_in(vec![]);
    let window = opened(&stage);
    stage.write(&window, "/help");
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), []);
    assert!(rows(&window).iter().any(|row| row.starts_with("/restart: ")));
    stage.later(6_000);
    hears(&stage, "Shift+Tab leads to them.");
}

#[test]
fn former_commands_come_back_with_up_and_answers_are_read_with_arrows() {
    let stage = Stage::logged_in(vec![]);
    let window = opened(&stage);
    for command in ["/who", "/bans"] {
        stage.write(&window, command);
        stage.press(&window, Key::Return);
    }
    stage.press(&window, Key::UpArrow);
    stage.press(&window, Key::UpArrow);
    assert_eq!(window.get_text(), "/who");
    stage.write(&window, "x");
    assert_eq!(window.get_text(), "/whox", "the caret is behind it");
    stage.press(&window, Key::DownArrow);
    assert_eq!(window.get_text(), "/bans");
    stage.press(&window, Key::DownArrow);
    assert_eq!(window.get_text(), "");
    stage.with_modifier(&window, Key::Shift, Key::Backtab);
    assert!(window.get_list_has_focus());
    assert_eq!(window.get_current(), 1, "the newest");
    stage.press(&window, Key::UpArrow);
    assert_eq!(window.get_current(), 0);
    stage.with_modifier(&window, Key::Control, "c");
    stage.later(6_000);
    hears(&stage, "Copied.");
}

#[test]
fn answers_are_there_again_when_the_window_is_and_go_with_the_session() {
    let mut stage = Stage::logged_in(vec![]);
    let window = opened(&stage);
    stage.write(&window, "/bans");
    stage.press(&window, Key::Return);
    stage.press(&window, Key::Escape);
    assert!(stage.office.look(|desk| desk.counter.orders.is_none()));
    answered(&stage, Err(refused(Code::AdminOnly)));
    assert_eq!(rows(&opened(&stage)), ["You: /bans", "Only admins may do that."]);
    stage.office.hear(News::LoggedOut);
    stage.enter(vec![]);
    assert_eq!(rows(&opened(&stage)), [""; 0]);
}

#[test]
fn weakness_27_an_alert_interrupts_speech_and_takes_no_focus() {
    let stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1)]);
    let window = stage.chat(2);
    stage.write(&window, "half");
    let text = "The server moves\nat eight.".into();
    stage.office.hear(News::Change(Change::Alert { text, time_ms: 0 }));
    stage.settle();
    let line = "Message from the host: The server moves at eight.";
    assert_eq!(window.get_notice(), line);
    assert_eq!(stage.main().get_notice(), line);
    assert!(window.get_composer_has_focus());
    assert_eq!(window.get_draft(), "half");
    stage.later(6_000);
    hears(&stage, line);
    stage.with_control_shift(&window, "h");
    let kept = rows(&stage.notice());
    assert!(kept.iter().any(|row| row.contains(line)), "{kept:?}");
}

#[test]
fn rights_are_told_when_they_change_and_not_at_the_log_in() {
    let mut stage = Stage::new();
    let username = Username::parse("ann").unwrap();
    stage.office.hear(News::Entered { username, server: server() });
    stage.office.hear(News::Change(Change::Admin(true)));
    stage.enter(vec![]);
    stage.later(6_000);
    assert!(!stage.spoken().iter().any(|text| text.contains("admin")));
    for (admin, sentence) in [
        (false, "You are no admin of this server any more."),
        (true, "You are an admin of this server now."),
    ] {
        stage.office.hear(News::Change(Change::Admin(admin)));
        stage.later(6_000);
        hears(&stage, sentence);
    }
}

#[test]
fn a_ban_says_until_when_and_why_where_one_logs_in() {
    let stage = Stage::logged_in(vec![]);
    let banned = Change::Banned { until_ms: Some(1_797_206_399_000), reason: "spam".into() };
    stage.office.hear(News::Change(banned));
    stage.office.hear(News::Change(Change::LoggedOut(Some(Code::Banned))));
    let said = stage.login().get_notice();
    assert!(
        said.starts_with("This account is banned until ") && said.ends_with("Reason: Spam."),
        "{said}"
    );
    stage.office.tell(WindowKey::Login, Input::Active(true));
    stage.later(6_000);
    hears(&stage, &said);
}

#[test]
fn whoever_was_deleted_reads_so_where_one_logs_in() {
    let stage = Stage::logged_in(vec![]);
    stage.office.hear(News::Change(Change::LoggedOut(Some(Code::AccountDeleted))));
    assert_eq!(stage.login().get_notice(), "Your account was deleted.");
}
