//! Logged in: requests in, replies and news out, until either side ends it.

use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use quinn::{RecvStream, SendStream};
use thrive_protocol::bounded::List;
use thrive_protocol::ids::{ClientMsgId, ConversationId, UserId};
use thrive_protocol::message::BadRequest;
use thrive_protocol::request::{SendMessage, Stream};
use thrive_protocol::version::close;
use thrive_protocol::{ClientFrame, Code, Event, NodeFrame, Refusal, Reply, Request, limits};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::incoming::Incoming;
use super::order::{Order, Wait};
use super::outbox::Outbox;
use super::transfer::{Transfer, Turns};
use super::{GoAway, Shared, bulk, transfer, writer};
use crate::appender::Submission;
use crate::bus::Committed;
use crate::clock;
use crate::dispatch::Login;
use crate::hub::{Account, Buckets, Hub};
use crate::presence::Online;
use crate::rate::Bucket;
use crate::service::Caller;
use crate::store::append::Append;
use crate::transport::{Framed, Peer, ReadError};

pub(super) struct Active<'a> {
    shared: &'a Shared,
    peer: &'a Peer,
    caller: Arc<Caller>,
    outbox: Outbox,
    /// What it has in common with other connections of the account.
    account: Account,
    /// How fast this connection may ask for anything but sending.
    requests: Bucket,
    /// The hub's count at the last heartbeat.
    heard: u64,
    /// When the list of devices was told last that this one is in use.
    touched: Instant,
    order: Order,
    /// For the content of files.
    turns: Turns,
    _present: Present,
}

/// Being known to the hub and counted as online, until dropped.
struct Present {
    hub: Hub,
    online: Online,
    user: UserId,
    outbox: Outbox,
}

impl Drop for Present {
    fn drop(&mut self) {
        let now = Instant::now();
        self.hub.disconnect(self.user, &self.outbox, now);
        self.online.left(self.user, now);
    }
}

/// Returns when this client is to be told that the node stops: not all in the same moment, or they
/// would all come to the other nodes in the same moment.
async fn leaving(stop: CancellationToken, go_away: GoAway) {
    stop.cancelled().await;
    tokio::time::sleep(go_away.spread.mul_f64(f64::from(crate::random::byte()) / 256.0)).await;
}

/// How exactly the list of devices tells when one was used last.
const TOUCH: Duration = Duration::from_secs(600);
/// What a client is asked to wait whose message did not fit in, or failed.
const PAUSE: Duration = Duration::from_secs(1);

impl<'a> Active<'a> {
    /// From here on news for the account is queued.
    pub(super) fn new(shared: &'a Shared, peer: &'a Peer, login: Login) -> Self {
        let Login { caller } = login;
        let user = caller.user;
        let outbox = Outbox::bounded(shared.limits.outbox);
        let fresh = Buckets::full(shared.limits.messages, shared.limits.account_requests);
        let bulk = shared.limits.bulk;
        let account = shared.hub.connect(user, caller.session, outbox.clone(), fresh, bulk);
        shared.online.arrived(user);
        let (hub, online) = (shared.hub.clone(), shared.online.clone());
        Self {
            shared,
            peer,
            caller: Arc::new(caller),
            outbox: outbox.clone(),
            account,
            requests: Bucket::full(shared.limits.requests),
            heard: 0,
            touched: Instant::now(),
            order: Order::default(),
            turns: Turns::of_connection(),
            _present: Present { hub, online, user, outbox },
        }
    }

    pub(super) async fn run(mut self, frames: Framed, stream: SendStream) {
        self.begin().await;
        let outbox = self.outbox.clone();
        let (peer, stall) = (self.peer, self.shared.limits.stall);
        let (hub, user) = (self.shared.hub.clone(), self.caller.user);
        let catch_up = || {
            let heads = List::cut(hub.heads(user, 0).0);
            NodeFrame::Event(Event::Heads { heads }).encode()
        };
        let writer = writer::write(peer, &outbox, stream, stall, catch_up);
        // The reader is not cut off in the middle of a request, whose news would be lost: it ends by
        // itself when the outbox does. Whoever is first ends the others.
        let reader = async {
            let code = self.read(Incoming::new(frames)).await;
            outbox.end(code);
        };
        let closed = async {
            peer.closed().await;
            outbox.end(close::DONE);
        };
        tokio::join!(writer, reader, closed);
    }

    async fn begin(&mut self) {
        let begun = Box::pin(self.shared.dispatch.begin(&self.shared.hub, &self.caller)).await;
        if let Err(refusal) = begun {
            tracing::debug!(code = refusal.code.word(), "Session could not begin");
            if refusal.code == Code::SessionEnded {
                self.outbox.push(NodeFrame::Event(Event::SessionEnded {}).encode());
                return self.outbox.end(close::SESSION_ENDED);
            }
            return self.outbox.end(close::BUSY);
        }
        self.heard = self.shared.hub.heads(self.caller.user, u64::MAX).1;
    }

