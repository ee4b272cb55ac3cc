//! Wishes and news about files.

use std::path::PathBuf;

use thrive_client::{Failure, File, UserId, Username};

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FileWish {
    /// All that is known.
    List,
    /// Whether there are such files, and how large they are; for the list of files for somebody.
    Look {
        to: Username,
        paths: Vec<PathBuf>,
        /// By hand, and not with a chooser.
        typed: bool,
    },
    /// The file chooser of the desktop.
    Browse {
        to: Username,
        title: String,
    },
    /// Each on its own.
    Offer {
        to: Username,
        paths: Vec<PathBuf>,
    },
    Accept {
        file: File,
        folder: PathBuf,
    },
    Decline(File),
    /// Mine is taken back; one of theirs is fetched no longer.
    Cancel(File),
    Get {
        file: File,
        folder: PathBuf,
    },
    /// With the program of the system: a folder, or a file of a harmless kind.
    Open(PathBuf),
}

/// What came of it.
#[derive(Clone, Debug)]
pub enum FileNews {
    Listed(Result<Vec<File>, Failure>),
    /// Each path with the size of its file, or the sentence why there is none.
    Looked {
        to: Username,
        looked: Vec<(PathBuf, Result<u64, String>)>,
        typed: bool,
    },
    /// Nothing is chosen when somebody thought better of it; a sentence where there is no chooser.
    Browsed {
        to: Username,
        chosen: Result<Vec<PathBuf>, String>,
    },
    /// It is in the outbox, or this computer refuses.
    Offered {
        to: Username,
        path: PathBuf,
        result: Result<(), Failure>,
    },
    Done {
        deed: FileDeed,
        peer: UserId,
        name: String,
        result: Result<(), Failure>,
    },
    /// What was to be opened is not there, or there is no program for it.
    NotOpened {
        gone: bool,
    },
}

/// A wish about one file whose only answer is that it worked, or why not.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum FileDeed {
    Accept,
    Decline,
    Cancel,
    Get,
}
