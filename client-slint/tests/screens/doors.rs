//! The ways in beyond a password: codes, forgotten passwords, servers, a status; and the own account.

use i_slint_backend_testing::ElementRoot;
use slint::ComponentHandle;
use slint::platform::Key;
use thrive_client::{
    Availability, Code, Device, Failure, Greeting, OwnEmail, Preset, ServerAddress, SessionId,
    SignedUp,
};
use thrive_slint::adapters::shell::{Input, WindowKey};
use thrive_slint::bridge::{DoorNews, DoorWish, News, Wish};
use thrive_slint::desk::Desk;
use thrive_slint::desk::doors::Door;
use thrive_slint::settings::Settings;
use thrive_slint::ui::{
    CreateAccountWindow, DevicesWindow, EmailWindow, ForgotWindow, PasswordWindow, ServersWindow,
    VerifyWindow,
};

use super::stage::*;

fn refused(code: Code) -> Failure {
    Failure::Refused { code, retry_after_ms: None, limit: None }
}

pub(crate) fn greeting() -> Greeting {
    Greeting {
        name: "Home".into(),
        sign_up_open: true,
        sign_up_by_invite: false,
        email_required: false,
        text: "Welcome\nto all.".into(),
        people: Some((7, 2)),
    }
}

fn greet(stage: &Stage, greeting: Greeting) {
    hear(stage, DoorNews::Greeted { server: server(), result: Ok(greeting) });
}

fn hear(stage: &Stage, news: DoorNews) {
    stage.office.hear(News::Door(news));
    stage.settle();
}

fn window<W: ComponentHandle>(stage: &Stage, of: impl FnOnce(&Desk) -> Option<&W>) -> W {
    stage.office.look(|desk| of(desk).expect("the window is open").clone_strong())
}

fn verify(stage: &Stage) -> VerifyWindow {
    window(stage, |desk| desk.doors.verify.as_ref().map(|it| &it.view.window))
}

fn forgot(stage: &Stage) -> ForgotWindow {
    window(stage, |desk| desk.doors.forgot.as_ref().map(|(view, _)| &view.window))
}

fn servers(stage: &Stage) -> ServersWindow {
    window(stage, |desk| desk.doors.servers.as_ref().map(|(view, _)| &view.view.window))
}

fn password(stage: &Stage) -> PasswordWindow {
    window(stage, |desk| desk.doors.password.as_ref().map(|view| &view.window))
}

fn email(stage: &Stage) -> EmailWindow {
    window(stage, |desk| desk.doors.email.as_ref().map(|view| &view.window))
}

fn devices(stage: &Stage) -> DevicesWindow {
    window(stage, |desk| desk.doors.devices.as_ref().map(|(view, _)| &view.view.window))
}

fn create(stage: &Stage) -> CreateAccountWindow {
    window(stage, |desk| desk.create.as_ref().map(|(view, _)| &view.window))
}

fn one(stage: &mut Stage) -> DoorWish {
    let mut wishes = stage.wishes();
    match (wishes.pop(), wishes.is_empty()) {
        (Some(Wish::Door(wish)), true) => wish,
        (other, _) => panic!("{other:?} {wishes:?}"),
    }
}

/// Fills the fields one after another, with Tab between them.
fn fill<W: ComponentHandle>(stage: &Stage, window: &W, texts: &[&str]) {
    for (at, text) in texts.iter().enumerate() {
        if 0 < at {
            stage.press(window, Key::Tab);
        }
        stage.write(window, text);
    }
}

fn is_named(window: &(impl ElementRoot + ComponentHandle), label: &str) -> bool {
    i_slint_backend_testing::ElementHandle::find_by_accessible_label(window, label)
        .any(|it| 0.0 < it.size().height)
}

