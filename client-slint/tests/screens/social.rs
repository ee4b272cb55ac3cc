//! The search for contacts, the user directory, conversations, what was missed, and what can be done
//! with one person.

use slint::ComponentHandle;
use slint::platform::Key;
use thrive_client::{
    Arrival, Availability, Change, Code, Connection, Contact, Failure, Found, FoundPage, Missed,
    Presence, Privacy, Relation, SetPrivacy, Tab, Talk, UserId, Username,
};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::bridge::{Deed, News, SocialNews, SocialWish, Wish};
use thrive_slint::desk::social::Social;
use thrive_slint::settings::{Order, Settings};
use thrive_slint::ui::{ActionsWindow, DirectoryWindow, PeopleWindow, RenameWindow};

use super::stage::*;

fn name(name: &str) -> Username {
    Username::parse(name).unwrap()
}

fn three() -> Vec<Contact> {
    vec![contact(2, "bob"), contact(3, "cleo"), contact(4, "dan")]
}

fn stranger(id: i64, name: &str) -> Contact {
    Contact {
        relation: Relation::None,
        presence: Presence::default(),
        unread: 1,
        ..contact(id, name)
    }
}

fn changed(stage: &Stage, now: Contact) {
    let (before, arrival) = (Some(now.clone()), Arrival::Live);
    stage.office.hear(News::Change(Change::Contact { before, now, arrival }));
    stage.settle();
}

fn hear(stage: &Stage, news: SocialNews) {
    stage.office.hear(News::Social(news));
    stage.settle();
}

/// The keyboard is in a window of this theme, and no longer in the main one.
fn in_front(stage: &Stage, social: Social) {
    stage.office.tell(WindowKey::Contacts, Input::Active(false));
    stage.office.tell(WindowKey::Social(social), Input::Active(true));
}

fn directory(stage: &Stage) -> DirectoryWindow {
    stage.office.look(|desk| desk.circle.directory.as_ref().unwrap().0.view.window.clone_strong())
}

fn conversations(stage: &Stage) -> PeopleWindow {
    stage
        .office
        .look(|desk| desk.circle.conversations.as_ref().unwrap().0.view.window.clone_strong())
}

fn missed(stage: &Stage) -> PeopleWindow {
    stage.office.look(|desk| desk.circle.missed.as_ref().unwrap().0.view.window.clone_strong())
}

fn actions(stage: &Stage) -> ActionsWindow {
    stage.office.look(|desk| desk.circle.actions.as_ref().unwrap().view.window.clone_strong())
}

fn rename(stage: &Stage) -> RenameWindow {
    stage.office.look(|desk| desk.circle.rename.as_ref().unwrap().0.window.clone_strong())
}

fn found(id: i64, username: &str) -> Found {
    Found {
        user: UserId(id),
        username: name(username),
        presence: Presence::default(),
        relation: Relation::None,
        blocked: false,
        you: false,
        admin: false,
    }
}

fn asks(tab: Tab, search: &str, after: Option<&str>, asked: u64) -> Wish {
    let (search, after) = (search.into(), after.map(str::to_owned));
    Wish::Social(SocialWish::Directory { tab, search, after, asked })
}

fn page(stage: &Stage, asked: u64, people: Vec<Found>, next: Option<&str>) {
    let result = Ok(FoundPage { people, next: next.map(str::to_owned) });
    hear(stage, SocialNews::Directory { asked, result });
}

/// The directory is open and in front, and its first page has come.
fn searching(people: Vec<Found>, next: Option<&str>) -> (Stage, DirectoryWindow) {
    let mut stage = Stage::logged_in(three());
    stage.later(2_000);
    stage.alt(&stage.main(), 'y');
    in_front(&stage, Social::Directory);
    assert_eq!(stage.wishes(), [asks(Tab::Everyone, "", None, 1)]);
    page(&stage, 1, people, next);
    let window = directory(&stage);
    (stage, window)
}

