//! A chat: writing, sending, reading.

use slint::Model;
use slint::platform::Key;
use thrive_client::{
    Arrival, Change, Code, Failure, Message, MessageKey, MessageState, UserId, Username,
};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::bridge::{News, OpenedChat, Wish};
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

fn not_sent(stage: &Stage, text: &str) {
    let (text, failure) = (text.into(), Failure::Invalid("it is too long".into()));
    stage.office.hear(News::NotSent { peer: UserId(2), text, failure });
    stage.settle();
}

fn drafts(stage: &mut Stage) -> Vec<String> {
    let text = |wish| match wish {
        Wish::Draft { text, .. } => Some(text),
        _ => None,
    };
    stage.wishes().into_iter().filter_map(text).collect()
}

#[test]
fn a_text_that_was_not_taken_is_kept_when_the_chat_closes() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    let window = stage.chat(2);
    stage.write(&window, "a");
    stage.press(&window, Key::Return);
    not_sent(&stage, "a");
    assert_eq!(window.get_draft(), "a");
    drafts(&mut stage);
    stage.press(&window, Key::Escape);
    assert_eq!(drafts(&mut stage), ["a"]);
}

#[test]
fn a_text_that_was_not_taken_is_kept_and_announced_though_the_chat_is_closed() {
    let bob = contact(2, "bob");
    let mut stage = Stage::chatting(bob.clone(), vec![]);
    let window = stage.chat(2);
    stage.write(&window, "a");
    stage.press(&window, Key::Return);
    stage.write(&window, "b");
    stage.press(&window, Key::Escape);
    assert_eq!(drafts(&mut stage), ["", "b"]);
    not_sent(&stage, "a");
    assert_eq!(drafts(&mut stage), ["a\nb"], "what was written since is not lost either");
    stage.later(3_000);
    let said = stage.spoken().concat();
    assert!(said.contains("The message to bob was not sent."), "{said}");
    // The chat was read before the draft was kept.
    stage.open_chat(&bob, vec![], "b");
    assert_eq!(stage.chat(2).get_draft(), "a\nb");
}

/// The same message, as it stands in the cache after it was read anew.
fn again(seq: i64) -> Message {
    Message { key: MessageKey(1_000 + seq), ..of_bob(seq) }
}

fn texts(stage: &Stage) -> Vec<String> {
    let text = |row: String| row.split([':', ',']).nth(1).unwrap_or_default().trim().to_owned();
    rows(&stage.chat(2)).into_iter().map(text).collect()
}

fn read_again(stage: &Stage, messages: Vec<Message>) {
    let opened = OpenedChat { peer: UserId(2), messages, draft: String::new() };
    let username = contact(2, "bob").username;
    stage.office.hear(News::ChatOpened { username, result: Ok(opened) });
    stage.settle();
}

#[test]
fn a_history_that_is_read_anew_stands_in_an_open_chat_once() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1), of_bob(2), of_bob(3)]);
    let waiting = mine(4, None, MessageState::Waiting);
    stage.message(waiting.clone());
    let window = stage.chat(2);
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Backtab);
    stage.press(&window, Key::Home);
    // The message with number 3 is not there any more, and one came while the page was on its way.
    let live = Message { key: MessageKey(2_000), seq: Some(4), ..of_bob(9) };
    stage.message(live);
    read_again(&stage, vec![again(1), again(2), waiting]);
    assert_eq!(texts(&stage), ["text 1", "text 2", "text 9", "text 4"]);
    assert!(window.get_list_has_focus() && 0 <= window.get_current());
    stage.alt(&window, 'e');
    let before = MessageKey(1_001);
    assert!(stage.wishes().contains(&Wish::Earlier { peer: UserId(2), before }));
}

#[test]
fn after_more_than_a_page_was_missed_no_hole_stays_in_an_open_chat() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1), of_bob(2)]);
    read_again(&stage, vec![of_bob(2), of_bob(3)]);
    assert_eq!(texts(&stage), ["text 1", "text 2", "text 3"]);
    let window = stage.chat(2);
    stage.office.hear(News::Earlier { peer: UserId(2), result: Ok((vec![], false)) });
    read_again(&stage, vec![of_bob(60), of_bob(61)]);
    assert_eq!(texts(&stage), ["text 60", "text 61"]);
    stage.alt(&window, 'e');
    let before = MessageKey(60);
    assert!(stage.wishes().contains(&Wish::Earlier { peer: UserId(2), before }));
}

