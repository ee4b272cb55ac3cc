//! The words in which the client speaks to a screen or a command line: plain values, no wire, no Slint.

use std::fmt;
use std::path::PathBuf;

pub use thrive_protocol::code::Code;
pub use thrive_protocol::directory::{Privacy, SetPrivacy, Tab};
pub use thrive_protocol::file::FileLimits;
use thrive_protocol::ids::Time;
pub use thrive_protocol::ids::{ConversationId, FileId, SessionId, UserId};
pub use thrive_protocol::name::{InvalidUsername, Username};
pub use thrive_protocol::people::{Availability, Relation};
pub use thrive_protocol::preset::Preset;
pub use thrive_protocol::secret::Secret;
use thrive_protocol::version::DEFAULT_PORT;

/// Where a server is: `host` or `host:port`, also `[::1]:2005`.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct ServerAddress {
    pub host: String,
    pub port: u16,
}

impl ServerAddress {
    /// Reads what a person typed: `host`, `host:port`, `::1` or `[::1]:2005`.
    ///
    /// # Errors
    /// It is empty, has spaces in it, or the port is no number from 1 to 65535.
    pub fn parse(raw: &str) -> Result<Self, Failure> {
        let raw = raw.trim();
        let no_address = || Failure::Invalid(format!("{raw:?} is not a server address"));
        let port = |digits: &str| match digits.parse::<u16>() {
            Ok(port) if 0 < port => Ok(port),
            _ => Err(no_address()),
        };
        let (host, port) = if let Some(bracketed) = raw.strip_prefix('[') {
            match bracketed.split_once(']').ok_or_else(no_address)? {
                (host, "") => (host, DEFAULT_PORT),
                (host, rest) => (host, port(rest.strip_prefix(':').ok_or_else(no_address)?)?),
            }
        } else {
            match raw.split_once(':') {
                // More than one colon and no brackets: an IPv6 address without a port.
                Some((_, rest)) if rest.contains(':') => (raw, DEFAULT_PORT),
                Some((host, digits)) => (host, port(digits)?),
                None => (raw, DEFAULT_PORT),
            }
        };
        let strange = |c: char| c.is_whitespace() || c.is_control() || "/\\\"'@".contains(c);
        if host.is_empty() || host.contains(strange) {
            return Err(no_address());
        }
        Ok(Self { host: host.to_ascii_lowercase(), port })
    }
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(formatter, "[{}]:{}", self.host, self.port)
        } else {
            write!(formatter, "{}:{}", self.host, self.port)
        }
    }
}

/// Who is logged in on this client.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Account {
    pub user: UserId,
    pub username: Username,
    /// What to resume with next time; keep it in a [`crate::vault::Vault`].
    pub token: Secret,
}

/// How things stand between this client and its server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Connection {
    /// Nobody is logged in, so no connection is kept.
    Idle,
    /// Logging in or coming back. `since_ms`: how long there has been no connection; screens stay
    /// quiet for the first 2 000 of them.
    Connecting { attempt: u32, since_ms: u64, last_error: Option<Failure> },
    /// Logged in, and everything that was missed has been read.
    Online,
}

/// A status as people see it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Presence {
    pub availability: Availability,
    /// What they do just now, beside it.
    pub preset: Option<Preset>,
    pub text: String,
    /// When a contact who is offline was last seen, to the minute, if they let their contacts know.
    pub last_seen_ms: Option<i64>,
}

impl Presence {
    #[must_use]
    pub fn new(availability: Availability, text: String) -> Self {
        Self { availability, text, ..Self::default() }
    }
}

/// One row of the contact list.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Contact {
    pub user: UserId,
    pub username: Username,
    /// My own name for them; empty when there is none.
    pub nickname: String,
    /// The group of mine that they stand in; empty when they are in none.
    pub group: String,
    pub relation: Relation,
    pub blocked: bool,
    /// What was said with an open request; empty otherwise.
    pub request: String,
    pub presence: Presence,
    /// Messages of theirs that I have not read on any device.
    pub unread: u32,
    /// Their device is writing right now.
    pub typing: bool,
    /// They are an admin of the server, as far as it said; shown as "(Admin)".
    pub admin: bool,
}