#[test]
fn the_search_narrows_the_list_as_one_types_and_says_how_many_are_left() {
    let mut everybody = three();
    everybody.push(contact(5, "dora"));
    let stage = Stage::logged_in(everybody);
    let window = stage.main();
    stage.later(2_000);
    stage.alt(&window, 'h');
    assert!(window.get_search_has_focus());
    stage.write(&window, "d");
    assert_eq!(rows(&window), ["dan, online", "dora, online"]);
    stage.write(&window, "o");
    assert_eq!(rows(&window), ["dora, online"]);
    stage.later(2_000);
    assert_eq!(stage.spoken().last().unwrap(), "1 contact has such a name.");
    assert!(!stage.spoken().contains(&"2 contacts have such a name.".to_owned()));
    stage.press(&window, Key::Return);
    assert!(window.get_list_has_focus());
    stage.press(&window, Key::Escape);
    assert_eq!(window.get_search(), "");
    assert_eq!(rows(&window).len(), 4);
    stage.later(2_000);
    assert_eq!(stage.spoken().last().unwrap(), "4 contacts.");
}

#[test]
fn a_search_without_a_match_says_so_in_the_list_too() {
    let stage = Stage::logged_in(three());
    let window = stage.main();
    stage.alt(&window, 'h');
    stage.write(&window, "xyz");
    let said = "Nobody has such a name. Escape shows all contacts again.";
    assert_eq!(named(&window, "Contacts").accessible_description().unwrap(), said);
}

#[test]
fn weakness_26_whoever_comes_and_goes_moves_neither_the_search_nor_the_chosen_row() {
    let stage = Stage::logged_in(three());
    let window = stage.main();
    stage.press(&window, Key::DownArrow);
    stage.press(&window, Key::DownArrow);
    stage.alt(&window, 'h');
    stage.write(&window, "a");
    assert_eq!(rows(&window), ["dan, online"]);
    let away = Presence::new(Availability::Away, String::new());
    changed(&stage, Contact { presence: away.clone(), ..contact(2, "bob") });
    changed(&stage, Contact { presence: away, ..contact(4, "dan") });
    changed(&stage, contact(8, "anna"));
    assert_eq!(rows(&window), ["anna, online", "dan, away"]);
    assert!(window.get_search_has_focus());
    assert_eq!(window.get_search(), "a");
    // Orca would read the row in the middle of typing, and be silent when the keys get there.
    let chosen = named(&window, "dan, away");
    assert_eq!(chosen.accessible_item_selected(), Some(false));
    stage.press(&window, Key::Tab);
    assert_eq!(chosen.accessible_item_selected(), Some(true));
}

#[test]
fn by_status_the_list_is_sorted_when_it_is_entered() {
    let settings = Settings { order: Order::Status, ..Settings::default() };
    let mut stage = Stage::with(settings);
    stage.enter(three());
    let window = stage.main();
    let offline = Presence::default();
    changed(&stage, Contact { presence: offline, ..contact(2, "bob") });
    assert_eq!(rows(&window), ["bob, offline", "cleo, online", "dan, online"]);
    stage.alt(&window, 'h');
    stage.press(&window, Key::Escape);
    assert!(window.get_list_has_focus());
    assert_eq!(rows(&window), ["cleo, online", "dan, online", "bob, offline"]);
    assert_eq!(named(&window, "bob, offline").accessible_item_selected(), Some(true));
}

#[test]
fn the_directory_lists_everybody_and_says_how_many_they_are() {
    let you = Found { you: true, ..found(1, "ann") };
    let bob = Found { relation: Relation::Contact, admin: true, ..found(2, "bob") };
    let eve = Found { blocked: true, ..found(9, "eve") };
    let (stage, window) = searching(vec![you, bob, eve], None);
    assert!(window.get_search_has_focus());
    let expected = ["ann, offline, you", "bob (Admin), offline, contact", "eve, offline, blocked"];
    assert_eq!(rows(&window), expected);
    stage.later(2_000);
    assert_eq!(stage.spoken().last().unwrap(), "3 people.");
    named(&window, "3 people.");
}

#[test]
fn tab_leads_from_the_search_over_the_tabs_and_the_list_to_the_commands() {
    let (stage, window) = searching(vec![found(9, "eve")], None);
    stage.press(&window, Key::Tab);
    assert!(window.get_tabs_have_focus());
    stage.press(&window, Key::Tab);
    assert!(window.get_list_has_focus());
    stage.press(&window, Key::Tab);
    let focused = !window.get_list_has_focus() && !window.get_tabs_have_focus();
    assert!(focused && !window.get_search_has_focus());
    stage.press(&window, Key::Backtab);
    assert!(window.get_list_has_focus());
    stage.press(&window, Key::Backtab);
    assert!(window.get_tabs_have_focus());
}

