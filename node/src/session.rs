//! One connection from its handshake to its end: greeting, then active; a reader and a writer.

mod active;
mod bulk;
mod greeting;
mod incoming;
pub mod order;
pub mod outbox;
pub(crate) mod transfer;
mod writer;

use std::sync::Arc;
use std::time::Duration;

use thrive_protocol::version::close;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::appender::Appender;
use crate::bus::Bus;
use crate::dispatch::Dispatch;
use crate::hub::Hub;
use crate::presence::Online;
use crate::rate::Rate;
use crate::transport::{Framed, Peer};

/// What every session of this node shares. Handles only.
#[derive(Clone)]
pub struct Shared {
    pub dispatch: Dispatch,
    pub appender: Appender,
    pub bus: Bus,
    pub hub: Hub,
    pub online: Online,
    pub limits: Arc<Limits>,
    /// Turns for bulk answers, which hold up to 1 MiB each until they are taken.
    pub bulk: Arc<Semaphore>,
    /// Turns for the content of files, which hold a part of a file each.
    pub transfers: Arc<Semaphore>,
    /// The node stops: say so to the client and end.
    pub stop: CancellationToken,
}

/// Limits of one session; the numbers come from the configuration.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the handshake to the first request.
    pub hello: Duration,
    /// From the handshake to the login.
    pub login: Duration,
    /// Nothing could be written to the client.
    pub stall: Duration,
    /// The good-bye when the node stops.
    pub go_away: GoAway,
    /// Bytes that wait to be written to one connection.
    pub outbox: usize,
    /// Bulk requests that one connection may have under way.
    pub bulk: usize,
    /// Messages of one account.
    pub messages: Rate,
    /// Other requests of one connection.
    pub requests: Rate,
    /// The same of all connections of one account.
    pub account_requests: Rate,
    /// For a file to have its turn on this node.
    pub file_turn: Duration,
    /// For a part of a file to move.
    pub file_pace: Duration,
}

/// How clients leave a node that stops.
#[derive(Clone, Copy, Debug)]
pub struct GoAway {
    /// Over which time they are told, one after the other.
    pub spread: Duration,
    /// What each of them then has for going elsewhere.
    pub time: Duration,
}

/// Serves one connection until it ends.
pub async fn serve(shared: Shared, peer: Peer) {
    let start = Instant::now();
    let hello_by = start + shared.limits.hello;
    let stream = tokio::select! {
        biased;
        () = shared.stop.cancelled() => return peer.close(close::GOING_AWAY),
        stream = timeout_at(hello_by, peer.stream()) => stream,
    };
    let (send, receive) = match stream {
        Ok(Some(stream)) => stream,
        Ok(None) => return,
        Err(_) => return peer.close(close::TOO_SLOW),
    };
    let greeting = greeting::Greeting::new(&shared, &peer, Framed::new(receive), send);
    let Some((login, receive, send)) = greeting.until_login(start).await else { return };
    active::Active::new(&shared, &peer, login).run(receive, send).await;
}
