//! What may be done with a file, and what is worth saying of a change of it.

use std::cmp::Reverse;
use std::path::{Path, PathBuf};

use jiff::tz::TimeZone;
use thrive_client::{File, FileState, MessageKey};

use crate::announce::Event;
use crate::bridge::FileWish;
use crate::clock;
use crate::rows::{Listed, RowChange, Rows, Step};
use crate::words::files as words;

/// What Enter does with a file.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Plan {
    /// Accept, decline, or later?
    Ask,
    Get,
    Open(PathBuf),
    /// The server refused it; perhaps it takes it now.
    OfferAgain,
    /// How it stands, as a sentence.
    Nothing(String),
}

#[must_use]
pub fn enter(file: &File) -> Plan {
    if let Some(saved) = &file.saved {
        let folder = saved.parent().unwrap_or(saved);
        let opens = if words::is_harmless(saved) { saved } else { folder };
        return Plan::Open(opens.to_owned());
    }
    match (file.mine, file.state) {
        (false, FileState::Offered | FileState::Ready) => Plan::Ask,
        (false, FileState::Accepted | FileState::Available | FileState::Received)
            if !file.wanted =>
        {
            Plan::Get
        }
        (true, FileState::OfferRefused(_)) => Plan::OfferAgain,
        (_, _) => Plan::Nothing(standing(file)),
    }
}

/// What Delete does, or the sentence why there is nothing to end.
///
/// # Errors
/// It is not under way.
pub fn cancel(file: &File) -> Result<FileWish, String> {
    if file.mine && file.state == FileState::Waiting {
        return Err(
            "The file is not offered yet. Without a connection nothing can be taken back.".into()
        );
    }
    let under_way = if file.mine { !file.state.is_over() } else { file.wanted };
    match (under_way, file.mine, file.state) {
        (true, _, _) => Ok(FileWish::Cancel(file.clone())),
        (false, false, FileState::Offered | FileState::Ready) => {
            Err("The file is only offered. Enter accepts or declines it.".into())
        }
        (false, _, _) => Err(standing(file)),
    }
}

/// Fetching it once more, or the sentence why it cannot be.
///
/// # Errors
/// It is one of mine, was not accepted, or the server does not have it.
pub fn again(file: &File, folder: &Path) -> Result<FileWish, String> {
    match file.state {
        _ if file.mine => Err("This file is one of yours.".into()),
        FileState::Accepted | FileState::Available | FileState::Received if !file.wanted => {
            Ok(FileWish::Get { file: file.clone(), folder: folder.to_owned() })
        }
        FileState::Offered | FileState::Ready => Err("Accept the file first.".into()),
        _ => Err(standing(file)),
    }
}

/// How it stands, as a sentence.
#[must_use]
pub fn standing(file: &File) -> String {
    let end = |text: String| if text.ends_with('.') { text } else { format!("{text}.") };
    end(format!("{}, {}", words::what(file), words::state(file, file.done)))
}

/// The log does not say which of the two it was.
const NOT_TAKEN: &str =
    "It was not what was offered, or files of this kind are not taken by the server.";

/// What is worth saying of a change. How far it is, is not.
#[must_use]
pub fn news(before: &File, now: &File, name: &str) -> Option<Event> {
    let file = now.name.clone();
    let failed = |why: String| Some(Event::FileFailed { file: file.clone(), why });
    let became = |state| now.state == state && before.state != state;
    let on_its_way = |it: &File| {
        matches!(it.state, FileState::Waiting | FileState::Offered | FileState::Accepted)
    };
    if before.saved.is_none() && now.saved.is_some() {
        return Some(Event::FileReceived { from: name.to_owned(), file });
    }
    if let (None, Some(why)) = (&before.failed, &now.failed) {
        return failed(words::why_failed(why));
    }
    if became(FileState::NotAsOffered) && now.mine {
        // Why this device gave it up was said already, by the server itself.
        return match now.failed {
            Some(_) => None,
            None => failed(NOT_TAKEN.into()),
        };
    }
    if became(FileState::NotAsOffered) && before.wanted {
        return failed("It was not what was offered.".into());
    }
    if now.mine && became(FileState::Declined) {
        return failed(format!("{name} has declined it."));
    }
    if !now.mine && before.wanted && became(FileState::Cancelled) {
        return failed(format!("{name} has taken it back."));
    }
    let there = matches!(now.state, FileState::Ready | FileState::Available | FileState::Received);
    (now.mine && on_its_way(before) && there).then(|| Event::FileSent { to: name.to_owned(), file })
}

