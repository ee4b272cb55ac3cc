//! What is said of a file: its name and size, how far it is, what it is.

use std::path::Path;

use thrive_client::{Code, Failure, File, FileState, size_in_words};

use super::{failure, one_line};

/// `photo.jpg, 2.1 MB`.
#[must_use]
pub fn what(file: &File) -> String {
    format!("{}, {}", one_line(&file.name), size_in_words(file.size))
}

/// How a file stands, with `done` of its bytes sent or fetched.
#[must_use]
pub fn state(file: &File, done: u64) -> String {
    if file.saved.is_some() {
        let enter = if opens(file) { "Enter opens it" } else { "Enter opens its folder" };
        return format!("received, {enter}");
    }
    if let Some(why) = &file.failed {
        let again = if file.mine { "" } else { " Enter tries again" };
        return format!("failed: {}{again}", why_failed(why));
    }
    let under_way = |word: &str| match percent(file.size, done) {
        0 => word.to_owned(),
        percent => format!("{word}, {percent} %"),
    };
    match (file.state, file.mine, file.wanted) {
        (FileState::Waiting, _, _) => "waiting to be offered".into(),
        (FileState::OfferRefused(code), _, _) => {
            let why = file.refusal().map_or_else(|| refused(code), |why| failure(&why));
            format!("not sent: {why}")
        }
        (FileState::Offered, true, _) if done == 0 => "offered, waiting to be sent".into(),
        (FileState::Offered, true, _) => under_way("sending"),
        (FileState::Accepted, true, _) if done == 0 => "accepted, waiting to be sent".into(),
        (FileState::Accepted, true, _) => under_way("accepted, sending"),
        (FileState::Ready, true, _) => "sent, not answered yet".into(),
        (FileState::Available, true, _) => "sent and accepted".into(),
        (FileState::Received, true, _) => "received by them".into(),
        (FileState::Offered | FileState::Ready, false, _) => "offered, Enter accepts".into(),
        (FileState::Accepted, false, true) => "accepted, waiting for the rest of it".into(),
        (FileState::Available | FileState::Received, false, true) => under_way("receiving"),
        (FileState::Accepted | FileState::Available, false, false) => {
            "accepted, not fetched here, Enter fetches it".into()
        }
        (FileState::Received, false, false) => {
            "received elsewhere, Enter fetches it here as well".into()
        }
        (FileState::Declined, _, _) => "declined".into(),
        (FileState::Cancelled, _, _) => "taken back".into(),
        (FileState::NotAsOffered, true, _) => {
            "refused, it was not what was offered, or is of a kind that the server does not take"
                .into()
        }
        (FileState::NotAsOffered, false, _) => "refused, it was not what was offered".into(),
        (FileState::Expired, _, _) => "no longer at the server".into(),
    }
}

/// Why this device gave a file up, as a sentence. The library has the word of a code, or words of its own.
#[must_use]
pub fn why_failed(why: &str) -> String {
    match Code::ALL.iter().find(|code| code.word() == why) {
        Some(code) => refused(*code),
        None => failure(&Failure::Invalid(why.to_owned())),
    }
}

fn refused(code: Code) -> String {
    failure(&Failure::Refused { code, retry_after_ms: None, limit: None })
}

fn percent(size: u64, done: u64) -> u64 {
    done.min(size).saturating_mul(100).checked_div(size).unwrap_or(0)
}

/// What a file is, as far as its name and its sender say so, and whether to take care.
#[must_use]
pub fn kind(file: &File) -> String {
    let extension = extension(Path::new(&file.name));
    if PROGRAMS.contains(&extension.as_str()) {
        return "It is a program. Accept it only if you expect it.".into();
    }
    let kind = match file.content_type.split('/').next().unwrap_or_default() {
        "image" => "a picture",
        "audio" => "a sound",
        "video" => "a film",
        "text" => "a text",
        _ => match file.content_type.as_str() {
            "application/pdf" => "a PDF document",
            "application/zip" => "an archive",
            _ => "",
        },
    };
    match (kind, extension.as_str()) {
        ("", "") => "What kind of file it is, is not known.".into(),
        ("", extension) => format!("It is a file of the kind {}.", extension.to_uppercase()),
        (kind, _) => format!("It is said to be {kind}."),
    }
}

/// Whether Enter opens the file itself: only kinds that cannot do anything when they are opened.
#[must_use]
pub fn is_harmless(path: &Path) -> bool {
    HARMLESS.contains(&extension(path).as_str())
}

