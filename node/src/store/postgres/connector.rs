//! How a connection to the server is made: where, as whom, over what, and under which deadlines.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Connect;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::failure;
use crate::config;
use crate::store::error::Cause;

/// Makes connections. Cheap to clone.
#[derive(Clone)]
pub(super) struct Connector {
    config: Config,
    tls: MakeRustlsConnect,
}

/// A connection outside of the pool. It is closed when this is dropped.
pub(super) struct Connection {
    pub(super) client: Client,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Connector {
    /// Reads what the settings name.
    ///
    /// # Errors
    /// The URL makes no sense, or a file of it cannot be used. Waiting does not help.
    pub(super) fn new(settings: &config::Postgres) -> Result<Self, Cause> {
        let mut config: Config = settings.url.expose().parse().map_err(Cause::settings)?;
        if let Some(path) = &settings.password_file {
            let password = std::fs::read_to_string(path).map_err(|error| {
                Cause::settings(format!("read the password from {}: {error}", path.display()))
            })?;
            config.password(password.trim_end_matches(['\r', '\n']));
        }
        let roots = match &settings.ca {
            Some(path) => roots(path)?,
            None => RootCertStore::empty(),
        };
        if settings.ca.is_some() {
            config.ssl_mode(SslMode::Require);
        } else if config.get_ssl_mode() == SslMode::Require {
            // TLS with somebody who may be anybody is no protection.
            return Err(Cause::settings(
                "the URL asks for TLS, so database.ca must name the file of the authority to trust; \
                 those of the system are often in /etc/ssl/certs/ca-certificates.crt",
            ));
        } else {
            config.ssl_mode(SslMode::Disable);
        }
        // Named here, since a provider for the whole process would be a setting that others can change.
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let tls = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(Cause::settings)?
            .with_root_certificates(roots)
            .with_no_client_auth();
        let options = format!("{} {SESSION}", config.get_options().unwrap_or_default());
        config
            .options(options.trim())
            .application_name(APPLICATION)
            .connect_timeout(CONNECT)
            .tcp_user_timeout(UNHEARD)
            .keepalives_idle(KEEP_ALIVE)
            .keepalives_interval(PROBE)
            .keepalives_retries(PROBES)
            // After a change of roles, an address may lead to a copy that only reads.
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self { config, tls: MakeRustlsConnect::new(tls) })
    }

    pub(super) async fn connect(&self) -> Result<Connection, Cause> {
        let made = timeout(CONNECT, open(self.config.clone(), self.tls.clone())).await;
        let made = made.map_err(|_| Cause::Unreachable(Arc::new(failure::NoAnswer)))?;
        let (client, driver) = made.map_err(failure::of_connecting)?;
        Ok(Connection { client, driver })
    }
}

impl Connect for Connector {
    fn connect(&self, config: &Config) -> Opening<'_> {
        Box::pin(open(config.clone(), self.tls.clone()))
    }
}

type Opening<'a> = std::pin::Pin<
    Box<dyn Future<Output = Result<(Client, JoinHandle<()>), tokio_postgres::Error>> + Send + 'a>,
>;

impl Connector {
    pub(super) fn config(&self) -> &Config {
        &self.config
    }
}

async fn open(
    config: Config,
    tls: MakeRustlsConnect,
) -> Result<(Client, JoinHandle<()>), tokio_postgres::Error> {
    let (client, connection) = Box::pin(config.connect(tls)).await?;
    let driver = tokio::spawn(async move {
        if let Err(error) = connection.await {
            tracing::warn!(
                error = &error as &dyn std::error::Error,
                "A connection to the database broke"
            );
        }
    });
    Ok((client, driver))
}

fn roots(path: &Path) -> Result<RootCertStore, Cause> {
    let wrong = |error: &dyn std::fmt::Display| {
        Cause::settings(format!("read the certificates in {}: {error}", path.display()))
    };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|error| wrong(&error))? {
        let certificate = certificate.map_err(|error| wrong(&error))?;
        roots.add(certificate).map_err(|error| wrong(&error))?;
    }
    if roots.is_empty() {
        return Err(wrong(&"there are none"));
    }
    Ok(roots)
}

/// Shown to the operator of the database.
const APPLICATION: &str = "thrive-node";
/// From the first packet to the end of the log-in.
pub(super) const CONNECT: Duration = Duration::from_secs(2);
/// How long the other machine may leave a packet unconfirmed before the connection counts as broken.
const UNHEARD: Duration = Duration::from_secs(4);
const KEEP_ALIVE: Duration = Duration::from_secs(10);
const PROBE: Duration = Duration::from_secs(2);
const PROBES: u32 = 2;
/// Of every session. A statement ends on the server before this node gives it up, so that the outcome
/// is known; a transaction that its node forgot ends too, and so do the sessions of a node that is
/// unplugged, since all others wait for the rows it holds.
const SESSION: &str = "-c statement_timeout=4000 -c idle_in_transaction_session_timeout=5000 \
    -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=2 \
    -c tcp_user_timeout=4000";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Url;

    fn settings(url: &str) -> config::Postgres {
        let url = Url::parse(url, &["postgres"]).unwrap();
        config::Postgres { url, password_file: None, ca: None, connections: 3 }
    }

    fn wrong(settings: &config::Postgres) -> String {
        let cause = Connector::new(settings).map(drop).unwrap_err();
        assert!(matches!(cause, Cause::Settings(_)), "{cause:?}");
        std::error::Error::source(&cause).unwrap().to_string()
    }

    #[test]
    fn tls_without_an_authority_to_trust_is_refused_in_words() {
        assert!(wrong(&settings("postgres://a@b/c?sslmode=require")).contains("database.ca"));
    }

    #[test]
    fn an_authority_makes_tls_a_must() {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        let mut settings = settings("postgres://a@b/c?sslmode=disable");
        settings.ca = Some(ca.clone());
        assert!(wrong(&settings).contains("ca.pem"));
        std::fs::write(&ca, "").unwrap();
        assert!(wrong(&settings).contains("there are none"));
        let key = rcgen::KeyPair::generate().unwrap();
        let made = rcgen::CertificateParams::new(vec!["b".into()]).unwrap();
        std::fs::write(&ca, made.self_signed(&key).unwrap().pem()).unwrap();
        let connector = Connector::new(&settings).unwrap();
        assert_eq!(connector.config().get_ssl_mode(), SslMode::Require);
    }

    #[test]
    fn the_password_comes_from_its_file_without_the_end_of_the_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("password");
        let mut settings = settings("postgres://a@b/c?options=-c%20geqo=off");
        settings.password_file = Some(file.clone());
        assert!(wrong(&settings).contains("password"));
        std::fs::write(&file, "s p\n").unwrap();
        let connector = Connector::new(&settings).unwrap();
        assert_eq!(connector.config().get_password(), Some(b"s p".as_slice()));
        // What the operator asked for stays in effect.
        assert!(connector.config().get_options().unwrap().starts_with("-c geqo=off -c statement"));
    }
}
