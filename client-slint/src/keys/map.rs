//! Which keys mean which command: the table of the program, and what a person changed in `keys.toml`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::chord::Chord;
use super::{Command, KEYS, Key, Place};

/// The keys of all windows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyMap {
    chords: BTreeMap<(Place, Command), Vec<Chord>>,
}

/// What a key that was pressed means.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Meaning {
    Command(Command),
    /// A letter or digit with Alt that is no command.
    Letter(String),
    /// It is for whatever has the focus.
    Nothing,
}

impl Default for KeyMap {
    fn default() -> Self {
        let mut chords: BTreeMap<_, Vec<Chord>> = BTreeMap::new();
        for key in KEYS {
            if let Some(command) = key.command {
                let chord = Chord::parse(key.chord).ok();
                chords.entry((key.place, command)).or_default().extend(chord);
            }
        }
        Self { chords }
    }
}

impl KeyMap {
    /// Reads `keys.toml`. With one problem or more in it, all keys are those of the program, and the
    /// problems are given, each as a sentence.
    #[must_use]
    pub fn load(dir: &Path) -> (Self, Vec<String>) {
        let path = dir.join(FILE);
        match fs::read_to_string(&path) {
            Ok(text) => match Self::read(&text) {
                Ok(map) => (map, Vec::new()),
                Err(problems) => (Self::default(), problems),
            },
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Self::default_only(),
            Err(error) => (Self::default(), vec![format!("{FILE} cannot be read: {error}.")]),
        }
    }

    fn default_only() -> (Self, Vec<String>) {
        (Self::default(), Vec::new())
    }

    fn read(text: &str) -> Result<Self, Vec<String>> {
        let table: toml::Table = match text.parse() {
            Ok(table) => table,
            Err(error) => return Err(vec![format!("It is no TOML: {}", error.message())]),
        };
        let mut map = Self::default();
        let mut problems = Vec::new();
        for (part, commands) in &table {
            let Some(place) = Place::parse(part) else {
                let parts: Vec<_> = Place::ALL.iter().map(|place| place.word()).collect();
                problems.push(format!(
                    "There is no part [{part}]. The parts are {}.",
                    parts.join(", ")
                ));
                continue;
            };
            let Some(commands) = commands.as_table() else {
                problems
                    .push(format!("{part} is not a part. Write [{part}] on a line of its own."));
                continue;
            };
            for (word, keys) in commands {
                match map.change(place, word, keys) {
                    Ok(()) => {}
                    Err(problem) => problems.push(format!("[{part}] {word}: {problem}.")),
                }
            }
        }
        problems.extend(map.twins());
        if problems.is_empty() { Ok(map) } else { Err(problems) }
    }

    fn change(&mut self, place: Place, word: &str, keys: &toml::Value) -> Result<(), String> {
        let here = || KEYS.iter().filter(|key| key.place == place).filter_map(|key| key.command);
        let Some(command) = here().find(|command| command.word() == word) else {
            let mut words: Vec<_> = here().map(Command::word).collect();
            words.dedup();
            return Err(format!("there is no such command; there are {}", words.join(", ")));
        };
        let written = match keys {
            toml::Value::String(one) if one.trim().is_empty() => Vec::new(),
            toml::Value::String(one) => vec![one.as_str()],
            toml::Value::Array(several) => several
                .iter()
                .map(|key| key.as_str().ok_or_else(|| format!("{key} is not in quotes")))
                .collect::<Result<_, _>>()?,
            other => return Err(format!("{other} is not in quotes")),
        };
        let mut chords = Vec::new();
        for key in written {
            let chord = Chord::parse(key)?;
            chord.check().map_err(|why| format!("{chord} cannot be used, {why}"))?;
            if place == Place::Chat && chord.is_alt_digit() {
                return Err(format!("{chord} speaks a message in a chat"));
            }
            chords.push(chord);
        }
        self.chords.insert((place, command), chords);
        Ok(())
    }

    /// Keys that would mean two things in one window.
    fn twins(&self) -> Vec<String> {
        let all: Vec<_> = self
            .chords
            .iter()
            .flat_map(|((place, command), chords)| chords.iter().map(|it| (*place, *command, *it)))
            .collect();
        let mut problems = Vec::new();
        for (index, (place, command, chord)) in all.iter().enumerate() {
            for (other_place, other, twin) in &all[index + 1..] {
                let meet =
                    place == other_place || [*place, *other_place].contains(&Place::Everywhere);
                if meet && chord == twin {
                    problems.push(format!(
                        "{chord} would mean two things: [{}] {} and [{}] {}.",
                        place.word(),
                        command.word(),
                        other_place.word(),
                        other.word()
                    ));
                }
            }
        }
        problems
    }

