//! Binds the socket and accepts connections within limits. Parameters: see the numbers' comments.

use std::collections::HashMap;
use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use quinn::{Endpoint, EndpointConfig, IdleTimeout, Incoming, MtuDiscoveryConfig, TransportConfig};
use quinn_proto::HashedConnectionIdGenerator;
use ring::hmac;
use thrive_protocol::version::close;

use super::Peer;
use crate::throttle::Network;

/// Handshakes under way above which an address must prove itself first (a round trip more).
const RETRY_ABOVE: usize = 256;
/// A handshake takes at most so long.
const HANDSHAKE: Duration = Duration::from_secs(10);
/// A connection without a sign of life for so long is over. Clients send one every 20 s.
const IDLE: Duration = Duration::from_secs(60);
/// Bytes of a datagram: fits an overlay network with the router's header on top.
const DATAGRAM: u16 = 1_350;

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("listen on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("set up TLS for QUIC")]
    Tls(#[from] quinn::crypto::rustls::NoInitialCipherSuite),
}

/// Binds `address` and offers what `tls` says. The keys outlive the process, so that a restarted node
/// can tell clients of the one before at once that their connections are gone.
///
/// # Errors
/// The address is taken or not ours, or the TLS configuration has no suite for QUIC.
pub fn bind(
    address: SocketAddr,
    tls: rustls::ServerConfig,
    keys: &Keys,
) -> Result<Endpoint, BindError> {
    let listen = |source| BindError::Listen { address, source };
    let socket = UdpSocket::bind(address).map_err(listen)?;
    enlarge_buffers(&socket);
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(tls)?;
    let mut server = quinn::ServerConfig::with_crypto(Arc::new(crypto));
    server
        .transport_config(Arc::new(transport()))
        .migration(true)
        .max_incoming(4_096)
        .incoming_buffer_size(64 * 1024)
        .incoming_buffer_size_total(16 * 1024 * 1024);
    let cids = keys.cids;
    let mut config = EndpointConfig::new(Arc::new(keys.reset.clone()));
    config
        // Safe, because resets are only sent for ids that a node with these keys has made.
        .min_reset_interval(Duration::ZERO)
        .cid_generator(move || Box::new(HashedConnectionIdGenerator::from_key(cids)));
    Endpoint::new(config, Some(server), socket, Arc::new(quinn::TokioRuntime)).map_err(listen)
}

/// Keys that all runs of one node share.
#[derive(Clone)]
pub struct Keys {
    reset: hmac::Key,
    cids: u64,
}

impl Keys {
    /// Derives them from the secret that lies in the data folder.
    #[must_use]
    pub fn derive(secret: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let reset = hmac::sign(&root, b"quic stateless reset");
        let cids = hmac::sign(&root, b"quic connection ids");
        let cids = cids.as_ref().first_chunk().copied().unwrap_or_default();
        Self {
            reset: hmac::Key::new(hmac::HMAC_SHA256, reset.as_ref()),
            cids: u64::from_be_bytes(cids),
        }
    }
}

/// With the system's default, handshakes that arrive together are lost and wait a second each.
const SOCKET_BUFFER: usize = 4 * 1024 * 1024;

fn enlarge_buffers(socket: &UdpSocket) {
    let socket = socket2::SockRef::from(socket);
    for result in
        [socket.set_recv_buffer_size(SOCKET_BUFFER), socket.set_send_buffer_size(SOCKET_BUFFER)]
    {
        if let Err(error) = result {
            tracing::debug!(%error, "Socket buffer stays at the system's default");
        }
    }
}

fn transport() -> TransportConfig {
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(DATAGRAM);
    let mut transport = TransportConfig::default();
    transport
        // Stream tables are allocated for every permitted stream: few, and cheap connections.
        .max_concurrent_bidi_streams(16_u8.into())
        .max_concurrent_uni_streams(4_u8.into())
        .stream_receive_window(quinn::VarInt::from_u32(256 * 1024))
        .receive_window(quinn::VarInt::from_u32(512 * 1024))
        .send_window(512 * 1024)
        .crypto_buffer_size(8 * 1024)
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(IdleTimeout::try_from(IDLE).ok())
        .mtu_discovery_config(Some(mtu));
    transport
}

/// How many connections there may be.
#[derive(Clone, Copy, Debug)]
pub struct Allowed {
    pub connections: usize,
    pub per_address: usize,
}

/// Accepts connections and counts them, until each is dropped.
#[derive(Clone)]
pub struct Acceptor {
    endpoint: Endpoint,
    allowed: Allowed,
    handshakes: Arc<AtomicUsize>,
    /// Live connections by address, or network where one person has many; guarded for a few lines.
    addresses: Arc<Mutex<HashMap<Network, usize>>>,
}

/// One of the allowed connections; given back when dropped.
pub struct Permit {
    network: Network,
    addresses: Arc<Mutex<HashMap<Network, usize>>>,
}

impl Acceptor {
    #[must_use]
    pub fn new(endpoint: Endpoint, allowed: Allowed) -> Self {
        Self { endpoint, allowed, handshakes: Arc::default(), addresses: Arc::default() }
    }

    /// The next attempt; `None` when the endpoint is closed.
    pub async fn attempt(&self) -> Option<Incoming> {
        self.endpoint.accept().await
    }

    /// Brings an attempt to a connection, or turns it away.
    pub async fn establish(&self, incoming: Incoming) -> Option<(Peer, Permit)> {
        let _under_way = Handshake::begin(&self.handshakes);
        if RETRY_ABOVE < self.handshakes.load(Ordering::Relaxed) && incoming.may_retry() {
            // Fails only for an attempt that was retried already, which was just excluded.
            drop(incoming.retry());
            return None;
        }
        let network = Network::of(incoming.remote_address().ip());
        let Some(permit) = self.permit(network) else {
            tracing::debug!("Connection refused: too many");
            incoming.refuse();
            return None;
        };
        let handshake = async { incoming.accept().ok()?.await.ok() };
        let connection = tokio::time::timeout(HANDSHAKE, handshake).await.ok()??;
        Some((Peer::new(connection), permit))
    }

    fn permit(&self, network: Network) -> Option<Permit> {
        let mut addresses = self.addresses.lock();
        let total: usize = self.endpoint.open_connections();
        let here = addresses.entry(network).or_default();
        if self.allowed.connections <= total || self.allowed.per_address <= *here {
            if *here == 0 {
                addresses.remove(&network);
            }
            return None;
        }
        *here += 1;
        Some(Permit { network, addresses: Arc::clone(&self.addresses) })
    }

    /// Turns new attempts away and closes what is left; returns when the last byte is sent.
    pub async fn close(&self) {
        self.endpoint.close(close::GOING_AWAY.into(), b"");
        self.endpoint.wait_idle().await;
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut addresses = self.addresses.lock();
        if let Some(here) = addresses.get_mut(&self.network) {
            *here -= 1;
            if *here == 0 {
                addresses.remove(&self.network);
            }
        }
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
