//! The settings: their tabs, what is chosen there, and what comes of it.

use i_slint_backend_testing::{AccessibleRole, ElementQuery};
use slint::platform::Key;
use slint::{ComponentHandle, Model};
use thrive_client::{Contact, Failure, ServerInfo};
use thrive_slint::bridge::{Deed, News, Wish};
use thrive_slint::settings::Settings;
use thrive_slint::ui::{SettingsForm, SettingsWindow};

use super::stage::*;

fn two() -> Vec<Contact> {
    vec![contact(2, "bob"), contact(3, "cleo")]
}

fn opened(stage: &Stage) -> SettingsWindow {
    stage.alt(&stage.main(), 't');
    stage.settings()
}

fn kept(stage: &Stage) -> Settings {
    stage.kept()
}

/// A pack that a person adds.
fn add_pack(stage: &Stage, name: &str) {
    let folder = stage.dir.path().join("sounds").join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("receive.wav"), "").unwrap();
}

#[test]
fn a_pack_that_comes_while_the_settings_are_open_changes_nothing() {
    let stage = Stage::logged_in(two());
    add_pack(&stage, "marimba");
    let window = opened(&stage);
    window.global::<SettingsForm<'_>>().set_pack(form_pack(&window, "marimba"));
    add_pack(&stage, "bells");
    stage.alt(&window, 'a');
    assert_eq!(kept(&stage).pack, "marimba");
    // It is offered the next time.
    stage.alt(&window, 'k');
    let window = opened(&stage);
    assert_eq!(window.global::<SettingsForm<'_>>().get_pack(), form_pack(&window, "marimba"));
    assert!(form_pack(&window, "bells") < form_pack(&window, "marimba"));
}

/// The name of the tab that is chosen, as a screen reader finds it.
fn chosen_tab(window: &SettingsWindow) -> String {
    let tabs = ElementQuery::from_root(window)
        .match_descendants()
        .match_accessible_role(AccessibleRole::Tab)
        .find_all();
    let chosen = tabs.into_iter().find(|tab| tab.accessible_item_selected() == Some(true));
    chosen.unwrap().accessible_label().unwrap().into()
}

/// Leads to the tab with the arrows, from wherever the focus is.
fn go_to(stage: &Stage, window: &SettingsWindow, tab: &str) {
    window.invoke_focus_tabs();
    for _ in 0..6 {
        let at = usize::try_from(window.get_tab()).unwrap();
        if window.get_tabs().row_data(at).unwrap() == tab {
            return;
        }
        stage.press(window, Key::RightArrow);
    }
    panic!("there is no tab {tab}");
}

#[test]
fn the_tabs_are_walked_with_every_key_that_people_try() {
    let stage = Stage::logged_in(two());
    let window = opened(&stage);
    assert!(window.get_tabs_have_focus());
    assert_eq!(named(&window, "Settings").accessible_item_count(), Some(7));
    let check = |expected: &str| assert_eq!(chosen_tab(&window), expected);
    check("General");
    stage.press(&window, Key::RightArrow);
    check("Appearance");
    stage.press(&window, Key::End);
    check("Account");
    stage.press(&window, Key::RightArrow);
    check("General");
    stage.press(&window, Key::LeftArrow);
    check("Account");
    stage.with_modifier(&window, Key::Control, Key::Tab);
    check("General");
    stage.with_modifier(&window, Key::Control, Key::PageDown);
    check("Appearance");
    // From inside a page the focus comes out of it: the control that had it is gone.
    stage.press(&window, Key::Tab);
    assert!(!window.get_tabs_have_focus());
    stage.with_modifier(&window, Key::Control, Key::PageUp);
    check("General");
    assert!(window.get_tabs_have_focus());
    stage.with_modifier(&window, Key::Control, Key::Backtab);
    check("Account");
}

#[test]
fn a_page_that_comes_has_no_chosen_row_until_the_keys_are_there() {
    let stage = Stage::logged_in(two());
    let window = opened(&stage);
    go_to(&stage, &window, "Appearance");
    let row = named(&window, "Like the system");
    assert_eq!(row.accessible_item_selected(), Some(false));
    let told = || named(&window, "Colors").accessible_description().unwrap_or_default();
    assert_eq!(told(), "Like the system");
    stage.press(&window, Key::Tab);
    assert_eq!(row.accessible_item_selected(), Some(true));
    assert_eq!(told(), "");
}

#[test]
fn a_page_has_its_role_and_only_one_is_seen() {
    let stage = Stage::logged_in(two());
    let window = opened(&stage);
    for tab in ["Sounds", "Chats", "Sounds"] {
        go_to(&stage, &window, tab);
        stage.settle();
        let pages = ElementQuery::from_root(&window)
            .match_descendants()
            .match_accessible_role(AccessibleRole::TabPanel)
            .find_all();
        assert!(pages.iter().any(|page| page.accessible_label().is_some_and(|it| it == tab)));
        stage.press(&window, Key::Tab);
        stage.press(&window, Key::Tab);
        assert!(!window.get_tabs_have_focus(), "{tab}: the page has something to do");
    }
}

#[test]
fn apply_stays_ok_closes_and_escape_changes_nothing() {
    let stage = Stage::logged_in(two());
    let window = opened(&stage);
    go_to(&stage, &window, "Appearance");
    let size = named(&window, "Text size of chats, in points");
    // A number alone: with its unit it would be no number to a screen reader.
    assert_eq!(size.accessible_value().unwrap(), "12");
    size.invoke_accessible_increment_action();
    go_to(&stage, &window, "Speech and notices");
    named(&window, "Speak when somebody is typing").invoke_accessible_default_action();
    named(&window, "New messages interrupt speech").invoke_accessible_default_action();
    stage.alt(&window, 'a');
    assert!(stage.office.look(|desk| desk.choices.is_some()));
    let now = kept(&stage);
    assert_eq!((now.text_points, now.speak_typing, now.interrupt_speech), (13, true, true));
    // What was chosen on another tab is still chosen when one comes back to it.
    go_to(&stage, &window, "Appearance");
    size.invoke_accessible_increment_action();
    stage.alt(&window, 'k');
    assert!(stage.office.look(|desk| desk.choices.is_none()));
    assert_eq!(kept(&stage).text_points, 14);
    let window = opened(&stage);
    go_to(&stage, &window, "Appearance");
    named(&window, "Text size of chats, in points").invoke_accessible_increment_action();
    stage.press(&window, Key::Escape);
    assert!(stage.office.look(|desk| desk.choices.is_none()));
    assert_eq!(kept(&stage).text_points, 14);
    stage.later(1_000);
    assert!(stage.spoken().concat().contains("The settings are applied."));
}

#[test]
fn every_event_has_its_switch_and_says_in_the_list_when_it_is_off() {
    let stage = Stage::logged_in(two());
    let window = opened(&stage);
    go_to(&stage, &window, "Sounds");
    let form = window.global::<SettingsForm<'_>>();
    // Typing is off from the start.
    named(&window, "Somebody begins to type in the chat in front, off");
    form.set_event(4);
    window.invoke_command("event-chosen".into());
    assert!(form.get_event_on());
    named(&window, "Play a sound at this event").invoke_accessible_default_action();
    stage.settle();
    named(&window, "A message comes into the chat in front, off");
    // Nobody can hear it here, but it must not fail.
    stage.alt(&window, 'p');
    form.set_pack(form_pack(&window, "none"));
    stage.alt(&window, 'k');
    let now = kept(&stage);
    assert_eq!(now.pack, "none");
    assert_eq!(now.silent.iter().map(String::as_str).collect::<Vec<_>>(), ["receive", "typing"]);
}

fn form_pack(window: &SettingsWindow, name: &str) -> i32 {
    let packs = window.global::<SettingsForm<'_>>().get_packs();
    let at = packs.iter().position(|pack| pack == name).unwrap();
    i32::try_from(at).unwrap()
}

#[test]
fn starting_at_the_log_in_is_kept_by_the_system_and_shown_as_it_is_there() {
    let stage = Stage::logged_in(two());
    let window = opened(&stage);
    named(&window, "Start Thrive when I log in to this computer")
        .invoke_accessible_default_action();
    stage.alt(&window, 'k');
    let file = stage.dir.path().join("autostart/org.thrive.Messenger.desktop");
    assert!(file.exists());
    let window = opened(&stage);
    assert!(window.global::<SettingsForm<'_>>().get_start_at_login());
    named(&window, "Start Thrive when I log in to this computer")
        .invoke_accessible_default_action();
    stage.alt(&window, 'k');
    assert!(!file.exists());
    let window = opened(&stage);
    assert!(!window.global::<SettingsForm<'_>>().get_start_at_login());
}

#[test]
fn the_size_of_everything_reaches_the_windows_that_are_open_and_those_to_come() {
    let mut stage = Stage::logged_in(two());
    let window = opened(&stage);
    go_to(&stage, &window, "Appearance");
    for _ in 0..4 {
        named(&window, "Size of everything, in percent").invoke_accessible_increment_action();
    }
    stage.alt(&window, 'k');
    assert_eq!(kept(&stage).scale, 200);
    assert!((stage.main().window().scale_factor() - 2.0).abs() < 0.01);
    stage.open_chat(&contact(2, "bob"), vec![], "");
    assert!((stage.chat(2).window().scale_factor() - 2.0).abs() < 0.01);
}

#[test]
fn times_are_left_out_with_an_empty_chat_open_too() {
    let stage = Stage::chatting(contact(2, "bob"), vec![]);
    let chat = stage.chat(2);
    let settings = opened(&stage);
    go_to(&stage, &settings, "Chats");
    named(&settings, "Read the time of each message").invoke_accessible_default_action();
    stage.alt(&settings, 'k');
    stage.message(of_bob(1));
    assert_eq!(rows(&chat), ["bob: text 1"]);
}

#[test]
fn enter_and_control_enter_can_be_swapped_and_times_left_out() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1)]);
    let chat = stage.chat(2);
    let settings = opened(&stage);
    go_to(&stage, &settings, "Chats");
    named(&settings, "Enter sends a message").invoke_accessible_default_action();
    named(&settings, "Read the time of each message").invoke_accessible_default_action();
    stage.alt(&settings, 'k');
    assert_eq!(rows(&chat), ["bob: text 1"]);
    stage.write(&chat, "a");
    stage.press(&chat, Key::Return);
    stage.write(&chat, "b");
    let sent = |stage: &mut Stage| {
        stage.wishes().into_iter().find_map(|wish| match wish {
            Wish::Send { text, .. } => Some(text),
            _ => None,
        })
    };
    assert_eq!(sent(&mut stage), None);
    stage.with_modifier(&chat, Key::Control, Key::Return);
    assert_eq!(sent(&mut stage), Some("a\nb".to_owned()));
}

