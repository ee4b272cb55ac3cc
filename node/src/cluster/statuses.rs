//! Looks at the stored statuses of those who are connected: one that was chosen on another node, and of
//! which nothing was heard, is shown all the same.

use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::Periods;
use crate::presence::Online;
use crate::store::Database;

/// People in one question, so that others get their turn in between.
const AT_ONCE: usize = 512;

/// Until `stop`.
pub(super) async fn reread(
    periods: Periods,
    online: Online,
    database: Database,
    stop: CancellationToken,
) {
    let mut failed = false;
    loop {
        // Jittered, so that nodes do not ask together.
        let jitter = periods.statuses.mul_f64(f64::from(crate::random::byte()) / 1_024.0);
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = sleep(periods.statuses.mul_f64(0.875) + jitter) => {}
        }
        for chunk in online.here().chunks(AT_ONCE) {
            match database.statuses_of(chunk).await {
                Ok(statuses) => {
                    failed = false;
                    online.learn_all(statuses);
                }
                Err(error) => {
                    if !std::mem::replace(&mut failed, true) {
                        let error = &error as &dyn std::error::Error;
                        tracing::warn!(error, "The statuses of those who are here cannot be read");
                    }
                    break;
                }
            }
        }
    }
}
