//! The commands of every window, the words by which the screens call them, and their keys. The list
//! that F1 shows is this table with what a person changed in it, so it cannot be wrong.

pub mod chord;
pub mod map;

macro_rules! places {
    ($($name:ident = $word:literal,)*) => {
        /// A kind of window.
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        pub enum Place {
            $($name,)*
        }

        impl Place {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// How `keys.toml` calls it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|place| place.word() == word)
            }
        }
    };
}

places! {
    Login = "login",
    CreateAccount = "create-account",
    Contacts = "contacts",
    Chat = "chat",
    AddContact = "add-contact",
    Status = "status",
    Settings = "settings",
    Confirm = "question",
    Notice = "notice",
    About = "about",
    Verify = "verify",
    ForgotPassword = "forgot-password",
    Servers = "servers",
    ChangePassword = "change-password",
    Email = "email",
    Devices = "devices",
    Directory = "directory",
    Conversations = "conversations",
    Missed = "missed",
    SendFiles = "send-files",
    Actions = "actions",
    Rename = "rename",
    RenameGroup = "rename-group",
    Files = "files",
    Orders = "server-commands",
    Everywhere = "everywhere",
}

macro_rules! commands {
    ($($name:ident = $word:literal,)*) => {
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum Command {
            $($name,)*
        }

        impl Command {
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// How the screens call it.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }
        }
    };
}

commands! {
    LogIn = "log-in",
    CreateAccount = "create-account",
    Create = "create",
    ToggleRemember = "toggle-remember",
    ToggleAutomatic = "toggle-automatic",
    ToggleLogInAfter = "toggle-log-in-after",
    FocusServer = "focus-server",
    ForgotPassword = "forgot-password",
    Servers = "servers",
    Primary = "primary",
    SendCode = "send-code",
    Confirm = "confirm",
    ChangePassword = "change-password",
    ToggleOthers = "toggle-others",
    ChangeEmail = "change-email",
    Devices = "devices",
    Revoke = "revoke",
    Refresh = "refresh",
    Exit = "exit",
    Open = "open",
    Add = "add",
    Delete = "delete",
    Block = "block",
    Search = "search",
    SearchNow = "search-now",
    Actions = "actions",
    Rename = "rename",
    Directory = "directory",
    Conversations = "conversations",
    Missed = "missed",
    More = "more",
    Do = "do",
    Status = "status",
    Settings = "settings",
    Server = "server",
    About = "about",
    Updates = "updates",
    LogOut = "log-out",
    Entered = "entered",
    Send = "send",
    Earlier = "earlier",
    ToggleLog = "toggle-log",
    Log = "log",
    OpenMessage = "open-message",
    Copy = "copy",
    Discard = "discard",
    EnteredList = "entered-list",
    Set = "set",
    Accept = "ok",
    Apply = "apply",
    Preview = "preview",
    PreviewLook = "preview-look",
    PreviewEvent = "preview-event",
    EventChosen = "event-chosen",
    EventSwitched = "event-switched",
    NextPage = "next-page",
    PreviousPage = "previous-page",
    SendFile = "send-file",
    Browse = "browse",
    AddPath = "add-path",
    Unchoose = "unchoose",
    Transfers = "transfers",
    OpenFile = "open-file",
    OpenFolder = "open-folder",
    CancelFile = "cancel-file",
    GetAgain = "get-again",
    Orders = "orders",
    RecallBefore = "recall-before",
    RecallAfter = "recall-after",
    Close = "close",
    Help = "help",
    Repeat = "repeat",
    Announcements = "announcements",
    NextRegion = "next-region",
    PreviousRegion = "previous-region",
}

impl Command {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|command| command.word() == word)
    }
}

/// One line of the list of commands.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    pub place: Place,
    /// What is pressed; empty for a line that only explains.
    pub chord: &'static str,
    pub command: Option<Command>,
    pub says: &'static str,
}

const fn key(place: Place, chord: &'static str, command: Command, says: &'static str) -> Key {
    Key { place, chord, command: Some(command), says }
}

const fn other(place: Place, says: &'static str) -> Key {
    Key { place, chord: "", command: None, says }
}

