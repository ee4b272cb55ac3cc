//! The end of a node: nobody is to notice it who can go elsewhere.

use std::time::{Duration, Instant};

use thrive_protocol::version::close;
use tokio::time::{sleep, timeout};
use tokio_util::task::TaskTracker;

use crate::config::Config;
use crate::faults::{self, Point};
use crate::hub::Hub;
use crate::session::GoAway;

/// Clients of a node that is alone only have to read the good-bye: there is nowhere to go.
pub(super) const ALONE: GoAway =
    GoAway { spread: Duration::ZERO, time: Duration::from_millis(500) };
/// How long the last bytes may take, to clients and to the disk.
pub(super) const FLUSH: Duration = Duration::from_secs(3);
/// Until every router has asked how we are, and has heard that nobody new is to come.
pub(super) const ROUTERS_KNOW: Duration = Duration::from_millis(500);
/// How often we look whether everybody has left.
const LOOK: Duration = Duration::from_millis(20);

/// Half of the time is for telling them, the other half for whoever is told last.
pub(super) fn of(config: &Config) -> GoAway {
    match &config.cluster {
        Some(cluster) => GoAway { spread: cluster.drain / 2, time: cluster.drain / 2 },
        None => ALONE,
    }
}

/// Each session says `GoAway` by itself. Those that have not left when their time is up are ended.
pub(super) async fn say(hub: &Hub, sessions: &TaskTracker, go_away: GoAway) {
    let deadline = Instant::now() + go_away.spread + go_away.time;
    let before = sessions.len();
    while Instant::now() < deadline && !sessions.is_empty() {
        if sessions.len() < before {
            faults::point(Point::MidDrain);
        }
        sleep(LOOK).await;
    }
    for outbox in hub.outboxes() {
        outbox.end(close::GOING_AWAY);
    }
    if timeout(FLUSH, sessions.wait()).await.is_err() {
        tracing::debug!("Some clients did not read their good-bye");
    }
}
