//! Newer versions: what the key does, what is told, and that nothing opens by itself.

use slint::ComponentHandle;
use slint::platform::Key;
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::bridge::{News, UpdateNews, UpdateWish, Wish};
use thrive_slint::settings::Settings;
use thrive_slint::ui::ConfirmWindow;
use thrive_slint::updates::{Feed, Form, Offer, Verdict, Version};

use super::stage::*;

const KEY: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

/// Ann is logged in with a program from a package of this form, and everything asked for is unread.
fn packaged(form: &str) -> Stage {
    let dir = tempfile::tempdir().unwrap();
    let text =
        format!("url = \"https://a.example/latest.toml\"\nkey = \"{KEY}\"\nform = \"{form}\"\n");
    std::fs::write(dir.path().join("updates.toml"), text).unwrap();
    let program = dir.path().join("thrive-messenger");
    let feed = Feed::read(&[dir.path().to_owned()], &program).unwrap();
    let mut stage = Stage::of_package(dir, Settings::default(), feed);
    stage.enter(vec![contact(2, "bob")]);
    stage
}

fn offer() -> Offer {
    Offer {
        version: Version::parse("9.0.0").unwrap(),
        name: "thrive-messenger-9.0.0-linux-x86_64.tar.gz".into(),
        url: "https://a.example/thrive-messenger-9.0.0-linux-x86_64.tar.gz".into(),
        size: 12_345_678,
        sha256: "0".repeat(64),
    }
}

fn hear(stage: &Stage, news: UpdateNews) {
    stage.office.hear(News::Update(news));
    stage.settle();
}

fn confirm(stage: &Stage) -> Option<ConfirmWindow> {
    stage.office.look(|desk| desk.confirm.as_ref().map(|(view, _)| view.window.clone_strong()))
}

fn said(stage: &Stage, sentence: &str) {
    stage.later(3_000);
    let spoken = stage.spoken();
    assert!(spoken.iter().any(|it| it.contains(sentence)), "{sentence}: {spoken:?}");
}

#[test]
fn a_build_without_a_feed_says_so_and_asks_nobody() {
    let mut stage = Stage::logged_in(vec![]);
    stage.alt(&stage.main(), 'p');
    said(&stage, "This build does not know where newer versions are.");
    assert_eq!(stage.wishes(), []);
}

#[test]
fn the_log_in_looks_once_a_day_unless_that_is_switched_off() {
    let look = |settings: Settings, feed: bool| {
        let dir = tempfile::tempdir().unwrap();
        let program = dir.path().join("thrive-messenger");
        let key = minisign_verify::PublicKey::from_base64(KEY).unwrap();
        let url = "https://a.example/latest.toml".to_owned();
        let feed = feed.then_some(Feed { url, key, form: Form::Tar, program });
        let mut stage = Stage::of_package(dir, settings, feed);
        let username = thrive_client::Username::parse("ann").unwrap();
        stage.office.hear(News::Entered { username, server: server() });
        stage.wishes().contains(&Wish::Update(UpdateWish::LookOnceADay))
    };
    assert!(look(Settings::default(), true));
    assert!(!look(Settings { look_for_updates: false, ..Settings::default() }, true));
    assert!(!look(Settings::default(), false));
}

#[test]
fn what_was_found_by_itself_is_a_line_and_a_sentence_and_no_window() {
    let mut stage = packaged("tar");
    hear(&stage, UpdateNews::Noticed(offer()));
    said(&stage, "Thrive 9.0.0 is there. Alt+P in the main window tells more.");
    assert!(stage.main().get_notice().contains("Thrive 9.0.0 is there."));
    assert!(stage.main().get_list_has_focus());
    assert!(confirm(&stage).is_none());
    assert_eq!(stage.wishes(), []);
}

