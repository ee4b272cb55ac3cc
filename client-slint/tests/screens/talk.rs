//! A chat: writing, sending, reading.

use slint::Model;
use slint::platform::Key;
use thrive_client::{Arrival, Change, Code, Message, MessageKey, MessageState, UserId, Username};
use thrive_slint::bridge::{News, Wish};
use thrive_slint::ui::ChatWindow;

use super::stage::*;

fn mine(key: i64, seq: Option<u64>, state: MessageState) -> Message {
    let sender = Username::parse("ann").unwrap();
    Message { key: MessageKey(key), seq, mine: true, sender, state, ..of_bob(key) }
}

#[test]
fn enter_sends_and_shift_enter_breaks_the_line() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    let window = stage.chat(2);
    assert!(window.get_composer_has_focus());
    stage.write(&window, "a");
    stage.with_modifier(&window, Key::Shift, Key::Return);
    stage.write(&window, "b");
    stage.press(&window, Key::Return);
    let sent: Vec<_> =
        stage.wishes().into_iter().filter(|it| matches!(it, Wish::Send { .. })).collect();
    assert_eq!(sent, [Wish::Send { peer: UserId(2), text: "a\nb".into() }]);
    assert_eq!(window.get_draft(), "");
    assert!(window.get_composer_has_focus());
}

#[test]
fn shift_tab_leads_to_the_log_then_to_the_messages_and_escape_closes() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1), of_bob(2)]);
    let window = stage.chat(2);
    stage.press(&window, Key::Backtab);
    stage.press(&window, " ");
    assert!(window.get_log());
    stage.press(&window, Key::Backtab);
    assert!(window.get_list_has_focus());
    assert_eq!(window.get_current(), 1);
    stage.press(&window, Key::UpArrow);
    assert_eq!(window.get_current(), 0);
    stage.press(&window, Key::Escape);
    assert!(stage.office.look(|desk| desk.session.as_ref().unwrap().chats.is_empty()));
    assert!(!stage.wishes().contains(&Wish::Exit));
}

#[test]
fn fifty_messages_move_nothing_and_are_announced_merged() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1)]);
    stage.later(3_000);
    let window = stage.chat(2);
    stage.write(&window, "half a sen");
    let before = stage.spoken().len();
    for seq in 2..=51 {
        stage.message(of_bob(seq));
    }
    stage.later(5_000);
    assert!(window.get_composer_has_focus());
    assert_eq!((window.get_draft().as_str(), window.get_current()), ("half a sen", -1));
    assert_eq!(rows(&window).len(), 51);
    assert_eq!(stage.spoken()[before..], ["bob: text 2.", "49 new messages from bob."]);
    assert!(stage.wishes().contains(&Wish::MarkRead(UserId(2))));
    // The list keeps its place too, once somebody has walked in it.
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Home);
    stage.message(of_bob(52));
    stage.settle();
    assert_eq!(window.get_current(), 0);
    assert!(window.get_list_has_focus());
}

#[test]
fn a_chat_keeps_a_thousand_rows_and_the_one_that_somebody_stands_on() {
    let stage = Stage::chatting(contact(2, "bob"), (1..=1_000).map(of_bob).collect());
    let window = stage.chat(2);
    stage.message(of_bob(1_001));
    stage.message(of_bob(1_002));
    let texts = |window: &ChatWindow| {
        let rows = window.get_rows();
        (rows.row_count(), rows.row_data(0).unwrap().text.to_string())
    };
    assert_eq!(texts(&window), (1_000, "text 3".to_owned()));
    // What is heard of them is hidden, and the next one is heard with its number.
    let heard = window.get_heard();
    assert_eq!((heard.row_count(), window.get_count()), (1_002, 1_000));
    assert!(!heard.row_data(1).unwrap().present);
    let newest = heard.row_data(1_001).unwrap();
    assert!(newest.present && newest.spoken.starts_with("bob: text 1002"), "{newest:?}");
    assert_eq!(newest.position, 999);
    // Somebody walks up to the oldest one, and more come.
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Home);
    stage.message(of_bob(1_003));
    assert_eq!(texts(&window), (1_001, "text 3".to_owned()));
    assert_eq!((window.get_current(), window.get_current_heard()), (0, 2));
}

#[test]
fn what_was_missed_is_not_announced() {
    let stage = Stage::chatting(contact(2, "bob"), vec![]);
    stage.later(3_000);
    let before = stage.spoken().len();
    for seq in 1..=5 {
        let (now, arrival) = (of_bob(seq), Arrival::CatchUp);
        stage.office.hear(News::Change(Change::Message { before: None, now, arrival }));
    }
    stage.later(3_000);
    assert_eq!(stage.spoken().len(), before);
    assert_eq!(rows(&stage.chat(2)).len(), 5);
}

