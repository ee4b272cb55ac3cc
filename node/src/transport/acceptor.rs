//! Connections from all sockets of a node, within limits.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use parking_lot::Mutex;
use quinn::{Endpoint, Incoming};
use thrive_protocol::version::close;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::Peer;
use super::counts::{Counts, Routed};
use super::places::{Allowed, Permit, Places};
use super::standing::Standing;

/// Handshakes under way above which an address must prove itself first (a round trip more).
const RETRY_ABOVE: usize = 256;
/// A handshake takes at most so long.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// Attempts that are taken from QUIC before the node asks. More wait there, up to its own bound.
const ATTEMPTS: usize = 64;

/// Accepts connections and counts them, until each is dropped. When the last one of its copies is
/// dropped, the sockets take no new connections, and close with the last connection.
#[derive(Clone)]
pub struct Acceptor(Arc<Inner>);

struct Inner {
    endpoints: Vec<Endpoint>,
    attempts: Mutex<Attempts>,
    /// Whether we closed the sockets, so that their end is no fault.
    closed: Arc<AtomicBool>,
    places: Arc<Places>,
    standing: Arc<Standing>,
    counts: Vec<Arc<Counts>>,
    handshakes: AtomicUsize,
    refused: AtomicU64,
    retried: AtomicU64,
    failed: AtomicU64,
}

/// What came in on all sockets, and who brings it.
struct Attempts {
    found: mpsc::Receiver<Incoming>,
    /// One for each endpoint; ends with it, or with the acceptor.
    collectors: JoinSet<()>,
}

/// What happened since the start.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Figures {
    /// Attempts turned away, because there are too many or the node drains.
    pub refused: u64,
    /// Attempts that had to prove their address first.
    pub retried: u64,
    /// Attempts that led to nothing.
    pub failed: u64,
    /// Datagrams through routers, on all workers.
    pub routed: Routed,
}

impl Acceptor {
    pub(super) fn new(
        endpoints: Vec<Endpoint>,
        allowed: Allowed,
        standing: Arc<Standing>,
        counts: Vec<Arc<Counts>>,
    ) -> Self {
        let (sender, found) = mpsc::channel(ATTEMPTS);
        let closed = Arc::new(AtomicBool::default());
        let mut collectors = JoinSet::new();
        for endpoint in &endpoints {
            collectors.spawn(collect(endpoint.clone(), sender.clone(), Arc::clone(&closed)));
        }
        Self(Arc::new(Inner {
            endpoints,
            attempts: Mutex::new(Attempts { found, collectors }),
            closed,
            places: Places::new(allowed, Arc::clone(&standing)),
            standing,
            counts,
            handshakes: AtomicUsize::default(),
            refused: AtomicU64::default(),
            retried: AtomicU64::default(),
            failed: AtomicU64::default(),
        }))
    }

    /// The next attempt on any socket. `None` once for each socket that came to its end, and always
    /// when there is none left: a node that goes on with the others would be silent to those who reach
    /// it through this one. One task may wait at a time.
    pub async fn attempt(&self) -> Option<Incoming> {
        poll_fn(|cx| self.0.attempts.lock().poll(cx)).await
    }

    /// Brings an attempt to a connection, or turns it away.
    pub async fn establish(&self, incoming: Incoming) -> Option<(Peer, Permit)> {
        let inner = &*self.0;
        let _under_way = Handshake::begin(&inner.handshakes);
        if inner.standing.draining() {
            self.refuse(incoming, "the node drains");
            return None;
        }
        let address = incoming.remote_address().ip();
        // Otherwise somebody who writes another's address on a few datagrams would take all its places.
        let doubted = !incoming.remote_address_validated() && inner.places.half_taken(address);
        let many = RETRY_ABOVE < inner.handshakes.load(Ordering::Relaxed);
        if (many || doubted) && incoming.may_retry() {
            inner.retried.fetch_add(1, Ordering::Relaxed);
            // Fails only for an attempt that was retried already, which was just excluded.
            drop(incoming.retry());
            return None;
        }
        let Some(permit) = inner.places.take(address) else {
            self.refuse(incoming, "there are too many");
            return None;
        };
        let handshake = async { incoming.accept().ok()?.await.ok() };
        match tokio::time::timeout(HANDSHAKE, handshake).await {
            Ok(Some(connection)) => Some((Peer::new(connection), permit)),
            Ok(None) | Err(_) => {
                inner.failed.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    fn refuse(&self, incoming: Incoming, why: &str) {
        tracing::debug!(why, "Connection refused");
        self.0.refused.fetch_add(1, Ordering::Relaxed);
        incoming.refuse();
    }

    /// From now on routers are told to send nobody new, and attempts are turned away. Connections
    /// that are there live on.
    pub fn drain(&self) {
        self.0.standing.drain();
    }

    /// Connections on all sockets, with those whose handshake is under way.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.standing.connections()
    }

    /// How full the node is, from 0 to 16, as routers hear it.
    #[must_use]
    pub fn load(&self) -> u8 {
        self.0.standing.load()
    }

    #[must_use]
    pub fn figures(&self) -> Figures {
        let mut routed = Routed::default();
        for counts in &self.0.counts {
            routed += counts.figures();
        }
        Figures {
            refused: self.0.refused.load(Ordering::Relaxed),
            retried: self.0.retried.load(Ordering::Relaxed),
            failed: self.0.failed.load(Ordering::Relaxed),
            routed,
        }
    }

    /// As if so many handshakes more were under way.
    #[cfg(test)]
    pub(super) fn pretend_handshakes(&self, number: usize) {
        self.0.handshakes.fetch_add(number, Ordering::Relaxed);
    }

    /// Turns new attempts away and closes what is left; returns when the last byte is sent.
    pub async fn close(&self) {
        self.0.closed.store(true, Ordering::Relaxed);
        for endpoint in &self.0.endpoints {
            endpoint.close(close::GOING_AWAY.into(), b"");
        }
        for endpoint in &self.0.endpoints {
            endpoint.wait_idle().await;
        }
    }
}

impl Attempts {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Option<Incoming>> {
        // First, so that a flood on one socket does not hide the end of another.
        match self.collectors.poll_join_next(cx) {
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => self.found.poll_recv(cx),
        }
    }
}

/// Ends when the endpoint does. While nobody asks, attempts wait in QUIC, which has a bound too.
async fn collect(endpoint: Endpoint, found: mpsc::Sender<Incoming>, closed: Arc<AtomicBool>) {
    while let Some(incoming) = endpoint.accept().await {
        if found.send(incoming).await.is_err() {
            return;
        }
    }
    if !closed.load(Ordering::Relaxed) {
        let address = endpoint.local_addr().ok();
        tracing::error!(?address, "A socket of the node can be used no more");
    }
}

/// Counts a handshake for as long as it lives.
struct Handshake<'a>(&'a AtomicUsize);

impl<'a> Handshake<'a> {
    fn begin(count: &'a AtomicUsize) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count)
    }
}

impl Drop for Handshake<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