    /// The reading loop. Returns the code to close with.
    async fn read(&mut self, mut incoming: Incoming) -> u32 {
        let mut bulk = JoinSet::new();
        let mut transfers = JoinSet::new();
        let mut going = false;
        let mut leaving = pin!(leaving(self.shared.stop.clone(), self.shared.limits.go_away));
        loop {
            let under_way = bulk.len();
            tokio::select! {
                biased;

                // First, so that a revoked session and a stop are not starved by a busy client.
                code = self.outbox.ended() => return code,
                () = &mut leaving, if !going => {
                    going = true;
                    let deadline_ms = self.shared.limits.go_away.time.as_millis() as u64;
                    self.outbox.push(NodeFrame::Event(Event::GoAway { deadline_ms }).encode());
                }
                Some(done) = bulk.join_next() => if let Ok(Some(transfer)) = done {
                    self.on_transfer(&mut transfers, transfer);
                },
                Some(_) = transfers.join_next() => {}
                stream = self.bulk_stream(under_way) => match stream {
                    Some((send, receive)) => self.on_bulk(&mut bulk, send, receive),
                    None => return close::DONE,
                },
                frame = incoming.next(&self.outbox) => match frame {
                    Ok(body) => if let Err(code) = self.on_frame(&body, &mut incoming).await {
                        return code;
                    },
                    Err(ReadError::End) => return close::DONE,
                    Err(ReadError::Frame(_) | ReadError::Broken) => return close::PROTOCOL,
                },
            }
        }
    }

    /// The next bulk stream, while there may be one more.
    async fn bulk_stream(&self, under_way: usize) -> Option<(SendStream, RecvStream)> {
        if self.shared.limits.bulk <= under_way {
            return pending().await;
        }
        self.peer.stream().await
    }

    /// It has waited for its request among bulk streams; from here on it is in nobody's way there.
    fn on_transfer(&self, transfers: &mut JoinSet<()>, transfer: Transfer) {
        let (shared, caller) = (self.shared.clone(), Arc::clone(&self.caller));
        if transfers.len() < limits::TRANSFERS {
            let (turns, account) = (self.turns.clone(), self.account.transfers.clone());
            transfers.spawn(transfer::serve(shared, caller, turns, account, transfer));
        } else {
            transfers.spawn(transfer::refuse(shared, transfer));
        }
    }

    fn on_bulk(
        &mut self,
        bulk: &mut JoinSet<Option<Transfer>>,
        send: SendStream,
        receive: RecvStream,
    ) {
        let shared = self.shared.clone();
        match self.may_ask() {
            Ok(()) => {
                let (caller, turns) = (Arc::clone(&self.caller), Arc::clone(&self.account.bulk));
                bulk.spawn(bulk::serve(shared, caller, turns, send, receive));
            }
            Err(refusal) => drop(bulk.spawn(bulk::refuse(shared, send, refusal))),
        }
    }

    /// # Errors
    /// Too fast, here or by all connections of the account together; when to ask again.
    fn may_ask(&mut self) -> Result<(), Refusal> {
        let now = Instant::now();
        let allowed = self.requests.take(now).and_then(|()| {
            let of_all = self.account.buckets.lock().requests.take(now);
            of_all.inspect_err(|_| self.requests.give_back())
        });
        allowed.map_err(|wait| Refusal::after(Code::SlowDown, wait))
    }

    /// # Errors
    /// The code to close with: the peer does not speak this protocol.
    async fn on_frame(&mut self, body: &[u8], incoming: &mut Incoming) -> Result<(), u32> {
        let (id, request) = match ClientFrame::decode(body) {
            Ok(ClientFrame { id, rq: Request::SendMessage(message) }) => {
                if let Err(refusal) = self.send(id, message, incoming).await {
                    self.answer(id, Err(refusal));
                }
                return Ok(());
            }
            Ok(ClientFrame { id, rq }) => (id, Ok(rq)),
            Err(BadRequest::Unknown { id }) => (id, Err(Code::UnknownRequest)),
            Err(BadRequest::Malformed { id, .. }) => (id, Err(Code::BadRequest)),
            Err(BadRequest::Hopeless(_)) => return Err(close::PROTOCOL),
        };
        if let Ok(Request::Heartbeat {}) = request {
            self.heartbeat(id);
            self.touch().await;
            return Ok(());
        }
        if let Err(refusal) = self.may_ask() {
            self.answer(id, Err(refusal));
            return Ok(());
        }
        match request {
            Err(code) => self.answer(id, Err(code.into())),
            Ok(request) if request.stream() != Stream::Control => {
                self.answer(id, Err(Code::WrongStream.into()));
            }
            Ok(request) => match self.may_write(&request) {
                Ok(()) => self.on_request(id, request, incoming).await,
                Err(refusal) => self.answer(id, Err(refusal)),
            },
        }
        Ok(())
    }

