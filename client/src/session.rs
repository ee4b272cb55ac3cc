//! One connection to a node: greeting, then numbered requests with their replies, and events.
//!
//! Knows the wire and nothing of messages or people. [`Greeted`] may ask one thing at a time, before a
//! login; [`Session`] is what it turns into. Replies and events reach the engine through one queue in
//! the order of the wire, so that a reply never overtakes an event that came before it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use quinn::{Connection, ConnectionError, Endpoint, SendStream, VarInt};
use thrive_protocol::code::{Code, Refusal};
use thrive_protocol::limits;
use thrive_protocol::message::{ClientFrame, NodeFrame};
use thrive_protocol::reply::{Reply, Welcome};
use thrive_protocol::request::{Hello, Request};
use thrive_protocol::version::{VERSION, close};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::debug;

use crate::backoff::Loss;
use crate::dial::{close_code, dial, failure_of};
use crate::pin::Pins;
use crate::signs::Signs;
use crate::types::{Failure, ServerAddress};
use crate::wire::FrameReader;

/// For hello and login: a node under load may have to queue the hashing of a password.
const FIRST_ANSWERS: Duration = Duration::from_secs(20);
/// For a page of history or a roster.
const BULK: Duration = Duration::from_secs(30);
/// Requests that wait to be written. Messages in flight are bounded well below this; when it is
/// full, the path is dead, and the request fails.
const OUTGOING: usize = 256;
/// How long the goodbye may take.
const GOODBYE: Duration = Duration::from_millis(300);

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        let Refusal { code, retry_after_ms, limit, left, until, reason } = refusal;
        if code == Code::Banned {
            let (until_ms, reason) = (until.map(|it| it.0), reason.as_str().to_owned());
            return Self::Banned { until_ms, reason };
        }
        Self::of(code, retry_after_ms, limit, left)
    }
}

/// Connected and welcomed; nobody is logged in yet.
#[derive(Debug)]
pub(crate) struct Greeted {
    endpoint: Endpoint,
    connection: Connection,
    reader: FrameReader,
    writer: SendStream,
    next: u32,
    pub(crate) welcome: Welcome,
}

/// Dials a server and says hello.
pub(crate) async fn greet(
    server: &ServerAddress,
    pins: &Pins,
    program: &str,
) -> Result<Greeted, Failure> {
    let dialled = dial(server, pins).await?;
    let (mut writer, stream) =
        dialled.connection.open_bi().await.map_err(|error| failure_of(&error))?;
    // A hello may be refused with a frame of any size that is allowed later.
    let mut reader = FrameReader::new(stream, limits::FRAME);
    let hello = Hello { version: VERSION, client: program.to_owned(), features: <_>::default() };
    let connection = dialled.connection;
    let reply = ask(&connection, &mut writer, &mut reader, 1, Request::Hello(hello)).await?;
    let Reply::Welcome(welcome) = reply else { return Err(strange("the answer to hello")) };
    debug!(software = %welcome.software, version = welcome.version, "Welcomed");
    Ok(Greeted { endpoint: dialled.endpoint, connection, reader, writer, next: 2, welcome })
}

impl Greeted {
    /// One request and its answer.
    pub(crate) async fn ask(&mut self, request: Request) -> Result<Reply, Failure> {
        let id = self.next;
        self.next += 1;
        ask(&self.connection, &mut self.writer, &mut self.reader, id, request).await
    }

    /// Ends a connection that has served its purpose.
    pub(crate) async fn leave(self) {
        say_goodbye(&self.endpoint, &self.connection).await;
    }

