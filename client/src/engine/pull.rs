//! The contact list and the entries that were missed; and the one place where entries are written
//! down and told of.

use std::time::{Duration, Instant};

use thrive_protocol::bounded::List;
use thrive_protocol::ids::UserId;
use thrive_protocol::reply::{Reply, SyncPage};
use thrive_protocol::request::{Request, Sync as SyncRequest};
use tracing::{debug, error, info};

use super::Job;
use super::hub::Hub;
use super::life::{Life, Step};
use crate::cache::chats;
use crate::cache::commit::{self, Arrived, Commit, Item};
use crate::cache::{messages, people};
use crate::session::LinkId;
use crate::sync::Sync;
use crate::types::{Arrival, Change, Failure};

/// After a refusal or a fault, before asking again.
const PAUSE: Duration = Duration::from_secs(2);
/// After a fault of this disk.
const DISK_PAUSE: Duration = Duration::from_secs(5);

impl Life {
    pub(super) fn tend_pull(&mut self, hub: &mut Hub, now: Instant) {
        let Some(session) = &self.link.session else { return };
        let link = session.link();
        if self.pull.roster.due().is_some_and(|at| at <= now) {
            self.pull.roster = Step::Open;
            hub.shared.state.lock().model.expect_roster();
            let answer = session.bulk(Request::ListContacts {});
            hub.jobs.spawn(async move { Job::Roster { link, outcome: answer.await } });
        }
        if self.pull.entries.due().is_some_and(|at| at <= now) {
            if self.pull.caught_up && self.sync.behind().next().is_none() {
                self.pull.entries = Step::Done;
                return;
            }
            self.pull.entries = Step::Open;
            let positions = List::cut(self.sync.positions());
            let request = Request::Sync(SyncRequest { epoch: self.epoch, positions });
            let answer = session.bulk(request);
            hub.jobs.spawn(async move { Job::Pull { link, outcome: answer.await } });
        }
    }

    pub(super) async fn roster(
        &mut self,
        hub: &Hub,
        link: LinkId,
        outcome: Result<Reply, Failure>,
        now: Instant,
    ) {
        if self.link.current() != Some(link) || self.pull.roster != Step::Open {
            return;
        }
        match outcome {
            Ok(Reply::Roster { contacts, presence }) => {
                self.pull.roster = Step::Done;
                hub.model(|model| model.roster(contacts.into_inner(), presence));
                let people = hub.shared.state.lock().model.contacts();
                let listed: Vec<_> = people.into_iter().filter(is_listed).collect();
                if let Err(error) = self.cache.run(move |db| people::replace(db, &listed)).await {
                    error!(%error, "The contact list could not be written down");
                }
                self.look_whether_caught_up(hub, now);
            }
            Ok(_) => self.pull.roster = Step::Due(now + PAUSE),
            Err(failure) => self.pull.roster = Step::Due(now + pause(&failure)),
        }
    }

    pub(super) async fn pulled(
        &mut self,
        hub: &Hub,
        link: LinkId,
        outcome: Result<Reply, Failure>,
        now: Instant,
    ) {
        if self.link.current() != Some(link) || self.pull.entries != Step::Open {
            return;
        }
        // What arrived before goes first, so that a reset cannot take it for new.
        self.settle(hub, now).await;
        match outcome {
            Ok(Reply::SyncPage(page)) => self.page(hub, page, now).await,
            Ok(_) => self.pull.entries = Step::Due(now + PAUSE),
            Err(failure) => {
                debug!(error = %failure, "What was missed could not be read yet");
                self.pull.entries = Step::Due(now + pause(&failure));
            }
        }
    }

    async fn page(&mut self, hub: &Hub, page: SyncPage, now: Instant) {
        let SyncPage { epoch, reset, conversations, entries, more } = page;
        let had_history = self.epoch.is_some();
        if reset {
            info!("The history of the server is another one; everything is read again");
            self.sync = Sync::default();
        }
        self.commit.reset = reset;
        self.commit.epoch = (self.epoch != Some(epoch)).then_some(epoch);
        self.epoch = Some(epoch);
        let before = self.sync.positions();
        let starts = self.sync.page(
            &conversations,
            entries.into_inner(),
            |entry| Item::Entry(entry, Arrival::CatchUp),
            &mut self.commit.placed,
        );
        self.commit.starts.extend(starts);
        let grew = self.sync.positions() != before;
        for conversation in conversations {
            self.conversation(conversation);
        }
        // More of what, if nothing came? Asking at once would only repeat it.
        let pause = if more && grew { Duration::ZERO } else { PAUSE };
        self.pull.caught_up |= !more;
        // Decided below; until then nobody else plans a pull.
        self.pull.entries = Step::Open;
        self.settle(hub, now).await;
        if reset {
            self.reload().await;
            if had_history {
                hub.emit(Change::Reload);
            }
        }
        self.pull.entries = match more || self.sync.behind().next().is_some() {
            true => Step::Due(now + pause),
            false => Step::Done,
        };
        self.look_whether_caught_up(hub, now);
    }

