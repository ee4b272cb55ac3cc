//! Keys that are pressed together, as people write them: `Ctrl+Shift+R`.

use std::fmt;

use slint::platform::Key;

/// Modifiers and one key.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct Chord {
    pub control: bool,
    pub shift: bool,
    pub alt: bool,
    /// What the key types, in small letters; a key that types nothing has a code of its own.
    key: char,
}

/// Keys that have a name instead of a letter. The first name of a key is the one that is shown.
const NAMED: &[(&str, Key)] = &[
    ("Tab", Key::Tab),
    ("Enter", Key::Return),
    ("Return", Key::Return),
    ("Space", Key::Space),
    ("Escape", Key::Escape),
    ("Backspace", Key::Backspace),
    ("Delete", Key::Delete),
    ("Insert", Key::Insert),
    ("Home", Key::Home),
    ("End", Key::End),
    ("PageUp", Key::PageUp),
    ("PageDown", Key::PageDown),
    ("Up", Key::UpArrow),
    ("Down", Key::DownArrow),
    ("Left", Key::LeftArrow),
    ("Right", Key::RightArrow),
    ("Menu", Key::Menu),
    ("F1", Key::F1),
    ("F2", Key::F2),
    ("F3", Key::F3),
    ("F4", Key::F4),
    ("F5", Key::F5),
    ("F6", Key::F6),
    ("F7", Key::F7),
    ("F8", Key::F8),
    ("F9", Key::F9),
    ("F10", Key::F10),
    ("F11", Key::F11),
    ("F12", Key::F12),
];

impl Chord {
    /// What was pressed, as a window tells it. Nothing for a modifier alone.
    #[must_use]
    pub fn pressed(text: &str, control: bool, shift: bool, alt: bool) -> Option<Self> {
        let mut letters = text.chars();
        let (key, None) = (letters.next()?, letters.next()) else { return None };
        if key == char::from(Key::Backtab) {
            return Some(Self { control, shift: true, alt, key: char::from(Key::Tab) });
        }
        let modifiers = [
            Key::Alt,
            Key::AltGr,
            Key::Control,
            Key::ControlR,
            Key::Shift,
            Key::ShiftR,
            Key::Meta,
            Key::MetaR,
            Key::CapsLock,
        ];
        if modifiers.into_iter().any(|modifier| char::from(modifier) == key) {
            return None;
        }
        let key = small(key);
        // Which signs need Shift depends on the keyboard, so there it means nothing.
        let shift = shift && (key.is_alphabetic() || name(key).is_some());
        Some(Self { control, shift, alt, key })
    }

    /// Reads what somebody wrote.
    ///
    /// # Errors
    /// Half a sentence that says what is wrong.
    pub fn parse(written: &str) -> Result<Self, String> {
        let mut chord = Self { control: false, shift: false, alt: false, key: '\0' };
        let mut parts = written.split('+').map(str::trim).peekable();
        while let Some(part) = parts.next() {
            if parts.peek().is_some() {
                match part.to_lowercase().as_str() {
                    "ctrl" | "control" => chord.control = true,
                    "shift" => chord.shift = true,
                    "alt" => chord.alt = true,
                    _ => {
                        return Err(format!(
                            "{part:?} cannot be held; Ctrl, Shift and Alt can, with a + after each"
                        ));
                    }
                }
                continue;
            }
            let named = NAMED.iter().find(|(name, _)| name.eq_ignore_ascii_case(part));
            let mut letters = part.chars();
            chord.key = match (named, letters.next(), letters.next()) {
                (Some((_, key)), _, _) => char::from(*key),
                (None, Some(letter), None) => small(letter),
                (None, _, _) => {
                    return Err(format!(
                        "{part:?} is no key; write a letter, a digit, a sign, or one of {}",
                        NAMED.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ")
                    ));
                }
            };
        }
        Ok(chord)
    }

