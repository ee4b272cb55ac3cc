//! The commands of every window, the words by which the screens call them, and their keys. The list
//! that F1 shows is this table, so it cannot be wrong.

/// A kind of window.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub enum Place {
    Login,
    CreateAccount,
    Contacts,
    Chat,
    AddContact,
    Status,
    Settings,
    Confirm,
    Notice,
    About,
}

macro_rules! commands {
    ($($name:ident = $word:literal,)*) => {
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
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
    Exit = "exit",
    Open = "open",
    Add = "add",
    Delete = "delete",
    Block = "block",
    Status = "status",
    Settings = "settings",
    Server = "server",
    About = "about",
    LogOut = "log-out",
    Entered = "entered",
    Send = "send",
    Earlier = "earlier",
    ToggleLog = "toggle-log",
    Log = "log",
    Retry = "retry",
    Discard = "discard",
    EnteredList = "entered-list",
    Set = "set",
    Apply = "apply",
    Preview = "preview",
    PreviewLook = "preview-look",
    Close = "close",
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
    /// What is pressed with Alt; empty when it is another key.
    pub letter: &'static str,
    pub command: Option<Command>,
    pub says: &'static str,
}

/// What Alt and this letter do here.
#[must_use]
pub fn command(place: Place, letter: &str) -> Option<Command> {
    KEYS.iter().find(|key| key.place == place && key.letter == letter)?.command
}

/// Every key of a window as a line of text.
#[must_use]
pub fn lines(place: Place) -> Vec<String> {
    let here = KEYS.iter().filter(|key| key.place == place);
    here.map(|key| match key.letter {
        "" => key.says.to_owned(),
        letter => format!("Alt+{}: {}", letter.to_uppercase(), key.says),
    })
    .collect()
}

const fn alt(place: Place, letter: &'static str, command: Command, says: &'static str) -> Key {
    Key { place, letter, command: Some(command), says }
}

const fn other(place: Place, says: &'static str) -> Key {
    Key { place, letter: "", command: None, says }
}

pub const KEYS: &[Key] = &[
    alt(Place::Login, "l", Command::LogIn, "log in"),
    alt(Place::Login, "c", Command::CreateAccount, "create an account"),
    alt(Place::Login, "r", Command::ToggleRemember, "remember me, on or off"),
    alt(Place::Login, "a", Command::ToggleAutomatic, "log in automatically, on or off"),
    alt(Place::Login, "s", Command::FocusServer, "go to the field for the server"),
    alt(Place::Login, "x", Command::Exit, "exit"),
    other(Place::Login, "Enter in the password: log in"),
    other(Place::Login, "Tab and Shift+Tab: next and previous field"),
    alt(Place::CreateAccount, "c", Command::Create, "create the account"),
    alt(Place::CreateAccount, "l", Command::ToggleLogInAfter, "log in afterwards, on or off"),
    other(Place::CreateAccount, "Escape: cancel"),
    other(Place::Contacts, "Enter: open the chat, or answer the request"),
    alt(Place::Contacts, "s", Command::Open, "start a chat with the chosen contact"),
    alt(Place::Contacts, "a", Command::Add, "add a contact"),
    alt(Place::Contacts, "d", Command::Delete, "delete the chosen contact"),
    alt(Place::Contacts, "b", Command::Block, "block or unblock the chosen contact"),
    alt(Place::Contacts, "u", Command::Status, "set your status"),
    alt(Place::Contacts, "t", Command::Settings, "settings"),
    alt(Place::Contacts, "i", Command::Server, "server information"),
    alt(Place::Contacts, "h", Command::About, "about Thrive"),
    alt(Place::Contacts, "o", Command::LogOut, "log out"),
    alt(Place::Contacts, "x", Command::Exit, "exit"),
    other(Place::Contacts, "Up, Down, Home, End, Page Up, Page Down: move in the list"),
    other(Place::Contacts, "A letter: the next contact that starts with it"),
    other(Place::Contacts, "F1: this list"),
    other(Place::Chat, "Enter: send; Shift+Enter: new line"),
    alt(Place::Chat, "s", Command::Send, "send"),
    alt(Place::Chat, "l", Command::ToggleLog, "save a log of this chat, on or off"),
    alt(Place::Chat, "e", Command::Earlier, "load earlier messages"),
    other(Place::Chat, "Alt+1 to Alt+0: speak the last to the tenth last message"),
    other(Place::Chat, "Shift+Tab from the message: the check box for the log, then the messages"),
    other(Place::Chat, "Enter on a message that failed: send it again; Delete: discard it"),
    other(Place::Chat, "Escape: close the chat"),
    alt(Place::AddContact, "a", Command::Add, "add"),
    other(Place::AddContact, "Escape: cancel"),
    alt(Place::Status, "s", Command::Set, "set the status"),
    other(Place::Status, "Escape: cancel"),
    alt(Place::Settings, "a", Command::Apply, "apply"),
    other(Place::Settings, "Escape: cancel"),
    other(Place::Confirm, "Escape: cancel, nothing is changed"),
    other(Place::Notice, "Escape or Enter: close"),
    other(Place::About, "Escape: close"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_window() {
        for (index, key) in KEYS.iter().enumerate() {
            let twin = KEYS[..index].iter().any(|other| {
                !key.letter.is_empty() && other.place == key.place && other.letter == key.letter
            });
            assert!(!twin, "{key:?}");
        }
    }

    #[test]
    fn every_command_that_a_screen_calls_is_known() {
        let views = concat!(env!("CARGO_MANIFEST_DIR"), "/ui/views");
        let mut calls = 0;
        for file in std::fs::read_dir(views).unwrap() {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            for call in text.split("root.command(\"").skip(1) {
                let word = call.split('"').next().unwrap();
                assert!(Command::parse(word).is_some(), "{word}");
                calls += 1;
            }
        }
        assert!(30 < calls, "only {calls} calls were found");
    }
}