fn opened_now(stage: &Stage, username: &str) {
    let opened = OpenedChat { peer: UserId(9), messages: vec![], draft: String::new() };
    let username = Username::parse(username).unwrap();
    stage.office.hear(News::ChatOpened { username, result: Ok(opened) });
    stage.settle();
}

fn open_chats(stage: &Stage) -> Vec<i64> {
    stage.office.look(|desk| desk.session.as_ref().unwrap().chats.keys().map(|it| it.0).collect())
}

#[test]
fn a_chat_that_comes_late_takes_nobody_out_of_another_one() {
    let (bob, zoe) = (contact(2, "bob"), contact(9, "zoe"));
    let mut stage = Stage::logged_in(vec![bob.clone(), zoe]);
    let main = stage.main();
    stage.press(&main, Key::End);
    stage.press(&main, Key::Return);
    stage.open_chat(&bob, vec![], "");
    stage.later(5_000);
    opened_now(&stage, "zoe");
    assert_eq!(open_chats(&stage), [2]);
    stage.later(3_000);
    let said = stage.spoken().concat();
    assert!(said.contains("The chat with zoe can be opened now."), "{said}");
    // Asked for once more, and at once.
    stage.office.tell(WindowKey::Chat(UserId(2)), Input::Active(false));
    stage.office.tell(WindowKey::Contacts, Input::Active(true));
    stage.press(&main, Key::Return);
    let zoe = Username::parse("zoe").unwrap();
    assert!(stage.wishes().contains(&Wish::OpenChat(zoe)));
    stage.office.tell(WindowKey::Contacts, Input::Active(false));
    stage.office.tell(WindowKey::Chat(UserId(2)), Input::Active(true));
    opened_now(&stage, "zoe");
    assert_eq!(open_chats(&stage), [2, 9], "what comes at once is what was asked for");
}

#[test]
fn whoever_waits_for_a_chat_gets_it_however_late() {
    let mut stage = Stage::logged_in(vec![contact(9, "zoe")]);
    stage.press(&stage.main(), Key::Return);
    stage.wishes();
    stage.later(5_000);
    opened_now(&stage, "zoe");
    assert_eq!(open_chats(&stage), [9]);
}

#[test]
fn without_a_connection_nothing_is_called_the_beginning() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![of_bob(31)]);
    let window = stage.chat(2);
    stage.alt(&window, 'e');
    stage.office.hear(News::Earlier { peer: UserId(2), result: Ok((vec![], true)) });
    stage.later(3_000);
    let said = stage.spoken().concat();
    assert!(said.contains("Earlier messages cannot be read now."), "{said}");
    assert!(!said.contains("beginning"), "{said}");
    stage.wishes();
    stage.alt(&window, 'e');
    let wish = Wish::Earlier { peer: UserId(2), before: MessageKey(31) };
    assert_eq!(stage.wishes(), [wish], "it can be tried again");
}

#[test]
fn an_answer_about_earlier_messages_that_does_not_join_what_is_there_is_not_taken() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![of_bob(31)]);
    let window = stage.chat(2);
    stage.alt(&window, 'e');
    // Read anew meanwhile, and much later messages stand there now.
    stage.office.hear(News::Change(Change::Reload));
    stage.wishes();
    let opened = OpenedChat {
        peer: UserId(2),
        messages: vec![of_bob(91), of_bob(92)],
        draft: String::new(),
    };
    let username = Username::parse("bob").unwrap();
    stage.office.hear(News::ChatOpened { username, result: Ok(opened) });
    stage.office.hear(News::Earlier { peer: UserId(2), result: Ok((vec![of_bob(30)], false)) });
    stage.settle();
    assert_eq!(rows(&window).len(), 2);
    stage.wishes();
    stage.alt(&window, 'e');
    let wish = Wish::Earlier { peer: UserId(2), before: MessageKey(91) };
    assert_eq!(stage.wishes(), [wish], "what is missing can be asked for");
}

#[test]
fn a_chat_that_is_closed_while_it_is_read_again_stays_closed() {
    let stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1)]);
    stage.office.hear(News::Change(Change::Reload));
    stage.press(&stage.chat(2), Key::Escape);
    assert!(open_chats(&stage).is_empty());
    let opened = OpenedChat { peer: UserId(2), messages: vec![of_bob(1)], draft: String::new() };
    let username = Username::parse("bob").unwrap();
    stage.office.hear(News::ChatOpened { username, result: Ok(opened) });
    assert!(open_chats(&stage).is_empty());
}
