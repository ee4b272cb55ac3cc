//! The log of a chat that a person asked for: one text file for each day. Every message is written once,
//! however often it is heard of: beside the settings stands which ones were.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use thrive_client::Username;

/// One line to write.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    /// Its place in the conversation.
    pub seq: u64,
    /// Of the message, on this computer: `2026-11-20`.
    pub date: String,
    /// `3:04:05 PM`.
    pub time: String,
    pub sender: String,
    pub text: String,
}

/// Whose chat with whom, on which server.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Of {
    /// Server and user name.
    pub account: String,
    pub contact: Username,
}

/// The logs of all chats, and what is in them.
#[derive(Debug)]
pub struct Log {
    documents: PathBuf,
    file: PathBuf,
    written: BTreeMap<String, Written>,
}

/// The messages of a chat that are in its log.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
struct Written {
    /// Everything up to here is written, or was not to be.
    up_to: u64,
    /// What was written after that; a place may be taken before the one below it is heard of.
    also: BTreeSet<u64>,
}

impl Written {
    fn has(&self, seq: u64) -> bool {
        seq <= self.up_to || self.also.contains(&seq)
    }

    fn put(&mut self, seq: u64) {
        self.also.insert(seq);
        while ALSO_MAX < self.also.len() {
            self.up_to = self.also.pop_first().unwrap_or(self.up_to);
        }
    }
}

impl Log {
    /// `dir` is where the settings are.
    #[must_use]
    pub fn open(documents: &Path, dir: &Path) -> Self {
        let file = dir.join("logged.toml");
        let written = fs::read_to_string(&file)
            .ok()
            .and_then(|text| toml::from_str(&text).ok())
            .unwrap_or_default();
        Self { documents: documents.to_owned(), file, written }
    }

    /// The log was switched on: what is there already is not written.
    ///
    /// # Errors
    /// The folder or the disk said no.
    pub fn begin(&mut self, of: &Of, seq: u64) -> io::Result<()> {
        let written = self.written.entry(key(of)).or_default();
        written.up_to = written.up_to.max(seq);
        written.also.retain(|also| seq < *also);
        self.save()
    }

    /// Appends what is not yet in the log to `ThriveMessenger/chats/<contact>/YYYY-MM-DD.txt` in the
    /// documents.
    ///
    /// # Errors
    /// The folder or the disk said no.
    pub fn append(&mut self, of: &Of, entries: &[Entry]) -> io::Result<()> {
        let before = self.written.get(&key(of)).cloned().unwrap_or_default();
        let mut now = before.clone();
        let mut result = Ok(());
        for entry in entries {
            if now.has(entry.seq) {
                continue;
            }
            result = write(&self.documents, &of.contact, entry);
            if result.is_err() {
                break;
            }
            now.put(entry.seq);
        }
        if now != before {
            self.written.insert(key(of), now);
            self.save()?;
        }
        result
    }

    /// What is shown when a chat is opened: what came while nobody listened is written, but a log that
    /// has not begun does not begin with what is old.
    ///
    /// # Errors
    /// The folder or the disk said no.
    pub fn catch_up(&mut self, of: &Of, entries: &[Entry]) -> io::Result<()> {
        if self.written.contains_key(&key(of)) {
            return self.append(of, entries);
        }
        let newest = entries.iter().map(|entry| entry.seq).max();
        newest.map_or(Ok(()), |newest| self.begin(of, newest))
    }

    fn save(&self) -> io::Result<()> {
        let text = toml::to_string(&self.written).map_err(io::Error::other)?;
        let half = self.file.with_extension("toml.new");
        fs::write(&half, text)?;
        fs::rename(half, &self.file)
    }
}

fn key(of: &Of) -> String {
    format!("{} {}", of.account, of.contact.as_str())
}

fn write(documents: &Path, contact: &Username, entry: &Entry) -> io::Result<()> {
    let path = path(documents, contact, &entry.date);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::OpenOptions::new().create(true).append(true).open(path)?.write_all(line(entry).as_bytes())
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

/// Messages under way at the same time are far fewer.
const ALSO_MAX: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(seq: u64, text: &str) -> Entry {
        Entry {
            seq,
            date: "2026-11-20".into(),
            time: "3:04:05 PM".into(),
            sender: "ann".into(),
            text: text.into(),
        }
    }

    fn of(contact: &str) -> Of {
        Of { account: "localhost:2005 bob".into(), contact: Username::parse(contact).unwrap() }
    }

    fn read(dir: &Path) -> String {
        let path = dir.join("ThriveMessenger/chats/ann/2026-11-20.txt");
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn every_day_has_its_file_and_every_message_its_line() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::open(dir.path(), dir.path());
        log.append(&of("ann"), &[entry(1, "hi"), entry(2, "two\r\n[lines]")]).unwrap();
        let expected = "[2026-11-20 3:04:05 PM] ann: hi\n\
                        [2026-11-20 3:04:05 PM] ann: two\n    [lines]\n";
        assert_eq!(read(dir.path()), expected);
    }

    #[test]
    fn no_text_looks_like_another_message() {
        for end in ["\n", "\r", "\u{2028}", "\u{85}", "\u{b}"] {
            let text = line(&entry(1, &format!("hi{end}[now] bob: fake\u{1b}[2J")));
            assert!(text.ends_with(" ann: hi\n    [now] bob: fake[2J\n"), "{text:?}");
        }
    }

    #[test]
    fn a_message_is_written_once_after_a_reconnect_and_after_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::open(dir.path(), dir.path());
        // The own message got its place before the one below it was heard of.
        log.append(&of("ann"), &[entry(2, "two")]).unwrap();
        log.append(&of("ann"), &[entry(1, "one")]).unwrap();
        log.append(&of("ann"), &[entry(1, "one"), entry(2, "two"), entry(3, "three")]).unwrap();
        let mut log = Log::open(dir.path(), dir.path());
        log.catch_up(&of("ann"), &[entry(2, "two"), entry(3, "three"), entry(4, "four")]).unwrap();
        let texts: Vec<_> = read(dir.path())
            .lines()
            .filter_map(|line| line.split_once(": ").map(|(_, text)| text.to_owned()))
            .collect();
        assert_eq!(texts, ["two", "one", "three", "four"]);
    }

    #[test]
    fn a_log_begins_where_it_was_switched_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut log = Log::open(dir.path(), dir.path());
        log.begin(&of("ann"), 7).unwrap();
        log.catch_up(&of("ann"), &[entry(6, "old"), entry(7, "old"), entry(8, "new")]).unwrap();
        assert!(read(dir.path()).ends_with("ann: new\n"));
        assert_eq!(read(dir.path()).lines().count(), 1);
        // One of an older program: what is shown is old.
        log.catch_up(&of("eve"), &[entry(5, "old")]).unwrap();
        log.append(&of("eve"), &[entry(5, "old")]).unwrap();
        assert!(!dir.path().join("ThriveMessenger/chats/eve").exists());
    }

    #[test]
    fn what_is_remembered_of_a_chat_stays_small() {
        let mut written = Written::default();
        (1..=10_000).for_each(|seq| written.put(seq));
        assert!(written.also.len() <= ALSO_MAX);
        assert!((1..=10_000).all(|seq| written.has(seq)) && !written.has(10_001));
    }

    #[test]
    fn no_name_becomes_a_device_of_windows() {
        for name in ["aux", "com1", "nul.x"] {
            let path = path(Path::new("d"), &of(name).contact, "2026-11-20");
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
