//! Files: offers in a chat, the window that sends some, and the list of all.

use std::path::PathBuf;

use slint::ComponentHandle;
use slint::platform::Key;
use thrive_client::{
    Arrival, Change, Code, Failure, File, FileId, FileState, Message, MessageKey, MessageState,
    UserId, Username,
};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::bridge::{FileDeed, FileNews, FileWish, News, Wish};
use thrive_slint::desk::files::Files;
use thrive_slint::settings::Settings;
use thrive_slint::ui::{ConfirmWindow, SendFilesWindow, TransfersWindow};

use super::stage::*;

/// Bob, who is user 2, offers a picture with message number `seq`.
/// What was said since the start has these words in it.
fn hears(stage: &Stage, words: &str) {
    let said = stage.spoken().join(" ");
    assert!(said.contains(words), "{words:?} in {said:?}");
}

fn file(seq: i64) -> File {
    File {
        message: MessageKey(seq),
        id: Some(FileId(seq)),
        peer: UserId(2),
        peer_name: Username::parse("bob").unwrap(),
        mine: false,
        time_ms: 1_700_000_000_000,
        name: "photo.jpg".into(),
        size: 2_100_000,
        content_type: "image/jpeg".into(),
        expires_ms: None,
        state: FileState::Ready,
        done: 0,
        wanted: false,
        saved: None,
        failed: None,
        limit: None,
        left: None,
    }
}

fn offer(file: &File) -> Message {
    let text = file.name.clone();
    Message { text, mine: file.mine, file: Some(file.clone()), ..of_bob(file.message.0) }
}

fn changed(stage: &Stage, file: &File) {
    stage.office.hear(News::Change(Change::File(file.clone())));
    stage.settle();
}

fn question(stage: &Stage) -> ConfirmWindow {
    stage.office.look(|desk| desk.confirm.as_ref().unwrap().0.window.clone_strong())
}

fn folder(stage: &Stage) -> PathBuf {
    stage.dir.path().join("ThriveMessenger").join("files")
}

fn heard(stage: &Stage, news: FileNews) {
    stage.office.hear(News::File(news));
    stage.settle();
}

fn sending(stage: &Stage) -> SendFilesWindow {
    stage.office.tell(WindowKey::Files(Files::Send), Input::Active(true));
    stage.settle();
    stage.office.look(|desk| desk.shelf.send.as_ref().unwrap().0.view.window.clone_strong())
}

fn look(paths: Vec<PathBuf>, typed: bool) -> Wish {
    Wish::File(FileWish::Look { to: Username::parse("bob").unwrap(), paths, typed })
}

fn looked(looked: Vec<(PathBuf, Result<u64, String>)>, typed: bool) -> FileNews {
    FileNews::Looked { to: Username::parse("bob").unwrap(), looked, typed }
}

fn transfers(stage: &Stage) -> TransfersWindow {
    stage.alt(&stage.main(), 'r');
    stage.office.tell(WindowKey::Files(Files::Transfers), Input::Active(true));
    stage.settle();
    stage.office.look(|desk| desk.shelf.transfers.as_ref().unwrap().0.view.window.clone_strong())
}

#[test]
fn an_offer_is_announced_and_answered_from_its_row() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    let window = stage.chat(2);
    stage.message(offer(&file(1)));
    stage.settle();
    assert!(window.get_composer_has_focus());
    stage.later(6_000);
    hears(&stage, "bob offers you photo.jpg, 2.1 MB.");
    let row = rows(&window).pop().unwrap();
    assert!(row.starts_with("bob: photo.jpg, 2.1 MB, offered, Enter accepts, "), "{row}");
    window.invoke_focus_list();
    stage.settle();
    stage.press(&window, Key::Return);
    let asked = question(&stage);
    assert_eq!(asked.get_heading(), "bob offers you a file");
    let words = asked.get_question();
    assert!(words.starts_with("photo.jpg, 2.1 MB. It is said to be a picture."), "{words}");
    stage.wishes();
    stage.alt(&asked, 'a');
    let accept = FileWish::Accept { file: file(1), folder: folder(&stage) };
    assert_eq!(stage.wishes(), [Wish::File(accept)]);
    stage.press(&window, Key::Return);
    stage.alt(&question(&stage), 'd');
    assert_eq!(stage.wishes(), [Wish::File(FileWish::Decline(file(1)))]);
    stage.press(&window, Key::Return);
    stage.press(&question(&stage), Key::Escape);
    assert_eq!(stage.wishes(), []);
}

