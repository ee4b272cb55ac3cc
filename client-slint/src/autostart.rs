//! Whether the program starts when its person logs in to the computer. Kept where the system looks for
//! it and nowhere else, so that it can be changed there too.

use std::io;
use std::path::PathBuf;

/// Where and what to start.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Autostart {
    /// The folder of the desktop for programs that start by themselves; none where there is no such
    /// folder.
    pub folder: Option<PathBuf>,
    pub program: PathBuf,
    /// What this program was started with and needs again.
    pub arguments: Vec<String>,
}

#[cfg(not(windows))]
mod system {
    use std::fs;
    use std::io;
    use std::path::PathBuf;

    use super::Autostart;

    const FILE: &str = "org.thrive.Messenger.desktop";

    fn file(autostart: &Autostart) -> io::Result<PathBuf> {
        let folder = autostart.folder.as_ref().ok_or(io::ErrorKind::NotFound)?;
        Ok(folder.join(FILE))
    }

    /// One of another program, or one that was switched off with the means of the desktop, does not start
    /// this program.
    pub(super) fn is_on(autostart: &Autostart) -> bool {
        let exec = exec(autostart);
        let Some(text) = file(autostart).ok().and_then(|it| fs::read_to_string(it).ok()) else {
            return false;
        };
        let off = ["Hidden=true", "X-GNOME-Autostart-enabled=false"];
        text.lines().any(|line| line.trim() == exec)
            && !text.lines().any(|line| off.contains(&line.replace(' ', "").as_str()))
    }

    pub(super) fn set(autostart: &Autostart, on: bool) -> io::Result<()> {
        let file = match file(autostart) {
            Err(_) if !on => return Ok(()),
            file => file?,
        };
        if !on {
            return match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let text = format!(
            "[Desktop Entry]\nType=Application\nName=Thrive Messenger\n{}\n\
             Terminal=false\nX-GNOME-Autostart-enabled=true\n",
            exec(autostart)
        );
        fs::write(file, text)
    }

    /// The line that says what is started.
    fn exec(autostart: &Autostart) -> String {
        let program = autostart.program.to_string_lossy();
        let words: Vec<_> = std::iter::once(program.as_ref())
            .chain(autostart.arguments.iter().map(String::as_str))
            .map(quoted)
            .collect();
        format!("Exec={}", words.join(" "))
    }

    /// One word of `Exec`, by the rules of the desktop entry: in quotes, what is special behind a
    /// backslash, which is itself doubled in a value; a percent sign is doubled.
    fn quoted(word: &str) -> String {
        let mut quoted = String::from("\"");
        for letter in word.chars() {
            match letter {
                '"' | '`' | '$' => quoted.extend(['\\', '\\', letter]),
                '\\' => quoted.push_str("\\\\\\\\"),
                '%' => quoted.push_str("%%"),
                '\n' | '\r' => {}
                letter => quoted.push(letter),
            }
        }
        quoted.push('"');
        quoted
    }
}

#[cfg(windows)]
mod system {
    use std::io;

    use windows_registry::{CURRENT_USER, Key, Result};

    use super::Autostart;

    const STARTED: &str = r"Software\Microsoft\Windows\CurrentVersion\Run";
    /// What a person switched off with the means of Windows.
    const SWITCHED: &str =
        r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run";
    const NAME: &str = "ThriveMessenger";

    /// One of another program, or one that was switched off with the means of Windows, does not start
    /// this program.
    pub(super) fn is_on(autostart: &Autostart) -> bool {
        let line = CURRENT_USER.open(STARTED).and_then(|key| key.get_string(NAME));
        let off = CURRENT_USER.open(SWITCHED).and_then(|key| key.get_value(NAME));
        line.is_ok_and(|line| line == command(autostart))
            && !off.is_ok_and(|off| off.first().is_some_and(|first| first % 2 == 1))
    }

    pub(super) fn set(autostart: &Autostart, on: bool) -> io::Result<()> {
        let set = || {
            let started = CURRENT_USER.create(STARTED)?;
            if on {
                started.set_string(NAME, command(autostart))?;
            } else {
                take_out(&started)?;
            }
            // Windows keeps it beside, and it would still be off.
            match changeable(SWITCHED) {
                Ok(switched) => take_out(&switched),
                Err(_) => Ok(()),
            }
        };
        set().map_err(io::Error::other)
    }

