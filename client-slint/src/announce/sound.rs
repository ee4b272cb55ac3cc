//! The events that have a sound, with their files and their names for people.

macro_rules! sounds {
    ($($name:ident = $word:literal, $says:literal;)*) => {
        /// An event of a sound pack.
        #[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
        pub enum Sound {
            $($name,)*
        }

        impl Sound {
            /// In the order in which they are offered.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// Its word in files: the pack has it as `<word>.wav`.
            #[must_use]
            pub fn word(self) -> &'static str {
                match self {
                    $(Self::$name => $word,)*
                }
            }

            /// When it is heard.
            #[must_use]
            pub fn says(self) -> &'static str {
                match self {
                    $(Self::$name => $says,)*
                }
            }
        }
    };
}

sounds! {
    Login = "login", "You have logged in";
    Logout = "logout", "You have logged out";
    ContactOnline = "contact_online", "A contact comes online";
    ContactOffline = "contact_offline", "A contact goes offline";
    Receive = "receive", "A message comes into the chat in front";
    ReceiveElsewhere = "receive_elsewhere", "A message comes into another chat";
    Send = "send", "Your message is on the server";
    SendFailed = "send_failed", "Your message could not be sent";
    FileOffer = "file_offer", "Somebody offers a file";
    FileReceive = "file_receive", "A file has come";
    FileSend = "file_send", "Your file has been sent";
    FileError = "file_error", "A file could not be sent or received";
    Request = "request", "Somebody asks to be your contact";
    Typing = "typing", "Somebody begins to type in the chat in front";
    ConnectionLost = "connection_lost", "The connection is lost";
    Reconnected = "reconnected", "The connection is back";
    Alert = "alert", "The server has something urgent to say";
    Error = "error", "What you tried did not work";
    ListEdge = "list_edge", "There are no earlier messages";
}

impl Sound {
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|sound| sound.word() == word)
    }

    /// The file of this event in every pack.
    #[must_use]
    pub fn file(self) -> String {
        format!("{}.wav", self.word())
    }
}
