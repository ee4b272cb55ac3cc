//! Names, contacts and messages of a former host, as tables.

use super::*;

const NOW: Time = Time(1_800_000_000_000);
const HASH: &str = "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g";

fn user(name: &str) -> User {
    User { name: name.into(), password: Secret::new(HASH.into()), unverified: false }
}

fn users(names: &[&str]) -> Vec<User> {
    names.iter().map(|name| user(name)).collect()
}

fn contact(owner: &str, contact: &str, blocked: bool) -> Contact {
    Contact { owner: owner.into(), contact: contact.into(), blocked }
}

fn message(id: i64, sender: &str, recipient: &str, text: &str, time: &str) -> Message {
    Message {
        id,
        sender: sender.into(),
        recipient: recipient.into(),
        text: Secret::new(text.into()),
        time: time.into(),
    }
}

fn planned(former: &Former) -> Plan {
    plan(former, &BTreeSet::new(), NOW)
}

fn names_of(plan: &Plan) -> Vec<&str> {
    plan.people.iter().map(|it| it.username.as_str()).collect()
}

#[test]
fn weakness_02_names_that_differ_in_their_letters_only_all_get_in_under_names_of_their_own() {
    let plan =
        planned(&Former { users: users(&["U2x", "u2x", "U2X", "Ann"]), ..Former::default() });
    assert_eq!(names_of(&plan), ["u2x-2", "u2x", "u2x-3", "ann"]);
    assert_eq!(plan.report[0], "user \"U2x\": imported as u2x-2 (renamed), with the password");
}

#[test]
fn weakness_03_names_that_are_paths_or_have_line_ends_become_names_and_are_shown_safely() {
    let odd = ["../../../../tmp/x", "a b\nc", "  ", "日本", "al", "admin", &"x".repeat(40)];
    let plan = planned(&Former { users: users(&odd), ..Former::default() });
    let expected = ["tmp_x", "a_b_c", "user", "user-2", "al-1", "admin-2"];
    assert_eq!(names_of(&plan)[..6], expected);
    assert_eq!(names_of(&plan)[6], format!("{}-1", "x".repeat(30)));
    assert!(plan.report.iter().all(|line| !line.contains('\n')), "{:?}", plan.report);
}

#[test]
fn whoever_exists_already_or_never_verified_is_left_out_with_everything_of_theirs() {
    let mut former = Former {
        users: users(&["ann", "bob", "eve"]),
        contacts: vec![contact("bob", "ann", false), contact("bob", "eve", false)],
        messages: vec![message(1, "ann", "bob", "hi", "1700000000")],
        others: vec![("file_bans".into(), 3)],
    };
    former.users[2].unverified = true;
    let taken = [Username::parse("ann").unwrap()].into();
    let plan = plan(&former, &taken, NOW);
    assert_eq!(names_of(&plan), ["bob"]);
    assert!(plan.sides.is_empty() && plan.messages.is_empty());
    assert_eq!(
        plan.report,
        [
            "user \"ann\": left out, ann exists on this server already",
            "user \"bob\": imported as bob, with the password",
            "user \"eve\": left out, eve was never verified by mail",
            "contact \"ann\" of \"bob\": left out, \"ann\": exists on this server already",
            "contact \"eve\" of \"bob\": left out, \"eve\": was never verified by mail",
            "message 1: left out, \"ann\": exists on this server already",
            "table file_bans: left out, 3 rows",
        ]
    );
}

#[test]
fn a_password_is_taken_over_hashed_or_lost() {
    let stored = |raw: &str| password(&User { password: Secret::new(raw.into()), ..user("ann") });
    assert_eq!(stored(HASH), Password::Hash(HASH.into()));
    assert_eq!(stored("hunter2"), Password::Plain(Secret::new("hunter2".into())));
    for lost in ["", "$2b$12$abcdefghijklmnopqrstuv", "$argon2i$v=19$m=1,t=1,p=1$a$b"] {
        assert_eq!(stored(lost), Password::Lost, "{lost}");
    }
}

#[test]
fn contacts_need_both_and_one_alone_has_asked() {
    let former = Former {
        users: users(&["ann", "bob", "eve", "zoe"]),
        contacts: vec![
            contact("ann", "BOB", false),
            contact("bob", "ann", true),
            contact("ann", "eve", false),
            contact("ann", "zoe", true),
            contact("ann", "ann", false),
            contact("ann", "bob", false),
            contact("ann", "nobody", false),
        ],
        ..Former::default()
    };
    let plan = planned(&former);
    let side = |owner, other, relation, blocked| Side { owner, other, relation, blocked };
    assert_eq!(
        plan.sides,
        [
            side(0, 1, Relation::Contact, false),
            side(0, 2, Relation::Asked, false),
            side(0, 3, Relation::None, true),
            side(1, 0, Relation::Contact, true),
            side(2, 0, Relation::AsksMe, false),
        ]
    );
    let said: Vec<_> = plan.report[4..].iter().map(|it| it.split_once(": ").unwrap().1).collect();
    assert_eq!(
        said,
        [
            "imported as a contact, each has the other",
            "imported as a contact, each has the other, blocked",
            "imported as a request, the other has not agreed",
            "imported, blocked",
            "left out, nobody is their own contact",
            "left out, it stands there twice",
            "left out, \"nobody\": there is no such user",
        ]
    );
}

#[test]
fn messages_keep_their_time_however_it_was_written() {
    let times = [
        ("1700000000", 1_700_000_000_000),
        ("1700000000.5", 1_700_000_000_500),
        ("1700000000123", 1_700_000_000_123),
        ("2023-11-14T22:13:20", 1_700_000_000_000),
        ("2023-11-14 22:13:20.250000", 1_700_000_000_250),
        ("2023-11-14T22:13:20+00:00", 1_700_000_000_000),
        ("2023-11-14T12:13:20-10:00", 1_700_000_000_000),
        ("2099-01-01T00:00:00", NOW.0),
        ("yesterday", NOW.0),
        ("", NOW.0),
    ];
    let former = Former {
        users: users(&["ann", "bob"]),
        messages: (1..).zip(times).map(|(id, it)| message(id, "ann", "bob", "hi", it.0)).collect(),
        ..Former::default()
    };
    let plan = planned(&former);
    for ((written, expected), found) in times.iter().zip(&plan.messages) {
        assert_eq!(found.time, Time(*expected), "{written}");
    }
    assert!(plan.report.last().unwrap().ends_with("with the time of the import"));
}

#[test]
fn messages_that_nobody_may_get_are_left_out_and_long_ones_cut() {
    let long = "x".repeat(5_000);
    let former = Former {
        users: users(&["ann", "bob"]),
        contacts: vec![contact("bob", "ann", true)],
        messages: vec![
            message(1, "ann", "bob", "let me in", "1"),
            message(2, "bob", "ann", " ", "1"),
            message(3, "bob", "bob", "me", "1"),
            message(4, "bob", "ann", &long, "1"),
        ],
        ..Former::default()
    };
    let plan = planned(&former);
    assert_eq!(plan.messages.len(), 1);
    assert_eq!(plan.messages[0].text.as_str().len(), 4_000);
    assert!(plan.report.iter().all(|line| !line.contains("let me in") && !line.contains("xxx")));
}
