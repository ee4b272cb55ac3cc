//! One line for each request: what it needs, who answers it. No rule lives here.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use thrive_protocol::admin::{AdminAnswer, AdminCommand};
use thrive_protocol::bounded::List;
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::{ClientMsgId, ConversationId, FileId, Time};
use thrive_protocol::limits::Limits;
use thrive_protocol::reply::{ServerInfo, SignUp, Welcome};
use thrive_protocol::request::Stream;
use thrive_protocol::text::WelcomeText;
use thrive_protocol::version::VERSION;
use thrive_protocol::{Code, Event, Refusal, Reply, Request};

use crate::bus::Bus;
use crate::clock;
use crate::hub::Hub;
use crate::news::{Answer, Audience, Done, Fault};
use crate::outage::Outage;
use crate::presence::Online;
use crate::service::files::{Download, Upload};
use crate::service::statuses::Statuses;
use crate::service::{Caller, Services};

/// A cheap handle.
#[derive(Clone)]
pub struct Dispatch {
    services: Arc<Services>,
    bus: Bus,
    online: Online,
    about: Arc<About>,
    /// Of the store, as requests feel it.
    outage: Arc<Outage>,
}

/// What the node says about itself.
#[derive(Clone, Debug)]
pub struct About {
    pub server: String,
    pub sign_up: SignUp,
    /// A new account needs an address.
    pub email_required: bool,
    pub started: Time,
    /// Where people reach it, if the operator says so.
    pub address: Option<(String, u16)>,
    /// For everybody who comes.
    pub welcome: WelcomeText,
}

/// What a login brings: the only way to a [`Caller`].
pub struct Login {
    pub caller: Caller,
}

impl Dispatch {
    #[must_use]
    pub fn new(services: Services, bus: Bus, online: Online, about: About) -> Self {
        let (services, about) = (Arc::new(services), Arc::new(about));
        Self { services, bus, online, about, outage: Arc::default() }
    }

    #[must_use]
    pub fn welcome(&self) -> Welcome {
        Welcome {
            version: VERSION,
            server: self.about.server.clone(),
            software: SOFTWARE.to_owned(),
            limits: self.limits(),
            features: List::default(),
            sign_up: self.about.sign_up,
            time: clock::now(),
            email_required: self.about.email_required,
            text: self.about.welcome.clone(),
        }
    }

    /// Answers somebody who has not logged in.
    ///
    /// # Errors
    /// What they are told.
    pub async fn greet(
        &self,
        from: IpAddr,
        request: Request,
    ) -> Result<(Reply, Option<Login>), Refusal> {
        let it = &self.services;
        match request {
            Request::ServerInfo {} => Ok((self.server_info().await?, None)),
            Request::CreateAccount(request) => {
                self.said("create_account", it.accounts.create(from, request).await)?;
                Ok((Reply::Done {}, None))
            }
            Request::LogIn(mut request) => {
                let presence = request.presence.take();
                self.said("log_in", presence.iter().try_for_each(Statuses::check))?;
                let done = self.said("log_in", it.accounts.log_in(from, request).await)?;
                self.bus.publish(&done.news);
                let (caller, reply) = done.reply;
                // Before anybody can see them: whoever wants to be invisible is not seen for a moment.
                if let Some(presence) = presence {
                    let set = self.set_presence(&caller, presence).await?;
                    self.bus.publish(&set.news);
                }
                Ok((Reply::LoggedIn(reply), Some(Login { caller })))
            }
            Request::Resume(request) => {
                let (caller, reply) = self.said("resume", it.accounts.resume(request).await)?;
                Ok((Reply::LoggedIn(reply), Some(Login { caller })))
            }
            Request::ResendCode(request) => {
                self.said("resend_code", it.emails.resend(from, request))?;
                Ok((Reply::Done {}, None))
            }
            Request::VerifyAccount(request) => {
                self.said("verify_account", it.emails.verify(from, request).await)?;
                Ok((Reply::Done {}, None))
            }
            Request::RequestReset(request) => {
                self.said("request_reset", it.emails.request_reset(from, request))?;
                Ok((Reply::Done {}, None))
            }
            Request::ResetPassword(request) => {
                let done = it.emails.reset_password(from, request).await;
                self.bus.publish(&self.said("reset_password", done)?.news);
                Ok((Reply::Done {}, None))
            }
            Request::Hello(_) => Err(Code::BadRequest.into()),
            other => {
                tracing::debug!(request.kind = other.kind(), "Request before login");
                Err(Code::LoginRequired.into())
            }
        }
    }

