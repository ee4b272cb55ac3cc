//! A TCP proxy that can be slow, narrow, silent in one direction or in both, or cut off.
//!
//! Silence is what a partition looks like to a program: connections stay open and nothing arrives. What
//! is sent meanwhile is kept, up to a bound, and arrives when the link passes again, as TCP would
//! repeat it. Other than in a real partition, the sender's system has its bytes acknowledged by the
//! proxy, and a new connection is accepted before nothing answers on it.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep, sleep_until};

use super::{Stage, Way};

/// What is read at once.
const CHUNK: usize = 16 * 1024;
/// Chunks that may be under way in one direction of one connection: 1 MiB, then the sender waits.
const UNDER_WAY: usize = 64;
/// What is written at once on a narrow link.
const PACKET: usize = 1_400;

/// How a link behaves. By default it passes everything at once.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct TcpLink {
    /// How long a byte is under way, in each direction.
    pub latency: Duration,
    /// Bytes a second, for each direction of each connection.
    pub bandwidth: Option<u32>,
    /// Where nothing passes.
    pub silent: Option<Way>,
    /// New connections are reset at once.
    pub refuses: bool,
}

impl TcpLink {
    fn passes(&self, way: Way) -> bool {
        self.silent.is_none_or(|silent| !silent.includes(way))
    }
}

/// A proxy in front of one address. It ends, with its connections, when this is dropped.
pub struct TcpProxy {
    address: SocketAddr,
    link: watch::Sender<TcpLink>,
    cuts: watch::Sender<u64>,
    open: Arc<AtomicUsize>,
    _stage: Stage,
}

/// What each connection listens to.
#[derive(Clone)]
struct Orders {
    link: watch::Receiver<TcpLink>,
    cuts: watch::Receiver<u64>,
    open: Arc<AtomicUsize>,
}

impl TcpProxy {
    /// # Errors
    /// There is no port or thread to be had.
    pub fn start(upstream: SocketAddr) -> Result<Self> {
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("a port")?;
        listener.set_nonblocking(true).context("a socket that does not block")?;
        let address = listener.local_addr().context("its address")?;
        let (link, link_orders) = watch::channel(TcpLink::default());
        let (cuts, cut_orders) = watch::channel(0);
        let open = Arc::new(AtomicUsize::new(0));
        let orders = Orders { link: link_orders, cuts: cut_orders, open: Arc::clone(&open) };
        let stage = Stage::start("tcp-proxy", move || async move {
            if let Ok(listener) = TcpListener::from_std(listener) {
                serve(listener, upstream, orders).await;
            }
        })
        .context("a thread for the proxy")?;
        Ok(Self { address, link, cuts, open, _stage: stage })
    }

    /// Where to connect instead.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// From now on the link behaves like this, also for connections that are open.
    pub fn set(&self, link: TcpLink) {
        self.link.send_replace(link);
    }

    /// Everything passes at once again.
    pub fn pass(&self) {
        self.set(TcpLink::default());
    }

    /// Nothing passes any more, and nobody is told.
    pub fn blackhole(&self, way: Way) {
        self.link.send_modify(|link| link.silent = Some(way));
    }

    pub fn latency(&self, latency: Duration) {
        self.link.send_modify(|link| link.latency = latency);
    }

    /// Bytes a second.
    pub fn bandwidth(&self, bytes: u32) {
        self.link.send_modify(|link| link.bandwidth = Some(bytes));
    }

    /// Resets all connections that are open. New ones are welcome.
    pub fn reset(&self) {
        self.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Resets all connections and every new one, until [`Self::pass`].
    pub fn refuse(&self) {
        self.link.send_modify(|link| link.refuses = true);
        self.reset();
    }

    /// How many connections are open.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.open.load(Ordering::SeqCst)
    }
}

async fn serve(listener: TcpListener, upstream: SocketAddr, orders: Orders) {
    loop {
        // What cannot be accepted now, for want of a file handle, may be accepted later.
        let Ok((client, _)) = listener.accept().await else {
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        if orders.link.borrow().refuses {
            cut(client);
        } else {
            tokio::spawn(carry(client, upstream, orders.clone()));
        }
    }
}

async fn carry(mut client: TcpStream, upstream: SocketAddr, mut orders: Orders) {
    orders.cuts.mark_unchanged();
    let Ok(mut server) = TcpStream::connect(upstream).await else { return cut(client) };
    // Only makes small messages slower if it fails.
    drop((client.set_nodelay(true), server.set_nodelay(true)));
    orders.open.fetch_add(1, Ordering::SeqCst);
    let ended = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let up = pump(from_client, to_server, Way::Up, orders.link.clone());
        let down = pump(from_server, to_client, Way::Down, orders.link.clone());
        tokio::select! {
            biased;
            _ = orders.cuts.changed() => Err(io::ErrorKind::ConnectionReset.into()),
            ended = async { tokio::try_join!(up, down) } => ended,
        }
    };
    orders.open.fetch_sub(1, Ordering::SeqCst);
    if ended.is_err() {
        cut(client);
        cut(server);
    }
}

