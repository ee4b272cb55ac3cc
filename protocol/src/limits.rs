//! Every limit that both sides keep to, with its reason. Enforced by the node; the client asks the
//! same constants so that people hear of a limit before they run into it.

use serde::{Deserialize, Serialize};

use crate::file::FileLimits;

/// A frame before login: a hello, a login, an account. Small, since anybody may send it.
pub const FRAME_BEFORE_LOGIN: usize = 4 * 1024;
/// A frame on the control stream after login, in both directions.
pub const FRAME: usize = 64 * 1024;
/// A frame on a bulk stream, node to client: a page of history, a roster.
pub const FRAME_BULK: usize = 1024 * 1024;
/// Nesting of one CBOR value. Our deepest message has 7.
pub const DEPTH: usize = 16;

/// Bytes of a user name; see [`crate::name::Username`].
pub const USERNAME_MIN: usize = 3;
/// Bytes of a user name.
pub const USERNAME_MAX: usize = 32;
/// Bytes of a password: the least we let people choose.
pub const PASSWORD_MIN: usize = 8;
/// Bytes of a password: more is refused before it is hashed.
pub const PASSWORD_MAX: usize = 256;
/// Bytes of a message text.
pub const TEXT_BYTES: usize = 16 * 1024;
/// Characters of a message text.
pub const TEXT_CHARS: usize = 4_000;
/// Lines of a message text.
pub const TEXT_LINES: usize = 200;
/// Characters of one's own status text.
pub const STATUS_CHARS: usize = 120;
/// Characters of what the operator says before or after a login.
pub const WELCOME_CHARS: usize = 1_000;
/// Lines of it: more would push everything else off a screen.
pub const WELCOME_LINES: usize = 20;
/// Characters of the nickname that I give a contact.
pub const NICKNAME_CHARS: usize = 40;
/// Characters of the name of a group of contacts. Only contacts have one: beside a nickname and the
/// longest request it would not fit into a full roster.
pub const GROUP_CHARS: usize = 40;
/// Characters of the text of a contact request: a roster full of requests, each of the widest
/// characters, must still fit into one bulk frame.
pub const REQUEST_CHARS: usize = 180;
/// Characters of the name of a device or program.
pub const DEVICE_CHARS: usize = 60;
/// Contacts, open requests and blocked people of one account together.
pub const CONTACTS: usize = 1_000;
/// Bytes of an e-mail address, as mail servers have it.
pub const EMAIL_BYTES: usize = 254;
/// Characters of a code that is sent by e-mail: 40 bits, which a hundred tries do not find.
pub const CODE_CHARS: usize = 8;
/// Wrong tries after which a code is void for the address that they came from. A stranger must not be able to
/// use up those of its owner.
pub const CODE_TRIES: usize = 5;
/// Mails in an hour to one address: so many for sign-ups and changes of addresses, so many notices, and so many
/// for forgotten passwords that were asked for from one place. Of those a node sends more in all, so that a
/// stranger cannot use up the owner's.
pub const MAILS_PER_HOUR: usize = 3;
/// Accounts of one e-mail address: a family, or one for work, but no crowd.
pub const ACCOUNTS_PER_EMAIL: usize = 3;
/// Live sessions (devices) of one account; the one unused for longest ends when there are more.
pub const SESSIONS: usize = 20;

/// Characters of the reason of a ban: it must fit into a refusal before login.
pub const REASON_CHARS: usize = 200;
/// Characters of what an admin tells everybody: some sentences, which a screen reader reads out.
pub const ALERT_CHARS: usize = 1_000;
/// Characters of the extension of a kind of files.
pub const EXTENSION_CHARS: usize = 16;
/// People in one answer to who is online. Each of the widest status texts, they fit into a bulk frame.
pub const WHO: usize = 1_000;
/// Bans in one answer. Each with the widest reason, they fit into a bulk frame.
pub const BANS: usize = 800;
/// Entries of one page of the audit.
pub const AUDIT_PAGE: usize = 200;
/// Characters of what one entry of the audit keeps of a text.
pub const AUDIT_CHARS: usize = 240;

/// Entries of one history page.
pub const HISTORY_PAGE: usize = 200;
/// Entries of one sync page over all conversations.
pub const SYNC_PAGE: usize = 500;
/// Entries that a device gets of a conversation it has never seen.
pub const SYNC_FIRST: usize = 50;
/// People of one page of the directory.
pub const DIRECTORY_PAGE: usize = 200;
/// Positions in one sync request.
pub const POSITIONS: usize = 1_500;
/// Conversations in one heads hint; the rest follows with the next heartbeat.
pub const HEADS: usize = 500;

/// Characters of a file name.
pub const FILE_NAME_CHARS: usize = 120;
/// Bytes of a file name: every file system takes 255, and a client may have to add to it.
pub const FILE_NAME_BYTES: usize = 220;
/// Bytes of a content type.
pub const CONTENT_TYPE_BYTES: usize = 100;
/// Files of one account that are kept at once. More is no conversation.
pub const FILES: usize = 500;
/// Extensions that a server may refuse: all of them must fit into a welcome.
pub const REFUSED_EXTENSIONS: usize = 128;
/// Transfers that one connection may have under way: uploads and downloads together.
pub const TRANSFERS: usize = 4;

/// What a node tells a client about its limits, in `welcome`. Absent fields take our defaults.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of a control frame after login.
    pub frame: u32,
    /// Bytes of a bulk frame.
    pub frame_bulk: u32,
    /// Bytes of a message text.
    pub text_bytes: u32,
    /// Characters of a message text.
    pub text_chars: u32,
    /// Characters of a status text.
    pub status_chars: u32,
    /// Bytes of the shortest password that is accepted for a new account.
    pub password_min: u32,
    /// Contacts of one account.
    pub contacts: u32,
    /// What files are taken; absent: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<FileLimits>,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            frame: FRAME as u32,
            frame_bulk: FRAME_BULK as u32,
            text_bytes: TEXT_BYTES as u32,
            text_chars: TEXT_CHARS as u32,
            status_chars: STATUS_CHARS as u32,
            password_min: PASSWORD_MIN as u32,
            contacts: CONTACTS as u32,
            files: None,
        }
    }
}