    /// Answers a request on the control stream. Its news is for the session to publish, after the
    /// reply is queued.
    ///
    /// # Errors
    /// What the caller is told.
    pub async fn answer(&self, caller: &Caller, request: Request) -> Result<Done<Reply>, Refusal> {
        let kind = request.kind();
        let it = &self.services;
        match request {
            Request::ServerInfo {} => Ok(Done::quietly(self.server_info().await?)),
            Request::LogOut {} => self.done(kind, it.accounts.log_out(caller).await),
            Request::ChangePassword(request) => {
                self.done(kind, it.accounts.change_password(caller, request).await)
            }
            Request::RevokeSession { session } => {
                self.done(kind, it.accounts.revoke_session(caller, session).await)
            }
            Request::ShowEmail {} => {
                let shown = self.said(kind, it.emails.show(caller).await)?;
                Ok(Done::quietly(Reply::Email(shown)))
            }
            Request::ChangeEmail(request) => {
                self.done(kind, it.emails.change(caller, request).await)
            }
            Request::ConfirmEmail { code } => {
                self.done(kind, it.emails.confirm(caller, code).await)
            }
            Request::RequestContact(request) => {
                self.contact(kind, it.contacts.request(caller, request).await)
            }
            Request::AcceptContact { user } => {
                self.contact(kind, it.contacts.accept(caller, user).await)
            }
            Request::DeclineContact { user } => {
                self.done(kind, it.contacts.decline(caller, user).await)
            }
            Request::RemoveContact { user } => {
                self.done(kind, it.contacts.remove(caller, user).await)
            }
            Request::BlockUser(request) => {
                self.contact(kind, it.contacts.block(caller, request).await)
            }
            Request::UnblockUser { user } => {
                self.done(kind, it.contacts.unblock(caller, user).await)
            }
            Request::NameContact { user, nickname } => {
                self.contact(kind, it.contacts.name(caller, user, &nickname).await)
            }
            Request::GroupContact { user, group } => {
                self.contact(kind, it.contacts.group(caller, user, &group).await)
            }
            Request::RenameGroup { group, name } => {
                let done =
                    self.said(kind, it.contacts.rename_group(caller, &group, &name).await)?;
                Ok(done.map(Reply::GroupRenamed))
            }
            Request::SetPresence(request) => self.set_presence(caller, request).await,
            Request::OpenConversation { username } => {
                let opened = self.said(kind, it.conversations.open(caller, &username).await)?;
                Ok(opened.map(Reply::Conversation))
            }
            Request::MarkRead { conversation, seq } => {
                self.done(kind, it.conversations.mark_read(caller, conversation, seq).await)
            }
            Request::MarkDelivered { conversation, seq } => {
                self.done(kind, it.conversations.mark_delivered(caller, conversation, seq).await)
            }
            Request::Typing { conversation, active } => {
                self.done(kind, it.conversations.typing(caller, conversation, active).await)
            }
            Request::OfferFile(request) => {
                let (offered, entry) = self.said(kind, it.files.offer(caller, request).await)?;
                Ok(Done { entry, ..Done::quietly(Reply::FileOffered(offered)) })
            }
            Request::AcceptFile { file } => self.logged(kind, it.files.accept(caller, file).await),
            Request::DeclineFile { file } => {
                self.logged(kind, it.files.decline(caller, file).await)
            }
            Request::CancelFile { file } => self.logged(kind, it.files.cancel(caller, file).await),
            Request::FileReceived { file } => {
                self.logged(kind, it.files.received(caller, file).await)
            }
            Request::Admin(command) => {
                Ok(self.said(kind, it.admins.answer(caller, command).await)?.map(Reply::Admin))
            }
            Request::Hello(_)
            | Request::CreateAccount(_)
            | Request::LogIn(_)
            | Request::Resume(_)
            | Request::ResendCode(_)
            | Request::VerifyAccount(_)
            | Request::RequestReset(_)
            | Request::ResetPassword(_) => Err(Code::AlreadyLoggedIn.into()),
            // Answered by the session itself, or on a stream of their own.
            Request::SendMessage(_)
            | Request::Heartbeat {}
            | Request::ListSessions {}
            | Request::ListContacts {}
            | Request::History(_)
            | Request::Sync(_)
            | Request::UploadFile { .. }
            | Request::DownloadFile { .. }
            | Request::Directory(_) => Err(Code::WrongStream.into()),
            Request::GetPrivacy {} => {
                let privacy = self.said(kind, it.privacy.of(caller).await)?;
                Ok(Done::quietly(Reply::Privacy(privacy)))
            }
            Request::SetPrivacy(request) => {
                let privacy = self.said(kind, it.privacy.set(caller, request).await)?;
                Ok(Done::quietly(Reply::Privacy(privacy)))
            }
        }
    }

