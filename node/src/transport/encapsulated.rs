//! The socket of a worker behind routers. QUIC sees the addresses of clients and knows of no router:
//! the header is taken off what comes in and put before what goes out, here.
//!
//! Pings are answered here too, when QUIC asks for datagrams: a worker whose QUIC stands still is silent.

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Instant;

use parking_lot::Mutex;
use quinn::udp::{RecvMeta, Transmit, UdpSocketState};
use quinn::{AsyncUdpSocket, UdpPoller};
use thrive_protocol::encapsulation::{self, EncapKey, HEADER, Header, Kind, Ping, Pong, State};
use tokio::io::Interest;
use tokio::net::UdpSocket;

use super::counts::{Counts, Fate};
use super::inbox::Inbox;
use super::parameters::DATAGRAM;
use super::routes::{Routes, Way};
use super::standing::Standing;

pub(super) struct Encapsulated {
    io: UdpSocket,
    state: UdpSocketState,
    key: EncapKey,
    routes: Routes,
    /// Only the one task that drives QUIC reads, so nobody ever waits for it.
    inbox: Mutex<Inbox>,
    standing: Arc<Standing>,
    counts: Arc<Counts>,
    started: Instant,
    /// When somebody was last told of a wrong seal.
    warned: AtomicU64,
}

/// Time between two warnings of the same.
const WARN: u64 = 60_000;
/// Reads without a datagram for QUIC before other tasks get a turn.
const ROUNDS: usize = 8;
/// Datagrams in one call to the system: with their headers they stay below 64 KiB.
const SEGMENTS: usize = 40;
const _: () = assert!(SEGMENTS * (DATAGRAM as usize + HEADER) < 65_000);

