//! What a node says unasked. All of it can be found again by `sync`, `list_contacts` or the heads of
//! a heartbeat; so any of it may be lost.

use serde::{Deserialize, Serialize};

use crate::bounded::List;
use crate::entry::Entry;
use crate::ids::{ConversationId, Seq, Time, UserId};
use crate::limits;
use crate::people::{Contact, Conversation, Presence};
use crate::text::{AlertText, Reason};

#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Event {
    /// A new entry in the log of one of my conversations (not sent to the connection that made it).
    Entry(Entry),
    /// A conversation that is new to me, or was opened on another device.
    Conversation(Conversation),
    /// A contact is new or changed.
    Contact(Contact),
    /// Somebody is no contact of mine any more, or their request is gone.
    ContactGone { user: UserId },
    /// A contact's status; about myself when another device of mine changed it.
    Presence { user: UserId, presence: Presence },
    /// Somebody has read up to here.
    Read { conversation: ConversationId, user: UserId, seq: Seq },
    /// Somebody's device has received up to here.
    Delivered { conversation: ConversationId, user: UserId, seq: Seq },
    /// Somebody writes, or stopped. Void after 6 s without a repeat.
    Typing { conversation: ConversationId, user: UserId, active: bool },
    /// News was not pushed to this connection, which read too slowly: pull what is missing, and read the
    /// list of contacts again.
    Heads { heads: List<Head, { limits::HEADS }> },
    /// The node will close. Open a new connection, resume there, then leave this one.
    GoAway {
        /// The connection is closed after so long.
        deadline_ms: u64,
    },
    /// This session was ended: by another device, a new password, or an admin.
    SessionEnded {},
    /// An admin tells everybody something. It is lost for whoever is not connected.
    Alert { text: AlertText, time: Time },
    /// I am banned, and this session is over. A login by password says it again.
    Banned {
        /// The last moment of it; absent: for ever.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        until: Option<Time>,
        #[serde(default, skip_serializing_if = "Reason::is_empty")]
        reason: Reason,
    },
    /// My account was deleted, and this session is over.
    AccountDeleted {},
}

impl Event {
    /// Every word on the wire: tells an event that is unknown from one that is malformed.
    pub const KINDS: &[&str] = &[
        "entry",
        "conversation",
        "contact",
        "contact_gone",
        "presence",
        "read",
        "delivered",
        "typing",
        "heads",
        "go_away",
        "session_ended",
        "alert",
        "banned",
        "account_deleted",
    ];
}

/// How far a conversation goes in the store.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Head {
    pub conversation: ConversationId,
    pub seq: Seq,
}