    fn changeable(path: &str) -> Result<Key> {
        CURRENT_USER.options().read().write().open(path)
    }

    fn take_out(key: &Key) -> Result<()> {
        if key.get_type(NAME).is_err() {
            return Ok(());
        }
        key.remove_value(NAME)
    }

    /// The line that says what is started.
    fn command(autostart: &Autostart) -> String {
        let program = autostart.program.to_string_lossy();
        let words: Vec<_> = std::iter::once(program.as_ref())
            .chain(autostart.arguments.iter().map(String::as_str))
            .map(super::quoted_for_windows)
            .collect();
        words.join(" ")
    }
}

impl Autostart {
    #[must_use]
    pub fn is_on(&self) -> bool {
        system::is_on(self)
    }

    /// # Errors
    /// The folder, the disk or the registry said no.
    pub fn set(&self, on: bool) -> io::Result<()> {
        system::set(self, on)
    }
}

/// One word of a command line as a program on Windows takes it apart: backslashes mean themselves, except
/// before a quotation mark, where they are doubled.
#[cfg(any(windows, test))]
fn quoted_for_windows(word: &str) -> String {
    let mut quoted = String::from("\"");
    let mut backslashes = 0;
    for letter in word.chars() {
        if letter == '"' {
            quoted.extend(std::iter::repeat_n('\\', backslashes + 1));
        }
        backslashes = if letter == '\\' { backslashes + 1 } else { 0 };
        quoted.push(letter);
    }
    quoted.extend(std::iter::repeat_n('\\', backslashes));
    quoted.push('"');
    quoted
}

#[cfg(all(test, not(windows)))]
mod tests {
    use super::*;

    #[test]
    fn what_is_switched_on_is_a_file_that_starts_the_program_and_off_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let autostart = Autostart {
            folder: Some(dir.path().join("autostart")),
            program: "/opt/my $programs/thrive 100%".into(),
            arguments: vec!["--dir".into(), "/data/a \"b\"".into()],
        };
        assert!(!autostart.is_on());
        autostart.set(true).unwrap();
        assert!(autostart.is_on());
        let file = dir.path().join("autostart/org.thrive.Messenger.desktop");
        let text = std::fs::read_to_string(file).unwrap();
        let exec = r#"Exec="/opt/my \\$programs/thrive 100%%" "--dir" "/data/a \\"b\\"""#;
        assert!(text.lines().any(|line| line == exec), "{text}");
        autostart.set(false).unwrap();
        autostart.set(false).unwrap();
        assert!(!autostart.is_on());
    }

    #[test]
    fn what_starts_another_program_or_is_switched_off_elsewhere_is_off_and_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Some(dir.path().to_owned());
        let before = Autostart { folder, program: "/old/thrive".into(), arguments: Vec::new() };
        let now = Autostart { program: "/new/thrive".into(), ..before.clone() };
        before.set(true).unwrap();
        assert!(before.is_on() && !now.is_on());
        now.set(true).unwrap();
        assert!(now.is_on());
        let file = dir.path().join("org.thrive.Messenger.desktop");
        for off in ["Hidden=true", "X-GNOME-Autostart-enabled = false"] {
            let text = std::fs::read_to_string(&file).unwrap();
            std::fs::write(&file, format!("{text}{off}\n")).unwrap();
            assert!(!now.is_on(), "{off}");
            now.set(true).unwrap();
            assert!(now.is_on());
        }
    }

    #[test]
    fn a_word_for_windows_ends_where_it_should_whatever_backslashes_are_in_it() {
        for (word, quoted) in [
            (r"C:\a b\thrive.exe", r#""C:\a b\thrive.exe""#),
            (r"D:\x\", r#""D:\x\\""#),
            (r#"a\"b"#, r#""a\\\"b""#),
        ] {
            assert_eq!(quoted_for_windows(word), quoted);
        }
    }

    #[test]
    fn without_a_desktop_it_is_off_and_cannot_be_switched_on() {
        let autostart = Autostart { folder: None, program: "thrive".into(), arguments: Vec::new() };
        assert!(!autostart.is_on());
        assert!(autostart.set(true).is_err());
        assert!(autostart.set(false).is_ok());
    }
}