/// A file in the list of all.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Entry {
    pub file: File,
    /// What the other person is called.
    pub name: String,
    /// Bytes that a screen reader was told of. In the chosen row they stand still: a name that changes
    /// while one listens is read again.
    pub heard: u64,
}

/// The newest first.
impl Listed for Entry {
    type Id = MessageKey;
    type Place = Reverse<MessageKey>;

    fn id(&self) -> MessageKey {
        self.file.message
    }

    fn place(&self) -> Self::Place {
        Reverse(self.file.message)
    }

    fn letters(&self) -> String {
        self.file.name.clone()
    }
}

/// The list of all files.
#[derive(Debug)]
pub struct Transfers {
    rows: Rows<Entry>,
    zone: TimeZone,
}

impl Transfers {
    #[must_use]
    pub fn new(zone: TimeZone) -> Self {
        Self { rows: Rows::default(), zone }
    }

    pub fn put(&mut self, file: File, name: String) -> Vec<RowChange> {
        let before = self.rows.get(file.message);
        let chosen = self.rows.chosen().is_some_and(|it| it.file.message == file.message);
        let heard = match before {
            Some(before) if chosen && same_step(&before.file, &file) => before.heard,
            Some(_) | None => file.done,
        };
        self.rows.put(Entry { file, name, heard })
    }

    /// There is no such file any more.
    pub fn gone(&mut self, message: MessageKey) -> Vec<RowChange> {
        self.rows.remove(message)
    }

    /// Moves in the list. The row that is left says how far it is now.
    pub fn walk(&mut self, step: Step) -> Vec<RowChange> {
        let changes = self.refresh();
        self.rows.walk(step);
        changes
    }

    pub fn letter(&mut self, letter: &str) -> Vec<RowChange> {
        let changes = self.refresh();
        self.rows.letter(letter);
        changes
    }

    pub fn choose(&mut self, at: usize) -> Vec<RowChange> {
        let changes = self.refresh();
        self.rows.choose(at);
        changes
    }

    pub fn enter(&mut self) {
        if self.rows.current().is_none() {
            self.rows.walk(Step::First);
        }
    }

    fn refresh(&mut self) -> Vec<RowChange> {
        let Some(entry) = self.rows.chosen().cloned() else { return Vec::new() };
        self.rows.put(Entry { heard: entry.file.done, ..entry })
    }

    #[must_use]
    pub fn rows(&self) -> &Rows<Entry> {
        &self.rows
    }

    #[must_use]
    pub fn chosen(&self) -> Option<&File> {
        self.rows.chosen().map(|entry| &entry.file)
    }

    /// The row for the ear, and the two lines for the eye.
    #[must_use]
    pub fn words(&self, entry: &Entry) -> [String; 3] {
        let Entry { file, name, heard } = entry;
        let direction = if file.mine { format!("to {name}") } else { format!("from {name}") };
        let time = clock::of_message(file.time_ms, clock::now_ms(), &self.zone);
        let what = words::what(file);
        [
            format!("{what}, {direction}, {}, {time}", words::state(file, *heard)),
            format!("{what}, {direction}"),
            format!("{time} · {}", words::state(file, file.done)),
        ]
    }
}

/// Only how many bytes are done is another one.
#[must_use]
pub fn same_step(before: &File, now: &File) -> bool {
    let begun = |file: &File| 0 < file.done;
    begun(before) == begun(now)
        && File { done: 0, ..before.clone() } == File { done: 0, ..now.clone() }
}

#[cfg(test)]
pub(crate) mod tests {
    use thrive_client::{UserId, Username};

    use super::*;

    pub(crate) fn file() -> File {
        File {
            message: MessageKey(7),
            id: None,
            peer: UserId(2),
            peer_name: Username::parse("ann").unwrap(),
            mine: false,
            time_ms: 0,
            name: "photo.jpg".into(),
            size: 2_100_000,
            content_type: "image/jpeg".into(),
            expires_ms: None,
            state: FileState::Ready,
            done: 0,
            wanted: false,
            saved: None,
            failed: None,
            limit: None,
            left: None,
        }
    }

