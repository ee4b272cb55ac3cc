//! Getting a connection, losing it, doubting it, leaving it.
//!
//! A new connection is always made before the old one is given up: when the node asks to leave, and
//! when it has become silent. Whichever works is kept.

use std::time::{Duration, Instant};

use thrive_protocol::ids::Seq;
use thrive_protocol::request::{Request, Resume};
use tokio::task::{self, AbortHandle};
use tracing::{debug, info};

use super::asking::Ask;
use super::hub::{Hub, Reach};
use super::inbound::Open;
use super::life::{Life, Over, Pull, Step};
use super::{Entered, tell};
use crate::backoff::{Backoff, Loss, hinted, spread};
use crate::chance::chance;
use crate::missed::Count;
use crate::session::{End, LinkId, Session, ends_session};
use crate::types::{Change, Failure, Missed};

/// How long answers are awaited on a connection that is being left.
const LEAVING: Duration = Duration::from_secs(5);
/// Between signs of life while somebody uses the program, and while nobody does.
const BEAT_USED: Duration = Duration::from_secs(5);
const BEAT: Duration = Duration::from_secs(20);
/// A loss that is over by then is not worth a word to people.
const QUIET: Duration = Duration::from_secs(2);
/// A path that was doubted for so long is told to people, although it may still turn out to live: with
/// what it takes to begin to doubt, that is five seconds after the last sign of life.
const UNSPOKEN: Duration = Duration::from_secs(4);
/// What arrives so soon after coming back describes how things are, not what happens.
const FIRST_WAVE: Duration = Duration::from_secs(5);

#[derive(Default)]
pub(crate) struct Link {
    pub(super) session: Option<Session<Open>>,
    /// The connection before this one, until its last answers are in.
    pub(super) leaving: Option<(Session<Open>, Instant)>,
    pub(super) attempt: Option<Attempt>,
    pub(super) retry_at: Option<Instant>,
    /// The program ends: no new connection is made.
    pub(super) closing: bool,
    /// The node in use has asked to come back elsewhere, and there is no other connection yet.
    sent_away: bool,
    backoff: Backoff,
    /// Since when there is no connection, and how many attempts there were.
    lost: Option<Lost>,
    last_beat: Option<Instant>,
    /// Spreads the first heartbeats of clients that came back together.
    first_beat: f64,
    /// When catching up on this connection was done.
    pub(super) online_since: Option<Instant>,
}

/// A connection in the making.
pub(super) struct Attempt {
    pub(super) id: u64,
    pub(super) handle: AbortHandle,
    /// It is made because the one in use has become silent.
    pub(super) doubt: bool,
}

impl Attempt {
    pub(super) fn abort(self) {
        self.handle.abort();
    }
}

struct Lost {
    since: Instant,
    /// The words for it may be shown from then on.
    quiet_until: Option<Instant>,
    error: Option<Failure>,
}

impl Link {
    pub(super) fn current(&self) -> Option<LinkId> {
        self.session.as_ref().map(Session::link)
    }

    pub(super) fn is_current(&self, link: LinkId) -> bool {
        self.current() == Some(link)
    }

    /// The connection with that number, in use or being left.
    pub(super) fn session(&mut self, link: LinkId) -> Option<&mut Session<Open>> {
        let leaving = self.leaving.as_mut().map(|(session, _)| session);
        [self.session.as_mut(), leaving].into_iter().flatten().find(|s| s.link() == link)
    }

    /// Whether what is pushed now is happening now.
    pub(super) fn is_live(&self) -> bool {
        self.online_since.is_some()
    }

    /// Whether news of people is more than how things are found after coming back.
    pub(super) fn is_settled(&self, now: Instant) -> bool {
        self.online_since.is_some_and(|since| FIRST_WAVE <= now - since)
    }

    fn doubt_at(&self) -> Option<Instant> {
        self.session.as_ref().and_then(Session::doubt_at)
    }

