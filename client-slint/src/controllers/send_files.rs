//! The files that somebody chose for one person.

use std::path::{Path, PathBuf};

use thrive_client::{Username, size_in_words};

use crate::bridge::{FileWish, Wish};
use crate::rows::{Listed, RowChange, Rows, Step};

/// A file that was chosen.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chosen {
    number: usize,
    pub path: PathBuf,
    pub size: u64,
}

impl Chosen {
    /// `photo.jpg, 2.1 MB`.
    #[must_use]
    pub fn words(&self) -> String {
        format!("{}, {}", name(&self.path), size_in_words(self.size))
    }
}

impl Listed for Chosen {
    type Id = usize;
    type Place = usize;

    fn id(&self) -> usize {
        self.number
    }

    fn place(&self) -> usize {
        self.number
    }

    fn letters(&self) -> String {
        name(&self.path)
    }
}

#[derive(Debug)]
pub struct SendFiles {
    pub to: Username,
    /// What the person is called.
    pub name: String,
    rows: Rows<Chosen>,
    next: usize,
    /// As soon as the paths are looked at, what is on the list is sent.
    pub send_then: bool,
    /// What was sent and has no answer yet.
    under_way: Vec<PathBuf>,
    offered: usize,
    refused: Vec<String>,
}

impl SendFiles {
    #[must_use]
    pub fn new(to: Username, name: String) -> Self {
        Self {
            to,
            name,
            rows: Rows::default(),
            next: 0,
            send_then: false,
            under_way: Vec::new(),
            offered: 0,
            refused: Vec::new(),
        }
    }

    #[must_use]
    pub fn rows(&self) -> &Rows<Chosen> {
        &self.rows
    }

    pub fn walk(&mut self, step: Step) {
        self.rows.walk(step);
    }

    pub fn letter(&mut self, letter: &str) {
        self.rows.letter(letter);
    }

    pub fn choose(&mut self, at: usize) {
        self.rows.choose(at);
    }

    pub fn enter(&mut self) {
        if self.rows.current().is_none() {
            self.rows.walk(Step::First);
        }
    }

    /// Puts a file on the list, once. `None`: it is there already.
    pub fn put(&mut self, path: PathBuf, size: u64) -> Option<Vec<RowChange>> {
        if self.rows.rows().iter().any(|chosen| chosen.path == path) {
            return None;
        }
        self.next += 1;
        Some(self.rows.put(Chosen { number: self.next, path, size }))
    }

    /// Takes the chosen one off the list.
    pub fn remove(&mut self) -> Option<(String, Vec<RowChange>)> {
        let chosen = self.rows.chosen()?;
        let (number, words) = (chosen.number, name(&chosen.path));
        Some((words, self.rows.remove(number)))
    }

    /// What sends everything that is on the list.
    ///
    /// # Errors
    /// Nothing is, or it is being sent.
    pub fn submit(&mut self) -> Result<Wish, &'static str> {
        if self.is_busy() {
            return Err("The files are being read.");
        }
        let paths: Vec<_> = self.rows.rows().iter().map(|chosen| chosen.path.clone()).collect();
        if paths.is_empty() {
            return Err("No file is chosen yet.");
        }
        self.under_way.clone_from(&paths);
        (self.offered, self.refused) = (0, Vec::new());
        Ok(Wish::File(FileWish::Offer { to: self.to.clone(), paths }))
    }

    #[must_use]
    pub fn is_busy(&self) -> bool {
        !self.under_way.is_empty()
    }

    /// Whether this file was sent to this person from here and has no answer yet.
    #[must_use]
    pub fn awaits(&self, to: &Username, path: &Path) -> bool {
        self.to == *to && self.under_way.iter().any(|it| it == path)
    }

    /// One of them is offered, or was refused for this reason. What is offered leaves the list.
    pub fn offered(&mut self, path: &Path, refused: Option<String>) -> Vec<RowChange> {
        self.under_way.retain(|it| it != path);
        let number = self.rows.rows().iter().find(|it| it.path == path).map(Chosen::id);
        match refused {
            Some(why) => {
                self.refused.push(format!("{}: {why}", name(path)));
                Vec::new()
            }
            None => {
                self.offered += 1;
                number.map(|number| self.rows.remove(number)).unwrap_or_default()
            }
        }
    }

    /// How it went, once all have an answer: what was offered, and what was refused.
    #[must_use]
    pub fn outcome(&self) -> (Option<String>, Vec<String>) {
        let offered = match self.offered {
            0 => None,
            1 => Some(format!("The file is offered to {}.", self.name)),
            many => Some(format!("{many} files are offered to {}.", self.name)),
        };
        (offered, self.refused.clone())
    }
}

