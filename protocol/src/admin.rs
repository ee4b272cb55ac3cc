//! What admins may order, and what a node answers them: typed on the wire, as everything else.
//!
//! - [`grammar`]: from a line that a person typed (`/ban bob 3d spam`) to a command. The `thrive` command,
//!   a window for commands and the console of a node use the same one.
//! - [`dates`]: days and durations, by arithmetic alone.
//! - [`words`]: a sentence for each answer, for command lines and consoles; screens have their own.

pub mod dates;
pub mod grammar;
pub mod words;

use serde::{Deserialize, Serialize};

use crate::bounded::List;
use crate::ids::{Time, UserId};
use crate::limits;
use crate::name::Username;
use crate::people::Presence;
use crate::request::Stream;
use crate::secret::Secret;
use crate::text::{Line, Reason};

/// One order. Names and texts are plain strings, so that the node answers each mistake with a code.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminCommand {
    /// Makes somebody an admin → `promoted`.
    Promote { username: String },
    /// Takes that right away → `demoted`.
    Demote { username: String },
    /// Makes an account for somebody → `user_created`.
    CreateUser(CreateUser),
    /// Deletes an account and ends its sessions → `user_deleted`.
    DeleteUser { username: String },
    /// Keeps somebody out and ends their sessions; another ban of theirs is replaced → `banned`.
    Ban(Ban),
    /// → `unbanned`.
    Unban { username: String },
    /// Tells everybody who is connected → `alerted`.
    Alert { text: String },
    /// Hands the people of this node over and ends it, or every node → `stopping`.
    Stop {
        #[serde(default)]
        all: bool,
    },
    /// The same for this node, which then starts again → `restarting`.
    Restart {},
    /// Keeps somebody from sending files of a kind → `files_banned`.
    BanFiles(BanFiles),
    /// Takes file bans back: the one of this kind, or all → `files_unbanned`.
    UnbanFiles {
        username: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        extension: Option<String>,
    },
    /// Who is online → `online`. Bulk.
    Who {},
    /// Which bans are in force → `bans`. Bulk.
    Bans {},
    /// What admins did, the newest first → `audit`. Bulk.
    Audit {
        /// Only entries before this one; absent: from the newest.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        before: Option<i64>,
        /// At most so many, and never more than [`limits::AUDIT_PAGE`].
        limit: u32,
    },
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct CreateUser {
    pub username: String,
    pub password: Secret,
    /// Only where the server keeps addresses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub email: Option<Address>,
}

/// An address of mail; its `Debug` form does not show it.
#[derive(Clone, Deserialize, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Address(pub String);

impl std::fmt::Debug for Address {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Address({} bytes)", self.0.len())
    }
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Ban {
    pub username: String,
    pub until: Until,
    #[serde(default)]
    pub reason: String,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BanFiles {
    pub username: String,
    /// Without a dot: `exe`; `*` is every file.
    pub extension: String,
    pub until: Until,
    #[serde(default)]
    pub reason: String,
}

/// How long something is to last, as it was asked for. The node turns it into a time by its own clock.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Until {
    Forever {},
    /// The last moment of it.
    At(Time),
    ForSeconds(u64),
}

/// What happened.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AdminAnswer {
    Promoted(Person),
    Demoted(Person),
    UserCreated(Person),
    UserDeleted {
        user: UserId,
        username: Username,
        /// Sessions that were ended.
        sessions: u32,
    },
    Banned {
        user: UserId,
        username: Username,
        /// The last moment of it; absent: for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
        sessions: u32,
    },
    Unbanned(Person),
    Alerted {
        /// Nodes that were told to tell it.
        nodes: u32,
        /// People who are shown as online.
        people: u64,
        /// There may be other nodes, and they did not hear of it: what is between them is away.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        alone: bool,
    },
    Stopping {
        nodes: u32,
        /// As with an alert.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        alone: bool,
    },
    Restarting {},
    FilesBanned {
        user: UserId,
        username: Username,
        extension: Extension,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
    },
    FilesUnbanned {
        user: UserId,
        username: Username,
        /// File bans that were taken back.
        bans: u32,
    },
    Online {
        people: List<OnlinePerson, { limits::WHO }>,
        /// There are more than these.
        more: bool,
    },
    Bans {
        bans: List<BanEntry, { limits::BANS }>,
        more: bool,
    },
    Audit {
        entries: List<AuditEntry, { limits::AUDIT_PAGE }>,
        /// There are entries before these.
        more: bool,
    },
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Person {
    pub user: UserId,
    pub username: Username,
}

/// A kind of file: lower case, without a dot; `*` is every kind.
pub type Extension = Line<{ limits::EXTENSION_CHARS }>;

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct OnlinePerson {
    pub user: UserId,
    pub username: Username,
    pub presence: Presence,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub admin: bool,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct BanEntry {
    pub user: UserId,
    pub username: Username,
    /// Absent: from logging in. `*` or an extension: from sending such files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<Extension>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Time>,
    #[serde(default, skip_serializing_if = "Reason::is_empty")]
    pub reason: Reason,
}

/// One line of what admins did. It is never changed and never taken away.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct AuditEntry {
    pub id: i64,
    pub time: Time,
    /// Absent: somebody at the machine of the server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Username>,
    /// The word of the command, as [`AdminCommand::kind`] has it; a node may have more of its own.
    pub action: String,
    /// Whom it was about, as it was typed; empty: nobody.
    #[serde(default, skip_serializing_if = "Line::is_empty")]
    pub target: AuditText,
    /// What was said with it: a reason, an end, a text.
    #[serde(default, skip_serializing_if = "Line::is_empty")]
    pub detail: AuditText,
    /// `done`, or the word of the code that it was refused with.
    pub outcome: String,
}

/// A field of the audit: whatever was typed, cut to what a page of them has room for.
pub type AuditText = Line<{ limits::AUDIT_CHARS }>;

impl AdminCommand {
    #[must_use]
    pub fn stream(&self) -> Stream {
        match self {
            Self::Who {} | Self::Bans {} | Self::Audit { .. } => Stream::Bulk,
            Self::Promote { .. }
            | Self::Demote { .. }
            | Self::CreateUser(_)
            | Self::DeleteUser { .. }
            | Self::Ban(_)
            | Self::Unban { .. }
            | Self::Alert { .. }
            | Self::Stop { .. }
            | Self::Restart {}
            | Self::BanFiles(_)
            | Self::UnbanFiles { .. } => Stream::Control,
        }
    }

    /// Its word on the wire, in the audit and in logs.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Promote { .. } => "promote",
            Self::Demote { .. } => "demote",
            Self::CreateUser(_) => "create_user",
            Self::DeleteUser { .. } => "delete_user",
            Self::Ban(_) => "ban",
            Self::Unban { .. } => "unban",
            Self::Alert { .. } => "alert",
            Self::Stop { .. } => "stop",
            Self::Restart {} => "restart",
            Self::BanFiles(_) => "ban_files",
            Self::UnbanFiles { .. } => "unban_files",
            Self::Who {} => "who",
            Self::Bans {} => "bans",
            Self::Audit { .. } => "audit",
        }
    }

    /// Every word of [`Self::kind`]: tells a command that is unknown from one that is malformed.
    pub const KINDS: &[&str] = &[
        "promote",
        "demote",
        "create_user",
        "delete_user",
        "ban",
        "unban",
        "alert",
        "stop",
        "restart",
        "ban_files",
        "unban_files",
        "who",
        "bans",
        "audit",
    ];
}
