//! One login on this device: what it holds, when it has to act, how it ends.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::{Duration, Instant};

use thrive_protocol::code::Code;
use thrive_protocol::ids::{ConversationId, Epoch, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Conversation;
use thrive_protocol::secret::Secret;
use tokio::time::timeout;
use tracing::warn;

use super::asking::Ask;
use super::hub::{Hub, Reach, State};
use super::inbound::Open;
use super::link::Link;
use super::transfers::Transfers;
use super::{Answer, Command, tell};
use crate::cache::chats::{self, Chat};
use crate::cache::commit::{Commit, Item};
use crate::cache::{Cache, Ended, messages, people};
use crate::missed::Missing;
use crate::model::Model;
use crate::outbox::Outbox;
use crate::session::Session;
use crate::sync::Sync;
use crate::types::{Account, Change, Failure, Message, MessageKey, Presence};

pub(crate) struct Life {
    pub(super) username: Username,
    pub(super) token: Secret,
    /// `None` until the first login on this device has told.
    pub(super) user: Option<UserId>,
    pub(super) cache: Cache,
    ended: Ended,

    pub(super) link: Link,
    /// Told the outcome of the first attempt, at the latest at the moment given.
    pub(super) first: Option<(Answer<()>, Instant)>,
    pub(super) asks: VecDeque<Ask>,
    /// Who waits for the end of this login, and for how long.
    pub(super) leaving: Option<(Answer<()>, Instant)>,

    pub(super) epoch: Option<Epoch>,
    pub(super) sync: Sync<Item>,
    pub(super) chats: BTreeMap<UserId, Chat>,
    pub(super) by_conversation: BTreeMap<ConversationId, UserId>,
    /// What the next transaction will write.
    pub(super) commit: Commit,
    pub(super) pull: Pull,
    /// What is known here is not what the disk says, and the disk could not be asked.
    pub(super) stale: bool,

    /// What came while this device was away; counted when everything has been read.
    pub(super) missing: Missing,

    pub(super) outbox: Outbox,
    /// Conversations that are being opened because something waits for them.
    pub(super) opening: BTreeSet<UserId>,
    /// Conversations that the server did not know, and that were opened anew because of that.
    pub(super) reopened: BTreeSet<UserId>,
    /// Who waits for the end of a message.
    pub(super) ends: BTreeMap<MessageKey, Answer<Message>>,

    /// Chats whose marks the server may not know yet, and when to tell them.
    pub(super) delivered: BTreeSet<UserId>,
    pub(super) delivered_at: Option<Instant>,
    /// When typing was last told, and what.
    pub(super) typing: BTreeMap<UserId, (Instant, bool)>,
    pub(super) transfers: Transfers,
}

/// Where reading what was missed stands.
#[derive(Debug, Default)]
pub(crate) struct Pull {
    pub(super) roster: Step,
    /// While the list was on its way it may have changed: it is asked for once more.
    pub(super) again: bool,
    pub(super) entries: Step,
    /// On this connection everything has been read once; from now on only gaps are.
    pub(super) caught_up: bool,
    /// The history is another one and is read from the start: nothing of it is news.
    pub(super) history: bool,
}

impl Pull {
    /// The contact list is to be read as it is from now on.
    pub(super) fn list_again(&mut self, now: Instant) {
        match self.roster {
            Step::Done => self.roster = Step::Due(now),
            Step::Due(_) => {}
            Step::Open => self.again = true,
        }
    }
}

#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) enum Step {
    #[default]
    Done,
    /// To be asked for at that time.
    Due(Instant),
    /// Asked for.
    Open,
}

impl Step {
    pub(super) fn due(self) -> Option<Instant> {
        match self {
            Self::Due(at) => Some(at),
            Self::Done | Self::Open => None,
        }
    }
}

/// How a login ends: what it is told to the screen, and to whoever waits for it.
#[derive(Debug)]
pub(crate) struct Over {
    pub(super) code: Option<Code>,
    pub(super) answer: Option<(Answer<()>, Result<(), Failure>)>,
}

/// For a first attempt whose outcome is awaited: longer would look as if nothing happened.
const FIRST: Duration = Duration::from_secs(2);
/// For the last file to be closed.
const CLOSING: Duration = Duration::from_secs(2);