#[test]
fn what_a_server_says_is_shown_and_spoken_and_moves_nothing() {
    let mut stage = Stage::new();
    assert!(stage.all_wishes().contains(&Wish::Door(DoorWish::Greet(server()))));
    let login = stage.login();
    stage.write(&login, "an");
    greet(&stage, greeting());
    stage.write(&login, "n");
    assert_eq!(login.get_username(), "ann");
    assert_eq!(login.get_welcome(), "Welcome to all.");
    assert_eq!(login.get_people(), "7 people have an account on this server, 2 are online.");
    // All of it stands above the last button, and is in sight with it.
    stage.alt(&login, 'v');
    stage.press(&login, Key::Tab);
    stage.press(&login, Key::Tab);
    assert!(is_named(&login, "Welcome to all."));
    stage.later(1_000);
    assert_eq!(stage.spoken(), ["Welcome to all."]);
    // That of another server, which was asked before, is no news.
    let elsewhere = ServerAddress::parse("elsewhere").unwrap();
    let other = Greeting { text: "Other".into(), ..greeting() };
    hear(&stage, DoorNews::Greeted { server: elsewhere, result: Ok(other) });
    assert_eq!(login.get_welcome(), "Welcome to all.");
}

#[test]
fn a_server_that_says_nothing_neither_delays_nor_disturbs_the_log_in() {
    let mut stage = Stage::new();
    let login = stage.login();
    stage.write(&login, "ann");
    stage.press(&login, Key::Tab);
    stage.write(&login, "secret");
    let result = Err(Failure::Unreachable("no".into()));
    hear(&stage, DoorNews::Greeted { server: server(), result });
    stage.press(&login, Key::Return);
    assert!(matches!(&stage.wishes()[..], [Wish::LogIn { .. }]));
    // What comes now is shown, and does not speak into the log-in.
    stage.later(1_000);
    let before = stage.spoken();
    greet(&stage, greeting());
    stage.later(1_000);
    assert_eq!(stage.spoken(), before);
}

#[test]
fn a_status_is_chosen_before_anybody_can_see_it() {
    let mut stage = Stage::new();
    let login = stage.login();
    stage.write(&login, "ann");
    stage.press(&login, Key::Tab);
    stage.write(&login, "secret");
    stage.alt(&login, 'u');
    let heard = rows(&login);
    assert_eq!(heard[0], "as I left it");
    for _ in 0..5 {
        stage.press(&login, Key::DownArrow);
    }
    stage.press(&login, Key::Return);
    let wishes = stage.wishes();
    let [Wish::LogIn { presence: Some(presence), .. }] = &wishes[..] else { panic!("{wishes:?}") };
    assert_eq!(presence.availability, Availability::Invisible);
    stage
        .office
        .hear(News::NotEntered { server: server(), failure: Failure::Unreachable("no".into()) });
    stage.alt(&login, 'u');
    stage.press(&login, Key::DownArrow);
    stage.press(&login, Key::Return);
    let wishes = stage.wishes();
    let [Wish::LogIn { presence: Some(presence), .. }] = &wishes[..] else { panic!("{wishes:?}") };
    let (kind, preset) = (presence.availability, presence.preset);
    assert_eq!((kind, preset), (Availability::Busy, Some(Preset::OnThePhone)));
}

/// Of Ann, who is logged in by herself.
pub(crate) fn automatic() -> Settings {
    Settings {
        remember: true,
        automatic: true,
        username: "ann".into(),
        server: server().to_string(),
        ..Settings::default()
    }
}

#[test]
fn a_certificate_that_is_accepted_leads_on_with_the_log_in_that_it_stopped() {
    let mut stage = Stage::with(automatic());
    stage.wishes();
    let failure = Failure::ServerChanged {
        host: "localhost".into(),
        known: "sha256:aa".into(),
        offered: "sha256:bb".into(),
    };
    stage.office.hear(News::NotEntered { server: server(), failure });
    stage.office.hear(News::ServerAccepted(Ok(())));
    assert!(matches!(&stage.wishes()[..], [Wish::Resume { .. }]), "no password is asked for");
    stage.office.hear(News::NoToken);
    stage.login().set_password("secret-9".into());
    stage.wishes();
    stage.office.hear(News::ServerAccepted(Ok(())));
    assert_eq!(stage.wishes(), [], "what was typed is sent by who typed it");
}