    /// From now on everything goes through queues; what arrives is told to `inbound`.
    pub(crate) fn activate<P>(self, link: LinkId, inbound: mpsc::Sender<Inbound>) -> Session<P> {
        let Self { endpoint, connection, mut reader, writer, next, welcome: _ } = self;
        reader.allow(limits::FRAME);
        let (outgoing, queue) = mpsc::channel(OUTGOING);
        let writing = tokio::spawn(write(writer, queue));
        let reading = tokio::spawn(read(link, connection.clone(), reader, inbound));
        let now = Instant::now();
        Session {
            link,
            endpoint,
            connection,
            outgoing,
            next,
            pending: BTreeMap::new(),
            heard: now,
            stirred: (now, 0),
            doubted: None,
            bulks: Arc::default(),
            tasks: [writing, reading],
        }
    }
}

async fn ask(
    connection: &Connection,
    writer: &mut SendStream,
    reader: &mut FrameReader,
    id: u32,
    request: Request,
) -> Result<Reply, Failure> {
    let frame = ClientFrame { id, rq: request }.encode();
    let exchange = async {
        if let Err(error) = writer.write_all(&frame).await {
            debug!(%error, "A request could not be written");
            return Err(ended(connection).await.failure);
        }
        loop {
            match reader.next().await {
                Ok(Some(body)) => match NodeFrame::decode(&body) {
                    Ok(Some(NodeFrame::Reply { re, result })) if re == id => {
                        return result.map_err(Failure::from);
                    }
                    // Nothing else is awaited, and events have no meaning before a login.
                    Ok(_) => {}
                    Err(error) => return Err(Failure::NotThrive(error.to_string())),
                },
                Ok(None) => return Err(ended(connection).await.failure),
                Err(error) => {
                    debug!(%error, "An answer could not be read");
                    return Err(ended(connection).await.failure);
                }
            }
        }
    };
    let waited = timeout(FIRST_ANSWERS, exchange).await;
    waited.unwrap_or_else(|_| Err(Failure::Unreachable("the server does not answer".to_owned())))
}

/// Counts the connections of one client, so that news of a former one is known as such.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct LinkId(pub(crate) u64);

/// Something arrived on a connection.
#[derive(Debug)]
pub(crate) struct Inbound {
    pub(crate) link: LinkId,
    pub(crate) news: News,
}

#[derive(Debug)]
pub(crate) enum News {
    Frame(NodeFrame),
    /// The last thing that is heard of a connection.
    Ended(End),
}

/// How a connection ended.
#[derive(Clone, Debug)]
pub(crate) struct End {
    pub(crate) loss: Loss,
    pub(crate) failure: Failure,
}

/// A connection in use. `P` is what the engine wants to remember about each open request.
#[derive(Debug)]
pub(crate) struct Session<P> {
    link: LinkId,
    endpoint: Endpoint,
    connection: Connection,
    outgoing: mpsc::Sender<Bytes>,
    next: u32,
    pending: BTreeMap<u32, (Instant, P)>,
    /// When a frame of the node arrived last.
    heard: Instant,
    /// When a datagram was last found to have arrived, whatever was in it, and how many had until then.
    stirred: (Instant, u64),
    /// See [`Signs::doubted`].
    doubted: Option<Instant>,
    /// One for each request that is open on a stream of its own.
    bulks: Arc<()>,
    tasks: [JoinHandle<()>; 2],
}

impl<P> Session<P> {
    pub(crate) fn link(&self) -> LinkId {
        self.link
    }

    /// Puts one request on the way. Gives `open` back when nothing more fits.
    pub(crate) fn send(&mut self, now: Instant, request: Request, open: P) -> Result<(), P> {
        let id = self.next;
        self.next = self.next.checked_add(1).unwrap_or(1);
        match self.outgoing.try_send(ClientFrame { id, rq: request }.encode()) {
            Ok(()) => {
                if self.pending.is_empty() {
                    // What came before says nothing about this request.
                    self.look(now);
                }
                self.pending.insert(id, (now, open));
                Ok(())
            }
            Err(_) => Err(open),
        }
    }

