//! What a screen reader finds: every control has a role and a name, and every screen fits.

use i_slint_backend_testing::{AccessibleRole, ElementQuery, ElementRoot};
use slint::platform::{Key, WindowEvent};
use slint::{ComponentHandle, LogicalSize};
use thrive_client::Contact;

use super::stage::*;

const FOCUSABLE: [AccessibleRole; 7] = [
    AccessibleRole::Button,
    AccessibleRole::Checkbox,
    AccessibleRole::List,
    AccessibleRole::ListItem,
    AccessibleRole::Spinbox,
    AccessibleRole::Tab,
    AccessibleRole::TextInput,
];

/// Complaints about one window.
fn complaints(window: &(impl ElementRoot + ComponentHandle), least: usize) {
    let mut named = 0;
    for role in FOCUSABLE {
        let query = ElementQuery::from_root(window).match_descendants().match_accessible_role(role);
        for element in query.find_all() {
            let label = element.accessible_label().unwrap_or_default();
            assert!(!label.is_empty(), "a {role:?} has no name: {:?}", element.id());
            named += 1;
        }
    }
    assert!(least <= named, "only {named} controls were found");
}

#[test]
fn every_control_of_every_window_has_a_name() {
    let stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1)]);
    complaints(&stage.main(), 12);
    complaints(&stage.chat(2), 6);
    let main = stage.main();
    for letter in ['a', 'u', 't', 'e', 'd', 'y', 'c', 'm', 'n'] {
        stage.alt(&main, letter);
    }
    stage.press(&main, Key::F1);
    stage.office.look(|desk| {
        complaints(&desk.add.as_ref().unwrap().window, 4);
        complaints(&desk.status.as_ref().unwrap().window, 9);
        complaints(&desk.about.as_ref().unwrap().window, 1);
        complaints(&desk.confirm.as_ref().unwrap().0.window, 2);
        complaints(&desk.notice.as_ref().unwrap().window, 10);
        complaints(&desk.circle.directory.as_ref().unwrap().0.view.window, 11);
        complaints(&desk.circle.conversations.as_ref().unwrap().0.view.window, 5);
        complaints(&desk.circle.missed.as_ref().unwrap().0.view.window, 5);
        complaints(&desk.circle.rename.as_ref().unwrap().0.window, 3);
    });
    let settings = stage.settings();
    // Pages that were left are hidden and still there, so there are more and more.
    for least in [12, 19, 45, 53, 55, 61] {
        complaints(&settings, least);
        stage.with_modifier(&settings, Key::Control, Key::Tab);
    }
    let grouped = Contact { group: "Choir".into(), ..contact(2, "bob") };
    let stage = Stage::logged_in(vec![grouped]);
    stage.press(&stage.main(), Key::LeftArrow);
    stage.alt(&stage.main(), 'n');
    stage.office.look(|desk| {
        complaints(&desk.circle.rename_group.as_ref().unwrap().0.window, 3);
    });
    let stage = Stage::new();
    complaints(&stage.login(), 7);
    stage.alt(&stage.login(), 'c');
    stage.office.look(|desk| complaints(&desk.create.as_ref().unwrap().0.window, 6));
}

#[test]
fn every_window_has_two_regions_of_each_kind_for_what_is_said() {
    let stage = Stage::logged_in(vec![]);
    let live = |polite: bool| {
        let wanted = if polite {
            i_slint_backend_testing::AccessibleLiveness::Polite
        } else {
            i_slint_backend_testing::AccessibleLiveness::Assertive
        };
        ElementQuery::from_root(&stage.main())
            .match_descendants()
            .match_predicate(move |it| it.accessible_live_region() == Some(wanted))
            .find_all()
            .len()
    };
    assert!(2 <= live(true) && 2 <= live(false));
}

#[test]
fn rows_tell_their_number_among_those_that_are_there() {
    let stage = Stage::logged_in(vec![contact(2, "bob"), contact(3, "cleo"), contact(4, "dan")]);
    let gone = thrive_client::Change::ContactGone(thrive_client::UserId(3));
    stage.office.hear(thrive_slint::bridge::News::Change(gone));
    stage.settle();
    let window = stage.main();
    assert_eq!(named(&window, "Contacts").accessible_item_count(), Some(2));
    assert_eq!(named(&window, "dan, online").accessible_item_index(), Some(1));
}