    /// Answers a request that came on a stream of its own.
    ///
    /// # Errors
    /// What the caller is told.
    pub async fn answer_bulk(&self, caller: &Caller, request: Request) -> Result<Reply, Refusal> {
        let kind = request.kind();
        let it = &self.services;
        match request {
            Request::ListSessions {} => {
                let sessions = self.said(kind, it.accounts.list_sessions(caller).await)?;
                Ok(Reply::Sessions { sessions: List::cut(sessions) })
            }
            Request::ListContacts {} => {
                let contacts = self.said(kind, it.contacts.list(caller).await)?;
                let presence = self.said(kind, it.presence.of_account(caller.user).await)?.presence;
                let admin = self.said(kind, it.contacts.is_admin(caller).await)?;
                Ok(Reply::Roster { contacts: List::cut(contacts), presence, admin })
            }
            Request::History(request) => {
                let (entries, more) =
                    self.said(kind, it.conversations.history(caller, request).await)?;
                Ok(Reply::Page { entries: List::cut(entries), more })
            }
            Request::Sync(request) => {
                let page = self.said(kind, it.conversations.sync(caller, request).await)?;
                Ok(Reply::SyncPage(page))
            }
            Request::Directory(request) => {
                let page = self.said(kind, it.people.page(caller, request).await)?;
                Ok(Reply::Directory(page))
            }
            // Those that are asked on a stream of their own have no news for others.
            Request::Admin(command) if command.stream() == Stream::Bulk => {
                let done = self.said(kind, it.admins.answer(caller, command).await)?;
                Ok(Reply::Admin(done.reply))
            }
            other => {
                tracing::debug!(request.kind = other.kind(), "Request on the wrong stream");
                Err(Code::WrongStream.into())
            }
        }
    }

    /// Does what somebody at the machine of the server asks for; the news is for the console to publish.
    ///
    /// # Errors
    /// Why it was not done.
    pub async fn host(&self, command: AdminCommand) -> Result<Done<AdminAnswer>, Refusal> {
        self.said("admin", self.services.admins.host(command).await)
    }

    /// Follows what the caller is a member of, and shows the status that is stored. Call it after
    /// the connection is registered: a session that was ended before that is told from one that lives.
    ///
    /// # Errors
    /// The session is over, or the store cannot be read.
    pub async fn begin(&self, hub: &Hub, caller: &Caller) -> Result<(), Refusal> {
        let (it, user) = (&self.services, caller.user);
        let version = self.said("begin", it.accounts.contacts_version(caller).await)?;
        hub.contacts_are_at(user, version.ok_or(Code::SessionEnded)?);
        let heads = self.said("begin", it.conversations.heads_of(user).await)?;
        hub.follow(user, heads.into_iter().map(|head| head.conversation));
        // Read again after following: an entry stored before is in these heads, and one stored later
        // comes by the bus. A gap that shows here is filled by the next comparison of heads.
        drop(hub.raise(self.said("begin", it.conversations.heads_of(user).await)?));
        // Another device may choose another status meanwhile: the newer one wins, in any order.
        self.online.learn(user, self.said("begin", it.presence.of_account(user).await)?);
        Ok(())
    }

    /// Which of these messages of the caller are stored.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn stored(
        &self,
        caller: &Caller,
        conversation: ConversationId,
        ids: Vec<ClientMsgId>,
    ) -> Result<Vec<ClientMsgId>, Refusal> {
        self.said(
            "send_message",
            self.services.conversations.stored(caller, conversation, ids).await,
        )
    }

    /// Notes that the session is in use, for the list of devices.
    pub async fn touch(&self, caller: &Caller) {
        self.services.accounts.touch(caller).await;
    }

    async fn set_presence(
        &self,
        caller: &Caller,
        request: thrive_protocol::request::SetPresence,
    ) -> Result<Done<Reply>, Refusal> {
        let status =
            self.said("set_presence", self.services.presence.set(caller, request).await)?;
        self.online.chose(caller.user, status.clone());
        let event = Event::Presence { user: caller.user, presence: status.presence };
        Ok(Done::quietly(Reply::Done {}).and(
            Audience::User(caller.user),
            event,
            Some(caller.session),
        ))
    }

    fn limits(&self) -> Limits {
        Limits { files: self.services.files.limits(), ..Limits::default() }
    }

    async fn server_info(&self) -> Result<Reply, Refusal> {
        let accounts = self.said("server_info", self.services.accounts.count().await)?;
        let online = self.online.count();
        let (host, port) = self.about.address.clone().unzip();
        Ok(Reply::ServerInfo(ServerInfo {
            server: self.about.server.clone(),
            software: SOFTWARE.to_owned(),
            // Counted some seconds ago: it would be strange were more people online.
            accounts: accounts.max(online),
            online,
            started: self.about.started,
            sign_up: self.about.sign_up,
            limits: self.limits(),
            email_required: self.about.email_required,
            host,
            port,
        }))
    }
}