    /// One request on a stream of its own; it does not borrow the session.
    pub(crate) fn bulk(
        &self,
        request: Request,
    ) -> impl Future<Output = Result<Reply, Failure>> + Send + 'static {
        let (connection, open) = (self.connection.clone(), Arc::clone(&self.bulks));
        async move {
            let reply = bulk(connection, request).await;
            drop(open);
            reply
        }
    }

    /// For the content of files, which goes on while the session does other things.
    pub(crate) fn connection(&self) -> Connection {
        self.connection.clone()
    }

    /// It is made because another one is doubted.
    pub(crate) fn is_made_in_doubt(&mut self, now: Instant) {
        self.doubted = Some(now);
    }

    /// Notes that the node lives.
    pub(crate) fn heard(&mut self, now: Instant) {
        self.look(now);
        (self.heard, self.stirred.0) = (now, now);
    }

    /// Looks whether anything has come over the path since this was called last.
    pub(crate) fn look(&mut self, now: Instant) {
        let count = self.connection.stats().udp_rx.datagrams;
        if self.stirred.1 != count {
            self.stirred = (now, count);
        }
    }

    /// What the reply with this number answers.
    pub(crate) fn answered(&mut self, id: u32) -> Option<P> {
        self.pending.remove(&id).map(|(_, open)| open)
    }

    /// What is open, by number.
    #[cfg(test)]
    pub(crate) fn opened(&self) -> impl Iterator<Item = (u32, &P)> {
        self.pending.iter().map(|(id, (_, open))| (*id, open))
    }

    /// Whether nothing is open that could still be answered.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.is_empty() && Arc::strong_count(&self.bulks) == 1
    }

    /// When to ask for a sign of life, unless something is heard before or `is_asked` says that one of
    /// what is open asks for it.
    pub(crate) fn ask_at(&self, is_asked: impl Fn(&P) -> bool) -> Option<Instant> {
        if self.pending.values().any(|(_, open)| is_asked(open)) {
            return None;
        }
        Some(self.signs().ask_at(self.oldest()?))
    }

    /// When the path is to be taken for dead, unless something happens before: a node that says nothing
    /// has five seconds, a request has fifteen whatever else is heard, and a path on
    /// which not even acknowledgments come is silent sooner.
    pub(crate) fn doubt_at(&self) -> Option<Instant> {
        Some(self.signs().doubt_at(self.oldest()?))
    }

    fn oldest(&self) -> Option<Instant> {
        self.pending.values().map(|(since, _)| *since).min()
    }

    fn signs(&self) -> Signs {
        let Self { heard, stirred: (stirred, _), doubted, .. } = *self;
        Signs { doubted, heard, stirred, delay: self.connection.rtt() }
    }

    /// Everything that was open. The answers are not coming.
    pub(crate) fn take_pending(&mut self) -> Vec<P> {
        std::mem::take(&mut self.pending).into_values().map(|(_, open)| open).collect()
    }

    /// Leaves the node in good order.
    pub(crate) async fn leave(self) {
        say_goodbye(&self.endpoint, &self.connection).await;
    }
}

impl<P> Drop for Session<P> {
    fn drop(&mut self) {
        self.connection.close(VarInt::from_u32(close::DONE), b"");
        for task in &self.tasks {
            task.abort();
        }
    }
}

async fn say_goodbye(endpoint: &Endpoint, connection: &Connection) {
    connection.close(VarInt::from_u32(close::DONE), b"");
    // Without this the close may not leave the socket before the process ends.
    if timeout(GOODBYE, endpoint.wait_idle()).await.is_err() {
        debug!("The connection did not end in time");
    }
}

async fn write(mut stream: SendStream, mut queue: mpsc::Receiver<Bytes>) {
    while let Some(frame) = queue.recv().await {
        if let Err(error) = stream.write_all(&frame).await {
            // The reader tells the engine.
            debug!(%error, "A request could not be written");
            return;
        }
    }
}

