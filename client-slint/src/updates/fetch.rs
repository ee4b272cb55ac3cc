//! Fetches over HTTPS. It blocks, so it is for threads that may.

use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};
use ureq::Agent;
use ureq::tls::{RootCerts, TlsConfig, TlsProvider};

use super::{Offer, Refusal};

/// Who fetches; it trusts the authorities of the system.
#[derive(Clone, Debug)]
pub struct Fetcher {
    agent: Agent,
}

impl Default for Fetcher {
    fn default() -> Self {
        Self::trusting(RootCerts::PlatformVerifier)
    }
}

impl Fetcher {
    /// Trusts others; for tests.
    #[must_use]
    pub fn trusting(roots: RootCerts) -> Self {
        // One cryptography for the whole program.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = TlsConfig::builder()
            .provider(TlsProvider::Rustls)
            .unversioned_rustls_crypto_provider(provider)
            .root_certs(roots)
            .build();
        let agent = Agent::config_builder()
            .https_only(true)
            .tls_config(tls)
            .user_agent(concat!("thrive-messenger/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(CONNECT))
            .timeout_recv_response(Some(ANSWER))
            .timeout_per_read(Some(SILENCE))
            .timeout_global(Some(WHOLE))
            .max_redirects(REDIRECTS)
            .build()
            .new_agent();
        Self { agent }
    }

    /// Something small, whole.
    ///
    /// # Errors
    /// It cannot be fetched, or is larger than that.
    pub fn small(&self, url: &str, max: u64) -> Result<Vec<u8>, Refusal> {
        let mut response = self.agent.get(url).call().map_err(unreachable)?;
        response.body_mut().with_config().limit(max).read_to_vec().map_err(unreachable)
    }

    /// A package, into a file, exactly as it was offered. `progress` hears each percent once.
    ///
    /// # Errors
    /// It cannot be fetched, or is not what was offered; then there is no file.
    pub fn file(
        &self,
        offer: &Offer,
        to: &Path,
        progress: &mut dyn FnMut(u8),
    ) -> Result<(), Refusal> {
        let fetched = self.agent.get(&offer.url).call().map_err(unreachable);
        let received = fetched.and_then(|response| {
            // One byte more than wanted shows that it is too long.
            let body = response.into_body().into_with_config().limit(offer.size + 1).reader();
            receive(body, offer, to, progress)
        });
        if received.is_err()
            && let Err(error) = fs::remove_file(to)
        {
            tracing::debug!(%error, "There is no half package to remove");
        }
        received
    }
}

/// Keeps what comes and compares it with what was offered.
fn receive(
    mut from: impl Read,
    offer: &Offer,
    to: &Path,
    progress: &mut dyn FnMut(u8),
) -> Result<(), Refusal> {
    let mut file = File::create(to)?;
    let mut hash = Sha256::new();
    let (mut come, mut told) = (0_u64, 0);
    let mut piece = vec![0; PIECE];
    loop {
        let length = from.read(&mut piece).map_err(|error| match come < offer.size {
            true => Refusal::Unreachable(error.to_string()),
            false => Refusal::Damaged,
        })?;
        if length == 0 {
            break;
        }
        come += u64::try_from(length).unwrap_or(u64::MAX);
        if offer.size < come {
            return Err(Refusal::Damaged);
        }
        hash.update(&piece[..length]);
        file.write_all(&piece[..length])?;
        let percent = u8::try_from(come * 100 / offer.size.max(1)).unwrap_or(100);
        if percent != told {
            told = percent;
            progress(percent);
        }
    }
    let is = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    if come != offer.size || is != offer.sha256 {
        return Err(Refusal::Damaged);
    }
    file.sync_all()?;
    Ok(())
}

fn unreachable(error: ureq::Error) -> Refusal {
    Refusal::Unreachable(error.to_string())
}

const CONNECT: Duration = Duration::from_secs(20);
const ANSWER: Duration = Duration::from_secs(30);
/// A download that says nothing for this long has ended.
const SILENCE: Duration = Duration::from_secs(60);
/// Thirty megabytes over the slowest lines that people have.
const WHOLE: Duration = Duration::from_secs(2 * 60 * 60);
/// What places for downloads need.
const REDIRECTS: u32 = 5;
const PIECE: usize = 64 * 1_024;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::updates::Version;

    fn offer(bytes: &[u8]) -> Offer {
        Offer {
            version: Version::default(),
            name: "a".into(),
            url: String::new(),
            size: u64::try_from(bytes.len()).unwrap(),
            sha256: Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect(),
        }
    }

    #[test]
    fn only_exactly_what_was_offered_is_taken() {
        let dir = tempfile::tempdir().unwrap();
        let to = dir.path().join("a");
        let whole = vec![7; 100_000];
        let mut heard = Vec::new();
        let offered = offer(&whole);
        receive(&whole[..], &offered, &to, &mut |percent| heard.push(percent)).unwrap();
        assert_eq!(fs::read(&to).unwrap(), whole);
        assert_eq!(heard.last(), Some(&100));
        let mut longer = whole.clone();
        longer.push(7);
        let mut changed = whole.clone();
        changed[50_000] = 8;
        for wrong in [&whole[..99_999], &longer, &changed, &[]] {
            let result = receive(wrong, &offered, &to, &mut |_| {});
            assert!(matches!(result, Err(Refusal::Damaged)), "{} bytes", wrong.len());
        }
    }
}
