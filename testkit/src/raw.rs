//! A client that hides nothing: one connection, frames in and out, no retries, no cache.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail, ensure};
use bytes::{Bytes, BytesMut};
use quinn::{Connection, ConnectionError, RecvStream, SendStream};
use thrive_protocol::bounded::List;
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Epoch};
use thrive_protocol::people::Conversation;
use thrive_protocol::reply::{LoggedIn, Stored, SyncPage};
use thrive_protocol::request::{Hello, MessageBody, Position, SendMessage, Sync};
use thrive_protocol::version::VERSION;
use thrive_protocol::{
    ClientFrame, Code, Event, NodeFrame, Refusal, Reply, Request, frame, limits,
};
use tokio::time::timeout;

use crate::wait::PATIENCE;

/// One connection and its control stream.
pub struct RawClient {
    pub connection: Connection,
    pub up: SendStream,
    pub down: Down,
    /// What the node calls itself; filled by its welcome.
    pub server: String,
    /// Filled by a login.
    pub me: Option<LoggedIn>,
    last_id: u32,
    events: VecDeque<Event>,
    answers: BTreeMap<u32, Answer>,
}

/// What the node said to one request.
pub type Answer = Result<Reply, Refusal>;

/// The reading half of a stream, frame by frame.
pub struct Down {
    stream: RecvStream,
    buffer: BytesMut,
    max: usize,
}

/// Events, and answers, that a test has not looked at. More is a test that forgot to look.
const UNSEEN: usize = 100_000;

