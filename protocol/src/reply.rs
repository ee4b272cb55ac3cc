//! What a node answers.

use serde::{Deserialize, Serialize};

use crate::admin::AdminAnswer;
use crate::bounded::List;
use crate::directory::{DirectoryPage, Privacy};
use crate::entry::Entry;
use crate::event::Head;
use crate::file::FileOffered;
use crate::ids::{ClientMsgId, Epoch, Seq, SessionId, Time, UserId};
use crate::limits::{self, Limits};
use crate::mail::EmailShown;
use crate::name::Username;
use crate::people::{Contact, Conversation, Presence, Session};
use crate::secret::Secret;
use crate::text::{GroupName, WelcomeText};

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// It happened, and there is nothing more to say.
    Done {},
    Welcome(Welcome),
    ServerInfo(ServerInfo),
    LoggedIn(LoggedIn),
    Sessions {
        sessions: List<Session, { limits::SESSIONS }>,
    },
    Roster {
        contacts: List<Contact, { limits::CONTACTS }>,
        /// My own status as stored, which all my devices share.
        presence: Presence,
        /// I am an admin.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        admin: bool,
    },
    Contact(Contact),
    Conversation(Conversation),
    Stored(Stored),
    /// Oldest first.
    Page {
        entries: List<Entry, { limits::HISTORY_PAGE }>,
        /// There are entries before these.
        more: bool,
    },
    SyncPage(SyncPage),
    Heartbeat {
        /// Conversations that grew since the last heartbeat on this connection.
        heads: List<Head, { limits::HEADS }>,
        /// The node's clock.
        time: Time,
    },
    Email(EmailShown),
    FileOffered(FileOffered),
    /// Send the bytes from there on, behind this stream's frame, and end the stream.
    Upload {
        from: u64,
    },
    /// The bytes follow on this stream.
    Download {
        /// Of the whole file.
        size: u64,
    },
    Directory(DirectoryPage),
    /// What others may see of me, as it is now.
    Privacy(Privacy),
    /// What an order of an admin did.
    Admin(AdminAnswer),
    GroupRenamed(GroupRenamed),
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SignUp {
    Open,
    /// Whoever has the code of an invitation.
    Invite,
    /// Nobody by themselves. Also what a word of a newer node is read as.
    #[serde(other)]
    Closed,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Welcome {
    pub version: u32,
    /// What the operator calls this server.
    pub server: String,
    /// Program and version of the node.
    pub software: String,
    pub limits: Limits,
    /// Optional parts that both sides can use.
    #[serde(default)]
    pub features: List<String, 32>,
    pub sign_up: SignUp,
    pub time: Time,
    /// A new account needs an e-mail address, and the code that is sent to it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email_required: bool,
    /// What the operator says to everybody who comes; often empty.
    #[serde(default, skip_serializing_if = "WelcomeText::is_empty")]
    pub text: WelcomeText,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ServerInfo {
    pub server: String,
    pub software: String,
    /// Accounts, all together.
    pub accounts: u64,
    /// People who are shown as online now.
    pub online: u64,
    pub started: Time,
    pub sign_up: SignUp,
    pub limits: Limits,
    /// As in `welcome`.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub email_required: bool,
    /// Where people reach the server, if the operator says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub port: Option<u16>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LoggedIn {
    pub user: UserId,
    pub username: Username,
    pub session: SessionId,
    /// Only after a login by password: what to resume with from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Secret>,
    pub epoch: Epoch,
    /// What the operator says to people who have logged in; often empty.
    #[serde(default, skip_serializing_if = "WelcomeText::is_empty")]
    pub text: WelcomeText,
}

/// Everybody of a group is in another one, or in none.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct GroupRenamed {
    /// As it is written now: one that is there already keeps its writing. Empty: they are in none.
    pub group: GroupName,
    /// Everybody who was in the group that was renamed. Only their ids, so that all of them fit into a
    /// control frame.
    pub users: List<UserId, { limits::CONTACTS }>,
}

/// The message is on disk. Said again, word for word, to every repeat of the same id.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Stored {
    pub id: ClientMsgId,
    pub seq: Seq,
    pub time: Time,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SyncPage {
    pub epoch: Epoch,
    /// The positions belong to another epoch: forget everything; this page is from the beginning.
    pub reset: bool,
    /// Every conversation that grew, is new to this device, or whose marks moved.
    pub conversations: List<Conversation, { limits::POSITIONS }>,
    /// What is missing, in order within each conversation, without gaps from the position on. For a
    /// conversation that had no position: its last entries.
    pub entries: List<Entry, { limits::SYNC_PAGE }>,
    /// There is more: ask again with the positions moved on.
    pub more: bool,
}
