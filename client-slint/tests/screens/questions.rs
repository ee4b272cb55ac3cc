//! The accessible trees of windows that the walk on the real accessibility bus does not meet: what is wrong
//! in the file of keys, a changed certificate, several links, a newer version.

use i_slint_backend_testing::{AccessibleRole, ElementQuery, ElementRoot};
use slint::ComponentHandle;
use slint::platform::Key;
use thrive_client::{Failure, Message};
use thrive_slint::bridge::{News, UpdateNews};
use thrive_slint::settings::Settings;
use thrive_slint::ui::ConfirmWindow;
use thrive_slint::updates::{Feed, Form, Offer, Verdict, Version};

use super::stage::*;

/// A line for everything that a screen reader finds, in its order. What says nothing is left out.
fn tree(window: &(impl ElementRoot + ComponentHandle)) -> Vec<String> {
    let query = ElementQuery::from_root(window).match_descendants().match_predicate(|it| {
        it.accessible_role().is_some() && it.accessible_label().is_some_and(|it| !it.is_empty())
    });
    let mut lines = Vec::new();
    for element in query.find_all() {
        let role = match element.accessible_role().unwrap() {
            AccessibleRole::Groupbox => "group",
            AccessibleRole::Text => "text",
            AccessibleRole::Button => "button",
            AccessibleRole::List => "list",
            AccessibleRole::ListItem => "row",
            other => panic!("what is {other:?} for?"),
        };
        let label = element.accessible_label().unwrap_or_default();
        let told = match element.accessible_description().unwrap_or_default() {
            told if told.is_empty() => String::new(),
            told => format!(" ({told})"),
        };
        let line = format!("{role} {label}{told}");
        // One element may be found several times, once for each component that it is made of.
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines
}

fn question(stage: &Stage) -> ConfirmWindow {
    stage.settle();
    stage.office.look(|desk| desk.confirm.as_ref().unwrap().0.window.clone_strong())
}

#[test]
fn what_is_wrong_in_the_file_of_keys_is_a_list_with_a_button() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("keys.toml"), "[chat]\nfly = \"Alt+F\"\n").unwrap();
    let stage = Stage::at(dir, Settings::default());
    stage.settle();
    let found = tree(&stage.notice());
    let heading = found[1].strip_prefix("text ").unwrap();
    assert_eq!(found[0], format!("group {heading} dialog"));
    assert_eq!(found[2], format!("list {heading}"));
    assert!(found[3].starts_with("row "), "{found:?}");
    assert!(found[4].starts_with("row [chat] fly: there is no such command"), "{found:?}");
    assert_eq!(found[5..], ["button Close (Escape)"]);
}

#[test]
fn a_changed_certificate_is_a_question_and_both_answers_have_a_key() {
    let stage = Stage::new();
    let failure = Failure::ServerChanged {
        host: "localhost".into(),
        known: "sha256:aa".into(),
        offered: "sha256:bb".into(),
    };
    stage.office.hear(News::NotEntered { server: server(), failure });
    asks(
        &question(&stage),
        &["button Do not connect (Escape)", "button Trust the new certificate (Alt+T)"],
    );
}

#[test]
fn several_links_are_a_question_with_a_button_for_each() {
    let text = "https://a.example or www.b.example".to_owned();
    let mut stage = Stage::chatting(contact(2, "bob"), vec![Message { text, ..of_bob(1) }]);
    stage.later(3_000);
    stage.wishes();
    let window = stage.chat(2);
    window.invoke_focus_list();
    stage.settle();
    stage.press(&window, Key::End);
    stage.press(&window, Key::Return);
    let answers = [
        "button https://a.example (Alt+1)",
        "button https://www.b.example (Alt+2)",
        "button Cancel (Escape)",
    ];
    asks(&question(&stage), &answers);
}

#[test]
fn a_newer_version_is_a_question_with_its_size() {
    let dir = tempfile::tempdir().unwrap();
    let key = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";
    let key = minisign_verify::PublicKey::from_base64(key).unwrap();
    let url = "https://a.example/latest.toml".to_owned();
    let program = dir.path().join("thrive-messenger");
    let feed = Feed { url, key, form: Form::Tar, program };
    let mut stage = Stage::of_package(dir, Settings::default(), Some(feed));
    stage.enter(vec![]);
    stage.alt(&stage.main(), 'p');
    let offer = Offer {
        version: Version::parse("9.0.0").unwrap(),
        name: "thrive-messenger-9.0.0-linux-x86_64.tar.gz".into(),
        url: "https://a.example/thrive-messenger-9.0.0-linux-x86_64.tar.gz".into(),
        size: 12_345_678,
        sha256: "0".repeat(64),
    };
    stage.office.hear(News::Update(UpdateNews::Looked(Ok(Verdict::Newer(offer)))));
    let window = question(&stage);
    assert!(window.get_question().contains("12.3 MB"));
    asks(&window, &["button Fetch and install (Alt+F)", "button Later (Escape)"]);
}

/// The window is named by its heading and what it asks, both stand in it as text, and then come the answers.
fn asks(window: &ConfirmWindow, answers: &[&str]) {
    // Room for all of it: what is scrolled out of sight is in no tree.
    let size = slint::LogicalSize::new(460.0, 700.0);
    window.window().dispatch_event(slint::platform::WindowEvent::Resized { size });
    i_slint_backend_testing::mock_elapsed_time(std::time::Duration::from_millis(50));
    let (heading, words) = (window.get_heading(), window.get_question());
    let mut expected = vec![
        format!("group {heading} dialog. {words}"),
        format!("text {heading}"),
        format!("text {words}"),
    ];
    expected.extend(answers.iter().map(|it| (*it).to_owned()));
    assert_eq!(tree(window), expected);
}