#[test]
fn progress_changes_the_row_in_place_and_is_not_announced() {
    let stage = Stage::chatting(contact(2, "bob"), vec![]);
    let window = stage.chat(2);
    stage.message(offer(&file(1)));
    window.invoke_focus_list();
    stage.later(6_000);
    let before = stage.spoken();
    let on_its_way = |done| File { state: FileState::Available, wanted: true, done, ..file(1) };
    for done in [210_000, 840_000, 1_680_000] {
        changed(&stage, &on_its_way(done));
    }
    stage.later(6_000);
    assert_eq!(stage.spoken(), before);
    let row = rows(&window).pop().unwrap();
    assert!(row.contains("receiving, 10 %"), "the row with the focus stands still: {row}");
    // On request it is exact: Alt+1, or going there.
    stage.alt(&window, '1');
    stage.later(1_000);
    hears(&stage, "receiving, 80 %");
    stage.press(&window, Key::End);
    assert!(rows(&window).pop().unwrap().contains("receiving, 80 %"));
    let saved = Some(folder(&stage).join("photo.jpg"));
    changed(&stage, &File { state: FileState::Available, saved, ..file(1) });
    stage.later(6_000);
    hears(&stage, "photo.jpg has come from bob.");
    assert!(rows(&window).pop().unwrap().contains("received, Enter opens it"));
}

#[test]
fn a_file_that_has_come_is_opened_and_a_program_never_is() {
    let at = |name: &str| File { saved: Some(PathBuf::from("/in").join(name)), ..file(1) };
    for (name, opened) in [("photo.jpg", "/in/photo.jpg"), ("tool.exe", "/in")] {
        let mut stage = Stage::chatting(contact(2, "bob"), vec![offer(&at(name))]);
        let window = stage.chat(2);
        window.invoke_focus_list();
        stage.settle();
        stage.press(&window, Key::Return);
        assert_eq!(stage.wishes(), [Wish::File(FileWish::Open(opened.into()))]);
        heard(&stage, FileNews::NotOpened { gone: true });
        stage.later(6_000);
        let sentence = "It is not there any more. It was moved or deleted.";
        hears(&stage, sentence);
    }
}

#[test]
fn delete_takes_back_what_is_under_way_and_nothing_else() {
    let mine = File { mine: true, state: FileState::Offered, ..file(1) };
    let mut stage = Stage::chatting(contact(2, "bob"), vec![offer(&mine)]);
    let window = stage.chat(2);
    window.invoke_focus_list();
    stage.settle();
    stage.press(&window, Key::Delete);
    assert_eq!(stage.wishes(), [Wish::File(FileWish::Cancel(mine.clone()))]);
    let done = FileNews::Done {
        deed: FileDeed::Cancel,
        peer: UserId(2),
        name: mine.name.clone(),
        result: Ok(()),
    };
    heard(&stage, done);
    changed(&stage, &File { state: FileState::Cancelled, ..mine });
    stage.press(&window, Key::Delete);
    assert_eq!(stage.wishes(), []);
    stage.later(6_000);
    assert!(rows(&window)[0].contains("photo.jpg, 2.1 MB, taken back"));
    hears(&stage, "photo.jpg is cancelled.");
}

#[test]
fn an_offer_that_the_server_refuses_is_a_failure_with_its_reason() {
    let stage = Stage::chatting(contact(2, "bob"), vec![]);
    let window = stage.chat(2);
    let waiting = File { mine: true, id: None, state: FileState::Waiting, ..file(1) };
    let first = Message { seq: None, state: MessageState::Waiting, ..offer(&waiting) };
    stage.message(first.clone());
    let code = Code::FileTooLarge;
    let state = FileState::OfferRefused(code);
    let refused = File { state, limit: Some(10_000_000), ..waiting };
    let now = Message { state: MessageState::Refused(code), file: Some(refused), ..first };
    let before = Some(MessageState::Waiting);
    stage.office.hear(News::Change(Change::Message { before, now, arrival: Arrival::Live }));
    stage.later(6_000);
    let sentence = "photo.jpg was not transferred. The file is too large. The limit is 10 MB.";
    hears(&stage, sentence);
    let shown = "not sent: The file is too large. The limit is 10 MB.";
    assert!(rows(&window)[0].contains(shown), "{:?}", rows(&window));
}