#[test]
fn nothing_is_cut_off_at_one_two_and_four_times_the_size() {
    let stage = Stage::chatting(contact(2, "bob"), vec![of_bob(1)]);
    let login = Stage::new();
    // What a screen of 1280 by 900 has for a window at this scale, or the size that it asks for.
    for scale in [1.0_f32, 2.0, 4.0] {
        let (width, height) = (1_200.0 / scale, 820.0 / scale);
        fits(&stage.main(), scale, width.min(720.0), height.min(600.0));
        fits(&stage.chat(2), scale, width.min(640.0), height.min(620.0));
        fits(&login.login(), scale, width.min(420.0), height.min(640.0));
    }
    stage.alt(&stage.main(), 'f');
    stage.alt(&stage.main(), 'r');
    stage.alt(&stage.main(), 'v');
    let (send, transfers, orders) = stage.office.look(|desk| {
        let send = desk.shelf.send.as_ref().unwrap().0.view.window.clone_strong();
        let transfers = desk.shelf.transfers.as_ref().unwrap().0.view.window.clone_strong();
        (send, transfers, desk.counter.orders.as_ref().unwrap().view.window.clone_strong())
    });
    for scale in [1.0_f32, 2.0, 4.0] {
        let (width, height) = (1_200.0 / scale, 820.0 / scale);
        fits(&send, scale, width.min(520.0), height.min(560.0));
        fits(&transfers, scale, width.min(620.0), height.min(560.0));
        fits(&orders, scale, width.min(640.0), height.min(520.0));
    }
    for letter in ['y', 'c'] {
        stage.alt(&stage.main(), letter);
    }
    for scale in [1.0_f32, 2.0, 4.0] {
        let (width, height) = (1_200.0 / scale, 820.0 / scale);
        stage.office.look(|desk| {
            let directory = &desk.circle.directory.as_ref().unwrap().0.view.window;
            fits(directory, scale, width.min(720.0), height.min(600.0));
            let conversations = &desk.circle.conversations.as_ref().unwrap().0.view.window;
            fits(conversations, scale, width.min(620.0), height.min(440.0));
        });
    }
    stage.alt(&stage.main(), 't');
    let settings = stage.settings();
    for _ in 0..6 {
        for scale in [1.0_f32, 2.0, 4.0] {
            let (width, height) = (1_200.0 / scale, 820.0 / scale);
            fits(&settings, scale, width.min(760.0), height.min(560.0));
        }
        stage.with_modifier(&settings, Key::Control, Key::Tab);
    }
}

/// At this scale no control is wider than its window or lies left or right of it; what is higher
/// than the window scrolls to whatever has the focus.
fn fits(window: &(impl ElementRoot + ComponentHandle), scale: f32, width: f32, height: f32) {
    let outer = window.window();
    outer.dispatch_event(WindowEvent::ScaleFactorChanged { scale_factor: scale });
    outer.dispatch_event(WindowEvent::Resized { size: LogicalSize::new(width, height) });
    for role in FOCUSABLE {
        let query = ElementQuery::from_root(window).match_descendants().match_accessible_role(role);
        for element in query.find_all() {
            let (at, size) = (element.absolute_position(), element.size());
            let label = element.accessible_label().unwrap_or_default();
            assert!(0.0 <= at.x && at.x + size.width <= width + 0.5, "{label:?} at {scale}");
        }
    }
}

/// Where a control lies in a window of this size: left, top, right, bottom.
fn place(window: &(impl ElementRoot + ComponentHandle), label: &str) -> (f32, f32, f32, f32) {
    let element = named(window, label);
    let (at, size) = (element.absolute_position(), element.size());
    (at.x, at.y, at.x + size.width, at.y + size.height)
}

#[test]
fn the_window_for_logging_in_shows_everything_at_once() {
    let controls = [
        "User name",
        "Password",
        "Remember me",
        "Log in automatically",
        "Status",
        "Log in",
        "Create an account",
        "Forgot password",
        "Server",
        "Servers…",
        "Exit",
    ];
    let stage = Stage::new();
    let window = stage.login();
    window.set_notice("The server cannot be reached. Check its name and your connection.".into());
    for servers in [1, 3] {
        window.set_server_count(servers);
        fits(&window, 1.0, 500.0, 720.0);
        stage.settle();
        for label in controls {
            let (left, top, right, bottom) = place(&window, label);
            assert!(0.0 <= top && bottom <= 720.0, "{label}: {top} to {bottom}");
            assert!(0.0 <= left && right <= 500.0, "{label}: {left} to {right}");
        }
    }
}