    fn beat_due(&self, hub: &Hub) -> Option<Instant> {
        let last = self.last_beat.filter(|_| self.session.is_some())?;
        let every = if hub.is_used(last) { BEAT_USED } else { BEAT };
        let usual = last + every.mul_f64(self.first_beat);
        let is_beat = |open: &Open| matches!(open, Open::Heartbeat);
        let doubtful = self.session.as_ref().and_then(|session| session.ask_at(is_beat));
        Some(doubtful.map_or(usual, |at| at.min(usual)))
    }

    /// Nobody is connected yet, and somebody wants to be.
    pub(super) fn begin(&mut self, now: Instant) {
        self.retry_at = Some(now);
        self.lost = Some(Lost { since: now, quiet_until: Some(now + QUIET), error: None });
    }

    pub(super) fn next_wake(&self, hub: &Hub) -> Option<Instant> {
        let doubt = match self.attempt {
            None => self.doubt_at(),
            Some(_) => self.doubt_at().map(|at| at + UNSPOKEN).filter(|_| self.lost.is_none()),
        };
        let leaving = self.leaving.as_ref().map(|(_, deadline)| *deadline);
        let quiet = self.lost.as_ref().and_then(|lost| lost.quiet_until);
        [doubt, leaving, quiet, self.beat_due(hub), self.retry_at].into_iter().flatten().min()
    }
}

impl Life {
    /// Whatever kept us from the server may be gone.
    pub(super) fn nudge(&mut self, now: Instant) {
        if self.link.session.is_none() && self.link.attempt.is_none() {
            self.link.retry_at = Some(now);
        }
    }

    pub(super) fn tend_link(&mut self, hub: &mut Hub, now: Instant) {
        // Until everything is read on the new connection, what the old one still pushes is welcome: it
        // is news, and not something that was missed.
        let done = self.pull.caught_up;
        if self.link.leaving.as_ref().is_some_and(|(old, end)| *end <= now || done && old.is_idle())
            && let Some((mut old, _)) = self.link.leaving.take()
        {
            self.interrupted(&mut old, now);
            hub.jobs.spawn(async move {
                old.leave().await;
                super::Job::Aside
            });
        }
        if let Some(session) = self.session().filter(|session| !session.is_idle()) {
            session.look(now);
        }
        if self.link.doubt_at().is_some_and(|at| at <= now) && self.link.attempt.is_none() {
            info!("The server is silent; a second connection is made");
            self.attempt(hub, true);
        }
        if self.link.lost.is_none()
            && let Some(since) = self.link.doubt_at().filter(|at| *at + UNSPOKEN <= now)
        {
            // The connection is kept, in case it comes back to life before another one is found.
            let error = Failure::Unreachable("the server says nothing any more".to_owned());
            self.link.lost = Some(Lost { since, quiet_until: None, error: Some(error) });
            self.tell_lost(hub);
        }
        let link = &mut self.link;
        let wanted = link.session.is_none() || link.sent_away;
        if wanted && link.attempt.is_none() && link.retry_at.is_none() {
            // Whatever led here: a login without a way back to the server must not last.
            link.retry_at = (!link.closing).then_some(now);
        }
        if self.link.retry_at.is_some_and(|at| at <= now) {
            self.link.retry_at = None;
            if self.link.attempt.is_none() {
                self.attempt(hub, false);
            }
        }
        if self.link.lost.as_ref().and_then(|lost| lost.quiet_until).is_some_and(|at| at <= now) {
            self.tell_lost(hub);
        }
        self.beat(hub, now);
    }

    fn beat(&mut self, hub: &Hub, now: Instant) {
        if self.link.beat_due(hub).is_none_or(|at| now < at) {
            return;
        }
        (self.link.last_beat, self.link.first_beat) = (Some(now), 1.0);
        if let Some(session) = self.session()
            && session.send(now, Request::Heartbeat {}, Open::Heartbeat).is_err()
        {
            debug!("No room for a heartbeat");
        }
    }

    fn attempt(&mut self, hub: &mut Hub, doubt: bool) {
        let resume = Request::Resume(Resume { token: self.token.clone() });
        let (id, handle) = hub.attempt(resume);
        self.link.attempt = Some(Attempt { id, handle, doubt });
    }