#[test]
fn files_are_chosen_by_pasted_paths_and_sent() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    stage.alt(&stage.main(), 'f');
    let window = sending(&stage);
    named(&window, "Send files to bob dialog");
    assert!(window.get_paths_have_focus());
    window.set_paths("/tmp/a.txt\nfile:///tmp/b%20c.txt".into());
    stage.press(&window, Key::Return);
    let paths: Vec<PathBuf> = vec!["/tmp/a.txt".into(), "/tmp/b c.txt".into()];
    assert_eq!(stage.wishes(), [look(paths.clone(), true)]);
    heard(&stage, looked(paths.iter().map(|path| (path.clone(), Ok(5))).collect(), true));
    assert_eq!(rows(&window), ["a.txt, 5 bytes", "b c.txt, 5 bytes"]);
    assert_eq!(window.get_paths(), "");
    stage.alt(&window, 's');
    let to = Username::parse("bob").unwrap();
    let offer = FileWish::Offer { to, paths };
    assert_eq!(stage.wishes(), [Wish::File(offer)]);
    named(&window, "Reading the files…");
    offered(&stage, "bob", "/tmp/a.txt", Ok(()));
    let unreadable = Failure::Local("/tmp/b c.txt: permission denied".into());
    offered(&stage, "bob", "/tmp/b c.txt", Err(unreadable));
    assert_eq!(rows(&window), ["b c.txt, 5 bytes"]);
    assert!(window.get_notice().contains("permission denied"), "{}", window.get_notice());
    stage.later(6_000);
    hears(&stage, "The file is offered to bob.");
    stage.alt(&window, 's');
    offered(&stage, "bob", "/tmp/b c.txt", Ok(()));
    assert!(stage.office.look(|desk| desk.shelf.send.is_none()));
}

#[test]
fn what_stands_in_the_field_is_sent_at_once_and_what_is_wrong_keeps_the_focus() {
    let mut stage = Stage::chatting(contact(2, "bob"), vec![]);
    stage.alt(&stage.chat(2), 'f');
    let window = sending(&stage);
    stage.alt(&window, 's');
    assert_eq!(window.get_notice(), "No file is chosen yet.");
    stage.write(&window, "a.txt");
    stage.press(&window, Key::Tab);
    stage.alt(&window, 's');
    assert_eq!(stage.wishes(), []);
    assert!(window.get_notice().contains("a.txt is no whole path."), "{}", window.get_notice());
    assert!(window.get_paths_have_focus());
    window.set_paths("/tmp/a.txt".into());
    stage.alt(&window, 's');
    let path = PathBuf::from("/tmp/a.txt");
    assert_eq!(stage.wishes(), [look(vec![path.clone()], true)]);
    let missing = Err("There is no file /tmp/a.txt.".to_owned());
    heard(&stage, looked(vec![(path.clone(), missing)], true));
    assert_eq!(window.get_notice(), "There is no file /tmp/a.txt.");
    assert_eq!(window.get_paths(), "/tmp/a.txt");
    stage.alt(&window, 's');
    stage.wishes();
    heard(&stage, looked(vec![(path.clone(), Ok(5))], true));
    let to = Username::parse("bob").unwrap();
    assert_eq!(stage.wishes(), [Wish::File(FileWish::Offer { to, paths: vec![path] })]);
}

#[test]
fn the_chooser_of_the_desktop_fills_the_list_and_may_be_missing() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    stage.alt(&stage.main(), 'f');
    let window = sending(&stage);
    stage.alt(&window, 'b');
    let (to, title) = (Username::parse("bob").unwrap(), "Send files to bob".to_owned());
    assert_eq!(stage.wishes(), [Wish::File(FileWish::Browse { to: to.clone(), title })]);
    heard(&stage, FileNews::Browsed { to: to.clone(), chosen: Err("There is none.".into()) });
    assert_eq!(window.get_notice(), "There is none.");
    let paths = vec![PathBuf::from("/tmp/a.txt")];
    heard(&stage, FileNews::Browsed { to, chosen: Ok(paths.clone()) });
    assert_eq!(stage.wishes(), [look(paths.clone(), false)]);
    heard(&stage, looked(vec![(paths[0].clone(), Ok(5))], false));
    assert_eq!(rows(&window), ["a.txt, 5 bytes"]);
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::Tab);
    stage.press(&window, Key::Tab);
    assert!(window.get_list_has_focus());
    stage.press(&window, Key::Delete);
    assert_eq!(rows(&window), [""; 0]);
    stage.later(6_000);
    hears(&stage, "a.txt is taken off the list.");
}