impl RawClient {
    /// Opens the control stream; says nothing on it yet.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn open(connection: Connection) -> Result<Self> {
        let (up, stream) = connection.open_bi().await?;
        let down = Down::new(stream, limits::FRAME);
        Ok(Self {
            connection,
            up,
            down,
            server: String::new(),
            me: None,
            last_id: 0,
            events: VecDeque::new(),
            answers: BTreeMap::new(),
        })
    }

    /// # Errors
    /// There is no welcome.
    pub async fn hello(&mut self) -> Result<()> {
        let client = "thrive-testkit".to_owned();
        let hello = Hello { version: VERSION, client, features: List::default() };
        match self.ok(Request::Hello(hello)).await? {
            Reply::Welcome(welcome) => {
                self.server = welcome.server;
                Ok(())
            }
            other => bail!("no welcome but {other:?}"),
        }
    }

    /// Writes bytes as they are.
    ///
    /// # Errors
    /// The stream or the connection is over.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        Ok(self.up.write_all(bytes).await?)
    }

    /// Sends a request and does not wait; returns its number.
    ///
    /// # Errors
    /// The stream or the connection is over.
    pub async fn post(&mut self, rq: Request) -> Result<u32> {
        self.last_id += 1;
        let id = self.last_id;
        self.write(&ClientFrame { id, rq }.encode()).await?;
        Ok(id)
    }

    /// Sends a request and waits for its answer. Events that come before it are kept.
    ///
    /// # Errors
    /// There is no answer in time.
    pub async fn ask(&mut self, rq: Request) -> Result<Answer> {
        let id = self.post(rq).await?;
        self.answer_to(id).await
    }

    /// Waits for the answer to the request with this number. Others that come before it are kept.
    ///
    /// # Errors
    /// There is no answer in time.
    pub async fn answer_to(&mut self, id: u32) -> Result<Answer> {
        loop {
            if let Some(answer) = self.answers.remove(&id) {
                return Ok(answer);
            }
            let frame = self.next_frame().await?;
            self.keep(frame)?;
        }
    }

    /// An answer to any request, with its number: one that was kept, or the next.
    ///
    /// # Errors
    /// There is none in time.
    pub async fn next_answer(&mut self) -> Result<(u32, Answer)> {
        loop {
            if let Some(answer) = self.answers.pop_first() {
                return Ok(answer);
            }
            let frame = self.next_frame().await?;
            self.keep(frame)?;
        }
    }

    /// The answer must be a yes.
    ///
    /// # Errors
    /// It is a no, or there is none.
    pub async fn ok(&mut self, rq: Request) -> Result<Reply> {
        let kind = rq.kind();
        self.ask(rq).await?.map_err(|no| anyhow!("{kind} was refused: {no:?}"))
    }

    /// The answer must be a no; its code.
    ///
    /// # Errors
    /// It is a yes, or there is none.
    pub async fn refused(&mut self, rq: Request) -> Result<Code> {
        let kind = rq.kind();
        match self.ask(rq).await? {
            Ok(reply) => bail!("{kind} was not refused: {reply:?}"),
            Err(refusal) => Ok(refusal.code),
        }
    }

    /// A request on a stream of its own.
    ///
    /// # Errors
    /// There is no answer in time.
    pub async fn bulk(&self, rq: Request) -> Result<Answer> {
        let (mut up, down) = self.connection.open_bi().await?;
        up.write_all(&ClientFrame { id: 0, rq }.encode()).await?;
        up.finish()?;
        let mut down = Down::new(down, limits::FRAME_BULK);
        let body = timeout(PATIENCE, down.next()).await.context("an answer in time")??;
        match NodeFrame::decode(&body)? {
            Some(NodeFrame::Reply { re: 0, result }) => Ok(result),
            other => bail!("no answer but {other:?}"),
        }
    }

    /// Something that the node says unasked. Others before it are dropped.
    ///
    /// # Errors
    /// It does not come in time.
    pub async fn event<T>(&mut self, mut pick: impl FnMut(Event) -> Option<T>) -> Result<T> {
        while let Some(event) = self.events.pop_front() {
            if let Some(picked) = pick(event) {
                return Ok(picked);
            }
        }
        loop {
            match self.next_frame().await? {
                NodeFrame::Event(event) => {
                    if let Some(picked) = pick(event) {
                        return Ok(picked);
                    }
                }
                answer @ NodeFrame::Reply { .. } => self.keep(answer)?,
            }
        }
    }

    /// The next entry that is pushed.
    ///
    /// # Errors
    /// None comes in time.
    pub async fn entry(&mut self) -> Result<Entry> {
        self.event(|event| match event {
            Event::Entry(entry) => Some(entry),
            _ => None,
        })
        .await
    }

    /// All that the node has said unasked, up to an answer to a heartbeat that is sent after `calm`.
    ///
    /// # Errors
    /// The connection is over.
    pub async fn events_until(&mut self, calm: Duration) -> Result<Vec<Event>> {
        let end = tokio::time::Instant::now() + calm;
        while let Ok(frame) = tokio::time::timeout_at(end, self.next_frame()).await {
            self.keep(frame?)?;
        }
        self.ok(Request::Heartbeat {}).await?;
        Ok(self.events.drain(..).collect())
    }

    /// # Errors
    /// The answer is neither stored nor a refusal, or there is none.
    pub async fn send(
        &mut self,
        conversation: ConversationId,
        id: ClientMsgId,
        text: &str,
    ) -> Result<Result<Stored, Refusal>> {
        match self.ask(message(conversation, id, text)).await? {
            Ok(Reply::Stored(stored)) => Ok(Ok(stored)),
            Ok(other) => bail!("neither stored nor refused but {other:?}"),
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Sends a new message that must be stored.
    ///
    /// # Errors
    /// It is not.
    pub async fn say(&mut self, conversation: ConversationId, text: &str) -> Result<Stored> {
        let answer = self.send(conversation, message_id(), text).await?;
        answer.map_err(|no| anyhow!("the message was refused: {no:?}"))
    }

    /// # Errors
    /// It is refused.
    pub async fn open_chat(&mut self, username: &str) -> Result<Conversation> {
        match self.ok(Request::OpenConversation { username: username.into() }).await? {
            Reply::Conversation(conversation) => Ok(conversation),
            other => bail!("no conversation but {other:?}"),
        }
    }

    /// One page of what is missing.
    ///
    /// # Errors
    /// It is refused.
    pub async fn sync(&self, epoch: Option<Epoch>, positions: &[Position]) -> Result<SyncPage> {
        let positions = List::cut(positions.to_vec());
        match self.bulk(Request::Sync(Sync { epoch, positions })).await? {
            Ok(Reply::SyncPage(page)) => Ok(page),
            other => bail!("no page but {other:?}"),
        }
    }

    /// The code with which the node closes the connection.
    ///
    /// # Errors
    /// It does not, or not with a code of ours.
    pub async fn closed(&self) -> Result<u32> {
        let reason = timeout(PATIENCE, self.connection.closed()).await;
        match reason.context("the node closes the connection")? {
            ConnectionError::ApplicationClosed(closed) => {
                Ok(u32::try_from(closed.error_code.into_inner())?)
            }
            other => bail!("closed without a code: {other}"),
        }
    }

    /// The next frame of the control stream.
    ///
    /// # Errors
    /// There is none in time, or it cannot be read.
    pub async fn next_frame(&mut self) -> Result<NodeFrame> {
        loop {
            let body = timeout(PATIENCE, self.down.next()).await.context("a frame in time")??;
            if let Some(frame) = NodeFrame::decode(&body)? {
                return Ok(frame);
            }
        }
    }

    fn keep(&mut self, frame: NodeFrame) -> Result<()> {
        let unseen = self.events.len().max(self.answers.len());
        ensure!(unseen < UNSEEN, "a test looks at what it causes");
        match frame {
            NodeFrame::Event(event) => self.events.push_back(event),
            NodeFrame::Reply { re, result } => {
                let twice = self.answers.insert(re, result);
                ensure!(twice.is_none(), "request {re} was answered twice");
            }
        }
        Ok(())
    }
}

impl Down {
    #[must_use]
    pub fn new(stream: RecvStream, max: usize) -> Self {
        Self { stream, buffer: BytesMut::new(), max }
    }

    /// The next whole frame. Cancel-safe.
    ///
    /// # Errors
    /// The stream ends, breaks, or has a frame that is too long.
    pub async fn next(&mut self) -> Result<Bytes> {
        loop {
            if let Some(body) = frame::take(&mut self.buffer, self.max)? {
                return Ok(body);
            }
            let chunk = self.stream.read_chunk(64 * 1024, true).await?;
            self.buffer.extend_from_slice(&chunk.context("the stream has ended")?.bytes);
        }
    }
}

/// The request that sends a message.
#[must_use]
pub fn message(conversation: ConversationId, id: ClientMsgId, text: &str) -> Request {
    Request::SendMessage(SendMessage { conversation, id, text: MessageBody(text.into()) })
}

/// A message id that was never used before.
#[must_use]
pub fn message_id() -> ClientMsgId {
    ClientMsgId(uuid::Uuid::now_v7().into_bytes())
}