    /// The node has been heard: a second connection is not needed, unless an answer is overdue, or
    /// the one that was doubted is gone, so that the second one is all there is.
    pub(super) fn trust_again(&mut self, hub: &Hub, now: Instant) {
        let trusted = self.link.doubt_at().is_none_or(|at| now < at);
        if trusted && self.link.is_live() && self.link.lost.take().is_some() {
            hub.reach(Reach::Online);
        }
        if self.link.session.is_some()
            && self.link.attempt.as_ref().is_some_and(|attempt| attempt.doubt)
            && trusted
            && let Some(attempt) = self.link.attempt.take()
        {
            attempt.abort();
        }
    }

    /// The attempt that this job makes.
    pub(super) fn attempt_of(&self, job: task::Id) -> Option<u64> {
        let attempt = self.link.attempt.as_ref();
        attempt.filter(|attempt| attempt.handle.id() == job).map(|attempt| attempt.id)
    }

    /// An attempt to connect has ended. Returns how the login ends, if it does.
    pub(super) async fn attempted(
        &mut self,
        hub: &mut Hub,
        id: u64,
        outcome: Result<Entered, Failure>,
        now: Instant,
    ) -> Option<Over> {
        let attempt = self.link.attempt.take_if(|attempt| attempt.id == id)?;
        let failure = match outcome {
            Ok(entered) => {
                self.adopt(hub, entered, now).await;
                return None;
            }
            Err(failure) => failure,
        };
        debug!(error = %failure, "No connection to the server");
        if let Some(code) = ends_session(&failure) {
            return Some(Over { code: Some(code), answer: None });
        }
        if let Some((answer, _)) = self.first.take() {
            match &failure {
                Failure::ServerChanged { .. } | Failure::NotThrive(_) | Failure::Local(_) => {
                    return Some(Over { code: None, answer: Some((answer, Err(failure))) });
                }
                Failure::Refused { .. }
                | Failure::Banned { .. }
                | Failure::OverQuota { .. }
                | Failure::Unreachable(_)
                | Failure::Invalid(_)
                | Failure::NotLoggedIn => tell(answer, Ok(())),
            }
        }
        // One that has spoken since is no worse than the one that could not be made.
        let silent = |session: &Session<Open>| session.doubt_at().is_some_and(|at| at <= now);
        if attempt.doubt && self.link.session.as_ref().is_some_and(silent) {
            self.lose(hub, now, &End { loss: Loss::Fault, failure: failure.clone() });
        }
        let mut wait = self.link.backoff.failed(chance());
        if let Failure::Refused { retry_after_ms, .. } = failure {
            wait = wait.max(hinted(retry_after_ms, wait));
        }
        if self.link.session.is_none() || self.link.sent_away {
            self.link.retry_at = Some(now + wait);
        }
        if let Some(lost) = &mut self.link.lost {
            lost.error = Some(failure);
            self.tell_lost(hub);
        }
        None
    }

    /// Uses a new connection from now on.
    pub(super) async fn adopt(&mut self, hub: &mut Hub, entered: Entered, now: Instant) {
        let (greeted, logged_in) = *entered;
        let user = logged_in.user;
        if self.user != Some(user)
            && let Err(error) = self.whose(hub, user).await
        {
            // The next attempt finds the disk better, or says the same.
            self.link.retry_at = Some(now + Duration::from_secs(5));
            if let Some(lost) = &mut self.link.lost {
                lost.error = Some(error);
            }
            return;
        }
        let mut session = greeted.activate(hub.next_link(), hub.inbound.clone());
        if self.link.session.is_some() && !self.link.sent_away {
            session.is_made_in_doubt(now);
        }
        if let Some(old) = self.link.session.replace(session)
            && let Some((mut older, _)) = self.link.leaving.replace((old, now + LEAVING))
        {
            self.interrupted(&mut older, now);
        }
        (self.link.retry_at, self.link.sent_away) = (None, false);
        self.link.backoff.connected(now);
        (self.link.last_beat, self.link.first_beat) = (Some(now), chance());
        // Without a pause in between, nothing was missed that would have to be told as old.
        self.link.online_since = self.link.online_since.filter(|_| self.link.lost.is_none());
        hub.shared.state.lock().welcome = logged_in.text.as_str().to_owned();
        let account = self.account();
        let told = std::mem::replace(&mut hub.shared.state.lock().account, account.clone());
        if told.map(|account| account.user) != Some(user)
            && let Some(account) = account
        {
            hub.emit(Change::LoggedIn(account));
        }
        if let Some((answer, _)) = self.first.take() {
            tell(answer, Ok(()));
        }
        self.outbox.interrupted();
        self.transfers.look(now);
        self.opening.clear();
        let (roster, entries) = (Step::Due(now), Step::Due(now));
        self.pull = Pull { roster, entries, ..Pull::default() };
        for ask in std::mem::take(&mut self.asks) {
            self.ask(ask, now);
        }
    }

