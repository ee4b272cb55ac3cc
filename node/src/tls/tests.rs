//! Certificates in real files, and real handshakes in memory.

use std::io::Write as _;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::{
    ClientConfig, ClientConnection, DigitallySignedStruct, ServerConnection, SignatureScheme,
};

use super::*;
use crate::config::Cluster;

fn config(folder: &Path) -> Config {
    Config::defaults(folder)
}

#[test]
fn the_first_start_makes_a_certificate_and_later_ones_keep_it() {
    let folder = tempfile::tempdir().unwrap();
    let config_here = config(folder.path());
    assert!(matches!(fingerprint(&config_here), Err(TlsError::Read { .. })));
    let first = server(&config_here).unwrap().fingerprint;
    let second = server(&config_here).unwrap().fingerprint;
    assert_eq!(first, second);
    assert_eq!(fingerprint(&config_here).unwrap(), first);
    let elsewhere = tempfile::tempdir().unwrap();
    assert_ne!(server(&config(elsewhere.path())).unwrap().fingerprint, first);
}

#[test]
#[cfg(unix)]
fn only_the_owner_can_read_the_key() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    server(&config(folder.path())).unwrap();
    let mode = folder.path().join("key.pem").metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_fingerprint_is_the_hash_of_the_certificate_in_lower_case_hex() {
    let shown = Fingerprint::of(&CertificateDer::from(b"abc".to_vec())).to_string();
    // The published digest of these three letters.
    let hash = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(shown, format!("sha256:{hash}"));
}

#[test]
fn a_start_that_was_cut_off_after_the_key_is_made_good() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("key.pem"), b"half").unwrap();
    server(&config(folder.path())).unwrap();
}

#[test]
fn a_lost_key_is_told_and_the_certificate_that_clients_know_stays() {
    let folder = tempfile::tempdir().unwrap();
    let known = server(&config(folder.path())).unwrap().fingerprint;
    std::fs::remove_file(folder.path().join("key.pem")).unwrap();
    let error = server(&config(folder.path())).err().unwrap();
    assert!(matches!(error, TlsError::KeyGone { .. }), "{error}");
    assert_eq!(fingerprint(&config(folder.path())).unwrap(), known);
}