impl Life {
    /// Reads what this device remembers of the account. `user`: who logged in, if it is known.
    pub(super) async fn open(
        hub: &Hub,
        username: Username,
        token: Secret,
        user: Option<UserId>,
    ) -> Result<Self, Failure> {
        let (cache, ended) = Cache::open(&hub.options.dir, &hub.options.server, &username).await?;
        if let Some(user) = user {
            cache.run(move |db| people::set_me(db, user)).await?;
        }
        let (me, epoch, people, chats, waiting) = cache
            .run(|db| {
                let me = people::me(db)?;
                let epoch = people::epoch(db)?;
                Ok((me, epoch, people::all(db)?, chats::all(db)?, messages::waiting(db)?))
            })
            .await?;
        let mut life = Self {
            username,
            token,
            user: me,
            cache,
            ended,
            link: Link::default(),
            first: None,
            asks: VecDeque::new(),
            leaving: None,
            epoch,
            sync: Sync::default(),
            chats: BTreeMap::new(),
            by_conversation: BTreeMap::new(),
            commit: Commit::default(),
            pull: Pull::default(),
            stale: false,
            missing: Missing::default(),
            outbox: Outbox::default(),
            opening: BTreeSet::new(),
            reopened: BTreeSet::new(),
            ends: BTreeMap::new(),
            delivered: BTreeSet::new(),
            delivered_at: None,
            typing: BTreeMap::new(),
            transfers: Transfers::default(),
        };
        life.know(chats);
        for row in waiting {
            life.outbox.add(row);
        }
        let reach = hub.shared.state.lock().reach.clone();
        *hub.shared.state.lock() = State {
            model: Model::load(people, Presence::default()),
            account: life.account(),
            reach,
            cache: Some(life.cache.clone()),
            username: Some(life.username.clone()),
            welcome: String::new(),
            missed: Vec::new(),
        };
        Ok(life)
    }

    /// Starts to come back with a token.
    pub(super) fn begin(&mut self, hub: &Hub, now: Instant, first: Option<Answer<()>>) {
        self.first = first.map(|answer| (answer, now + FIRST));
        if let Some(account) = self.account() {
            hub.emit(Change::LoggedIn(account));
        }
        self.link.begin(now);
        hub.reach(Reach::Lost { attempt: 1, since: now, error: None });
    }

    pub(super) fn account(&self) -> Option<Account> {
        let (username, token) = (self.username.clone(), self.token.clone());
        self.user.map(|user| Account { user, username, token })
    }

    /// Takes over what the disk says about chats.
    pub(super) fn know(&mut self, chats: Vec<Chat>) {
        for chat in chats {
            if let Some(conversation) = chat.conversation {
                self.by_conversation.insert(conversation, chat.peer);
                if chat.position.is_some() {
                    self.sync.know(conversation, chat.position);
                }
            }
            self.chats.insert(chat.peer, chat);
        }
    }

    /// Whether this can be true together with what is known: a conversation belongs to one person,
    /// and nobody has one with themselves.
    pub(super) fn fits(&self, conversation: &Conversation) -> bool {
        let known = self.by_conversation.get(&conversation.conversation);
        known.is_none_or(|&peer| peer == conversation.peer) && self.user != Some(conversation.peer)
    }

    /// A conversation as the server sees it now goes into the next transaction.
    pub(super) fn conversation(&mut self, conversation: Conversation) {
        if !self.fits(&conversation) {
            return warn!("A conversation that contradicts what is known was left out");
        }
        let (id, peer) = (conversation.conversation, conversation.peer);
        let sync = &mut self.sync;
        self.by_conversation.retain(|&former, with| {
            let stays = *with != peer || former == id;
            if !stays {
                sync.forget(former);
            }
            stays
        });
        self.by_conversation.insert(id, peer);
        self.sync.head(id, conversation.head);
        if conversation.head.0 == 0 && self.sync.start(id, conversation.head) {
            let seq = conversation.head.next();
            self.commit.starts.push(thrive_protocol::event::Head { conversation: id, seq });
        }
        self.commit.conversations.push(conversation);
    }

    pub(super) fn session(&mut self) -> Option<&mut Session<Open>> {
        self.link.session.as_mut()
    }

    pub(super) async fn command(
        &mut self,
        hub: &mut Hub,
        command: Command,
        now: Instant,
    ) -> Option<Over> {
        match command {
            Command::Ask { request, effect, answer } => {
                self.ask(Ask::new(request, effect, answer, now), now);
            }
            Command::Aside { request, answer } => self.aside(hub, request, answer),
            Command::Send { peer, text, answer, end } => {
                self.send(hub, peer, text.as_str(), answer, end, now).await;
            }
            Command::Offer { peer, offering, answer, end } => {
                self.offer(hub, peer, offering, answer, end, now).await;
            }
            Command::StopTransfer { message, answer } => self.stop_transfer(hub, message, answer),
            Command::Transfers => self.transfers.look(now),
            Command::Retry { key, answer } => self.retry(hub, key, answer, now).await,
            Command::Discard { key, answer } => self.discard(key, answer).await,
            Command::MarkRead { peer, answer } => self.mark_read(hub, peer, answer, now).await,
            Command::Typing { peer, active } => self.tell_typing(peer, active, now),
            Command::LogOut { answer } => return self.log_out(answer, now),
            Command::LogIn { .. }
            | Command::Resume { .. }
            | Command::Nudge
            | Command::Used
            | Command::Close { .. } => {}
        }
        None
    }