#[test]
fn f6_leads_around_the_parts_of_the_settings() {
    let stage = Stage::logged_in(two());
    let window = opened(&stage);
    go_to(&stage, &window, "Speech and notices");
    let here =
        |window: &SettingsWindow| (window.get_tabs_have_focus(), window.get_buttons_have_focus());
    stage.press(&window, Key::F6);
    stage.settle();
    assert_eq!(here(&window), (false, false));
    stage.press(&window, " ");
    assert!(!window.global::<SettingsForm<'_>>().get_speak_messages(), "the first of the page");
    stage.press(&window, Key::F6);
    assert_eq!(here(&window), (false, true));
    stage.press(&window, Key::F6);
    assert_eq!(here(&window), (true, false));
    stage.with_modifier(&window, Key::Shift, Key::F6);
    assert_eq!(here(&window), (false, true));
    stage.with_modifier(&window, Key::Shift, Key::F6);
    stage.settle();
    assert_eq!(here(&window), (false, false));
}

#[test]
fn what_the_system_says_late_does_not_undo_what_was_ticked_meanwhile() {
    let mut stage = Stage::logged_in(two());
    let window = opened(&stage);
    let on = |window: &SettingsWindow| window.global::<SettingsForm<'_>>().get_start_at_login();
    stage.office.hear(News::StartsAtLogin(true));
    assert!(on(&window));
    named(&window, "Start Thrive when I log in to this computer")
        .invoke_accessible_default_action();
    stage.office.hear(News::StartsAtLogin(true));
    assert!(!on(&window));
    stage.alt(&window, 'k');
    let failed = Err(Failure::Local("the registry refused".into()));
    stage.office.hear(News::Done { deed: Deed::StartAtLogin, result: failed });
    stage.later(1_500);
    let sentence = "Starting Thrive when you log in could not be changed.";
    assert!(stage.spoken().iter().any(|it| it == sentence), "{:?}", stage.spoken());
    stage.wishes();
}

#[test]
fn what_a_server_tells_late_takes_nobody_out_of_a_chat() {
    let bob = contact(2, "bob");
    let mut stage = Stage::logged_in(vec![bob.clone()]);
    stage.alt(&stage.main(), 'i');
    assert_eq!(stage.wishes(), [Wish::ServerInfo]);
    stage.open_chat(&bob, vec![], "");
    stage.office.hear(News::Server(Ok(info())));
    stage.settle();
    assert!(stage.office.look(|desk| desk.notice.is_none()));
    stage.later(3_000);
    let said = stage.spoken().concat();
    assert!(said.contains("The server has answered. Alt+I in the main window shows it."), "{said}");
}

fn info() -> ServerInfo {
    ServerInfo {
        name: "here".into(),
        host: "localhost".into(),
        port: 2005,
        encrypted: true,
        software: "a test".into(),
        accounts: 2,
        online: 1,
        started_ms: 0,
        sign_up_open: true,
        sign_up_by_invite: false,
        text_chars: 4_000,
        status_chars: 100,
        password_min: 8,
        email_required: false,
        files: None,
    }
}
