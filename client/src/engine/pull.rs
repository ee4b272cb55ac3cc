//! The contact list and the entries that were missed; and the one place where entries are written
//! down and told of.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use thrive_protocol::bounded::List;
use thrive_protocol::ids::{ConversationId, UserId};
use thrive_protocol::limits;
use thrive_protocol::people::Conversation;
use thrive_protocol::reply::{Reply, SyncPage};
use thrive_protocol::request::{Request, Sync as SyncRequest};
use tracing::{debug, error, info, warn};

use super::Job;
use super::hub::Hub;
use super::inbound::GRACE;
use super::life::{Life, Step};
use crate::backoff::hinted;
use crate::cache::chats;
use crate::cache::commit::{self, Arrived, Commit, Item};
use crate::cache::{messages, people};
use crate::session::LinkId;
use crate::sync::Sync;
use crate::types::{Arrival, Change, Failure, Message, MessageKey, MessageState};

/// After a refusal or a fault, before asking again.
const PAUSE: Duration = Duration::from_secs(2);
/// After a fault of this disk.
const DISK_PAUSE: Duration = Duration::from_secs(5);

impl Life {
    pub(super) fn tend_pull(&mut self, hub: &mut Hub, now: Instant) {
        let Some(session) = &self.link.session else { return };
        let link = session.link();
        if self.pull.roster.due().is_some_and(|at| at <= now) {
            (self.pull.roster, self.pull.again) = (Step::Open, false);
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
            let positions = List::cut(self.sync.ask(limits::POSITIONS));
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
            Ok(Reply::Roster { contacts, presence, admin }) => {
                self.pull.roster = match std::mem::take(&mut self.pull.again) {
                    true => Step::Due(now),
                    false => Step::Done,
                };
                hub.model(|model| model.roster(contacts.into_inner(), presence));
                hub.model(|model| model.own_rights(admin));
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
        if !self.settle(hub, now).await {
            return;
        }
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
            self.by_conversation.clear();
        }
        let (conversations, strange) = self.only_fitting(conversations.into_inner());
        let entries = entries.into_inner().into_iter();
        let entries = entries.filter(|entry| !strange.contains(&entry.conversation)).collect();
        self.commit.reset = reset;
        self.commit.epoch = (self.epoch != Some(epoch)).then_some(epoch);
        self.epoch = Some(epoch);
        let before = self.sync.positions();
        self.pull.history |= reset;
        // Without a pause in the connection nothing was missed: this is how some news arrives.
        let arrival = match self.link.is_live() && !self.pull.history {
            true => Arrival::Live,
            false => Arrival::CatchUp,
        };
        let starts = self.sync.page(
            &conversations,
            entries,
            |entry| Item::Entry(entry, arrival),
            &mut self.commit.placed,
        );
        self.commit.starts.extend(starts);
        let grew = self.sync.positions() != before;
        for conversation in conversations {
            self.conversation(conversation);
        }
        if !more {
            self.sync.complete();
        }
        // More of what, if nothing came? Asking at once would only repeat it.
        let pause = if more && grew { Duration::ZERO } else { PAUSE };
        // What was pushed while the old history went is not in this page: one more, in any case.
        self.pull.caught_up = !reset && (self.pull.caught_up || !more);
        self.pull.history &= !self.pull.caught_up;
        // Decided below; until then nobody else plans a pull.
        self.pull.entries = Step::Open;
        if !self.settle(hub, now).await {
            return;
        }
        if reset {
            self.reload().await;
            if had_history {
                hub.emit(Change::Reload);
            }
        }
        self.pull.entries = if reset {
            Step::Due(now + GRACE)
        } else if more || self.sync.behind().next().is_some() {
            Step::Due(now + pause)
        } else {
            Step::Done
        };
        self.look_whether_caught_up(hub, now);
    }

    /// Leaves out what contradicts what is known, or the rest of the page: the numbers of those.
    fn only_fitting(
        &self,
        conversations: Vec<Conversation>,
    ) -> (Vec<Conversation>, BTreeSet<ConversationId>) {
        let (mut peers, mut ids) = (BTreeSet::new(), BTreeSet::new());
        let (fitting, strange): (Vec<_>, Vec<_>) = conversations.into_iter().partition(|it| {
            self.fits(it) && !peers.contains(&it.peer) && {
                peers.insert(it.peer);
                ids.insert(it.conversation)
            }
        });
        if !strange.is_empty() {
            warn!(count = strange.len(), "Conversations that contradict others were left out");
        }
        let strange = strange.into_iter().map(|it| it.conversation);
        (fitting, strange.filter(|id| !ids.contains(id)).collect())
    }

    fn look_whether_caught_up(&mut self, hub: &Hub, now: Instant) {
        if self.pull.roster == Step::Done && self.pull.caught_up {
            self.caught_up(hub, now);
            self.tell_marks(now);
        }
    }

    /// Writes down what is ready and tells of it. `false`: not all of it is on the disk, and it will be
    /// read again.
    pub(super) async fn settle(&mut self, hub: &Hub, now: Instant) -> bool {
        let commit = std::mem::take(&mut self.commit);
        if self.stale {
            self.read_again(now).await;
            return false;
        }
        if !commit.is_empty() {
            match self.write(hub, commit, now).await {
                Ok(true) => {}
                Ok(false) => {
                    self.read_again(now).await;
                    return false;
                }
                Err(failure) => {
                    error!(error = %failure, "What arrived could not be written; it is read again");
                    self.read_again(now + DISK_PAUSE).await;
                    return false;
                }
            }
        }
        self.look_for_gaps(now);
        true
    }

    /// Starts again from what the disk says, and reads from the server what is missing there.
    async fn read_again(&mut self, at: Instant) {
        self.reload().await;
        self.outbox.interrupted();
        self.pull.caught_up = false;
        self.pull.entries = Step::Due(if self.stale { at + DISK_PAUSE } else { at });
    }

    /// A job that was to read something ended without a result.
    pub(super) fn pull_failed(&mut self, now: Instant) {
        for step in [&mut self.pull.roster, &mut self.pull.entries] {
            if *step == Step::Open {
                *step = Step::Due(now + PAUSE);
            }
        }
    }

    /// `false`: only a part of it could be written.
    async fn write(&mut self, hub: &Hub, commit: Commit, now: Instant) -> Result<bool, Failure> {
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
        self.files_changed(hub, done.files, now).await;
        if done.forgotten {
            hub.emit(Change::Reload);
        }
        Ok(!done.incomplete)
    }

    fn arrived(&mut self, hub: &Hub, arrived: &Arrived, now: Instant) {
        let Arrived { before, message, arrival } = arrived;
        let (mut before, now_message, arrival) = (*before, message.clone(), *arrival);
        if message.mine {
            // Another program may have written its place; here it was shown as waiting until now.
            let waited = self.outbox.peer_of(message.key).map(|_| MessageState::Waiting);
            before = before.or(waited);
            self.outbox.settled(message.key);
            if message.file.is_some() {
                self.transfers.look(now);
            }
            if let Some(end) = self.ends.remove(&message.key) {
                super::tell(end, ended(message.clone()));
            }
        } else {
            if before.is_none() {
                self.missing.arrived(message, arrival);
            }
            hub.model(|model| model.typing(message.peer, false, now));
            self.delivered.insert(message.peer);
            self.delivered_at.get_or_insert(now + super::marks::DELIVERED);
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
                self.stale = false;
                for key in self.outbox.replace(waiting) {
                    self.ended_elsewhere(key).await;
                }
            }
            Err(error) => {
                self.stale = true;
                error!(%error, "The cache cannot be read");
            }
        }
    }