    #[test]
    fn enter_asks_fetches_or_opens_and_never_runs_anything() {
        assert_eq!(enter(&file()), Plan::Ask);
        let available = File { state: FileState::Available, ..file() };
        assert_eq!(enter(&available), Plan::Get);
        let saved = |path: &str| File { saved: Some(path.into()), ..file() };
        assert_eq!(enter(&saved("/in/a.jpg")), Plan::Open("/in/a.jpg".into()));
        for program in ["/in/a.exe", "/in/a.desktop", "/in/a.html", "/in/a", "/in/a.jpg.sh"] {
            assert_eq!(enter(&saved(program)), Plan::Open("/in".into()), "{program}");
        }
        let mine = File { mine: true, ..file() };
        let sentence = "photo.jpg, 2.1 MB, sent, not answered yet.";
        assert_eq!(enter(&mine), Plan::Nothing(sentence.into()));
    }

    #[test]
    fn only_what_is_under_way_is_cancelled() {
        let mine = |state| File { mine: true, state, ..file() };
        for state in [FileState::Offered, FileState::Ready, FileState::Accepted] {
            assert!(cancel(&mine(state)).is_ok(), "{state:?}");
        }
        for state in [FileState::Waiting, FileState::Received, FileState::Declined] {
            assert!(cancel(&mine(state)).unwrap_err().ends_with('.'), "{state:?}");
        }
        assert!(cancel(&file()).is_err());
        assert!(cancel(&File { wanted: true, ..file() }).is_ok());
    }

    #[test]
    fn only_what_the_server_has_is_fetched_again() {
        let of = |state| again(&File { state, ..file() }, Path::new("/in"));
        assert!(of(FileState::Received).is_ok());
        assert_eq!(of(FileState::Ready).unwrap_err(), "Accept the file first.");
        assert!(of(FileState::Expired).is_err());
    }

    #[test]
    fn the_ends_of_a_transfer_are_news_and_its_progress_is_none() {
        let offered = File { mine: true, state: FileState::Offered, ..file() };
        let with = |state| File { state, ..offered.clone() };
        assert_eq!(news(&offered, &File { done: 5, ..offered.clone() }, "Ann"), None);
        let sent = Event::FileSent { to: "Ann".into(), file: "photo.jpg".into() };
        assert_eq!(news(&offered, &with(FileState::Ready), "Ann"), Some(sent));
        assert_eq!(news(&with(FileState::Ready), &with(FileState::Received), "Ann"), None);
        let failed = |why: &str| Event::FileFailed { file: "photo.jpg".into(), why: why.into() };
        let declined = news(&with(FileState::Ready), &with(FileState::Declined), "Ann");
        assert_eq!(declined, Some(failed("Ann has declined it.")));
        assert_eq!(news(&with(FileState::Ready), &with(FileState::Cancelled), "Ann"), None);
        let wanted = File { wanted: true, state: FileState::Available, ..file() };
        let saved = File { wanted: false, saved: Some("/in/photo.jpg".into()), ..wanted.clone() };
        let received = Event::FileReceived { from: "Ann".into(), file: "photo.jpg".into() };
        assert_eq!(news(&wanted, &saved, "Ann"), Some(received));
        let broken = File { failed: Some("the disk is full".into()), ..wanted.clone() };
        assert_eq!(news(&wanted, &broken, "Ann"), Some(failed("The disk is full.")));
        let refused = with(FileState::NotAsOffered);
        assert_eq!(news(&offered, &refused, "Ann"), Some(failed(NOT_TAKEN)));
        // Said when the server answered, and not again when the log says it.
        let told = |file: &File| File { failed: Some("file_type_refused".into()), ..file.clone() };
        assert_eq!(news(&told(&offered), &told(&refused), "Ann"), None);
        let gone = File { state: FileState::Cancelled, ..wanted.clone() };
        assert_eq!(news(&wanted, &gone, "Ann"), Some(failed("Ann has taken it back.")));
    }

    #[test]
    fn the_chosen_row_is_not_read_again_while_it_comes_further() {
        let at = |done| File { state: FileState::Available, wanted: true, done, ..file() };
        let mut transfers = Transfers::new(TimeZone::UTC);
        transfers.put(at(0), "Ann".into());
        transfers.enter();
        let heard =
            |transfers: &Transfers| transfers.words(transfers.rows.chosen().unwrap())[0].clone();
        transfers.put(at(840_000), "Ann".into());
        assert!(heard(&transfers).contains("receiving, 40 %"), "that it has begun is said");
        transfers.put(at(1_680_000), "Ann".into());
        assert!(heard(&transfers).contains("receiving, 40 %"));
        transfers.walk(Step::Down);
        assert!(heard(&transfers).contains("receiving, 80 %"));
    }
}
