//! What a client may ask. One request, one reply with its number.
//!
//! Names and texts of people are plain strings here, so that the node can answer each mistake with a
//! code of its own; behind the door they are [`crate::name`] and [`crate::text`] types.

use serde::{Deserialize, Serialize};

use crate::admin::AdminCommand;
use crate::bounded::List;
use crate::directory::{Directory, SetPrivacy};
use crate::file::OfferFile;
use crate::ids::{ClientMsgId, ConversationId, Epoch, FileId, Seq, SessionId, UserId};
use crate::limits;
use crate::mail::{ChangeEmail, RequestReset, ResendCode, ResetPassword, VerifyAccount};
use crate::people::Availability;
use crate::preset::{self, Preset};
use crate::secret::Secret;

/// Where a request may stand.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Stream {
    /// On the one stream that the client opens first.
    Control,
    /// Alone on a stream of its own, so that its answer holds nothing else back.
    Bulk,
    /// The same, with the bytes of a file behind the frames.
    Transfer,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Request {
    /// First on every connection → `welcome`.
    Hello(Hello),
    /// About the server; also before login → `server_info`.
    ServerInfo {},
    /// A new account → `done`. It does not log in.
    CreateAccount(CreateAccount),
    /// By password → `logged_in` with a new token.
    LogIn(LogIn),
    /// By token, as every reconnect does → `logged_in` without a token.
    Resume(Resume),
    /// Ends this session; its token is void → `done`.
    LogOut {},
    /// Changes the password → `done`.
    ChangePassword(ChangePassword),
    /// My devices → `sessions`. Bulk.
    ListSessions {},
    /// Ends one of my sessions → `done`.
    RevokeSession { session: SessionId },

    /// Everybody I know → `roster`. Bulk.
    ListContacts {},
    /// Asks somebody to be my contact → `contact`. If they asked me already, we now are.
    RequestContact(RequestContact),
    /// → `contact`.
    AcceptContact { user: UserId },
    /// → `done`. They are not told.
    DeclineContact { user: UserId },
    /// Ends being contacts, or takes my request back → `done`.
    RemoveContact { user: UserId },
    /// → `contact`.
    BlockUser(BlockUser),
    /// → `done`.
    UnblockUser { user: UserId },
    /// My own name for a contact; empty takes it away → `contact`.
    NameContact { user: UserId, nickname: String },
    /// The group of my list that a contact stands in; empty takes them out → `contact`.
    GroupContact { user: UserId, group: String },

    /// My status, on all my devices → `done`.
    SetPresence(SetPresence),

    /// The direct conversation with somebody, made when there is none → `conversation`.
    OpenConversation { username: String },
    /// → `stored`.
    SendMessage(SendMessage),
    /// Entries before a place, newest page first → `page`. Bulk.
    History(History),
    /// What I lack, over all conversations → `sync_page`. Bulk.
    Sync(Sync),
    /// I have read up to here (never goes back) → `done`.
    MarkRead { conversation: ConversationId, seq: Seq },
    /// This device has received up to here (never goes back) → `done`.
    MarkDelivered { conversation: ConversationId, seq: Seq },
    /// → `done`. May be dropped on the way to the others.
    Typing { conversation: ConversationId, active: bool },
    /// Are you there, and did I miss anything → `heartbeat`.
    Heartbeat {},

    /// Before login → `done`, whether there is such an account or not.
    ResendCode(ResendCode),
    /// Before login → `done`. It does not log in.
    VerifyAccount(VerifyAccount),
    /// Before login → `done`, whether there is such an account or not.
    RequestReset(RequestReset),
    /// Before login → `done`. It ends every session of the account, and does not log in.
    ResetPassword(ResetPassword),
    /// The address of my account → `email`.
    ShowEmail {},
    /// Sends a code to another address → `done`.
    ChangeEmail(ChangeEmail),
    /// The code that came there: from now on the address is that one → `done`.
    ConfirmEmail { code: Secret },

    /// → `file_offered`.
    OfferFile(OfferFile),
    /// I want it → `done`.
    AcceptFile { file: FileId },
    /// I do not want it → `done`.
    DeclineFile { file: FileId },
    /// I take it back → `done`.
    CancelFile { file: FileId },
    /// This device has all of it → `done`.
    FileReceived { file: FileId },
    /// → `upload`; then the bytes from there on → `done`. Transfer.
    UploadFile { file: FileId },
    /// → `download`, and behind it the bytes from a place on. Transfer.
    DownloadFile { file: FileId, from: u64 },

    /// People of this server who let themselves be found, by name → `directory`. Bulk.
    Directory(Directory),
    /// What others may see of me → `privacy`.
    GetPrivacy {},
    /// Changes some of it → `privacy`.
    SetPrivacy(SetPrivacy),

    /// An order of an admin → `admin`. Some are bulk: [`AdminCommand::stream`].
    Admin(AdminCommand),

    /// Puts everybody in a group of my list into `name`, in one step; empty takes them out
    /// → `group_renamed`.
    RenameGroup { group: String, name: String },
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Hello {
    /// [`crate::version::VERSION`] of the client.
    pub version: u32,
    /// Program and version, for the operator's statistics: `thrive 0.1.0`.
    pub client: String,
    /// Optional parts that the client can use; unknown ones are ignored.
    #[serde(default)]
    pub features: List<String, 32>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CreateAccount {
    pub username: String,
    pub password: Secret,
    /// Needed where `welcome` says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Secret>,
    /// The code of an invitation, where the server asks for one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub invite: Option<Secret>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct LogIn {
    pub username: String,
    pub password: Secret,
    /// What this device is called in the list of sessions.
    pub device: String,
    /// The status from now on: it holds before anybody can see the account, so that whoever wants to be
    /// invisible is not seen for a moment. Absent: the one that is stored.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence: Option<SetPresence>,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Resume {
    pub token: Secret,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct ChangePassword {
    pub old: Secret,
    pub new: Secret,
    /// End every other session of mine.
    #[serde(default)]
    pub end_other_sessions: bool,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct RequestContact {
    pub username: String,
    /// Shown to them with the request; may be empty.
    #[serde(default)]
    pub text: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BlockUser {
    pub username: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SetPresence {
    pub availability: Availability,
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "preset::lenient"
    )]
    pub preset: Option<Preset>,
    #[serde(default)]
    pub text: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct SendMessage {
    pub conversation: ConversationId,
    pub id: ClientMsgId,
    pub text: MessageBody,
}

/// The text of a message on its way in; its `Debug` form does not show it.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct MessageBody(pub String);

impl std::fmt::Debug for MessageBody {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "MessageBody({} bytes)", self.0.len())
    }
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct History {
    pub conversation: ConversationId,
    /// Only entries before this one; absent: from the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Seq>,
    /// At most so many, and never more than [`limits::HISTORY_PAGE`].
    pub limit: u32,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Sync {
    /// The epoch that the positions belong to; absent on a first sync.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<Epoch>,
    /// The last entry that I hold without a gap, for each conversation I know.
    pub positions: List<Position, { limits::POSITIONS }>,
}

#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Position {
    pub conversation: ConversationId,
    pub seq: Seq,
}

impl Request {
    #[must_use]
    pub fn stream(&self) -> Stream {
        match self {
            Self::ListSessions {} | Self::ListContacts {} | Self::History(_) | Self::Sync(_) => {
                Stream::Bulk
            }
            Self::UploadFile { .. } | Self::DownloadFile { .. } => Stream::Transfer,
            Self::Directory(_) => Stream::Bulk,
            Self::Admin(command) => command.stream(),
            Self::Hello(_)
            | Self::ServerInfo {}
            | Self::CreateAccount(_)
            | Self::LogIn(_)
            | Self::Resume(_)
            | Self::LogOut {}
            | Self::ChangePassword(_)
            | Self::RevokeSession { .. }
            | Self::RequestContact(_)
            | Self::AcceptContact { .. }
            | Self::DeclineContact { .. }
            | Self::RemoveContact { .. }
            | Self::BlockUser(_)
            | Self::UnblockUser { .. }
            | Self::NameContact { .. }
            | Self::GroupContact { .. }
            | Self::SetPresence(_)
            | Self::OpenConversation { .. }
            | Self::SendMessage(_)
            | Self::MarkRead { .. }
            | Self::MarkDelivered { .. }
            | Self::Typing { .. }
            | Self::Heartbeat {}
            | Self::ResendCode(_)
            | Self::VerifyAccount(_)
            | Self::RequestReset(_)
            | Self::ResetPassword(_)
            | Self::ShowEmail {}
            | Self::ChangeEmail(_)
            | Self::ConfirmEmail { .. }
            | Self::OfferFile(_)
            | Self::AcceptFile { .. }
            | Self::DeclineFile { .. }
            | Self::CancelFile { .. }
            | Self::FileReceived { .. }
            | Self::GetPrivacy {}
            | Self::SetPrivacy(_)
            | Self::RenameGroup { .. } => Stream::Control,
        }
    }

    /// Its word on the wire, in metrics and in logs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::ServerInfo {} => "server_info",
            Self::CreateAccount(_) => "create_account",
            Self::LogIn(_) => "log_in",
            Self::Resume(_) => "resume",
            Self::LogOut {} => "log_out",
            Self::ChangePassword(_) => "change_password",
            Self::ListSessions {} => "list_sessions",
            Self::RevokeSession { .. } => "revoke_session",
            Self::ListContacts {} => "list_contacts",
            Self::RequestContact(_) => "request_contact",
            Self::AcceptContact { .. } => "accept_contact",
            Self::DeclineContact { .. } => "decline_contact",
            Self::RemoveContact { .. } => "remove_contact",
            Self::BlockUser(_) => "block_user",
            Self::UnblockUser { .. } => "unblock_user",
            Self::NameContact { .. } => "name_contact",
            Self::GroupContact { .. } => "group_contact",
            Self::SetPresence(_) => "set_presence",
            Self::OpenConversation { .. } => "open_conversation",
            Self::SendMessage(_) => "send_message",
            Self::History(_) => "history",
            Self::Sync(_) => "sync",
            Self::MarkRead { .. } => "mark_read",
            Self::MarkDelivered { .. } => "mark_delivered",
            Self::Typing { .. } => "typing",
            Self::Heartbeat {} => "heartbeat",
            Self::ResendCode(_) => "resend_code",
            Self::VerifyAccount(_) => "verify_account",
            Self::RequestReset(_) => "request_reset",
            Self::ResetPassword(_) => "reset_password",
            Self::ShowEmail {} => "show_email",
            Self::ChangeEmail(_) => "change_email",
            Self::ConfirmEmail { .. } => "confirm_email",
            Self::OfferFile(_) => "offer_file",
            Self::AcceptFile { .. } => "accept_file",
            Self::DeclineFile { .. } => "decline_file",
            Self::CancelFile { .. } => "cancel_file",
            Self::FileReceived { .. } => "file_received",
            Self::UploadFile { .. } => "upload_file",
            Self::DownloadFile { .. } => "download_file",
            Self::Directory(_) => "directory",
            Self::GetPrivacy {} => "get_privacy",
            Self::SetPrivacy(_) => "set_privacy",
            Self::Admin(_) => "admin",
            Self::RenameGroup { .. } => "rename_group",
        }
    }

    /// Every word of [`Self::kind`]: tells a request that is unknown from one that is malformed.
    pub const KINDS: &[&str] = &[
        "hello",
        "server_info",
        "create_account",
        "log_in",
        "resume",
        "log_out",
        "change_password",
        "list_sessions",
        "revoke_session",
        "list_contacts",
        "request_contact",
        "accept_contact",
        "decline_contact",
        "remove_contact",
        "block_user",
        "unblock_user",
        "name_contact",
        "group_contact",
        "set_presence",
        "open_conversation",
        "send_message",
        "history",
        "sync",
        "mark_read",
        "mark_delivered",
        "typing",
        "heartbeat",
        "resend_code",
        "verify_account",
        "request_reset",
        "reset_password",
        "show_email",
        "change_email",
        "confirm_email",
        "offer_file",
        "accept_file",
        "decline_file",
        "cancel_file",
        "file_received",
        "upload_file",
        "download_file",
        "directory",
        "get_privacy",
        "set_privacy",
        "admin",
        "rename_group",
    ];
}
