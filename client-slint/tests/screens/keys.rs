//! Keys that work in every window, keys of messages, and keys that a person has changed.

use std::cell::RefCell;
use std::rc::Rc;

use slint::Model;
use slint::platform::Key;
use thrive_client::{Arrival, Availability, Change, Contact, Message, Presence, UserId};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::adapters::tray::TrayView;
use thrive_slint::announce::Notice;
use thrive_slint::bridge::{News, TrayChoice, Wish};
use thrive_slint::settings::Settings;

use super::stage::*;

fn with_text(seq: i64, text: &str) -> Message {
    Message { text: text.into(), ..of_bob(seq) }
}

/// In the list of messages, on the newest one.
fn on_messages(stage: &Stage) {
    let window = stage.chat(2);
    window.invoke_focus_list();
    stage.settle();
    assert!(window.get_list_has_focus());
}

#[test]
fn a_key_repeats_what_was_said_last_and_another_lists_all_of_it() {
    let stage = Stage::chatting(contact(2, "bob"), vec![]);
    stage.later(3_000);
    stage.message(of_bob(1));
    stage.later(2_000);
    let before = stage.spoken();
    let window = stage.chat(2);
    stage.with_control_shift(&window, "R");
    stage.later(1_000);
    let after = stage.spoken();
    assert_eq!(after.last().unwrap(), "bob: text 1.");
    assert_eq!(after, before, "it is said again and stands in the list once");
    stage.with_control_shift(&window, "H");
    let lines: Vec<_> = stage.notice().get_lines().iter().collect();
    assert_eq!(lines[0], "bob: text 1.");
    assert_eq!(lines.len(), before.len());
}

#[test]
fn f6_leads_around_the_parts_of_a_window() {
    let stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1)]);
    let chat = stage.chat(2);
    let here = || (chat.get_list_has_focus(), chat.get_composer_has_focus());
    assert_eq!(here(), (false, true));
    stage.press(&chat, Key::F6);
    assert_eq!(here(), (false, false));
    stage.press(&chat, Key::F6);
    assert_eq!(here(), (true, false));
    stage.press(&chat, Key::F6);
    assert_eq!(here(), (false, true));
    stage.with_modifier(&chat, Key::Shift, Key::F6);
    assert_eq!(here(), (true, false));
    stage.with_modifier(&chat, Key::Shift, Key::F6);
    assert_eq!(here(), (false, false));
    let main = stage.main();
    stage.press(&main, Key::F6);
    assert!(!main.get_list_has_focus());
    stage.press(&main, Key::F6);
    assert!(main.get_search_has_focus());
    stage.press(&main, Key::F6);
    assert!(main.get_list_has_focus());
}

#[test]
fn control_c_copies_a_message_and_says_so() {
    let stage = Stage::chatting(contact(2, "bob"), vec![with_text(1, "two\nlines")]);
    stage.later(3_000);
    on_messages(&stage);
    let window = stage.chat(2);
    stage.with_modifier(&window, Key::Control, "c");
    stage.later(1_000);
    assert_eq!(stage.spoken().last().unwrap(), "Copied.");
    assert!(window.get_list_has_focus());
    window.invoke_focus_composer();
    stage.with_modifier(&window, Key::Control, "v");
    assert_eq!(window.get_draft(), "two\nlines");
}

#[test]
fn enter_on_a_message_opens_its_link_and_asks_when_there_are_several() {
    let messages = vec![
        with_text(1, "nothing here"),
        with_text(2, "see https://example.org/a."),
        with_text(3, "https://a.example or www.b.example"),
    ];
    let mut stage = Stage::chatting(contact(2, "bob"), messages);
    stage.later(3_000);
    on_messages(&stage);
    let window = stage.chat(2);
    stage.press(&window, Key::Return);
    let question = stage.office.look(|desk| {
        use slint::ComponentHandle;
        desk.confirm.as_ref().unwrap().0.window.clone_strong()
    });
    for answer in ["https://a.example", "https://www.b.example", "Cancel"] {
        named(&question, answer);
    }
    stage.alt(&question, '2');
    assert!(stage.wishes().contains(&Wish::OpenLink("https://www.b.example".into())));
    stage.press(&window, Key::UpArrow);
    stage.press(&window, Key::Return);
    assert!(stage.wishes().contains(&Wish::OpenLink("https://example.org/a".into())));
    stage.later(1_000);
    assert_eq!(stage.spoken().last().unwrap(), "Opening example.org.");
    stage.press(&window, Key::UpArrow);
    stage.press(&window, Key::Return);
    stage.later(1_000);
    assert_eq!(stage.spoken().last().unwrap(), "There is no link in this message.");
}