#[test]
fn a_search_waits_for_the_last_letter_and_an_old_answer_changes_nothing() {
    let (mut stage, window) = searching(vec![found(8, "dora"), found(9, "eve")], None);
    stage.write(&window, "ev");
    assert_eq!(stage.wishes(), []);
    stage.later(600);
    assert_eq!(stage.wishes(), [asks(Tab::Everyone, "ev", None, 2)]);
    stage.write(&window, "e");
    stage.later(600);
    assert_eq!(stage.wishes(), [asks(Tab::Everyone, "eve", None, 3)]);
    page(&stage, 2, vec![], None);
    assert_eq!(rows(&window).len(), 2);
    page(&stage, 3, vec![found(9, "eve")], None);
    assert_eq!(rows(&window), ["eve, offline"]);
    assert_eq!(window.get_search(), "eve");
    assert!(window.get_search_has_focus());
}

#[test]
fn another_tab_asks_for_other_people() {
    let (mut stage, window) = searching(vec![found(9, "eve")], None);
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::RightArrow);
    assert_eq!(stage.wishes(), [asks(Tab::Online, "", None, 2)]);
    stage.press(&window, Key::End);
    assert_eq!(stage.wishes(), [asks(Tab::Admins, "", None, 3)]);
    assert_eq!(window.get_tab(), 3);
}

#[test]
fn the_next_page_is_loaded_from_the_last_row_and_by_key() {
    let (mut stage, window) = searching(vec![found(8, "dora"), found(9, "eve")], Some("eve"));
    assert_eq!(rows(&window).last().unwrap(), "Load more people");
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::End);
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), [asks(Tab::Everyone, "", Some("eve"), 2)]);
    page(&stage, 2, vec![found(10, "fay")], Some("fay"));
    assert_eq!(named(&window, "fay, offline").accessible_item_selected(), Some(true));
    stage.alt(&window, 'm');
    assert_eq!(stage.wishes(), [asks(Tab::Everyone, "", Some("fay"), 3)]);
}

#[test]
fn somebody_found_is_written_to_added_and_blocked_with_keys() {
    let (mut stage, window) = searching(vec![found(9, "eve")], None);
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::Return);
    stage.alt(&window, 'a');
    stage.later(2_000);
    stage.alt(&window, 'b');
    let eve = name("eve");
    let added = Wish::Social(SocialWish::Add(eve.clone()));
    assert_eq!(stage.wishes(), [Wish::OpenChat(eve.clone()), added, Wish::Block(eve)]);
    changed(&stage, Contact { blocked: true, ..stranger(9, "eve") });
    assert_eq!(rows(&window), ["eve, offline, blocked"]);
    stage.alt(&window, 'b');
    assert_eq!(stage.wishes(), [Wish::Unblock(UserId(9))]);
    named(&window, "Unblock");
    let asked = Contact { relation: Relation::Asked, unread: 0, ..contact(9, "eve") };
    hear(&stage, SocialNews::Added(Ok(asked)));
    stage.later(2_000);
    assert_eq!(stage.spoken().last().unwrap(), "eve was asked to be your contact.");
    assert_eq!(rows(&window), ["eve, offline, has not answered your request"]);
    assert!(window.get_list_has_focus());
}

#[test]
fn people_who_are_no_contacts_stand_among_the_conversations() {
    let zoe = stranger(9, "zoe");
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    changed(&stage, zoe.clone());
    let window = stage.main();
    assert_eq!(rows(&window), ["bob, online"]);
    named(&window, "Conversations, 1 unread");
    stage.alt(&window, 'c');
    assert_eq!(stage.wishes(), [Wish::Social(SocialWish::Talks)]);
    in_front(&stage, Social::Conversations);
    let talk = |contact: &Contact| Talk { contact: contact.clone(), last: of_bob(1) };
    hear(&stage, SocialNews::Talks(Ok(vec![talk(&zoe), talk(&contact(2, "bob"))])));
    let window = conversations(&stage);
    assert_eq!(rows(&window), ["zoe, 1 unread, last message: text 1"]);
    assert!(window.get_list_has_focus());
    stage.press(&window, Key::Return);
    stage.alt(&window, 'a');
    stage.alt(&window, 'b');
    let added = Wish::Social(SocialWish::Add(name("zoe")));
    assert_eq!(stage.wishes(), [Wish::OpenChat(name("zoe")), added, Wish::Block(name("zoe"))]);
}

