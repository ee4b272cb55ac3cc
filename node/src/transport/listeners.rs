//! The sockets of a node: one that clients dial themselves, and one for each worker behind routers.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;

use quinn::{AsyncUdpSocket, Endpoint, Runtime as _, TokioRuntime};
use thrive_protocol::cid::ServerId;

use super::acceptor::Acceptor;
use super::counts::Counts;
use super::direct::Direct;
use super::encapsulated::Encapsulated;
use super::keys::{Identity, Maker};
use super::parameters;
use super::places::Allowed;
use super::standing::Standing;
use crate::config::{Cluster, Config};

#[derive(Debug, thiserror::Error)]
pub enum BindError {
    #[error("listen on {address}")]
    Listen { address: SocketAddr, source: std::io::Error },
    #[error("worker {worker} has no port: {first} is too close to the last one")]
    Ports { first: SocketAddr, worker: usize },
    #[error(
        "routers cannot find a node at {listen}: give cluster.advertise the address where they see it"
    )]
    Nowhere { listen: SocketAddr },
    #[error(
        "routers only find nodes with a number: give cluster.node, or redis.url to be given one"
    )]
    Nameless,
    #[error("set up TLS for QUIC")]
    Tls(#[from] quinn::crypto::rustls::NoInitialCipherSuite),
}

/// Sockets that are bound, and say nothing yet.
pub struct Listeners {
    direct: UdpSocket,
    address: SocketAddr,
    workers: Vec<UdpSocket>,
    /// Worker n stands at index n-1.
    advertised: Vec<SocketAddr>,
    allowed: Allowed,
}

impl Listeners {
    /// Binds what the configuration names.
    ///
    /// # Errors
    /// An address is taken or not ours, or routers could not find it.
    pub fn bind(config: &Config) -> Result<Self, BindError> {
        let (direct, address) = socket(config.listen)?;
        let (mut workers, mut advertised) = (Vec::new(), Vec::new());
        if let Some(cluster) = &config.cluster {
            for index in 0..cluster.workers {
                let (worker, bound) = socket(nth(cluster.listen, index)?)?;
                advertised.push(advertise(cluster, index, bound)?);
                workers.push(worker);
            }
        }
        let allowed = Allowed {
            connections: config.limits.connections,
            per_address: config.limits.connections_per_address,
        };
        Ok(Self { direct, address, workers, advertised, allowed })
    }

    /// Where clients dial it; the port is a real one even when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where routers reach each worker, the first one first.
    #[must_use]
    pub fn workers(&self) -> Vec<SocketAddr> {
        self.advertised.clone()
    }

    /// Offers what `tls` says, on all sockets. Needs the runtime that is to drive them.
    ///
    /// # Errors
    /// The TLS configuration has no suite for QUIC, a socket is broken, or there are workers and
    /// routers could not tell them from those of other nodes.
    pub async fn serve(
        self,
        tls: rustls::ServerConfig,
        identity: Identity,
    ) -> Result<Acceptor, BindError> {
        let server = parameters::server(tls, &identity.keys)?;
        let standing = Arc::new(Standing::new(self.allowed.connections));
        let mut counts = Vec::new();
        let mut endpoints = Vec::new();
        let lost = |address| move |source| BindError::Listen { address, source };
        let open = |socket, maker: Maker| {
            let config = parameters::endpoint(&identity.keys, maker);
            Endpoint::new_with_abstract_socket(
                config,
                Some(server.clone()),
                socket,
                Arc::new(TokioRuntime),
            )
        };

        let direct = direct_socket(self.direct, self.address).map_err(lost(self.address))?;
        let maker = match identity.lease {
            Some(lease) => identity.keys.leased(server_id(lease, 0)?)?,
            None => identity.keys.unleased(),
        };
        endpoints.push(open(direct, maker).map_err(lost(self.address))?);

        for (index, (worker, address)) in self.workers.into_iter().zip(self.advertised).enumerate()
        {
            let lease = identity.lease.ok_or(BindError::Nameless)?;
            let key = identity.keys.encapsulation().ok_or(BindError::Nameless)?;
            let count = Arc::new(Counts::default());
            let worker = Encapsulated::new(worker, key, Arc::clone(&standing), Arc::clone(&count))
                .map_err(lost(address))?;
            // Without it the first answers are taken for a full buffer, and are lost.
            worker.writable().await.map_err(lost(address))?;
            let maker = identity.keys.leased(server_id(lease, index + 1)?)?;
            endpoints.push(open(Arc::new(worker), maker).map_err(lost(address))?);
            counts.push(count);
        }
        Ok(Acceptor::new(endpoints, self.allowed, standing, counts))
    }
}

