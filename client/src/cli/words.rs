//! Words of the command line for everything that the client reports.

use thrive_client::{
    Availability, Code, Failure, File, FileState, MessageState, Missed, Presence, Relation,
    size_in_words,
};

use super::Trouble;

pub(crate) fn trouble(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Failure(failure) => self::failure(failure),
        Trouble::Usage(why) | Trouble::Local(why) => why.clone(),
        Trouble::Closed | Trouble::Said(_) => String::new(),
    }
}

/// The word that programs go by.
pub(crate) fn trouble_code(trouble: &Trouble) -> &'static str {
    match trouble {
        Trouble::Failure(failure) => match failure {
            Failure::Refused { code, .. } => code.word(),
            Failure::Banned { .. } => Code::Banned.word(),
            Failure::OverQuota { .. } => Code::FileQuota.word(),
            Failure::Unreachable(_) => "unreachable",
            Failure::ServerChanged { .. } => "server_changed",
            Failure::NotThrive(_) => "not_thrive",
            Failure::Invalid(_) => "invalid",
            Failure::NotLoggedIn => "not_logged_in",
            Failure::Local(_) => "local",
        },
        Trouble::Usage(_) => "usage",
        Trouble::Local(_) => "local",
        Trouble::Closed | Trouble::Said(_) => "closed",
    }
}

pub(crate) fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Refused { code, retry_after_ms, limit } => {
            let mut words = self::code(*code).to_owned();
            if let Some(limit) = limit {
                let limit = match code {
                    Code::FileTooLarge | Code::FileQuota => size_in_words(*limit),
                    _ => limit.to_string(),
                };
                words.push_str(&format!(" (the limit is {limit})"));
            }
            if let Some(wait) = retry_after_ms {
                words.push_str(&format!("; try again in {} s", wait.div_ceil(1_000)));
            }
            words
        }
        Failure::ServerChanged { host, known, offered } => format!(
            "the certificate of {host} is not the one that was seen before.\n\
             before: {known}\nnow:    {offered}\n\
             Either the server got a new one, or somebody is between you and it. Ask its operator. \
             If the new one is right:\n  thrive --server {host} server accept {offered}"
        ),
        Failure::OverQuota { limit, left } => format!(
            "{} (the limit is {}, and {} of it are left)",
            code(Code::FileQuota),
            size_in_words(*limit),
            size_in_words(*left)
        ),
        Failure::NotLoggedIn => "nobody is logged in; see: thrive login --help".to_owned(),
        Failure::Banned { .. }
        | Failure::Unreachable(_)
        | Failure::NotThrive(_)
        | Failure::Invalid(_)
        | Failure::Local(_) => failure.to_string(),
    }
}