/// The content of files: for a stream of its own each.
impl Dispatch {
    /// # Errors
    /// What the caller is told.
    pub async fn upload(&self, caller: &Caller, file: FileId) -> Result<Upload, Refusal> {
        self.said(UPLOAD, self.services.files.upload(caller, file).await)
    }

    /// # Errors
    /// What the caller is told.
    pub async fn take(&self, upload: &mut Upload, bytes: Bytes) -> Result<(), Refusal> {
        self.said(UPLOAD, upload.take(bytes).await)
    }

    /// # Errors
    /// What the caller is told.
    pub async fn finish_upload(&self, upload: &mut Upload) -> Result<Option<Entry>, Refusal> {
        self.said(UPLOAD, upload.finish().await)
    }

    /// Ends an offer whose content is not what was offered. Where that does not work now, nothing of it is
    /// given out, either: it is not whole.
    pub async fn refuse_upload(&self, upload: Upload) -> Option<Entry> {
        self.said(UPLOAD, upload.refuse().await).ok().flatten()
    }

    /// # Errors
    /// What the caller is told.
    pub async fn download(
        &self,
        caller: &Caller,
        file: FileId,
        from: u64,
    ) -> Result<Download, Refusal> {
        self.said(DOWNLOAD, self.services.files.download(caller, file, from).await)
    }

    /// # Errors
    /// The rest cannot be had now.
    pub async fn next_of(&self, download: &mut Download) -> Result<Option<Bytes>, Refusal> {
        self.said(DOWNLOAD, download.next().await)
    }
}

const UPLOAD: &str = "upload_file";
const DOWNLOAD: &str = "download_file";

/// Program and version, as `welcome` and `server_info` name it.
const SOFTWARE: &str = concat!("thrive-node ", env!("CARGO_PKG_VERSION"));

/// Where requests end, well or not.
impl Dispatch {
    /// The place where a failed request ends: what the peer hears, and what the log says.
    fn said<T, E: Answer + 'static>(
        &self,
        kind: &'static str,
        result: Result<T, E>,
    ) -> Result<T, Refusal> {
        match result {
            Ok(it) => {
                if let Some(failed) = self.outage.worked(Instant::now()) {
                    tracing::info!(failed, "Requests are answered again");
                }
                Ok(it)
            }
            Err(error) => {
                self.report(kind, &error);
                Err(error.refusal())
            }
        }
    }

    fn report<E: Answer + 'static>(&self, kind: &'static str, error: &E) {
        let refusal = error.refusal().code;
        let code = refusal.word();
        match error.fault() {
            // As long as the store is away, this is so for everybody, and again and again.
            Fault::Ours if refusal == Code::Busy && !self.outage.failed(Instant::now()) => {
                let error = error as &dyn std::error::Error;
                tracing::debug!(request.kind = kind, code, error, "Request failed, as others did");
            }
            Fault::Ours => {
                let error = error as &dyn std::error::Error;
                tracing::error!(request.kind = kind, code, error, "Request failed");
            }
            Fault::Peer | Fault::Policy => {
                tracing::debug!(request.kind = kind, code, "Request refused");
            }
        }
    }

    /// A deed that is told by an entry of the log, if it is news.
    fn logged<E: Answer + 'static>(
        &self,
        kind: &'static str,
        result: Result<Option<Entry>, E>,
    ) -> Result<Done<Reply>, Refusal> {
        Ok(Done { entry: self.said(kind, result)?, ..Done::quietly(Reply::Done {}) })
    }

    fn done<E: Answer + 'static>(
        &self,
        kind: &'static str,
        result: Result<Done<()>, E>,
    ) -> Result<Done<Reply>, Refusal> {
        Ok(self.said(kind, result)?.map(|()| Reply::Done {}))
    }

    fn contact<E: Answer + 'static>(
        &self,
        kind: &'static str,
        result: Result<Done<thrive_protocol::people::Contact>, E>,
    ) -> Result<Done<Reply>, Refusal> {
        Ok(self.said(kind, result)?.map(Reply::Contact))
    }
}
