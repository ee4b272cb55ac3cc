//! From a server's name to a QUIC connection whose certificate is the known one.
//!
//! Each attempt has an endpoint of its own: it costs a socket, and a laptop that woke up in another
//! network starts with a fresh one.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    AckFrequencyConfig, ClientConfig, Connection, ConnectionError, Endpoint, EndpointConfig,
    IdleTimeout, MtuDiscoveryConfig, TransportConfig, TransportErrorCode, VarInt,
};
use rustls::client::Resumption;
use thrive_protocol::code::Code;
use thrive_protocol::version::{ALPN, close};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{sleep, timeout};

use crate::backoff::refused;
use crate::chance::chance;
use crate::pin::{Fingerprint, PinVerifier, Pins, Shown};
use crate::types::{Failure, ServerAddress};

mod socket;

use self::socket::AnySocket;

/// A handshake that was cut by the death of a node gets no answer at all, so this must end it.
const CONNECT: Duration = Duration::from_secs(10);
/// The head start of one address of a name before the next is tried beside it.
const STAGGER: Duration = Duration::from_millis(250);
/// Handshakes with one address beside each other, and how long the one before may be silent.
const HANDSHAKES: usize = 3;
const AGAIN: Duration = Duration::from_secs(2);
/// Refusals of one address in a row after which the back-off of the whole client is in charge.
const REFUSALS: usize = 6;
/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;
/// Shorter than the 30 s after which many home routers forget a UDP flow.
const KEEP_ALIVE: Duration = Duration::from_secs(20);
const IDLE: Duration = Duration::from_secs(60);
/// Datagrams that a node may receive before it has to acknowledge them, in place of one: its answers carry the
/// acknowledgement along, and otherwise it comes within 25 ms.
const UNACKNOWLEDGED: VarInt = VarInt::from_u32(9);
/// Fits through the overlay networks that servers may stand in.
const MTU: u16 = 1_350;

/// A connection and the socket under it.
#[derive(Debug)]
pub(crate) struct Dialled {
    pub(crate) endpoint: Endpoint,
    pub(crate) connection: Connection,
}

/// Connects to the first address of the server that answers, and remembers its certificate if the
/// server is new.
pub(crate) async fn dial(server: &ServerAddress, pins: &Pins) -> Result<Dialled, Failure> {
    let pin = pins.of(server)?;
    let attempt = async {
        let addresses = resolve(server).await?;
        race(server, &addresses, pin.as_ref()).await
    };
    let Ok(outcome) = timeout(CONNECT, attempt).await else {
        return Err(Failure::Unreachable(format!("no answer from {server}")));
    };
    let (dialled, shown) = outcome?;
    match (pin, shown.get()) {
        (None, Some(first)) => pins.meet(server, &first)?,
        (Some(_), _) => {}
        (None, None) => return Err(Failure::NotThrive("it showed no certificate".to_owned())),
    }
    Ok(dialled)
}

async fn resolve(server: &ServerAddress) -> Result<Vec<SocketAddr>, Failure> {
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await;
    let found: Vec<_> = found
        .map_err(|error| Failure::Unreachable(format!("{} cannot be found: {error}", server.host)))?
        .collect();
    // Both families in turn, so that a network without one of them costs one head start only.
    let (v4, v6): (Vec<_>, Vec<_>) = found.into_iter().partition(SocketAddr::is_ipv4);
    let mut addresses = Vec::new();
    let (mut v4, mut v6) = (v4.into_iter(), v6.into_iter());
    loop {
        match (v4.next(), v6.next()) {
            (None, None) => break,
            (a, b) => addresses.extend(a.into_iter().chain(b)),
        }
    }
    addresses.truncate(ADDRESSES);
    if addresses.is_empty() {
        return Err(Failure::Unreachable(format!("{} has no address", server.host)));
    }
    Ok(addresses)
}

