//! Why a request was refused: codes and parameters, never sentences. The client owns the words.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::ids::Time;
use crate::text::Reason;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $word:literal,)*) => {
        /// The reason of a refusal. On the wire it is its word; a word is never used again for another
        /// meaning.
        #[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
        pub enum Code {
            $($(#[$doc])* $name,)*
        }

        impl Code {
            /// Every code, in the order of this file.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The word on the wire, in `--json` output and as a metric label.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

codes! {
    // The request itself.
    /// The frame or its content is not what the protocol allows here.
    BadRequest = "bad_request",
    /// The node is older than the client and does not know this request.
    UnknownRequest = "unknown_request",
    /// No protocol version in common.
    VersionUnsupported = "version_unsupported",
    /// The first request must be `hello`.
    HelloFirst = "hello_first",
    /// Log in first.
    LoginRequired = "login_required",
    /// This connection is logged in already.
    AlreadyLoggedIn = "already_logged_in",
    /// This request belongs on a stream of its own (or on the control stream).
    WrongStream = "wrong_stream",

    // The node.
    /// A fault of the node; the outcome may be unknown. Try again.
    Internal = "internal",
    /// Too much work at the moment; try again after `retry_after_ms`.
    Busy = "busy",
    /// Too many requests of this kind from this account or address; wait `retry_after_ms`.
    SlowDown = "slow_down",
    /// The node stops; come back, another one may answer.
    ShuttingDown = "shutting_down",

    // Accounts and sessions.
    /// Wrong name or password, which of them is not said.
    WrongCredentials = "wrong_credentials",
    /// The token is not known any more: log in with the password.
    SessionEnded = "session_ended",
    /// The server takes no new accounts.
    SignUpClosed = "sign_up_closed",
    UsernameInvalid = "username_invalid",
    UsernameReserved = "username_reserved",
    UsernameTaken = "username_taken",
    /// Shorter than `limit` bytes.
    PasswordTooShort = "password_too_short",
    /// Longer than `limit` bytes.
    PasswordTooLong = "password_too_long",
    /// One of the passwords that everybody tries first, or the user name itself.
    PasswordTooCommon = "password_too_common",
    NoSuchSession = "no_such_session",

    // People.
    NoSuchUser = "no_such_user",
    /// That is you.
    Yourself = "yourself",
    AlreadyContact = "already_contact",
    AlreadyAsked = "already_asked",
    /// They have not asked to be your contact.
    NoRequest = "no_request",
    NotAContact = "not_a_contact",
    /// You have blocked them; unblock first.
    BlockedByYou = "blocked_by_you",
    /// They do not accept messages from you.
    Blocked = "blocked",
    /// More than `limit` contacts.
    TooManyContacts = "too_many_contacts",

    // Words and messages.
    NoSuchConversation = "no_such_conversation",
    TextEmpty = "text_empty",
    /// Longer than `limit` characters, or more lines than allowed.
    TextTooLong = "text_too_long",
    StatusTooLong = "status_too_long",
    NicknameTooLong = "nickname_too_long",

    /// A word that only a newer peer knows. Never sent.
    Unknown = "unknown",

    // Later additions stand at the end: the vectors are numbered in this order.

    // E-mail.
    /// This server wants an e-mail address with a new account.
    EmailRequired = "email_required",
    EmailInvalid = "email_invalid",
    /// This server sends no e-mail.
    EmailUnavailable = "email_unavailable",
    /// The password is right, and the code that was sent to the address is still missing.
    AccountUnverified = "account_unverified",
    /// Not the code that was sent last, or it is too old, or was tried too often.
    WrongCode = "wrong_code",
    /// The address has `limit` accounts already.
    TooManyAccounts = "too_many_accounts",

    // Files.
    /// This server takes no files.
    FilesOff = "files_off",
    FileNameInvalid = "file_name_invalid",
    /// There is nothing in it.
    FileEmpty = "file_empty",
    /// More than `limit` bytes.
    FileTooLarge = "file_too_large",
    /// Files of this kind are not taken here, by their name or by what is in them.
    FileTypeRefused = "file_type_refused",
    /// An admin has forbidden this account to send files of this kind.
    FileBanned = "file_banned",
    /// All files of this account together would be more than `limit` bytes; `left` are free.
    FileQuota = "file_quota",
    /// More than `limit` files of this account are kept already.
    TooManyFiles = "too_many_files",
    NoSuchFile = "no_such_file",
    /// It was declined, taken back, refused, or is too old.
    FileGone = "file_gone",
    /// The recipient has not accepted it.
    FileNotAccepted = "file_not_accepted",
    /// Not all of it is at the server yet.
    FileNotReady = "file_not_ready",
    /// What was sent is not what was offered: longer, shorter, or something else.
    FileNotAsOffered = "file_not_as_offered",
    /// Another connection goes on with this upload.
    TransferElsewhere = "transfer_elsewhere",

    // Admins.
    /// Only admins may do that.
    AdminOnly = "admin_only",
    AlreadyAdmin = "already_admin",
    NotAnAdmin = "not_an_admin",
    /// There must be one left who may do such things.
    LastAdmin = "last_admin",
    /// Kept out `until` then (absent: for ever), for this `reason`. Said after the right password only.
    Banned = "banned",
    NotBanned = "not_banned",
    /// A ban that would be over already.
    EndIsPast = "end_is_past",
    /// No kind of file.
    ExtensionInvalid = "extension_invalid",
    NoSuchFileBan = "no_such_file_ban",
    /// The account does not exist any more. Known from the event of this name; never the code of a refusal.
    AccountDeleted = "account_deleted",
    /// The server takes accounts by invitation only.
    InviteRequired = "invite_required",
    /// Nobody was invited by this code, or it is used up or too old.
    InviteInvalid = "invite_invalid",

    // Groups of contacts.
    /// Longer than `limit` characters.
    GroupTooLong = "group_too_long",
    /// No contact of mine is in it.
    NoSuchGroup = "no_such_group",
}

impl Code {
    /// Whether the same request may succeed later without anybody changing it.
    #[must_use]
    pub fn retry(self) -> bool {
        matches!(
            self,
            Self::Internal
                | Self::Busy
                | Self::SlowDown
                | Self::ShuttingDown
                | Self::FileNotReady
                | Self::TransferElsewhere
        )
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}

impl<'de> Deserialize<'de> for Code {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        let known = Self::ALL.iter().find(|code| code.word() == word);
        Ok(known.copied().unwrap_or(Self::Unknown))
    }
}

/// A refusal: the code and what the client needs to put it into words.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Refusal {
    pub code: Code,
    /// When trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
    /// The limit that was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u64>,
    /// How much of the limit is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub left: Option<u64>,
    /// Until when it stays so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    /// What somebody said about it.
    #[serde(default, skip_serializing_if = "Reason::is_empty")]
    pub reason: Reason,
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Self {
            code,
            retry_after_ms: None,
            limit: None,
            left: None,
            until: None,
            reason: Reason::default(),
        }
    }
}

impl Refusal {
    #[must_use]
    pub fn over(code: Code, limit: usize) -> Self {
        Self { limit: Some(limit as u64), ..code.into() }
    }

    /// `until`: absent: for ever.
    #[must_use]
    pub fn banned(until: Option<Time>, reason: Reason) -> Self {
        Self { until, reason, ..Code::Banned.into() }
    }

    #[must_use]
    pub fn after(code: Code, wait: std::time::Duration) -> Self {
        let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self { retry_after_ms: Some(millis), ..code.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_a_word_of_its_own() {
        for (i, code) in Code::ALL.iter().enumerate() {
            assert!(Code::ALL[..i].iter().all(|other| other.word() != code.word()), "{code:?}");
        }
    }
}
