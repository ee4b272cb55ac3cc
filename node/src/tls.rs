//! The node's certificate, and what TLS may do with it. TLS 1.3 and `thrive/1`, nothing else: no early
//! data (it can be replayed), no session tickets (they would only be of use on the same node).
//!
//! There are three: files of an operator; in a cluster without them, one that every node makes of the
//! secret and that is the same everywhere; and else one in the data folder, made at the first start.

mod derived;
mod renewal;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rcgen::{CertificateParams, DistinguishedName, DnType, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::ServerConfig;
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::{self, PemObject as _};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::ResolvesServerCert;
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use thrive_protocol::version::ALPN;

use self::renewal::Shown;
use crate::cluster_secret::{self, SecretError};
use crate::config::{Certificate, Config};
use crate::data_dir::write_private;

pub use self::renewal::Renewal;

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
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error("use the certificate {} with its key", certificate.display())]
    Use { certificate: PathBuf, source: rustls::Error },
}

/// What the node offers to clients.
pub struct Offer {
    pub config: ServerConfig,
    pub fingerprint: Fingerprint,
    /// Takes over what an operator puts in the place of the files; `None` when the certificate is ours.
    pub renewal: Option<Renewal>,
}

/// Loads the certificate, or makes it at the first start, and sets up TLS with it.
///
/// # Errors
/// See [`TlsError`].
pub fn server(config: &Config) -> Result<Offer, TlsError> {
    // Named here, since a provider for the whole process would be a setting that others can change.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let source = Source::of(config);
    if let Source::SelfSigned { certificate, key } = &source {
        make_if_first_start(certificate, key)?;
    }
    // Before the files are read, so that what changes meanwhile is noticed.
    let stamp = source.stamp();
    let (chain, key) = source.load()?;
    let fingerprint = Fingerprint::of_chain(&chain, source.path())?;
    let shown = Arc::new(Shown::new(certified(chain, key, &provider, source.path())?));
    let wrong = |error| source.unusable(error);
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(wrong)?
        .with_no_client_auth()
        .with_cert_resolver(Arc::clone(&shown) as Arc<dyn ResolvesServerCert>);
    tls.alpn_protocols = vec![ALPN.to_vec()];
    tls.max_early_data_size = 0;
    tls.send_tls13_tickets = 0;
    let renewal = match source {
        Source::Files { .. } => Some(Renewal::new(source, shown, stamp)),
        Source::Derived { .. } | Source::SelfSigned { .. } => None,
    };
    Ok(Offer { config: tls, fingerprint, renewal })
}

/// The fingerprint of the certificate that is there; writes none.
///
/// # Errors
/// See [`TlsError`].
pub fn fingerprint(config: &Config) -> Result<Fingerprint, TlsError> {
    let source = Source::of(config);
    let chain = match &source {
        Source::Derived { .. } => source.load()?.0,
        Source::SelfSigned { certificate, .. } | Source::Files { certificate, .. } => {
            load_chain(certificate)?
        }
    };
    Fingerprint::of_chain(&chain, source.path())
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

    /// Of the first one, which is the node's own.
    fn of_chain(chain: &[CertificateDer<'_>], path: &Path) -> Result<Self, TlsError> {
        chain.first().map(Self::of).ok_or_else(|| TlsError::Empty { path: path.into() })
    }
}

/// Where a certificate comes from.
enum Source {
    /// Made of the secret of the cluster, and equal on all its nodes.
    Derived { secret: PathBuf },
    /// In the data folder, made at the first start.
    SelfSigned { certificate: PathBuf, key: PathBuf },
    /// Of the operator.
    Files { certificate: PathBuf, key: PathBuf },
}

/// When files were written, and how long they are.
type Stamp = [Option<(SystemTime, u64)>; 2];

impl Source {
    fn of(config: &Config) -> Self {
        match (&config.tls, &config.cluster) {
            (Certificate::Files { certificate, key }, _) => {
                Self::Files { certificate: certificate.clone(), key: key.clone() }
            }
            (Certificate::SelfSigned, Some(cluster)) => {
                Self::Derived { secret: cluster.secret.clone() }
            }
            (Certificate::SelfSigned, None) => Self::SelfSigned {
                certificate: config.data.join("certificate.pem"),
                key: config.data.join("key.pem"),
            },
        }
    }

    /// What an error is about.
    fn path(&self) -> &Path {
        match self {
            Self::Derived { secret } => secret,
            Self::SelfSigned { certificate, .. } | Self::Files { certificate, .. } => certificate,
        }
    }

    fn load(&self) -> Result<(Vec<CertificateDer<'static>>, PrivateKeyDer<'static>), TlsError> {
        match self {
            Self::Derived { secret } => {
                let keys = cluster_secret::read(secret)?;
                derived::certificate(&keys.certificate).map_err(TlsError::Make)
            }
            Self::SelfSigned { certificate, key } | Self::Files { certificate, key } => {
                let chain = load_chain(certificate)?;
                let key = PrivateKeyDer::from_pem_file(key)
                    .map_err(|source| TlsError::Read { path: key.clone(), source })?;
                Ok((chain, key))
            }
        }
    }

    fn stamp(&self) -> Stamp {
        let stamp = |path: &Path| {
            let about = path.metadata().ok()?;
            Some((about.modified().ok()?, about.len()))
        };
        match self {
            Self::Derived { secret } => [stamp(secret), None],
            Self::SelfSigned { certificate, key } | Self::Files { certificate, key } => {
                [stamp(certificate), stamp(key)]
            }
        }
    }

    fn unusable(&self, source: rustls::Error) -> TlsError {
        TlsError::Use { certificate: self.path().into(), source }
    }
}

/// A certificate with the key that belongs to it.
fn certified(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    provider: &CryptoProvider,
    path: &Path,
) -> Result<CertifiedKey, TlsError> {
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|source| TlsError::Use { certificate: path.into(), source })
}

fn load_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError::Read { path: path.to_owned(), source };
    let chain = CertificateDer::pem_file_iter(path).map_err(wrong)?;
    let chain = chain.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    if chain.is_empty() {
        return Err(TlsError::Empty { path: path.to_owned() });
    }
    Ok(chain)
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

/// What clients of a cluster with this seed are to trust.
#[cfg(test)]
pub(crate) fn shown_by_cluster(seed: &[u8; 32]) -> CertificateDer<'static> {
    derived::certificate(seed).unwrap().0.remove(0)
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
