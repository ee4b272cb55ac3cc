//! The numbers of QUIC. The reason of each stands beside it.

use std::sync::Arc;
use std::time::Duration;

use quinn::{
    AckFrequencyConfig, EndpointConfig, IdleTimeout, MtuDiscoveryConfig, ServerConfig,
    TransportConfig, VarInt,
};

use super::BindError;
use super::keys::{Keys, Maker};

/// Bytes of a datagram: fits an overlay network with the router's header on top.
pub(super) const DATAGRAM: u16 = 1_350;
/// A connection without a sign of life for so long is over. Clients send one every 20 s.
const IDLE: Duration = Duration::from_secs(60);

/// Datagrams that a client may receive before it has to acknowledge them, in place of one: what it says itself
/// carries the acknowledgement along, and otherwise it comes within 25 ms.
const UNACKNOWLEDGED: VarInt = VarInt::from_u32(9);

pub(super) fn server(tls: rustls::ServerConfig, keys: &Keys) -> Result<ServerConfig, BindError> {
    let crypto = quinn::crypto::rustls::QuicServerConfig::try_from(tls)?;
    // With a key that all share, a client that was asked by one node may answer to another.
    let mut server = ServerConfig::new(Arc::new(crypto), keys.token());
    server
        .transport_config(Arc::new(transport()))
        .migration(true)
        .max_incoming(4_096)
        .incoming_buffer_size(64 * 1024)
        .incoming_buffer_size_total(16 * 1024 * 1024);
    Ok(server)
}

pub(super) fn endpoint(keys: &Keys, maker: Maker) -> EndpointConfig {
    let mut config = EndpointConfig::new(keys.reset());
    // The largest that is allowed is far above it, so this cannot fail.
    drop(config.max_udp_payload_size(DATAGRAM));
    config
        // Safe, because resets are only sent for ids that a node with these keys has made.
        .min_reset_interval(Duration::ZERO)
        .cid_generator(maker);
    config
}

fn transport() -> TransportConfig {
    let mut mtu = MtuDiscoveryConfig::default();
    mtu.upper_bound(DATAGRAM);
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(UNACKNOWLEDGED);
    let mut transport = TransportConfig::default();
    transport
        .ack_frequency_config(Some(acks))
        // Stream tables are allocated for every permitted stream: few, and cheap connections.
        .max_concurrent_bidi_streams(16_u8.into())
        .max_concurrent_uni_streams(4_u8.into())
        .stream_receive_window(VarInt::from_u32(256 * 1024))
        // Two files that stand still, and as much again for everything else, each way.
        .receive_window(VarInt::from_u32(768 * 1024))
        .send_window(768 * 1024)
        .crypto_buffer_size(8 * 1024)
        .datagram_receive_buffer_size(None)
        .max_idle_timeout(IdleTimeout::try_from(IDLE).ok())
        .mtu_discovery_config(Some(mtu));
    transport
}
