//! A socket that the system takes away while the node serves.

use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt as _;
use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, Endpoint, Runtime as _, TokioRuntime, UdpPoller};
use tokio::time::timeout;

use super::super::Acceptor;
use super::super::places::Allowed;
use super::super::standing::Standing;
use super::rig::DEADLINE;

/// Nothing can be read from it any more.
#[derive(Debug)]
struct Broken(Arc<dyn AsyncUdpSocket>);

impl AsyncUdpSocket for Broken {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.0).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        self.0.try_send(transmit)
    }

    fn poll_recv(
        &self,
        _: &mut Context<'_>,
        _: &mut [IoSliceMut<'_>],
        _: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Err(io::ErrorKind::NotConnected.into()))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

fn endpoint() -> Endpoint {
    Endpoint::client("127.0.0.1:0".parse().unwrap()).unwrap()
}

fn take_away(endpoint: &Endpoint) {
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let socket = TokioRuntime.wrap_udp_socket(socket).unwrap();
    endpoint.rebind_abstract(Arc::new(Broken(socket))).unwrap();
}

#[tokio::test]
async fn the_end_of_one_socket_of_several_is_told_and_the_others_live_on_to_say_good_bye() {
    let endpoints = [endpoint(), endpoint()];
    let allowed = Allowed { connections: 1, per_address: 1 };
    let standing = Arc::new(Standing::new(1));
    let acceptor = Acceptor::new(endpoints.to_vec(), allowed, standing, Vec::new());
    let attempt = || timeout(DEADLINE, acceptor.attempt());
    take_away(&endpoints[0]);
    assert!(attempt().await.unwrap().is_none());
    let mut next = std::pin::pin!(attempt());
    assert!(next.as_mut().now_or_never().is_none());
    take_away(&endpoints[1]);
    assert!(next.await.unwrap().is_none());
    assert!(attempt().await.unwrap().is_none());
}