#[test]
fn a_chat_with_a_stranger_offers_to_add_and_to_block_them() {
    let zoe = stranger(9, "zoe");
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    changed(&stage, zoe.clone());
    stage.office.hear(News::Wanted(UserId(9)));
    assert_eq!(stage.wishes(), [Wish::OpenChat(name("zoe"))]);
    stage.open_chat(&zoe, vec![], "");
    let window = stage.chat(9);
    named(&window, "Add to contacts");
    stage.alt(&window, 'a');
    stage.alt(&window, 'b');
    let added = Wish::Social(SocialWish::Add(name("zoe")));
    assert_eq!(stage.wishes(), [added, Wish::Block(name("zoe"))]);
    changed(&stage, contact(9, "zoe"));
    assert!(!window.get_stranger());
    changed(&stage, Contact { blocked: true, ..contact(9, "zoe") });
    stage.alt(&window, 'b');
    assert_eq!(stage.wishes(), [Wish::Unblock(UserId(9))]);
    assert!(window.get_composer_has_focus());
}

#[test]
fn the_head_of_a_chat_says_when_somebody_was_last_here() {
    let presence = Presence { last_seen_ms: Some(1_700_000_000_000), ..Presence::default() };
    let stage = Stage::chatting(Contact { presence, ..contact(2, "bob") }, vec![]);
    let status = stage.chat(2).get_status();
    assert_eq!(status, "offline, last seen November 14, 2023, 10:13 PM");
}

#[test]
fn what_was_missed_is_said_once_without_taking_the_focus_and_stands_in_a_window() {
    let mut stage = Stage::new();
    let ann = |user, name: &str, messages| Missed {
        user: UserId(user),
        name: name.into(),
        messages,
        files: 0,
        last: 9,
    };
    let all = vec![ann(9, "zoe", 3), ann(2, "bob", 2)];
    hear(&stage, SocialNews::Missed(all.clone()));
    stage.enter(vec![contact(2, "bob"), stranger(9, "zoe")]);
    hear(&stage, SocialNews::Missed(all));
    stage.office.hear(News::Change(Change::Connection(Connection::Online)));
    stage.later(2_000);
    let said = "Logged in. You have 5 messages from 2 people: zoe 3, bob 2.";
    assert_eq!(stage.spoken(), [said]);
    let main = stage.main();
    assert!(main.get_list_has_focus());
    stage.alt(&main, 'm');
    in_front(&stage, Social::Missed);
    let window = missed(&stage);
    assert_eq!(rows(&window), ["zoe, 1 unread, 3 messages", "bob, 2 messages"]);
    assert_eq!(window.get_notice(), "You have 5 messages from 2 people: zoe 3, bob 2.");
    stage.press(&window, Key::Return);
    stage.alt(&window, 'a');
    let added = Wish::Social(SocialWish::Add(name("zoe")));
    assert_eq!(stage.wishes(), [Wish::OpenChat(name("zoe")), added]);
    stage.press(&window, Key::Escape);
    assert!(stage.office.look(|desk| desk.circle.missed.is_none()));
}

#[test]
fn everything_that_can_be_done_with_a_contact_stands_behind_the_menu_key() {
    let mut stage = Stage::logged_in(three());
    let main = stage.main();
    stage.press(&main, Key::DownArrow);
    stage.with_modifier(&main, Key::Shift, Key::F10);
    let window = actions(&stage);
    let expected =
        ["Start chat with cleo", "Your own name and group for cleo", "Block cleo", "Delete cleo"];
    assert_eq!(rows(&window), expected);
    stage.press(&window, Key::Escape);
    assert!(stage.office.look(|desk| desk.circle.actions.is_none()));
    assert!(main.get_list_has_focus());
    assert_eq!(main.get_current(), 1);
    stage.press(&main, Key::Menu);
    let window = actions(&stage);
    stage.press(&window, "b");
    stage.press(&window, Key::DownArrow);
    stage.press(&window, Key::DownArrow);
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), [Wish::Block(name("cleo"))]);
}

#[test]
fn a_contact_gets_a_name_that_only_i_see() {
    let mut stage = Stage::logged_in(three());
    stage.later(2_000);
    let main = stage.main();
    stage.alt(&main, 'n');
    let window = rename(&stage);
    stage.write(&window, "Bobby");
    stage.press(&window, Key::Return);
    let nickname = "Bobby".to_owned();
    assert_eq!(stage.wishes(), [names(Some("Bobby"), None)]);
    hear(&stage, SocialNews::Named(Ok(Contact { nickname, ..contact(2, "bob") })));
    assert!(stage.office.look(|desk| desk.circle.rename.is_none()));
    assert!(!window.window().is_visible());
    stage.later(2_000);
    assert_eq!(stage.spoken().last().unwrap(), "bob is called Bobby here.");
    assert_eq!(rows(&main)[0], "Bobby, online");
}

