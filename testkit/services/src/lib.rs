//! Dev only: a real Postgres, a real Redis, a real mail server and an object store for tests, on ports and
//! folders of their own.
//!
//! - [`postgres()`] and [`redis()`]: one instance for all tests of this process. `cargo xtask test`
//!   starts one for all processes and names it in the environment; without that, the first test that
//!   asks starts one, which takes about two seconds.
//! - [`Postgres::start`] and [`Redis::start`]: an instance of one's own, to be stopped, killed, held
//!   still and started again. [`OwnSmtp::start`] is the same for a mail server.
//! - `ObjectStore::start`, with the feature `object-store`: a server that speaks S3 over HTTP, by others than
//!   the client that is tested.
//!
//! Whatever is started here ends with the process that started it, however that ends. What the
//! system runs as a service is never touched. It knows nothing of Thrive.

use std::sync::OnceLock;

mod config;
mod folder;
mod instance;
#[cfg(feature = "object-store")]
mod object_store;
mod postgres;
mod programs;
mod redis;
mod resp;
mod smtp;

#[cfg(feature = "object-store")]
pub use crate::object_store::ObjectStore;
pub use crate::postgres::{OwnPostgres, Postgres, PostgresOptions};
pub use crate::programs::free_udp_port;
pub use crate::redis::{OwnRedis, Redis, RedisOptions};
pub use crate::resp::Value;
pub use crate::smtp::{Mail, OwnSmtp, SmtpOptions, SmtpTls};

/// The environment variables that name instances which are already running, by their URL.
pub use crate::config::{POSTGRES, REDIS};

/// The Postgres of all tests.
///
/// # Panics
/// It cannot be started, for example because it is not installed: a test that needs a database and
/// has none has failed.
pub fn postgres() -> &'static Postgres {
    static SHARED: OnceLock<Postgres> = OnceLock::new();
    SHARED.get_or_init(|| match config::postgres() {
        Some(url) => Postgres::at(&url).expect("THRIVE_TEST_POSTGRES is the URL of a Postgres"),
        // It ends with this process; nobody could stop it earlier, since others may use it.
        None => Box::leak(Box::new(
            Postgres::start().unwrap_or_else(|error| panic!("no Postgres for tests: {error:#}")),
        ))
        .clone(),
    })
}

/// The Redis of all tests.
///
/// # Panics
/// As [`postgres()`].
pub fn redis() -> &'static Redis {
    static SHARED: OnceLock<Redis> = OnceLock::new();
    SHARED.get_or_init(|| match config::redis() {
        Some(url) => Redis::at(&url).expect("THRIVE_TEST_REDIS is the URL of a Redis"),
        None => Box::leak(Box::new(
            Redis::start().unwrap_or_else(|error| panic!("no Redis for tests: {error:#}")),
        ))
        .clone(),
    })
}
