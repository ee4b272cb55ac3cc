//! Groups of contacts as a whole: another name for one, nobody in one, and what is offered at a heading.

use slint::ComponentHandle;
use slint::platform::Key;
use thrive_client::{Arrival, Change, Code, Contact, Failure, GroupRenamed};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::bridge::{News, SocialNews, SocialWish, Wish};
use thrive_slint::desk::social::Social;
use thrive_slint::rows::Step;
use thrive_slint::ui::{ActionsWindow, ConfirmWindow, MainWindow, RenameGroupWindow};

use super::stage::*;

fn in_group(id: i64, name: &str, group: &str) -> Contact {
    Contact { group: group.into(), ..contact(id, name) }
}

/// Bob and Cleo are in the choir, Dan is in the pub; the heading of the choir is chosen.
fn at_the_choir() -> (Stage, MainWindow) {
    let choir = [in_group(2, "bob", "Choir"), in_group(3, "cleo", "Choir")];
    let stage = Stage::logged_in([&choir[..], &[in_group(4, "dan", "Pub")]].concat());
    stage.later(2_000);
    let main = stage.main();
    stage.press(&main, Key::LeftArrow);
    assert_eq!(chosen(&stage), "Choir, group, open, 2 of 2 online");
    (stage, main)
}

/// The row that is chosen in the main window.
fn chosen(stage: &Stage) -> String {
    stage.office.look(|desk| {
        let contacts = &desk.session.as_ref().unwrap().contacts;
        contacts.line(contacts.current().unwrap()).unwrap().spoken
    })
}

fn window(stage: &Stage) -> RenameGroupWindow {
    stage.office.tell(WindowKey::Contacts, Input::Active(false));
    stage.office.tell(WindowKey::Social(Social::RenameGroup), Input::Active(true));
    stage.office.look(|desk| desk.circle.rename_group.as_ref().unwrap().0.window.clone_strong())
}

fn actions(stage: &Stage) -> ActionsWindow {
    stage.office.look(|desk| desk.circle.actions.as_ref().unwrap().view.window.clone_strong())
}

fn question(stage: &Stage) -> ConfirmWindow {
    stage.office.look(|desk| desk.confirm.as_ref().unwrap().0.window.clone_strong())
}

fn renames(group: &str, name: &str) -> Wish {
    Wish::Social(SocialWish::RenameGroup { group: group.into(), name: name.into() })
}

fn answered(stage: &Stage, group: &str, result: Result<GroupRenamed, Failure>) {
    stage.office.hear(News::Social(SocialNews::GroupRenamed { group: group.into(), result }));
    stage.office.tell(WindowKey::Contacts, Input::Active(true));
    stage.later(2_000);
}

fn refused(code: Code, limit: Option<u64>) -> Result<GroupRenamed, Failure> {
    Err(Failure::Refused { code, retry_after_ms: None, limit })
}

/// Bob and Cleo are there now.
fn both(group: &str) -> Result<GroupRenamed, Failure> {
    let contacts = vec![in_group(2, "bob", group), in_group(3, "cleo", group)];
    Ok(GroupRenamed { group: group.into(), contacts })
}

#[test]
fn a_group_gets_another_name_and_its_heading_keeps_the_keys() {
    let (mut stage, main) = at_the_choir();
    stage.press(&main, Key::Return);
    stage.alt(&main, 'n');
    let window = window(&stage);
    let field = named(&window, "Name of the group");
    assert_eq!(field.accessible_value().unwrap(), "Choir");
    let about = field.accessible_description().unwrap();
    assert!(about.contains("Empty: everybody is taken out of the group."), "{about}");
    stage.write(&window, "Singers");
    assert_eq!(window.get_name(), "Singers", "the present name was chosen");
    stage.press(&window, Key::Return);
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), [renames("Choir", "Singers")], "once");
    named(&window, "Renaming…");
    let now = in_group(2, "bob", "Singers");
    let (before, arrival) = (Some(in_group(2, "bob", "Choir")), Arrival::Live);
    stage.office.hear(News::Change(Change::Contact { before, now, arrival }));
    assert_eq!(
        chosen(&stage),
        "Choir, group, closed, 2 of 2 online",
        "as long as somebody is in it"
    );
    let said = stage.spoken().len();
    answered(&stage, "Choir", both("Singers"));
    assert!(stage.office.look(|desk| desk.circle.rename_group.is_none()));
    assert_eq!(stage.spoken()[said..], ["The group Choir is called Singers."]);
    assert_eq!(chosen(&stage), "Singers, group, closed, 2 of 2 online");
    assert!(main.get_list_has_focus());
    let pub_and_singers =
        ["Pub, group, open, 1 of 1 online", "dan, online", "Singers, group, closed, 2 of 2 online"];
    assert_eq!(rows(&main), pub_and_singers);
    assert_eq!(stage.kept().closed_groups.into_iter().collect::<Vec<_>>(), ["singers"]);
}

