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

    pub(super) fn is_on(autostart: &Autostart) -> bool {
        file(autostart).is_ok_and(|file| file.is_file())
    }

    pub(super) fn set(autostart: &Autostart, on: bool) -> io::Result<()> {
        let file = file(autostart)?;
        if !on {
            return match fs::remove_file(file) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder)?;
        }
        let program = autostart.program.to_string_lossy();
        let words = std::iter::once(program.as_ref())
            .chain(autostart.arguments.iter().map(String::as_str))
            .map(quoted)
            .collect::<Vec<_>>()
            .join(" ");
        let text = format!(
            "[Desktop Entry]\nType=Application\nName=Thrive Messenger\nExec={words}\n\
             Terminal=false\nX-GNOME-Autostart-enabled=true\n"
        );
        fs::write(file, text)
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
    use std::process::Command;

    use super::Autostart;

    const KEY: &str = r"HKCU\Software\Microsoft\Windows\CurrentVersion\Run";
    const NAME: &str = "ThriveMessenger";

    fn registry(words: &[&str]) -> io::Result<bool> {
        // No shell is between us and it.
        Ok(Command::new("reg.exe").args(words).output()?.status.success())
    }

    pub(super) fn is_on(_: &Autostart) -> bool {
        registry(&["query", KEY, "/v", NAME]).unwrap_or(false)
    }

    pub(super) fn set(autostart: &Autostart, on: bool) -> io::Result<()> {
        if !on && !is_on(autostart) {
            return Ok(());
        }
        let mut line = format!("\"{}\"", autostart.program.display());
        for argument in &autostart.arguments {
            line.push_str(&format!(" \"{argument}\""));
        }
        let done = if on {
            registry(&["add", KEY, "/v", NAME, "/t", "REG_SZ", "/d", &line, "/f"])?
        } else {
            registry(&["delete", KEY, "/v", NAME, "/f"])?
        };
        if done { Ok(()) } else { Err(io::Error::other("the registry refused")) }
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
        if self.is_on() == on { Ok(()) } else { system::set(self, on) }
    }
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
    fn without_a_desktop_it_is_off_and_cannot_be_switched_on() {
        let autostart = Autostart { folder: None, program: "thrive".into(), arguments: Vec::new() };
        assert!(!autostart.is_on());
        assert!(autostart.set(true).is_err());
        assert!(autostart.set(false).is_ok());
    }
}