#[test]
fn alt_p_looks_asks_fetches_and_restarts_when_it_is_told_to() {
    let mut stage = packaged("tar");
    let main = stage.main();
    stage.alt(&main, 'p');
    assert_eq!(stage.wishes(), [Wish::Update(UpdateWish::Look)]);
    // Impatience asks nobody a second time.
    stage.alt(&main, 'p');
    said(&stage, "Still looking for a newer version.");
    assert_eq!(stage.wishes(), []);
    hear(&stage, UpdateNews::Looked(Ok(Verdict::Newer(offer()))));
    let question = confirm(&stage).unwrap();
    assert_eq!(question.get_heading(), "Thrive 9.0.0 is there");
    assert!(question.get_question().contains("12.3 MB"));
    named(&question, "Later");
    stage.alt(&question, 'f');
    assert_eq!(stage.wishes(), [Wish::Update(UpdateWish::Install(offer()))]);
    assert!(confirm(&stage).is_none());
    hear(&stage, UpdateNews::Progress(24));
    assert_eq!(main.get_notice(), "Fetching Thrive 9.0.0: 24 percent.");
    stage.later(3_000);
    assert!(!stage.spoken().concat().contains("24 percent"));
    hear(&stage, UpdateNews::Progress(50));
    said(&stage, "Fetching Thrive 9.0.0: 50 percent.");
    hear(&stage, UpdateNews::Installed(Ok(offer().version)));
    said(&stage, "Thrive 9.0.0 is installed and used from the next start on. Alt+P restarts now.");
    assert!(confirm(&stage).is_none());
    stage.office.tell(WindowKey::Contacts, Input::Active(true));
    stage.alt(&main, 'p');
    let question = confirm(&stage).unwrap();
    assert!(!stage.office.wants_restart());
    stage.alt(&question, 'r');
    assert!(stage.office.wants_restart());
    assert!(stage.wishes().contains(&Wish::Exit));
}

#[test]
fn later_and_escape_change_nothing() {
    let mut stage = packaged("zip");
    stage.alt(&stage.main(), 'p');
    hear(&stage, UpdateNews::Looked(Ok(Verdict::Newer(offer()))));
    stage.wishes();
    let question = confirm(&stage).unwrap();
    // Later has the focus.
    stage.press(&question, Key::Return);
    assert!(confirm(&stage).is_none());
    stage.office.tell(WindowKey::Contacts, Input::Active(true));
    stage.alt(&stage.main(), 'p');
    hear(&stage, UpdateNews::Looked(Ok(Verdict::Newer(offer()))));
    stage.press(&confirm(&stage).unwrap(), Key::Escape);
    assert!(confirm(&stage).is_none());
    assert_eq!(stage.wishes(), [Wish::Update(UpdateWish::Look)]);
}

#[test]
fn whoever_went_on_to_a_chat_is_not_pulled_out_of_it() {
    let mut stage = packaged("tar");
    stage.alt(&stage.main(), 'p');
    stage.open_chat(&contact(2, "bob"), vec![], "");
    hear(&stage, UpdateNews::Looked(Ok(Verdict::Newer(offer()))));
    assert!(confirm(&stage).is_none());
    said(&stage, "Thrive 9.0.0 is there.");
}

#[test]
fn failures_are_said_and_stand_in_the_window_and_one_may_try_again() {
    let mut stage = packaged("tar");
    stage.alt(&stage.main(), 'p');
    hear(&stage, UpdateNews::Looked(Err("It cannot be reached.".into())));
    said(&stage, "It cannot be reached.");
    assert_eq!(stage.main().get_notice(), "It cannot be reached.");
    stage.wishes();
    stage.alt(&stage.main(), 'p');
    assert_eq!(stage.wishes(), [Wish::Update(UpdateWish::Look)]);
    hear(&stage, UpdateNews::Looked(Ok(Verdict::Newest)));
    said(&stage, &format!("Thrive {} is the newest version.", Version::own()));
}

#[test]
fn a_debian_package_tells_how_the_system_renews_it() {
    let stage = packaged("deb");
    stage.alt(&stage.main(), 'p');
    hear(&stage, UpdateNews::Looked(Ok(Verdict::Newer(offer()))));
    assert!(confirm(&stage).is_none());
    let notice = stage.notice();
    assert_eq!(notice.get_heading(), "Thrive 9.0.0 is there");
    assert!(rows(&notice).concat().contains("sudo apt install ./"), "{:?}", rows(&notice));
}

#[test]
fn the_settings_switch_it_off_where_there_is_a_feed() {
    let stage = packaged("tar");
    stage.alt(&stage.main(), 't');
    let window = stage.settings();
    named(&window, "Look for a newer version once a day").invoke_accessible_default_action();
    stage.alt(&window, 'k');
    assert!(!Settings::load(stage.dir.path()).look_for_updates);
}
