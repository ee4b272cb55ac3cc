//! The contact list and its dialogs.

use i_slint_backend_testing::{AccessibleRole, ElementHandle};
use slint::platform::Key;
use slint::{ComponentHandle, Model};
use thrive_client::{Arrival, Availability, Change, Contact, Presence, Relation, UserId};
use thrive_slint::bridge::{Deed, News, Wish};

use super::stage::*;

fn three() -> Vec<Contact> {
    vec![contact(2, "bob"), contact(3, "cleo"), contact(4, "dan")]
}

fn changed(stage: &Stage, before: Contact, now: Contact) {
    let before = Some(before);
    stage.office.hear(News::Change(Change::Contact { before, now, arrival: Arrival::Live }));
    stage.settle();
}

#[test]
fn the_list_is_walked_with_every_key_of_a_list() {
    let stage = Stage::logged_in(three());
    let window = stage.main();
    assert!(window.get_list_has_focus());
    assert_eq!(window.get_current(), 0);
    let check = |key: slint::SharedString, expected| {
        stage.press(&window, key);
        assert_eq!(window.get_current(), expected);
    };
    check(Key::DownArrow.into(), 1);
    check(Key::End.into(), 2);
    check(Key::Home.into(), 0);
    check(Key::PageDown.into(), 2);
    check(Key::PageUp.into(), 0);
    check("c".into(), 1);
    check("B".into(), 0);
}

#[test]
fn rows_say_name_then_news_then_status_and_enter_opens_the_chat() {
    let bob = Contact {
        unread: 2,
        presence: Presence::new(Availability::Away, "lunch".into()),
        ..contact(2, "bob")
    };
    let mut stage = Stage::logged_in(vec![bob.clone()]);
    let window = stage.main();
    assert_eq!(rows(&window), ["bob, 2 unread, away, lunch"]);
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), [Wish::OpenChat(bob.username)]);
}

#[test]
fn weakness_26_what_arrives_never_moves_the_chosen_row_or_the_focus() {
    let stage = Stage::logged_in(vec![contact(3, "cleo"), contact(4, "dan")]);
    let window = stage.main();
    stage.press(&window, Key::DownArrow);
    let chosen = named(&window, "dan, online");
    assert_eq!(chosen.accessible_item_selected(), Some(true));
    changed(&stage, contact(2, "bob"), contact(2, "bob"));
    let away = Presence::new(Availability::Away, String::new());
    changed(
        &stage,
        contact(3, "cleo"),
        Contact { presence: away, unread: 4, ..contact(3, "cleo") },
    );
    let request = Contact { relation: Relation::AsksMe, ..contact(9, "zoe") };
    changed(&stage, contact(9, "zoe"), request);
    assert_eq!(chosen.accessible_label().unwrap(), "dan, online");
    assert_eq!(chosen.accessible_item_selected(), Some(true));
    assert!(window.get_list_has_focus());
    assert_eq!(window.get_current(), 3);
}

#[test]
fn searching_again_and_again_leaves_nothing_behind_and_the_list_is_heard_as_before() {
    let stage = Stage::logged_in(three());
    let window = stage.main();
    stage.press(&window, Key::End);
    for _ in 0..10 {
        stage.alt(&window, 'h');
        stage.write(&window, "da");
        assert_eq!(rows(&window), ["dan, online"]);
        stage.press(&window, Key::Escape);
        stage.press(&window, Key::Escape);
    }
    assert_eq!(window.get_rows().row_count(), 3);
    assert_eq!(rows(&window), ["bob, online", "cleo, online", "dan, online"]);
    // The focus is on the row that is chosen, wherever the dead ones are.
    assert!(window.get_list_has_focus());
    assert_eq!(window.get_current(), 2);
    let heard = window.get_heard();
    let focused = heard.row_data(usize::try_from(window.get_current_heard()).unwrap()).unwrap();
    assert_eq!((focused.spoken.as_str(), focused.present), ("dan, online", true));
    stage.press(&window, Key::UpArrow);
    assert_eq!(named(&window, "cleo, online").accessible_item_selected(), Some(true));
    // Assistive technology uses the row that it reads.
    named(&window, "bob, online").invoke_accessible_default_action();
    assert_eq!(window.get_current(), 0);
}

#[test]
fn weakness_28_deleting_asks_first_and_the_safe_answer_has_the_focus() {
    let mut stage = Stage::logged_in(three());
    let window = stage.main();
    let ask = |stage: &Stage| {
        stage.office.look(|desk| desk.confirm.as_ref().unwrap().0.window.clone_strong())
    };
    stage.alt(&window, 'd');
    let question = ask(&stage);
    assert_eq!(question.get_heading(), "Delete bob?");
    let heard = format!("Delete bob? dialog. {}", question.get_question());
    named(&question, &heard);
    stage.settle();
    stage.press(&question, Key::Return);
    assert_eq!(stage.wishes(), []);
    stage.alt(&window, 'd');
    stage.alt(&ask(&stage), 'd');
    assert_eq!(stage.wishes(), [Wish::Remove(UserId(2))]);
}

