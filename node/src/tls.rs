//! The node's certificate, and what TLS may do with it. TLS 1.3 and `thrive/1`, nothing else: no early
//! data (it can be replayed), no session tickets (they would only be of use on the same node).

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::ServerConfig;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest as _, Sha256};
use thrive_protocol::version::ALPN;

use crate::config::{Certificate, Config};
use crate::data_dir::write_private;

/// What clients pin: the SHA-256 of the certificate as it is sent. Shown as `sha256:` and 64 hex digits.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Fingerprint([u8; 32]);

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("read {}", path.display())]
    Read { path: PathBuf, source: pem::Error },
    #[error("look for {}", path.display())]
    Look { path: PathBuf, source: io::Error },
    #[error("write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("{} holds no certificate", path.display())]
    Empty { path: PathBuf },
    #[error(
        "{} is gone, and clients know its certificate: put it back from a copy, or remove {} too, \
         and clients will ask people whether to trust the new one",
        key.display(), certificate.display()
    )]
    KeyGone { certificate: PathBuf, key: PathBuf },
    #[error("make a certificate")]
    Make(#[source] rcgen::Error),
    #[error("use the certificate {} with its key", certificate.display())]
    Use { certificate: PathBuf, source: rustls::Error },
}

/// Loads the certificate, or makes it at the first start, and sets up TLS with it.
///
/// # Errors
/// See [`TlsError`].
pub fn server(config: &Config) -> Result<(ServerConfig, Fingerprint), TlsError> {
    let (certificate, key) = paths(config);
    if config.tls == Certificate::SelfSigned {
        make_if_first_start(&certificate, &key)?;
    }
    let (chain, fingerprint) = load_chain(&certificate)?;
    let key = PrivateKeyDer::from_pem_file(&key)
        .map_err(|source| TlsError::Read { path: key.clone(), source })?;
    let wrong = |source| TlsError::Use { certificate: certificate.clone(), source };
    // Named here, since a provider for the whole process would be a setting that others can change.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(wrong)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(wrong)?;
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    Ok((tls, fingerprint))
}

/// The fingerprint of the certificate that is there; makes none.
///
/// # Errors
/// See [`TlsError`].
pub fn fingerprint(config: &Config) -> Result<Fingerprint, TlsError> {
    let (certificate, _) = paths(config);
    load_chain(&certificate).map(|(_, fingerprint)| fingerprint)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "sha256:{}", data_encoding::HEXLOWER.encode(&self.0))
    }
}

impl Fingerprint {
    #[must_use]
    pub fn of(certificate: &CertificateDer<'_>) -> Self {
        Self(Sha256::digest(certificate).into())
    }
}

fn paths(config: &Config) -> (PathBuf, PathBuf) {
    match &config.tls {
        Certificate::SelfSigned => {
            (config.data.join("certificate.pem"), config.data.join("key.pem"))
        }
        Certificate::Files { certificate, key } => (certificate.clone(), key.clone()),
    }
}

fn load_chain(path: &Path) -> Result<(Vec<CertificateDer<'static>>, Fingerprint), TlsError> {
    let wrong = |source| TlsError::Read { path: path.to_owned(), source };
    let chain = CertificateDer::pem_file_iter(path).map_err(wrong)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    let Some(first) = chain.first() else {
        return Err(TlsError::Empty { path: path.to_owned() });
    };
    let fingerprint = Fingerprint::of(first);
    Ok((chain, fingerprint))
}

/// The key is written first: a key without a certificate was never shown to anybody, and is replaced.
fn make_if_first_start(certificate: &Path, key: &Path) -> Result<(), TlsError> {
    let there = |path: &Path| {
        path.try_exists().map_err(|source| TlsError::Look { path: path.into(), source })
    };
    match (there(certificate)?, there(key)?) {
        (true, true) => return Ok(()),
        (true, false) => {
            return Err(TlsError::KeyGone { certificate: certificate.into(), key: key.into() });
        }
        (false, true | false) => {}
    }
    let (certificate_pem, key_pem) = make().map_err(TlsError::Make)?;
    for (path, pem) in [(key, key_pem), (certificate, certificate_pem)] {
        write_private(path, pem.as_bytes())
            .map_err(|source| TlsError::Write { path: path.into(), source })?;
    }
    tracing::info!(path = %certificate.display(), "Made a certificate for this node");
    Ok(())
}

fn make() -> Result<(String, String), rcgen::Error> {
    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut names = vec!["localhost".to_owned(), "thrive".to_owned()];
    names.extend(host_name());
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, "Thrive node");
    // Ten years from yesterday, for clients whose clock is behind. Clients pin it, so its end only
    // says when the operator must think of it again.
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * 3_650).into();
    let certificate = params.self_signed(&key)?;
    Ok((certificate.pem(), key.serialize_pem()))
}

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What this machine calls itself, where that is a name for certificates.
fn host_name() -> Option<String> {
    let name = gethostname::gethostname().into_string().ok()?.to_ascii_lowercase();
    let plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'-' | b'.');
    let fits = (1..=253).contains(&name.len()) && name.bytes().all(plain);
    (fits && name != "localhost").then_some(name)
}

#[cfg(test)]
mod tests;
