//! Every sentence that does not stand on a screen from the start: failures, statuses, names for the
//! ear. Whole sentences, so that they can be spoken as they are.

pub mod files;

pub use thrive_client::admin::words::preset;
use thrive_client::admin::{Time, words};
use thrive_client::{
    Availability, Code, Connection, Contact, Failure, InvalidUsername, Message, MessageState,
    Missed, Presence, Relation, size_in_words,
};

/// Why something did not work, and where it helps, what to do about it.
#[must_use]
pub fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Refused { code, retry_after_ms, limit } => {
            let sentence = code_sentence(*code, *limit);
            match retry_after_ms {
                Some(wait) if 1_000 <= *wait => {
                    format!("{sentence} Try again in {}.", seconds(wait.div_ceil(1_000)))
                }
                Some(_) | None => sentence,
            }
        }
        Failure::Banned { until_ms, reason } => {
            let end = words::end(until_ms.map(Time));
            match reason.as_str() {
                "" => format!("This account is banned {end}."),
                reason => format!("This account is banned {end}. Reason: {}", sentence_of(reason)),
            }
        }
        Failure::OverQuota { limit, left } => format!(
            "{} The limit is {}, and {} of it are left.",
            code_sentence(Code::FileQuota, None),
            size_in_words(*limit),
            size_in_words(*left)
        ),
        Failure::Unreachable(_) => {
            "The server cannot be reached. Check its name and your connection to the network."
                .into()
        }
        Failure::ServerChanged { host, .. } => {
            format!("The certificate of {host} is not the one that was seen before.")
        }
        Failure::NotThrive(_) => {
            "There is a server, but it does not speak this version of Thrive.".into()
        }
        Failure::Invalid(why) => sentence_of(why),
        Failure::NotLoggedIn => "You are not logged in.".into(),
        Failure::Local(why) => {
            format!("This computer did not let me save or read a file: {}", sentence_of(why))
        }
    }
}

