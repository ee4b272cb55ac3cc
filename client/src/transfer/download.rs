//! Fetches the content of a file, from where this disk is on, into a file beside its place. Only what has the
//! hash that was offered gets its name.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use bytes::BytesMut;
use quinn::Connection;
use sha2::{Digest as _, Sha256};
use thrive_protocol::code::Code;
use thrive_protocol::file::FileHash;
use thrive_protocol::ids::FileId;
use thrive_protocol::reply::Reply;
use thrive_protocol::request::Request;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{Outcome, STALL, Teller, answer, broken, in_words, open, partial};
use crate::file_name::{numbered, safe};
use crate::files::local;
use crate::session::strange;
use crate::types::Failure;

/// Written at once: what one download holds in memory.
const PIECE: usize = 256 * 1024;
/// Files of one name in a folder.
const SAME_NAME: u32 = 10_000;

pub(crate) struct Wanted {
    pub(crate) id: FileId,
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) sha256: FileHash,
    pub(crate) folder: PathBuf,
}

/// What is on this disk of it, which no other program writes to meanwhile.
struct Partial {
    file: File,
    path: PathBuf,
    hash: Sha256,
    at: u64,
    /// What of it was there before this run.
    found: u64,
}

pub(crate) async fn run(connection: Connection, wanted: Wanted, teller: Teller) -> Outcome {
    let path = partial(&wanted.folder, wanted.id);
    let outcome = whole(connection, wanted, teller).await;
    if let Outcome::Failed(_) = outcome {
        // Nobody goes on with it, and the disk may be full. There may be none.
        drop(fs::remove_file(path));
    }
    outcome
}

async fn whole(connection: Connection, wanted: Wanted, mut teller: Teller) -> Outcome {
    let (folder, id, size) = (wanted.folder.clone(), wanted.id, wanted.size);
    let begun = blocking(move || begin(&folder, id, size)).await;
    let partial = match begun {
        Ok(Some(partial)) => partial,
        // Another program of this computer fetches it.
        Ok(None) => return Outcome::Later(Some(ELSEWHERE)),
        Err(failure) => return failure.into(),
    };
    let fetched = match fetch(&connection, &wanted, partial, &mut teller).await {
        Ok(fetched) => fetched,
        Err(failure) => return failure.into(),
    };
    // What lay on this disk may have been harmed there: then all of it is fetched once more.
    let found = fetched.found;
    match blocking(move || finish(fetched, &wanted)).await {
        Ok(Some(path)) => Outcome::Saved(path),
        Ok(None) if 0 < found => Outcome::Later(None),
        Ok(None) => Outcome::Failed(in_words(Code::FileNotAsOffered)),
        Err(failure) => failure.into(),
    }
}

/// When to look whether another program is done with it.
const ELSEWHERE: std::time::Duration = std::time::Duration::from_secs(30);

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    let done = spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(Failure::Local(error.to_string())))
}