#[test]
fn only_wrong_credentials_end_logging_in_automatically() {
    let still = |failure: Failure| {
        let mut stage = Stage::with(automatic());
        assert!(matches!(&stage.wishes()[..], [Wish::Resume { .. }]));
        stage.office.hear(News::NotEntered { server: server(), failure });
        let now = stage.office.look(|desk| desk.login.as_ref().unwrap().window.get_automatic());
        (now, stage.kept().automatic)
    };
    assert_eq!(still(refused(Code::SessionEnded)), (false, false));
    assert_eq!(still(refused(Code::WrongCredentials)), (false, false));
    // Nothing was saved, so the file does not say it; the window does.
    for failure in [
        Failure::Unreachable("no answer".into()),
        Failure::NotThrive("odd".into()),
        refused(Code::Busy),
        refused(Code::ShuttingDown),
    ] {
        assert!(still(failure.clone()).0, "{failure:?}");
    }
}

#[test]
fn a_new_account_needs_an_address_where_the_server_says_so_and_then_its_code() {
    let mut stage = Stage::new();
    greet(&stage, Greeting { email_required: true, ..greeting() });
    stage.alt(&stage.login(), 'c');
    let window = create(&stage);
    assert!(is_named(&window, "E-mail address"));
    assert!(!is_named(&window, "Code of your invitation"));
    fill(&stage, &window, &["Ann", "secret 1", "secret 1"]);
    stage.alt(&window, 'c');
    assert_eq!(window.get_notice(), "An e-mail address looks like ann@example.org.");
    stage.write(&window, "ann@example.org");
    assert_eq!(window.get_email(), "ann@example.org", "the focus is where the mistake is");
    stage.alt(&window, 'c');
    let wishes = stage.wishes();
    let [Wish::CreateAccount { email, invite: None, .. }] = &wishes[..] else {
        panic!("{wishes:?}")
    };
    assert_eq!(email.as_deref(), Some("ann@example.org"));
    hear(&stage, DoorNews::Created(Ok(SignedUp::CodeSent)));
    assert_eq!(window.get_password(), "", "nothing stays in a window that is closed");

    let window = verify(&stage);
    assert_eq!(window.get_username(), "ann");
    stage.press(&window, Key::Return);
    assert_eq!(window.get_notice(), "Enter the code from the e-mail.");
    stage.write(&window, "k7qm");
    stage.alt(&window, 'c');
    assert!(matches!(one(&mut stage), DoorWish::Verify { .. }));
    hear(&stage, DoorNews::Verified(Err(refused(Code::WrongCode))));
    assert_eq!(window.get_notice(), "The code is wrong, too old, or was tried too often.");
    stage.write(&window, "r2xp");
    assert_eq!(window.get_code(), "r2xp", "the wrong one is selected and written over");
    stage.alt(&window, 's');
    let username = "ann".to_owned();
    assert_eq!(one(&mut stage), DoorWish::ResendCode { server: server(), username });
    hear(&stage, DoorNews::CodeSent(Ok(())));
    assert!(window.get_notice().starts_with("Another code is on its way."));
    stage.press(&window, Key::Return);
    stage.wishes();
    hear(&stage, DoorNews::Verified(Ok(())));
    assert_eq!(window.get_code(), "");
    let wishes = stage.wishes();
    assert!(matches!(&wishes[..], [Wish::LogIn { .. }]), "{wishes:?}");
}

#[test]
fn whoever_left_the_code_for_later_is_led_back_to_it_by_logging_in() {
    let mut stage = Stage::new();
    let login = stage.login();
    stage.write(&login, "Ann");
    stage.press(&login, Key::Tab);
    stage.write(&login, "secret");
    stage.press(&login, Key::Return);
    stage.wishes();
    let failure = refused(Code::AccountUnverified);
    stage.office.hear(News::NotEntered { server: server(), failure });
    let window = verify(&stage);
    assert_eq!(window.get_username(), "ann");
    stage.write(&window, "x");
    stage.press(&window, Key::Escape);
    assert_eq!(stage.wishes(), []);
    assert!(stage.office.look(|desk| desk.doors.verify.is_none()));
    assert_eq!(login.get_password(), "secret", "nothing is changed");
    stage.alt(&login, 'l');
    assert!(matches!(&stage.wishes()[..], [Wish::LogIn { .. }]));
}

