//! Tells people who are connected here what has changed in what they see of others.
//!
//! Each node does so for its own people, whatever the cause of the change and wherever it was: nothing of
//! it travels to other nodes from here. One task, so that the last thing somebody is told is the newest.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use thrive_protocol::Event;
use thrive_protocol::ids::UserId;
use thrive_protocol::people::Availability;
use tokio::sync::Notify;
use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use crate::clock;
use crate::hub::Hub;
use crate::last_seen;
use crate::outage::Outage;
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
        let (mut tick, outage) = (interval(TICK), Outage::default());
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                // Before the bell, which never falls silent while many come and go.
                _ = tick.tick() => self.online.expire(Instant::now()),
                () = self.bell.notified() => sleep(GATHER).await,
            }
            let result = self.announce().await;
            let failed = result.is_err();
            note(&outage, result);
            if failed {
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
            match self.watchers_of(&changed).await {
                Ok((watchers, seen)) => self.tell(watchers, &seen),
                Err(error) => {
                    self.online.put_back(changed);
                    return Err(error);
                }
            }
        }
    }

    /// Who may see these people, and which of them let their contacts know when they were last seen.
    async fn watchers_of(
        &self,
        changed: &[UserId],
    ) -> Result<(Vec<(UserId, UserId)>, HashSet<UserId>), StoreError> {
        let watchers = self.database.watchers_of(changed).await?;
        let gone = |user: &&UserId| self.online.of(**user).availability == Availability::Offline;
        let gone: Vec<_> = changed.iter().filter(gone).copied().collect();
        let seen = self.database.last_seen_of(&gone).await?.into_keys().collect();
        Ok((watchers, seen))
    }

    fn tell(&self, watchers: Vec<(UserId, UserId)>, seen: &HashSet<UserId>) {
        let mut of: HashMap<UserId, Vec<UserId>> = HashMap::new();
        for (user, watcher) in watchers {
            of.entry(user).or_default().push(watcher);
        }
        for (user, watchers) in of {
            // Read after asking, so that this is what is so now.
            let mut presence = self.online.of(user);
            if presence.availability == Availability::Offline && seen.contains(&user) {
                // Until this moment. What is stored is about to be.
                presence.last_seen = Some(last_seen::shown(clock::now()));
            }
            let event = Event::Presence { user, presence };
            self.hub.tell_people(&watchers, event);
        }
    }
}

fn note(outage: &Outage, result: Result<(), StoreError>) {
    match result {
        Ok(()) => {
            if let Some(failed) = outage.worked(Instant::now()) {
                tracing::info!(failed, "Who may see a change is known again");
            }
        }
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            if outage.failed(Instant::now()) {
                tracing::error!(error, "Who may see a change is not known; asking on");
            } else {
                tracing::debug!(error, "Who may see a change is still not known");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use thrive_protocol::ids::SessionId;
    use thrive_protocol::people::{Availability, Presence};
    use thrive_protocol::text::RequestText;

    use super::*;
    use crate::domain::relation::Pair;
    use crate::hub::Buckets;
    use crate::presence::{DEBOUNCE, Status};
    use crate::rate::Rate;
    use crate::session::outbox::Outbox;
    use crate::store::contract::account;

    const GONE: UserId = UserId(1);
    const BUSY: UserId = UserId(2);

    #[tokio::test]
    async fn whoever_has_left_is_seen_to_be_gone_while_others_come_and_go_without_a_pause() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("thrive.db")).unwrap();
        let (online, stop) = (Online::default(), CancellationToken::new());
        let announcer = Announcer::new(online.clone(), database, Hub::default());
        let running = tokio::spawn(announcer.run(stop.clone()));
        let start = Instant::now();
        online.arrived(GONE);
        let presence = Presence { availability: Availability::Online, ..Presence::default() };
        online.learn(GONE, Status { changed: 1, presence });
        online.left(GONE, start - DEBOUNCE);
        while online.of(GONE).availability != Availability::Offline {
            assert!(start.elapsed() < Duration::from_secs(5), "they are still shown");
            online.arrived(BUSY);
            online.left(BUSY, Instant::now());
            sleep(Duration::from_millis(1)).await;
        }
        stop.cancel();
        running.await.unwrap();
    }

    #[tokio::test]
    async fn all_who_watch_somebody_are_sent_the_same_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(&folder.path().join("thrive.db")).unwrap();
        let (online, hub) = (Online::default(), Hub::default());
        let ann = account(&database, "ann").await;
        let mut outboxes = Vec::new();
        for name in ["bob", "carol"] {
            let watcher = account(&database, name).await;
            let ask = |pair: &mut Pair| pair.request(&RequestText::default());
            database.change_contact(watcher, ann, ask).await.unwrap();
            database.change_contact(ann, watcher, Pair::accept).await.unwrap();
            let outbox = Outbox::bounded(1 << 20);
            let fresh = Buckets::full(Rate::new(1, 1.0), Rate::new(1, 1.0));
            hub.connect(watcher, SessionId(1), outbox.clone(), fresh, 4);
            outboxes.push(outbox);
        }
        let announcer = Announcer::new(online.clone(), database, hub);
        online.arrived(ann);
        let presence = Presence { availability: Availability::Online, ..Presence::default() };
        online.learn(ann, Status { changed: 1, presence });
        announcer.announce().await.unwrap();
        let mut told = Vec::new();
        for outbox in &outboxes {
            let mut frames = Vec::new();
            assert!(outbox.take_now(&mut frames, 9).is_some(), "nothing was told");
            told.push(frames);
        }
        assert_eq!([told[0].len(), told[1].len()], [1, 1]);
        assert_eq!(told[0][0].as_ptr(), told[1][0].as_ptr());
    }
}
