//! Takes over a certificate that an operator has renewed, without a restart. Connections that are there
//! keep what they have seen.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::RwLock;
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tokio_util::sync::CancellationToken;

use super::{Fingerprint, Source, Stamp, TlsError, certified};

/// Time between two looks at the files.
const LOOK: Duration = Duration::from_secs(60);

/// What is shown to whoever connects next.
pub(super) struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    pub(super) fn new(first: CertifiedKey) -> Self {
        Self(RwLock::new(Arc::new(first)))
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0.read()))
    }
}

impl fmt::Debug for Shown {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Shown").finish_non_exhaustive()
    }
}

/// Watches the files.
pub struct Renewal {
    source: Source,
    shown: Arc<Shown>,
    /// Of the files as they were when they were last read, whether they could be used or not.
    stamp: Stamp,
}

impl Renewal {
    pub(super) fn new(source: Source, shown: Arc<Shown>, stamp: Stamp) -> Self {
        Self { source, shown, stamp }
    }

    /// Looks every minute, and at once when the process is told to by SIGHUP.
    pub async fn watch(mut self, stop: CancellationToken) {
        let mut asked = Asked::listen();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = asked.next() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            // Two small files; but a disk that hangs must not hold up a thread of the runtime.
            let looked = tokio::task::spawn_blocking(move || {
                let outcome = self.look();
                (self, outcome)
            });
            let Ok((back, outcome)) = looked.await else { return };
            self = back;
            match outcome {
                Ok(None) => {}
                Ok(Some(fingerprint)) => {
                    tracing::info!(%fingerprint, "The certificate was renewed");
                }
                Err(error) => {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "The certificate was changed, and cannot be used");
                }
            }
        }
    }

    /// Reads the files if they have changed, and shows them if they fit each other. An operator
    /// replaces one after the other, so a pair that does not fit may be one that soon will.
    fn look(&mut self) -> Result<Option<Fingerprint>, TlsError> {
        let stamp = self.source.stamp();
        if stamp == self.stamp {
            return Ok(None);
        }
        self.stamp = stamp;
        let (chain, key) = self.source.load()?;
        let fingerprint = Fingerprint::of_chain(&chain, self.source.path())?;
        let provider = rustls::crypto::ring::default_provider();
        let certified = certified(chain, key, &provider, self.source.path())?;
        *self.shown.0.write() = Arc::new(certified);
        Ok(Some(fingerprint))
    }
}

/// The signal by which operators ask for a look.
struct Asked {
    #[cfg(unix)]
    signal: Option<tokio::signal::unix::Signal>,
}

impl Asked {
    #[cfg(unix)]
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        // Without it the files are still looked at every minute.
        Self { signal: signal(SignalKind::hangup()).ok() }
    }

    #[cfg(not(unix))]
    fn listen() -> Self {
        Self {}
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        match &mut self.signal {
            Some(signal) => drop(signal.recv().await),
            None => std::future::pending().await,
        }
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        std::future::pending().await
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use rcgen::{CertificateParams, KeyPair};

    use super::super::server;
    use super::*;
    use crate::config::{Certificate, Config};

    struct Pair {
        certificate: String,
        key: String,
    }

    fn pair() -> Pair {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        Pair { certificate: params.self_signed(&key).unwrap().pem(), key: key.serialize_pem() }
    }

    fn write(folder: &Path, name: &str, text: &str) {
        fs::write(folder.join(name), text).unwrap();
    }

    fn shown(renewal: &Renewal) -> Fingerprint {
        Fingerprint::of(&renewal.shown.0.read().cert[0])
    }

    #[test]
    fn a_renewed_pair_is_shown_when_it_is_whole_and_not_before() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (pair(), pair());
        write(folder.path(), "c.pem", &first.certificate);
        write(folder.path(), "k.pem", &first.key);
        let files = Certificate::Files {
            certificate: folder.path().join("c.pem"),
            key: folder.path().join("k.pem"),
        };
        let config = Config { tls: files, ..Config::defaults(folder.path()) };
        let offer = server(&config).unwrap();
        let mut renewal = offer.renewal.unwrap();
        assert_eq!(shown(&renewal), offer.fingerprint);
        assert!(renewal.look().unwrap().is_none());

        // The times of files are coarse; a length of its own makes the change certain.
        write(folder.path(), "c.pem", &format!("{}\n", second.certificate));
        assert!(matches!(renewal.look(), Err(TlsError::Use { .. })));
        assert_eq!(shown(&renewal), offer.fingerprint);
        assert!(renewal.look().unwrap().is_none(), "it is told once");

        write(folder.path(), "k.pem", &format!("{}\n", second.key));
        let renewed = renewal.look().unwrap().unwrap();
        assert_ne!(renewed, offer.fingerprint);
        assert_eq!(shown(&renewal), renewed);

        fs::remove_file(folder.path().join("k.pem")).unwrap();
        assert!(matches!(renewal.look(), Err(TlsError::Read { .. })));
        assert_eq!(shown(&renewal), renewed);
    }
}