#[test]
fn the_list_of_all_files_says_who_what_and_how_far_and_offers_what_can_be_done() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    let mine = File { mine: true, name: "b.txt".into(), state: FileState::Received, ..file(1) };
    let saved = Some(PathBuf::from("/in/photo.jpg"));
    let received = File { saved, state: FileState::Received, ..file(3) };
    heard(&stage, FileNews::Listed(Ok(vec![received.clone(), file(2), mine])));
    let window = transfers(&stage);
    assert!(window.get_list_has_focus());
    let said = rows(&window);
    assert!(said[0].starts_with("photo.jpg, 2.1 MB, from bob, received, Enter opens it, "));
    assert!(said[1].starts_with("photo.jpg, 2.1 MB, from bob, offered, Enter accepts, "));
    assert!(said[2].starts_with("b.txt, 2.1 MB, to bob, received by them, November 14"));
    stage.alt(&window, 'f');
    stage.alt(&window, 'g');
    let folder = folder(&stage);
    let wishes = [FileWish::Open("/in".into()), FileWish::Get { file: received, folder }];
    assert_eq!(stage.wishes(), wishes.map(Wish::File));
    stage.press(&window, Key::DownArrow);
    stage.press(&window, Key::Return);
    assert_eq!(question(&stage).get_heading(), "bob offers you a file");
    stage.press(&question(&stage), Key::Escape);
    // One that comes stands on top and moves nobody.
    stage.message(offer(&file(9)));
    stage.settle();
    assert_eq!(rows(&window).len(), 4);
    assert_eq!(window.get_current(), 2);
    assert!(window.get_list_has_focus());
}

#[test]
fn what_became_of_files_while_one_was_away_is_not_announced() {
    let stage = Stage::new();
    let username = Username::parse("ann").unwrap();
    stage.office.hear(News::Entered { username, server: server() });
    let mine = File { mine: true, ..file(1) };
    heard(&stage, FileNews::Listed(Ok(vec![mine.clone()])));
    changed(&stage, &File { state: FileState::Declined, ..mine });
    stage.later(6_000);
    let said = stage.spoken();
    assert!(!said.iter().any(|text| text.contains("declined")), "{said:?}");
}

#[test]
fn files_go_where_the_settings_say_and_a_wrong_folder_is_refused() {
    let settings = Settings { files_folder: "/srv/in".into(), ..Settings::default() };
    let mut stage = Stage::with(settings);
    stage.enter(vec![contact(2, "bob")]);
    stage.open_chat(&contact(2, "bob"), vec![offer(&file(1))], "");
    let window = stage.chat(2);
    window.invoke_focus_list();
    stage.settle();
    stage.press(&window, Key::Return);
    stage.press(&question(&stage), Key::Return);
    let accept = FileWish::Accept { file: file(1), folder: "/srv/in".into() };
    assert_eq!(stage.wishes(), [Wish::File(accept)]);
    stage.alt(&stage.main(), 't');
    let settings = stage.settings();
    let form = settings.global::<thrive_slint::ui::SettingsForm<'_>>();
    form.set_files_folder("here".into());
    stage.alt(&settings, 'a');
    let sentence = "The folder for files needs its whole path, not here.";
    assert_eq!(settings.get_notice(), sentence);
    form.set_files_folder(stage.dir.path().to_string_lossy().as_ref().into());
    stage.alt(&settings, 'k');
    let kept = stage.office.look(|desk| desk.choices.is_none());
    assert!(kept);
}

#[test]
fn a_chat_that_is_opened_in_the_middle_of_a_transfer_says_how_far_it_is() {
    let bob = contact(2, "bob");
    let mut stage = Stage::logged_in(vec![bob.clone()]);
    let begun = File { state: FileState::Available, wanted: true, ..file(5) };
    changed(&stage, &File { done: 1_050_000, ..begun.clone() });
    stage.open_chat(&bob, vec![offer(&begun)], "");
    let row = rows(&stage.chat(2)).remove(0);
    assert!(row.contains("receiving, 50 %"), "{row}");
}

#[test]
fn an_own_file_that_was_refused_is_offered_again_from_the_list_of_all() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    let refused = FileState::OfferRefused(Code::FileTooLarge);
    changed(&stage, &File { mine: true, id: None, state: refused, ..file(5) });
    let window = transfers(&stage);
    stage.wishes();
    stage.alt(&window, 'g');
    named(&window, "Open, or answer the offer").invoke_accessible_default_action();
    let again = Wish::Retry { peer: UserId(2), message: MessageKey(5) };
    assert_eq!(stage.wishes(), [again.clone(), again]);
}

fn offered(stage: &Stage, to: &str, path: &str, result: Result<(), Failure>) {
    let to = Username::parse(to).unwrap();
    heard(stage, FileNews::Offered { to, path: path.into(), result });
}

