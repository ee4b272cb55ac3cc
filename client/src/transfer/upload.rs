//! Sends the content of a file from where the server is on.

use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use quinn::Connection;
use thrive_protocol::ids::FileId;
use thrive_protocol::reply::Reply;
use thrive_protocol::request::Request;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use super::{Outcome, STALL, Teller, answer, broken, open};
use crate::files::local;
use crate::session::strange;
use crate::types::Failure;

/// Read and sent at once: what one upload holds in memory.
const PIECE: usize = 128 * 1024;

pub(crate) async fn run(
    connection: Connection,
    id: FileId,
    source: PathBuf,
    size: u64,
    mut teller: Teller,
) -> Outcome {
    match send(&connection, id, &source, size, &mut teller).await {
        Ok(()) => Outcome::Sent,
        Err(failure) => failure.into(),
    }
}

/// A file that is gone never comes back; one that cannot be read now may be readable later: a drive that is
/// not there yet, a program that holds it.
fn unreadable(source: &Path, error: &io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => local(source, error),
        _ => broken(&format!("{}: {error}", source.display())),
    }
}

async fn send(
    connection: &Connection,
    id: FileId,
    source: &Path,
    size: u64,
    teller: &mut Teller,
) -> Result<(), Failure> {
    let opened = File::open(source).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (len, mut file) = opened.map_err(|error| unreadable(source, &error))?;
    if len != size {
        return Err(Failure::Local(format!("{}: it has changed", source.display())));
    }
    let (mut up, mut reader) = open(connection, Request::UploadFile { file: id }).await?;
    let Reply::Upload { from } = answer(&mut reader).await? else {
        return Err(strange("the answer to an upload"));
    };
    file.seek(SeekFrom::Start(from)).map_err(|error| unreadable(source, &error))?;
    let mut at = from;
    teller.at(at);
    while at < size {
        let read = spawn_blocking(move || {
            let mut piece = vec![0; PIECE];
            let read = file.read(&mut piece);
            (
                file,
                read.map(|read| {
                    piece.truncate(read);
                    piece
                }),
            )
        });
        let (back, piece) = read.await.map_err(|error| Failure::Local(error.to_string()))?;
        file = back;
        let piece = piece.map_err(|error| unreadable(source, &error))?;
        if piece.is_empty() {
            return Err(Failure::Local(format!("{}: it has changed", source.display())));
        }
        let written = timeout(STALL, up.stream.write_all(&piece)).await;
        match written.map_err(|_| broken(&"the server takes nothing"))? {
            Ok(()) => {}
            // The server says why it wants no more.
            Err(quinn::WriteError::Stopped(_)) => break,
            Err(error) => return Err(broken(&error)),
        }
        at += piece.len() as u64;
        teller.at(at);
    }
    up.end();
    match answer(&mut reader).await? {
        Reply::Done {} => Ok(()),
        _ => Err(strange("the answer to an upload")),
    }
}