#[test]
fn a_key_that_was_changed_in_the_file_works_and_is_shown_and_spoken() {
    let dir = tempfile::tempdir().unwrap();
    let text = "[contacts]\nadd = \"Ctrl+N\"\nabout = []\n[everywhere]\nhelp = \"F2\"\n";
    std::fs::write(dir.path().join("keys.toml"), text).unwrap();
    let mut stage = Stage::at(dir, Settings::default());
    stage.enter(vec![]);
    let window = stage.main();
    assert_eq!(named(&window, "Add contact").accessible_description().unwrap(), "Ctrl+N");
    assert_eq!(named(&window, "All commands").accessible_description().unwrap(), "F2");
    assert_eq!(named(&window, "About Thrive").accessible_description().unwrap(), "");
    let said = named(&window, "Contacts").accessible_description().unwrap();
    assert_eq!(said, "Nobody is here yet. Ctrl+N adds your first contact.");
    stage.alt(&window, 'a');
    assert!(stage.office.look(|desk| desk.add.is_none()));
    stage.with_modifier(&window, Key::Control, "n");
    assert!(stage.office.look(|desk| desk.add.is_some()));
    stage.press(&window, Key::F2);
    let lines: Vec<_> = stage.notice().get_lines().iter().collect();
    assert!(lines.contains(&"Ctrl+N: add a contact".into()), "{lines:?}");
}

#[test]
fn a_file_of_keys_with_mistakes_is_explained_at_the_start_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("keys.toml"), "[chat]\nfly = \"Alt+F\"\n").unwrap();
    let stage = Stage::at(dir, Settings::default());
    let lines: Vec<_> = stage.notice().get_lines().iter().collect();
    assert_eq!(lines.len(), 2);
    assert!(lines[1].starts_with("[chat] fly: there is no such command"), "{lines:?}");
    stage.press(&stage.notice(), Key::Escape);
    stage.alt(&stage.login(), 'r');
    assert!(stage.login().get_remember());
}

#[test]
fn closing_the_main_window_hides_it_with_its_chats_and_messages_keep_coming() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    stage.office.tell(WindowKey::Contacts, Input::Closed);
    assert_eq!(stage.wishes(), [Wish::Hide]);
    stage.office.hear(News::Tray(true));
    assert_eq!(stage.wishes(), [Wish::NameTray("Thrive Messenger, online".into())]);
    stage.message(of_bob(1));
    let notice = Notice { title: "bob".into(), body: "text 1".into() };
    assert!(stage.wishes().contains(&Wish::Notify { peer: Some(UserId(2)), notice }));
    stage.office.hear(News::TrayChosen(TrayChoice::Show));
    stage.settle();
    assert_eq!(rows(&stage.chat(2)).len(), 1);
    stage.office.hear(News::TrayChosen(TrayChoice::Exit));
    assert!(stage.wishes().contains(&Wish::Exit));
}

#[test]
fn the_icon_in_the_tray_says_how_many_messages_are_unread_and_how_one_is_seen() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    stage.office.hear(News::Tray(true));
    let named = |stage: &mut Stage| {
        let names = stage.wishes().into_iter().filter_map(|wish| match wish {
            Wish::NameTray(name) => Some(name),
            _ => None,
        });
        names.collect::<Vec<_>>()
    };
    assert_eq!(named(&mut stage), ["Thrive Messenger, online"]);
    let now = Contact { unread: 3, ..contact(2, "bob") };
    let before = Some(contact(2, "bob"));
    let news = Change::Contact { before, now, arrival: Arrival::Live };
    stage.office.hear(News::Change(news));
    assert_eq!(named(&mut stage), ["Thrive Messenger, 3 unread, online"]);
    stage.office.tick();
    assert!(named(&mut stage).is_empty(), "it is said once");
    let away = Presence { availability: Availability::Away, ..Presence::default() };
    stage.office.hear(News::Change(Change::OwnPresence(away)));
    assert_eq!(named(&mut stage), ["Thrive Messenger, 3 unread, away"]);
    stage.office.hear(News::LoggedOut);
    assert_eq!(named(&mut stage), ["Thrive Messenger"]);
}

