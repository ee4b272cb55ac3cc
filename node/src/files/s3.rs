//! A store that speaks S3: TLS as everywhere in this program, and HTTP only on this machine.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, Checksum};
use object_store::client::{HttpClient, HttpConnector};
use object_store::{ClientOptions, ObjectStore, RetryConfig};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

use super::DepotError;
use crate::config::S3;

/// For a connection to be there.
const CONNECT: Duration = Duration::from_secs(5);
/// For one request: a part of a mebibyte over a slow line.
const REQUEST: Duration = Duration::from_secs(60);
/// Repeats of a request that failed by no fault of ours.
const REPEATS: usize = 3;

pub(super) fn open(settings: &S3) -> Result<Arc<dyn ObjectStore>, DepotError> {
    let connector = Connector { tls: tls(settings)? };
    let retry =
        RetryConfig { max_retries: REPEATS, retry_timeout: REQUEST, ..RetryConfig::default() };
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(&settings.bucket)
        .with_region(&settings.region)
        .with_access_key_id(key(&settings.access_key_file)?)
        .with_secret_access_key(key(&settings.secret_key_file)?)
        // The store finds out by itself when a part was damaged on its way.
        .with_checksum_algorithm(Checksum::SHA256)
        .with_retry(retry)
        .with_http_connector(connector);
    if let Some(endpoint) = &settings.endpoint {
        let plain = endpoint.starts_with("http://");
        builder = builder.with_endpoint(endpoint).with_allow_http(plain);
    }
    Ok(Arc::new(builder.build()?))
}

/// Half of a key: the first line of a file.
fn key(path: &Path) -> Result<String, DepotError> {
    let failed = |source| DepotError::File { path: path.to_owned(), source };
    let text = std::fs::read_to_string(path).map_err(failed)?;
    Ok(text.lines().next().unwrap_or_default().trim().to_owned())
}

#[derive(Debug)]
struct Connector {
    tls: ClientConfig,
}

impl HttpConnector for Connector {
    fn connect(&self, _options: &ClientOptions) -> object_store::Result<HttpClient> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(self.tls.clone())
            .connect_timeout(CONNECT)
            .timeout(REQUEST)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build();
        let client = client.map_err(|source| object_store::Error::Generic {
            store: "S3",
            source: Box::new(source),
        })?;
        Ok(HttpClient::new(client))
    }
}

fn tls(settings: &S3) -> Result<ClientConfig, DepotError> {
    let wrong = |error: &dyn std::fmt::Display| DepotError::Settings(error.to_string());
    let mut roots = RootCertStore::empty();
    match &settings.ca {
        Some(path) => {
            let certificates =
                CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))?;
            for certificate in certificates {
                let certificate = certificate.map_err(|error| wrong(&error))?;
                roots.add(certificate).map_err(|error| wrong(&error))?;
            }
        }
        None => {
            // Some of a system may be of a kind that is not known here; the others do.
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    // Named here, since a provider for the whole process would be a setting that others can change.
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| wrong(&error))?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
