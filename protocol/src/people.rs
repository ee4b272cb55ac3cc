//! What one account knows of another: relation, presence, names; and of its own devices.

use serde::{Deserialize, Deserializer, Serialize};

use crate::ids::{ConversationId, Seq, SessionId, Time, UserId};
use crate::name::Username;
use crate::preset::{self, Preset};
use crate::text::{DeviceName, GroupName, Nickname, RequestText, StatusText};

/// How available somebody is. The order is from least to most available: of several devices the most
/// available one wins.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Availability {
    #[default]
    Offline,
    /// Connected, but shown to everybody else as offline. Only ever sent about oneself.
    Invisible,
    DoNotDisturb,
    Busy,
    Away,
    Online,
}

impl<'de> Deserialize<'de> for Availability {
    /// A word that a newer peer may use is read as away: somebody is there.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Ok(match word.as_str() {
            "offline" => Self::Offline,
            "invisible" => Self::Invisible,
            "do_not_disturb" => Self::DoNotDisturb,
            "busy" => Self::Busy,
            "online" => Self::Online,
            _ => Self::Away,
        })
    }
}

/// A status as others see it.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Presence {
    pub availability: Availability,
    /// What they do just now. Who does not know the word shows the rest.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        deserialize_with = "preset::lenient"
    )]
    pub preset: Option<Preset>,
    /// Own words beside it; often empty.
    #[serde(default, skip_serializing_if = "StatusText::is_empty")]
    pub text: StatusText,
    /// When they were last seen by others, to the minute: only of contacts who are seen as offline and
    /// allow it. Never a part of a status that is chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen: Option<Time>,
}

impl Presence {
    #[must_use]
    pub fn new(availability: Availability, text: StatusText) -> Self {
        Self { availability, text, ..Self::default() }
    }
}

/// Where a contact stands with me.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Relation {
    /// I asked; no answer yet.
    Asked,
    /// They asked me; I have not answered.
    AsksMe,
    /// Both agreed: each sees the presence of the other.
    Contact,
    /// Known (there is a conversation, or a block), but no contact. Also what a word of a newer peer
    /// is read as.
    #[serde(other)]
    None,
}

/// One person in my list.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Contact {
    pub user: UserId,
    pub username: Username,
    pub relation: Relation,
    /// I have blocked them: nothing of theirs reaches me, and they see me offline.
    #[serde(default)]
    pub blocked: bool,
    /// The name that I gave them; empty when I gave none.
    #[serde(default, skip_serializing_if = "Nickname::is_empty")]
    pub nickname: Nickname,
    /// The group that I put them in; empty when they are in none.
    #[serde(default, skip_serializing_if = "GroupName::is_empty")]
    pub group: GroupName,
    /// What they, or I, said when asking.
    #[serde(default, skip_serializing_if = "RequestText::is_empty")]
    pub request: RequestText,
    /// Offline for anybody whose presence I may not see.
    #[serde(default)]
    pub presence: Presence,
    /// They are an admin of this server.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub admin: bool,
}

/// A direct conversation as one of its two members sees it.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Conversation {
    pub conversation: ConversationId,
    pub peer: UserId,
    pub peer_name: Username,
    /// The last entry in the store.
    pub head: Seq,
    /// How far I have read, on any device.
    pub read: Seq,
    /// How far the other has read.
    pub peer_read: Seq,
    /// How far some device of the other has received.
    pub peer_delivered: Seq,
}

/// One of my logins.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Session {
    pub session: SessionId,
    pub device: DeviceName,
    pub created: Time,
    pub last_seen: Time,
    /// The one that asks.
    pub current: bool,
}
