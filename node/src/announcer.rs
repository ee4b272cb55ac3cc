//! Tells people who are connected here what has changed in what they see of others.
//!
//! Each node does so for its own people, whatever the cause of the change and wherever it was: nothing of
//! it travels to other nodes from here. One task, so that the last thing somebody is told is the newest.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use thrive_protocol::Event;
use thrive_protocol::ids::UserId;
use tokio::sync::Notify;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::hub::Hub;
use crate::news::{Audience, News};
use crate::presence::Online;
use crate::store::{Database, StoreError};

pub struct Announcer {
    online: Online,
    database: Database,
    hub: Hub,
    /// Something may have changed.
    bell: Arc<Notify>,
}

/// How exactly the end of a debounce is kept.
const TICK: Duration = Duration::from_millis(250);
/// What changes together is asked for together.
const GATHER: Duration = Duration::from_millis(15);
/// People in one question to the store.
const AT_ONCE: usize = 512;
/// After the store failed.
const AGAIN: Duration = Duration::from_secs(1);

impl Announcer {
    #[must_use]
    pub fn new(online: Online, database: Database, hub: Hub) -> Self {
        let bell = Arc::new(Notify::new());
        let ring = Arc::clone(&bell);
        online.on_change(move || ring.notify_one());
        Self { online, database, hub, bell }
    }

    /// Until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut tick = interval(TICK);
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.bell.notified() => sleep(GATHER).await,
                _ = tick.tick() => self.online.expire(Instant::now()),
            }
            if let Err(error) = self.announce().await {
                tracing::error!(
                    error = &error as &dyn std::error::Error,
                    "Who may see a change is not known; asking again soon"
                );
                sleep(AGAIN).await;
            }
        }
    }

    /// # Errors
    /// The store failed; whoever was not announced is still to be.
    async fn announce(&self) -> Result<(), StoreError> {
        loop {
            let changed = self.online.take_changed(AT_ONCE);
            if changed.is_empty() {
                return Ok(());
            }
            if !self.online.is_anybody_here() {
                continue;
            }
            match self.database.watchers_of(&changed).await {
                Ok(watchers) => self.tell(watchers),
                Err(error) => {
                    self.online.put_back(changed);
                    return Err(error);
                }
            }
        }
    }

    fn tell(&self, watchers: Vec<(UserId, UserId)>) {
        // Read after asking, so that this is what is so now.
        let mut events = HashMap::new();
        for (user, watcher) in watchers {
            let event = events
                .entry(user)
                .or_insert_with(|| Event::Presence { user, presence: self.online.of(user) });
            let event = event.clone();
            self.hub.tell(&News { to: Audience::User(watcher), event, origin: None });
        }
    }
}