pub(crate) async fn race(
    server: &ServerAddress,
    addresses: &[SocketAddr],
    pin: Option<&Fingerprint>,
) -> Result<(Dialled, Shown), Failure> {
    let mut attempts = JoinSet::new();
    for (i, &address) in addresses.iter().enumerate() {
        let (server, pin) = (server.clone(), pin.cloned());
        attempts.spawn(async move {
            sleep(STAGGER.saturating_mul(i as u32)).await;
            insist(&server, address, pin).await
        });
    }
    let mut last = Failure::Unreachable(format!("no answer from {server}"));
    while let Some(outcome) = attempts.join_next().await {
        match joined(outcome) {
            Ok(won) => return Ok(won),
            Err(failure @ Failure::ServerChanged { .. }) => return Err(failure),
            Err(failure) => last = failure,
        }
    }
    Err(last)
}

/// Comes back soon after a refusal: behind one address there may be several nodes, and the next
/// connection is given to another one.
async fn insist(
    server: &ServerAddress,
    address: SocketAddr,
    pin: Option<Fingerprint>,
) -> Result<(Dialled, Shown), Failure> {
    for _ in 0..REFUSALS {
        match handshake(server, address, pin.clone()).await {
            Ok(won) => return Ok(won),
            Err(Missed::Refused) => sleep(refused(chance())).await,
            Err(Missed::Failed(failure)) => return Err(failure),
        }
    }
    Err(Failure::Unreachable(format!("{server} takes no new connections at the moment")))
}

/// Why a handshake came to nothing.
enum Missed {
    /// This node takes no new connections: it is full, or about to stop.
    Refused,
    Failed(Failure),
}