/// What each refusal of the server means.
pub(crate) fn code(code: Code) -> &'static str {
    match code {
        Code::BadRequest => "the server did not understand the request",
        Code::UnknownRequest => "the server is older than this program and cannot do that",
        Code::VersionUnsupported => "this program and the server have no version in common",
        Code::HelloFirst => "the server expected a greeting first",
        Code::LoginRequired => "that needs a login",
        Code::AlreadyLoggedIn => "this connection is logged in already",
        Code::WrongStream => "the request came on the wrong stream",
        Code::Internal => "the server had a fault",
        Code::Busy => "the server has too much to do at the moment",
        Code::SlowDown => "that was too often",
        Code::ShuttingDown => "the server is about to stop",
        Code::WrongCredentials => "wrong user name or password",
        Code::SessionEnded => "this login has ended; log in again",
        Code::SignUpClosed => "this server takes no new accounts",
        Code::UsernameInvalid => "a user name has 3 to 32 letters, digits, and . _ - between them",
        Code::UsernameReserved => "this user name is reserved",
        Code::UsernameTaken => "this user name is taken",
        Code::PasswordTooShort => "the password is too short",
        Code::PasswordTooLong => "the password is too long",
        Code::PasswordTooCommon => "everybody would guess this password",
        Code::NoSuchSession => "there is no such session",
        Code::NoSuchUser => "there is nobody of that name",
        Code::Yourself => "that is you",
        Code::AlreadyContact => "they are your contact already",
        Code::AlreadyAsked => "you have asked them already",
        Code::NoRequest => "they have not asked to be your contact",
        Code::NotAContact => "they are not your contact",
        Code::BlockedByYou => "you have blocked them",
        Code::Blocked => "they do not accept messages from you",
        Code::TooManyContacts => "your contact list is full",
        Code::NoSuchConversation => "there is no such conversation",
        Code::TextEmpty => "the text is empty",
        Code::TextTooLong => "the text is too long",
        Code::StatusTooLong => "the status text is too long",
        Code::GroupTooLong => "the name of the group is too long",
        Code::NoSuchGroup => "nobody is in a group of that name",
        Code::NicknameTooLong => "the name is too long",
        Code::EmailRequired => {
            "this server wants an e-mail address; see: thrive account create --help"
        }
        Code::EmailInvalid => "an e-mail address looks like ann@example.org",
        Code::EmailUnavailable => "this server sends no e-mail",
        Code::AccountUnverified => {
            "the code that was sent to the e-mail address is missing; see: thrive account verify --help"
        }
        Code::WrongCode => "the code is wrong, too old, or was tried too often",
        Code::TooManyAccounts => "this e-mail address has as many accounts as it may have",
        Code::FilesOff => "this server takes no files",
        Code::FileNameInvalid => "a file cannot be sent under this name",
        Code::FileEmpty => "there is nothing in the file",
        Code::FileTooLarge => "the file is too large",
        Code::FileTypeRefused => "this server takes no files of this kind",
        Code::FileBanned => "you may not send files of this kind here",
        Code::FileQuota => "all your files at the server together would be too large",
        Code::TooManyFiles => "too many of your files are at the server already",
        Code::NoSuchFile => "there is no such file",
        Code::FileGone => "the server has this file no longer",
        Code::FileNotAccepted => "the file was not accepted yet",
        Code::FileNotReady => "not all of the file is at the server yet",
        Code::FileNotAsOffered => "what was sent is not what was offered",
        Code::TransferElsewhere => "another program goes on with this file",
        Code::AdminOnly => "only admins may do that",
        Code::AlreadyAdmin => "they are an admin already",
        Code::NotAnAdmin => "they are no admin",
        Code::LastAdmin => "they are the last admin; make somebody else one first",
        Code::Banned => "this account is banned",
        Code::NotBanned => "they are not banned",
        Code::EndIsPast => "that would be over already",
        Code::ExtensionInvalid => "that is no extension of files",
        Code::NoSuchFileBan => "there is no such file ban",
        Code::AccountDeleted => "this account was deleted",
        Code::InviteRequired => "this server takes accounts by invitation only; say --invite CODE",
        Code::InviteInvalid => "nobody is invited by this code, or it is used up or too old",
        Code::Unknown => "the server refused for a reason that this program does not know",
    }
}

/// How far a file has come, for people.
pub(crate) fn file_state(file: &File) -> String {
    match file.state {
        FileState::Waiting => "waiting".to_owned(),
        FileState::OfferRefused(code) => {
            let why = file.refusal().map(|refusal| failure(&refusal));
            format!("refused: {}", why.unwrap_or_else(|| self::code(code).to_owned()))
        }
        FileState::Offered => "offered, on its way to the server".to_owned(),
        FileState::Ready => "offered".to_owned(),
        FileState::Accepted => "accepted, on its way to the server".to_owned(),
        FileState::Available => "accepted".to_owned(),
        FileState::Received => "received".to_owned(),
        FileState::Declined => "declined".to_owned(),
        FileState::Cancelled => "taken back".to_owned(),
        FileState::NotAsOffered => {
            "refused: it was not what was offered, or files of this kind are not taken".to_owned()
        }
        FileState::Expired => "expired".to_owned(),
    }
}

/// Why this device gave a file up: the library has the word of a code, or words of its own.
pub(crate) fn given_up(why: &str) -> String {
    let code = Code::ALL.iter().find(|code| code.word() == why);
    code.map_or_else(|| why.to_owned(), |code| self::code(*code).to_owned())
}