fn code_sentence(code: Code, limit: Option<u64>) -> String {
    let up_to = |what: &str| match limit {
        Some(limit) => format!("{what} The limit is {limit}."),
        None => what.to_owned(),
    };
    let bytes = |what: &str| match limit {
        Some(limit) => format!("{what} The limit is {}.", size_in_words(limit)),
        None => what.to_owned(),
    };
    match code {
        Code::BadRequest | Code::WrongStream | Code::HelloFirst => {
            "The server did not understand this program. One of them may be too old.".into()
        }
        Code::UnknownRequest => "The server is too old for this.".into(),
        Code::VersionUnsupported => {
            "This program and the server have no version in common. One of them needs an update."
                .into()
        }
        Code::LoginRequired => "Log in first.".into(),
        Code::AlreadyLoggedIn => "You are logged in already.".into(),
        Code::Internal => "Something went wrong on the server. Please try again.".into(),
        Code::Busy => "The server has too much to do at the moment.".into(),
        Code::SlowDown => "That was too often in a short time.".into(),
        Code::ShuttingDown => "The server is being restarted. Please try again.".into(),
        Code::WrongCredentials => "The user name or the password is wrong.".into(),
        Code::SessionEnded => "Your login has ended. Log in with your password.".into(),
        Code::SignUpClosed => "This server takes no new accounts.".into(),
        Code::UsernameInvalid => {
            "A user name has 3 to 32 letters from a to z, digits, dots, dashes or underscores."
                .into()
        }
        Code::UsernameReserved => "This user name is kept for the server.".into(),
        Code::UsernameTaken => "Somebody else has this user name. Choose another one.".into(),
        Code::PasswordTooShort => match limit {
            Some(limit) => format!("The password is too short. It needs at least {limit} letters."),
            None => "The password is too short.".into(),
        },
        Code::PasswordTooLong => up_to("The password is too long."),
        Code::PasswordTooCommon => {
            "This password is one of the first that anybody would guess. Choose another one.".into()
        }
        Code::NoSuchSession => "This device is not logged in any more.".into(),
        Code::NoSuchUser => "There is nobody with this user name on the server.".into(),
        Code::Yourself => "That is you.".into(),
        Code::AlreadyContact => "This person is one of your contacts already.".into(),
        Code::AlreadyAsked => {
            "You have asked this person already. They have not answered yet.".into()
        }
        Code::NoRequest => "This person has not asked to be your contact.".into(),
        Code::NotAContact => "This person is not one of your contacts.".into(),
        Code::BlockedByYou => "You have blocked this person. Unblock them first.".into(),
        Code::Blocked => "This person does not accept messages from you.".into(),
        Code::TooManyContacts => up_to("You have too many contacts."),
        Code::NoSuchConversation => "There is no such chat on the server.".into(),
        Code::TextEmpty => "There is no text in the message.".into(),
        Code::TextTooLong => up_to("The text is too long."),
        Code::StatusTooLong => up_to("The status is too long."),
        Code::GroupTooLong => up_to("The name of the group is too long."),
        Code::NoSuchGroup => "Nobody is in this group any more.".into(),
        Code::NicknameTooLong => up_to("The name is too long."),
        Code::EmailRequired => "This server needs an e-mail address for a new account.".into(),
        Code::EmailInvalid => "An e-mail address looks like ann@example.org.".into(),
        Code::EmailUnavailable => "This server sends no e-mail.".into(),
        Code::AccountUnverified => {
            "This account waits for the code that was sent to its e-mail address.".into()
        }
        Code::WrongCode => "The code is wrong, too old, or was tried too often.".into(),
        Code::TooManyAccounts => up_to("This e-mail address has too many accounts."),
        Code::FilesOff => "This server takes no files.".into(),
        Code::FileNameInvalid => "A file cannot be sent under this name.".into(),
        Code::FileEmpty => "There is nothing in this file.".into(),
        Code::FileTooLarge => bytes("The file is too large."),
        Code::FileTypeRefused => "This server takes no files of this kind.".into(),
        Code::FileBanned => "You may not send files of this kind here.".into(),
        Code::FileQuota => bytes("All your files at the server together would be too large."),
        Code::TooManyFiles => up_to("Too many of your files are at the server already."),
        Code::NoSuchFile => "There is no such file.".into(),
        Code::FileGone => "The server has this file no longer.".into(),
        Code::FileNotAccepted => "The file was not accepted yet.".into(),
        Code::FileNotReady => "Not all of the file is at the server yet.".into(),
        Code::FileNotAsOffered => "What was sent is not what was offered.".into(),
        Code::TransferElsewhere => "Another program goes on with this file.".into(),
        Code::AdminOnly => "Only admins may do that.".into(),
        Code::AlreadyAdmin => "This person is an admin already.".into(),
        Code::NotAnAdmin => "This person is no admin.".into(),
        Code::LastAdmin => {
            "This is the last admin of the server. Make somebody else one first.".into()
        }
        Code::Banned => "This account is kept out of the server.".into(),
        Code::NotBanned => "Nobody keeps this person out.".into(),
        Code::EndIsPast => "That would be over already.".into(),
        Code::ExtensionInvalid => "That is no kind of file.".into(),
        Code::NoSuchFileBan => "This person may send such files already.".into(),
        Code::AccountDeleted => "Your account was deleted.".into(),
        Code::InviteRequired => "This server takes new accounts by invitation only.".into(),
        Code::InviteInvalid => "Nobody is invited by this code, or it is too old.".into(),
        Code::Unknown => {
            "The server refused, for a reason that this program is too old to know.".into()
        }
    }
}

/// What is wrong with a user name that somebody typed.
#[must_use]
pub fn invalid_username(why: InvalidUsername) -> &'static str {
    match why {
        InvalidUsername::Length => "A user name has 3 to 32 letters.",
        InvalidUsername::Characters => {
            "A user name has only letters from a to z, digits, and dots, dashes or underscores between them."
        }
        InvalidUsername::Reserved => "This user name is kept for the server.",
    }
}

