//! The log of a chat that a person asked for: one text file for each day.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thrive_client::Username;

/// One line to write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    pub contact: Username,
    /// Of the message, on this computer: `2026-11-20`.
    pub date: String,
    /// `3:04:05 PM`.
    pub time: String,
    pub sender: String,
    pub text: String,
}

/// Appends a line to `ThriveMessenger/chats/<contact>/YYYY-MM-DD.txt` in the documents.
///
/// # Errors
/// The folder or the disk said no.
pub fn append(documents: &Path, entry: &Entry) -> io::Result<()> {
    let path = path(documents, entry);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    // Later lines of a text are indented, so that none of them looks like another message.
    let text = entry.text.replace('\n', "\n    ");
    let line = format!("[{}] {}: {text}\n", entry.time, entry.sender);
    fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())
}

/// User names hold nothing that a file system minds, save the names that Windows keeps for devices,
/// and a dot at the end, which a user name cannot have.
fn path(documents: &Path, entry: &Entry) -> PathBuf {
    let name = entry.contact.as_str();
    let stem = name.split('.').next().unwrap_or(name);
    let device = matches!(stem, "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.ends_with(|last: char| last.is_ascii_digit()));
    let folder = if device { format!("_{name}") } else { name.to_owned() };
    documents.join("ThriveMessenger").join("chats").join(folder).join(format!("{}.txt", entry.date))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(contact: &str, text: &str) -> Entry {
        Entry {
            contact: Username::parse(contact).unwrap(),
            date: "2026-11-20".into(),
            time: "3:04:05 PM".into(),
            sender: "Ann".into(),
            text: text.into(),
        }
    }

    #[test]
    fn every_day_has_its_file_and_every_message_its_line() {
        let dir = tempfile::tempdir().unwrap();
        append(dir.path(), &entry("ann", "hi")).unwrap();
        append(dir.path(), &entry("ann", "two\n[lines]")).unwrap();
        let path = dir.path().join("ThriveMessenger/chats/ann/2026-11-20.txt");
        let text = fs::read_to_string(path).unwrap();
        assert_eq!(text, "[3:04:05 PM] Ann: hi\n[3:04:05 PM] Ann: two\n    [lines]\n");
    }

    #[test]
    fn no_name_becomes_a_device_of_windows() {
        for name in ["aux", "com1", "nul.x"] {
            let path = path(Path::new("d"), &entry(name, ""));
            let folder = path.parent().unwrap().file_name().unwrap();
            assert!(folder.to_str().unwrap().starts_with('_'), "{path:?}");
        }
    }
}
