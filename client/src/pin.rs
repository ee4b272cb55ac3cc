//! Trust on first use: which certificate each server showed, and whether it still shows it.
//!
//! `known_servers` has a line for each server, `host:port sha256:<hex>`, so that a person can read,
//! copy and edit it. A pin says which certificate it must be; that the server holds the key to it is
//! checked in every handshake.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use data_encoding::HEXLOWER;
use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, SignatureScheme};
use sha2::{Digest as _, Sha256};

use crate::types::{Failure, ServerAddress};

const FILE: &str = "known_servers";
const PREFIX: &str = "sha256:";

/// Reading the file and writing it again is one step for this program.
static WRITING: Mutex<()> = Mutex::new(());
/// Tells the files apart that this program is writing.
static WRITTEN: AtomicU64 = AtomicU64::new(0);

/// The SHA-256 of a certificate, in the form that the node prints: `sha256:` and 64 hex digits.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Fingerprint(String);

impl Fingerprint {
    pub(crate) fn of(certificate: &[u8]) -> Self {
        Self(format!("{PREFIX}{}", HEXLOWER.encode(&Sha256::digest(certificate))))
    }

    /// Reads one that a person copied; case, colons and the prefix do not matter.
    pub(crate) fn parse(raw: &str) -> Result<Self, Failure> {
        let lower = raw.trim().to_ascii_lowercase();
        let digits: String =
            lower.strip_prefix(PREFIX).unwrap_or(&lower).chars().filter(|&c| c != ':').collect();
        match HEXLOWER.decode(digits.as_bytes()) {
            Ok(bytes) if bytes.len() == 32 => Ok(Self(format!("{PREFIX}{digits}"))),
            Ok(_) | Err(_) => {
                Err(Failure::Invalid(format!("{raw:?} is not the fingerprint of a certificate")))
            }
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The file of known servers. Read anew each time, because several programs may share it.
#[derive(Clone, Debug)]
pub(crate) struct Pins {
    path: PathBuf,
}

impl Pins {
    pub(crate) fn open(dir: &Path) -> Self {
        Self { path: dir.join(FILE) }
    }

    /// What the server showed the first time.
    pub(crate) fn of(&self, server: &ServerAddress) -> Result<Option<Fingerprint>, Failure> {
        let name = server.to_string();
        for line in self.lines()? {
            if let Some((host, pin)) = line.split_once(' ')
                && host == name
            {
                return Fingerprint::parse(pin).map(Some);
            }
        }
        Ok(None)
    }

    /// Remembers what a server that was unknown has shown, unless another certificate of it has
    /// become known since: of two first meetings, only one can be right.
    pub(crate) fn meet(&self, server: &ServerAddress, pin: &Fingerprint) -> Result<(), Failure> {
        let _one_at_a_time = WRITING.lock();
        match self.of(server)? {
            None => self.write(server, pin),
            Some(known) if known == *pin => Ok(()),
            Some(known) => Err(Failure::ServerChanged {
                host: server.to_string(),
                known: known.as_str().to_owned(),
                offered: pin.as_str().to_owned(),
            }),
        }
    }

    /// From now on the server must show this certificate.
    pub(crate) fn set(&self, server: &ServerAddress, pin: &Fingerprint) -> Result<(), Failure> {
        let _one_at_a_time = WRITING.lock();
        self.write(server, pin)
    }

    fn write(&self, server: &ServerAddress, pin: &Fingerprint) -> Result<(), Failure> {
        let name = server.to_string();
        let mut lines = self.lines()?;
        lines.retain(|line| line.split_once(' ').is_none_or(|(host, _)| host != name));
        lines.push(format!("{name} {}", pin.as_str()));
        let mut text = lines.join("\n");
        text.push('\n');
        write_private(&self.path, text.as_bytes()).map_err(|error| self.failed("written", &error))
    }

    fn lines(&self) -> Result<Vec<String>, Failure> {
        match fs::read_to_string(&self.path) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            // Taking no for "nothing known" would trust anybody.
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    fn failed(&self, what: &str, error: &io::Error) -> Failure {
        Failure::Local(format!("{} cannot be {what}: {error}", self.path.display()))
    }
}

/// Replaces a file in one step, readable by its owner only.
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let count = WRITTEN.fetch_add(1, Ordering::Relaxed);
    let beside = path.with_extension(format!("new-{}-{count}", std::process::id()));
    // One of that name was left by a program that was cut off; nobody writes it any more.
    drop(fs::remove_file(&beside));
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(0o600);
    }
    let mut file = options.open(&beside)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    drop(file);
    let replaced = written.and_then(|()| fs::rename(&beside, path));
    if replaced.is_err() {
        drop(fs::remove_file(&beside));
    }
    replaced
}

/// Makes a folder that only its owner can look into.
pub(crate) fn private_folder(dir: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::DirBuilderExt as _;
        builder.mode(0o700);
    }
    builder.create(dir)
}

/// What one handshake showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown(Arc<Mutex<Option<Fingerprint>>>);

impl Shown {
    pub(crate) fn get(&self) -> Option<Fingerprint> {
        self.0.lock().clone()
    }
}

/// Lets through the pinned certificate only, or any if there is no pin yet.
#[derive(Debug)]
pub(crate) struct PinVerifier {
    pub(crate) pin: Option<Fingerprint>,
    pub(crate) shown: Shown,
    pub(crate) provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for PinVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let offered = Fingerprint::of(end_entity);
        let wrong = self.pin.as_ref().is_some_and(|pin| *pin != offered);
        *self.shown.0.lock() = Some(offered);
        if wrong {
            return Err(CertificateError::ApplicationVerificationFailure.into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, dss, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, dss, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(host: &str) -> ServerAddress {
        ServerAddress { host: host.to_owned(), port: 2005 }
    }

    #[test]
    fn a_pin_is_kept_for_each_server_and_replaced_only_for_the_one_that_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let pins = Pins::open(dir.path());
        let (first, second) = (Fingerprint::of(b"one"), Fingerprint::of(b"two"));
        assert_eq!(pins.of(&server("a")).unwrap(), None);
        pins.set(&server("a"), &first).unwrap();
        pins.set(&server("b"), &second).unwrap();
        assert_eq!(pins.of(&server("a")).unwrap(), Some(first));
        pins.set(&server("a"), &second).unwrap();
        assert_eq!(Pins::open(dir.path()).of(&server("a")).unwrap(), Some(second.clone()));
        assert_eq!(pins.of(&server("b")).unwrap(), Some(second));
    }

    #[test]
    fn of_two_first_meetings_with_a_server_the_one_that_was_noted_first_counts() {
        let dir = tempfile::tempdir().unwrap();
        let pins = Pins::open(dir.path());
        let (first, second) = (Fingerprint::of(b"one"), Fingerprint::of(b"two"));
        pins.meet(&server("a"), &first).unwrap();
        pins.meet(&server("a"), &first).unwrap();
        let changed = pins.meet(&server("a"), &second).unwrap_err();
        assert!(matches!(changed, Failure::ServerChanged { .. }), "{changed:?}");
        assert_eq!(pins.of(&server("a")).unwrap(), Some(first));
        let files = fs::read_dir(dir.path()).unwrap().count();
        assert_eq!(files, 1, "nothing is left beside the file");
    }

    #[test]
    fn a_damaged_pin_is_an_error_and_not_a_first_use() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(FILE), "a:2005 sha256:12\n").unwrap();
        assert!(matches!(Pins::open(dir.path()).of(&server("a")), Err(Failure::Invalid(_))));
    }

    #[test]
    fn a_fingerprint_can_be_copied_from_other_programs() {
        let pin = Fingerprint::of(b"certificate");
        let digits = pin.as_str().strip_prefix(PREFIX).unwrap().to_uppercase();
        let colons: Vec<_> =
            digits.as_bytes().chunks(2).map(|two| String::from_utf8_lossy(two)).collect();
        assert_eq!(Fingerprint::parse(&colons.join(":")).unwrap(), pin);
        assert_eq!(Fingerprint::parse(pin.as_str()).unwrap(), pin);
        assert!(Fingerprint::parse("sha256:abcd").is_err());
    }

    #[cfg(unix)]
    #[test]
    fn files_and_folders_are_closed_to_others() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("private");
        private_folder(&inner).unwrap();
        write_private(&inner.join("file"), b"x").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&inner), mode(&inner.join("file"))), (0o700, 0o600));
    }
}