    /// A message waits no more, and another program of this computer knows why.
    async fn ended_elsewhere(&mut self, key: MessageKey) {
        let Some(end) = self.ends.remove(&key) else { return };
        let me = self.username.clone();
        let result = match self.cache.run(move |db| messages::by_key(db, &me, key)).await {
            Ok(Some(message)) => ended(message),
            Ok(None) => Err(Failure::Local("the message is not on this disk any more".to_owned())),
            Err(failure) => Err(failure),
        };
        super::tell(end, result);
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
}

fn is_listed(contact: &crate::types::Contact) -> bool {
    contact.relation != thrive_protocol::people::Relation::None || contact.blocked
}

/// What to tell somebody who waits for the end of a message.
fn ended(message: Message) -> Result<Message, Failure> {
    match message.state {
        MessageState::Refused(code) => {
            let refusal = message.file.as_ref().and_then(crate::types::File::refusal);
            let refused = Failure::Refused { code, retry_after_ms: None, limit: None };
            Err(refusal.unwrap_or(refused))
        }
        MessageState::Waiting
        | MessageState::Stored
        | MessageState::Delivered
        | MessageState::Read => Ok(message),
    }
}

fn pause(failure: &Failure) -> Duration {
    match failure {
        Failure::Refused { retry_after_ms, .. } => hinted(*retry_after_ms, PAUSE),
        Failure::Banned { .. }
        | Failure::OverQuota { .. }
        | Failure::Unreachable(_)
        | Failure::ServerChanged { .. }
        | Failure::NotThrive(_)
        | Failure::Invalid(_)
        | Failure::NotLoggedIn
        | Failure::Local(_) => PAUSE,
    }
}

#[cfg(test)]
mod tests;