/// Of Bob.
fn names(nickname: Option<&str>, group: Option<&str>) -> Wish {
    let (nickname, group) = (nickname.map(str::to_owned), group.map(str::to_owned));
    Wish::Social(SocialWish::Name { user: UserId(2), nickname, group })
}

fn in_group(id: i64, name: &str, group: &str) -> Contact {
    Contact { group: group.into(), ..contact(id, name) }
}

#[test]
fn a_contact_is_put_into_a_group_and_what_was_not_touched_is_not_asked_for() {
    let people = vec![contact(2, "bob"), in_group(3, "cleo", "Choir"), in_group(4, "dan", "pub")];
    let mut stage = Stage::logged_in(people);
    stage.later(2_000);
    let main = stage.main();
    assert_eq!(
        rows(&main),
        [
            "Choir, group, open, 1 of 1 online",
            "cleo, online",
            "pub, group, open, 1 of 1 online",
            "dan, online",
            "No group, group, open, 1 of 1 online",
            "bob, online",
        ]
    );
    stage.press(&main, Key::End);
    stage.alt(&main, 'n');
    let window = rename(&stage);
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), [], "nothing was changed");
    stage.later(2_000);
    stage.alt(&main, 'n');
    let window = rename(&stage);
    assert_eq!(window.get_groups(), "Choir, pub");
    stage.press(&window, Key::Tab);
    stage.write(&window, "x");
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), [names(None, Some("x"))]);
    let too_long =
        Failure::Refused { code: Code::GroupTooLong, retry_after_ms: None, limit: Some(40) };
    hear(&stage, SocialNews::Named(Err(too_long)));
    stage.settle();
    assert_eq!(window.get_notice(), "The name of the group is too long. The limit is 40.");
    stage.press(&window, Key::Backspace);
    stage.write(&window, "Choir");
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), [names(None, Some("Choir"))], "the keys were in the group");
    hear(&stage, SocialNews::Named(Ok(in_group(2, "bob", "Choir"))));
    stage.later(2_000);
    assert_eq!(stage.spoken().last().unwrap(), "bob is in the group Choir.");
    assert_eq!(
        rows(&main)[..3],
        ["Choir, group, open, 2 of 2 online", "bob, online", "cleo, online"]
    );
}

#[test]
fn a_group_is_closed_and_opened_by_keys_and_stays_so() {
    let people = vec![in_group(2, "bob", "Choir"), in_group(3, "cleo", "Choir")];
    let stage = Stage::logged_in(people);
    stage.later(2_000);
    let main = stage.main();
    stage.press(&main, Key::LeftArrow);
    assert_eq!(main.get_current(), 0, "the heading of the group");
    stage.press(&main, Key::Return);
    assert_eq!(rows(&main), ["Choir, group, closed, 2 of 2 online"]);
    assert!(stage.kept().closed_groups.contains("choir"));
    stage.alt(&main, 'd');
    stage.later(2_000);
    assert_eq!(stage.spoken().last().unwrap(), "This is a group. Choose somebody in it.");
    stage.press(&main, Key::F6);
    stage.alt(&main, 's');
    assert_eq!(rows(&main).len(), 1, "from a button nobody would hear that it opens");
    stage.with_modifier(&main, Key::Shift, Key::F6);
    hear(&stage, SocialNews::Added(Ok(Contact { unread: 2, ..in_group(3, "cleo", "Choir") })));
    assert_eq!(main.get_current(), 0, "what arrives moves nothing");
    stage.press(&main, Key::RightArrow);
    stage.press(&main, Key::RightArrow);
    let spoken = rows(&main);
    assert_eq!(spoken.len(), 3);
    let at = usize::try_from(main.get_current()).unwrap();
    assert_eq!(
        stage
            .office
            .look(|desk| { desk.session.as_ref().unwrap().contacts.line(at).unwrap().name }),
        "bob",
        "into the group"
    );
    assert!(stage.kept().closed_groups.is_empty());
}