#[test]
fn tabs_stand_in_several_lines_where_they_do_not_fit_beside_each_other() {
    let stage = Stage::logged_in(vec![]);
    stage.alt(&stage.main(), 't');
    let window = stage.settings();
    let tabs = ["General", "Appearance", "Sounds", "Speech and notices", "Chats", "People"];
    for width in [880.0, 640.0, 360.0] {
        fits(&window, 1.0, width, 600.0);
        stage.settle();
        let places: Vec<_> = tabs.iter().map(|tab| place(&window, tab)).collect();
        for (at, (left, top, right, bottom)) in places.iter().enumerate() {
            assert!(80.0 <= right - left, "{} is seen at {width}", tabs[at]);
            let over = |(l, t, r, b): &(f32, f32, f32, f32)| {
                l + 0.5 < *right && *left + 0.5 < *r && t + 0.5 < *bottom && *top + 0.5 < *b
            };
            assert_eq!(places.iter().filter(|it| over(it)).count(), 1, "{} at {width}", tabs[at]);
        }
    }
    // Without room for several lines, the chosen one is seen alone. The others are there all the same.
    fits(&window, 4.0, 300.0, 205.0);
    stage.settle();
    let (left, _, right, _) = place(&window, "General");
    assert!(250.0 < right - left);
    assert_eq!(named(&window, "Account").accessible_role(), Some(AccessibleRole::Tab));
}

#[test]
fn the_button_for_conversations_says_how_much_is_unread() {
    let stage = Stage::logged_in(vec![]);
    let window = stage.main();
    window.set_conversations_unread("99 unread".into());
    fits(&window, 1.0, 880.0, 600.0);
    stage.settle();
    let button = named(&window, "Conversations, 99 unread");
    let text =
        ElementQuery::from_root(&window).match_descendants().match_type_name("Text").find_all();
    let inside = |it: &i_slint_backend_testing::ElementHandle| {
        let (at, from) = (it.absolute_position(), button.absolute_position());
        from.y <= at.y && at.y < from.y + button.size().height && from.x <= at.x
    };
    for part in text.iter().filter(|it| inside(it)) {
        let end = part.absolute_position().x + part.size().width;
        let own = part.absolute_position().x < button.absolute_position().x + button.size().width;
        assert!(!own || end <= button.absolute_position().x + button.size().width);
    }
}

/// A screen of 1280 by 900 at four times the size, without the frame of the window and the panel.
#[test]
fn a_chat_at_four_times_the_size_shows_whatever_has_the_focus() {
    let stage = Stage::chatting(contact(2, "bob"), (1..=9).map(of_bob).collect());
    let window = stage.chat(2);
    let (width, height) = (300.0, 205.0);
    fits(&window, 4.0, width, height);
    stage.settle();
    let seen = |label: &str| {
        let element = named(&window, label);
        let (top, bottom) = (element.absolute_position().y, element.size().height);
        (top.max(0.0), (top + bottom).min(height), bottom)
    };
    let whole = |label: &str| {
        let (top, bottom, high) = seen(label);
        assert!(high - 0.5 <= bottom - top, "{label}: {top} to {bottom} of {high}");
    };
    let is_written = || {
        whole("Message to bob");
        whole("Send");
        let (top, bottom, _) = seen("Messages");
        assert!(20.0 <= bottom - top, "the last message is seen");
    };
    assert!(window.get_composer_has_focus());
    is_written();
    for label in ["Save chat history", "Messages", "Load earlier"] {
        stage.with_modifier(&window, Key::Shift, Key::Tab);
        whole(label);
    }
    window.invoke_focus_composer();
    stage.settle();
    is_written();
    // The window that grows shows everything again.
    fits(&window, 1.0, 640.0, 620.0);
    stage.settle();
    for label in ["Load earlier", "Messages", "Save chat history", "Message to bob", "Send"] {
        let (top, bottom, high) = (
            named(&window, label).absolute_position().y,
            620.0,
            named(&window, label).size().height,
        );
        assert!(0.0 <= top && top + high <= bottom, "{label}");
    }
}
