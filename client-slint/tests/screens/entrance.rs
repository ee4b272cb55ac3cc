//! Logging in, creating an account, a changed certificate.

use slint::ComponentHandle;
use slint::platform::Key;
use thrive_client::{Change, Code, Failure, Greeting, ServerAddress, SignedUp};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::bridge::{DoorNews, News, Wish};

use super::doors::{automatic, greeting};
use super::stage::*;

fn refused(code: Code) -> Failure {
    Failure::Refused { code, retry_after_ms: None, limit: None }
}

#[test]
fn a_person_logs_in_with_the_keyboard_alone() {
    let mut stage = Stage::new();
    let window = stage.login();
    stage.write(&window, "Ann");
    stage.press(&window, Key::Tab);
    stage.write(&window, "secret");
    stage.press(&window, Key::Return);
    let wishes = stage.wishes();
    let [Wish::LogIn { server: at, username, password, remember: false, presence: None }] =
        &wishes[..]
    else {
        panic!("{wishes:?}");
    };
    assert_eq!((at, username.as_str(), password.expose()), (&server(), "ann", "secret"));
    // A second press while the answer is awaited asks nothing.
    stage.press(&window, Key::Return);
    assert_eq!(stage.wishes(), []);
}

#[test]
fn access_keys_work_from_inside_a_field_and_type_nothing() {
    let mut stage = Stage::new();
    let window = stage.login();
    stage.write(&window, "ann");
    stage.alt(&window, 'r');
    stage.alt(&window, 'q');
    assert!(window.get_remember());
    assert_eq!(window.get_username(), "ann");
    stage.alt(&window, 'l');
    assert_eq!(stage.wishes(), []);
    assert_eq!(window.get_notice(), "Enter your password.");
    stage.write(&window, "x");
    assert_eq!(window.get_password(), "x", "the focus is where the mistake is");
    stage.alt(&window, 'v');
    stage.write(&window, "y");
    assert_eq!(window.get_server(), "y", "what stood there was selected");
}

#[test]
fn the_keys_reach_fields_that_are_scrolled_out_of_sight() {
    let mut stage = Stage::new();
    let window = stage.login();
    window.window().set_size(slint::LogicalSize::new(420.0, 200.0));
    stage.press(&window, Key::Tab);
    stage.write(&window, "secret");
    // Remember me, status, three buttons: the fields above are gone from sight, that for the server not
    // there yet.
    for _ in 0..6 {
        stage.press(&window, Key::Tab);
    }
    stage.write(&window, "here");
    assert_eq!(window.get_server(), "here");
    for _ in 0..3 {
        stage.press(&window, Key::Tab);
    }
    stage.write(&window, "ann");
    assert_eq!(window.get_username(), "ann", "Tab leads around to the first field");
    stage.with_modifier(&window, Key::Shift, Key::Tab);
    window.set_username("".into());
    stage.alt(&window, 'l');
    assert_eq!(window.get_notice(), "Enter a user name.");
    stage.write(&window, "bea");
    assert_eq!(window.get_username(), "bea", "the focus is where the mistake is");
    assert_eq!(window.get_password(), "secret");
    assert_eq!(stage.wishes(), []);
}

#[test]
fn logging_in_automatically_needs_remembering() {
    let stage = Stage::new();
    let window = stage.login();
    let automatic = named(&window, "Log in automatically");
    assert_eq!(automatic.accessible_enabled(), Some(false));
    named(&window, "Remember me").invoke_accessible_default_action();
    assert_eq!(automatic.accessible_enabled(), Some(true));
    automatic.invoke_accessible_default_action();
    assert!(window.get_automatic());
    named(&window, "Remember me").invoke_accessible_default_action();
    assert!(!window.get_automatic());
}