#[test]
fn words_of_a_status_that_are_too_long_are_counted_and_can_be_mended() {
    let mut stage = Stage::logged_in(three());
    stage.alt(&stage.main(), 'u');
    assert_eq!(stage.wishes(), [Wish::Social(SocialWish::StatusLimit)]);
    hear(&stage, SocialNews::StatusLimit(3));
    let window = stage.office.look(|desk| desk.status.as_ref().unwrap().window.clone_strong());
    stage.press(&window, Key::End);
    stage.press(&window, Key::LeftArrow);
    stage.press(&window, Key::Tab);
    stage.write(&window, "lunch");
    stage.press(&window, Key::Return);
    let said = "Your words have 5 letters. The server takes 3 at most.";
    assert_eq!(window.get_notice(), said);
    assert_eq!(stage.wishes(), []);
    stage.write(&window, "low");
    stage.press(&window, Key::Return);
    let wishes = stage.wishes();
    let [Wish::SetPresence(presence)] = &wishes[..] else { panic!("{wishes:?}") };
    assert_eq!(presence.preset, Some(thrive_client::Preset::BatteryAboutToDie));
    assert_eq!((presence.availability, presence.text.as_str()), (Availability::Online, "low"));
}

#[test]
fn being_away_by_itself_is_watched_from_the_start_and_anew_when_the_setting_changes() {
    let mut stage = Stage::with(Settings { auto_away: true, ..Settings::default() });
    let username = name("ann");
    stage.office.hear(News::Entered { username, server: server() });
    let watch = |minutes, shown_away| Wish::Social(SocialWish::Away { minutes, shown_away });
    assert!(stage.wishes().contains(&watch(10, true)));
    hear(&stage, SocialNews::AutoAway(false));
    assert!(!stage.kept().auto_away);
    stage.enter(three());
    stage.alt(&stage.main(), 't');
    hear(&stage, SocialNews::IdleKnown(false));
    let window = stage.settings();
    stage.press(&window, Key::End);
    stage.press(&window, Key::LeftArrow);
    let after = named(&window, "Show me as away after, in minutes").accessible_description();
    let said = "This computer does not say when nothing was touched, so you stay as you are.";
    assert_eq!(after.unwrap(), said);
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::Home);
    stage.wishes();
    stage.alt(&window, 'k');
    assert_eq!(stage.wishes(), [watch(0, false)]);
}

#[test]
fn what_others_may_see_is_told_to_the_server_when_it_was_changed() {
    let mut stage = Stage::logged_in(three());
    stage.alt(&stage.main(), 't');
    assert_eq!(stage.wishes(), [Wish::Social(SocialWish::Privacy)]);
    let window = stage.settings();
    let privacy =
        Privacy { listed: true, presence_to_strangers: false, last_seen_to_contacts: true };
    hear(&stage, SocialNews::Privacy(Ok(privacy)));
    stage.press(&window, Key::End);
    stage.press(&window, Key::LeftArrow);
    let tick = named(&window, "List me in the user directory");
    assert_eq!(tick.accessible_checked(), Some(true));
    tick.invoke_accessible_default_action();
    stage.alt(&window, 'a');
    let set = SetPrivacy { listed: Some(false), ..SetPrivacy::default() };
    assert_eq!(stage.wishes(), [Wish::Social(SocialWish::SetPrivacy(set))]);
}

#[test]
fn a_status_that_was_chosen_ends_the_watch_that_would_take_it_back() {
    let mut stage = Stage::logged_in(three());
    stage.office.hear(News::Done { deed: Deed::SetPresence, result: Ok(()) });
    let (minutes, shown_away) = (10, false);
    let anew = Wish::Social(SocialWish::Away { minutes, shown_away });
    assert_eq!(stage.wishes(), [anew]);
    let result = Err(Failure::Unreachable("no answer".into()));
    stage.office.hear(News::Done { deed: Deed::SetPresence, result });
    assert_eq!(stage.wishes(), []);
}

#[test]
fn what_was_missed_again_is_said_again_however_much_it_was() {
    let stage = Stage::logged_in(vec![contact(2, "bob")]);
    let came_back = |last| {
        let missed = Missed { user: UserId(2), name: "bob".into(), messages: 1, files: 0, last };
        hear(&stage, SocialNews::Missed(vec![missed]));
        stage.office.hear(News::Change(Change::Connection(Connection::Online)));
        stage.later(2_000);
    };
    // The second is the same return, told again with the list of contacts.
    for last in [7, 7, 8] {
        came_back(last);
    }
    let said = stage.spoken().concat().matches("You have 1 message from bob.").count();
    assert_eq!(said, 2, "{:?}", stage.spoken());
}