impl From<Failure> for Missed {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// Starts a second and a third handshake beside a silent one: QUIC repeats its first datagram at growing
/// intervals, and a server that has just come back would be noticed late.
async fn handshake(
    server: &ServerAddress,
    address: SocketAddr,
    pin: Option<Fingerprint>,
) -> Result<(Dialled, Shown), Missed> {
    let mut handshakes = JoinSet::new();
    for _ in 0..HANDSHAKES {
        let (server, pin) = (server.clone(), pin.clone());
        handshakes.spawn(async move { connect(&server, address, pin).await });
        tokio::select! {
            biased;
            Some(outcome) = handshakes.join_next() => return joined(outcome),
            () = sleep(AGAIN) => {}
        }
    }
    match handshakes.join_next().await {
        Some(outcome) => joined(outcome),
        None => Err(Failure::Unreachable(format!("no answer from {server}")).into()),
    }
}

fn joined<T, E: From<Failure>>(outcome: Result<Result<T, E>, JoinError>) -> Result<T, E> {
    outcome.unwrap_or_else(|error| {
        Err(Failure::Local(format!("the attempt to connect ended: {error}")).into())
    })
}

async fn connect(
    server: &ServerAddress,
    address: SocketAddr,
    pin: Option<Fingerprint>,
) -> Result<(Dialled, Shown), Missed> {
    let shown = Shown::default();
    let config = client_config(pin.clone(), shown.clone())?;
    let endpoint = endpoint(address)
        .map_err(|error| Failure::Local(format!("no network socket could be opened: {error}")))?;
    let connecting = endpoint
        .connect_with(config, address, &server.host)
        .map_err(|error| Failure::Unreachable(format!("{address} cannot be dialled: {error}")))?;
    match connecting.await {
        Ok(connection) => Ok((Dialled { endpoint, connection }, shown)),
        Err(error) if is_refusal(&error) => Err(Missed::Refused),
        Err(error) => Err(Missed::Failed(match (pin, shown.get()) {
            (Some(known), Some(offered)) if known != offered => Failure::ServerChanged {
                host: server.to_string(),
                known: known.as_str().to_owned(),
                offered: offered.as_str().to_owned(),
            },
            _ => failure_of(&error),
        })),
    }
}

fn is_refusal(error: &ConnectionError) -> bool {
    matches!(
        error,
        ConnectionError::ConnectionClosed(closed)
            if closed.error_code == TransportErrorCode::CONNECTION_REFUSED
    )
}

fn endpoint(address: SocketAddr) -> std::io::Result<Endpoint> {
    let any: SocketAddr = match address {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    // quinn's default connection ids have 8 octets; with empty ones a second connection to the same
    // node would take the datagrams of the first.
    let mut config = EndpointConfig::default();
    config.max_udp_payload_size(MTU).map_err(std::io::Error::other)?;
    Endpoint::new(config, None, UdpSocket::bind(any)?, Arc::new(AnySocket))
}

fn client_config(pin: Option<Fingerprint>, shown: Shown) -> Result<ClientConfig, Failure> {
    let local = |error: &dyn std::fmt::Display| Failure::Local(format!("TLS: {error}"));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = PinVerifier { pin, shown, provider: Arc::clone(&provider) };
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|error| local(&error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed handshake shows no certificate, and the pin is to be checked every time.
    tls.resumption = Resumption::disabled();
    let quic = QuicClientConfig::try_from(tls).map_err(|error| local(&error))?;
    let mut config = ClientConfig::new(Arc::new(quic));
    config.transport_config(Arc::new(transport()));
    Ok(config)
}

fn transport() -> TransportConfig {
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(MTU);
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(UNACKNOWLEDGED);
    let mut transport = TransportConfig::default();
    transport
        .ack_frequency_config(Some(acks))
        .keep_alive_interval(Some(KEEP_ALIVE))
        .max_idle_timeout(IDLE.try_into().ok().map(|idle: IdleTimeout| idle))
        // A node opens no streams.
        .max_concurrent_bidi_streams(VarInt::from_u32(0))
        .max_concurrent_uni_streams(VarInt::from_u32(0))
        .stream_receive_window(VarInt::from_u32(256 * 1024))
        // Two files that stand still, and as much again for everything else, each way.
        .receive_window(VarInt::from_u32(768 * 1024))
        .send_window(768 * 1024)
        .datagram_receive_buffer_size(None)
        .mtu_discovery_config(Some(mtu));
    transport
}

/// TLS alert 120, "no application protocol", as a QUIC transport error.
const NO_COMMON_PROTOCOL: u64 = 0x178;

/// What the end of a connection means for people.
pub(crate) fn failure_of(error: &ConnectionError) -> Failure {
    let unreachable = |why: &str| Failure::Unreachable(why.to_owned());
    let foreign = || Failure::NotThrive("it does not speak thrive/1".to_owned());
    match error {
        ConnectionError::VersionMismatch => foreign(),
        ConnectionError::TransportError(error) if u64::from(error.code) == NO_COMMON_PROTOCOL => {
            foreign()
        }
        ConnectionError::ConnectionClosed(closed)
            if u64::from(closed.error_code) == NO_COMMON_PROTOCOL =>
        {
            foreign()
        }
        ConnectionError::TransportError(error) => Failure::Unreachable(error.to_string()),
        ConnectionError::ConnectionClosed(closed) => Failure::Unreachable(closed.to_string()),
        ConnectionError::ApplicationClosed(closed) => match close_code(closed.error_code) {
            close::SESSION_ENDED => {
                Failure::Refused { code: Code::SessionEnded, retry_after_ms: None, limit: None }
            }
            close::BUSY => Failure::Refused { code: Code::Busy, retry_after_ms: None, limit: None },
            close::GOING_AWAY => unreachable("the server stops or restarts"),
            close::PROTOCOL => unreachable("the server did not understand this program"),
            close::TOO_SLOW => unreachable("the server waited too long for this program"),
            close::SLOW_READER => unreachable("this program read too slowly"),
            _ => unreachable("the server closed the connection"),
        },
        ConnectionError::Reset => unreachable("the server has restarted"),
        ConnectionError::TimedOut => unreachable("no answer"),
        ConnectionError::LocallyClosed => unreachable("the connection was closed here"),
        ConnectionError::CidsExhausted => unreachable("too many connections"),
    }
}

/// The close code, if it is one of ours.
pub(crate) fn close_code(code: VarInt) -> u32 {
    u32::try_from(code.into_inner()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