/// `None`: somebody else writes to it.
fn begin(folder: &Path, id: FileId, size: u64) -> Result<Option<Partial>, Failure> {
    fs::create_dir_all(folder).map_err(|error| local(folder, &error))?;
    let path = partial(folder, id);
    let failed = |error: io::Error| local(&path, &error);
    // In a folder that others may write to, a link would lead what comes to another file.
    if fs::symlink_metadata(&path).is_ok_and(|it| it.is_symlink()) {
        fs::remove_file(&path).map_err(failed)?;
    }
    let mut options = OpenOptions::new();
    let mut file =
        options.read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Ok(None),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    if size < file.metadata().map_err(failed)?.len() {
        file.set_len(0).map_err(failed)?;
    }
    let (mut hash, mut at, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    file.seek(SeekFrom::Start(0)).map_err(failed)?;
    loop {
        let read = file.read(&mut piece).map_err(failed)?;
        if read == 0 {
            break;
        }
        hash.update(&piece[..read]);
        at += read as u64;
    }
    Ok(Some(Partial { file, path, hash, at, found: at }))
}

async fn fetch(
    connection: &Connection,
    wanted: &Wanted,
    mut partial: Partial,
    teller: &mut Teller,
) -> Result<Partial, Failure> {
    teller.at(partial.at);
    if partial.at == wanted.size {
        return Ok(partial);
    }
    let request = Request::DownloadFile { file: wanted.id, from: partial.at };
    let (mut up, mut reader) = open(connection, request).await?;
    up.end();
    match answer(&mut reader).await? {
        Reply::Download { size } if size == wanted.size => {}
        _ => return Err(strange("the answer to a download")),
    }
    let mut piece = BytesMut::new();
    loop {
        let more = timeout(STALL, reader.raw()).await;
        let more = more.map_err(|_| broken(&"the server sends nothing"))?;
        let ended = match more.map_err(|error| broken(&error))? {
            Some(bytes) => {
                piece.extend_from_slice(&bytes);
                false
            }
            None => true,
        };
        if wanted.size < partial.at + piece.len() as u64 {
            return Err(Failure::Invalid(in_words(Code::FileNotAsOffered)));
        }
        if PIECE <= piece.len() || ended && !piece.is_empty() {
            let bytes = std::mem::take(&mut piece).freeze();
            partial = blocking(move || {
                let failed = |error: io::Error| local(&partial.path, &error);
                partial.file.write_all(&bytes).map_err(failed)?;
                partial.hash.update(&bytes);
                partial.at += bytes.len() as u64;
                Ok(partial)
            })
            .await?;
            teller.at(partial.at);
        }
        if ended {
            let whole = partial.at == wanted.size;
            return if whole { Ok(partial) } else { Err(broken(&"the rest is missing")) };
        }
    }
}

/// Gives it its name. `None`: it is not what was offered, and nothing of it is kept.
fn finish(fetched: Partial, wanted: &Wanted) -> Result<Option<PathBuf>, Failure> {
    let Partial { file, path, hash, .. } = fetched;
    let failed = |error: io::Error| local(&path, &error);
    let hash: [u8; 32] = hash.finalize().into();
    if hash != wanted.sha256.0 {
        fs::remove_file(&path).map_err(failed)?;
        return Ok(None);
    }
    file.sync_all().map_err(failed)?;
    drop(file);
    let name = safe(&wanted.name);
    for number in 0..SAME_NAME {
        let target = wanted.folder.join(numbered(&name, number));
        // Whoever makes the file has the name; nothing that is there is ever written over.
        match OpenOptions::new().write(true).create_new(true).open(&target) {
            Ok(_) => {
                if let Err(error) = fs::rename(&path, &target) {
                    // The name is free again. What cannot be removed is empty.
                    drop(fs::remove_file(&target));
                    return Err(failed(error));
                }
                return Ok(Some(target));
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            Err(error) => return Err(local(&target, &error)),
        }
    }
    Err(Failure::Local(format!("{}: too many files of one name", wanted.folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(folder: &Path, content: &[u8]) -> Wanted {
        Wanted {
            id: FileId(7),
            name: "../a.txt".to_owned(),
            size: content.len() as u64,
            sha256: FileHash(Sha256::digest(content).into()),
            folder: folder.to_owned(),
        }
    }

    fn begun(folder: &Path, size: u64) -> Partial {
        begin(folder, FileId(7), size).unwrap().unwrap()
    }

    #[test]
    fn what_is_on_the_disk_counts_after_a_restart_and_gets_a_free_name_in_the_folder() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("deep/files");
        let wanted = wanted(&folder, b"hello");
        let mut first = begun(&folder, 5);
        first.file.write_all(b"hel").unwrap();
        assert!(begin(&folder, FileId(7), 5).unwrap().is_none(), "one program at a time");
        drop(first);
        for expected in ["_.._a.txt", "_.._a (1).txt"] {
            let mut again = begun(&folder, 5);
            let rest = &b"hello"[usize::try_from(again.at).unwrap()..];
            again.file.write_all(rest).unwrap();
            again.hash.update(rest);
            let saved = finish(again, &wanted).unwrap().unwrap();
            assert_eq!(saved, folder.join(expected));
            assert_eq!(fs::read(saved).unwrap(), b"hello");
        }
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
    }

    #[test]
    fn what_is_not_what_was_offered_gets_no_name_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let wanted = wanted(folder.path(), b"hello");
        let mut other = begun(folder.path(), 5);
        other.file.write_all(b"jello").unwrap();
        other.hash.update(b"jello");
        assert_eq!(finish(other, &wanted).unwrap(), None);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        // More than there can be is from somewhere else.
        fs::write(partial(folder.path(), FileId(7)), b"much too long").unwrap();
        assert_eq!(begun(folder.path(), 5).at, 0);
    }
}
