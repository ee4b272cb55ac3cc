//! Notes when people were last seen by others, of those who let their contacts know.
//!
//! Written when others begin or cease to see somebody, and once a minute in between: a node that is
//! killed takes no more than that minute with it. Becoming invisible is written like leaving, at the
//! moment in which others see it, so that the time does not tell the two apart.

use std::sync::Arc;
use std::time::Duration;

use thrive_protocol::ids::{Time, UserId};
use tokio::sync::Notify;
use tokio::time::{MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::presence::Online;
use crate::store::Database;

/// How exactly the time is known of somebody whose node was killed.
pub const PERIOD: Duration = Duration::from_secs(60);
/// What happens together is written together.
const GATHER: Duration = Duration::from_millis(100);
/// What others are told is rounded down to this: it is a minute that matters, and what is finer could
/// tell how somebody went.
const GRAIN_MS: i64 = 60_000;

/// Until `stop`.
pub async fn keep(online: Online, database: Database, stop: CancellationToken) {
    let bell = Arc::new(Notify::new());
    let ring = Arc::clone(&bell);
    online.on_change(move || ring.notify_one());
    let mut tick = interval(PERIOD);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failed = false;
    loop {
        let users = tokio::select! {
            biased;
            () = stop.cancelled() => break,
            _ = tick.tick() => online.seen_here(),
            () = bell.notified() => {
                sleep(GATHER).await;
                online.take_sightings()
            }
        };
        note(&database, users, &mut failed).await;
    }
    // Whoever left with the end of the node.
    let users = online.seen_here().into_iter().chain(online.take_sightings()).collect();
    note(&database, users, &mut failed).await;
}

async fn note(database: &Database, users: Vec<UserId>, failed: &mut bool) {
    match database.saw(&users, clock::now()).await {
        Ok(()) => *failed = false,
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            if !std::mem::replace(failed, true) {
                tracing::warn!(error, "When people were last seen cannot be noted");
            }
        }
    }
}

/// As others are told.
#[must_use]
pub fn shown(seen: Time) -> Time {
    Time(seen.0 - seen.0.rem_euclid(GRAIN_MS))
}
