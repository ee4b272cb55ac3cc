//! What is said over the bridge.

mod doors;
mod files;
mod host;
mod social;
mod updates;

use std::collections::BTreeSet;

use thrive_client::{
    Change, Connection, Contact, Failure, Message, MessageKey, Presence, Secret, ServerAddress,
    ServerInfo, UserId, Username,
};

use crate::announce::Notice;
use crate::settings::Settings;

pub use self::doors::{DoorNews, DoorWish};
pub use self::files::{FileDeed, FileNews, FileWish};
pub use self::host::{HostNews, HostWish};
pub use self::social::{SocialNews, SocialWish};
pub use self::updates::{UpdateNews, UpdateWish};

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Wish {
    LogIn {
        server: ServerAddress,
        username: String,
        password: Secret,
        remember: bool,
        /// The status from the first moment on; `None`: as it was left.
        presence: Option<Presence>,
    },
    /// With the token of the last time.
    Resume {
        server: ServerAddress,
        username: Username,
    },
    CreateAccount {
        server: ServerAddress,
        username: String,
        password: Secret,
        email: Option<String>,
        invite: Option<Secret>,
    },
    AcceptServer {
        server: ServerAddress,
        fingerprint: String,
    },
    ServerInfo,
    LogOut,
    /// Flushes everything and ends.
    Exit,
    AddContact {
        username: String,
        text: String,
    },
    Accept(UserId),
    Decline(UserId),
    Remove(UserId),
    Block(Username),
    Unblock(UserId),
    SetPresence(Presence),
    OpenChat(Username),
    Earlier {
        peer: UserId,
        before: MessageKey,
    },
    Send {
        peer: UserId,
        text: String,
    },
    Retry {
        peer: UserId,
        message: MessageKey,
    },
    Discard {
        peer: UserId,
        message: MessageKey,
    },
    MarkRead(UserId),
    Typing {
        peer: UserId,
        active: bool,
    },
    Draft {
        peer: UserId,
        text: String,
    },
    /// The history of this chat is saved from here on.
    LogFrom {
        peer: UserId,
        seq: u64,
    },
    /// The histories of these chats are saved, and of no others.
    KeepLogs(BTreeSet<Username>),
    OpenLink(String),
    /// What a person chose, all of it.
    Keep(Box<Settings>),
    /// Asks whether the program starts when its person logs in to the computer, or changes that.
    StartAtLogin(Option<bool>),
    /// The windows are to go; where to is news.
    Hide,
    /// What the icon in the tray is called from here on.
    NameTray(String),
    /// Shows something on the desktop; choosing it leads to the person.
    Notify {
        peer: Option<UserId>,
        notice: Notice,
    },
    /// The model again, whole.
    Roster,
    /// Whether somebody has the program before them.
    Attend(bool),
    Door(DoorWish),
    Social(SocialWish),
    File(FileWish),
    Host(HostWish),
    Update(UpdateWish),
}

/// What came of it, and what happened without being asked for.
#[derive(Clone, Debug)]
pub enum News {
    Change(Change),
    /// Logged in, or coming back with a token; the list may still grow.
    Entered {
        username: Username,
        server: ServerAddress,
    },
    /// There was no token, or it is not known any more, or the password was wrong.
    NotEntered {
        server: ServerAddress,
        failure: Failure,
    },
    /// There is no token for this account on this computer.
    NoToken,
    ServerAccepted(Result<(), Failure>),
    Server(Result<ServerInfo, Failure>),
    Roster {
        contacts: Vec<Contact>,
        own: Presence,
        connection: Connection,
    },
    ContactAdded(Result<Contact, Failure>),
    ChatOpened {
        username: Username,
        result: Result<OpenedChat, Failure>,
    },
    Earlier {
        peer: UserId,
        result: Result<(Vec<Message>, bool), Failure>,
    },
    NotSent {
        peer: UserId,
        text: String,
        failure: Failure,
    },
    Done {
        deed: Deed,
        result: Result<(), Failure>,
    },
    /// Whether there is a tray that shows the program while its windows are hidden.
    Tray(bool),
    TrayChosen(TrayChoice),
    /// Whether the program starts when its person logs in to the computer.
    StartsAtLogin(bool),
    /// The notice about this person was chosen on the desktop.
    Wanted(UserId),
    LoggedOut,
    Door(DoorNews),
    Social(SocialNews),
    File(FileNews),
    Host(HostNews),
    Update(UpdateNews),
    /// The network thread has nothing more to say.
    Ended,
}

/// What somebody chose in the tray.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum TrayChoice {
    Show,
    Exit,
}

impl TrayChoice {
    /// As the menu of the icon has them.
    pub const ALL: [Self; 2] = [Self::Show, Self::Exit];

    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Show => "Show Thrive",
            Self::Exit => "Exit",
        }
    }
}

/// A wish whose only answer is that it worked, or why not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Deed {
    Accept,
    Decline,
    Remove,
    Block,
    Unblock,
    SetPresence,
    Retry,
    Discard,
    Log,
    KeepToken,
    OpenLink,
    KeepSettings,
    StartAtLogin,
}

/// A chat as it is when it is opened.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct OpenedChat {
    pub peer: UserId,
    pub messages: Vec<Message>,
    pub draft: String,
}
