//! The log of a chat that a person asked for: one text file for each day. What is to be written is up to
//! `bridge/logs.rs`.

use std::fs;
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
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

/// Appends the first day of these to `ThriveMessenger/chats/<contact>/YYYY-MM-DD.txt` in the documents, and
/// says how many they were. `at`: the place in the chat before them. When that place is noted elsewhere,
/// [`noted`] is to be called; what was written without it, because the program ended between the two, is found
/// here the next time and written anew.
///
/// # Errors
/// The folder or the disk said no; some of it may be written.
pub fn append(
    documents: &Path,
    contact: &Username,
    at: u64,
    entries: &[Entry],
) -> io::Result<usize> {
    let mut days = entries.chunk_by(|one, next| one.date == next.date);
    let Some((first, of_day)) = days.next().and_then(|day| Some((day.first()?, day))) else {
        return Ok(0);
    };
    let (path, begun) = (path(documents, contact, &first.date), begun(documents, contact));
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let lines: String = of_day.iter().map(line).collect();
    let mut file = fs::OpenOptions::new().create(true).append(true).read(true).open(&path)?;
    let mut length = file.metadata()?.len();
    let before = Begun { at, date: first.date.clone(), length };
    if let Some(was) = Begun::read(&begun)
        && (was.at, &was.date) == (at, &before.date)
        && is_of(&mut file, was.length, &lines)?
    {
        if was.length < length {
            // A file of its own: on Windows one that is opened for appending cannot be cut.
            fs::OpenOptions::new().write(true).open(&path)?.set_len(was.length)?;
        }
        length = was.length;
    }
    Begun { length, ..before }.write(&begun)?;
    file.write_all(lines.as_bytes())?;
    file.sync_data()?;
    Ok(of_day.len())
}

/// The place after what was written is noted.
///
/// # Errors
/// The disk said no; it does no harm.
pub fn noted(documents: &Path, contact: &Username) -> io::Result<()> {
    fs::remove_file(begun(documents, contact))
}

/// Where a file ended before something was written to it.
struct Begun {
    at: u64,
    date: String,
    length: u64,
}

impl Begun {
    /// Nothing where it is not there, or not whole: then nothing was written after it.
    fn read(path: &Path) -> Option<Self> {
        let text = fs::read_to_string(path).ok()?;
        let mut parts = text.strip_suffix('\n')?.split(' ');
        let (at, date, length) = (parts.next()?, parts.next()?, parts.next()?);
        Some(Self { at: at.parse().ok()?, date: date.to_owned(), length: length.parse().ok()? })
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let mut file = fs::File::create(path)?;
        writeln!(file, "{} {} {}", self.at, self.date, self.length)?;
        file.sync_data()
    }
}

/// Whether what follows a place in a file is a beginning of these lines, or they of it; it may be that somebody
/// has edited the file.
fn is_of(file: &mut fs::File, place: u64, lines: &str) -> io::Result<bool> {
    if file.metadata()?.len() < place {
        return Ok(false);
    }
    let mut rest = Vec::new();
    file.seek(SeekFrom::Start(place))?;
    file.read_to_end(&mut rest)?;
    Ok(lines.as_bytes().starts_with(&rest))
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
    folder(documents, contact).join(format!("{date}.txt"))
}

fn begun(documents: &Path, contact: &Username) -> PathBuf {
    folder(documents, contact).join(".begun")
}

fn folder(documents: &Path, contact: &Username) -> PathBuf {
    let name = contact.as_str();
    let stem = name.split('.').next().unwrap_or(name);
    let device = matches!(stem, "con" | "prn" | "aux" | "nul")
        || (stem.len() == 4
            && (stem.starts_with("com") || stem.starts_with("lpt"))
            && stem.ends_with(|last: char| last.is_ascii_digit()));
    let folder = if device { format!("_{name}") } else { name.to_owned() };
    documents.join("ThriveMessenger").join("chats").join(folder)
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
        let write = |at, entries: &[Entry]| append(dir.path(), &named("ann"), at, entries).unwrap();
        let all = [entry("hi"), entry("two\r\n[lines]"), next];
        assert_eq!((write(0, &all), write(2, &all[2..])), (2, 1), "a day at a time");
        write(3, &[entry("more")]);
        noted(dir.path(), &named("ann")).unwrap();
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

    /// The power may go, or the program be killed, after any byte.
    #[test]
    fn what_was_written_and_not_noted_is_written_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("ThriveMessenger/chats/ann/2026-11-20.txt");
        let write = |at, entries: &[Entry]| append(dir.path(), &named("ann"), at, entries).unwrap();
        write(0, &[entry("first"), entry("hi")]);
        noted(dir.path(), &named("ann")).unwrap();
        let before = fs::read_to_string(&path).unwrap();
        write(2, &[entry("hi")]);
        // More has come until it starts again; the same words a second time among it.
        let whole = fs::read_to_string(&path).unwrap();
        let expected = format!("{before}{0}{0}", line(&entry("hi")));
        for written in before.len()..=whole.len() {
            fs::write(&path, &whole[..written]).unwrap();
            write(2, &[entry("hi"), entry("hi")]);
            assert_eq!(fs::read_to_string(&path).unwrap(), expected, "{written}");
        }
        noted(dir.path(), &named("ann")).unwrap();
        write(4, &[entry("hi")]);
        assert_eq!(fs::read_to_string(&path).unwrap(), expected + &line(&entry("hi")));
        // What somebody has written into it stays.
        let edited = fs::read_to_string(&path).unwrap() + "my own note\n";
        fs::write(&path, &edited).unwrap();
        write(4, &[entry("hi")]);
        assert_eq!(fs::read_to_string(&path).unwrap(), edited + &line(&entry("hi")));
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