#[test]
fn the_block_button_follows_the_chosen_contact() {
    let blocked = Contact { blocked: true, ..contact(3, "cleo") };
    let mut stage = Stage::logged_in(vec![contact(2, "bob"), blocked]);
    let window = stage.main();
    named(&window, "Block");
    stage.press(&window, Key::DownArrow);
    named(&window, "Unblock").invoke_accessible_default_action();
    assert_eq!(stage.wishes(), [Wish::Unblock(UserId(3))]);
}

#[test]
fn a_request_is_answered_from_its_row() {
    let request =
        Contact { relation: Relation::AsksMe, request: "It is Zoe".into(), ..contact(9, "zoe") };
    let mut stage = Stage::logged_in(vec![contact(2, "bob"), request]);
    let window = stage.main();
    assert_eq!(rows(&window)[0], "zoe asks to be your contact: It is Zoe");
    stage.press(&window, Key::Return);
    let question = stage.office.look(|desk| desk.confirm.as_ref().unwrap().0.window.clone_strong());
    for answer in ["Accept", "Decline", "Block", "Later"] {
        named(&question, answer);
    }
    stage.alt(&question, 'a');
    assert_eq!(stage.wishes(), [Wish::Accept(UserId(9))]);
    stage.later(3_000);
    let before = Contact { relation: Relation::AsksMe, ..contact(9, "zoe") };
    changed(&stage, before, contact(9, "zoe"));
    stage.office.hear(News::Done { deed: Deed::Accept, result: Ok(()) });
    stage.later(3_000);
    let said = stage.spoken();
    assert_eq!(said.last().unwrap(), "zoe is one of your contacts now.");
    assert_eq!(said.iter().filter(|text| text.contains("zoe")).count(), 1, "{said:?}");
}

#[test]
fn the_line_for_what_has_happened_is_not_read_at_each_return() {
    let stage = Stage::logged_in(three());
    let offline = Presence::new(Availability::Offline, String::new());
    changed(&stage, contact(2, "bob"), Contact { presence: offline, ..contact(2, "bob") });
    let window = stage.main();
    assert_eq!(window.get_notice(), "bob is offline.");
    let heard = ElementHandle::find_by_accessible_label(&window, "bob is offline.")
        .filter(|it| it.accessible_role() == Some(AccessibleRole::Text));
    assert_eq!(heard.count(), 0);
    let connection = named(&window, "Connected.").accessible_role();
    assert_eq!(connection, Some(AccessibleRole::Text));
}

#[test]
fn adding_a_contact_says_what_is_wrong_and_what_came_of_it() {
    let mut stage = Stage::logged_in(three());
    stage.alt(&stage.main(), 'a');
    let window = stage.office.look(|desk| desk.add.as_ref().unwrap().window.clone_strong());
    stage.write(&window, "ann");
    stage.press(&window, Key::Return);
    assert_eq!(window.get_notice(), "That is you.");
    window.set_username("eve".into());
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), [Wish::AddContact { username: "eve".into(), text: String::new() }]);
    let asked = Contact { relation: Relation::Asked, ..contact(5, "eve") };
    stage.office.hear(News::ContactAdded(Ok(asked)));
    assert!(stage.office.look(|desk| desk.add.is_none()));
    assert!(rows(&stage.main()).contains(&"eve, has not answered your request".to_owned()));
}

#[test]
fn a_status_is_chosen_with_arrows_and_own_words() {
    let mut stage = Stage::logged_in(three());
    stage.alt(&stage.main(), 'u');
    let window = stage.office.look(|desk| desk.status.as_ref().unwrap().window.clone_strong());
    stage.press(&window, Key::DownArrow);
    stage.press(&window, Key::Tab);
    stage.write(&window, "lunch");
    stage.press(&window, Key::Return);
    let presence = Presence::new(Availability::Away, "lunch".into());
    assert_eq!(stage.wishes().last(), Some(&Wish::SetPresence(presence)));
}

#[test]
fn logging_out_and_leaving_are_asked_for_once() {
    let mut stage = Stage::logged_in(three());
    stage.alt(&stage.main(), 'o');
    assert_eq!(stage.wishes(), [Wish::LogOut]);
    stage.office.hear(News::LoggedOut);
    stage.login();
    stage.enter(three());
    stage.alt(&stage.main(), 'x');
    assert_eq!(stage.wishes(), [Wish::Exit]);
}

#[test]
fn a_list_without_rows_says_so_and_what_to_do() {
    let stage = Stage::logged_in(vec![]);
    let window = stage.main();
    let list = named(&window, "Contacts");
    let said = "Nobody is here yet. Alt+A adds your first contact.";
    assert_eq!(list.accessible_description().unwrap(), said);
    changed(&stage, contact(2, "bob"), contact(2, "bob"));
    assert_eq!(list.accessible_description().unwrap_or_default(), "");
}
