//! QUIC as a Thrive client speaks it, without any of the caution: every certificate is accepted and
//! remembered, and the windows are up to the test.

use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use quinn::crypto::rustls::QuicClientConfig;
use quinn::{
    AckFrequencyConfig, ClientConfig, Connection, Endpoint, EndpointConfig, TransportConfig, VarInt,
};
use rustls::client::Resumption;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{DigitallySignedStruct, SignatureScheme};
use sha2::{Digest as _, Sha256};
use thrive_protocol::version::ALPN;

/// One socket from which many connections can be made. A cheap handle.
#[derive(Clone)]
pub struct Dialer {
    endpoint: Endpoint,
}

/// What a client tells the node that it is ready to take.
#[derive(Clone, Copy, Debug)]
pub struct Windows {
    /// Bytes of one stream that the node may send before the client has read.
    pub stream: u32,
    /// Bytes of all streams.
    pub connection: u32,
}

impl Default for Windows {
    fn default() -> Self {
        Self { stream: 256 * 1024, connection: 512 * 1024 }
    }
}

impl Dialer {
    /// As any client would.
    ///
    /// # Errors
    /// There is no socket to be had.
    pub fn new() -> Result<Self> {
        Self::with(Windows::default(), &[ALPN])
    }

    /// With windows and protocols of its own.
    ///
    /// # Errors
    /// There is no socket to be had.
    pub fn with(windows: Windows, protocols: &[&[u8]]) -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).context("a UDP socket")?;
        let runtime = Arc::new(quinn::TokioRuntime);
        let mut endpoint = Endpoint::new(EndpointConfig::default(), None, socket, runtime)?;
        endpoint.set_default_client_config(client_config(windows, protocols)?);
        Ok(Self { endpoint })
    }

    /// # Errors
    /// The handshake did not succeed.
    pub async fn connect(&self, address: SocketAddr) -> Result<Connection> {
        Ok(self.endpoint.connect(address, "localhost")?.await?)
    }
}

/// The fingerprint of the certificate that the node has shown, as people read it.
///
/// # Errors
/// It has shown none.
pub fn fingerprint(connection: &Connection) -> Result<String> {
    let identity = connection.peer_identity().context("the node shows a certificate")?;
    let chain = identity
        .downcast::<Vec<CertificateDer<'static>>>()
        .map_err(|_| anyhow::anyhow!("the identity is a chain of certificates"))?;
    let certificate = chain.first().context("a chain has a first certificate")?;
    let digest = Sha256::digest(certificate);
    Ok(digest.iter().fold("sha256:".to_owned(), |text, byte| text + &format!("{byte:02x}")))
}

fn client_config(windows: Windows, protocols: &[&[u8]]) -> Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = rustls::ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        .with_no_client_auth();
    tls.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    // A resumed handshake would not show a certificate.
    tls.resumption = Resumption::disabled();
    let mut config = ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls)?));
    // As the client of people asks for.
    let mut acks = AckFrequencyConfig::default();
    acks.ack_eliciting_threshold(VarInt::from_u32(9));
    let mut transport = TransportConfig::default();
    transport
        .ack_frequency_config(Some(acks))
        .keep_alive_interval(Some(Duration::from_secs(15)))
        .stream_receive_window(VarInt::from_u32(windows.stream))
        .receive_window(VarInt::from_u32(windows.connection));
    config.transport_config(Arc::new(transport));
    Ok(config)
}

/// Accepts whoever holds the key of the certificate that is shown.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("QUIC has TLS 1.3 only".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