thread_local! {
    /// Where headers and payloads are laid out for the system. As large as the largest call so far.
    static OUTBOUND: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Encapsulated {
    pub(super) fn new(
        socket: std::net::UdpSocket,
        key: EncapKey,
        standing: Arc<Standing>,
        counts: Arc<Counts>,
    ) -> io::Result<Self> {
        let state = UdpSocketState::new((&socket).into())?;
        Ok(Self {
            io: UdpSocket::from_std(socket)?,
            state,
            key,
            routes: Routes::default(),
            inbox: Mutex::new(Inbox::new()),
            standing,
            counts,
            started: Instant::now(),
            warned: AtomicU64::new(0),
        })
    }

    /// Returns when the runtime knows that the socket can be written to.
    pub(super) async fn writable(&self) -> io::Result<()> {
        self.io.writable().await
    }

    fn now(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn standing(&self) -> State {
        if self.standing.draining() { State::Draining } else { State::Ready }
    }

    /// Moves what was read to QUIC; the rest is dealt with and counted. Says how many it were.
    fn hand_over(
        &self,
        inbox: &mut Inbox,
        bufs: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> usize {
        let now = self.now();
        let mut places = bufs.iter_mut().zip(metas);
        let mut moved = 0;
        let mut place = places.next();
        while let Some((buf, meta)) = &mut place {
            let Some((datagram, from)) = inbox.next() else { break };
            match self.take(datagram, from, now, buf) {
                Ok(Some((client, len))) => {
                    **meta =
                        RecvMeta { addr: client, len, stride: len, ecn: from.ecn, dst_ip: None };
                    moved += 1;
                    place = places.next();
                }
                Ok(None) => {}
                Err(fate) => {
                    self.counts.count(fate);
                    if let Fate::Forged = fate {
                        self.warn_of_forgery(from.addr, now);
                    }
                }
            }
        }
        self.counts.add(Fate::Received, moved);
        moved
    }

    /// Copies the payload to `buf` and says whose it is and how long, unless it was not for QUIC.
    fn take(
        &self,
        datagram: &[u8],
        from: RecvMeta,
        now: u64,
        buf: &mut [u8],
    ) -> Result<Option<(SocketAddr, usize)>, Fate> {
        let opened = encapsulation::open(&self.key, datagram);
        let short = datagram.len() <= HEADER;
        let (header, payload) = opened.ok_or(if short { Fate::Short } else { Fate::Forged })?;
        let way = Way { router: from.addr, local: from.dst_ip };
        match header.kind {
            Kind::Data => {
                let first = payload.first().ok_or(Fate::Short)?;
                let place = buf.get_mut(..payload.len()).ok_or(Fate::Large)?;
                // A short header is what follows a handshake.
                let settled = first & 0x80 == 0;
                if !self.routes.saw(header.client, settled, header.router, way, now) {
                    return Err(Fate::Crowded);
                }
                place.copy_from_slice(payload);
                Ok(Some((header.client, payload.len())))
            }
            Kind::Ping => {
                let ping = Ping::decode(payload).ok_or(Fate::Short)?;
                self.routes.heard(header.router, way, now);
                self.answer(header.router, way, ping)?;
                Ok(None)
            }
            Kind::Pong => Err(Fate::Unexpected),
        }
    }

    /// A router with another secret is most likely a mistake, and nobody would find it in silence.
    fn warn_of_forgery(&self, router: SocketAddr, now: u64) {
        let last = self.warned.load(Ordering::Relaxed);
        if last == 0 || last + WARN <= now {
            self.warned.store(now.max(1), Ordering::Relaxed);
            tracing::warn!(%router, "A datagram was sealed with another secret than this cluster's");
        }
    }

    fn answer(&self, router: u16, way: Way, ping: Ping) -> Result<(), Fate> {
        let pong = Pong {
            counter: ping.counter,
            connections: u32::try_from(self.standing.connections()).unwrap_or(u32::MAX),
            load: self.standing.load(),
        };
        let payload = pong.encode();
        let header = Header::without_client(Kind::Pong, self.standing(), router);
        let mut datagram = [0; HEADER + Pong::LEN];
        datagram[..HEADER].copy_from_slice(&encapsulation::seal(&self.key, header, &payload));
        datagram[HEADER..].copy_from_slice(&payload);
        let transmit = Transmit {
            destination: way.router,
            ecn: None,
            contents: &datagram,
            segment_size: None,
            src_ip: way.local,
        };
        // When the buffer of the system is full, a router learns that by the missing pong.
        self.send(&transmit).map_err(|_| Fate::Failed)?;
        self.counts.count(Fate::Answered);
        Ok(())
    }

    fn send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.io.try_io(Interest::WRITABLE, || self.state.send((&self.io).into(), transmit))
    }
}

impl AsyncUdpSocket for Encapsulated {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable { socket: self, waiting: None })
    }

    /// Only ever fails because the system takes no more just now: any other error would end a connection.
    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let segments = segments(transmit);
        let Some((router, way)) = self.routes.way(transmit.destination, self.now()) else {
            self.counts.add(Fate::Unroutable, segments);
            return Ok(());
        };
        let header = Header {
            kind: Kind::Data,
            state: self.standing(),
            client: transmit.destination,
            router,
        };
        OUTBOUND.with_borrow_mut(|outbound| {
            let segment_size = wrap(&self.key, header, transmit, outbound);
            self.send(&Transmit {
                destination: way.router,
                ecn: transmit.ecn,
                contents: outbound,
                segment_size,
                src_ip: way.local,
            })
        })?;
        self.counts.add(Fate::Sent, segments);
        Ok(())
    }

    /// Never fails: QUIC takes an error for the end of all connections.
    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        metas: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let mut inbox = self.inbox.lock();
        for _ in 0..ROUNDS {
            let moved = self.hand_over(&mut inbox, bufs, metas);
            if 0 < moved {
                return Poll::Ready(Ok(moved));
            }
            // Fails only when the runtime ends, and all tasks with it.
            if ready!(self.io.poll_recv_ready(cx)).is_err() {
                return Poll::Pending;
            }
            let read = inbox.fill(|pieces, metas| {
                let receive = || self.state.recv((&self.io).into(), pieces, metas);
                self.io.try_io(Interest::READABLE, receive)
            });
            match read {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => self.counts.count(Fate::Failed),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.state.max_gso_segments().min(SEGMENTS)
    }

    fn may_fragment(&self) -> bool {
        self.state.may_fragment()
    }
}

impl fmt::Debug for Encapsulated {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Encapsulated").field("io", &self.io).finish_non_exhaustive()
    }
}

/// Datagrams in one transmit.
fn segments(transmit: &Transmit<'_>) -> usize {
    match transmit.segment_size {
        Some(size) => transmit.contents.len().div_ceil(size.max(1)),
        None => 1,
    }
}

/// Lays out all datagrams of `transmit`, each behind a header of its own, and says how far they are apart
/// if there are several.
fn wrap(
    key: &EncapKey,
    header: Header,
    transmit: &Transmit<'_>,
    outbound: &mut Vec<u8>,
) -> Option<usize> {
    outbound.clear();
    let size = transmit.segment_size.unwrap_or(transmit.contents.len()).max(1);
    for segment in transmit.contents.chunks(size) {
        outbound.extend_from_slice(&encapsulation::seal(key, header, segment));
        outbound.extend_from_slice(segment);
    }
    (size < transmit.contents.len()).then_some(size + HEADER)
}

/// Waits until the system takes datagrams again. Makes a future only when it has to.
struct Writable {
    socket: Arc<Encapsulated>,
    waiting: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>>,
}

impl UdpPoller for Writable {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, waiting } = &mut *self;
        let future = waiting.get_or_insert_with(|| {
            let socket = Arc::clone(socket);
            Box::pin(async move { socket.writable().await })
        });
        let outcome = ready!(future.as_mut().poll(cx));
        *waiting = None;
        Poll::Ready(outcome)
    }
}

impl fmt::Debug for Writable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Writable").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
