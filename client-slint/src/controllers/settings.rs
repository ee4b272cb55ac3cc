//! The settings while they are being changed.

use crate::settings::{Colors, Settings, TEXT_POINTS};

/// What stands in the window.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Form {
    pub pack: usize,
    pub sounds: bool,
    pub volume: i32,
    pub speak_messages: bool,
    pub speak_other_chats: bool,
    pub speak_status: bool,
    pub speak_typing: bool,
    pub colors: usize,
    pub text_points: i32,
}

impl Form {
    #[must_use]
    pub fn of(settings: &Settings, packs: &[String]) -> Self {
        Self {
            pack: packs.iter().position(|pack| *pack == settings.pack).unwrap_or(0),
            sounds: settings.sounds,
            volume: settings.volume.into(),
            speak_messages: settings.speak_messages,
            speak_other_chats: settings.speak_other_chats,
            speak_status: settings.speak_status,
            speak_typing: settings.speak_typing,
            colors: Colors::ALL.iter().position(|it| *it == settings.colors).unwrap_or(0),
            text_points: settings.text_points.into(),
        }
    }

    /// The settings as they would be; what this window does not show is kept.
    #[must_use]
    pub fn applied(&self, settings: &Settings, packs: &[String]) -> Settings {
        let within = |value: i32, least: u8, most: u8| {
            u8::try_from(value.clamp(least.into(), most.into())).unwrap_or(most)
        };
        Settings {
            pack: packs.get(self.pack).unwrap_or(&settings.pack).clone(),
            sounds: self.sounds,
            volume: within(self.volume, 0, 100),
            speak_messages: self.speak_messages,
            speak_other_chats: self.speak_other_chats,
            speak_status: self.speak_status,
            speak_typing: self.speak_typing,
            colors: Colors::ALL.get(self.colors).copied().unwrap_or_default(),
            text_points: within(self.text_points, TEXT_POINTS.0, TEXT_POINTS.1),
            ..settings.clone()
        }
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
            ..Settings::default()
        };
        assert_eq!(Form::of(&settings, &packs).applied(&settings, &packs), settings);
    }
}
