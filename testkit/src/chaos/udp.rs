//! A UDP relay that loses, delays, reorders, doubles or swallows datagrams, and that is a NAT which can
//! forget its bindings.
//!
//! Each client has a socket, a queue and chances of its own, so that with the same seed and the same
//! datagrams the same happens again to the first client, to the second, and so on.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::future::pending;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, interval_at, sleep, sleep_until};

use super::{Dice, Stage, Way};

/// The largest datagram there is.
const DATAGRAM: usize = 65_536;
/// Datagrams of one client that may wait; further ones are lost, as on any router.
const WAITING: usize = 4_096;
/// How long a datagram may wait for a narrow link before the link is full.
const FULL: Duration = Duration::from_millis(400);
/// How long a client may be silent before its socket is given back.
const IDLE: Duration = Duration::from_secs(300);
/// What the system may keep for the relay while it is busy.
const SYSTEM_BUFFER: usize = 4 * 1024 * 1024;

/// What happens to datagrams in one direction. By default they pass at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UdpPath {
    /// The probability that one is lost, from 0 to 1.
    pub loss: f64,
    /// The probability that one arrives twice.
    pub duplicate: f64,
    pub delay: Duration,
    /// What may be added to the delay. Datagrams overtake each other then.
    pub jitter: Duration,
    /// Bytes a second, for each client.
    pub bandwidth: Option<u32>,
    /// Nothing passes.
    pub silent: bool,
}

/// Both directions of a link.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct UdpLink {
    /// From the clients.
    pub up: UdpPath,
    pub down: UdpPath,
}

impl UdpLink {
    /// The same in both directions.
    #[must_use]
    pub fn both(path: UdpPath) -> Self {
        Self { up: path.clone(), down: path }
    }
}

/// How many datagrams have come and gone, over all clients and both directions.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Traffic {
    pub passed: u64,
    pub lost: u64,
    pub doubled: u64,
    /// Lost because a queue was full, which nobody has asked for.
    pub overflowed: u64,
}

#[derive(Default)]
struct Counts {
    passed: AtomicU64,
    lost: AtomicU64,
    doubled: AtomicU64,
    overflowed: AtomicU64,
}

/// A relay in front of one address. It ends when this is dropped.
pub struct UdpRelay {
    address: SocketAddr,
    link: watch::Sender<UdpLink>,
    rebind: watch::Sender<Rebind>,
    counts: Arc<Counts>,
    _stage: Stage,
}

/// The latest order to forget bindings.
#[derive(Clone, Copy, Debug, Default)]
struct Rebind {
    order: u64,
    /// Without it, all clients.
    only: Option<SocketAddr>,
    every: Option<Duration>,
}

impl UdpRelay {
    /// # Errors
    /// There is no port or thread to be had.
    pub fn start(upstream: SocketAddr, seed: u64) -> Result<Self> {
        let socket = std::net::UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("a port")?;
        socket.set_nonblocking(true).context("a socket that does not block")?;
        widen(&socket);
        let address = socket.local_addr().context("its address")?;
        let (link, links) = watch::channel(UdpLink::default());
        let (rebind, rebinds) = watch::channel(Rebind::default());
        let counts = Arc::new(Counts::default());
        let counted = Arc::clone(&counts);
        let stage = Stage::start("udp-relay", move || async move {
            if let Ok(front) = UdpSocket::from_std(socket) {
                let relay =
                    Relay { front: Arc::new(front), upstream, links, rebinds, counts: counted };
                relay.serve(seed).await;
            }
        })
        .context("a thread for the relay")?;
        Ok(Self { address, link, rebind, counts, _stage: stage })
    }

    /// Where to send instead.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the link behaves like this.
    pub fn set(&self, link: UdpLink) {
        self.link.send_replace(link);
    }

    /// Everything passes at once again.
    pub fn pass(&self) {
        self.set(UdpLink::default());
    }

    /// Nothing passes any more, and nobody is told.
    pub fn blackhole(&self, way: Way) {
        self.link.send_modify(|link| {
            link.up.silent |= way.includes(Way::Up);
            link.down.silent |= way.includes(Way::Down);
        });
    }

