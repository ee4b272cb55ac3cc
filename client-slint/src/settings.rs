//! What a person chose, kept in `settings.toml`. Nothing secret is in it: tokens are in the vault.

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use serde::{Deserialize, Serialize};

use crate::announce::Sound;

/// The choices. Whatever a file does not say keeps its default, so old files stay readable.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct Settings {
    /// Folder of the sound pack.
    pub pack: String,
    pub sounds: bool,
    /// Percent.
    pub volume: u8,
    /// The events whose sound is switched off, by their words.
    pub silent: BTreeSet<String>,
    /// Speak messages of the chat that is in front.
    pub speak_messages: bool,
    /// Speak messages of the other chats too, while this program is in front.
    pub speak_other_chats: bool,
    /// Speak that a contact came or went.
    pub speak_status: bool,
    pub speak_typing: bool,
    /// Speak of files that are offered, that have come and that were sent.
    pub speak_files: bool,
    /// A message interrupts what is being spoken.
    pub interrupt_speech: bool,
    /// What the desktop shows of what comes while another program is in front.
    pub notices: Detail,
    pub colors: Colors,
    /// Of the words of a chat.
    pub text_points: u8,
    /// Size of everything, in percent of what the system says.
    pub scale: u16,
    /// Else it begins a new line, and Ctrl+Enter sends.
    pub enter_sends: bool,
    /// Read when a message was written, after what is in it.
    pub read_times: bool,
    /// Closing the main window keeps the program running, in the tray or minimised.
    pub keep_running: bool,
    /// Look once a day whether there is a newer version, where the package says where.
    pub look_for_updates: bool,
    pub remember: bool,
    pub automatic: bool,
    pub username: String,
    /// Where one was last; empty means what `client.conf` says.
    pub server: String,
    /// My own words beside my status, offered again the next time.
    pub status_text: String,
    /// Where files of others are put; empty: where the program puts them by itself.
    pub files_folder: String,
    /// The chats that are written to a log: server, own user name, and the other one's, with blanks between.
    pub logged_chats: BTreeSet<String>,
    pub order: Order,
    /// Groups of contacts that are closed: their names in small letters; empty is that of all who are in none.
    pub closed_groups: BTreeSet<String>,
    /// Minutes without a touch after which others see me as away; 0 is never.
    pub away_after: u8,
    /// I am shown as away by that, and not because I said so.
    pub auto_away: bool,
    /// Address of the server that is offered first; empty: nobody chose one.
    pub primary_server: String,
    /// Servers of `client.conf` that were deleted from the list.
    pub removed_servers: BTreeSet<String>,
    /// Servers that a person added.
    pub servers: Vec<KnownServer>,
}

/// In which order the contacts stand.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Order {
    #[default]
    Name,
    NameBackwards,
    Status,
}

impl Order {
    /// In the order in which they are offered.
    pub const ALL: [Self; 3] = [Self::Name, Self::NameBackwards, Self::Status];

    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Name => "By name, A to Z",
            Self::NameBackwards => "By name, Z to A",
            Self::Status => "By status, sorted when you enter the list",
        }
    }
}

/// A server that a person added to the list.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(default)]
pub struct KnownServer {
    /// Empty: it is called as its host is.
    pub name: String,
    /// `host:port`.
    pub address: String,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Colors {
    #[default]
    System,
    Light,
    Dark,
    ContrastLight,
    ContrastDark,
}

impl Colors {
    /// In the order in which they are offered.
    pub const ALL: [Self; 5] =
        [Self::System, Self::Light, Self::Dark, Self::ContrastLight, Self::ContrastDark];

    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::System => "Like the system",
            Self::Light => "Light",
            Self::Dark => "Dark",
            Self::ContrastLight => "High contrast, light",
            Self::ContrastDark => "High contrast, dark",
        }
    }
}

/// How much a notice on the desktop says.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Detail {
    #[default]
    Everything,
    Who,
    Something,
    Nothing,
}

impl Detail {
    /// In the order in which they are offered.
    pub const ALL: [Self; 4] = [Self::Everything, Self::Who, Self::Something, Self::Nothing];

    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Everything => "Who writes, and what",
            Self::Who => "Who writes",
            Self::Something => "That something has come",
            Self::Nothing => "None",
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            pack: DEFAULT_PACK.into(),
            sounds: true,
            volume: 80,
            silent: [Sound::Typing.word().to_owned()].into(),
            speak_messages: true,
            speak_other_chats: true,
            speak_status: false,
            speak_typing: false,
            speak_files: true,
            interrupt_speech: false,
            notices: Detail::Everything,
            colors: Colors::System,
            text_points: 12,
            scale: 100,
            enter_sends: true,
            read_times: true,
            keep_running: true,
            look_for_updates: true,
            remember: false,
            automatic: false,
            username: String::new(),
            server: String::new(),
            status_text: String::new(),
            files_folder: String::new(),
            logged_chats: BTreeSet::new(),
            order: Order::Name,
            closed_groups: BTreeSet::new(),
            away_after: 10,
            auto_away: false,
            primary_server: String::new(),
            removed_servers: BTreeSet::new(),
            servers: Vec::new(),
        }
    }
}