    /// The connection is gone.
    pub(super) fn lose(&mut self, hub: &Hub, now: Instant, end: &End) {
        let Some(mut session) = self.link.session.take() else { return };
        info!(error = %end.failure, "The connection to the server is gone");
        self.link.sent_away = false;
        self.interrupted(&mut session, now);
        self.outbox.interrupted();
        self.opening.clear();
        self.pull = Pull::default();
        self.link.online_since = None;
        self.typing.clear();
        hub.model(|model| model.cut_off(now));
        let wait = self.link.backoff.lost(now, end.loss, chance());
        if self.link.attempt.is_none() {
            self.link.retry_at = Some(now + wait);
        }
        let lost = Lost { since: now, quiet_until: Some(now + QUIET), error: None };
        self.link.lost.get_or_insert(lost).error = Some(end.failure.clone());
        self.tell_lost(hub);
    }

    /// Nothing that is open on a connection will be answered any more: what may be repeated is. What
    /// waits in the outbox is not touched: it may be in flight on the connection after this one.
    pub(super) fn interrupted(&mut self, session: &mut Session<Open>, now: Instant) {
        let failure = Failure::Unreachable("the connection went away before the answer".to_owned());
        for open in session.take_pending() {
            match open {
                Open::Ask { repeat: Some((request, deadline)), effect, answer }
                    if now < deadline =>
                {
                    self.ask(Ask { request, effect, answer, deadline }, now);
                }
                open => open.fail(&failure),
            }
        }
    }

    /// The node will close this connection: another one first.
    pub(super) fn go_away(&mut self, now: Instant, deadline: Duration) {
        self.link.sent_away = true;
        match &mut self.link.attempt {
            // It is not there to be dropped any more as soon as the old one speaks.
            Some(attempt) => attempt.doubt = false,
            None => {
                let at = now + spread(deadline, chance());
                self.link.retry_at = Some(self.link.retry_at.map_or(at, |other| other.min(at)));
            }
        }
    }

    /// Everything that was missed has been read.
    pub(super) fn caught_up(&mut self, hub: &Hub, now: Instant) {
        if self.link.session.is_none() || self.link.online_since.is_some() {
            return;
        }
        self.link.online_since = Some(now);
        self.transfers.look(now);
        self.link.lost = None;
        self.count_missed(hub);
        hub.reach(Reach::Online);
    }

    /// Everything was read: says how much of it came while this device was away.
    fn count_missed(&mut self, hub: &Hub) {
        let chats = &self.chats;
        let read = |peer| chats.get(&peer).map_or(Seq::START, |chat| chat.marks.read);
        let counted = self.missing.count(read);
        let mut state = hub.shared.state.lock();
        let known = counted.into_iter().filter_map(|(user, count)| {
            let name = state.model.contact(user)?.display_name().to_owned();
            let Count { messages, files, last } = count;
            Some(Missed { user, name, messages, files, last: last.0 })
        });
        let mut missed: Vec<_> = known.collect();
        missed.sort_by(|one, other| {
            other.count().cmp(&one.count()).then_with(|| one.name.cmp(&other.name))
        });
        state.missed = missed;
    }

    fn tell_lost(&mut self, hub: &Hub) {
        let Some(lost) = &mut self.link.lost else { return };
        if lost.quiet_until.is_some_and(|at| at <= Instant::now()) {
            lost.quiet_until = None;
        }
        let attempt = self.link.backoff.failures();
        hub.reach(Reach::Lost { attempt, since: lost.since, error: lost.error.clone() });
    }
}

#[cfg(test)]
mod tests;