    /// Forgets the bindings of all clients: from now on they come from other ports, and what is sent
    /// to the former ones is lost.
    pub fn rebind(&self) {
        self.order_rebind(None);
    }

    /// Forgets the binding of the client at this address.
    pub fn rebind_one(&self, client: SocketAddr) {
        self.order_rebind(Some(client));
    }

    /// Forgets the bindings of each client again and again.
    pub fn rebind_every(&self, every: Option<Duration>) {
        self.rebind.send_modify(|rebind| rebind.every = every);
    }

    #[must_use]
    pub fn traffic(&self) -> Traffic {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Traffic {
            passed: read(&self.counts.passed),
            lost: read(&self.counts.lost),
            doubled: read(&self.counts.doubled),
            overflowed: read(&self.counts.overflowed),
        }
    }

    fn order_rebind(&self, only: Option<SocketAddr>) {
        self.rebind.send_modify(|rebind| {
            rebind.order += 1;
            rebind.only = only;
        });
    }
}

#[derive(Clone)]
struct Relay {
    front: Arc<UdpSocket>,
    upstream: SocketAddr,
    links: watch::Receiver<UdpLink>,
    rebinds: watch::Receiver<Rebind>,
    counts: Arc<Counts>,
}

impl Relay {
    async fn serve(self, seed: u64) {
        let mut clients: HashMap<SocketAddr, mpsc::Sender<Bytes>> = HashMap::new();
        let mut seeds = Dice::new(seed);
        let mut buffer = vec![0; DATAGRAM];
        loop {
            // An error tells of an earlier datagram that did not arrive, which is nothing new here.
            let Ok((length, from)) = self.front.recv_from(&mut buffer).await else { continue };
            let mut datagram = Some(Bytes::copy_from_slice(&buffer[..length]));
            while let Some(next) = datagram.take() {
                let queue = clients.entry(from).or_insert_with(|| {
                    let (queue, arriving) = mpsc::channel(WAITING);
                    let client = Client {
                        relay: self.clone(),
                        address: from,
                        dice: Dice::new(seeds.roll()),
                        lines: [Line::default(), Line::default()],
                        waiting: BinaryHeap::new(),
                        number: 0,
                    };
                    tokio::spawn(async move { drop(client.attend(arriving).await) });
                    queue
                });
                match queue.try_send(next) {
                    Ok(()) => {}
                    Err(mpsc::error::TrySendError::Full(_)) => count(&self.counts.overflowed),
                    // It was idle for long; here it is again.
                    Err(mpsc::error::TrySendError::Closed(next)) => {
                        clients.remove(&from);
                        datagram = Some(next);
                    }
                }
            }
        }
    }
}

/// One client, with its socket towards the other side.
struct Client {
    relay: Relay,
    address: SocketAddr,
    dice: Dice,
    /// Up and down.
    lines: [Line; 2],
    waiting: BinaryHeap<Reverse<Waiting>>,
    number: u64,
}

/// Ordered by time, and by number among those of one time.
#[derive(Eq, Ord, PartialEq, PartialOrd)]
struct Waiting {
    due: Instant,
    number: u64,
    up: bool,
    datagram: Bytes,
}

impl Client {
    async fn attend(mut self, mut arriving: mpsc::Receiver<Bytes>) -> io::Result<()> {
        let mut socket = self.bind().await?;
        let mut rebinds = self.relay.rebinds.clone();
        let mut known = rebinds.borrow_and_update().order;
        let mut clock = clock(rebinds.borrow().every);
        let mut buffer = vec![0; DATAGRAM];
        loop {
            let due = self.waiting.peek().map(|Reverse(next)| next.due);
            tokio::select! {
                biased;
                Ok(()) = rebinds.changed() => {
                    let rebind = *rebinds.borrow_and_update();
                    clock = self::clock(rebind.every);
                    let mine = rebind.only.is_none_or(|only| only == self.address);
                    if rebind.order != known && mine {
                        socket = self.bind().await?;
                    }
                    known = rebind.order;
                }
                () = tick(&mut clock) => socket = self.bind().await?,
                () = until(due) => {
                    if let Some(Reverse(next)) = self.waiting.pop() {
                        self.deliver(&socket, next.up, &next.datagram).await;
                    }
                }
                datagram = arriving.recv() => match datagram {
                    Some(datagram) => self.take(&socket, true, datagram).await,
                    None => return Ok(()),
                },
                received = socket.recv(&mut buffer) => {
                    // A refusal is what the client would not see either.
                    if let Ok(length) = received {
                        let datagram = Bytes::copy_from_slice(&buffer[..length]);
                        self.take(&socket, false, datagram).await;
                    }
                }
                () = sleep(IDLE) => return Ok(()),
            }
        }
    }

