//! Files: offering, accepting, fetching.

use std::io::Read as _;
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};
use thrive_protocol::file::{ContentType, FileHash, FileName};
use thrive_protocol::ids::{FileId, UserId};
use thrive_protocol::request::Request;
use tokio::sync::oneshot;

use crate::cache::files;
use crate::engine::asking::Effect;
use crate::engine::sending::now_ms;
use crate::engine::{Command, Offering};
use crate::handle::Client;
use crate::outbox::Offer;
use crate::transfer::partial;
use crate::types::{Failure, File, Message, MessageKey};

/// Where received files are put unless somebody says otherwise: `ThriveMessenger/files` in the documents of
/// whoever runs the program. `None`: they have no home.
#[must_use]
pub fn default_folder() -> Option<PathBuf> {
    let folders = directories::UserDirs::new()?;
    let documents = folders.document_dir().map(Path::to_owned);
    let documents = documents.unwrap_or_else(|| folders.home_dir().join("Documents"));
    Some(documents.join("ThriveMessenger").join("files"))
}

impl Client {
    /// Offers a file of this computer to somebody. The offer waits in the outbox like a message, and the
    /// content follows as soon as there is a connection, also after a restart of the program: it must stay
    /// where it is until then. It is read once, for its hash, before this returns.
    ///
    /// # Errors
    /// It cannot be read, has no name that may be sent, the person is not known, or the disk says no.
    pub async fn offer_file(&self, peer: UserId, path: &Path) -> Result<MessageKey, Failure> {
        let offering = read(path).await?;
        self.ask(|answer| Command::Offer { peer, offering, answer, end: None }).await
    }

    /// The same, and waits until the server has taken the offer, or refused it; a refused one is not kept.
    ///
    /// # Errors
    /// As [`Self::offer_file`], or the server refused it for good.
    pub async fn offer_file_and_wait(&self, peer: UserId, path: &Path) -> Result<Message, Failure> {
        let offering = read(path).await?;
        let (end, ended) = oneshot::channel();
        self.ask(|answer| Command::Offer { peer, offering, answer, end: Some(end) }).await?;
        ended.await.unwrap_or_else(|_| Err(crate::handle::closed()))
    }

    /// Every file that this device knows of, the newest first.
    ///
    /// # Errors
    /// Nobody is logged in, or the disk says no.
    pub async fn files(&self) -> Result<Vec<File>, Failure> {
        let (cache, _) = self.cache()?;
        let mut files = cache.run(|db| files::all(db, now_ms())).await?;
        for file in &mut files {
            self.shared.progress.show(file);
        }
        Ok(files)
    }

    /// One file, by the message that offers it.
    ///
    /// # Errors
    /// Nobody is logged in, the message offers none, or the disk says no.
    pub async fn file(&self, message: MessageKey) -> Result<File, Failure> {
        let (cache, _) = self.cache()?;
        let found = cache.run(move |db| files::of_message(db, message, now_ms())).await?;
        let mut file = found.ok_or_else(no_file)?;
        self.shared.progress.show(&mut file);
        Ok(file)
    }

    /// Says yes to a file of somebody. With a folder, this device puts it there as soon as all of it is at the
    /// server, also after a restart of the program.
    ///
    /// # Errors
    /// The server refuses, or there is no connection.
    pub async fn accept_file(
        &self,
        message: MessageKey,
        folder: Option<&Path>,
    ) -> Result<(), Failure> {
        let id = self.theirs(message).await?;
        if let Some(folder) = folder {
            self.want(message, folder).await?;
        }
        let accepted = self.request(Request::AcceptFile { file: id }, Effect::None).await;
        if accepted.is_err() && folder.is_some() {
            let (cache, _) = self.cache()?;
            cache.run(move |db| files::unwant(db, message)).await?;
        }
        accepted?;
        self.command(Command::Transfers).await
    }

    /// Fetches a file that was accepted, on this or another device, into a folder; again, if it was before.
    ///
    /// # Errors
    /// It is none of theirs, nobody is logged in, or the disk says no.
    pub async fn fetch_file(&self, message: MessageKey, folder: &Path) -> Result<(), Failure> {
        self.theirs(message).await?;
        self.want(message, folder).await?;
        self.command(Command::Transfers).await
    }

    /// Says no to a file of somebody.
    ///
    /// # Errors
    /// The server refuses, or there is no connection.
    pub async fn decline_file(&self, message: MessageKey) -> Result<(), Failure> {
        let id = self.theirs(message).await?;
        self.stop(message).await?;
        self.request(Request::DeclineFile { file: id }, Effect::None).await?;
        Ok(())
    }

