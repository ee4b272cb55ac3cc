//! The socket of an endpoint. Where the system lacks what quinn asks of a socket (marks of congestion,
//! the address that a datagram came to), a plain one does: a client needs none of it.
//!
//! Known to lack it: Wine 8, which does not say `IPV6_V6ONLY` of a socket for IPv4 (os error 10045).

use std::fmt;
use std::future::Future;
use std::io::{self, IoSliceMut};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Instant;

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncTimer, AsyncUdpSocket, Runtime, TokioRuntime, UdpPoller};
use tokio::io::ReadBuf;
use tokio::net::UdpSocket;
use tracing::debug;

/// Tokio as quinn knows it, with another socket where its own cannot be had.
#[derive(Debug)]
pub(super) struct AnySocket;

impl Runtime for AnySocket {
    fn new_timer(&self, at: Instant) -> Pin<Box<dyn AsyncTimer>> {
        TokioRuntime.new_timer(at)
    }

    fn spawn(&self, future: Pin<Box<dyn Future<Output = ()> + Send>>) {
        TokioRuntime.spawn(future);
    }

    fn wrap_udp_socket(&self, socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
        let spare = socket.try_clone();
        TokioRuntime.wrap_udp_socket(socket).or_else(|error| {
            debug!(%error, "The system lacks options of sockets, so a plain one is used");
            // If it cannot be cloned, the first error says more.
            plain(spare.map_err(|_| error)?)
        })
    }

    fn now(&self) -> Instant {
        TokioRuntime.now()
    }
}

/// A socket that only sends and receives.
pub(super) fn plain(socket: std::net::UdpSocket) -> io::Result<Arc<dyn AsyncUdpSocket>> {
    socket.set_nonblocking(true)?;
    Ok(Arc::new(Plain(UdpSocket::from_std(socket)?)))
}

/// One datagram at a time, without marks. What is too long for the way may be cut by the system, so
/// quinn does not try out how long a datagram may be.
#[derive(Debug)]
struct Plain(UdpSocket);

impl AsyncUdpSocket for Plain {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Box::pin(Writable { socket: self, waits: None })
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        match self.0.try_send_to(transmit.contents, transmit.destination) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => {
                // Like any datagram that is lost: QUIC sends again or gives up.
                debug!(%error, "A datagram could not be sent");
                Ok(())
            }
            sent => sent.map(drop),
        }
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        buffers: &mut [IoSliceMut<'_>],
        about: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let (Some(buffer), Some(about)) = (buffers.first_mut(), about.first_mut()) else {
            return Poll::Ready(Ok(0));
        };
        let mut buffer = ReadBuf::new(buffer);
        let addr = ready!(self.0.poll_recv_from(cx, &mut buffer))?;
        let len = buffer.filled().len();
        *about = RecvMeta { addr, len, stride: len, ecn: None, dst_ip: None };
        Poll::Ready(Ok(1))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

/// Waits for one task until the socket takes datagrams again.
struct Writable {
    socket: Arc<Plain>,
    waits: Option<Pin<Box<dyn Future<Output = io::Result<()>> + Send + Sync>>>,
}

impl UdpPoller for Writable {
    fn poll_writable(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let Self { socket, waits } = &mut *self;
        let wait = waits.get_or_insert_with(|| {
            let socket = Arc::clone(socket);
            Box::pin(async move { socket.0.writable().await })
        });
        let outcome = ready!(wait.as_mut().poll(cx));
        // What has ended is not asked again.
        *waits = None;
        Poll::Ready(outcome)
    }
}

impl fmt::Debug for Writable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writable").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, UdpSocket};

    use quinn::{Endpoint, EndpointConfig, VarInt};

    use super::*;
    use crate::dial::{Shown, client_config};
    use crate::engine::rig::node;

    /// Much more than one datagram, so that the socket is full at times.
    const MUCH: usize = 2_000_000;

    #[tokio::test]
    async fn a_plain_socket_carries_a_connection() {
        let node = node();
        let address = node.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let connection = node.accept().await.unwrap().await.unwrap();
            let (mut answer, mut question) = connection.accept_bi().await.unwrap();
            let asked = question.read_to_end(MUCH).await.unwrap();
            answer.write_all(&asked).await.unwrap();
            answer.finish().unwrap();
            connection.closed().await
        });
        let socket = plain(UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap()).unwrap();
        let endpoint = Endpoint::new_with_abstract_socket(
            EndpointConfig::default(),
            None,
            socket,
            Arc::new(AnySocket),
        )
        .unwrap();
        let config = client_config(None, Shown::default()).unwrap();
        let connection =
            endpoint.connect_with(config, address, "localhost").unwrap().await.unwrap();
        let (mut question, mut answer) = connection.open_bi().await.unwrap();
        let sent = vec![7; MUCH];
        question.write_all(&sent).await.unwrap();
        question.finish().unwrap();
        assert!(answer.read_to_end(MUCH).await.unwrap() == sent);
        connection.close(VarInt::from_u32(0), b"");
        serving.await.unwrap();
    }
}
