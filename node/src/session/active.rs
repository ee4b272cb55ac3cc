//! Logged in: requests in, replies and news out, until either side ends it.

use std::future::pending;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use parking_lot::Mutex;
use quinn::SendStream;
use thrive_protocol::bounded::List;
use thrive_protocol::ids::ClientMsgId;
use thrive_protocol::message::BadRequest;
use thrive_protocol::people::Presence;
use thrive_protocol::request::{SendMessage, Stream};
use thrive_protocol::version::close;
use thrive_protocol::{ClientFrame, Code, Event, NodeFrame, Refusal, Reply, Request, limits};
use tokio::task::JoinSet;

use super::outbox::Outbox;
use super::{Shared, bulk, writer};
use crate::appender::Submission;
use crate::clock;
use crate::dispatch::Login;
use crate::rate::Bucket;
use crate::service::Caller;
use crate::store::append::Append;
use crate::transport::{Framed, Peer, ReadError};

pub(super) struct Active<'a> {
    shared: &'a Shared,
    peer: &'a Peer,
    caller: Arc<Caller>,
    outbox: Outbox,
    /// How fast this account may send messages, over all its connections.
    messages: Arc<Mutex<Bucket>>,
    /// How fast this connection may ask for anything else.
    requests: Bucket,
    /// The hub's count at the last heartbeat.
    heard: u64,
    refused: Option<Refused>,
}

/// A message that was refused for now. What was sent behind it, and is on its way already, must not
/// overtake it: it is refused, too, until this one is sent again or its sender has had the time to.
struct Refused {
    id: ClientMsgId,
    until: Instant,
}

/// What a client may take to repeat a message beyond what it was asked to wait.
const REPEAT: Duration = Duration::from_secs(1);

impl<'a> Active<'a> {
    /// From here on news for the account is queued.
    pub(super) fn new(shared: &'a Shared, peer: &'a Peer, login: Login, outbox: Outbox) -> Self {
        let Login { caller } = login;
        let messages = shared.hub.connect(
            caller.user,
            caller.session,
            outbox.clone(),
            Bucket::full(shared.limits.messages),
        );
        Self {
            shared,
            peer,
            caller: Arc::new(caller),
            outbox,
            messages,
            requests: Bucket::full(shared.limits.requests),
            heard: 0,
            refused: None,
        }
    }

    pub(super) async fn run(mut self, frames: Framed, stream: SendStream) {
        let caller = Arc::clone(&self.caller);
        let outbox = self.outbox.clone();
        let peer = self.peer;
        let hub = self.shared.hub.clone();
        let catch_up = {
            let user = caller.user;
            let hub = hub.clone();
            move || {
                let heads = List::cut(hub.heads(user, 0).0);
                NodeFrame::Event(Event::Heads { heads }).encode()
            }
        };
        self.begin().await;
        let writer = writer::write(self.peer, &outbox, stream, self.shared.limits.stall, catch_up);
        // The reader ends when the connection does; the writer when the outbox does. Whoever is first
        // ends the other, and what was queued is still written.
        let reader = async {
            let code = self.read(frames).await;
            self.outbox.end(code);
        };
        tokio::join!(writer, async {
            tokio::select! {
                () = reader => {}
                () = peer.closed() => outbox.end(close::DONE),
            }
        });
        if hub.disconnect(caller.user, &outbox) {
            tracing::debug!(user.id = %caller.user, "Last connection of the account is gone");
        }
        self.shared.online.left(caller.user, Instant::now());
    }

    /// Follows the caller's conversations and shows them as online.
    async fn begin(&mut self) {
        let user = self.caller.user;
        let presence = match self.shared.dispatch.begin(&self.shared.hub, user).await {
            Ok(presence) => presence,
            Err(refusal) => {
                tracing::debug!(code = refusal.code.word(), "Session could not begin");
                self.shared.online.arrived(user, Presence::default());
                return self.outbox.end(close::BUSY);
            }
        };
        if let Some(seen) = self.shared.online.arrived(user, presence) {
            self.shared.dispatch.announce(user, seen).await;
        }
        self.heard = self.shared.hub.heads(user, u64::MAX).1;
    }