impl Contact {
    /// The name to show: mine for them, else their own.
    #[must_use]
    pub fn display_name(&self) -> &str {
        if self.nickname.is_empty() { self.username.as_str() } else { &self.nickname }
    }
}

/// A group that was renamed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct GroupRenamed {
    /// As it is written now; empty: they are in none.
    pub group: String,
    /// Everybody who was in it, as they are now.
    pub contacts: Vec<Contact>,
}

/// Names a message for as long as this client's cache lives; the same before and after it is stored.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct MessageKey(pub i64);

/// One message of the chat with one person.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Message {
    pub key: MessageKey,
    /// The other person of the chat.
    pub peer: UserId,
    /// Its place in the conversation; `None` while it waits in the outbox.
    pub seq: Option<u64>,
    pub mine: bool,
    /// `You` is up to the screen; this is the user name of whoever wrote it.
    pub sender: Username,
    /// Milliseconds since 1970-01-01 UTC: the server's time, or mine while it waits.
    pub time_ms: i64,
    /// The name of the file, for an offer.
    pub text: String,
    pub state: MessageState,
    /// What it offers, if it does.
    pub file: Option<File>,
}

/// A file that was offered, by me or to me.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct File {
    /// The message that offers it.
    pub message: MessageKey,
    /// Its number at the server; `None` while the offer waits in the outbox.
    pub id: Option<FileId>,
    /// The other person of the chat.
    pub peer: UserId,
    /// Their user name, also when they are no contact.
    pub peer_name: Username,
    pub mine: bool,
    /// When it was offered, in milliseconds since 1970-01-01 UTC: the server's time, or mine while it waits.
    pub time_ms: i64,
    /// As the sender calls it; saved under a name that this system takes.
    pub name: String,
    pub size: u64,
    pub content_type: String,
    /// Until when the server keeps it, in milliseconds since 1970-01-01 UTC.
    pub expires_ms: Option<i64>,
    pub state: FileState,
    /// Bytes that this device has sent or fetched so far.
    pub done: u64,
    /// This device fetches it, or will as soon as it can.
    pub wanted: bool,
    /// Where this device has put it.
    pub saved: Option<PathBuf>,
    /// Why this device gave it up, in English.
    pub failed: Option<String>,
    /// What the server takes at most, where the offer was more than that.
    pub limit: Option<u64>,
    /// What is left of that.
    pub left: Option<u64>,
}

impl File {
    /// Why the server did not take the offer, if it did not.
    #[must_use]
    pub fn refusal(&self) -> Option<Failure> {
        let FileState::OfferRefused(code) = self.state else { return None };
        Some(Failure::of(code, None, self.limit, self.left))
    }
}

/// How far a file has come.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileState {
    /// The offer is in the outbox on this disk.
    Waiting,
    /// The server did not take the offer.
    OfferRefused(Code),
    /// It is being sent to the server; the recipient has not answered.
    Offered,
    /// All of it is at the server; the recipient has not answered.
    Ready,
    /// The recipient wants it; not all of it is at the server.
    Accepted,
    /// The recipient wants it, and can fetch it.
    Available,
    /// A device of the recipient has it.
    Received,
    Declined,
    Cancelled,
    /// What was sent was not what was offered, or not allowed.
    NotAsOffered,
    /// The server keeps it no longer.
    Expired,
}

impl FileState {
    /// Whether nothing more will happen to it.
    #[must_use]
    pub fn is_over(self) -> bool {
        match self {
            Self::OfferRefused(_)
            | Self::Received
            | Self::Declined
            | Self::Cancelled
            | Self::NotAsOffered
            | Self::Expired => true,
            Self::Waiting | Self::Offered | Self::Ready | Self::Accepted | Self::Available => false,
        }
    }
}

