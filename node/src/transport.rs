//! QUIC and TLS, and the header of routers. Knows frames; knows no request by name.

mod acceptor;
mod cids;
mod counts;
mod direct;
mod encapsulated;
mod framed;
mod inbox;
mod keys;
mod listeners;
mod parameters;
mod places;
mod routes;
mod standing;

use std::net::IpAddr;

pub use self::acceptor::{Acceptor, Figures};
pub use self::counts::Routed;
pub use self::framed::{Framed, ReadError, WriteError, write_frames};
pub use self::keys::{Identity, Keys};
pub use self::listeners::{BindError, Listeners};
pub use self::places::{Allowed, Permit};

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

#[cfg(test)]
mod tests;