#[test]
fn a_refusal_is_shown_and_interrupts() {
    let mut stage = Stage::new();
    let window = stage.login();
    stage.write(&window, "ann");
    stage.press(&window, Key::Tab);
    stage.write(&window, "wrong");
    stage.alt(&window, 'l');
    stage.wishes();
    let failure = refused(Code::WrongCredentials);
    stage.office.hear(News::NotEntered { server: server(), failure });
    stage.later(500);
    let sentence = "The user name or the password is wrong.";
    assert_eq!(window.get_notice(), sentence);
    assert_eq!(stage.spoken(), [sentence]);
}

#[test]
fn a_server_that_is_not_there_takes_no_letter_of_what_is_typed_meanwhile() {
    let mut stage = Stage::new();
    let window = stage.login();
    stage.write(&window, "ann");
    stage.press(&window, Key::Tab);
    stage.write(&window, "sec");
    stage.alt(&window, 'l');
    stage.wishes();
    let server_before = window.get_server();
    let failure = Failure::Unreachable("no answer".into());
    stage.office.hear(News::NotEntered { server: server(), failure });
    stage.write(&window, "ret");
    stage.later(500);
    assert_eq!((window.get_password().as_str(), window.get_server()), ("secret", server_before));
    assert!(stage.spoken().concat().starts_with("The server cannot be reached."));
}

#[test]
fn what_was_remembered_logs_in_by_itself_and_keeps_trying_is_shown() {
    let mut stage = Stage::with(automatic());
    let wishes = stage.wishes();
    assert!(matches!(&wishes[..], [Wish::Resume { .. }]), "{wishes:?}");
    assert_eq!(stage.login().get_notice(), "Connecting to the server…");
    stage.office.hear(News::NoToken);
    assert_eq!(stage.login().get_notice(), "Enter your password to log in.");
}

#[test]
fn a_changed_certificate_is_explained_and_never_trusted_by_enter() {
    let mut stage = Stage::new();
    let failure = Failure::ServerChanged {
        host: "localhost".into(),
        known: "sha256:aa".into(),
        offered: "sha256:bb".into(),
    };
    stage.office.hear(News::NotEntered { server: server(), failure: failure.clone() });
    stage.settle();
    let ask = |stage: &Stage| {
        stage.office.look(|desk| desk.confirm.as_ref().unwrap().0.window.clone_strong())
    };
    let window = ask(&stage);
    assert!(window.get_question().contains("sha256:aa"));
    assert!(window.get_question().contains("sha256:bb"));
    stage.press(&window, Key::Return);
    assert!(stage.office.look(|desk| desk.confirm.is_none()));
    assert_eq!(stage.wishes(), []);

    stage.office.hear(News::NotEntered { server: server(), failure });
    stage.alt(&ask(&stage), 't');
    let fingerprint = "sha256:bb".to_owned();
    assert_eq!(stage.wishes(), [Wish::AcceptServer { server: server(), fingerprint }]);
}

#[test]
fn a_new_account_is_made_and_used() {
    let mut stage = Stage::new();
    stage.alt(&stage.login(), 'c');
    let window = stage.office.look(|desk| {
        use slint::ComponentHandle;
        desk.create.as_ref().unwrap().0.window.clone_strong()
    });
    for (text, key) in [("ann", Key::Tab), ("secret 1", Key::Tab), ("secret 2", Key::Return)] {
        stage.write(&window, text);
        stage.press(&window, key);
    }
    assert_eq!(window.get_notice(), "The two passwords are not the same.");
    window.set_confirmation("secret 1".into());
    stage.alt(&window, 'c');
    assert!(matches!(&stage.wishes()[..], [Wish::CreateAccount { .. }]));
    stage.office.hear(News::Door(DoorNews::Created(Err(refused(Code::UsernameTaken)))));
    assert!(window.get_notice().contains("Choose another one"));
    stage.alt(&window, 'c');
    stage.wishes();
    stage.office.hear(News::Door(DoorNews::Created(Ok(SignedUp::Ready))));
    assert!(matches!(&stage.wishes()[..], [Wish::LogIn { .. }]));
    assert!(stage.office.look(|desk| desk.create.is_none()));
}