    /// The reading loop. Returns the code to close with.
    async fn read(&mut self, mut frames: Framed) -> u32 {
        let mut bulk = JoinSet::new();
        let mut going = false;
        loop {
            let under_way = bulk.len();
            tokio::select! {
                biased;

                // First, so that a stop is not starved by a busy client.
                () = self.shared.stop.cancelled(), if !going => {
                    going = true;
                    let deadline_ms = self.shared.limits.go_away.as_millis() as u64;
                    self.outbox.push(NodeFrame::Event(Event::GoAway { deadline_ms }).encode());
                }
                Some(_) = bulk.join_next() => {}
                stream = self.bulk_stream(under_way) => match stream {
                    Some((send, receive)) => {
                        let (shared, caller) = (self.shared.clone(), Arc::clone(&self.caller));
                        bulk.spawn(bulk::serve(shared, caller, send, receive));
                    }
                    None => return close::DONE,
                },
                frame = self.next(&mut frames) => match frame {
                    Ok(body) => if let Err(code) = self.on_frame(&body).await {
                        return code;
                    },
                    Err(ReadError::End) => return close::DONE,
                    Err(ReadError::Frame(_) | ReadError::Broken) => return close::PROTOCOL,
                },
            }
        }
    }

    /// The next frame, once the client has read enough of the answers to the ones before.
    async fn next(&self, frames: &mut Framed) -> Result<Bytes, ReadError> {
        self.outbox.room().await;
        frames.next(limits::FRAME).await
    }

    /// The next bulk stream, while there may be one more.
    async fn bulk_stream(&self, under_way: usize) -> Option<(SendStream, quinn::RecvStream)> {
        if self.shared.limits.bulk <= under_way {
            return pending().await;
        }
        self.peer.stream().await
    }

    /// # Errors
    /// The code to close with: the peer does not speak this protocol.
    async fn on_frame(&mut self, body: &[u8]) -> Result<(), u32> {
        let (id, request) = match ClientFrame::decode(body) {
            Ok(ClientFrame { id, rq }) => (id, rq),
            Err(BadRequest::Unknown { id }) => {
                self.answer(id, Err(Code::UnknownRequest.into()));
                return Ok(());
            }
            Err(BadRequest::Malformed { id, .. }) => {
                self.answer(id, Err(Code::BadRequest.into()));
                return Ok(());
            }
            Err(BadRequest::Hopeless(_)) => return Err(close::PROTOCOL),
        };
        match (request.stream(), request) {
            (Stream::Bulk, _) => self.answer(id, Err(Code::WrongStream.into())),
            (Stream::Control, Request::SendMessage(message)) => {
                if let Err(refusal) = self.send(id, message) {
                    self.answer(id, Err(refusal));
                }
            }
            (Stream::Control, Request::Heartbeat {}) => self.heartbeat(id),
            (Stream::Control, request) => self.on_request(id, request).await,
        }
        Ok(())
    }

    async fn on_request(&mut self, id: u32, request: Request) {
        if let Err(wait) = self.requests.take(Instant::now()) {
            return self.answer(id, Err(Refusal::after(Code::SlowDown, wait)));
        }
        let ends = matches!(request, Request::LogOut {});
        match self.shared.dispatch.answer(&self.caller, request).await {
            Ok(done) => {
                if let Reply::Conversation(it) = &done.reply {
                    self.shared.hub.follow(self.caller.user, [it.conversation]);
                }
                self.answer(id, Ok(done.reply));
                self.shared.bus.publish(&done.news);
                if ends {
                    self.outbox.end(close::DONE);
                }
            }
            Err(refusal) => self.answer(id, Err(refusal)),
        }
    }

    /// Takes a message in; it is answered by the appender, after the commit.
    fn send(&mut self, id: u32, message: SendMessage) -> Result<(), Refusal> {
        let text = crate::service::message_text(&message.text.0)?;
        let now = Instant::now();
        self.may_send(message.id, now).map_err(|wait| Refusal::after(Code::SlowDown, wait))?;
        let append = Append {
            conversation: message.conversation,
            sender: self.caller.user,
            id: message.id,
            text,
            time: clock::now(),
        };
        let submission = Submission { append, outbox: self.outbox.clone(), request: id };
        self.shared.appender.submit(submission).map_err(|code| {
            self.refused = Some(Refused { id: message.id, until: now + REPEAT });
            code.into()
        })
    }

    /// # Errors
    /// Not now; how long to wait.
    fn may_send(&mut self, id: ClientMsgId, now: Instant) -> Result<(), Duration> {
        if let Some(refused) = self.refused.as_ref().filter(|it| it.id != id && now < it.until) {
            return Err(refused.until.saturating_duration_since(now).min(REPEAT));
        }
        self.refused = None;
        let allowed = self.messages.lock().take(now);
        allowed.inspect_err(|wait| {
            self.refused = Some(Refused { id, until: now + *wait + REPEAT });
        })
    }

    fn heartbeat(&mut self, id: u32) {
        let (heads, heard) = self.shared.hub.heads(self.caller.user, self.heard);
        self.heard = heard;
        let reply = Reply::Heartbeat { heads: List::cut(heads), time: clock::now() };
        self.answer(id, Ok(reply));
    }

    fn answer(&self, re: u32, result: Result<Reply, Refusal>) {
        self.outbox.answer(NodeFrame::Reply { re, result }.encode());
    }
}