async fn read(
    link: LinkId,
    connection: Connection,
    mut reader: FrameReader,
    inbound: mpsc::Sender<Inbound>,
) {
    let end = loop {
        match reader.next().await {
            Ok(Some(body)) => match NodeFrame::decode(&body) {
                Ok(Some(frame)) => {
                    if inbound.send(Inbound { link, news: News::Frame(frame) }).await.is_err() {
                        return;
                    }
                }
                Ok(None) => debug!("An event of a newer server was left out"),
                Err(error) => {
                    connection.close(VarInt::from_u32(close::PROTOCOL), b"");
                    let failure = Failure::NotThrive(error.to_string());
                    break End { loss: Loss::Fault, failure };
                }
            },
            Ok(None) => break ended(&connection).await,
            Err(error) => {
                debug!(%error, "Reading from the server ended");
                break ended(&connection).await;
            }
        }
    };
    // If nobody listens any more, nobody needs to know.
    drop(inbound.send(Inbound { link, news: News::Ended(end) }).await);
}

/// Why the connection under a stream that ended is gone; closes it if only the stream is.
async fn ended(connection: &Connection) -> End {
    let Ok(error) = timeout(GOODBYE, connection.closed()).await else {
        connection.close(VarInt::from_u32(close::DONE), b"");
        let failure = Failure::Unreachable("the server ended the conversation".to_owned());
        return End { loss: Loss::Fault, failure };
    };
    let loss = match &error {
        ConnectionError::Reset => Loss::Prompt,
        ConnectionError::ApplicationClosed(closed)
            if close_code(closed.error_code) == close::GOING_AWAY =>
        {
            Loss::Prompt
        }
        ConnectionError::ApplicationClosed(_)
        | ConnectionError::VersionMismatch
        | ConnectionError::TransportError(_)
        | ConnectionError::ConnectionClosed(_)
        | ConnectionError::TimedOut
        | ConnectionError::LocallyClosed
        | ConnectionError::CidsExhausted => Loss::Fault,
    };
    End { loss, failure: failure_of(&error) }
}

async fn bulk(connection: Connection, request: Request) -> Result<Reply, Failure> {
    let exchange = async {
        let (mut writer, stream) =
            connection.open_bi().await.map_err(|error| failure_of(&error))?;
        let mut reader = FrameReader::new(stream, limits::FRAME_BULK);
        let frame = ClientFrame { id: 0, rq: request }.encode();
        let broken = |what: &dyn std::fmt::Display| Failure::Unreachable(what.to_string());
        writer.write_all(&frame).await.map_err(|error| broken(&error))?;
        writer.finish().map_err(|error| broken(&error))?;
        let body = reader.next().await.map_err(|error| broken(&error))?;
        let Some(body) = body else { return Err(broken(&"the answer is missing")) };
        match NodeFrame::decode(&body) {
            Ok(Some(NodeFrame::Reply { result, .. })) => result.map_err(Failure::from),
            Ok(_) => Err(strange("the answer on a bulk stream")),
            Err(error) => Err(Failure::NotThrive(error.to_string())),
        }
    };
    let waited = timeout(BULK, exchange).await;
    waited.unwrap_or_else(|_| Err(Failure::Unreachable("the server does not answer".to_owned())))
}

/// The node answered with something that does not belong to the question.
pub(crate) fn strange(what: &str) -> Failure {
    Failure::NotThrive(format!("{what} is of the wrong kind"))
}

/// A code that ends the session for good.
pub(crate) fn ends_session(failure: &Failure) -> Option<Code> {
    match failure {
        Failure::Refused { code: code @ Code::SessionEnded, .. } => Some(*code),
        Failure::Banned { .. } => Some(Code::Banned),
        Failure::Refused { .. }
        | Failure::OverQuota { .. }
        | Failure::Unreachable(_)
        | Failure::ServerChanged { .. }
        | Failure::NotThrive(_)
        | Failure::Invalid(_)
        | Failure::NotLoggedIn
        | Failure::Local(_) => None,
    }
}