    async fn bind(&self) -> io::Result<UdpSocket> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        widen(&socket);
        socket.connect(self.relay.upstream).await?;
        Ok(socket)
    }

    async fn take(&mut self, socket: &UdpSocket, up: bool, datagram: Bytes) {
        let now = Instant::now();
        let fate = {
            let link = self.relay.links.borrow();
            let path = if up { &link.up } else { &link.down };
            self.lines[usize::from(up)].fate(path, &mut self.dice, now, datagram.len())
        };
        match fate {
            Fate::Lost => count(&self.relay.counts.lost),
            Fate::Arrives { first, again } => {
                for due in [Some(first), again].into_iter().flatten() {
                    self.number += 1;
                    if due <= now && self.waiting.is_empty() {
                        self.deliver(socket, up, &datagram).await;
                    } else if self.waiting.len() < WAITING {
                        let number = self.number;
                        let datagram = datagram.clone();
                        self.waiting.push(Reverse(Waiting { due, number, up, datagram }));
                    } else {
                        count(&self.relay.counts.overflowed);
                    }
                }
                if again.is_some() {
                    count(&self.relay.counts.doubled);
                }
            }
        }
    }

    async fn deliver(&self, socket: &UdpSocket, up: bool, datagram: &[u8]) {
        let sent = if up {
            socket.send(datagram).await
        } else {
            self.relay.front.send_to(datagram, self.address).await
        };
        // That nobody is there is for the two sides to find out.
        count(if sent.is_ok() { &self.relay.counts.passed } else { &self.relay.counts.lost });
    }
}

/// What becomes of a datagram.
#[derive(Debug, PartialEq)]
enum Fate {
    Lost,
    Arrives { first: Instant, again: Option<Instant> },
}

/// One direction of one client: knows when a narrow link is free again.
#[derive(Default)]
struct Line {
    free: Option<Instant>,
}

impl Line {
    fn fate(&mut self, path: &UdpPath, dice: &mut Dice, now: Instant, bytes: usize) -> Fate {
        if path.silent || dice.chance(path.loss) {
            return Fate::Lost;
        }
        let mut begin = now;
        if let Some(bandwidth) = path.bandwidth {
            let free = self.free.unwrap_or(now).max(now);
            if free - now > FULL {
                return Fate::Lost;
            }
            begin = free + Duration::from_secs_f64(bytes as f64 / f64::from(bandwidth.max(1)));
            self.free = Some(begin);
        }
        let first = begin + path.delay + dice.up_to(path.jitter);
        let again = dice.chance(path.duplicate).then(|| first + dice.up_to(path.jitter));
        Fate::Arrives { first, again }
    }
}

fn count(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}

fn clock(every: Option<Duration>) -> Option<tokio::time::Interval> {
    every.map(|every| interval_at(Instant::now() + every, every))
}

async fn tick(clock: &mut Option<tokio::time::Interval>) {
    match clock {
        Some(clock) => drop(clock.tick().await),
        None => pending().await,
    }
}

/// Asks for as much room as the system allows; with less, a burst may be lost.
fn widen<'a, S>(socket: &'a S)
where
    socket2::SockRef<'a>: From<&'a S>,
{
    let socket = socket2::SockRef::from(socket);
    drop((socket.set_recv_buffer_size(SYSTEM_BUFFER), socket.set_send_buffer_size(SYSTEM_BUFFER)));
}

#[cfg(test)]
mod tests;