/// How far a message of mine has come. Messages of others are always `Stored`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum MessageState {
    /// In the outbox on this disk; it is sent as soon as there is a connection.
    Waiting,
    /// On the server's disk.
    Stored,
    /// On a device of the other person.
    Delivered,
    /// The other person has read it.
    Read,
    /// The server said no, for good. The text is kept; send it again or delete it.
    Refused(Code),
}

/// One of my logins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Device {
    pub session: SessionId,
    pub name: String,
    pub created_ms: i64,
    pub last_seen_ms: i64,
    pub current: bool,
}

/// Somebody of the directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Found {
    pub user: UserId,
    pub username: Username,
    /// Offline also for those whose presence I may not see.
    pub presence: Presence,
    pub relation: Relation,
    pub blocked: bool,
    /// That is me.
    pub you: bool,
    pub admin: bool,
}

/// One page of the directory.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FoundPage {
    pub people: Vec<Found>,
    /// Where the next page starts; `None`: this was the last one.
    pub next: Option<String>,
}

/// A conversation of mine.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Talk {
    pub contact: Contact,
    pub last: Message,
}

impl Talk {
    /// With somebody who is no contact, and whom I have not blocked.
    #[must_use]
    pub fn is_stranger(&self) -> bool {
        self.contact.relation != Relation::Contact && !self.contact.blocked
    }
}

/// What of somebody came while I was away.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Missed {
    pub user: UserId,
    /// The name to show.
    pub name: String,
    /// Those that offer a file are not among them.
    pub messages: u32,
    pub files: u32,
    /// The place of the last of them in the conversation: what came another time has another one, however much
    /// it was.
    pub last: u64,
}

impl Missed {
    /// Messages and files together.
    #[must_use]
    pub fn count(&self) -> u32 {
        self.messages.saturating_add(self.files)
    }

    /// "3 messages and 1 file": what all of them sent.
    #[must_use]
    pub fn in_words(missed: &[Self]) -> String {
        let sum = |of: fn(&Self) -> u32| missed.iter().map(of).fold(0, u32::saturating_add);
        let say = |count: u32, one: &str| match count {
            1 => format!("1 {one}"),
            count => format!("{count} {one}s"),
        };
        match (sum(|it| it.messages), sum(|it| it.files)) {
            (messages, 0) => say(messages, "message"),
            (0, files) => say(files, "file"),
            (messages, files) => {
                format!("{} and {}", say(messages, "message"), say(files, "file"))
            }
        }
    }
}

/// What a server says to everybody who comes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Greeting {
    pub name: String,
    pub sign_up_open: bool,
    /// New accounts need the code of an invitation.
    pub sign_up_by_invite: bool,
    /// A new account needs an e-mail address, and the code that is sent to it.
    pub email_required: bool,
    /// The operator's words before a login; often empty.
    pub text: String,
    /// People with an account and people online, where the server tells it.
    pub people: Option<(u64, u64)>,
}

/// About the server; can be asked without an account.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ServerInfo {
    pub name: String,
    /// As its operator tells it, else as this client has dialed it.
    pub host: String,
    pub port: u16,
    /// Always so: there is no other way to connect.
    pub encrypted: bool,
    pub software: String,
    pub accounts: u64,
    pub online: u64,
    pub started_ms: i64,
    pub sign_up_open: bool,
    /// New accounts need the code of an invitation.
    pub sign_up_by_invite: bool,
    pub text_chars: u32,
    pub status_chars: u32,
    pub password_min: u32,
    /// A new account needs an e-mail address, and the code that is sent to it.
    pub email_required: bool,
    /// What files it takes; `None`: none at all.
    pub files: Option<FileLimits>,
}

/// How something came to be known; decides whether it is spoken and sounded.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Arrival {
    /// It happened just now.
    Live,
    /// It was read while catching up, from the cache, or belongs to the first wave after a login.
    CatchUp,
}