pub const KEYS: &[Key] = &[
    key(Place::Login, "Alt+L", Command::LogIn, "log in"),
    key(Place::Login, "Alt+C", Command::CreateAccount, "create an account"),
    key(Place::Login, "Alt+R", Command::ToggleRemember, "remember me, on or off"),
    key(Place::Login, "Alt+A", Command::ToggleAutomatic, "log in automatically, on or off"),
    key(Place::Login, "Alt+F", Command::ForgotPassword, "forgot password"),
    key(Place::Login, "Alt+S", Command::Servers, "servers: add, delete, choose the primary one"),
    key(Place::Login, "Alt+V", Command::FocusServer, "go to the field for the server"),
    key(Place::Login, "Alt+U", Command::Status, "go to the status to log in with"),
    key(Place::Login, "Alt+X", Command::Exit, "exit"),
    other(Place::Login, "Enter in the password: log in"),
    other(Place::Login, "Tab and Shift+Tab: next and previous field"),
    key(Place::CreateAccount, "Alt+C", Command::Create, "create the account"),
    key(Place::CreateAccount, "Alt+L", Command::ToggleLogInAfter, "log in afterwards, on or off"),
    other(Place::CreateAccount, "Escape: cancel"),
    other(Place::Contacts, "Enter: open the chat, answer the request, or open or close the group"),
    key(Place::Contacts, "Alt+S", Command::Open, "start a chat with the chosen contact"),
    key(Place::Contacts, "Alt+A", Command::Add, "add a contact"),
    key(Place::Contacts, "Alt+D", Command::Delete, "delete the chosen contact"),
    key(Place::Contacts, "Alt+B", Command::Block, "block or unblock the chosen contact"),
    key(Place::Contacts, "Alt+F", Command::SendFile, "send files to the chosen contact"),
    key(Place::Contacts, "Alt+R", Command::Transfers, "file transfers"),
    key(Place::Contacts, "Alt+H", Command::Search, "search your contacts"),
    key(
        Place::Contacts,
        "Alt+N",
        Command::Rename,
        "your own name and group for the chosen contact, or another name for the group",
    ),
    key(
        Place::Contacts,
        "Shift+F10",
        Command::Actions,
        "everything that can be done with a contact or a group",
    ),
    key(
        Place::Contacts,
        "Menu",
        Command::Actions,
        "everything that can be done with a contact or a group",
    ),
    key(Place::Contacts, "Alt+Y", Command::Directory, "the user directory"),
    key(
        Place::Contacts,
        "Alt+C",
        Command::Conversations,
        "conversations with people who are no contacts",
    ),
    key(Place::Contacts, "Alt+M", Command::Missed, "who wrote while you were away"),
    key(Place::Contacts, "Alt+U", Command::Status, "set your status"),
    key(Place::Contacts, "Alt+T", Command::Settings, "settings"),
    key(Place::Contacts, "Alt+I", Command::Server, "server information"),
    key(Place::Contacts, "Alt+V", Command::Orders, "server-side commands"),
    key(Place::Contacts, "Alt+E", Command::About, "about Thrive"),
    key(Place::Contacts, "Alt+P", Command::Updates, "check for updates"),
    key(Place::Contacts, "Alt+O", Command::LogOut, "log out"),
    key(Place::Contacts, "Alt+X", Command::Exit, "exit"),
    other(Place::Contacts, "Up, Down, Home, End, Page Up, Page Down: move in the list"),
    other(
        Place::Contacts,
        "Left: to the heading of the group, and close it. Right: open it, and into it",
    ),
    other(Place::Contacts, "A letter: the next contact that starts with it"),
    other(Place::Contacts, "Escape: show all contacts again, after a search"),
    other(Place::Chat, "Enter: send; Shift+Enter: new line. Settings can change that"),
    key(Place::Chat, "Alt+S", Command::Send, "send"),
    key(Place::Chat, "Alt+F", Command::SendFile, "send files"),
    key(Place::Chat, "Alt+L", Command::ToggleLog, "save the history of this chat, on or off"),
    key(Place::Chat, "Alt+E", Command::Earlier, "load earlier messages"),
    key(Place::Chat, "Alt+A", Command::Add, "add the person to your contacts"),
    key(Place::Chat, "Alt+B", Command::Block, "block or unblock the person"),
    other(Place::Chat, "Alt+1 to Alt+0: speak the last to the tenth last message"),
    other(Place::Chat, "Alt and the same digit again within a second: go to that message"),
    other(
        Place::Chat,
        "Shift+Tab from the message: the check box for the history, then the messages",
    ),
    other(Place::Chat, "Ctrl+C on a message: copy it"),
    other(Place::Chat, "Enter on a message: open its link, or send it again if it failed"),
    other(Place::Chat, "Delete on a message that failed: discard it"),
    other(Place::Chat, "Enter on a file: accept or decline it, fetch it, or open it"),
    other(Place::Chat, "Delete on a file that is on its way: cancel it"),
    other(Place::Chat, "Escape: close the chat"),
    key(Place::AddContact, "Alt+A", Command::Add, "add"),
    other(Place::AddContact, "Escape: cancel"),
    key(Place::Status, "Alt+S", Command::Set, "set the status"),
    other(Place::Status, "Escape: cancel"),
    key(Place::Settings, "Alt+K", Command::Accept, "apply and close"),
    key(Place::Settings, "Alt+A", Command::Apply, "apply"),
    key(Place::Settings, "Alt+P", Command::PreviewEvent, "play the chosen sound"),
    key(Place::Settings, "Alt+W", Command::ChangePassword, "change your password"),
    key(Place::Settings, "Alt+E", Command::ChangeEmail, "your e-mail address"),
    key(Place::Settings, "Alt+D", Command::Devices, "devices where you are logged in"),
    key(Place::Settings, "Ctrl+Tab", Command::NextPage, "next tab"),
    key(Place::Settings, "Ctrl+PageDown", Command::NextPage, "next tab"),
    key(Place::Settings, "Ctrl+Shift+Tab", Command::PreviousPage, "previous tab"),
    key(Place::Settings, "Ctrl+PageUp", Command::PreviousPage, "previous tab"),
    other(Place::Settings, "Left, Right, Home, End on the tabs: another tab"),
    other(Place::Settings, "Escape: cancel"),
    other(Place::Confirm, "Escape: cancel, nothing is changed"),
    other(Place::Notice, "Escape or Enter: close"),
    other(Place::About, "Escape: close"),
    key(Place::SendFiles, "Alt+S", Command::Send, "send the files"),
    key(Place::SendFiles, "Alt+B", Command::Browse, "choose files with the desktop"),
    key(Place::SendFiles, "Alt+P", Command::AddPath, "put the paths on the list"),
    other(Place::SendFiles, "Enter in the paths: put them on the list; Shift+Enter: new line"),
    other(Place::SendFiles, "Delete on a file: take it off the list"),
    other(Place::SendFiles, "Escape: cancel"),
    key(Place::Files, "Alt+O", Command::OpenFile, "open the file, or answer the offer"),
    key(Place::Files, "Alt+F", Command::OpenFolder, "open the folder of the file"),
    key(Place::Files, "Alt+C", Command::CancelFile, "cancel the transfer"),
    key(Place::Files, "Alt+G", Command::GetAgain, "get the file again"),
    other(Place::Files, "Enter: open the file, or answer the offer"),
    other(Place::Files, "Delete: cancel the transfer"),
    other(Place::Files, "Escape: close"),
    key(Place::Orders, "Alt+S", Command::Send, "send the command"),
    other(Place::Orders, "Enter: send the command"),
    other(Place::Orders, "Up and Down in the field: earlier and later commands"),
    other(Place::Orders, "Shift+Tab from the field: the answers; arrows read them"),
    other(Place::Orders, "Ctrl+C on an answer: copy it"),
    other(Place::Orders, "Escape: close"),
    key(Place::Directory, "Alt+H", Command::Search, "go to the search"),
    key(Place::Directory, "Alt+S", Command::Open, "start a chat with the chosen person"),
    key(Place::Directory, "Alt+A", Command::Add, "add the chosen person to your contacts"),
    key(Place::Directory, "Alt+B", Command::Block, "block or unblock the chosen person"),
    key(Place::Directory, "Alt+M", Command::More, "load more people"),
    key(Place::Directory, "Ctrl+Tab", Command::NextPage, "next tab"),
    key(Place::Directory, "Ctrl+PageDown", Command::NextPage, "next tab"),
    key(Place::Directory, "Ctrl+Shift+Tab", Command::PreviousPage, "previous tab"),
    key(Place::Directory, "Ctrl+PageUp", Command::PreviousPage, "previous tab"),
    other(Place::Directory, "Enter on a person: start a chat"),
    other(Place::Directory, "Left, Right, Home, End on the tabs: another tab"),
    other(Place::Directory, "Escape: close"),
    key(Place::Conversations, "Alt+S", Command::Open, "open the chat"),
    key(Place::Conversations, "Alt+A", Command::Add, "add the chosen person to your contacts"),
    key(Place::Conversations, "Alt+B", Command::Block, "block or unblock the chosen person"),
    other(Place::Conversations, "Escape: close"),
    key(Place::Missed, "Alt+S", Command::Open, "open the chat"),
    key(Place::Missed, "Alt+A", Command::Add, "add the chosen person to your contacts"),
    key(Place::Missed, "Alt+B", Command::Block, "block or unblock the chosen person"),
    other(Place::Missed, "Escape: close"),
    other(Place::Actions, "Enter: do it"),
    other(Place::Actions, "Escape: back to the contact"),
    key(Place::Rename, "Alt+S", Command::Set, "set the name and the group"),
    other(Place::Rename, "Escape: cancel"),
    key(Place::RenameGroup, "Alt+K", Command::Accept, "rename the group"),
    other(Place::RenameGroup, "Escape: cancel"),
    key(Place::Verify, "Alt+C", Command::Confirm, "confirm the code"),
    key(Place::Verify, "Alt+S", Command::SendCode, "send another code"),
    other(Place::Verify, "Escape: later; logging in leads back here"),
    key(Place::ForgotPassword, "Alt+S", Command::SendCode, "send me a code"),
    key(Place::ForgotPassword, "Alt+C", Command::ChangePassword, "change the password"),
    other(Place::ForgotPassword, "Escape: cancel"),
    key(Place::Servers, "Alt+A", Command::Add, "add the server"),
    key(Place::Servers, "Alt+D", Command::Delete, "delete the chosen server"),
    key(Place::Servers, "Alt+P", Command::Primary, "set the chosen server as primary"),
    other(Place::Servers, "Enter and Delete on a server: set as primary, delete"),
    other(Place::Servers, "Escape: close"),
    key(Place::ChangePassword, "Alt+C", Command::ChangePassword, "change the password"),
    key(Place::ChangePassword, "Alt+O", Command::ToggleOthers, "log out other devices, on or off"),
    other(Place::ChangePassword, "Escape: cancel"),
    key(Place::Email, "Alt+S", Command::SendCode, "send a code to the new address"),
    key(Place::Email, "Alt+C", Command::Confirm, "confirm the code"),
    other(Place::Email, "Escape: close"),
    key(Place::Devices, "Alt+L", Command::Revoke, "log out the chosen device"),
    key(Place::Devices, "Alt+R", Command::Refresh, "read the list again"),
    other(Place::Devices, "Delete on a device: log it out"),
    other(Place::Devices, "Escape: close"),
    key(Place::Everywhere, "F6", Command::NextRegion, "next part of the window"),
    key(Place::Everywhere, "Shift+F6", Command::PreviousRegion, "previous part of the window"),
    key(Place::Everywhere, "Ctrl+Shift+R", Command::Repeat, "repeat what was announced last"),
    key(Place::Everywhere, "Ctrl+Shift+H", Command::Announcements, "list what was announced"),
    key(Place::Everywhere, "F1", Command::Help, "this list"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_that_a_screen_calls_is_known() {
        let views = concat!(env!("CARGO_MANIFEST_DIR"), "/ui/views");
        let mut calls = 0;
        for file in std::fs::read_dir(views).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let words = text.split("{ word: \"").skip(1);
            for call in text.split("root.command(\"").skip(1).chain(words) {
                let word = call.split('"').next().unwrap();
                assert!(Command::parse(word).is_some(), "{word}");
                calls += 1;
            }
        }
        assert!(30 < calls, "only {calls} calls were found");
    }

    #[test]
    fn the_page_about_keys_is_this_table() {
        let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/KEYS.md");
        let page = std::fs::read_to_string(page).unwrap();
        for (index, key) in KEYS.iter().enumerate() {
            let Some(command) = key.command else { continue };
            let same = |other: &&Key| other.place == key.place && other.command == key.command;
            if KEYS[..index].iter().any(|other| same(&other)) {
                continue;
            }
            let chords: Vec<_> = KEYS.iter().filter(same).map(|key| key.chord).collect();
            let line = format!("| `{}` | {} | {} |", command.word(), chords.join(" or "), key.says);
            let part = page.split(&format!(": `[{}]`", key.place.word())).nth(1);
            let part = part.and_then(|rest| rest.split("\n## ").next()).unwrap_or_default();
            assert!(part.contains(&line), "{line}");
        }
    }
}
