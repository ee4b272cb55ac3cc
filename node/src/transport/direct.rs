//! The socket that clients dial themselves, where it takes both families of addresses.
//!
//! QUIC takes a new port at the same IPv4 address for a changed address translation and keeps what it
//! knows of the path; written as an IPv6 address it would not see that. So it gets the plain form.

use std::fmt;
use std::io::{self, IoSliceMut};
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use quinn::udp::{RecvMeta, Transmit};
use quinn::{AsyncUdpSocket, UdpPoller};

pub(super) struct Direct(Arc<dyn AsyncUdpSocket>);

impl Direct {
    /// Of a socket that is bound to an IPv6 address.
    pub(super) fn new(socket: Arc<dyn AsyncUdpSocket>) -> Self {
        Self(socket)
    }
}

impl AsyncUdpSocket for Direct {
    fn create_io_poller(self: Arc<Self>) -> Pin<Box<dyn UdpPoller>> {
        Arc::clone(&self.0).create_io_poller()
    }

    fn try_send(&self, transmit: &Transmit<'_>) -> io::Result<()> {
        let mut mapped = transmit.clone();
        mapped.destination = mapped_address(transmit.destination);
        self.0.try_send(&mapped)
    }

    fn poll_recv(
        &self,
        cx: &mut Context<'_>,
        bufs: &mut [IoSliceMut<'_>],
        meta: &mut [RecvMeta],
    ) -> Poll<io::Result<usize>> {
        let received = ready!(self.0.poll_recv(cx, bufs, meta))?;
        for meta in meta.iter_mut().take(received) {
            meta.addr = plain_address(meta.addr);
        }
        Poll::Ready(Ok(received))
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }

    fn max_transmit_segments(&self) -> usize {
        self.0.max_transmit_segments()
    }

    fn max_receive_segments(&self) -> usize {
        self.0.max_receive_segments()
    }

    fn may_fragment(&self) -> bool {
        self.0.may_fragment()
    }
}

impl fmt::Debug for Direct {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Direct").field(&self.0).finish()
    }
}

/// Anything else than a mapped IPv4 address stays as it is, with scope and flow.
pub(super) fn plain_address(address: SocketAddr) -> SocketAddr {
    match address.ip().to_canonical() {
        IpAddr::V4(ip) => SocketAddr::new(ip.into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

fn mapped_address(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(ip) => SocketAddr::new(ip.to_ipv6_mapped().into(), address.port()),
        IpAddr::V6(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_comes_back_as_it_was_sent_to() {
        let check = |plain: &str, mapped: &str| {
            let (plain, mapped): (SocketAddr, SocketAddr) =
                (plain.parse().unwrap(), mapped.parse().unwrap());
            assert_eq!((plain_address(mapped), mapped_address(plain)), (plain, mapped));
        };
        check("192.0.2.1:7", "[::ffff:192.0.2.1]:7");
        check("[2001:db8::1]:7", "[2001:db8::1]:7");
        check("[fe80::1%3]:7", "[fe80::1%3]:7");
    }
}
