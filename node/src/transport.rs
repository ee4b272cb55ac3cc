//! QUIC and TLS. Knows frames; knows no request by name.

mod endpoint;
mod framed;

use std::net::IpAddr;

pub use self::endpoint::{Acceptor, Allowed, BindError, Keys, Permit, bind};
pub use self::framed::{Framed, ReadError, WriteError, write_frames};

/// The other end of one connection.
#[derive(Clone)]
pub struct Peer {
    connection: quinn::Connection,
}

impl Peer {
    #[must_use]
    pub fn new(connection: quinn::Connection) -> Self {
        Self { connection }
    }

    /// Where it is, for limits. Not for logs.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.connection.remote_address().ip().to_canonical()
    }

    /// The next stream that the client opens; `None` when the connection is over.
    pub async fn stream(&self) -> Option<(quinn::SendStream, quinn::RecvStream)> {
        self.connection.accept_bi().await.ok()
    }

    pub fn close(&self, code: u32) {
        self.connection.close(code.into(), b"");
    }

    pub async fn closed(&self) {
        self.connection.closed().await;
    }
}
