//! The way to the mail server: few connections, kept for a while, each word with a deadline. It knows
//! SMTP and TLS, and nothing of accounts. What a server answers is never logged: it likes to repeat
//! the address.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use data_encoding::HEXLOWER;
use lettre::message::Mailbox;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::letter::Letter;
use crate::config::{Smtp, SmtpLogin, SmtpSecurity};
use crate::random;

/// A cheap handle to the mail server.
#[derive(Clone)]
pub struct Post {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    turns: Arc<Semaphore>,
}

/// The settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum PostError {
    #[error("read {}", path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{} holds no certificate authority in PEM", path.display())]
    Authority { path: PathBuf },
    #[error("prepare TLS to the mail server")]
    Tls(#[source] lettre::transport::smtp::Error),
    #[error("the address of the sender cannot be used")]
    Sender,
}

/// Why a letter is not delivered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Undelivered {
    /// The server is away, slow, or asks to come back; in words of ours.
    /// `perhaps`: the letter may have been taken, and only the answer came too late.
    Later { why: &'static str, perhaps: bool },
    /// It never will be, with the number that the server said.
    Refused { status: Option<u16> },
}

/// Connections to the server at once.
const CONNECTIONS: u32 = 4;
/// How long one is kept that nothing is sent on: mails come in bursts.
const IDLE: Duration = Duration::from_secs(60);
/// For one word and its answer.
const WORD: Duration = Duration::from_secs(10);
/// For one letter, from the connection to the last answer.
const LETTER: Duration = Duration::from_secs(30);

impl Post {
    /// Reads what the settings name, and touches no network.
    ///
    /// # Errors
    /// See [`PostError`].
    pub fn new(smtp: &Smtp) -> Result<Self, PostError> {
        let tls = match smtp.security {
            SmtpSecurity::None => Tls::None,
            SmtpSecurity::StartTls => Tls::Required(tls(smtp)?),
            SmtpSecurity::Tls => Tls::Wrapper(tls(smtp)?),
        };
        let pool = PoolConfig::new().max_size(CONNECTIONS).idle_timeout(IDLE);
        // Every form of security is given here, and the default of this builder is none.
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&smtp.server)
            .port(smtp.port)
            .tls(tls)
            .hello_name(ClientId::Domain(hello()))
            .timeout(Some(WORD))
            .pool_config(pool);
        if let Some(SmtpLogin { user, password_file }) = &smtp.login {
            let password = read(password_file)?;
            let password = String::from_utf8_lossy(&password).lines().next().map(str::to_owned);
            builder =
                builder.credentials(Credentials::new(user.clone(), password.unwrap_or_default()));
        }
        let address = smtp.from.address.as_str().parse().map_err(|_| PostError::Sender)?;
        Ok(Self {
            transport: builder.build(),
            from: Mailbox::new(smtp.from.name.clone(), address),
            turns: Arc::new(Semaphore::new(CONNECTIONS as usize)),
        })
    }

    /// Delivers one letter to the server, or says why not.
    pub(super) async fn send(&self, letter: &Letter) -> Result<(), Undelivered> {
        let message = self.message(letter).ok_or(Undelivered::Refused { status: None })?;
        let Ok(_turn) = self.turns.acquire().await else {
            return Err(Undelivered::Later { why: "the node stops", perhaps: false });
        };
        match timeout(LETTER, self.transport.send(message)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) if error.is_permanent() => {
                Err(Undelivered::Refused { status: error.status().map(u16::from) })
            }
            Ok(Err(error)) => {
                Err(Undelivered::Later { why: why(&error), perhaps: error.is_timeout() })
            }
            Err(_) => Err(Undelivered::Later { why: "it is too slow", perhaps: true }),
        }
    }

    fn message(&self, letter: &Letter) -> Option<Message> {
        let to: Address = letter.to.as_str().parse().ok()?;
        let id = HEXLOWER.encode(&random::bytes::<16>());
        let id = format!("<{id}@{}>", self.from.email.domain());
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, to))
            .subject(letter.subject.clone())
            .message_id(Some(id))
            // So that nobody's holiday answers to it.
            .raw_header(HeaderValue::new(automatic, "auto-generated".into()))
            .header(ContentType::TEXT_PLAIN)
            .body(letter.text.clone())
            .ok()
    }
}

/// Without a word of the server's.
fn why(error: &lettre::transport::smtp::Error) -> &'static str {
    if error.is_timeout() {
        "it is too slow"
    } else if error.is_tls() {
        "TLS with it failed; is smtp.security right, and its certificate known?"
    } else if error.is_transient() {
        "it asks to come back later"
    } else if error.is_client() {
        "it cannot do what is asked of it, such as STARTTLS or a log-in"
    } else if error.is_response() {
        "it answers something that is no SMTP"
    } else {
        "it cannot be reached"
    }
}

fn tls(smtp: &Smtp) -> Result<TlsParameters, PostError> {
    let mut builder = TlsParameters::builder(smtp.server.clone());
    if let Some(path) = &smtp.ca {
        let none = || PostError::Authority { path: path.clone() };
        let pem = read(path)?;
        let found = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
        if found.map_err(|_| none())?.is_empty() {
            return Err(none());
        }
        let authorities = Certificate::from_pem(&pem).map_err(|_| none())?;
        builder = builder.certificate_store(CertificateStore::None);
        builder = builder.add_root_certificate(authorities);
    }
    builder.build_rustls().map_err(PostError::Tls)
}

fn read(path: &Path) -> Result<Vec<u8>, PostError> {
    fs::read(path).map_err(|source| PostError::File { path: path.to_owned(), source })
}

/// What this machine calls itself, if that can stand in a greeting.
fn hello() -> String {
    let name = gethostname::gethostname().to_string_lossy().into_owned();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.';
    let fits = (1..=253).contains(&name.len()) && name.bytes().all(plain);
    if fits { name } else { "localhost".to_owned() }
}

impl std::fmt::Debug for Post {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Post")
    }
}
