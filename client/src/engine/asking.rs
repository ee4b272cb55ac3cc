//! Requests of people, and that they are typing.

use std::time::{Duration, Instant};

use thrive_protocol::ids::UserId;
use thrive_protocol::reply::Reply;
use thrive_protocol::request::Request;

use super::hub::Hub;
use super::inbound::Open;
use super::life::{Life, Over, not_told};
use super::{Answer, Job, tell};
use crate::session::LinkId;
use crate::types::{Failure, Presence};

/// Requests that wait for a connection; more fail at once.
const WAITING: usize = 64;
/// How long a request waits for one: a short interruption is not worth an error.
const PATIENCE: Duration = Duration::from_secs(8);
/// For the server to end a session.
const LOG_OUT: Duration = Duration::from_secs(5);
/// That somebody still types is repeated no sooner.
const TYPING: Duration = Duration::from_secs(3);

/// What a request changes here when it succeeds.
#[derive(Clone, Debug)]
pub(crate) enum Effect {
    None,
    /// The reply is a contact.
    Contact,
    /// The reply says who is in another group.
    Regrouped,
    /// The reply is a conversation.
    Conversation,
    Gone(UserId),
    Unblocked(UserId),
    OwnPresence(Presence),
}

/// A request of a person.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) request: Request,
    pub(crate) effect: Effect,
    pub(crate) answer: Answer<Reply>,
    /// Until when it waits for a connection.
    pub(crate) deadline: Instant,
}

/// Whether the outcome is the same if the node has done it already and is asked once more, so that an
/// interrupted request can be repeated without asking anybody.
fn does_no_harm_twice(request: &Request) -> bool {
    match request {
        Request::ServerInfo {}
        | Request::ListSessions {}
        | Request::ListContacts {}
        | Request::BlockUser(_)
        | Request::UnblockUser { .. }
        | Request::NameContact { .. }
        | Request::GroupContact { .. }
        | Request::SetPresence(_)
        | Request::OpenConversation { .. }
        | Request::History(_)
        | Request::Sync(_)
        | Request::MarkRead { .. }
        | Request::MarkDelivered { .. }
        | Request::Heartbeat {}
        | Request::ShowEmail {}
        | Request::AcceptFile { .. }
        | Request::DeclineFile { .. }
        | Request::CancelFile { .. }
        | Request::FileReceived { .. }
        | Request::Directory(_)
        | Request::GetPrivacy {}
        | Request::SetPrivacy(_) => true,
        // The second time the password, the session, the group or the request is not there any more; or whoever
        // asked is not in need of it by then.
        Request::Hello(_)
        | Request::Admin(_)
        | Request::CreateAccount(_)
        | Request::LogIn(_)
        | Request::Resume(_)
        | Request::LogOut {}
        | Request::ChangePassword(_)
        | Request::RevokeSession { .. }
        | Request::RequestContact(_)
        | Request::AcceptContact { .. }
        | Request::DeclineContact { .. }
        | Request::RemoveContact { .. }
        | Request::SendMessage(_)
        | Request::OfferFile(_)
        | Request::UploadFile { .. }
        | Request::DownloadFile { .. }
        | Request::RenameGroup { .. }
        | Request::Typing { .. }
        | Request::ResendCode(_)
        | Request::VerifyAccount(_)
        | Request::RequestReset(_)
        | Request::ResetPassword(_)
        | Request::ChangeEmail(_)
        | Request::ConfirmEmail { .. } => false,
    }
}

impl Life {
    pub(super) fn ask(&mut self, ask: Ask, now: Instant) {
        let unreachable = |why: &str| Failure::Unreachable(why.to_owned());
        let Some(session) = self.link.session.as_mut() else {
            if WAITING <= self.asks.len() {
                return tell(ask.answer, Err(unreachable("there is no connection")));
            }
            return self.asks.push_back(ask);
        };
        let Ask { request, effect, answer, deadline } = ask;
        let repeat = does_no_harm_twice(&request).then(|| (request.clone(), deadline));
        if let Err(open) = session.send(now, request, Open::Ask { repeat, effect, answer }) {
            open.fail(&unreachable("the connection takes nothing more"));
        }
    }

    /// Fails what waited too long for a connection.
    pub(super) fn tend_asks(&mut self, now: Instant) {
        while self.asks.front().is_some_and(|ask| ask.deadline <= now) {
            if let Some(ask) = self.asks.pop_front() {
                let failure = Failure::Unreachable("there is no connection".to_owned());
                tell(ask.answer, Err(failure));
            }
        }
    }

    /// A request on a stream of its own, answered beside the task.
    pub(super) fn aside(&self, hub: &mut Hub, request: Request, answer: Answer<Reply>) {
        let Some(session) = &self.link.session else {
            let failure = Failure::Unreachable("there is no connection".to_owned());
            return tell(answer, Err(failure));
        };
        let (link, reply) = (session.link(), session.bulk(request.clone()));
        hub.jobs.spawn(async move {
            match reply.await {
                Err(failure @ Failure::Unreachable(_)) => {
                    Job::Interrupted { link, request, failure, answer }
                }
                result => {
                    tell(answer, result);
                    Job::Aside
                }
            }
        });
    }

    /// A request on a stream of its own was interrupted. They only read, so it is asked again if there
    /// is another connection by now.
    pub(super) fn aside_again(
        &self,
        hub: &mut Hub,
        link: LinkId,
        request: Request,
        failure: Failure,
        answer: Answer<Reply>,
    ) {
        if self.link.current().is_some_and(|current| current != link) {
            return self.aside(hub, request, answer);
        }
        tell(answer, Err(failure));
    }

    /// Ends the session on the server, and in any case here.
    pub(super) fn log_out(&mut self, answer: Answer<()>, now: Instant) -> Option<Over> {
        let asked = match self.link.session.as_mut() {
            Some(session) => session.send(now, Request::LogOut {}, Open::LogOut).is_ok(),
            None => false,
        };
        if asked {
            self.leaving = Some((answer, now + LOG_OUT));
            return None;
        }
        Some(Over { code: None, answer: Some((answer, Err(not_told()))) })
    }

    /// Tells that I write, or that I stopped. Never fails: it is only a hint.
    pub(super) fn tell_typing(&mut self, peer: UserId, active: bool, now: Instant) {
        let told = self.typing.get(&peer).copied();
        let worth = match (active, told) {
            (true, Some((at, true))) => TYPING <= now - at,
            (true, Some((_, false)) | None) => true,
            (false, told) => told.is_some_and(|(_, active)| active),
        };
        let conversation = self.chats.get(&peer).and_then(|chat| chat.conversation);
        if let (true, Some(conversation)) = (worth, conversation)
            && let Some(session) = self.link.session.as_mut()
            && session.send(now, Request::Typing { conversation, active }, Open::Typing).is_ok()
        {
            self.typing.insert(peer, (now, active));
        }
    }
}

impl Ask {
    pub(super) fn new(
        request: Request,
        effect: Effect,
        answer: Answer<Reply>,
        now: Instant,
    ) -> Self {
        Self { request, effect, answer, deadline: now + PATIENCE }
    }
}