#[test]
fn a_file_that_is_refused_after_its_window_was_closed_is_a_failure_with_its_reason() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob"), contact(3, "cleo")]);
    stage.alt(&stage.main(), 'f');
    let window = sending(&stage);
    window.set_paths("/tmp/a.txt\n/tmp/b.txt".into());
    stage.press(&window, Key::Return);
    let bob = Username::parse("bob").unwrap();
    let sizes = ["/tmp/a.txt", "/tmp/b.txt"].map(|it| (PathBuf::from(it), Ok(5)));
    heard(&stage, FileNews::Looked { to: bob, looked: sizes.into(), typed: true });
    stage.alt(&window, 's');
    stage.press(&window, Key::Escape);
    stage.wishes();
    let unreadable = Failure::Local("permission denied".into());
    offered(&stage, "bob", "/tmp/a.txt", Err(unreadable.clone()));
    stage.later(3_000);
    hears(&stage, "a.txt was not transferred. ");
    hears(&stage, "Permission denied");
    // Another window is not the one in which they were sent.
    stage.office.tell(WindowKey::Contacts, Input::Active(true));
    stage.press(&stage.main(), Key::DownArrow);
    stage.alt(&stage.main(), 'f');
    let window = sending(&stage);
    offered(&stage, "bob", "/tmp/b.txt", Err(unreadable));
    offered(&stage, "bob", "/tmp/b.txt", Ok(()));
    named(&window, "Send files to cleo dialog");
    assert_eq!(window.get_notice(), "");
    stage.later(3_000);
    hears(&stage, "b.txt was not transferred. ");
    assert!(!stage.spoken().concat().contains("cleo."), "{:?}", stage.spoken());
}

#[test]
fn files_that_were_chosen_for_one_person_are_never_put_on_the_list_of_another() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob"), contact(3, "cleo")]);
    let [bob, cleo] = ["bob", "cleo"].map(|it| Username::parse(it).unwrap());
    stage.alt(&stage.main(), 'f');
    let window = sending(&stage);
    stage.alt(&window, 'b');
    stage.press(&window, Key::Escape);
    stage.office.tell(WindowKey::Contacts, Input::Active(true));
    stage.press(&stage.main(), Key::DownArrow);
    stage.alt(&stage.main(), 'f');
    let window = sending(&stage);
    stage.wishes();
    let path = PathBuf::from("/tmp/a.txt");
    heard(&stage, FileNews::Browsed { to: bob.clone(), chosen: Ok(vec![path.clone()]) });
    assert_eq!(stage.wishes(), []);
    let looked = || vec![(path.clone(), Ok(5))];
    heard(&stage, FileNews::Looked { to: bob.clone(), looked: looked(), typed: false });
    let missing = vec![(path.clone(), Err("There is none.".to_owned()))];
    heard(&stage, FileNews::Looked { to: bob.clone(), looked: missing, typed: true });
    heard(&stage, FileNews::Browsed { to: bob, chosen: Err("There is no chooser.".into()) });
    assert_eq!(rows(&window), [""; 0]);
    assert_eq!(window.get_notice(), "");
    stage.later(3_000);
    hears(&stage, "The window for sending files to bob is closed. Nothing is chosen.");
    // What is typed meanwhile stays in its field, and is not sent by what was chosen.
    window.set_paths("/tmp/b.txt".into());
    stage.alt(&window, 's');
    stage.wishes();
    heard(&stage, FileNews::Looked { to: cleo, looked: looked(), typed: false });
    assert_eq!(window.get_paths(), "/tmp/b.txt");
    assert_eq!(rows(&window), ["a.txt, 5 bytes"]);
    assert_eq!(stage.wishes(), []);
}

#[test]
fn files_that_are_read_anew_stand_in_the_list_of_all_once() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    let named = |key, name: &str| File { name: name.into(), ..file(key) };
    heard(&stage, FileNews::Listed(Ok(vec![named(2, "b.txt"), named(1, "a.txt")])));
    let window = transfers(&stage);
    // One comes while the list is on its way, and one is not there any more.
    stage.message(offer(&named(90, "new.txt")));
    heard(&stage, FileNews::Listed(Ok(vec![named(50, "b.txt")])));
    let said = rows(&window);
    let names: Vec<_> = said.iter().filter_map(|row| row.split(',').next()).collect();
    assert_eq!(names, ["new.txt", "b.txt"]);
    stage.wishes();
    stage.press(&window, Key::End);
    stage.press(&window, Key::Return);
    assert!(question(&stage).get_question().starts_with("b.txt"));
}