#[test]
fn the_name_of_another_group_joins_both_and_an_empty_one_takes_everybody_out() {
    let (mut stage, main) = at_the_choir();
    stage.alt(&main, 'n');
    let dialog = window(&stage);
    stage.write(&dialog, "pub");
    stage.alt(&dialog, 'k');
    assert_eq!(stage.wishes(), [renames("Choir", "pub")]);
    answered(&stage, "Choir", both("Pub"));
    assert_eq!(stage.spoken().last().unwrap(), "Everybody from Choir is in the group Pub.");
    assert_eq!(chosen(&stage), "Pub, group, open, 3 of 3 online");

    stage.alt(&main, 'n');
    let dialog = window(&stage);
    stage.press(&dialog, Key::Backspace);
    assert_eq!(dialog.get_name(), "");
    stage.press(&dialog, Key::Return);
    assert_eq!(stage.wishes(), [renames("Pub", "")]);
    let contacts = vec![contact(2, "bob"), contact(3, "cleo"), contact(4, "dan")];
    answered(&stage, "Pub", Ok(GroupRenamed { group: String::new(), contacts }));
    assert_eq!(stage.spoken().last().unwrap(), "Nobody is in the group Pub any more.");
    assert_eq!(rows(&main), ["bob, online", "cleo, online", "dan, online"]);
    assert_eq!(chosen(&stage), "bob, online");
}

#[test]
fn a_name_that_is_refused_stays_in_its_window_and_escape_leaves_everything_as_it_is() {
    let (mut stage, main) = at_the_choir();
    stage.alt(&main, 'n');
    let dialog = window(&stage);
    stage.write(&dialog, "x");
    stage.press(&dialog, Key::Return);
    let refusals = [
        (Code::GroupTooLong, Some(40), "The name of the group is too long. The limit is 40."),
        (Code::NoSuchGroup, None, "Nobody is in this group any more."),
        (Code::UnknownRequest, None, "The server is too old for this."),
    ];
    for (code, limit, sentence) in refusals {
        stage.office.hear(News::Social(SocialNews::GroupRenamed {
            group: "Choir".into(),
            result: refused(code, limit),
        }));
        stage.later(2_000);
        assert_eq!(dialog.get_notice(), sentence);
        assert_eq!(stage.spoken().last().unwrap(), sentence);
        stage.wishes();
        stage.write(&dialog, "y");
        stage.press(&dialog, Key::Return);
        assert_eq!(stage.wishes(), [renames("Choir", "y")], "what was typed is chosen again");
    }
    stage.press(&dialog, Key::Escape);
    assert!(stage.office.look(|desk| desk.circle.rename_group.is_none()));
    answered(&stage, "Choir", refused(Code::Busy, None));
    assert_eq!(chosen(&stage), "Choir, group, open, 2 of 2 online");
    stage.alt(&main, 'n');
    let dialog = window(&stage);
    stage.press(&dialog, Key::Return);
    stage.later(2_000);
    assert_eq!(stage.spoken().last().unwrap(), "Nothing was changed.");
    assert_eq!(stage.wishes(), []);
}

#[test]
fn what_is_offered_for_a_group_is_done_with_that_group_whatever_is_chosen_by_then() {
    let (stage, main) = at_the_choir();
    stage.with_modifier(&main, Key::Shift, Key::F10);
    // Turned from elsewhere, and another row is chosen.
    stage.office.tell(WindowKey::Contacts, Input::Walk(Step::Last));
    let before = chosen(&stage);
    stage.press(&actions(&stage), Key::Return);
    assert_eq!(chosen(&stage), before);
    assert_eq!(stage.kept().closed_groups, ["choir".to_owned()].into());
}

#[test]
fn a_heading_offers_what_can_be_done_with_its_group() {
    let (mut stage, main) = at_the_choir();
    stage.with_modifier(&main, Key::Shift, Key::F10);
    let menu = actions(&stage);
    let offered = [
        "Close the group Choir",
        "Rename the group Choir",
        "Take everybody out of the group Choir",
    ];
    assert_eq!(rows(&menu), offered);
    stage.press(&menu, Key::Return);
    assert_eq!(chosen(&stage), "Choir, group, closed, 2 of 2 online");
    assert!(stage.kept().closed_groups.contains("choir"));
    stage.press(&main, Key::Menu);
    assert_eq!(rows(&actions(&stage))[0], "Open the group Choir");
    stage.press(&actions(&stage), Key::DownArrow);
    stage.press(&actions(&stage), Key::Return);
    stage.press(&window(&stage), Key::Escape);
    stage.office.tell(WindowKey::Contacts, Input::Active(true));

    let everybody_out = |stage: &Stage| {
        stage.press(&main, Key::Menu);
        stage.press(&actions(stage), Key::End);
        stage.press(&actions(stage), Key::Return);
        question(stage)
    };
    let asked = everybody_out(&stage);
    assert_eq!(asked.get_heading(), "Take everybody out of Choir?");
    stage.press(&asked, Key::Escape);
    assert_eq!(stage.wishes(), []);
    stage.alt(&everybody_out(&stage), 't');
    assert_eq!(stage.wishes(), [renames("Choir", "")]);
    answered(&stage, "Choir", both(""));
    assert_eq!(stage.spoken().last().unwrap(), "Nobody is in the group Choir any more.");
    assert_eq!(chosen(&stage), "bob, online");
}

#[test]
fn who_is_in_no_group_cannot_be_renamed_as_one() {
    let stage = Stage::logged_in(vec![in_group(2, "bob", "Choir"), contact(3, "cleo")]);
    stage.later(2_000);
    let main = stage.main();
    stage.press(&main, Key::End);
    stage.press(&main, Key::LeftArrow);
    stage.alt(&main, 'n');
    stage.later(2_000);
    let said = "These contacts are in no group. Alt+N on one puts them into one.";
    assert_eq!(stage.spoken().last().unwrap(), said);
    stage.press(&main, Key::Menu);
    assert_eq!(rows(&actions(&stage)), ["Close No group"]);
}
