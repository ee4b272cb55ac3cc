//! The net below the bus: finds in the store what nobody here was told.
//!
//! - Lost tails: the heads of everything that is followed here are compared with the store.
//! - Lost invitations: conversations that were made lately, and have a member here who does not follow them.
//!   Where nothing was said yet they follow in silence.
//!   Clocks decide what is late; so a few people at a time are compared in full, too, and everybody within
//!   some minutes.
//! - Lost revocations: sessions that are connected here and are no more.
//! - Lost news of contacts: versions of lists that are not those of the last look.
//!
//! Every few seconds, more often while the bus is degraded, and at once after every subscription. Questions
//! are bounded: a statement for each chunk, no lock held between them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use thrive_protocol::Event;
use thrive_protocol::bounded::List;
use thrive_protocol::ids::{ConversationId, Seq, Time, UserId};
use tokio::time::sleep_until;
use tokio_util::sync::CancellationToken;

use super::figures::{Figures, add};
use super::filler::Filler;
use super::health::{Health, Standing};
use super::local::Local;
use super::periods::Periods;
use crate::clock;
use crate::faults::{self, Bug};
use crate::hub::Hub;
use crate::news::{Audience, News};
use crate::store::bans::BanInForce;
use crate::store::{Database, StoreError};

/// Conversations or sessions in one question to the store.
const AT_ONCE: usize = 500;
/// People who are compared in full each time: one statement.
const PEOPLE: usize = 128;
/// How far a look at new conversations reaches back beyond the last one: the clocks of nodes differ, and
/// the id of a conversation is older than its commit.
const OVERLAP_MS: i64 = 120_000;

/// Compares what one node holds with the store.
#[derive(Clone)]
pub(super) struct Reconcile {
    pub(super) hub: Hub,
    pub(super) database: Database,
    pub(super) filler: Filler,
    pub(super) figures: Arc<Figures>,
    pub(super) health: Health,
    pub(super) periods: Periods,
}

/// For a node without a bus to others, until `stop`: compares the heads of everything that is followed, and
/// the sessions, which somebody at the machine may end. With `others`, who may write the same database and
/// are not heard, it compares all the rest, too.
pub async fn reconcile(local: Local, others: bool, stop: CancellationToken) {
    let (Local { hub, database, figures }, periods) = (local, Periods::PRODUCTION);
    let filler = Filler::new(hub.clone(), database.clone(), Arc::clone(&figures), periods.gap);
    let filling = filler.clone().run(stop.clone());
    let health = Health::perfect();
    let it = Reconcile { hub, database, filler, figures, health, periods };
    tokio::join!(filling, it.run(others, stop));
}

impl Reconcile {
    /// Everything that a node has to look at that shares its work with others, until `stop`.
    pub(super) async fn run(self, others: bool, stop: CancellationToken) {
        let both = async { tokio::join!(self.compare(others), self.end_sessions()) };
        stop.run_until_cancelled(both).await;
    }

    /// Compares conversations again and again: how far they go, and with `others`, whether there are new
    /// ones that another node has made.
    async fn compare(&self, others: bool) {
        let (sound, degraded) = (self.periods.compare, self.periods.compare_degraded);
        let (mut heads, mut invitations) = (Outcome::default(), Outcome::default());
        let mut beat = Beat::of(self.health.clone());
        let (mut since, mut last) = (clock::now(), UserId(-1));
        loop {
            beat.wait(|it| if it.is_degraded() { degraded } else { sound }).await;
            if faults::bug(Bug::NoReconcile) {
                continue;
            }
            heads.note("Heads", self.heads().await);
            if others {
                let start = clock::now();
                let found = self.invitations(since).await;
                if found.is_ok() {
                    since = start;
                }
                invitations.note("New conversations", found.and(self.turn(&mut last).await));
            }
            add(&self.figures.comparisons, 1);
        }
    }

    async fn end_sessions(&self) {
        let (mut outcome, every) = (Outcome::default(), self.periods.sessions);
        let mut beat = Beat::of(self.health.clone());
        loop {
            beat.wait(|_| every).await;
            if !faults::bug(Bug::NoReconcile) {
                outcome.note("Sessions", self.sessions().await);
            }
        }
    }

    /// Asks the store for the heads of all that is followed here, and has filled what is missing.
    pub(super) async fn heads(&self) -> Result<(), StoreError> {
        for conversations in self.hub.followed().chunks(AT_ONCE) {
            let gaps = self.hub.raise(self.database.heads(conversations).await?);
            add(&self.figures.tails, gaps.len());
            self.filler.fill(&gaps);
        }
        Ok(())
    }

