//! The content of files on their way to and from the server, each on a stream of its own beside the engine.
//! Knows the wire and the disk; which files, and when, is up to the engine.

pub(crate) mod download;
pub(crate) mod upload;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use thrive_protocol::code::{Code, Refusal};
use thrive_protocol::ids::FileId;
use thrive_protocol::limits;
use thrive_protocol::message::{ClientFrame, NodeFrame};
use thrive_protocol::reply::Reply;
use thrive_protocol::request::Request;
use thrive_protocol::version::close;
use tokio::time::timeout;

use crate::engine::hub::Shared;
use crate::session::strange;
use crate::types::{Change, Failure, File, MessageKey};
use crate::wire::FrameReader;

/// For the server to have a turn, and to find what it has.
const ANSWER: Duration = Duration::from_secs(90);
/// For the next bytes, either way.
pub(crate) const STALL: Duration = Duration::from_secs(30);
/// Progress is told no more often.
const TELL: Duration = Duration::from_millis(250);

/// How a transfer ended.
#[derive(Debug)]
pub(crate) enum Outcome {
    /// All of it is at the server.
    Sent,
    /// All of it is on this disk.
    Saved(PathBuf),
    /// It can go on later.
    Later(Option<Duration>),
    /// It will never work.
    Failed(String),
}

impl Outcome {
    pub(crate) fn refused(refusal: &Refusal) -> Self {
        if refusal.code.retry() {
            return Self::Later(refusal.retry_after_ms.map(Duration::from_millis));
        }
        Self::Failed(refusal.code.word().to_owned())
    }
}

impl From<Failure> for Outcome {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Refused { code, retry_after_ms, limit } => {
                Self::refused(&Refusal { retry_after_ms, limit, ..code.into() })
            }
            Failure::OverQuota { .. } => Self::refused(&Code::FileQuota.into()),
            Failure::Unreachable(_) | Failure::NotThrive(_) | Failure::NotLoggedIn => {
                Self::Later(None)
            }
            Failure::Local(why) | Failure::Invalid(why) => Self::Failed(why),
            // A ban may end, and what is there then goes on.
            Failure::ServerChanged { .. } | Failure::Banned { .. } => Self::Later(None),
        }
    }
}

/// What lies in the folder until all of it is there.
pub(crate) fn partial(folder: &Path, id: FileId) -> PathBuf {
    folder.join(format!(".thrive-{id}.part"))
}

/// Bytes of the files that are under way.
#[derive(Debug, Default)]
pub(crate) struct Progress(Mutex<BTreeMap<MessageKey, u64>>);

impl Progress {
    /// Puts what is known into a file from the disk.
    pub(crate) fn show(&self, file: &mut File) {
        if let Some(done) = self.0.lock().get(&file.message) {
            file.done = *done;
        }
    }

    pub(crate) fn forget(&self, message: MessageKey) {
        self.0.lock().remove(&message);
    }
}

/// Tells how far one file is.
pub(crate) struct Teller {
    shared: Arc<Shared>,
    file: File,
    told: Option<Instant>,
}

impl Teller {
    pub(crate) fn new(shared: Arc<Shared>, file: File) -> Self {
        Self { shared, file, told: None }
    }

    pub(crate) fn at(&mut self, done: u64) {
        self.file.done = done;
        self.shared.progress.0.lock().insert(self.file.message, done);
        let now = Instant::now();
        if done == self.file.size || self.told.is_none_or(|told| TELL <= now - told) {
            self.told = Some(now);
            self.shared.emit(Change::File(self.file.clone()));
        }
    }
}

fn broken(what: &dyn std::fmt::Display) -> Failure {
    Failure::Unreachable(what.to_string())
}

fn frame(request: Request) -> Bytes {
    ClientFrame { id: 0, rq: request }.encode()
}

/// The next answer on the stream.
async fn answer(reader: &mut FrameReader) -> Result<Reply, Failure> {
    let body = timeout(ANSWER, reader.next()).await;
    let body = body.map_err(|_| broken(&"the server does not answer"))?;
    let body = body.map_err(|error| broken(&error))?;
    let body = body.ok_or_else(|| broken(&"the answer is missing"))?;
    match NodeFrame::decode(&body) {
        Ok(Some(NodeFrame::Reply { result, .. })) => result.map_err(Failure::from),
        Ok(_) => Err(strange("the answer about a file")),
        Err(error) => Err(Failure::NotThrive(error.to_string())),
    }
}

/// The way to the server. Dropping a stream would end it as if all had been said, and the server would
/// take a part for the whole: unless it was ended, it is broken off.
struct Up {
    stream: quinn::SendStream,
    ended: bool,
}

impl Up {
    /// All is said.
    fn end(&mut self) {
        self.ended = true;
        // A stream that the server has stopped is ended as well.
        drop(self.stream.finish());
    }
}

impl Drop for Up {
    fn drop(&mut self) {
        if !self.ended {
            drop(self.stream.reset(close::DONE.into()));
        }
    }
}

/// Opens a stream and says what it is for.
async fn open(
    connection: &quinn::Connection,
    request: Request,
) -> Result<(Up, FrameReader), Failure> {
    let opened = connection.open_bi().await;
    let (stream, answers) = opened.map_err(|error| broken(&error))?;
    let mut up = Up { stream, ended: false };
    // Messages go first.
    drop(up.stream.set_priority(-1));
    up.stream.write_all(&frame(request)).await.map_err(|error| broken(&error))?;
    Ok((up, FrameReader::new(answers, limits::FRAME_BULK)))
}

/// The word of a code, as it is kept in the cache, in English.
pub(crate) fn in_words(code: Code) -> String {
    code.word().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::rig::node;
    use crate::types::ServerAddress;

    /// What the server reads of an upload that ended in this way.
    async fn read_by_the_server(finished: bool) -> Result<Vec<u8>, quinn::ReadToEndError> {
        let node = node();
        let address = node.local_addr().unwrap();
        let reading = tokio::spawn(async move {
            let connection = node.accept().await.unwrap().await.unwrap();
            let (_answers, mut stream) = connection.accept_bi().await.unwrap();
            stream.read_to_end(1_000_000).await
        });
        let named = ServerAddress { host: "localhost".to_owned(), port: address.port() };
        let (dialled, _) = crate::dial::race(&named, &[address], None).await.unwrap();
        let request = Request::UploadFile { file: FileId(1) };
        let (mut up, _reader) = open(&dialled.connection, request).await.unwrap();
        up.stream.write_all(b"a part of it").await.unwrap();
        if finished {
            up.end();
        }
        drop(up);
        reading.await.unwrap()
    }

    /// Else the server takes the part for the whole, and calls the sender a liar.
    #[tokio::test]
    async fn an_upload_that_is_dropped_is_broken_off_and_not_at_its_end() {
        let broken = read_by_the_server(false).await;
        let reset = matches!(broken, Err(quinn::ReadToEndError::Read(quinn::ReadError::Reset(_))));
        assert!(reset, "{broken:?}");
        assert!(read_by_the_server(true).await.unwrap().ends_with(b"a part of it"));
    }
}