    /// Whether a command may have it.
    ///
    /// # Errors
    /// Half a sentence that says why not.
    pub fn check(self) -> Result<(), &'static str> {
        // F10 alone opens menus; Shift+F10 and the menu key are for what a row has to offer.
        let function = name(self.key).is_some_and(|name| {
            let numbered = name.len() > 1 && name.starts_with('F') && (name != "F10" || self.shift);
            numbered || name == "Menu"
        });
        if self.control && self.alt {
            return Err("Ctrl and Alt together type letters on many keyboards");
        }
        if !self.control && !self.alt && !function {
            return Err("it needs Ctrl or Alt, or a key from F1 to F12 without F10");
        }
        let system = ["Alt+F4", "Alt+Tab", "Alt+Shift+Tab", "Alt+Escape", "Alt+Space"];
        if system.contains(&self.to_string().as_str()) {
            return Err("it belongs to the system");
        }
        let editing = matches!(self.key, 'a' | 'c' | 'v' | 'x' | 'y' | 'z')
            || ["Left", "Right", "Up", "Down", "Home", "End", "Backspace", "Delete", "Insert"]
                .contains(&name(self.key).unwrap_or_default());
        if self.control && editing {
            return Err("it is for working with text");
        }
        Ok(())
    }

    /// Alt and a digit, which speak messages in a chat.
    #[must_use]
    pub fn is_alt_digit(self) -> bool {
        self.alt && !self.control && !self.shift && self.key.is_ascii_digit()
    }

    /// The letter, digit or sign that was pressed with Alt alone.
    #[must_use]
    pub fn alt_letter(self) -> Option<char> {
        (self.alt && !self.control && name(self.key).is_none()).then_some(self.key)
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.control, "Ctrl+"), (self.alt, "Alt+"), (self.shift, "Shift+")] {
            if held {
                formatter.write_str(name)?;
            }
        }
        match name(self.key) {
            Some(name) => formatter.write_str(name),
            None => write!(formatter, "{}", self.key.to_uppercase()),
        }
    }
}

fn name(key: char) -> Option<&'static str> {
    NAMED.iter().find(|(_, named)| char::from(*named) == key).map(|(name, _)| *name)
}

fn small(letter: char) -> char {
    letter.to_lowercase().next().unwrap_or(letter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_what_is_pressed() {
        let f6 = slint::SharedString::from(Key::F6);
        let tab = slint::SharedString::from(Key::Backtab);
        for (written, text, control, shift, alt) in [
            ("alt+s", "s", false, false, true),
            ("Ctrl+Shift+R", "R", true, true, false),
            ("Shift + F6", f6.as_str(), false, true, false),
            ("Control+Shift+Tab", tab.as_str(), true, true, false),
            ("Alt+?", "?", false, true, true),
        ] {
            let pressed = Chord::pressed(text, control, shift, alt).unwrap();
            assert_eq!(Chord::parse(written), Ok(pressed), "{written}");
        }
        let shift = slint::SharedString::from(Key::Shift);
        assert_eq!(Chord::pressed(&shift, false, true, false), None);
    }

    #[test]
    fn what_is_shown_can_be_read_again() {
        for written in ["Ctrl+Shift+R", "F6", "Alt+S", "Ctrl+PageDown", "Alt+,"] {
            assert_eq!(Chord::parse(written).unwrap().to_string(), written);
        }
    }

    #[test]
    fn what_belongs_to_others_is_refused_with_the_reason() {
        for (written, why) in [
            ("Ctrl+Alt+S", "together"),
            ("S", "needs"),
            ("Shift+S", "needs"),
            ("Alt+F4", "system"),
            ("Ctrl+C", "text"),
            ("Ctrl+Left", "text"),
        ] {
            let refused = Chord::parse(written).unwrap().check().unwrap_err();
            assert!(refused.contains(why), "{written}: {refused}");
        }
        assert!(Chord::parse("Hyper+S").unwrap_err().contains("cannot be held"));
        assert!(Chord::parse("Ctrl+Foo").unwrap_err().contains("is no key"));
        assert!(Chord::parse("Ctrl+").unwrap_err().contains("is no key"));
    }
}