#[test]
fn a_message_that_failed_says_so_and_enter_sends_it_again() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    let window = stage.chat(2);
    let change =
        |before, now| News::Change(Change::Message { before, now, arrival: Arrival::Live });
    stage.office.hear(change(None, mine(1, None, MessageState::Waiting)));
    assert!(rows(&window)[0].starts_with("You: text 1, waiting to be sent,"));
    let refused = mine(1, None, MessageState::Refused(Code::Blocked));
    stage.office.hear(change(Some(MessageState::Waiting), refused));
    stage.later(3_000);
    let said = "The message to bob was not sent. This person does not accept messages from you.";
    assert!(stage.spoken().contains(&said.to_owned()), "{:?}", stage.spoken());
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Return);
    assert!(stage.wishes().contains(&Wish::Retry { peer: UserId(2), message: MessageKey(1) }));
    stage.press(&window, Key::Delete);
    assert!(stage.wishes().contains(&Wish::Discard { peer: UserId(2), message: MessageKey(1) }));
}

#[test]
fn going_up_at_the_beginning_brings_what_was_before_and_keeps_the_place() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![of_bob(31), of_bob(32)]);
    let window = stage.chat(2);
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Home);
    stage.press(&window, Key::Home);
    let wish = Wish::Earlier { peer: UserId(2), before: MessageKey(31) };
    assert!(stage.wishes().contains(&wish));
    let chosen = window.get_current();
    let result = Ok(((1..=30).map(of_bob).collect(), false));
    stage.office.hear(News::Earlier { peer: UserId(2), result });
    stage.settle();
    assert_eq!((chosen, window.get_current()), (0, 30));
    stage.alt(&window, 'e');
    stage.later(3_000);
    let said = stage.spoken().concat();
    assert!(
        said.contains("30 earlier messages.") && said.contains("beginning of the chat."),
        "{said}"
    );
}

#[test]
fn a_digit_speaks_a_message_and_twice_goes_there() {
    let stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1), of_bob(2), of_bob(3)]);
    stage.later(3_000);
    let window = stage.chat(2);
    stage.alt(&window, '2');
    stage.later(500);
    assert!(stage.spoken().last().unwrap().starts_with("bob: text 2"), "{:?}", stage.spoken());
    assert!(window.get_composer_has_focus());
    stage.alt(&window, '2');
    assert!(window.get_list_has_focus());
    assert_eq!((window.get_current(), window.get_draft().as_str()), (1, ""));
}

#[test]
fn a_draft_is_kept_when_the_chat_closes_and_a_log_is_written_when_asked_for() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    let window = stage.chat(2);
    stage.write(&window, "half");
    stage.alt(&window, 'l');
    stage.message(of_bob(7));
    stage.press(&window, Key::Escape);
    let wishes = stage.wishes();
    assert!(wishes.contains(&Wish::Draft { peer: UserId(2), text: "half".into() }), "{wishes:?}");
    let logged = wishes.iter().find_map(|wish| match wish {
        Wish::KeepLogs(chats) => Some(chats.iter().map(|it| it.as_str()).collect::<Vec<_>>()),
        _ => None,
    });
    assert_eq!(logged, Some(vec!["bob"]));
}

#[test]
fn the_history_is_saved_from_where_it_was_switched_on_and_for_this_account_only() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![of_bob(3), of_bob(4)]);
    let window = stage.chat(2);
    let tick = named(&window, "Save chat history");
    tick.invoke_accessible_default_action();
    let bob = Username::parse("bob").unwrap();
    let begun = [Wish::LogFrom { peer: UserId(2), seq: 4 }, Wish::KeepLogs([bob].into())];
    assert_eq!(stage.wishes(), begun);
    let kept = stage.kept();
    assert_eq!(kept.logged_chats.first().unwrap(), "localhost:2005 ann bob");
    tick.invoke_accessible_default_action();
    assert_eq!(stage.wishes(), [Wish::KeepLogs([].into())]);
}

/// So many wishes wait that one more is refused: what was written stays where it was.
#[test]
fn weakness_23_a_text_that_is_not_taken_stays_in_the_composer() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    let window = stage.chat(2);
    stage.fill_the_line();
    stage.write(&window, "important");
    stage.press(&window, Key::Return);
    assert_eq!(window.get_draft(), "important");
    stage.later(1_000);
    assert!(stage.spoken().iter().any(|it| it.contains("too busy")), "{:?}", stage.spoken());
    stage.wishes();
    stage.press(&window, Key::Return);
    assert_eq!(window.get_draft(), "");
    let sent = Wish::Send { peer: UserId(2), text: "important".into() };
    assert_eq!(stage.wishes().first(), Some(&sent));
}

#[test]
fn a_draft_comes_back_with_the_caret_at_its_end_and_nothing_selected() {
    let bob = contact(2, "bob");
    let mut stage = Stage::logged_in(vec![bob.clone()]);
    stage.open_chat(&bob, vec![], "half a sen");
    let window = stage.chat(2);
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::Backtab);
    stage.write(&window, "tence");
    assert_eq!(window.get_draft(), "half a sentence");
    assert!(stage.office.look(|desk| desk.session.as_ref().unwrap().chats.len() == 1));
}
