//! One Postgres and one Redis for everything that one of our commands runs, and `cargo xtask services`
//! for whoever runs single tests again and again.

use anyhow::Result;
use thrive_services::{OwnPostgres, OwnRedis, POSTGRES, Postgres, REDIS, Redis};

use crate::stop::Stop;
use crate::system;

/// They end with this, and also when we are killed.
pub(crate) struct Services {
    pub(crate) postgres: OwnPostgres,
    pub(crate) redis: OwnRedis,
}

impl Services {
    pub(crate) fn start() -> Result<Self> {
        Ok(Self { postgres: Postgres::start()?, redis: Redis::start()? })
    }

    /// What tells tests where they are.
    pub(crate) fn environment(&self) -> [(&'static str, String); 2] {
        [(POSTGRES, self.postgres.url("postgres")), (REDIS, self.redis.url())]
    }
}

/// Starts both and keeps them until Ctrl+C.
pub(crate) fn command() -> Result<()> {
    let stop = Stop::listen()?;
    system::ensure(&[system::SERVICES])?;
    let services = Services::start()?;
    println!(
        "Postgres and Redis run until Ctrl+C. Tests in another terminal use them after this:\n"
    );
    for (name, value) in services.environment() {
        println!("export {name}={value}");
    }
    println!(
        "\nTheir logs: {} and {}",
        services.postgres.log().display(),
        services.redis.log().display()
    );
    stop.wait();
    println!("\nEnding both.");
    Ok(())
}
