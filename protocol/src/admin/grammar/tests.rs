//! Lines as admins type them, good and bad.

use super::*;
use crate::ids::Time;

/// The end of 2026-12-24 in UTC.
const CHRISTMAS_EVE: Until = Until::At(Time(1_798_156_799_999));

fn name(username: &str) -> String {
    username.to_owned()
}

fn bans(until: Until, reason: &str) -> AdminCommand {
    AdminCommand::Ban(Ban { username: name("bob"), until, reason: reason.to_owned() })
}

fn bans_files(extension: &str, until: Until, reason: &str) -> AdminCommand {
    let (extension, reason) = (extension.to_owned(), reason.to_owned());
    AdminCommand::BanFiles(BanFiles { username: name("bob"), extension, until, reason })
}

fn creates(username: &str, password: &str, email: Option<&str>) -> AdminCommand {
    let email = email.map(|it| Address(it.to_owned()));
    let password = Secret::new(password.to_owned());
    AdminCommand::CreateUser(CreateUser { username: name(username), password, email })
}

#[test]
fn every_command_is_read_as_users_know_it() {
    let three_days = Until::ForSeconds(3 * 86_400);
    let all_kinds = |extension: Option<&str>| AdminCommand::UnbanFiles {
        username: name("bob"),
        extension: extension.map(str::to_owned),
    };
    let table = [
        ("/admin bob", AdminCommand::Promote { username: name("bob") }),
        ("admin bob", AdminCommand::Promote { username: name("bob") }),
        ("  /ADMIN   Bob  ", AdminCommand::Promote { username: name("Bob") }),
        ("/unadmin bob", AdminCommand::Demote { username: name("bob") }),
        ("/create bob secret-words", creates("bob", "secret-words", None)),
        ("/create bob \"three small words\"", creates("bob", "three small words", None)),
        ("/create bob pw bob@example.org", creates("bob", "pw", Some("bob@example.org"))),
        ("/del bob", AdminCommand::DeleteUser { username: name("bob") }),
        ("/ban bob 12/24/2026 too much  spam ", bans(CHRISTMAS_EVE, "too much  spam")),
        ("/ban bob 2026-12-24 spam", bans(CHRISTMAS_EVE, "spam")),
        ("/ban bob 3d spam", bans(three_days, "spam")),
        ("/ban bob 12h", bans(Until::ForSeconds(43_200), "")),
        ("/ban bob 12/31/9999 \"quoted\" spam", bans(Until::Forever {}, "\"quoted\" spam")),
        ("/unban bob", AdminCommand::Unban { username: name("bob") }),
        ("/bans", AdminCommand::Bans {}),
        (
            "/alert The server  moves at 8.",
            AdminCommand::Alert { text: "The server  moves at 8.".to_owned() },
        ),
        ("/exit", AdminCommand::Stop { all: false }),
        ("/exit ALL", AdminCommand::Stop { all: true }),
        ("/restart", AdminCommand::Restart {}),
        ("/banfile bob exe", bans_files("exe", Until::Forever {}, "")),
        ("/banfile bob * 3d viruses", bans_files("*", three_days, "viruses")),
        ("/banfile bob exe 12/24/2026", bans_files("exe", CHRISTMAS_EVE, "")),
        ("/banfile bob exe sends viruses", bans_files("exe", Until::Forever {}, "sends viruses")),
        (
            "/banfile bob exe \"3d\" is no end",
            bans_files("exe", Until::Forever {}, "\"3d\" is no end"),
        ),
        ("/unbanfile bob", all_kinds(None)),
        ("/unbanfile bob exe", all_kinds(Some("exe"))),
        ("/who", AdminCommand::Who {}),
        ("/audit", AdminCommand::Audit { before: None, limit: 20 }),
        ("/audit 200", AdminCommand::Audit { before: None, limit: 200 }),
    ];
    for (line, command) in table {
        assert_eq!(parse(line), Ok(Line::Command(command)), "{line:?}");
    }
}

#[test]
fn help_is_for_all_or_for_one() {
    assert_eq!(parse("/help"), Ok(Line::Help(None)));
    for line in ["help ban", "/help /BAN"] {
        let Ok(Line::Help(Some(usage))) = parse(line) else { panic!("{line} helps") };
        assert_eq!(usage.word, "ban");
    }
}

#[test]
fn every_bad_line_says_what_is_wrong_with_it() {
    let usage = |word: &str| named(word).unwrap();
    let no_day =
        |word: &str| NotUnderstood::End { word: word.to_owned(), why: InvalidEnd::NoSuchDay };
    let table = [
        ("", NotUnderstood::Empty),
        ("   ", NotUnderstood::Empty),
        ("/", NotUnderstood::Empty),
        ("//ban bob 3d", NotUnderstood::Unknown("/ban".to_owned())),
        ("/dance", NotUnderstood::Unknown("dance".to_owned())),
        ("/\u{1b}[2J", NotUnderstood::Unknown("\u{1b}[2J".to_owned())),
        ("/admin", NotUnderstood::Missing(usage("admin"))),
        ("/admin \"\"", NotUnderstood::Missing(usage("admin"))),
        ("/admin bob eve", NotUnderstood::TooMuch(usage("admin"))),
        ("/create bob", NotUnderstood::Missing(usage("create"))),
        ("/create bob pw a@b.c more", NotUnderstood::TooMuch(usage("create"))),
        ("/create bob \"never closed", NotUnderstood::OpenQuote),
        ("/ban bob", NotUnderstood::Missing(usage("ban"))),
        ("/ban bob spam", NotUnderstood::NoEnd("spam".to_owned())),
        ("/ban bob 13/45/2027 spam", no_day("13/45/2027")),
        ("/ban bob 2027-02-29", no_day("2027-02-29")),
        ("/ban bob 24/12/2026", no_day("24/12/2026")),
        ("/banfile bob exe 02/30/2027 x", no_day("02/30/2027")),
        ("/banfile bob", NotUnderstood::Missing(usage("banfile"))),
        ("/unbanfile bob exe now", NotUnderstood::TooMuch(usage("unbanfile"))),
        ("/alert", NotUnderstood::Missing(usage("alert"))),
        ("/alert   ", NotUnderstood::Missing(usage("alert"))),
        ("/exit now", NotUnderstood::TooMuch(usage("exit"))),
        ("/exit all now", NotUnderstood::TooMuch(usage("exit"))),
        ("/restart now", NotUnderstood::TooMuch(usage("restart"))),
        ("/audit many", NotUnderstood::NoNumber("many".to_owned())),
        ("/audit 0", NotUnderstood::NoNumber("0".to_owned())),
        ("/audit 201", NotUnderstood::NoNumber("201".to_owned())),
        ("/help dance", NotUnderstood::Unknown("dance".to_owned())),
    ];
    for (line, why) in table {
        assert_eq!(parse(line), Err(why), "{line:?}");
    }
}

#[test]
fn a_password_that_was_typed_does_not_print() {
    let line = parse("/create bob secret-words bob@example.org").unwrap();
    let shown = format!("{line:?}");
    assert!(!shown.contains("secret") && !shown.contains("example"), "{shown}");
}

#[test]
fn every_command_of_the_help_is_known() {
    for usage in COMMANDS {
        let known = !matches!(parse(usage.word), Err(NotUnderstood::Unknown(_)));
        assert!(known, "{}", usage.word);
    }
}