    /// What this chord means in a window of this kind.
    #[must_use]
    pub fn meaning(&self, place: Place, chord: Chord) -> Meaning {
        let found = self.chords.iter().find(|((at, _), chords)| {
            (*at == place || *at == Place::Everywhere) && chords.contains(&chord)
        });
        match (found, chord.alt_letter()) {
            (Some(((_, command), _)), _) => Meaning::Command(*command),
            (None, Some(letter)) => Meaning::Letter(letter.to_string()),
            (None, None) => Meaning::Nothing,
        }
    }

    /// The key of a command, to be shown and spoken beside it; empty when it has none.
    #[must_use]
    pub fn label(&self, place: Place, command: Command) -> String {
        let chords = |place| self.chords.get(&(place, command));
        let chord = chords(place).or_else(|| chords(Place::Everywhere)).and_then(|it| it.first());
        chord.map(ToString::to_string).unwrap_or_default()
    }

    /// Every key of a window as a line of text.
    #[must_use]
    pub fn lines(&self, place: Place) -> Vec<String> {
        let mut lines = Vec::new();
        let mut told = Vec::new();
        for Key { place, command, says, .. } in
            KEYS.iter().filter(|key| key.place == place || key.place == Place::Everywhere)
        {
            let Some(command) = command else {
                lines.push((*says).to_owned());
                continue;
            };
            let named = (*place, *command);
            if told.contains(&named) {
                continue;
            }
            told.push(named);
            let chords: Vec<_> =
                self.chords.get(&named).into_iter().flatten().map(ToString::to_string).collect();
            match chords.is_empty() {
                true => lines.push(format!("No key: {says}")),
                false => lines.push(format!("{}: {says}", chords.join(" or "))),
            }
        }
        lines
    }
}

/// In the data folder.
pub const FILE: &str = "keys.toml";

#[cfg(test)]
mod tests {
    use super::*;

    fn chord(written: &str) -> Chord {
        Chord::parse(written).unwrap()
    }

    #[test]
    fn the_keys_of_the_program_can_all_be_used_and_mean_one_thing_each() {
        for key in KEYS.iter().filter(|key| key.command.is_some()) {
            let chord = Chord::parse(key.chord).unwrap();
            assert_eq!(chord.check(), Ok(()), "{key:?}");
        }
        assert_eq!(KeyMap::default().twins(), Vec::<String>::new());
    }

    #[test]
    fn a_changed_key_replaces_the_old_one_in_its_window_only() {
        let text = "[chat]\nsend = [\"Ctrl+Enter\", \"Alt+N\"]\n[contacts]\nabout = \"\"\n";
        let map = KeyMap::read(text).unwrap();
        let means = |place, written| map.meaning(place, chord(written));
        assert_eq!(means(Place::Chat, "Ctrl+Enter"), Meaning::Command(Command::Send));
        assert_eq!(means(Place::Chat, "Alt+S"), Meaning::Letter("s".into()));
        assert_eq!(means(Place::Contacts, "Alt+S"), Meaning::Command(Command::Open));
        assert_eq!(map.label(Place::Chat, Command::Send), "Ctrl+Enter");
        assert_eq!(map.label(Place::Contacts, Command::About), "");
        assert!(map.lines(Place::Chat).contains(&"Ctrl+Enter or Alt+N: send".to_owned()));
        assert!(map.lines(Place::Contacts).contains(&"No key: about Thrive".to_owned()));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        let text = "[chat]\nsend = \"Ctrl+C\"\nfly = \"Alt+F\"\nclose = 3\nlog = \"Hyper+L\"\n\
                    [kitchen]\nsend = \"Alt+S\"\n[everywhere]\nrepeat = \"Alt+E\"\n";
        let problems = KeyMap::read(text).unwrap_err();
        let wanted = [
            "[chat] send: Ctrl+C cannot be used, it is for working with text.",
            "[chat] fly: there is no such command",
            "[chat] close: ",
            "[chat] log: ",
            "There is no part [kitchen].",
            "Alt+E would mean two things: ",
        ];
        for start in wanted {
            assert!(problems.iter().any(|it| it.starts_with(start)), "{start}: {problems:#?}");
        }
        let digit = KeyMap::read("[chat]\nsend = \"Alt+3\"\n").unwrap_err();
        assert!(digit[0].contains("speaks a message"), "{digit:?}");
    }

    #[test]
    fn a_file_with_a_problem_changes_no_key() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(KeyMap::load(dir.path()), (KeyMap::default(), Vec::new()));
        fs::write(dir.path().join(FILE), "[chat]\nsend = \"Alt+N\"\nfly = \"Alt+F\"\n").unwrap();
        let (map, problems) = KeyMap::load(dir.path());
        assert_eq!((map, problems.len()), (KeyMap::default(), 1));
        fs::write(dir.path().join(FILE), "[chat\n").unwrap();
        assert!(KeyMap::load(dir.path()).1[0].starts_with("It is no TOML"));
    }
}