    fn look_whether_caught_up(&mut self, hub: &Hub, now: Instant) {
        if self.pull.roster == Step::Done && self.pull.caught_up {
            self.caught_up(hub, now);
            self.tell_marks(now);
        }
    }

    /// Writes down what is ready and tells of it.
    pub(super) async fn settle(&mut self, hub: &Hub, now: Instant) {
        let commit = std::mem::take(&mut self.commit);
        if !commit.reset
            && commit.epoch.is_none()
            && commit.placed.is_empty()
            && commit.conversations.is_empty()
            && commit.starts.is_empty()
        {
            self.look_for_gaps(now);
            return;
        }
        if let Err(failure) = self.write(hub, commit, now).await {
            error!(error = %failure, "What arrived could not be written down; it is read again");
            self.reload().await;
            self.outbox.interrupted();
            self.pull.entries = Step::Due(now + DISK_PAUSE);
            return;
        }
        self.look_for_gaps(now);
    }

    async fn write(&mut self, hub: &Hub, commit: Commit, now: Instant) -> Result<(), Failure> {
        let Some(me) = self.user else { return Err(Failure::NotLoggedIn) };
        let name = self.username.clone();
        let done = self.cache.run(move |db| commit::commit(db, me, &name, commit)).await?;
        for (chat, _) in &done.chats {
            hub.model(|model| model.chat(chat.peer, &chat.username));
        }
        for arrived in &done.messages {
            self.arrived(hub, arrived, now);
        }
        for (chat, unread) in done.chats {
            let live = done.messages.iter().any(|arrived| {
                arrived.message.peer == chat.peer && arrived.arrival == Arrival::Live
            });
            let arrival = if live { Arrival::Live } else { Arrival::CatchUp };
            hub.model(|model| model.unread(chat.peer, unread, arrival));
            self.chats.insert(chat.peer, chat);
        }
        Ok(())
    }

    fn arrived(&mut self, hub: &Hub, arrived: &Arrived, now: Instant) {
        let Arrived { before, message, arrival } = arrived;
        let (before, now_message, arrival) = (*before, message.clone(), *arrival);
        if message.mine {
            self.outbox.settled(message.key);
            if let Some(end) = self.ends.remove(&message.key) {
                super::tell(end, Ok(message.clone()));
            }
        } else {
            hub.model(|model| model.typing(message.peer, false, now));
            self.delivered.insert(message.peer);
            self.delivered_at.get_or_insert(now + super::asking::DELIVERED);
        }
        hub.emit(Change::Message { before, now: now_message, arrival });
    }

    /// Starts again from what the disk says.
    pub(super) async fn reload(&mut self) {
        let read = self
            .cache
            .run(|db| Ok((people::epoch(db)?, chats::all(db)?, messages::waiting(db)?)))
            .await;
        match read {
            Ok((epoch, chats, waiting)) => {
                self.epoch = epoch;
                self.sync = Sync::default();
                self.chats.clear();
                self.by_conversation.clear();
                self.know(chats);
                for row in waiting {
                    self.outbox.add_unless_there(row);
                }
            }
            Err(error) => error!(%error, "The cache cannot be read"),
        }
    }

    /// Notes whose account this is. Another one of the same name starts with an empty cache.
    pub(super) async fn whose(&mut self, hub: &Hub, user: UserId) -> Result<(), Failure> {
        self.cache.run(move |db| people::set_me(db, user)).await?;
        if self.user.replace(user).is_some() {
            self.outbox = crate::outbox::Outbox::default();
            self.reload().await;
            let people = self.cache.run(|db| people::all(db)).await?;
            hub.shared.state.lock().model = crate::model::Model::load(people, <_>::default());
            hub.emit(Change::Reload);
        }
        Ok(())
    }

    /// After catching up: marks that the server does not know yet.
    fn tell_marks(&mut self, now: Instant) {
        let peers: Vec<_> = self.chats.keys().copied().collect();
        for &peer in &peers {
            self.tell_read(peer, now);
        }
        self.delivered.extend(peers);
        self.delivered_at.get_or_insert(now);
    }
}

fn is_listed(contact: &crate::types::Contact) -> bool {
    contact.relation != thrive_protocol::people::Relation::None || contact.blocked
}

fn pause(failure: &Failure) -> Duration {
    match failure {
        Failure::Refused { retry_after_ms: Some(hint), .. } => Duration::from_millis(*hint),
        Failure::Refused { .. }
        | Failure::Unreachable(_)
        | Failure::ServerChanged { .. }
        | Failure::NotThrive(_)
        | Failure::Invalid(_)
        | Failure::NotLoggedIn
        | Failure::Local(_) => PAUSE,
    }
}