fn opens(file: &File) -> bool {
    file.saved.as_deref().is_some_and(is_harmless)
}

fn extension(path: &Path) -> String {
    path.extension().map(|it| it.to_string_lossy().to_lowercase()).unwrap_or_default()
}

const HARMLESS: &[&str] = &[
    "txt", "log", "pdf", "png", "jpg", "jpeg", "gif", "webp", "bmp", "mp3", "ogg", "oga", "opus",
    "flac", "wav", "m4a", "mp4", "m4v", "webm", "mkv",
];
const PROGRAMS: &[&str] = &[
    "exe", "com", "bat", "cmd", "msi", "scr", "pif", "ps1", "vbs", "js", "jse", "wsf", "hta",
    "lnk", "reg", "cpl", "jar", "sh", "desktop", "appimage", "deb", "rpm", "app", "dmg", "py",
    "pl",
];

#[cfg(test)]
mod tests {
    use super::super::super::controllers::files::tests::file;
    use super::*;

    #[test]
    fn every_state_has_words_for_either_side() {
        let mine = |state| File { mine: true, state, ..file() };
        let theirs = |state| File { state, ..file() };
        let wanted = |state| File { state, wanted: true, ..file() };
        let table = [
            (mine(FileState::Waiting), 0, "waiting to be offered"),
            (mine(FileState::Offered), 0, "offered, waiting to be sent"),
            (mine(FileState::Offered), 840_000, "sending, 40 %"),
            (mine(FileState::Accepted), 840_000, "accepted, sending, 40 %"),
            (mine(FileState::Ready), 0, "sent, not answered yet"),
            (mine(FileState::Available), 0, "sent and accepted"),
            (mine(FileState::Received), 0, "received by them"),
            (
                mine(FileState::OfferRefused(Code::FileTooLarge)),
                0,
                "not sent: The file is too large.",
            ),
            (theirs(FileState::Offered), 0, "offered, Enter accepts"),
            (theirs(FileState::Ready), 0, "offered, Enter accepts"),
            (wanted(FileState::Accepted), 0, "accepted, waiting for the rest of it"),
            (wanted(FileState::Available), 2_100_000, "receiving, 100 %"),
            (theirs(FileState::Declined), 0, "declined"),
            (mine(FileState::Cancelled), 0, "taken back"),
            (mine(FileState::Expired), 0, "no longer at the server"),
        ];
        for (file, done, expected) in table {
            assert_eq!(state(&file, done), expected, "{file:?}");
        }
        let saved = |path: &str| File { saved: Some(path.into()), ..theirs(FileState::Received) };
        assert_eq!(state(&saved("/in/photo.JPG"), 0), "received, Enter opens it");
        assert_eq!(state(&saved("/in/tool.exe"), 0), "received, Enter opens its folder");
        let failed = File { failed: Some("file_type_refused".into()), ..theirs(FileState::Ready) };
        let words = "failed: This server takes no files of this kind. Enter tries again";
        assert_eq!(state(&failed, 0), words);
    }

    #[test]
    fn what_an_offer_came_up_against_is_said_with_how_much_of_it_is_left() {
        let state = FileState::OfferRefused(Code::FileQuota);
        let full = File { mine: true, state, limit: Some(2_000_000), left: Some(900), ..file() };
        let words = "not sent: All your files at the server together would be too large. \
                     The limit is 2 MB, and 900 bytes of it are left.";
        assert_eq!(super::state(&full, 0), words);
        let state = FileState::OfferRefused(Code::TooManyFiles);
        let many = File { mine: true, state, limit: Some(500), ..file() };
        assert!(super::state(&many, 0).ends_with("The limit is 500."));
    }

    #[test]
    fn a_file_is_said_with_its_size() {
        assert_eq!(what(&file()), "photo.jpg, 2.1 MB");
        assert_eq!(what(&File { size: 240_000, ..file() }), "photo.jpg, 240 kB");
    }

    #[test]
    fn programs_are_called_programs_whatever_their_sender_says() {
        let named = |name: &str, kind: &str| {
            super::kind(&File { name: name.into(), content_type: kind.into(), ..file() })
        };
        assert_eq!(named("photo.jpg", "image/jpeg"), "It is said to be a picture.");
        assert!(named("photo.jpg.EXE", "image/jpeg").starts_with("It is a program."));
        assert_eq!(named("notes.xyz", ""), "It is a file of the kind XYZ.");
        assert_eq!(named("notes", ""), "What kind of file it is, is not known.");
    }
}