/// The last part of a path.
#[must_use]
pub fn name(path: &Path) -> String {
    path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned()
}

/// The paths that somebody typed or pasted: one in each line, also as `file://` and in quotation marks.
///
/// # Errors
/// A sentence about the first line that is none.
pub fn paths(text: &str) -> Result<Vec<PathBuf>, String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(path).collect()
}

fn path(line: &str) -> Result<PathBuf, String> {
    let quoted =
        ['"', '\''].into_iter().find_map(|quote| line.strip_prefix(quote)?.strip_suffix(quote));
    let line = quoted.unwrap_or(line);
    let path = match line.get(..5).filter(|it| it.eq_ignore_ascii_case("file:")) {
        Some(_) => {
            of_address(&line[5..]).ok_or_else(|| format!("{line} leads to no file here."))?
        }
        None => PathBuf::from(line),
    };
    // The home folder is filled in where the disk is read.
    if path.is_absolute() || path.starts_with("~") {
        Ok(path)
    } else {
        Err(format!("{line} is no whole path. Begin with {BEGINNING}"))
    }
}

/// What stands behind `file:`, as a path of this computer.
fn of_address(rest: &str) -> Option<PathBuf> {
    let path = match rest.strip_prefix("//") {
        Some(rest) => {
            let slash = rest.find('/')?;
            let host = &rest[..slash];
            (host.is_empty() || host.eq_ignore_ascii_case("localhost")).then_some(&rest[slash..])?
        }
        None => rest,
    };
    let path = decoded(path)?;
    // `/C:/x` on Windows.
    Some(PathBuf::from(if cfg!(windows) { path.trim_start_matches('/') } else { &path }))
}

fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, after @ ..] = rest {
        (bytes, rest) = match (first, after) {
            (b'%', [high, low, after @ ..]) => {
                let digits = [*high, *low];
                let digits = std::str::from_utf8(&digits).ok()?;
                bytes.push(u8::from_str_radix(digits, 16).ok()?);
                (bytes, after)
            }
            (b'%', _) => return None,
            (byte, after) => {
                bytes.push(*byte);
                (bytes, after)
            }
        };
    }
    String::from_utf8(bytes).ok()
}

#[cfg(windows)]
const BEGINNING: &str = "C:\\ or another drive.";
#[cfg(not(windows))]
const BEGINNING: &str = "/ or ~/.";

#[cfg(test)]
mod tests {
    use super::*;

    fn to_ann() -> SendFiles {
        SendFiles::new(Username::parse("ann").unwrap(), "Ann".into())
    }

    #[cfg(unix)]
    #[test]
    fn pasted_paths_are_read_line_by_line_in_every_usual_form() {
        let text = "/home/bob/a b.txt\r\n\n'/tmp/it.txt'\n\"/tmp/b.txt\"\nfile:///tmp/a%20b%C3%A4.txt\nFile://localhost/x\n~/y";
        let read = paths(text).unwrap();
        let expected =
            ["/home/bob/a b.txt", "/tmp/it.txt", "/tmp/b.txt", "/tmp/a bä.txt", "/x", "~/y"];
        assert_eq!(read, expected.map(PathBuf::from));
        for wrong in ["a.txt", "file://elsewhere/x", "file:///a%2", "file:///%ff", "http://x/y"] {
            assert!(paths(wrong).unwrap_err().contains(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_file_is_on_the_list_once_and_what_is_offered_leaves_it() {
        let mut send = to_ann();
        assert_eq!(send.submit(), Err("No file is chosen yet."));
        assert!(send.put("/a".into(), 5).is_some());
        assert!(send.put("/a".into(), 5).is_none());
        send.put("/b".into(), 1_500);
        let paths = vec!["/a".into(), "/b".into()];
        let to = send.to.clone();
        assert_eq!(send.submit(), Ok(Wish::File(FileWish::Offer { to, paths })));
        assert!(send.is_busy() && send.submit().is_err());
        send.offered(Path::new("/a"), None);
        send.offered(Path::new("/b"), Some("It is empty.".into()));
        assert!(!send.is_busy());
        let offered = Some("The file is offered to Ann.".to_owned());
        assert_eq!(send.outcome(), (offered, vec!["b: It is empty.".to_owned()]));
        let left: Vec<_> = send.rows.rows().iter().map(Chosen::words).collect();
        assert_eq!(left, ["b, 1.5 kB"]);
    }

    #[test]
    fn what_is_chosen_can_be_taken_off_again() {
        let mut send = to_ann();
        assert_eq!(send.remove(), None);
        send.put("/x/a.txt".into(), 5);
        send.enter();
        assert_eq!(send.remove().unwrap().0, "a.txt");
        assert_eq!(send.rows.count(), 0);
    }
}
