//! Words of the command line for everything that the client reports.

use thrive_client::{Availability, Code, Failure, MessageState, Presence, Relation};

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

fn failure(failure: &Failure) -> String {
    match failure {
        Failure::Refused { code, retry_after_ms, limit } => {
            let mut words = self::code(*code).to_owned();
            if let Some(limit) = limit {
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
        Code::NicknameTooLong => "the name is too long",
        Code::AdminOnly => "only admins may do that",
        Code::AlreadyAdmin => "they are an admin already",
        Code::NotAnAdmin => "they are no admin",
        Code::LastAdmin => "they are the last admin; make somebody else one first",
        Code::Banned => "this account is banned",
        Code::NotBanned => "they are not banned",
        Code::EndIsPast => "that would be over already",
        Code::ExtensionInvalid => "that is no extension of files",
        Code::NoSuchFileBan => "there is no such file ban",
        Code::EmailUnsupported => "this server keeps no addresses of mail",
        Code::AccountDeleted => "this account was deleted",
        Code::InviteRequired => "this server takes accounts by invitation only; say --invite CODE",
        Code::InviteInvalid => "nobody is invited by this code, or it is used up or too old",
        Code::Unknown => "the server refused for a reason that this program does not know",
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
    match presence.text.as_str() {
        "" => word.to_owned(),
        text => format!("{word}, {text}"),
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