/// The same for programs.
pub(crate) fn file_state_code(state: FileState) -> &'static str {
    match state {
        FileState::Waiting => "waiting",
        FileState::OfferRefused(_) => "refused",
        FileState::Offered => "offered",
        FileState::Ready => "ready",
        FileState::Accepted => "accepted",
        FileState::Available => "available",
        FileState::Received => "received",
        FileState::Declined => "declined",
        FileState::Cancelled => "cancelled",
        FileState::NotAsOffered => "not_as_offered",
        FileState::Expired => "expired",
    }
}

/// For people.
pub(crate) fn availability(availability: Availability) -> &'static str {
    match availability {
        Availability::Offline => "offline",
        Availability::Invisible => "invisible",
        Availability::DoNotDisturb => "do not disturb",
        Availability::Busy => "busy",
        Availability::Away => "away",
        Availability::Online => "online",
    }
}

/// For programs: as it is typed.
pub(crate) fn availability_code(availability: Availability) -> &'static str {
    match availability {
        Availability::Offline => "offline",
        Availability::Invisible => "invisible",
        Availability::DoNotDisturb => "dnd",
        Availability::Busy => "busy",
        Availability::Away => "away",
        Availability::Online => "online",
    }
}

pub(crate) fn presence(presence: &Presence) -> String {
    let word = availability(presence.availability);
    let doing = match presence.preset {
        Some(preset) => format!("{} ({word})", thrive_client::admin::words::preset(preset)),
        None => word.to_owned(),
    };
    match presence.text.as_str() {
        "" => doing,
        text => format!("{doing}, {text}"),
    }
}

/// What came while nobody was there; `None`: nothing.
pub(crate) fn missed(missed: &[Missed]) -> Option<String> {
    let what = Missed::in_words(missed);
    match missed {
        [] => None,
        [one] => Some(format!("You received {what} from {} while offline.", one.name)),
        many => {
            let each: Vec<_> =
                many.iter().map(|one| format!("{} {}", one.name, one.count())).collect();
            let people = many.len();
            let each = each.join(", ");
            Some(format!("You received {what} from {people} people while offline: {each}."))
        }
    }
}

pub(crate) fn relation_code(relation: Relation) -> &'static str {
    match relation {
        Relation::None => "none",
        Relation::Asked => "asked",
        Relation::AsksMe => "asks_me",
        Relation::Contact => "contact",
    }
}

pub(crate) fn state_code(state: MessageState) -> &'static str {
    match state {
        MessageState::Waiting => "waiting",
        MessageState::Stored => "stored",
        MessageState::Delivered => "delivered",
        MessageState::Read => "read",
        MessageState::Refused(_) => "refused",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use thrive_client::UserId;

    #[test]
    fn what_was_missed_is_said_in_one_sentence_with_how_many_of_whom() {
        let from = |name: &str, messages| Missed {
            user: UserId(1),
            name: name.to_owned(),
            messages,
            files: 0,
            last: 9,
        };
        assert_eq!(missed(&[]), None);
        let one = missed(&[from("bob", 1)]).unwrap();
        assert_eq!(one, "You received 1 message from bob while offline.");
        let two = missed(&[from("bob", 3), from("Ann", 1)]).unwrap();
        assert_eq!(two, "You received 4 messages from 2 people while offline: bob 3, Ann 1.");
        let with_file = Missed { files: 1, ..from("anna", 3) };
        let said = missed(std::slice::from_ref(&with_file)).unwrap();
        assert_eq!(said, "You received 3 messages and 1 file from anna while offline.");
        let said = missed(&[with_file, from("bob", 1)]).unwrap();
        let words =
            "You received 4 messages and 1 file from 2 people while offline: anna 4, bob 1.";
        assert_eq!(said, words);
        let files = missed(&[Missed { files: 2, ..from("bob", 0) }]).unwrap();
        assert_eq!(files, "You received 2 files from bob while offline.");
    }
}
