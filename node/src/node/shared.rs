//! What a node shares with others: reached at its start, with patience where waiting helps.

use std::time::Duration;

use tokio::time::sleep;

use crate::config::Config;
use crate::data_dir::DataDir;
use crate::store::{Database, Place, StoreError};

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
        match Database::at(Place::Server(server)).await {
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