/// News for a screen. Everything it says is already in the model when it is heard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Change {
    Connection(Connection),
    LoggedIn(Account),
    /// The session is over: logged out here, or ended elsewhere ([`Code::SessionEnded`]).
    LoggedOut(Option<Code>),
    /// A contact is new or anything of it changed, unread count, presence and typing included.
    /// `before` is what the list said until now.
    Contact {
        before: Option<Contact>,
        now: Contact,
        arrival: Arrival,
    },
    ContactGone(UserId),
    OwnPresence(Presence),
    /// I became an admin, or am none any more.
    Admin(bool),
    /// An admin tells everybody something. To be announced, and never to take the focus.
    Alert {
        text: String,
        time_ms: i64,
    },
    /// I am kept out until then (`None`: for ever). [`Change::LoggedOut`] follows.
    Banned {
        until_ms: Option<i64>,
        reason: String,
    },
    /// A message is new (`before` is `None`), or its state or place changed.
    Message {
        before: Option<MessageState>,
        now: Message,
        arrival: Arrival,
    },
    /// A file has come further, or something became of it.
    File(File),
    /// More happened than could be queued, or the server's history is another one: read everything
    /// again.
    Reload,
}

/// Why something did not work, for the caller to put into words.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Failure {
    /// The server answered no.
    Refused { code: Code, retry_after_ms: Option<u64>, limit: Option<u64> },
    /// The server keeps this account out until then; `None`: for ever. Said after the right password.
    Banned { until_ms: Option<i64>, reason: String },
    /// All files of this account together would be more than `limit` bytes; so many are `left`.
    OverQuota { limit: u64, left: u64 },
    /// No connection to the server, or it went away before it answered.
    Unreachable(String),
    /// The server's certificate is not the one that was seen before. Never ignored silently.
    ServerChanged { host: String, known: String, offered: String },
    /// It speaks another protocol or version.
    NotThrive(String),
    /// What was given is not a user name, a server address, a text…
    Invalid(String),
    /// Nobody is logged in.
    NotLoggedIn,
    /// This computer's disk or folder said no.
    Local(String),
}

impl Failure {
    /// What a server says of an order that it did not carry out.
    #[must_use]
    pub(crate) fn of(
        code: Code,
        retry_after_ms: Option<u64>,
        limit: Option<u64>,
        left: Option<u64>,
    ) -> Self {
        match (code, limit, left) {
            (Code::FileQuota, Some(limit), Some(left)) => Self::OverQuota { limit, left },
            _ => Self::Refused { code, retry_after_ms, limit },
        }
    }
}

impl fmt::Display for Failure {
    /// English, for logs and for the command line; screens have their own words.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused { code, .. } => write!(formatter, "the server refused: {}", code.word()),
            Self::Banned { until_ms, reason } => {
                let end = thrive_protocol::admin::words::end(until_ms.map(Time));
                write!(formatter, "this account is banned {end}")?;
                if reason.is_empty() { Ok(()) } else { write!(formatter, ": {reason}") }
            }
            Self::OverQuota { .. } => {
                write!(formatter, "the server refused: {}", Code::FileQuota.word())
            }
            Self::Unreachable(why) => write!(formatter, "the server cannot be reached: {why}"),
            Self::ServerChanged { host, .. } => {
                write!(formatter, "the certificate of {host} is not the one seen before")
            }
            Self::NotThrive(why) => write!(formatter, "that is not a Thrive server: {why}"),
            Self::Invalid(why) => formatter.write_str(why),
            Self::NotLoggedIn => formatter.write_str("nobody is logged in"),
            Self::Local(why) => formatter.write_str(why),
        }
    }
}

impl std::error::Error for Failure {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_address_is_read_as_people_write_it() {
        let check = |raw: &str, host: &str, port| {
            let host = host.to_owned();
            assert_eq!(ServerAddress::parse(raw), Ok(ServerAddress { host, port }), "{raw:?}");
        };
        check(" Chat.Example.org ", "chat.example.org", 2005);
        check("chat.example.org:99", "chat.example.org", 99);
        check("::1", "::1", 2005);
        check("[::1]", "::1", 2005);
        check("[::1]:99", "::1", 99);
        for raw in ["", ":99", "a:", "a:0", "a:65536", "a b", "[::1", "[::1]99", "https://a"] {
            assert!(matches!(ServerAddress::parse(raw), Err(Failure::Invalid(_))), "{raw:?}");
        }
    }
}