#[must_use]
pub fn availability(availability: Availability) -> &'static str {
    match availability {
        Availability::Offline => "offline",
        Availability::Invisible => "invisible",
        Availability::DoNotDisturb => "do not disturb",
        Availability::Busy => "busy",
        Availability::Away => "away",
        Availability::Online => "online",
    }
}

/// A status with its own words: "away, lunch".
#[must_use]
pub fn presence(presence: &Presence) -> String {
    let text = one_line(&presence.text);
    let parts =
        [availability(presence.availability), presence.preset.map_or("", preset), text.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// The name of the program, for whoever else shows it.
pub const PROGRAM: &str = "Thrive Messenger";

/// What the icon in the tray says: what is new, then how one is seen, or that nobody sees one.
#[must_use]
pub fn tray(unread: u32, own: Availability, connected: bool) -> String {
    let how = if connected { availability(own) } else { "not connected" };
    match unread {
        0 => format!("{PROGRAM}, {how}"),
        unread => format!("{PROGRAM}, {unread} unread, {how}"),
    }
}

/// What somebody is called in a list: "(Admin)" stands behind the name of an admin.
#[must_use]
pub fn called(name: &str, admin: bool) -> String {
    if admin { format!("{name} (Admin)") } else { name.to_owned() }
}

/// What came while one was away; empty when that is nothing. Of many people only the first are named.
#[must_use]
pub fn missed(missed: &[Missed]) -> String {
    let total = Missed::in_words(missed);
    match missed {
        [] => String::new(),
        [one] => format!("You have {total} from {}.", one.name),
        many => {
            let mut named: Vec<_> = many
                .iter()
                .take(MISSED_NAMED)
                .map(|one| format!("{} {}", one.name, one.count()))
                .collect();
            match many.len().saturating_sub(MISSED_NAMED) {
                0 => {}
                1 => named.push("and one other".into()),
                others => named.push(format!("and {others} others")),
            }
            format!("You have {total} from {} people: {}.", many.len(), named.join(", "))
        }
    }
}

/// More names at once than this cannot be remembered; all of them stand in a window.
const MISSED_NAMED: usize = 8;

/// What stands under the name of a contact.
#[must_use]
pub fn standing(contact: &Contact) -> String {
    if contact.blocked {
        return "blocked".into();
    }
    match contact.relation {
        Relation::Contact if contact.typing => format!("{}, typing", presence(&contact.presence)),
        Relation::Contact => presence(&contact.presence),
        Relation::Asked => "has not answered your request".into(),
        Relation::AsksMe if contact.request.is_empty() => "asks to be your contact".into(),
        Relation::AsksMe => format!("asks to be your contact: {}", one_line(&contact.request)),
        Relation::None => "not in your contacts".into(),
    }
}

/// A contact for the ear: the name first, then what is new, then how they are, what is special last.
/// That somebody is typing is left out: a name that changes while one listens is read again.
#[must_use]
pub fn spoken_contact(contact: &Contact) -> String {
    let name = called(contact.display_name(), contact.admin);
    if contact.relation == Relation::AsksMe && !contact.blocked {
        return format!("{name} {}", standing(contact));
    }
    let quiet = Contact { typing: false, ..contact.clone() };
    match contact.unread {
        0 => format!("{name}, {}", standing(&quiet)),
        unread => format!("{name}, {unread} unread, {}", standing(&quiet)),
    }
}

/// What is not normal about a message of mine; empty when all is well.
#[must_use]
pub fn message_state(state: MessageState) -> &'static str {
    match state {
        MessageState::Waiting => "waiting to be sent",
        MessageState::Refused(_) => "failed, press Enter to retry",
        MessageState::Stored | MessageState::Delivered | MessageState::Read => "",
    }
}

/// A message for the ear, the time last if it is wanted.
#[must_use]
pub fn spoken_message(message: &Message, sender: &str, time: Option<&str>) -> String {
    let text = one_line(&message.text);
    let state = Some(message_state(message.state)).filter(|state| !state.is_empty());
    let after: String = [state, time].into_iter().flatten().map(|it| format!(", {it}")).collect();
    format!("{sender}: {text}{after}")
}

/// How things stand with the server, for the line that is always there.
#[must_use]
pub fn connection(connection: &Connection) -> String {
    match connection {
        Connection::Idle => "Not connected.".into(),
        Connection::Online => "Connected.".into(),
        Connection::Connecting { last_error: None, .. } => "Connecting to the server…".into(),
        Connection::Connecting { last_error: Some(why), .. } => {
            format!("No connection. I go on trying. {}", failure(why))
        }
    }
}

/// To somebody who is logged in. `key` is empty when there is none.
#[must_use]
pub fn certificate_changed(changed: &Failure, key: &str) -> String {
    let asks = match key {
        "" => "The button for information about the server",
        key => key,
    };
    let why = failure(changed);
    format!("{why} Nothing is sent. {asks} in the main window asks whether to trust the new one.")
}

/// Text on one line, so that a row stays a row and a sentence a sentence.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn sentence_of(lower_case: &str) -> String {
    let mut letters = lower_case.chars();
    let Some(first) = letters.next() else { return String::new() };
    let rest = letters.as_str();
    let end = if lower_case.ends_with(['.', '!', '?']) { "" } else { "." };
    format!("{}{rest}{end}", first.to_uppercase())
}