    /// Tells members who are connected here of conversations that were made since, give or take, and that
    /// they do not follow.
    pub(super) async fn invitations(&self, since: Time) -> Result<(), StoreError> {
        let since = Time(since.0.saturating_sub(OVERLAP_MS));
        let mut after = None;
        loop {
            let page = self.database.members_since(since, after, AT_ONCE).await?;
            let last = page.last().copied();
            let full = page.len() == AT_ONCE;
            for (conversation, user) in self.hub.strangers(page) {
                self.invite(conversation, user).await?;
            }
            if !full {
                return Ok(());
            }
            after = last;
        }
    }

    /// The same for a few people and all their conversations, whenever those were made. `last` is whose
    /// turn it was last.
    pub(super) async fn turn(&self, last: &mut UserId) -> Result<(), StoreError> {
        let people = self.hub.people_after(*last, PEOPLE);
        *last = people.last().copied().unwrap_or(UserId(-1));
        if people.is_empty() {
            return Ok(());
        }
        let memberships = self.database.memberships_of(&people).await?;
        for (conversation, user) in self.hub.strangers(memberships) {
            self.invite(conversation, user).await?;
        }
        Ok(())
    }

    async fn invite(&self, conversation: ConversationId, user: UserId) -> Result<(), StoreError> {
        let Some(seen) = self.database.conversation(user, conversation).await? else {
            return Ok(());
        };
        if seen.head == Seq::START {
            self.hub.follow_from(user, conversation, seen.head);
            return Ok(());
        }
        let event = Event::Conversation(seen);
        self.hub.tell(&News { to: Audience::User(user), event, origin: None });
        add(&self.figures.invitations, 1);
        Ok(())
    }

    /// Ends what is connected here of sessions that are over, and has people look at their contacts again
    /// when those have changed.
    pub(super) async fn sessions(&self) -> Result<(), StoreError> {
        for sessions in self.hub.sessions().chunks(AT_ONCE) {
            let ids: Vec<_> = sessions.iter().map(|(_, session)| *session).collect();
            let live = self.database.live_sessions(&ids).await?;
            for (user, session) in sessions {
                if let Some(version) = live.get(session) {
                    if self.hub.contacts_moved(*user, *version) {
                        let event = Event::Heads { heads: List::default() };
                        self.hub.tell_people(&[*user], event);
                        add(&self.figures.contact_looks, 1);
                    }
                    continue;
                }
                tracing::info!(
                    user.id = %user,
                    session.id = %session,
                    "A session that was ended elsewhere is closed"
                );
                self.hub.end_session(*user, *session, self.why_ended(*user).await?);
                add(&self.figures.ended_sessions, 1);
            }
        }
        Ok(())
    }

    /// What somebody is told whose session is over.
    async fn why_ended(&self, user: UserId) -> Result<Event, StoreError> {
        if let Some(BanInForce { until, reason }) = self.database.ban(user, clock::now()).await? {
            return Ok(Event::Banned { until, reason });
        }
        Ok(match self.database.username(user).await? {
            Some(_) => Event::SessionEnded {},
            None => Event::AccountDeleted {},
        })
    }
}

/// When to look next: after a while, a little less than that, and at once after a break of the bus.
struct Beat {
    health: Health,
    breaks: u64,
}

impl Beat {
    fn of(health: Health) -> Self {
        let breaks = health.now().breaks;
        Self { health, breaks }
    }

    async fn wait(&mut self, every: impl Fn(Standing) -> Duration) {
        let start = Instant::now();
        let part = 1.0 - f64::from(crate::random::byte()) / 2560.0;
        loop {
            let due = start + every(self.health.now()).mul_f64(part);
            tokio::select! {
                biased;
                standing = self.health.changed() => if standing.breaks != self.breaks {
                    self.breaks = standing.breaks;
                    return;
                },
                () = sleep_until(due.into()) => return,
            }
        }
    }
}

/// Whether the last attempt failed, so that each change is said once.
#[derive(Default)]
struct Outcome {
    failed: bool,
}

impl Outcome {
    fn note(&mut self, what: &'static str, result: Result<(), StoreError>) {
        match &result {
            Ok(()) if self.failed => tracing::info!("{what} can be compared with the store again"),
            Ok(()) => {}
            Err(error) if self.failed => {
                let error = error as &dyn std::error::Error;
                tracing::debug!(error, "{what} could still not be compared with the store");
            }
            Err(error) => {
                let error = error as &dyn std::error::Error;
                tracing::error!(error, "{what} could not be compared with the store; trying on");
            }
        }
        self.failed = result.is_err();
    }
}
