//! Names, contacts and messages of a former host, as tables.

use super::*;

const NOW: Time = Time(1_800_000_000_000);
const HASH: &str =
    "$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g";

fn user(name: &str) -> User {
    User {
        name: name.into(),
        password: Secret::new(HASH.into()),
        unverified: false,
        email: Secret::new(String::new()),
        has_proved_email: false,
        banned_until: String::new(),
        ban_reason: String::new(),
    }
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
    plan(former, &Here::default(), NOW)
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
        others: vec![("bot_tokens".into(), 3)],
        ..Former::default()
    };
    former.users[2].unverified = true;
    let taken = [Username::parse("ann").unwrap()].into();
    let plan = plan(&former, &Here { taken, addresses: None }, NOW);
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
            "table bot_tokens: left out, 3 rows",
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

/// Whoever could not be logged in with it would hear that the server failed, and a dear one would take the
/// threads and the memory of all.
#[test]
fn a_hash_that_cannot_be_compared_or_costs_too_much_is_lost() {
    let stored = |raw: &str| password(&User { password: Secret::new(raw.into()), ..user("ann") });
    let dearest = HASH.replace("m=65536,t=3,p=4", "m=262144,t=16,p=16");
    assert_eq!(stored(&dearest), Password::Hash(dearest.clone()));
    for (from, to) in [
        ("m=65536", "m=262145"),
        ("m=65536", "m=x"),
        ("m=65536", "m=1"),
        ("t=3", "t=17"),
        ("p=4", "p=17"),
        ("v=19", "v=18"),
        ("$c2FsdHNhbHQ$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g", ""),
        ("$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g", ""),
        ("aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g", "not base 64"),
    ] {
        let hash = HASH.replace(from, to);
        assert_eq!(stored(&hash), Password::Lost, "{hash}");
    }
}

#[test]
fn a_full_list_takes_every_block_and_a_contact_on_both_sides_or_on_neither() {
    let names: Vec<String> = (0..=CONTACTS).map(|it| format!("person{it}")).collect();
    let mut all: Vec<&str> = names.iter().map(String::as_str).collect();
    all.extend(["ann", "eve"]);
    let (ann, eve) = (CONTACTS + 1, CONTACTS + 2);
    let mut contacts: Vec<_> = names.iter().map(|it| contact("ann", it, false)).collect();
    // The last one has ann as well, and eve is blocked by her: both rows come when her list is full.
    let last = names.last().unwrap();
    contacts.push(contact(last, "ann", false));
    contacts.push(contact("ann", "eve", true));
    contacts.push(contact("eve", "ann", false));
    let plan = planned(&Former { users: users(&all), contacts, ..Former::default() });
    let of = |owner, other| plan.sides.iter().find(|it| (it.owner, it.other) == (owner, other));
    assert_eq!((of(ann, CONTACTS), of(CONTACTS, ann)), (None, None), "{last} is a stranger");
    assert!(of(ann, eve).unwrap().blocked);
    assert_eq!(of(ann, eve).unwrap().relation, of(eve, ann).unwrap().relation);
    assert_eq!(plan.sides.iter().filter(|it| it.owner == ann).count(), CONTACTS);
    let full = plan.report.iter().filter(|it| it.ends_with("left out, a list is full")).count();
    assert_eq!(full, 3, "of {last} both rows, and one more who is asked in vain");
}

#[test]
fn bans_rights_and_proved_addresses_go_to_the_accounts_of_those_whom_they_were_about() {
    let mut former = Former {
        users: users(&["ann", "Bob", "eve", "zoe", "late"]),
        admins: ["ann", " Bob ", "", "bob", "nobody", "ann"].map(str::to_owned).into(),
        ..Former::default()
    };
    let [ann, bob, eve, zoe, late] = &mut former.users[..] else { panic!("five") };
    let address = || Secret::new(" Family@Example.org ".into());
    for user in [&mut *ann, &mut *bob, &mut *eve, &mut *zoe] {
        (user.email, user.has_proved_email) = (address(), true);
    }
    (late.email, late.has_proved_email) = (Secret::new("late@example.org".into()), false);
    (bob.banned_until, bob.ban_reason) = ("12/31/9999".into(), "spam".into());
    eve.banned_until = "01/16/2027".into();
    zoe.banned_until = "01/14/2027".into();
    late.banned_until = "soon".into();
    let file_ban = |name: &str, kind: &str, until: &str| FileBan {
        name: name.into(),
        kind: kind.into(),
        until: until.into(),
        reason: "a virus".into(),
    };
    former.file_bans = vec![
        file_ban("bob", ".EXE", "01/15/2027"),
        file_ban("Bob", "exe", ""),
        file_ban("eve", "*", ""),
        file_ban("eve", "tar.gz", ""),
        file_ban("nobody", "exe", ""),
    ];
    let addresses = Some([("family@example.org".to_owned(), 1)].into());
    let plan = plan(&former, &Here { addresses, ..Here::default() }, NOW);
    assert_eq!(plan.admins, [0, 1]);
    let kept: Vec<_> = plan.people.iter().map(|it| it.email.is_some()).collect();
    assert_eq!(kept, [true, true, false, false, false]);
    // NOW is 2027-01-15, 08:00.
    let end_of = |day: i64| Some(Time(1_799_971_200_000 + day * 86_400_000 - 1));
    let bans: Vec<_> = plan.bans.iter().map(|it| (it.person, it.ends)).collect();
    assert_eq!(bans, [(1, None), (2, end_of(2))]);
    assert_eq!(plan.bans[0].reason.as_str(), "spam");
    let bans: Vec<_> =
        plan.file_bans.iter().map(|it| (it.person, it.extension.as_str(), it.ends)).collect();
    assert_eq!(bans, [(1, "exe", end_of(1)), (2, "*", None)]);
    let expected = [
        "address of \"ann\": imported",
        "address of \"Bob\": imported",
        "address of \"eve\": left out, it has as many accounts as it may",
        "address of \"zoe\": left out, it has as many accounts as it may",
        "address of \"late\": left out, it was never proved",
        "admin \"ann\": imported",
        "admin \"Bob\": imported",
        "admin \"bob\": left out, there is no such user",
        "admin \"nobody\": left out, there is no such user",
        "admin \"ann\": left out, it stands there twice",
        "ban of \"Bob\": imported, for ever",
        "ban of \"eve\": imported, until 2027-01-16 23:59 UTC",
        "ban of \"zoe\": left out, it is over",
        "ban of \"late\": left out, its end is no day",
        "file ban of \"bob\", \".EXE\": imported, until 2027-01-15 23:59 UTC",
        "file ban of \"Bob\", \"exe\": left out, it stands there twice",
        "file ban of \"eve\", \"*\": imported, for ever",
        "file ban of \"eve\", \"tar.gz\": left out, that is no extension",
        "file ban of \"nobody\", \"exe\": left out, there is no such user",
    ];
    assert_eq!(plan.report[5..], expected);
    let none = planned(&former);
    assert!(none.people.iter().all(|it| it.email.is_none()));
    assert_eq!(none.report[5], "address of \"ann\": left out, this server sends no mail");
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