fn seconds(seconds: u64) -> String {
    match seconds {
        1 => "one second".into(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{} minutes", seconds.div_ceil(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_refusal_is_a_whole_sentence_of_its_own() {
        for code in Code::ALL {
            let words =
                failure(&Failure::Refused { code: *code, retry_after_ms: None, limit: None });
            assert!(words.ends_with('.'), "{words}");
            assert!(words.starts_with(char::is_uppercase), "{words}");
            assert!(!words.contains(code.word()) || !code.word().contains('_'), "{words}");
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_back_and_what_the_limit_is() {
        let code = Code::SlowDown;
        let refused = Failure::Refused { code, retry_after_ms: Some(29_500), limit: None };
        assert_eq!(
            failure(&refused),
            "That was too often in a short time. Try again in 30 seconds."
        );
        let code = Code::TextTooLong;
        let refused = Failure::Refused { code, retry_after_ms: None, limit: Some(4_000) };
        assert_eq!(failure(&refused), "The text is too long. The limit is 4000.");
    }

    #[test]
    fn the_tray_says_what_is_new_before_how_one_is() {
        let away = Availability::Away;
        assert_eq!(tray(0, away, true), "Thrive Messenger, away");
        assert_eq!(tray(3, away, true), "Thrive Messenger, 3 unread, away");
        assert_eq!(tray(3, away, false), "Thrive Messenger, 3 unread, not connected");
    }

    #[test]
    fn what_was_missed_is_one_sentence_with_the_names() {
        let of = |name: &str, messages| Missed {
            user: thrive_client::UserId(1),
            name: name.into(),
            messages,
            files: 0,
            last: 9,
        };
        let said = "You have 5 messages from 2 people: Ann 3, Bob 2.";
        assert_eq!(missed(&[of("Ann", 3), of("Bob", 2)]), said);
        assert_eq!(missed(&[of("Ann", 1)]), "You have 1 message from Ann.");
        let with_file = Missed { files: 1, ..of("anna", 3) };
        assert_eq!(missed(&[with_file]), "You have 3 messages and 1 file from anna.");
        assert!(missed(&vec![of("Ann", 1); 11]).ends_with("Ann 1, and 3 others."));
        assert_eq!(missed(&[]), "");
    }

    #[test]
    fn what_the_library_says_in_small_letters_becomes_a_sentence() {
        let invalid = Failure::Invalid("\"a b\" is not a server address".into());
        assert_eq!(failure(&invalid), "\"a b\" is not a server address.");
    }
}