    /// An offer is an entry that others are shown, as a message is: both count together.
    fn may_write(&self, request: &Request) -> Result<(), Refusal> {
        let Request::OfferFile(_) = request else { return Ok(()) };
        let allowed = self.account.buckets.lock().messages.take(Instant::now());
        allowed.map_err(|wait| Refusal::after(Code::SlowDown, wait))
    }

    async fn on_request(&mut self, id: u32, request: Request, incoming: &mut Incoming) {
        let ends = matches!(request, Request::LogOut {});
        let (dispatch, caller) = (&self.shared.dispatch, Arc::clone(&self.caller));
        let outbox = self.outbox.clone();
        // On the heap, as what is rare elsewhere here: a connection that waits for its next frame keeps no room
        // for the largest of all requests.
        let answer = Box::pin(dispatch.answer(&caller, request));
        match incoming.during(answer, &outbox, |beat| self.heartbeat(beat)).await {
            Ok(done) => {
                if let Reply::Conversation(it) = &done.reply {
                    self.shared.hub.follow_from(self.caller.user, it.conversation, it.head);
                }
                self.answer(id, Ok(done.reply));
                if ends {
                    // Before the news, which would end this connection as one that was revoked.
                    self.outbox.end(close::DONE);
                }
                self.shared.bus.publish(&done.news);
                if let Some(entry) = done.entry {
                    let committed = Committed { entry, origin: None };
                    self.shared.bus.publish_committed(vec![committed]).await;
                }
            }
            Err(refusal) => self.answer(id, Err(refusal)),
        }
    }

    /// Takes a message in; it is answered by the appender, after the commit.
    async fn send(
        &mut self,
        request: u32,
        message: SendMessage,
        incoming: &mut Incoming,
    ) -> Result<(), Refusal> {
        let text = crate::service::message_text(&message.text.0)?;
        let now = Instant::now();
        let (conversation, id) = (message.conversation, message.id);
        let may_send = self.may_send(conversation, id, now, incoming).await;
        may_send.map_err(|wait| Refusal::after(Code::SlowDown, wait))?;
        let append =
            Append { conversation, sender: self.caller.user, id, text, time: clock::now() };
        let submission = Submission { append, outbox: self.outbox.clone(), request };
        let submitted = self.shared.appender.submit(submission);
        submitted.inspect_err(|_| self.order.hold(&[(conversation, id)], now, PAUSE))
    }

    /// # Errors
    /// Not now; how long to wait.
    async fn may_send(
        &mut self,
        conversation: ConversationId,
        id: ClientMsgId,
        now: Instant,
        incoming: &mut Incoming,
    ) -> Result<(), Duration> {
        self.order.hold(&self.outbox.failed(), now, PAUSE);
        let mut passed = self.order.pass(conversation, id, now);
        if let Err(Wait::Ask(ids)) = passed {
            let (dispatch, caller) = (&self.shared.dispatch, Arc::clone(&self.caller));
            let outbox = self.outbox.clone();
            let asking = Box::pin(dispatch.stored(&caller, conversation, ids));
            let stored = incoming.during(asking, &outbox, |beat| self.heartbeat(beat)).await;
            // A store that cannot be read can store nothing, either.
            self.order.are_stored(conversation, &stored.unwrap_or_default(), now);
            passed = self.order.pass(conversation, id, now);
        }
        match passed {
            Ok(()) => {}
            Err(Wait::For(wait)) => return Err(wait),
            Err(Wait::Ask(_)) => return Err(PAUSE),
        }
        let allowed = self.account.buckets.lock().messages.take(now);
        allowed.inspect_err(|wait| self.order.hold(&[(conversation, id)], now, *wait))
    }

    fn heartbeat(&mut self, id: u32) {
        // Of this connection alone: it costs the store nothing, and others must not make it look dead.
        if let Err(wait) = self.requests.take(Instant::now()) {
            return self.answer(id, Err(Refusal::after(Code::SlowDown, wait)));
        }
        let (heads, heard) = self.shared.hub.heads(self.caller.user, self.heard);
        self.heard = heard;
        let reply = Reply::Heartbeat { heads: List::cut(heads), time: clock::now() };
        self.answer(id, Ok(reply));
    }

    async fn touch(&mut self) {
        if TOUCH <= self.touched.elapsed() {
            self.touched = Instant::now();
            Box::pin(self.shared.dispatch.touch(&self.caller)).await;
        }
    }

    fn answer(&self, re: u32, result: Result<Reply, Refusal>) {
        self.outbox.answer(NodeFrame::Reply { re, result }.encode());
    }
}