/// Ends it with a reset.
fn cut(stream: TcpStream) {
    // Without it the peer sees an ordinary end, which is the next best thing.
    drop(stream.set_zero_linger());
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    way: Way,
    link: watch::Receiver<TcpLink>,
) -> io::Result<()> {
    let (queue, mut arriving) = mpsc::channel::<(Instant, Bytes)>(UNDER_WAY);
    let mut reading_link = link.clone();
    let reading = async move {
        loop {
            let mut chunk = BytesMut::with_capacity(CHUNK);
            match from.read_buf(&mut chunk).await {
                Ok(0) => return Ok(()),
                Ok(_) => {
                    let due = Instant::now() + reading_link.borrow().latency;
                    if queue.send((due, chunk.freeze())).await.is_err() {
                        return Ok(());
                    }
                }
                Err(error) => {
                    // Nobody hears of it through a silent link.
                    passing(&mut reading_link, way).await;
                    return Err(error);
                }
            }
        }
    };
    let mut link = link;
    let writing = async move {
        while let Some((due, chunk)) = arriving.recv().await {
            sleep_until(due).await;
            passing(&mut link, way).await;
            let bandwidth = link.borrow().bandwidth;
            match bandwidth {
                None => to.write_all(&chunk).await?,
                Some(bandwidth) => {
                    // A hundredth of a second at once, so that the clock is exact enough.
                    for packet in chunk.chunks(PACKET.max(bandwidth as usize / 100)) {
                        let time = packet.len() as f64 / f64::from(bandwidth.max(1));
                        sleep(Duration::from_secs_f64(time)).await;
                        to.write_all(packet).await?;
                    }
                }
            }
        }
        passing(&mut link, way).await;
        to.shutdown().await
    };
    tokio::try_join!(reading, writing).map(drop)
}

/// Waits for as long as the link is silent in this direction.
async fn passing(link: &mut watch::Receiver<TcpLink>, way: Way) {
    // An error means that the proxy ends, and everything with it.
    drop(link.wait_for(|link| link.passes(way)).await);
}

#[cfg(test)]
mod tests {
    use std::time::Instant as Clock;

    use tokio::time::timeout;

    use super::*;

    /// A server that says back what it hears, and a client of it through a proxy.
    async fn echo() -> (TcpProxy, TcpStream) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let proxy = TcpProxy::start(listener.local_addr().unwrap()).unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = stream.split();
                    drop(tokio::io::copy(&mut from, &mut to).await);
                });
            }
        });
        let client = TcpStream::connect(proxy.address()).await.unwrap();
        (proxy, client)
    }

    async fn says(client: &mut TcpStream, words: &[u8]) -> io::Result<Vec<u8>> {
        client.write_all(words).await?;
        let mut heard = vec![0; words.len()];
        client.read_exact(&mut heard).await?;
        Ok(heard)
    }

    #[tokio::test]
    async fn what_passes_is_what_was_said() {
        let (proxy, mut client) = echo().await;
        let much = vec![7; 3_000_000];
        let (mut from, mut to) = client.split();
        let mut heard = vec![0; much.len()];
        let (written, read) = tokio::join!(to.write_all(&much), from.read_exact(&mut heard));
        assert!(written.is_ok() && read.is_ok() && heard == much);
        assert_eq!(proxy.connections(), 1);
        to.shutdown().await.unwrap();
        assert_eq!(from.read(&mut heard).await.unwrap(), 0, "the end passes too");
    }

    #[tokio::test]
    async fn latency_is_paid_in_each_direction() {
        let (proxy, mut client) = echo().await;
        proxy.latency(Duration::from_millis(60));
        let begun = Clock::now();
        says(&mut client, b"hi").await.unwrap();
        assert!(begun.elapsed() >= Duration::from_millis(120), "{:?}", begun.elapsed());
    }

    #[tokio::test]
    async fn a_narrow_link_takes_its_time() {
        let (proxy, mut client) = echo().await;
        proxy.bandwidth(100_000);
        let begun = Clock::now();
        says(&mut client, &[1; 20_000]).await.unwrap();
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(200) && took < Duration::from_secs(5), "{took:?}");
    }

    #[tokio::test]
    async fn a_blackhole_swallows_nothing_for_good_and_tells_nobody() {
        for way in [Way::Up, Way::Down, Way::Both] {
            let (proxy, mut client) = echo().await;
            says(&mut client, b"before").await.unwrap();
            proxy.blackhole(way);
            let silence = timeout(Duration::from_millis(100), says(&mut client, b"meanwhile"));
            assert!(silence.await.is_err(), "{way:?}");
            proxy.pass();
            let mut heard = [0; 9];
            client.read_exact(&mut heard).await.unwrap();
            assert_eq!(&heard, b"meanwhile");
        }
    }

    #[tokio::test]
    async fn a_reset_ends_what_is_open_and_nothing_else() {
        let (proxy, mut client) = echo().await;
        says(&mut client, b"hi").await.unwrap();
        proxy.reset();
        let error = client.read(&mut [0; 8]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
        let mut next = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(says(&mut next, b"hi").await.unwrap(), b"hi");
        proxy.refuse();
        assert!(next.read(&mut [0; 8]).await.is_err());
        let refused = async {
            let mut stream = TcpStream::connect(proxy.address()).await?;
            says(&mut stream, b"hi").await
        };
        assert!(refused.await.is_err());
        proxy.pass();
        let mut last = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(says(&mut last, b"hi").await.unwrap(), b"hi");
    }
}
