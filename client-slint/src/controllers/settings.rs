//! The settings while they are being changed.

use std::collections::BTreeSet;
use std::path::Path;

use crate::announce::Sound;
use crate::settings::{AWAY_AFTER_MAX, Colors, Detail, Order, SCALE, Settings, TEXT_POINTS};

/// The tabs, in their order.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Tab {
    General,
    Appearance,
    Sounds,
    Speech,
    Chats,
    People,
    Account,
}

impl Tab {
    pub const ALL: [Self; 7] = [
        Self::General,
        Self::Appearance,
        Self::Sounds,
        Self::Speech,
        Self::Chats,
        Self::People,
        Self::Account,
    ];

    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::General => "General",
            Self::Appearance => "Appearance",
            Self::Sounds => "Sounds",
            Self::Speech => "Speech and notices",
            Self::Chats => "Chats",
            Self::People => "People",
            Self::Account => "Account",
        }
    }
}

/// What stands in the window.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Form {
    /// Kept by the system and not in the settings.
    pub automatic: bool,
    pub keep_running: bool,
    pub look_for_updates: bool,
    pub colors: usize,
    pub text_points: i32,
    pub scale: i32,
    pub pack: usize,
    pub sounds: bool,
    pub volume: i32,
    pub silent: BTreeSet<String>,
    pub speak_messages: bool,
    pub speak_other_chats: bool,
    pub speak_status: bool,
    pub speak_typing: bool,
    pub speak_files: bool,
    pub interrupt_speech: bool,
    pub notices: usize,
    pub enter_sends: bool,
    pub read_times: bool,
    pub files_folder: String,
    pub order: usize,
    pub away_after: i32,
}

impl Form {
    #[must_use]
    pub fn of(settings: &Settings, packs: &[String]) -> Self {
        Self {
            automatic: settings.automatic,
            keep_running: settings.keep_running,
            look_for_updates: settings.look_for_updates,
            colors: Colors::ALL.iter().position(|it| *it == settings.colors).unwrap_or(0),
            text_points: settings.text_points.into(),
            scale: settings.scale.into(),
            pack: packs.iter().position(|pack| *pack == settings.pack).unwrap_or(0),
            sounds: settings.sounds,
            volume: settings.volume.into(),
            silent: settings.silent.clone(),
            speak_messages: settings.speak_messages,
            speak_other_chats: settings.speak_other_chats,
            speak_status: settings.speak_status,
            speak_typing: settings.speak_typing,
            speak_files: settings.speak_files,
            interrupt_speech: settings.interrupt_speech,
            notices: Detail::ALL.iter().position(|it| *it == settings.notices).unwrap_or(0),
            enter_sends: settings.enter_sends,
            read_times: settings.read_times,
            files_folder: settings.files_folder.clone(),
            order: Order::ALL.iter().position(|it| *it == settings.order).unwrap_or(0),
            away_after: settings.away_after.into(),
        }
    }

    /// The settings as they would be; what this window does not show is kept.
    #[must_use]
    pub fn applied(&self, settings: &Settings, packs: &[String]) -> Settings {
        let within = |value: i32, (least, most): (u8, u8)| {
            u8::try_from(value.clamp(least.into(), most.into())).unwrap_or(most)
        };
        let scale = self.scale.clamp(SCALE.0.into(), SCALE.1.into());
        Settings {
            automatic: self.automatic && settings.remember,
            keep_running: self.keep_running,
            look_for_updates: self.look_for_updates,
            colors: Colors::ALL.get(self.colors).copied().unwrap_or_default(),
            text_points: within(self.text_points, TEXT_POINTS),
            scale: u16::try_from(scale).unwrap_or(SCALE.1),
            pack: packs.get(self.pack).unwrap_or(&settings.pack).clone(),
            sounds: self.sounds,
            volume: within(self.volume, (0, 100)),
            silent: self.silent.clone(),
            speak_messages: self.speak_messages,
            speak_other_chats: self.speak_other_chats,
            speak_status: self.speak_status,
            speak_typing: self.speak_typing,
            speak_files: self.speak_files,
            interrupt_speech: self.interrupt_speech,
            notices: Detail::ALL.get(self.notices).copied().unwrap_or_default(),
            enter_sends: self.enter_sends,
            read_times: self.read_times,
            files_folder: self.files_folder.trim().to_owned(),
            order: Order::ALL.get(self.order).copied().unwrap_or_default(),
            away_after: within(self.away_after, (0, AWAY_AFTER_MAX)),
            ..settings.clone()
        }
    }
}

/// Why files cannot be put into a folder, as a sentence. Nothing stands for the one of the program.
#[must_use]
pub fn folder_problem(folder: &Path) -> Option<String> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return None;
    }
    let shown = folder.display();
    if !folder.is_absolute() {
        return Some(format!("The folder for files needs its whole path, not {shown}."));
    }
    if folder.exists() {
        return Some(format!("{shown} is no folder."));
    }
    // It is made when the first file comes, if there is a place for it.
    let parent = folder.parent().is_some_and(Path::is_dir);
    (!parent).then(|| format!("There is no folder {shown}, and none above it."))
}

/// An event in the list: only what is not as usual is said of it.
#[must_use]
pub fn event_words(sound: Sound, silent: &BTreeSet<String>) -> String {
    match silent.contains(sound.word()) {
        true => format!("{}, off", sound.says()),
        false => sound.says().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opening_and_applying_changes_nothing_else() {
        let packs = vec!["default".to_owned(), "bells".to_owned()];
        let settings = Settings {
            pack: "bells".into(),
            username: "ann".into(),
            colors: Colors::Dark,
            scale: 250,
            remember: true,
            automatic: true,
            interrupt_speech: true,
            notices: Detail::Something,
            keep_running: false,
            files_folder: "/in".into(),
            order: Order::Status,
            away_after: 25,
            look_for_updates: false,
            ..Settings::default()
        };
        assert_eq!(Form::of(&settings, &packs).applied(&settings, &packs), settings);
    }

    #[test]
    fn a_folder_for_files_is_there_or_can_be_made() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.txt");
        std::fs::write(&file, "a").unwrap();
        let problem = |folder: &Path| folder_problem(folder).unwrap_or_default();
        assert_eq!(problem(Path::new("")), "");
        assert_eq!(problem(dir.path()), "");
        assert_eq!(problem(&dir.path().join("new")), "");
        assert!(problem(&dir.path().join("new/below")).contains("and none above it"));
        assert!(problem(&file).contains("is no folder"));
        assert!(problem(Path::new("files")).contains("whole path"));
    }

    #[test]
    fn logging_in_automatically_needs_what_was_remembered() {
        let settings = Settings { remember: false, ..Settings::default() };
        let form = Form { automatic: true, ..Form::of(&settings, &[]) };
        assert!(!form.applied(&settings, &[]).automatic);
    }

    #[test]
    fn an_event_says_only_that_it_is_off() {
        let silent = [Sound::Send.word().to_owned()].into();
        assert_eq!(event_words(Sound::Send, &silent), "Your message is on the server, off");
        assert_eq!(event_words(Sound::Login, &silent), "You have logged in");
    }
}