impl Settings {
    /// Reads the file. One that is missing is the default; one that is broken is too, and is kept
    /// beside the new one, so that nothing written by hand is lost.
    #[must_use]
    pub fn load(dir: &Path) -> Self {
        let path = file(dir);
        let problem = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Self::default(),
            Err(error) => error.to_string(),
            Ok(bytes) => match toml::from_slice::<Self>(&bytes) {
                Ok(settings) => return settings.within_limits(),
                Err(error) => error.to_string(),
            },
        };
        tracing::warn!(path = %path.display(), problem, "The settings cannot be read");
        let broken = path.with_extension("toml.broken");
        // One that cannot be read cannot be copied, but perhaps be moved out of the way.
        let kept = fs::copy(&path, &broken).map(|_| ()).or_else(|_| fs::rename(&path, &broken));
        if let Err(error) = kept {
            tracing::warn!(%error, "The broken settings cannot be kept");
        }
        Self::default()
    }

    /// Whether the sound of this event is switched on.
    #[must_use]
    pub fn hears(&self, sound: Sound) -> bool {
        !self.silent.contains(sound.word())
    }

    /// The folder for files of others.
    #[must_use]
    pub fn files_folder(&self, documents: &Path) -> PathBuf {
        match self.files_folder.trim() {
            "" => documents.join("ThriveMessenger").join("files"),
            folder => PathBuf::from(folder),
        }
    }

    /// Writes the file whole or not at all.
    ///
    /// # Errors
    /// The folder or the disk said no.
    pub fn save(&self, dir: &Path) -> io::Result<()> {
        fs::create_dir_all(dir)?;
        let text = toml::to_string_pretty(self).map_err(io::Error::other)?;
        let half = file(dir).with_extension("toml.new");
        let mut written = fs::File::create(&half)?;
        written.write_all(text.as_bytes())?;
        written.sync_all()?;
        fs::rename(half, file(dir))
    }

    /// Keeps what a hand wrote into the file inside what a screen can show.
    #[must_use]
    fn within_limits(mut self) -> Self {
        self.volume = self.volume.min(100);
        self.text_points = self.text_points.clamp(TEXT_POINTS.0, TEXT_POINTS.1);
        self.scale = self.scale.clamp(SCALE.0, SCALE.1);
        self.automatic &= self.remember;
        self.away_after = self.away_after.min(AWAY_AFTER_MAX);
        self
    }
}

fn file(dir: &Path) -> PathBuf {
    dir.join("settings.toml")
}

pub const DEFAULT_PACK: &str = "default";
/// Minutes; as many as the setting offers.
pub const AWAY_AFTER_MAX: u8 = 120;
/// The pack that is silent.
pub const NO_PACK: &str = "none";
/// The smallest and the largest text of a chat.
pub const TEXT_POINTS: (u8, u8) = (8, 96);
/// The smallest and the largest size of everything.
pub const SCALE: (u16, u16) = (50, 400);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_saved_is_read_again() {
        let dir = tempfile::tempdir().unwrap();
        let settings = Settings {
            username: "ann".into(),
            colors: Colors::ContrastDark,
            logged_chats: ["bob".to_owned()].into(),
            servers: vec![KnownServer { name: "Home".into(), address: "home:9".into() }],
            ..Settings::default()
        };
        settings.save(dir.path()).unwrap();
        assert_eq!(Settings::load(dir.path()), settings);
    }

    #[test]
    fn a_file_of_an_older_or_hasty_hand_is_completed_and_kept_within_limits() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(file(dir.path()), "text_points = 200\nautomatic = true\nscale = 9\n").unwrap();
        let read = Settings::load(dir.path());
        assert_eq!(read.scale, 50);
        assert_eq!((read.text_points, read.automatic, read.volume), (96, false, 80));
    }

    #[test]
    fn a_broken_file_is_kept_beside_the_defaults() {
        for broken in [&b"volume = \"loud\""[..], b"username = \"\xff\""] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(file(dir.path()), broken).unwrap();
            assert_eq!(Settings::load(dir.path()), Settings::default());
            assert_eq!(fs::read(dir.path().join("settings.toml.broken")).unwrap(), broken);
        }
    }

    #[test]
    fn what_cannot_even_be_read_is_moved_aside_before_it_is_written_over() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(file(dir.path())).unwrap();
        assert_eq!(Settings::load(dir.path()), Settings::default());
        assert!(dir.path().join("settings.toml.broken").is_dir());
    }
}
