//! What can be wrong with Redis, and whether waiting helps.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ::redis::ErrorKind;

#[derive(Debug, thiserror::Error)]
pub enum RedisError {
    #[error("the settings of Redis cannot be used")]
    Settings(#[source] redis::RedisError),
    #[error(
        "a certificate authority is given for Redis, but its URL does not begin with rediss://"
    )]
    CaWithoutTls,
    #[error("{path} cannot be read")]
    File { path: PathBuf, source: io::Error },
    #[error("Redis does not accept the user or the password")]
    Login(#[source] redis::RedisError),
    #[error("the user of this node may not do that in Redis")]
    Forbidden(#[source] redis::RedisError),
    #[error(
        "no secure connection to Redis can be made; is the certificate authority the right one?"
    )]
    Tls(#[source] redis::RedisError),
    #[error("what answers is no Redis of version 6 or later")]
    Protocol(#[source] redis::RedisError),
    #[error("Redis refused a command")]
    Refused(#[source] redis::RedisError),
    #[error("Redis gave an answer that makes no sense here")]
    Unexpected(#[source] redis::RedisError),
    #[error("Redis cannot be reached")]
    Away(#[source] redis::RedisError),
    #[error("Redis did not answer in time")]
    Slow,
    #[error("there is no connection to Redis now")]
    NoConnection,
}

impl RedisError {
    /// Waiting does not help: somebody has to change a setting.
    #[must_use]
    pub fn is_permanent(&self) -> bool {
        match self {
            Self::Settings(_)
            | Self::CaWithoutTls
            | Self::File { .. }
            | Self::Login(_)
            | Self::Forbidden(_)
            | Self::Tls(_)
            | Self::Protocol(_)
            | Self::Refused(_)
            | Self::Unexpected(_) => true,
            Self::Away(_) | Self::Slow | Self::NoConnection => false,
        }
    }
}

impl From<redis::RedisError> for RedisError {
    fn from(error: redis::RedisError) -> Self {
        match error.code() {
            Some("WRONGPASS" | "NOAUTH") => return Self::Login(error),
            Some("NOPERM") => return Self::Forbidden(error),
            Some(
                "LOADING" | "READONLY" | "MASTERDOWN" | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY"
                | "NOREPLICAS" | "MOVED" | "ASK" | "OOM" | "MISCONF",
            ) => return Self::Away(error),
            Some(_) | None => {}
        }
        match error.kind() {
            ErrorKind::AuthenticationFailed => Self::Login(error),
            ErrorKind::InvalidClientConfig => Self::Settings(error),
            ErrorKind::RESP3NotSupported | ErrorKind::Parse => Self::Protocol(error),
            ErrorKind::UnexpectedReturnType => Self::Unexpected(error),
            ErrorKind::Server(_) | ErrorKind::Extension => Self::Refused(error),
            ErrorKind::Io if error.is_timeout() => Self::Slow,
            ErrorKind::Io if io_kind(&error) == Some(io::ErrorKind::InvalidData) => {
                Self::Tls(error)
            }
            // The library may learn new kinds; what is not known to be permanent is tried again.
            _ => Self::Away(error),
        }
    }
}

type Boxed = Arc<dyn std::error::Error + Send + Sync>;

fn io_kind(error: &redis::RedisError) -> Option<io::ErrorKind> {
    // The library hands out its box and not what is in it.
    let source = std::error::Error::source(error)?.downcast_ref::<Boxed>()?;
    source.downcast_ref::<io::Error>().map(io::Error::kind)
}
