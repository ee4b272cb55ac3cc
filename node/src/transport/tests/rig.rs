//! Nodes that echo frames, and clients that send them.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{ClientConfig, Connection, ConnectionError, Endpoint, TransportConfig};
use rustls::RootCertStore;
use thrive_protocol::cid::ServerId;
use thrive_protocol::version::ALPN;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::super::{Acceptor, Framed, Identity, Keys, Listeners, write_frames};
use super::keys;
use crate::config::{Cluster, Config, Limits};
use crate::tls;

/// Longer than anything here takes on a machine with too much to do.
pub(super) const DEADLINE: Duration = Duration::from_secs(20);
const MAX: usize = 1024 * 1024;
/// A frame that the node answers when the test lets it.
pub(super) const LATER: &[u8] = b"answer this later";

pub(super) struct Node {
    pub(super) acceptor: Acceptor,
    pub(super) address: SocketAddr,
    pub(super) workers: Vec<SocketAddr>,
    /// Lets the node answer what it was told to answer later.
    pub(super) later: Arc<Notify>,
    /// Tells that it was told so.
    pub(super) waiting: Arc<Notify>,
    lease: u32,
    _secret: tempfile::NamedTempFile,
}

impl Node {
    pub(super) async fn start(lease: u32) -> Self {
        Self::with(lease, "127.0.0.1:0", Limits::default()).await
    }

    pub(super) async fn with(lease: u32, listen: &str, limits: Limits) -> Self {
        let secret = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(secret.path(), super::SECRET).unwrap();
        let cluster = Cluster {
            secret: secret.path().to_owned(),
            listen: "127.0.0.1:0".parse().unwrap(),
            advertise: None,
            workers: 2,
            node: None,
            drain: Duration::from_secs(1),
        };
        let config = Config {
            listen: listen.parse().unwrap(),
            cluster: Some(cluster),
            limits,
            ..Config::defaults(Path::new("/nowhere"))
        };
        let keys = Keys::of(&config, &[0; 32]).unwrap();
        let listeners = Listeners::bind(&config).unwrap();
        let (address, workers) = (listeners.address(), listeners.workers());
        let tls = tls::server(&config).unwrap().config;
        let identity = Identity { keys, lease: Some(lease) };
        let acceptor = listeners.serve(tls, identity).await.unwrap();
        let (later, waiting) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        tokio::spawn(echo(acceptor.clone(), Arc::clone(&later), Arc::clone(&waiting)));
        Self { acceptor, address, workers, later, waiting, lease, _secret: secret }
    }

    /// The worker at `index` as routers know it.
    pub(super) fn server(&self, index: u8) -> ServerId {
        ServerId::new(self.lease, index + 1).unwrap()
    }
}

async fn echo(acceptor: Acceptor, later: Arc<Notify>, waiting: Arc<Notify>) {
    while let Some(incoming) = acceptor.attempt().await {
        let acceptor = acceptor.clone();
        let (later, waiting) = (Arc::clone(&later), Arc::clone(&waiting));
        tokio::spawn(async move {
            let Some((peer, permit)) = acceptor.establish(incoming).await else { return };
            let seen = peer.connection.remote_address().ip();
            assert_eq!(seen, seen.to_canonical(), "QUIC sees plain addresses");
            while let Some((mut send, receive)) = peer.stream().await {
                let mut framed = Framed::new(receive);
                while let Ok(body) = framed.next(MAX).await {
                    if body == LATER {
                        waiting.notify_one();
                        later.notified().await;
                    }
                    let mut frames = vec![framed_bytes(&body)];
                    if write_frames(&mut send, &mut frames, DEADLINE).await.is_err() {
                        break;
                    }
                }
            }
            drop(permit);
        });
    }
}

fn framed_bytes(body: &[u8]) -> Bytes {
    let len = u32::try_from(body.len()).unwrap();
    [&len.to_be_bytes()[..], body].concat().into()
}

pub(super) struct Client {
    pub(super) endpoint: Endpoint,
    pub(super) connection: Connection,
    send: quinn::SendStream,
    receive: Framed,
}

impl Client {
    pub(super) async fn connect(to: SocketAddr) -> Result<Self, ConnectionError> {
        let any = if to.is_ipv6() { "[::]:0" } else { "127.0.0.1:0" };
        let endpoint = Endpoint::client(any.parse().unwrap()).unwrap();
        let connecting = endpoint.connect_with(config(), to, "localhost").unwrap();
        let connection = timeout(DEADLINE, connecting).await.unwrap()?;
        let (send, receive) = connection.open_bi().await?;
        Ok(Self { endpoint, connection, send, receive: Framed::new(receive) })
    }

    /// Sends a frame and gets it back.
    pub(super) async fn echo(&mut self, len: usize) {
        let body: Vec<u8> = (0..len).map(|it| it as u8).collect();
        self.push(&body).await;
        assert_eq!(self.next().await, body);
    }

    /// Sends without waiting for the answer.
    pub(super) async fn push(&mut self, body: &[u8]) {
        let mut frames = vec![framed_bytes(body)];
        write_frames(&mut self.send, &mut frames, DEADLINE).await.unwrap();
    }

    /// Sends something, unless the connection is known to be gone.
    pub(super) async fn poke(&mut self) {
        let mut frames = vec![framed_bytes(b"are you there?")];
        write_frames(&mut self.send, &mut frames, DEADLINE).await.ok();
    }

    /// The next frame of the node.
    pub(super) async fn next(&mut self) -> Bytes {
        timeout(DEADLINE, self.receive.next(MAX)).await.unwrap().unwrap()
    }

    pub(super) async fn end(&self) -> ConnectionError {
        timeout(DEADLINE, self.connection.closed()).await.unwrap()
    }
}

/// Trusts the certificate of the cluster, and checks it as browsers do.
fn config() -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add(tls::shown_by_cluster(&keys().certificate)).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let mut transport = TransportConfig::default();
    transport.max_idle_timeout(Some(DEADLINE.try_into().unwrap()));
    config.transport_config(Arc::new(transport));
    config
}

/// Waits until something holds that nobody announces.
pub(super) async fn until(mut holds: impl FnMut() -> bool) {
    let wait = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(DEADLINE, wait).await.unwrap();
}

/// A node in a runtime of its own, so that it can die without a word.
pub(super) fn start_doomed(lease: u32) -> (tokio::runtime::Runtime, JoinHandle<Node>) {
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let node = runtime.spawn(Node::start(lease));
    (runtime, node)
}
