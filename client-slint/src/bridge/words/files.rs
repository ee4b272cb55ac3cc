//! Wishes and news about files.

use std::path::PathBuf;

use thrive_client::{Failure, File, UserId, Username};

/// What a person wants.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum FileWish {
    /// All that is known.
    List,
    /// Whether there are such files, and how large they are.
    Look(Vec<PathBuf>),
    /// The file chooser of the desktop.
    Browse {
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
    Looked(Vec<(PathBuf, Result<u64, String>)>),
    /// Nothing is chosen when somebody thought better of it; a sentence where there is no chooser.
    Browsed(Result<Vec<PathBuf>, String>),
    /// It is in the outbox, or this computer refuses.
    Offered {
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