fn server_id(lease: u32, worker: usize) -> Result<ServerId, BindError> {
    let worker = u8::try_from(worker).map_err(|_| BindError::Nameless)?;
    ServerId::new(lease, worker).ok_or(BindError::Nameless)
}

fn socket(address: SocketAddr) -> Result<(UdpSocket, SocketAddr), BindError> {
    let listen = |source| BindError::Listen { address, source };
    let socket = UdpSocket::bind(address).map_err(listen)?;
    enlarge_buffers(&socket);
    let bound = socket.local_addr().map_err(listen)?;
    Ok((socket, bound))
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

/// The address of the worker at `index`: ports are counted from the first; 0 asks for any.
fn nth(first: SocketAddr, index: usize) -> Result<SocketAddr, BindError> {
    let none = BindError::Ports { first, worker: index + 1 };
    let mut address = first;
    if first.port() != 0 {
        let index = u16::try_from(index).ok();
        let Some(port) = index.and_then(|it| first.port().checked_add(it)) else {
            return Err(none);
        };
        address.set_port(port);
    }
    Ok(address)
}

fn advertise(cluster: &Cluster, index: usize, bound: SocketAddr) -> Result<SocketAddr, BindError> {
    match cluster.advertise {
        Some(first) if first.port() != 0 => nth(first, index),
        Some(host) => Ok(SocketAddr::new(host.ip(), bound.port())),
        None if bound.ip().is_unspecified() => Err(BindError::Nowhere { listen: cluster.listen }),
        None => Ok(bound),
    }
}

fn direct_socket(
    socket: UdpSocket,
    address: SocketAddr,
) -> std::io::Result<Arc<dyn AsyncUdpSocket>> {
    let socket = TokioRuntime.wrap_udp_socket(socket)?;
    Ok(if address.is_ipv6() { Arc::new(Direct::new(socket)) } else { socket })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn cluster(listen: &str, advertise: Option<&str>) -> Cluster {
        Cluster {
            secret: "secret".into(),
            listen: listen.parse().unwrap(),
            advertise: advertise.map(|it| it.parse().unwrap()),
            workers: 3,
            node: None,
            drain: std::time::Duration::from_secs(1),
        }
    }

    fn bind(listen: &str, advertise: Option<&str>) -> Result<Listeners, BindError> {
        let config = Config {
            listen: "127.0.0.1:0".parse().unwrap(),
            cluster: Some(cluster(listen, advertise)),
            ..Config::defaults(Path::new("/nowhere"))
        };
        Listeners::bind(&config)
    }

    #[test]
    fn each_worker_has_a_port_of_its_own() {
        let listeners = bind("127.0.0.1:0", None).unwrap();
        let mut ports: Vec<_> = listeners.workers().iter().map(SocketAddr::port).collect();
        ports.push(listeners.address().port());
        ports.sort_unstable();
        ports.dedup();
        assert_eq!(ports.len(), 4);
        assert!(!ports.contains(&0));
    }

    #[test]
    fn ports_are_counted_from_the_first_one() {
        let first: SocketAddr = "127.0.0.1:65534".parse().unwrap();
        assert_eq!(nth(first, 0).unwrap(), first);
        assert_eq!(nth(first, 1).unwrap().port(), 65_535);
        assert!(matches!(nth(first, 2), Err(BindError::Ports { worker: 3, .. })));
        assert_eq!(nth("[::1]:0".parse().unwrap(), 7).unwrap().port(), 0);
    }

    #[test]
    fn routers_are_told_where_they_see_the_node() {
        let listeners = bind("0.0.0.0:0", Some("192.0.2.7:2010")).unwrap();
        let ports: Vec<_> = listeners.workers().iter().map(ToString::to_string).collect();
        assert_eq!(ports, ["192.0.2.7:2010", "192.0.2.7:2011", "192.0.2.7:2012"]);
        let listeners = bind("0.0.0.0:0", Some("192.0.2.7:0")).unwrap();
        assert!(listeners.workers().iter().all(|it| it.port() != 0));
        assert!(matches!(bind("0.0.0.0:0", None), Err(BindError::Nowhere { .. })));
    }

    #[test]
    fn an_address_that_is_taken_is_named() {
        let taken = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let _taken = UdpSocket::bind(taken).unwrap();
        let error = bind(&taken.to_string(), None).err().unwrap();
        assert_eq!(error.to_string(), format!("listen on {taken}"));
    }
}
