//! The list of everybody who lets themselves be found, page by page.

use serde::{Deserialize, Serialize};

use crate::bounded::List;
use crate::ids::UserId;
use crate::limits;
use crate::name::Username;
use crate::people::{Presence, Relation};

/// Which people are asked for.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, Hash, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tab {
    #[default]
    Everyone,
    /// Those whom I see as online, away, busy or not to be disturbed.
    Online,
    /// All others, for whatever reason I do not see them.
    Offline,
    Admins,
}

/// One page of the directory.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Directory {
    #[serde(default)]
    pub tab: Tab,
    /// A part of the name; empty: any name.
    #[serde(default)]
    pub search: String,
    /// What the page before gave as `next`; absent: from the start.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// At most so many, and never more than [`limits::DIRECTORY_PAGE`].
    pub limit: u32,
}

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct DirectoryPage {
    /// By name. There may be fewer than were asked for, or none, before the end.
    pub people: List<Listed, { limits::DIRECTORY_PAGE }>,
    /// Where the next page starts; absent: this was the last one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// One person of the directory, as whoever asks may see them.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Listed {
    pub user: UserId,
    pub username: Username,
    /// Offline for anybody whose presence I may not see.
    #[serde(default)]
    pub presence: Presence,
    pub relation: Relation,
    /// I have blocked them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub blocked: bool,
    /// That is me.
    #[serde(default, skip_serializing_if = "is_false")]
    pub you: bool,
    #[serde(default, skip_serializing_if = "is_false")]
    pub admin: bool,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

/// What others may see of me beside what my contacts always see.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Privacy {
    /// I am in the directory.
    pub listed: bool,
    /// People of the directory who are no contacts of mine see my presence there.
    pub presence_to_strangers: bool,
    /// My contacts see when I was last there.
    pub last_seen_to_contacts: bool,
}

/// What is to become of it; what is absent stays.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct SetPrivacy {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub presence_to_strangers: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_seen_to_contacts: Option<bool>,
}
