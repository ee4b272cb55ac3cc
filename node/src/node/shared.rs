//! What a node shares with others: reached at its start, with patience where waiting helps.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::time::sleep;

use super::StartError;
use crate::cluster::{Joining, Membership, Owner, Periods};
use crate::config::{Config, Postgres};
use crate::data_dir::DataDir;
use crate::redis::Redis;
use crate::store::{Database, Place, StoreError};

/// What makes a node one of many.
pub(super) struct Community {
    pub(super) membership: Membership,
    /// A handle of its own: large batches shall not hold up the renewal of the lease.
    pub(super) bus: Redis,
}

/// Between two attempts to reach the database.
const PAUSE: Duration = Duration::from_secs(1);
/// Between two lines that say that it is still away.
const LINES: u32 = 10;

/// Opens the database that the configuration names. A server that cannot be reached may be starting
/// as well: it is waited for, and the log says so.
///
/// # Errors
/// Waiting would not help.
pub(super) async fn database(config: &Config, data: &DataDir) -> Result<Database, StoreError> {
    let Some(server) = &config.database else {
        return Database::at(Place::File(&data.database())).await;
    };
    for attempt in 0_u32.. {
        match open(server).await {
            Err(error) if error.is_busy() => {
                if attempt % LINES == 0 {
                    tracing::warn!(
                        url = %server.url,
                        error = &error as &dyn std::error::Error,
                        "The database cannot be reached yet; trying again every second"
                    );
                }
                sleep(PAUSE).await;
            }
            opened => return opened,
        }
    }
    unreachable!("the loop ends only with an answer")
}

/// A server that lets us in may still be too busy to answer: one that starts, or is about to stop.
async fn open(server: &Postgres) -> Result<Database, StoreError> {
    let database = Database::at(Place::Server(server)).await?;
    database.epoch().await?;
    Ok(database)
}

/// Reaches Redis and takes a number there; `None` when this node is the only one.
///
/// # Errors
/// Waiting would not help.
pub(super) async fn community(
    config: &Config,
    data: &DataDir,
    workers: Vec<SocketAddr>,
) -> Result<Option<Community>, StartError> {
    let (Some(redis), Some(cluster)) = (&config.redis, &config.cluster) else { return Ok(None) };
    let bus = Redis::reach(redis).await?;
    let joining = Joining {
        redis: Redis::reach(redis).await?,
        node: cluster.node,
        owner: Owner::of(&data.secret()?),
        workers,
        periods: Periods::PRODUCTION,
    };
    Ok(Some(Community { membership: Membership::join(joining).await?, bus }))
}