#[test]
fn a_server_by_invitation_asks_for_the_code_also_when_that_was_not_known() {
    let mut stage = Stage::new();
    greet(&stage, Greeting { sign_up_open: false, sign_up_by_invite: true, ..greeting() });
    stage.alt(&stage.login(), 'c');
    let window = create(&stage);
    assert_eq!(window.get_notice(), "This server takes new accounts by invitation only.");
    assert!(is_named(&window, "Code of your invitation"));
    stage.press(&window, Key::Escape);

    greet(&stage, greeting());
    stage.alt(&stage.login(), 'c');
    let window = create(&stage);
    assert!(!is_named(&window, "Code of your invitation"));
    fill(&stage, &window, &["ann", "secret 1", "secret 1"]);
    stage.alt(&window, 'c');
    stage.wishes();
    hear(&stage, DoorNews::Created(Err(refused(Code::InviteRequired))));
    assert!(is_named(&window, "Code of your invitation"));
    stage.write(&window, "abc");
    stage.alt(&window, 'c');
    let wishes = stage.wishes();
    let [Wish::CreateAccount { invite: Some(code), .. }] = &wishes[..] else {
        panic!("{wishes:?}")
    };
    assert_eq!(code.expose(), "abc");
}

#[test]
fn a_forgotten_password_is_replaced_in_two_steps_and_the_log_in_is_filled_in() {
    let mut stage = Stage::new();
    let login = stage.login();
    stage.alt(&login, 'f');
    let window = forgot(&stage);
    stage.press(&window, Key::Return);
    assert_eq!(window.get_notice(), "Enter your user name or your e-mail address.");
    let sentence = "If there is such an account with an e-mail address, a code is on its way.";
    for (account, name) in [("ann@example.org", ""), ("ann", "ann")] {
        window.set_account("".into());
        named(&window, "User name or e-mail address").set_accessible_value("");
        window.invoke_focus_field(thrive_slint::ui::DoorField::Account);
        stage.write(&window, account);
        stage.alt(&window, 's');
        let account = account.to_owned();
        assert_eq!(one(&mut stage), DoorWish::AskReset { server: server(), account });
        hear(&stage, DoorNews::ResetAsked(Ok(())));
        assert_eq!(window.get_notice(), sentence);
        assert_eq!(window.get_username(), name);
    }
    // The focus is in the code, because the name is known.
    fill(&stage, &window, &["k7qm", "secret 2", "secret 3"]);
    stage.press(&window, Key::Return);
    assert_eq!(window.get_notice(), "The two passwords are not the same.");
    stage.write(&window, "secret 2");
    stage.alt(&window, 'c');
    let DoorWish::Reset { username, code, password, .. } = one(&mut stage) else { panic!() };
    assert_eq!((username.as_str(), code.expose(), password.expose()), ("ann", "k7qm", "secret 2"));
    hear(&stage, DoorNews::Reset(Err(refused(Code::WrongCode))));
    stage.write(&window, "r2xp");
    assert_eq!(window.get_code(), "r2xp");
    stage.alt(&window, 'c');
    stage.wishes();
    hear(&stage, DoorNews::Reset(Ok(())));
    assert_eq!((window.get_code(), window.get_password()), ("".into(), "".into()));
    assert_eq!((login.get_username(), login.get_password()), ("ann".into(), "secret 2".into()));
    stage.later(3_000);
    assert!(stage.spoken().concat().contains("The password is changed."));
}

#[test]
fn servers_are_added_deleted_and_chosen_and_the_log_in_offers_them() {
    let mut stage = Stage::new();
    let login = stage.login();
    stage.alt(&login, 's');
    let window = servers(&stage);
    assert!(window.get_list_has_focus());
    stage.press(&window, Key::Delete);
    assert_eq!(window.get_notice(), "This is the only server. Add another one first.");
    stage.alt(&window, 'a');
    assert_eq!(window.get_notice(), "Enter the address of a server.");
    stage.write(&window, "localhost");
    stage.press(&window, Key::Return);
    assert_eq!(window.get_notice(), "This server is in the list already, as localhost.");
    stage.write(&window, "chat.example.org:9");
    window.set_name("Home".into());
    stage.press(&window, Key::Return);
    assert_eq!(window.get_notice(), "Home is in the list of servers.");
    let both = ["host localhost, port 2005, primary", "Home, host chat.example.org, port 9"];
    assert_eq!(rows(&window), both);
    stage.alt(&login, 'v');
    stage.press(&login, Key::Tab);
    assert!(rows(&login).iter().any(|row| row == both[1]), "the log-in has it as well");
    assert!(window.get_list_has_focus());

    stage.press(&window, Key::Return);
    assert_eq!(window.get_notice(), "Home is the primary server.");
    assert_eq!(login.get_server(), "chat.example.org:9");
    stage.press(&window, Key::Delete);
    assert_eq!(
        window.get_notice(),
        "This is the primary server. Set another one as primary first."
    );
    stage.press(&window, Key::UpArrow);
    stage.alt(&window, 'd');
    assert_eq!(rows(&window), ["Home, host chat.example.org, port 9, primary"]);
    stage.press(&window, Key::Escape);
    assert!(stage.office.look(|desk| desk.doors.servers.is_none()));
    assert_eq!(stage.wishes(), []);

    // The next start offers the primary one.
    let kept = stage.kept();
    let stage = Stage::with(kept);
    assert_eq!(stage.login().get_server(), "chat.example.org:9");
}