#[test]
fn a_session_that_ends_elsewhere_leads_back_to_the_log_in_with_the_reason() {
    let stage = Stage::logged_in(vec![contact(2, "bob")]);
    stage.office.hear(News::Change(Change::LoggedOut(Some(Code::SessionEnded))));
    assert!(stage.office.look(|desk| desk.session.is_none()));
    assert!(stage.login().get_notice().contains("Your login has ended"));
    // The second word of the same is no second event.
    stage.office.hear(News::LoggedOut);
    stage.later(3_000);
    let said = stage.spoken().iter().filter(|text| text.contains("ended")).count();
    assert_eq!(said, 1);
}

#[test]
fn closing_the_window_ends_the_program_and_escape_does_not() {
    let mut stage = Stage::new();
    let window = stage.login();
    stage.press(&window, Key::Escape);
    assert_eq!(stage.wishes(), []);
    stage.office.tell(WindowKey::Login, Input::Closed);
    assert_eq!(stage.wishes(), [Wish::Exit]);
}

#[test]
fn what_was_announced_to_one_person_is_never_told_to_the_next() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    stage.later(3_000);
    stage.message(of_bob(1));
    stage.later(3_000);
    assert!(stage.spoken().concat().contains("text 1"));
    // One more waits to be said.
    stage.message(of_bob(2));
    stage.office.hear(News::LoggedOut);
    stage.office.tell(WindowKey::Login, Input::Active(true));
    stage.later(3_000);
    assert_eq!(stage.spoken(), ["Logged out."]);
    stage.enter(vec![contact(2, "bob")]);
    stage.later(3_000);
    stage.with_control_shift(&stage.main(), "h");
    let lines = rows(&stage.notice()).concat();
    assert!(lines.contains("Logged out") && !lines.contains("text"), "{lines}");
}

#[test]
fn an_account_is_made_on_the_server_that_its_window_names() {
    let mut stage = Stage::new();
    let login = stage.login();
    stage.alt(&login, 'c');
    let window = stage.office.look(|desk| desk.create.as_ref().unwrap().0.window.clone_strong());
    assert_eq!(window.get_server(), server().to_string());
    login.set_server("elsewhere.example".into());
    stage.office.hear(News::NoToken);
    let elsewhere = ServerAddress::parse("elsewhere.example").unwrap();
    let asks_more = Greeting { email_required: true, ..greeting() };
    let greeted = DoorNews::Greeted { server: elsewhere, result: Ok(asks_more) };
    stage.office.hear(News::Door(greeted));
    assert!(!window.get_email_shown(), "what another server asks for");
    for text in ["bea", "secret 1", "secret 1"] {
        stage.write(&window, text);
        stage.press(&window, Key::Tab);
    }
    stage.alt(&window, 'c');
    let wishes = stage.wishes();
    let [Wish::CreateAccount { server: at, username, .. }] = &wishes[..] else {
        panic!("{wishes:?}")
    };
    assert_eq!((at, username.as_str()), (&server(), "bea"));
    stage.office.hear(News::Door(DoorNews::Created(Ok(SignedUp::Ready))));
    let wishes = stage.wishes();
    let [Wish::LogIn { server: at, .. }] = &wishes[..] else { panic!("{wishes:?}") };
    assert_eq!(at, &server());
    assert_eq!(login.get_server(), server().to_string());
}

#[test]
fn logging_out_leaves_the_automatic_log_in_as_it_is_and_does_not_use_it_at_once() {
    let mut stage = Stage::with(automatic());
    let reasons = [
        News::LoggedOut,
        News::Change(Change::LoggedOut(Some(Code::SessionEnded))),
        News::Change(Change::Banned { until_ms: None, reason: "spam".into() }),
    ];
    for why in reasons {
        stage.enter(vec![]);
        stage.office.hear(why);
        assert_eq!(stage.wishes(), [], "nobody logs in by itself");
        assert!(stage.login().get_automatic() && stage.login().get_remember());
        assert!(stage.kept().automatic);
    }
}
