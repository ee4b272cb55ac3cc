//! Deletes the content of files that have ended or expired. Every node does; doing it twice does no harm.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thrive_protocol::ids::{FileId, Time};
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::Depot;
use crate::outage::Outage;
use crate::store::Database;

/// Tells the sweeper of this node that there is something to do.
#[derive(Clone, Debug, Default)]
pub struct Nudge(Arc<Notify>);

impl Nudge {
    pub fn now(&self) {
        self.0.notify_one();
    }
}

pub struct Sweeper {
    pub database: Database,
    pub depot: Depot,
    pub nudge: Nudge,
    /// How long files are kept: what is kept for a short time only is looked for more often.
    pub keep: Duration,
    /// The clock of this node, which may be wrong; the store says whether it counts.
    pub clock: fn() -> Time,
}

type SweepError = Box<dyn std::error::Error + Send + Sync>;

/// Files in one go; if there are more, the next go follows at once.
const AT_ONCE: usize = 100;
const LONGEST: Duration = Duration::from_secs(60);
const SHORTEST: Duration = Duration::from_millis(500);
/// After something went wrong.
const PAUSE: Duration = Duration::from_secs(5);

impl Sweeper {
    pub async fn run(self, stop: CancellationToken) {
        let outage = Outage::default();
        let period = (self.keep / 4).clamp(SHORTEST, LONGEST);
        let work = async {
            loop {
                let more = self.sweep(&outage).await;
                match more {
                    Some(true) => {}
                    // Whether it was nudged or the time is up does not matter.
                    Some(false) => drop(timeout(period, self.nudge.0.notified()).await),
                    None => sleep(PAUSE).await,
                }
            }
        };
        tokio::select! {
            biased;
            () = stop.cancelled() => {}
            () = work => {}
        }
    }

    async fn delete(&self, file: FileId, now: Time) -> Result<(), SweepError> {
        self.depot.delete(file).await?;
        self.database.file_is_swept(file, now).await?;
        tracing::debug!(file.id = %file, "The content of a file is deleted");
        Ok(())
    }

    /// Whether there may be more; `None`: something went wrong.
    pub(crate) async fn sweep(&self, outage: &Outage) -> Option<bool> {
        let swept = async {
            // A node whose clock is ahead must not delete for all what has not expired.
            let now = self.database.time((self.clock)()).await?;
            let files = self.database.files_to_sweep(now, AT_ONCE).await?;
            let mut first = None;
            for file in &files {
                // One that cannot be deleted keeps no other one.
                if let Err(error) = self.delete(*file, now).await {
                    first = first.or(Some(error));
                }
            }
            first.map_or(Ok(files.len() == AT_ONCE), Err)
        };
        match swept.await {
            Ok(more) => {
                if let Some(failed) = outage.worked(Instant::now()) {
                    tracing::info!(failed, "Old files can be deleted again");
                }
                Some(more)
            }
            Err(error) => {
                if outage.failed(Instant::now()) {
                    tracing::warn!(
                        error = error.as_ref() as &dyn std::error::Error,
                        "Old files cannot be deleted"
                    );
                }
                None
            }
        }
    }
}