    /// Takes an offer of mine back, wherever it is; or stops fetching one of theirs, which stays offered.
    ///
    /// # Errors
    /// It was not offered yet, the server refuses, or there is no connection.
    pub async fn cancel_file(&self, message: MessageKey) -> Result<(), Failure> {
        let file = self.file(message).await?;
        self.stop(message).await?;
        if file.mine {
            let id = file.id.ok_or_else(|| Failure::Invalid("it is not offered yet".to_owned()))?;
            self.request(Request::CancelFile { file: id }, Effect::None).await?;
        }
        Ok(())
    }

    async fn want(&self, message: MessageKey, folder: &Path) -> Result<(), Failure> {
        let folder = std::path::absolute(folder).map_err(|error| local(folder, &error))?;
        let folder = text_of(&folder)?;
        let (cache, _) = self.cache()?;
        cache.run(move |db| files::want(db, message, &folder)).await
    }

    /// Nothing of it goes to and fro on this device any more, and no half of it is left.
    async fn stop(&self, message: MessageKey) -> Result<(), Failure> {
        let (cache, _) = self.cache()?;
        let id = self.file(message).await?.id;
        let folder = cache.run(move |db| files::unwant(db, message)).await?;
        self.ask(|answer| Command::StopTransfer { message, answer }).await?;
        if let (Some(folder), Some(id)) = (folder, id) {
            // There may be none.
            drop(std::fs::remove_file(partial(&folder, id)));
        }
        Ok(())
    }

    async fn theirs(&self, message: MessageKey) -> Result<FileId, Failure> {
        let file = self.file(message).await?;
        file.id.filter(|_| !file.mine).ok_or_else(no_file)
    }
}

fn no_file() -> Failure {
    Failure::Invalid("there is no such file".to_owned())
}

/// Reads a file once: its size, its hash, and what it seems to be.
async fn read(path: &Path) -> Result<Offering, Failure> {
    let path = path.to_owned();
    let read = tokio::task::spawn_blocking(move || look_at(&path)).await;
    read.unwrap_or_else(|_| Err(Failure::Local("a part of the client ended badly".to_owned())))
}

fn look_at(path: &Path) -> Result<Offering, Failure> {
    let source = path.canonicalize().map_err(|error| local(path, &error))?;
    let name = source.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    FileName::parse(name).map_err(|error| Failure::Invalid(format!("{name:?}: {error}")))?;
    let mut file = std::fs::File::open(&source).map_err(|error| local(path, &error))?;
    let about = file.metadata().map_err(|error| local(path, &error))?;
    if !about.is_file() {
        return Err(Failure::Invalid(format!("{} is no file", path.display())));
    }
    let (mut hash, mut size, mut piece) = (Sha256::new(), 0_u64, vec![0; PIECE]);
    let mut first = Vec::new();
    loop {
        let read = file.read(&mut piece).map_err(|error| local(path, &error))?;
        if read == 0 {
            break;
        }
        if size == 0 {
            first.extend_from_slice(&piece[..read.min(HEAD)]);
        }
        hash.update(&piece[..read]);
        size += read as u64;
    }
    let offer = Offer {
        name: name.to_owned(),
        size,
        content_type: content_type(name, &first).as_str().to_owned(),
        sha256: FileHash(hash.finalize().into()),
    };
    Ok(Offering { offer, source: text_of(&source)? })
}

/// A hint for people: by the first bytes, else by the name.
fn content_type(name: &str, first: &[u8]) -> ContentType {
    let magic: [(&[u8], &str); 7] = [
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"\xff\xd8\xff", "image/jpeg"),
        (b"GIF8", "image/gif"),
        (b"%PDF-", "application/pdf"),
        (b"OggS", "audio/ogg"),
        (b"ID3", "audio/mpeg"),
        (b"fLaC", "audio/flac"),
    ];
    if let Some((_, kind)) = magic.iter().find(|(magic, _)| first.starts_with(magic)) {
        return ContentType::parse(kind);
    }
    let extension = name.rsplit_once('.').map(|(_, last)| last.to_ascii_lowercase());
    ContentType::parse(match extension.as_deref() {
        Some("txt" | "log" | "md") => "text/plain",
        Some("htm" | "html") => "text/html",
        Some("csv") => "text/csv",
        Some("json") => "application/json",
        Some("zip") => "application/zip",
        Some("mp3") => "audio/mpeg",
        Some("wav") => "audio/wav",
        Some("mp4" | "m4v") => "video/mp4",
        Some("webm") => "video/webm",
        Some("webp") => "image/webp",
        Some("svg") => "image/svg+xml",
        Some("docx") => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        _ => "",
    })
}

pub(crate) fn local(path: &Path, error: &dyn std::fmt::Display) -> Failure {
    Failure::Local(format!("{}: {error}", path.display()))
}

/// The cache keeps paths as text.
fn text_of(path: &Path) -> Result<String, Failure> {
    let text = PathBuf::from(path).into_os_string().into_string();
    text.map_err(|_| Failure::Local(format!("{}: the path is no text", path.display())))
}

/// Read at once.
const PIECE: usize = 256 * 1024;
/// Enough to know what it is.
const HEAD: usize = 16;