    /// Does what has become due. Returns how the login ends, if it does.
    pub(super) fn tick(&mut self, hub: &mut Hub, now: Instant) -> Option<Over> {
        if let Some((answer, _)) = self.leaving.take_if(|(_, deadline)| *deadline <= now) {
            return Some(Over { code: None, answer: Some((answer, Err(not_told()))) });
        }
        if let Some((_, deadline)) = &self.first
            && *deadline <= now
            && let Some((answer, _)) = self.first.take()
        {
            tell(answer, Ok(()));
        }
        hub.model(|model| model.expire(now));
        self.tend_link(hub, now);
        self.tend_asks(now);
        self.tend_pull(hub, now);
        self.tell_delivered(now);
        self.tend_transfers(hub, now);
        self.pump(now);
        None
    }

    pub(super) fn next_wake(&self, hub: &Hub, now: Instant) -> Option<Instant> {
        let typing = hub.shared.state.lock().model.next_expiry();
        let first = self.first.as_ref().map(|(_, deadline)| *deadline);
        let online = self.link.session.is_some();
        let of_session = [
            self.pull.roster.due(),
            self.pull.entries.due(),
            self.delivered_at,
            self.outbox.next_due(now),
            self.transfers.next_due().filter(|_| self.link.is_live()),
        ];
        let of_session = of_session.into_iter().flatten().filter(|_| online).min();
        let asks = self.asks.front().map(|ask| ask.deadline);
        let leaving = self.leaving.as_ref().map(|(_, deadline)| *deadline);
        [typing, first, of_session, asks, leaving, self.link.next_wake(hub)]
            .into_iter()
            .flatten()
            .min()
    }

    pub(super) fn has_open_requests(&self) -> bool {
        self.link.session.as_ref().is_some_and(|session| !session.is_idle())
    }

    /// The program closes: what is cheap to say is said now.
    pub(super) fn last_words(&mut self, hub: &mut Hub, now: Instant) {
        self.delivered_at = Some(now);
        self.tell_delivered(now);
        self.pump(now);
        if let Some(attempt) = self.link.attempt.take() {
            attempt.abort();
        }
        (self.link.retry_at, self.link.closing) = (None, true);
        hub.used = now;
    }

    /// Ends the login for good.
    pub(super) async fn end(mut self, hub: &Hub, over: Over) {
        self.transfers.end();
        let failure = Failure::NotLoggedIn;
        for ask in self.asks.drain(..) {
            tell(ask.answer, Err(failure.clone()));
        }
        for open in self.link.session.iter_mut().flat_map(Session::take_pending) {
            open.fail(&failure);
        }
        for (_, end) in std::mem::take(&mut self.ends) {
            tell(end, Err(failure.clone()));
        }
        if let Some((answer, _)) = self.first.take()
            && let Some(code) = over.code
        {
            let refused = Failure::Refused { code, retry_after_ms: None, limit: None };
            tell(answer, Err(refused));
        }
        self.close(hub).await;
        hub.idle();
        hub.emit(Change::LoggedOut(over.code));
        if let Some((answer, result)) = over.answer {
            tell(answer, result);
        }
    }

    /// Leaves the server and closes the files.
    pub(super) async fn close(mut self, hub: &Hub) {
        self.transfers.end();
        if let Some(attempt) = self.link.attempt.take() {
            attempt.abort();
        }
        if let Some((leaving, _)) = self.link.leaving.take() {
            leaving.leave().await;
        }
        if let Some(session) = self.link.session.take() {
            session.leave().await;
        }
        hub.shared.state.lock().cache = None;
        let Self { cache, ended, .. } = self;
        drop(cache);
        if timeout(CLOSING, ended.wait()).await.is_err() {
            warn!("The cache is still in use while the client closes");
        }
    }
}

/// The login is over here, and the server does not know.
pub(super) fn not_told() -> Failure {
    Failure::Unreachable("logged out here, but the server could not be told".to_owned())
}