#[test]
fn the_list_of_servers_and_the_field_follow_each_other() {
    let mut settings = Settings::default();
    settings.servers.push(thrive_slint::settings::KnownServer {
        name: "Home".into(),
        address: "home:9".into(),
    });
    let mut stage = Stage::with(settings);
    let login = stage.login();
    assert_eq!(login.get_chosen_server(), 0);
    stage.alt(&login, 'v');
    stage.press(&login, Key::Tab);
    stage.press(&login, Key::DownArrow);
    assert_eq!(login.get_server(), "home:9");
    let home = ServerAddress::parse("home:9").unwrap();
    assert!(stage.all_wishes().contains(&Wish::Door(DoorWish::Greet(home))));
    stage.alt(&login, 'v');
    stage.write(&login, "other");
    assert_eq!(login.get_chosen_server(), -1);
    assert_eq!(login.get_server(), "other");
}

fn account_page(stage: &mut Stage, letter: char) {
    stage.alt(&stage.main(), 't');
    let settings = stage.settings();
    stage.press(&settings, Key::End);
    stage.settle();
    assert!(is_named(&settings, "Change password…"));
    stage.wishes();
    stage.alt(&settings, letter);
}

#[test]
fn a_password_is_changed_from_the_settings() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    account_page(&mut stage, 'w');
    let window = password(&stage);
    fill(&stage, &window, &["old one", "new one", "new two"]);
    stage.press(&window, Key::Return);
    assert_eq!(window.get_notice(), "The two passwords are not the same.");
    stage.write(&window, "new one");
    stage.alt(&window, 'o');
    stage.alt(&window, 'c');
    let DoorWish::ChangePassword { old, new, others: false } = one(&mut stage) else { panic!() };
    assert_eq!((old.expose(), new.expose()), ("old one", "new one"));
    hear(&stage, DoorNews::PasswordChanged(Err(refused(Code::WrongCredentials))));
    assert_eq!(window.get_notice(), "The password is wrong.");
    stage.write(&window, "older");
    assert_eq!(window.get_old(), "older");
    stage.alt(&window, 'c');
    stage.wishes();
    hear(&stage, DoorNews::PasswordChanged(Ok(())));
    assert_eq!((window.get_old(), window.get_password()), ("".into(), "".into()));
    assert!(stage.office.look(|desk| desk.doors.password.is_none()));
    stage.later(3_000);
    assert!(stage.spoken().concat().contains("The password is changed."));
}

