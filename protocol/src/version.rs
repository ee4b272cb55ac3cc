//! Names and numbers of the protocol itself.

/// The only application protocol offered and accepted in the TLS handshake.
pub const ALPN: &[u8] = b"thrive/1";

/// Sent in `hello` and `welcome`; raised when a meaning is added that a peer can ask for.
pub const VERSION: u32 = 1;

/// The UDP port a node or router is expected on.
pub const DEFAULT_PORT: u16 = 2005;

/// Close codes of the QUIC connection (application close). Numbers are never used again.
pub mod close {
    /// The client has what it came for.
    pub const DONE: u32 = 0;
    /// The peer sent bytes that are not this protocol.
    pub const PROTOCOL: u32 = 1;
    /// Nothing useful arrived before the deadline (hello, login, or any request).
    pub const TOO_SLOW: u32 = 2;
    /// Nothing could be written to the peer for too long.
    pub const SLOW_READER: u32 = 3;
    /// The node stops; come back at once, another one may answer.
    pub const GOING_AWAY: u32 = 4;
    /// The session of this connection was revoked; do not come back with its token.
    pub const SESSION_ENDED: u32 = 5;
    /// More connections or handshakes than the node allows; come back later.
    pub const BUSY: u32 = 6;
}