#[test]
fn the_icon_of_windows_and_its_menu_lead_where_those_of_linux_lead() {
    let _stage = Stage::with(Settings::default());
    let chosen = Rc::new(RefCell::new(Vec::new()));
    let heard = chosen.clone();
    let view = TrayView::open("Thrive", move |choice| heard.borrow_mut().push(choice)).unwrap();
    let choices: Vec<_> = view.icon.get_choices().iter().collect();
    assert_eq!(choices, ["Show Thrive", "Exit"]);
    view.icon.invoke_used();
    (0..2).for_each(|entry| view.icon.invoke_chosen(entry));
    view.icon.invoke_chosen(2);
    assert_eq!(*chosen.borrow(), [TrayChoice::Show, TrayChoice::Show, TrayChoice::Exit]);
    view.rename("Thrive, online");
    assert_eq!(view.icon.get_name(), "Thrive, online");
}

/// A focus that is where it was is silent in Orca, so it goes and comes.
#[test]
fn what_had_the_focus_takes_it_again_when_the_window_is_back_from_the_tray() {
    let stage = Stage::logged_in(vec![contact(2, "bob")]);
    let window = stage.main();
    let goes_and_comes = || {
        stage.office.tell(WindowKey::Contacts, Input::Closed);
        stage.office.hear(News::Tray(true));
        stage.settle();
        assert!(!window.get_list_has_focus() && !window.get_search_has_focus());
        stage.office.hear(News::TrayChosen(TrayChoice::Show));
        stage.office.tell(WindowKey::Contacts, Input::Active(true));
        stage.settle();
        assert!(!window.get_list_has_focus() && !window.get_search_has_focus());
        for _ in 0..8 {
            stage.settle();
        }
    };
    goes_and_comes();
    assert!(window.get_list_has_focus());
    stage.alt(&window, 'h');
    goes_and_comes();
    assert!(window.get_search_has_focus());
}

#[test]
fn closing_the_main_window_ends_the_program_if_that_is_wanted() {
    let settings = Settings { keep_running: false, ..Settings::default() };
    let mut stage = Stage::with(settings);
    stage.enter(vec![]);
    stage.office.tell(WindowKey::Contacts, Input::Closed);
    assert_eq!(stage.wishes(), [Wish::Exit]);
}

#[test]
fn a_notice_that_is_chosen_leads_to_its_chat() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    stage.office.hear(News::Wanted(UserId(2)));
    assert!(stage.wishes().contains(&Wish::OpenChat(contact(2, "bob").username)));
}

#[test]
fn a_second_start_brings_the_chats_back_and_moves_no_focus_in_them() {
    let stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1)]);
    stage.write(&stage.chat(2), "half");
    stage.office.raise();
    stage.settle();
    assert!(stage.chat(2).get_composer_has_focus());
    assert_eq!(stage.chat(2).get_draft(), "half");
    assert!(
        stage.office.look(|desk| { desk.session.as_ref().unwrap().chats.contains_key(&UserId(2)) })
    );
}

#[test]
fn a_button_and_a_tick_take_no_keys_that_are_meant_for_the_system() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    let window = stage.chat(2);
    stage.press(&window, Key::Backtab);
    for held in [Key::Alt, Key::Control, Key::Meta] {
        stage.with_modifier(&window, held, Key::Space);
        assert!(!window.get_log(), "{held:?}");
    }
    stage.press(&window, Key::Space);
    assert!(window.get_log());
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::Tab);
    // On the button that sends, with nothing to send.
    let sentence = "There is no text to send.";
    stage.later(2_000);
    stage.wishes();
    for held in [Key::Alt, Key::Control, Key::Meta] {
        for key in [Key::Space, Key::Return] {
            stage.with_modifier(&window, held, key);
            stage.later(2_000);
            let said = stage.spoken();
            assert!(!said.contains(&sentence.to_owned()), "{held:?} and {key:?}: {said:?}");
        }
    }
    assert_eq!(stage.wishes(), []);
    stage.press(&window, Key::Return);
    stage.later(2_000);
    assert!(stage.spoken().contains(&sentence.to_owned()), "{:?}", stage.spoken());
}