#[test]
fn the_own_address_is_shown_and_changed_with_its_code() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    account_page(&mut stage, 'e');
    let window = email(&stage);
    assert_eq!(one(&mut stage), DoorWish::ShowEmail);
    let own = OwnEmail { address: Some("a***@example.org".into()), changing_to: None };
    hear(&stage, DoorNews::Email(Ok(own)));
    let said = "Your e-mail address is a***@example.org.";
    assert_eq!(window.get_own(), said);
    stage.later(500);
    assert_eq!(stage.spoken().concat().matches(said).count(), 1);
    assert!(!is_named(&window, said), "as a label it would be read a second time");
    stage.write(&window, "ann");
    stage.alt(&window, 's');
    assert_eq!(window.get_notice(), "An e-mail address looks like ann@example.org.");
    stage.write(&window, "ann@example.com");
    stage.press(&window, Key::Return);
    stage.write(&window, "secret");
    stage.press(&window, Key::Return);
    let DoorWish::ChangeEmail { address, password } = one(&mut stage) else { panic!() };
    assert_eq!((address.as_str(), password.expose()), ("ann@example.com", "secret"));
    hear(&stage, DoorNews::EmailAsked(Ok(())));
    assert_eq!(window.get_password(), "");
    stage.write(&window, "k7qm");
    stage.press(&window, Key::Return);
    assert!(matches!(one(&mut stage), DoorWish::ConfirmEmail(_)));
    hear(&stage, DoorNews::EmailConfirmed(Ok(())));
    assert_eq!(window.get_notice(), "Your e-mail address is changed.");
    assert_eq!(one(&mut stage), DoorWish::ShowEmail);
}

fn device(id: i64, name: &str, current: bool) -> Device {
    Device {
        session: SessionId(id),
        name: name.into(),
        created_ms: 1_700_000_000_000,
        last_seen_ms: 1_700_000_000_000 + id,
        current,
    }
}

#[test]
fn devices_are_listed_and_one_of_them_is_logged_out() {
    let mut stage = Stage::logged_in(vec![contact(2, "bob")]);
    account_page(&mut stage, 'd');
    let window = devices(&stage);
    assert_eq!(one(&mut stage), DoorWish::ListDevices);
    let all = vec![device(1, "desktop", true), device(2, "phone", false), device(3, "", false)];
    hear(&stage, DoorNews::Devices(Ok(all)));
    let heard = rows(&window);
    assert_eq!(heard.len(), 3);
    assert!(heard[0].starts_with("desktop, this device, last used "), "{heard:?}");
    stage.alt(&window, 'l');
    assert!(window.get_notice().contains("Log out in the main window."));
    stage.press(&window, "p");
    stage.press(&window, Key::Delete);
    assert_eq!(one(&mut stage), DoorWish::Revoke(SessionId(2)));
    hear(&stage, DoorNews::Revoked { session: SessionId(2), result: Ok(()) });
    assert_eq!(window.get_notice(), "phone is logged out.");
    assert_eq!(rows(&window).len(), 2);
    // It was quicker than we are, and that is no failure.
    stage.alt(&window, 'l');
    stage.wishes();
    let result = Err(refused(Code::NoSuchSession));
    hear(&stage, DoorNews::Revoked { session: SessionId(3), result });
    assert_eq!(rows(&window).len(), 1);
    stage.office.hear(News::LoggedOut);
    assert!(stage.office.look(|desk| desk.doors.devices.is_none()), "it ends with the session");
}

#[test]
fn the_words_of_the_operator_are_said_once_after_the_log_in_and_move_nothing() {
    let mut stage = Stage::new();
    stage.enter(vec![contact(2, "bob")]);
    let main = stage.main();
    stage.later(3_000);
    hear(&stage, DoorNews::Welcome("Mind the\ngap.".into()));
    assert!(main.get_list_has_focus());
    assert_eq!(main.get_notice(), "Mind the gap.");
    stage.later(3_000);
    assert_eq!(stage.spoken().last().unwrap(), "Mind the gap.");
    hear(&stage, DoorNews::Welcome(" ".into()));
    stage.later(3_000);
    assert_eq!(stage.spoken().iter().filter(|text| text.contains("gap")).count(), 1);
}

#[test]
fn f6_and_f1_work_in_every_window_and_escape_closes_it() {
    let stage = Stage::new();
    let login = stage.login();
    stage.alt(&login, 's');
    let window = servers(&stage);
    stage.press(&window, Key::F6);
    assert!(!window.get_list_has_focus());
    stage.press(&window, Key::F6);
    assert!(window.get_list_has_focus());
    stage.press(&window, Key::F1);
    let lines: Vec<_> = rows(&stage.notice());
    assert!(lines.contains(&"Alt+P: set the chosen server as primary".to_owned()), "{lines:?}");
    for door in Door::ALL {
        stage.office.tell(WindowKey::Door(*door), Input::Escape);
    }
    assert!(stage.office.look(|desk| desk.doors.servers.is_none()));
}