#[test]
fn files_of_the_operator_are_used_and_never_made() {
    let made = tempfile::tempdir().unwrap();
    let known = server(&config(made.path())).unwrap().fingerprint;
    let folder = tempfile::tempdir().unwrap();
    let with = |certificate: PathBuf, key: PathBuf| Config {
        tls: Certificate::Files { certificate, key },
        ..config(folder.path())
    };
    let (certificate, key) = (made.path().join("certificate.pem"), made.path().join("key.pem"));
    let used = server(&with(certificate.clone(), key.clone())).unwrap().fingerprint;
    assert_eq!(used, known);

    let other = tempfile::tempdir().unwrap();
    server(&config(other.path())).unwrap();
    let wrong_key = with(certificate.clone(), other.path().join("key.pem"));
    assert!(matches!(server(&wrong_key), Err(TlsError::Use { .. })));
    let no_file = with(folder.path().join("none.pem"), key.clone());
    assert!(matches!(server(&no_file), Err(TlsError::Read { .. })));
    let no_certificate = with(key, certificate);
    assert!(matches!(server(&no_certificate), Err(TlsError::Empty { .. })));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn a_handshake_is_tls_1_3_with_our_protocol_and_the_certificate_of_the_fingerprint() {
    let folder = tempfile::tempdir().unwrap();
    let Offer { config: tls, fingerprint: known, renewal } =
        server(&config(folder.path())).unwrap();
    assert!(renewal.is_none(), "nobody else writes our own certificate");
    let client = handshake(tls, &[&rustls::version::TLS13], &[ALPN]).unwrap();
    assert_eq!(client.protocol_version(), Some(rustls::ProtocolVersion::TLSv1_3));
    assert_eq!(client.alpn_protocol(), Some(ALPN));
    assert_eq!(Fingerprint::of(&client.peer_certificates().unwrap()[0]), known);
}

#[test]
fn other_protocols_are_refused_and_nothing_can_be_replayed() {
    let folder = tempfile::tempdir().unwrap();
    let tls = || server(&config(folder.path())).unwrap().config;
    assert!(handshake(tls(), &[&rustls::version::TLS13], &[b"thrive/0"]).is_err());
    assert_eq!((tls().max_early_data_size, tls().send_tls13_tickets), (0, 0));
}

#[test]
fn the_certificate_names_the_places_where_people_dial_it() {
    let folder = tempfile::tempdir().unwrap();
    server(&config(folder.path())).unwrap();
    let certificate = CertificateDer::from_pem_file(folder.path().join("certificate.pem")).unwrap();
    let has = |name: &str| certificate.windows(name.len()).any(|it| it == name.as_bytes());
    assert!(has("localhost") && has("thrive"));
    assert!(host_name().is_none_or(|it| has(&it)));
}

/// Two nodes of one cluster, each with a data folder of its own.
fn cluster(folder: &Path, secret: &Path) -> Config {
    let cluster = Cluster {
        secret: secret.to_owned(),
        listen: "127.0.0.1:0".parse().unwrap(),
        advertise: None,
        workers: 1,
        node: None,
        drain: Duration::from_secs(1),
    };
    Config { cluster: Some(cluster), ..config(folder) }
}

#[test]
fn all_nodes_of_a_cluster_show_the_same_certificate_and_clients_accept_it() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let shared = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(shared.path(), [9; 40]).unwrap();
    let known = fingerprint(&cluster(folders[0].path(), shared.path())).unwrap();
    for folder in &folders {
        let offer = server(&cluster(folder.path(), shared.path())).unwrap();
        assert_eq!(offer.fingerprint, known);
        let client = handshake(offer.config, &[&rustls::version::TLS13], &[ALPN]).unwrap();
        assert_eq!(Fingerprint::of(&client.peer_certificates().unwrap()[0]), known);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing is written");
    }
    std::fs::write(shared.path(), [8; 40]).unwrap();
    let other = server(&cluster(folders[0].path(), shared.path())).unwrap();
    assert_ne!(other.fingerprint, known);
    std::fs::write(shared.path(), [8; 4]).unwrap();
    let short = server(&cluster(folders[0].path(), shared.path())).err().unwrap();
    assert!(matches!(short, TlsError::Secret(_)), "{short}");
}

/// Both ends in memory, until they agree or one gives up.
fn handshake(
    tls: ServerConfig,
    versions: &[&'static rustls::SupportedProtocolVersion],
    protocols: &[&[u8]],
) -> Result<ClientConnection, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_protocol_versions(versions)?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(AnyCertificate(provider)))
        .with_no_client_auth();
    config.alpn_protocols = protocols.iter().map(|it| it.to_vec()).collect();
    let name = ServerName::try_from("localhost").unwrap();
    let mut client = ClientConnection::new(Arc::new(config), name)?;
    let mut server = ServerConnection::new(Arc::new(tls))?;
    while client.is_handshaking() || server.is_handshaking() {
        let mut bytes = Vec::new();
        client.write_tls(&mut bytes).unwrap();
        server.read_tls(&mut bytes.as_slice()).unwrap();
        server.process_new_packets()?;
        let mut bytes = Vec::new();
        server.write_tls(&mut bytes).unwrap();
        bytes.flush().unwrap();
        client.read_tls(&mut bytes.as_slice()).unwrap();
        client.process_new_packets()?;
    }
    Ok(client)
}

/// Checks signatures and trusts every name: the test looks at the certificate itself.
#[derive(Debug)]
struct AnyCertificate(Arc<CryptoProvider>);

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _: &[u8],
        _: &CertificateDer<'_>,
        _: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("not TLS 1.3".into()))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
