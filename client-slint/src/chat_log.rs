//! The log of a chat that a person asked for: one text file for each day. What is to be written is up to
//! `bridge/logs.rs`.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thrive_client::Username;

/// One line to write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Of the message, on this computer: `2026-11-20`.
    pub date: String,
    /// `3:04:05 PM`.
    pub time: String,
    pub sender: String,
    pub text: String,
}

/// Appends to `ThriveMessenger/chats/<contact>/YYYY-MM-DD.txt` in the documents.
///
/// # Errors
/// The folder or the disk said no; some of it may be written.
pub fn append(documents: &Path, contact: &Username, entries: &[Entry]) -> io::Result<()> {
    for of_day in entries.chunk_by(|one, next| one.date == next.date) {
        let Some(first) = of_day.first() else { continue };
        let path = path(documents, contact, &first.date);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let lines: String = of_day.iter().map(line).collect();
        let mut file = fs::OpenOptions::new().create(true).append(true).open(path)?;
        file.write_all(lines.as_bytes())?;
    }
    Ok(())
}

/// Later lines of a text are indented, so that none of them looks like another message, whatever an
/// editor takes for the end of a line; what moves a caret on a screen is left out.
fn line(entry: &Entry) -> String {
    let mut text = String::new();
    let mut letters = entry.text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\r' if letters.peek() == Some(&'\n') => {}
            '\n' | '\r' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => {
                text.push_str("\n    ");
            }
            '\t' => text.push(letter),
            letter if letter.is_control() => {}
            letter => text.push(letter),
        }
    }
    format!("[{} {}] {}: {text}\n", entry.date, entry.time, entry.sender)
}

/// User names hold nothing that a file system minds, save the names that Windows keeps for devices,
/// and a dot at the end, which a user name cannot have.
fn path(documents: &Path, contact: &Username, date: &str) -> PathBuf {
    let name = contact.as_str();
    let stem = name.split('.').next().unwrap_or(name);
    let device = matches!(stem, "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.ends_with(|last: char| last.is_ascii_digit()));
    let folder = if device { format!("_{name}") } else { name.to_owned() };
    documents.join("ThriveMessenger").join("chats").join(folder).join(format!("{date}.txt"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(text: &str) -> Entry {
        Entry {
            date: "2026-11-20".into(),
            time: "3:04:05 PM".into(),
            sender: "ann".into(),
            text: text.into(),
        }
    }

    fn named(name: &str) -> Username {
        Username::parse(name).unwrap()
    }

    #[test]
    fn every_day_has_its_file_and_every_message_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let next = Entry { date: "2026-11-21".into(), ..entry("next day") };
        append(dir.path(), &named("ann"), &[entry("hi"), entry("two\r\n[lines]"), next]).unwrap();
        append(dir.path(), &named("ann"), &[entry("more")]).unwrap();
        let read = |day: &str| {
            let path = dir.path().join(format!("ThriveMessenger/chats/ann/{day}.txt"));
            fs::read_to_string(path).unwrap()
        };
        let expected = "[2026-11-20 3:04:05 PM] ann: hi\n\
                        [2026-11-20 3:04:05 PM] ann: two\n    [lines]\n\
                        [2026-11-20 3:04:05 PM] ann: more\n";
        assert_eq!(read("2026-11-20"), expected);
        assert_eq!(read("2026-11-21"), "[2026-11-21 3:04:05 PM] ann: next day\n");
    }

    #[test]
    fn no_text_looks_like_another_message() {
        for end in ["\n", "\r", "\u{2028}", "\u{85}", "\u{b}"] {
            let text = line(&entry(&format!("hi{end}[now] bob: fake\u{1b}[2J")));
            assert!(text.ends_with(" ann: hi\n    [now] bob: fake[2J\n"), "{text:?}");
        }
    }

    #[test]
    fn no_name_becomes_a_device_of_windows() {
        for name in ["aux", "com1", "nul.x"] {
            let path = path(Path::new("d"), &named(name), "2026-11-20");
            let folder = path.parent().unwrap().file_name().unwrap();
            assert!(folder.to_str().unwrap().starts_with('_'), "{path:?}");
        }
    }

    /// Named after the weakness of others: names from the network that led out of the folder.
    #[test]
    fn weakness_03_no_name_of_a_contact_leads_out_of_the_folder_of_the_logs() {
        let folder = Path::new("documents/ThriveMessenger/chats");
        let hostile = [
            "../../../../tmp/x",
            "..",
            ".",
            "a/../../b",
            "a\\..\\b",
            "/etc/passwd",
            "c:\\x",
            "a\nb",
            "a\0b",
            " ann",
            "ann.",
            "ann/",
            "con",
            "ann",
            "a.b-c_d",
        ];
        let mut paths = 0;
        for name in hostile {
            // A name that cannot be one never becomes a path.
            let Ok(contact) = Username::parse(name) else { continue };
            let path = path(Path::new("documents"), &contact, "2026-11-20");
            let inside = path.strip_prefix(folder).unwrap();
            let plain =
                |part: std::path::Component<'_>| matches!(part, std::path::Component::Normal(_));
            assert!(inside.components().count() == 2 && inside.components().all(plain), "{path:?}");
            assert!(!path.to_string_lossy().contains(['\\', '\n', '\0', ':']), "{path:?}");
            paths += 1;
        }
        assert!(2 < paths, "some of the names are good ones");
    }
}
