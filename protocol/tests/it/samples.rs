//! One sample of every message. The chains below are exhaustive matches, so that a new variant does
//! not compile before it has a sample; the bytes of each are kept in `tests/vectors` for ever.

use bytes::Bytes;
use thrive_protocol::admin::{AdminAnswer, AdminCommand, Person};
use thrive_protocol::bounded::List;
use thrive_protocol::directory::{Directory, DirectoryPage, Listed, Privacy, SetPrivacy, Tab};
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Head;
use thrive_protocol::file::{
    ContentType, FileHash, FileLimits, FileName, FileOffer, FileOffered, FileState, OfferFile,
    OfferedName,
};
use thrive_protocol::ids::{
    ClientMsgId, ConversationId, Epoch, FileId, Seq, SessionId, Time, UserId,
};
use thrive_protocol::limits::Limits;
use thrive_protocol::mail::{
    ChangeEmail, EmailShown, RequestReset, ResendCode, ResetPassword, VerifyAccount,
};
use thrive_protocol::name::Username;
use thrive_protocol::people::{Availability, Contact, Conversation, Presence, Relation, Session};
use thrive_protocol::preset::Preset;
use thrive_protocol::reply::{
    GroupRenamed, LoggedIn, ServerInfo, SignUp, Stored, SyncPage, Welcome,
};
use thrive_protocol::request::{
    BlockUser, ChangePassword, CreateAccount, Hello, History, LogIn, MessageBody, Position,
    RequestContact, Resume, SendMessage, SetPresence, Sync,
};
use thrive_protocol::secret::Secret;
use thrive_protocol::text::{
    AlertText, DeviceName, GroupName, MessageText, Nickname, Reason, RequestText, StatusText,
    WelcomeText,
};
use thrive_protocol::{ClientFrame, Code, Event, NodeFrame, Refusal, Reply, Request};

pub(crate) use self::values::CHRISTMAS_EVE;
use self::values::*;

#[path = "samples/values.rs"]
mod values;

/// A message in either direction.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Frame {
    Up(ClientFrame),
    Down(NodeFrame),
}

impl Frame {
    pub(crate) fn encode(&self) -> Bytes {
        match self {
            Self::Up(frame) => frame.encode(),
            Self::Down(frame) => frame.encode(),
        }
    }
}

/// Every sample with the name of its vector.
pub(crate) fn all() -> Vec<(String, Frame)> {
    let chain = std::iter::successors(request_after(None), |it| request_after(Some(it)));
    let mut frames: Vec<_> = (1..)
        .zip(chain)
        .map(|(id, rq)| (format!("up_{}", rq.kind()), Frame::Up(ClientFrame { id, rq })))
        .collect();
    let chain = std::iter::successors(reply_after(None), |it| reply_after(Some(it)));
    frames.extend((1..).zip(chain).map(|(re, reply)| {
        let name = format!("down_reply_{}", reply_kind(&reply));
        (name, Frame::Down(NodeFrame::Reply { re, result: Ok(reply) }))
    }));
    let chain = std::iter::successors(event_after(None), |it| event_after(Some(it)));
    frames.extend(chain.map(|event| {
        let name = format!("down_event_{}", event_kind(&event));
        (name, Frame::Down(NodeFrame::Event(event)))
    }));
    frames.extend((1..).zip(Code::ALL).map(|(re, code)| {
        let name = format!("down_refusal_{}", code.word());
        (name, Frame::Down(NodeFrame::Reply { re, result: Err(refusal(*code)) }))
    }));
    let (limit, left) = (Some(1_073_741_824), Some(52_428_800));
    let full = Refusal { limit, left, ..Code::FileQuota.into() };
    let full = Frame::Down(NodeFrame::Reply { re: 1, result: Err(full) });
    frames.push(("down_file_quota_with_what_is_left".to_owned(), full));
    frames.extend(other_forms());
    frames.extend(crate::admin::all());
    frames.extend(crate::session::all());
    frames
}

/// Forms of messages that differ from the main sample in what they leave out.
fn other_forms() -> Vec<(String, Frame)> {
    let up = |name: &str, rq| (format!("up_{name}"), Frame::Up(ClientFrame { id: 0, rq }));
    let event =
        |name: &str, event| (format!("down_event_{name}"), Frame::Down(NodeFrame::Event(event)));
    let resumed = LoggedIn {
        user: UserId(7),
        username: username("ann"),
        session: SessionId(90_001),
        token: None,
        epoch: Epoch(-5_411_658_792_100_001),
        text: WelcomeText::default(),
    };
    vec![
        up(
            "history_from_the_end",
            Request::History(History { conversation: ConversationId(12), before: None, limit: 50 }),
        ),
        up(
            "create_account_with_email",
            Request::CreateAccount(CreateAccount {
                username: "ann".into(),
                password: secret("correct horse battery"),
                email: Some(secret("ann@example.org")),
                invite: None,
            }),
        ),
        (
            "down_reply_welcome_email_required".into(),
            Frame::Down(NodeFrame::Reply {
                re: 1,
                result: Ok(Reply::Welcome(Welcome {
                    version: 1,
                    server: "The Lighthouse".into(),
                    software: "thrive-node 0.1.0".into(),
                    limits: Limits::default(),
                    features: List::default(),
                    sign_up: SignUp::Open,
                    time: TIME,
                    email_required: true,
                    text: WelcomeText::default(),
                })),
            }),
        ),
        (
            "down_reply_email_none".into(),
            Frame::Down(NodeFrame::Reply {
                re: 3,
                result: Ok(Reply::Email(EmailShown::default())),
            }),
        ),
        up("sync_first", Request::Sync(Sync { epoch: None, positions: List::default() })),
        (
            "down_reply_logged_in_by_token".into(),
            Frame::Down(NodeFrame::Reply { re: 2, result: Ok(Reply::LoggedIn(resumed.clone())) }),
        ),
        event(
            "contact_plain",
            Event::Contact(Contact {
                user: UserId(8),
                username: username("bob"),
                relation: Relation::None,
                blocked: true,
                nickname: Nickname::default(),
                group: GroupName::default(),
                request: RequestText::default(),
                presence: Presence::default(),
                admin: false,
            }),
        ),
        event(
            "contact_grouped",
            Event::Contact(Contact {
                relation: Relation::Contact,
                request: RequestText::default(),
                group: GroupName::cut("Küche"),
                ..contact()
            }),
        ),
        up(
            "set_presence_preset",
            Request::SetPresence(SetPresence {
                availability: Availability::DoNotDisturb,
                preset: Some(Preset::HidingFromTheParents),
                text: "shh".into(),
            }),
        ),
        up(
            "directory_first",
            Request::Directory(Directory {
                tab: Tab::Everyone,
                search: String::new(),
                after: None,
                limit: 50,
            }),
        ),
        up(
            "set_privacy_one",
            Request::SetPrivacy(SetPrivacy { listed: Some(false), ..SetPrivacy::default() }),
        ),
        (
            "down_reply_welcome_with_text".into(),
            Frame::Down(NodeFrame::Reply {
                re: 1,
                result: Ok(Reply::Welcome(Welcome {
                    version: 1,
                    server: "The Lighthouse".into(),
                    software: "thrive-node 0.1.0".into(),
                    limits: Limits::default(),
                    features: List::default(),
                    sign_up: SignUp::Open,
                    time: TIME,
                    text: WelcomeText::cut("Welcome!\nMaintenance is on Sunday at noon."),
                    email_required: false,
                })),
            }),
        ),
        (
            "down_reply_logged_in_with_text".into(),
            Frame::Down(NodeFrame::Reply {
                re: 2,
                result: Ok(Reply::LoggedIn(LoggedIn {
                    text: WelcomeText::cut("Be kind to each other."),
                    ..resumed
                })),
            }),
        ),
        (
            "down_reply_server_info_with_host".into(),
            Frame::Down(NodeFrame::Reply {
                re: 1,
                result: Ok(Reply::ServerInfo(ServerInfo {
                    server: "The Lighthouse".into(),
                    software: "thrive-node 0.1.0".into(),
                    accounts: 1_204,
                    online: 17,
                    started: Time(1_763_600_000_000),
                    sign_up: SignUp::Open,
                    limits: Limits::default(),
                    host: Some("chat.example.org".into()),
                    port: Some(2005),
                    email_required: false,
                })),
            }),
        ),
        (
            "down_reply_directory_end".into(),
            Frame::Down(NodeFrame::Reply {
                re: 0,
                result: Ok(Reply::Directory(DirectoryPage { people: List::default(), next: None })),
            }),
        ),
        event(
            "presence_last_seen",
            Event::Presence {
                user: UserId(8),
                presence: Presence { last_seen: Some(TIME), ..Presence::default() },
            },
        ),
        event(
            "entry_unknown",
            Event::Entry(Entry { body: Body::Unknown {}, ..entry(4, "not shown") }),
        ),
        event("entry_file_offer", Event::Entry(Entry { body: offer(), ..entry(5, "a file") })),
        event(
            "entry_file_state",
            Event::Entry(Entry {
                body: Body::FileState { file: FileId(5_100), state: FileState::Accepted },
                ..entry(6, "a file")
            }),
        ),
        (
            "down_reply_server_info_with_files".into(),
            Frame::Down(NodeFrame::Reply { re: 2, result: Ok(server_with_files()) }),
        ),
    ]
}

fn request_after(before: Option<&Request>) -> Option<Request> {
    use Request as R;
    let Some(before) = before else {
        return Some(R::Hello(Hello {
            version: 1,
            client: "thrive 0.1.0".into(),
            features: List::cut(vec!["datagrams".into()]),
        }));
    };
    let next = match before {
        R::Hello(_) => R::ServerInfo {},
        R::ServerInfo {} => R::CreateAccount(CreateAccount {
            username: "ann".into(),
            password: secret("correct horse battery"),
            email: None,
            invite: None,
        }),
        R::CreateAccount(_) => R::LogIn(LogIn {
            username: "ann".into(),
            password: secret("correct horse battery"),
            device: "Ann's laptop".into(),
            presence: None,
        }),
        R::LogIn(_) => R::Resume(Resume { token: secret(TOKEN) }),
        R::Resume(_) => R::LogOut {},
        R::LogOut {} => R::ChangePassword(ChangePassword {
            old: secret("correct horse battery"),
            new: secret("staple staple staple"),
            end_other_sessions: true,
        }),
        R::ChangePassword(_) => R::ListSessions {},
        R::ListSessions {} => R::RevokeSession { session: SessionId(90_001) },
        R::RevokeSession { .. } => R::ListContacts {},
        R::ListContacts {} => R::RequestContact(RequestContact {
            username: "bob".into(),
            text: "Hi Bob, it is Ann from the choir.".into(),
        }),
        R::RequestContact(_) => R::AcceptContact { user: UserId(7) },
        R::AcceptContact { .. } => R::DeclineContact { user: UserId(7) },
        R::DeclineContact { .. } => R::RemoveContact { user: UserId(8) },
        R::RemoveContact { .. } => R::BlockUser(BlockUser { username: "mallory".into() }),
        R::BlockUser(_) => R::UnblockUser { user: UserId(66_000) },
        R::UnblockUser { .. } => R::NameContact { user: UserId(8), nickname: "Böbchen".into() },
        R::NameContact { .. } => R::SetPresence(SetPresence {
            availability: Availability::DoNotDisturb,
            preset: None,
            text: "in a meeting".into(),
        }),
        R::SetPresence(_) => R::OpenConversation { username: "bob".into() },
        R::OpenConversation { .. } => R::SendMessage(SendMessage {
            conversation: ConversationId(12),
            id: MESSAGE,
            text: MessageBody("Hello, Bob! ☕".into()),
        }),
        R::SendMessage(_) => R::History(History {
            conversation: ConversationId(12),
            before: Some(Seq(1_000)),
            limit: 200,
        }),
        R::History(_) => R::Sync(Sync {
            epoch: Some(Epoch(-5_411_658_792_100_001)),
            positions: List::cut(vec![
                Position { conversation: ConversationId(12), seq: Seq(3) },
                Position { conversation: ConversationId(70_000), seq: Seq(4_294_967_296) },
            ]),
        }),
        R::Sync(_) => R::MarkRead { conversation: ConversationId(12), seq: Seq(4) },
        R::MarkRead { .. } => R::MarkDelivered { conversation: ConversationId(12), seq: Seq(4) },
        R::MarkDelivered { .. } => R::Typing { conversation: ConversationId(12), active: true },
        R::Typing { .. } => R::Heartbeat {},
        R::Heartbeat {} => R::ResendCode(ResendCode { username: "ann".into() }),
        R::ResendCode(_) => {
            R::VerifyAccount(VerifyAccount { username: "ann".into(), code: secret("K7QMR2XP") })
        }
        R::VerifyAccount(_) => R::RequestReset(RequestReset { account: secret("ann@example.org") }),
        R::RequestReset(_) => R::ResetPassword(ResetPassword {
            username: "ann".into(),
            code: secret("K7QMR2XP"),
            password: secret("staple staple staple"),
        }),
        R::ResetPassword(_) => R::ShowEmail {},
        R::ShowEmail {} => R::ChangeEmail(ChangeEmail {
            email: secret("ann@example.net"),
            password: secret("correct horse battery"),
        }),
        R::ChangeEmail(_) => R::ConfirmEmail { code: secret("K7QMR2XP") },
        R::ConfirmEmail { .. } => R::OfferFile(OfferFile {
            conversation: ConversationId(12),
            id: MESSAGE,
            name: OfferedName("Choir ☕.pdf".into()),
            size: 20_971_520,
            content_type: "application/pdf".into(),
            sha256: HASH,
        }),
        R::OfferFile(_) => R::AcceptFile { file: FileId(5_100) },
        R::AcceptFile { .. } => R::DeclineFile { file: FileId(5_100) },
        R::DeclineFile { .. } => R::CancelFile { file: FileId(5_100) },
        R::CancelFile { .. } => R::FileReceived { file: FileId(5_100) },
        R::FileReceived { .. } => R::UploadFile { file: FileId(5_100) },
        R::UploadFile { .. } => R::DownloadFile { file: FileId(5_100), from: 1_048_576 },
        R::DownloadFile { .. } => R::Directory(Directory {
            tab: Tab::Online,
            search: "ann".into(),
            after: Some("ann".into()),
            limit: 200,
        }),
        R::Directory(_) => R::GetPrivacy {},
        R::GetPrivacy {} => R::SetPrivacy(SetPrivacy {
            listed: Some(true),
            presence_to_strangers: Some(false),
            last_seen_to_contacts: Some(true),
        }),
        R::SetPrivacy(_) => R::Admin(AdminCommand::Promote { username: "bob".into() }),
        R::Admin(_) => R::GroupContact { user: UserId(8), group: "Küche".into() },
        R::GroupContact { .. } => R::RenameGroup { group: "Küche".into(), name: "Work".into() },
        R::RenameGroup { .. } => return None,
    };
    Some(next)
}

fn reply_after(before: Option<&Reply>) -> Option<Reply> {
    let Some(before) = before else { return Some(Reply::Done {}) };
    let next = match before {
        Reply::Done {} => Reply::Welcome(Welcome {
            version: 1,
            server: "The Lighthouse".into(),
            software: "thrive-node 0.1.0".into(),
            limits: Limits::default(),
            features: List::default(),
            sign_up: SignUp::Open,
            time: TIME,
            email_required: false,
            text: WelcomeText::default(),
        }),
        Reply::Welcome(_) => Reply::ServerInfo(ServerInfo {
            server: "The Lighthouse".into(),
            software: "thrive-node 0.1.0".into(),
            accounts: 1_204,
            online: 17,
            started: Time(1_763_600_000_000),
            sign_up: SignUp::Closed,
            limits: Limits::default(),
            email_required: false,
            host: None,
            port: None,
        }),
        Reply::ServerInfo(_) => Reply::LoggedIn(LoggedIn {
            user: UserId(7),
            username: username("ann"),
            session: SessionId(90_001),
            token: Some(secret(TOKEN)),
            epoch: Epoch(-5_411_658_792_100_001),
            text: WelcomeText::default(),
        }),
        Reply::LoggedIn(_) => Reply::Sessions {
            sessions: List::cut(vec![Session {
                session: SessionId(90_001),
                device: DeviceName::cut("Ann's laptop"),
                created: Time(1_763_600_000_000),
                last_seen: TIME,
                current: true,
            }]),
        },
        Reply::Sessions { .. } => Reply::Roster {
            contacts: List::cut(vec![contact()]),
            presence: presence(Availability::Invisible, ""),
            admin: false,
        },
        Reply::Roster { .. } => Reply::Contact(contact()),
        Reply::Contact(_) => Reply::Conversation(conversation()),
        Reply::Conversation(_) => Reply::Stored(Stored { id: MESSAGE, seq: Seq(4), time: TIME }),
        Reply::Stored(_) => Reply::Page {
            entries: List::cut(vec![entry(3, "Hello, Ann."), entry(4, "How are you?\nWell?")]),
            more: true,
        },
        Reply::Page { .. } => Reply::SyncPage(SyncPage {
            epoch: Epoch(-5_411_658_792_100_001),
            reset: false,
            conversations: List::cut(vec![conversation()]),
            entries: List::cut(vec![entry(4, "Hello, Bob! ☕")]),
            more: false,
        }),
        Reply::SyncPage(_) => Reply::Heartbeat { heads: List::cut(vec![head()]), time: TIME },
        Reply::Heartbeat { .. } => Reply::Email(EmailShown {
            address: Some("a***@example.org".into()),
            changing_to: Some("a***@example.net".into()),
        }),
        Reply::Email(_) => Reply::FileOffered(FileOffered {
            id: MESSAGE,
            seq: Seq(5),
            time: TIME,
            file: FileId(5_100),
            expires: EXPIRES,
        }),
        Reply::FileOffered(_) => Reply::Upload { from: 1_048_576 },
        Reply::Upload { .. } => Reply::Download { size: 20_971_520 },
        Reply::Download { .. } => Reply::Directory(DirectoryPage {
            people: List::cut(listed()),
            next: Some("bob".into()),
        }),
        Reply::Directory(_) => Reply::Privacy(Privacy {
            listed: true,
            presence_to_strangers: false,
            last_seen_to_contacts: true,
        }),
        Reply::Privacy(_) => Reply::Admin(AdminAnswer::Promoted(Person {
            user: UserId(8),
            username: username("bob"),
        })),
        Reply::Admin(_) => Reply::GroupRenamed(GroupRenamed {
            group: GroupName::cut("Work"),
            users: List::cut(vec![UserId(8), UserId(66_000)]),
        }),
        Reply::GroupRenamed(_) => return None,
    };
    Some(next)
}

pub(crate) fn reply_kind(reply: &Reply) -> &'static str {
    match reply {
        Reply::Done {} => "done",
        Reply::Welcome(_) => "welcome",
        Reply::ServerInfo(_) => "server_info",
        Reply::LoggedIn(_) => "logged_in",
        Reply::Sessions { .. } => "sessions",
        Reply::Roster { .. } => "roster",
        Reply::Contact(_) => "contact",
        Reply::Conversation(_) => "conversation",
        Reply::Stored(_) => "stored",
        Reply::Page { .. } => "page",
        Reply::SyncPage(_) => "sync_page",
        Reply::Heartbeat { .. } => "heartbeat",
        Reply::Email(_) => "email",
        Reply::FileOffered(_) => "file_offered",
        Reply::Upload { .. } => "upload",
        Reply::Download { .. } => "download",
        Reply::Directory(_) => "directory",
        Reply::Privacy(_) => "privacy",
        Reply::Admin(_) => "admin",
        Reply::GroupRenamed(_) => "group_renamed",
    }
}

fn event_after(before: Option<&Event>) -> Option<Event> {
    let (conversation, user) = (ConversationId(12), UserId(8));
    let Some(before) = before else { return Some(Event::Entry(entry(4, "Hello, Bob! ☕"))) };
    let next = match before {
        Event::Entry(_) => Event::Conversation(self::conversation()),
        Event::Conversation(_) => Event::Contact(contact()),
        Event::Contact(_) => Event::ContactGone { user },
        Event::ContactGone { .. } => {
            Event::Presence { user, presence: presence(Availability::Away, "at lunch") }
        }
        Event::Presence { .. } => Event::Read { conversation, user, seq: Seq(4) },
        Event::Read { .. } => Event::Delivered { conversation, user, seq: Seq(4) },
        Event::Delivered { .. } => Event::Typing { conversation, user, active: false },
        Event::Typing { .. } => Event::Heads { heads: List::cut(vec![head()]) },
        Event::Heads { .. } => Event::GoAway { deadline_ms: 5_000 },
        Event::GoAway { .. } => Event::SessionEnded {},
        Event::SessionEnded {} => {
            Event::Alert { text: AlertText::cut("The server moves at eight."), time: TIME }
        }
        Event::Alert { .. } => {
            Event::Banned { until: Some(CHRISTMAS_EVE), reason: Reason::cut("spam") }
        }
        Event::Banned { .. } => Event::AccountDeleted {},
        Event::AccountDeleted {} => return None,
    };
    Some(next)
}

pub(crate) fn event_kind(event: &Event) -> &'static str {
    match event {
        Event::Entry(_) => "entry",
        Event::Conversation(_) => "conversation",
        Event::Contact(_) => "contact",
        Event::ContactGone { .. } => "contact_gone",
        Event::Presence { .. } => "presence",
        Event::Read { .. } => "read",
        Event::Delivered { .. } => "delivered",
        Event::Typing { .. } => "typing",
        Event::Heads { .. } => "heads",
        Event::GoAway { .. } => "go_away",
        Event::SessionEnded {} => "session_ended",
        Event::Alert { .. } => "alert",
        Event::Banned { .. } => "banned",
        Event::AccountDeleted {} => "account_deleted",
    }
}

/// The parameters that go with a code on the real wire.
fn refusal(code: Code) -> Refusal {
    let wait = std::time::Duration::from_millis(1_500);
    match code {
        Code::Busy | Code::SlowDown => Refusal::after(code, wait),
        Code::TextTooLong => Refusal::over(code, 4_000),
        Code::PasswordTooShort => Refusal::over(code, 8),
        Code::PasswordTooLong => Refusal::over(code, 256),
        Code::TooManyContacts => Refusal::over(code, 1_000),
        Code::StatusTooLong => Refusal::over(code, 120),
        Code::NicknameTooLong | Code::GroupTooLong => Refusal::over(code, 40),
        Code::TooManyAccounts => Refusal::over(code, 3),
        Code::FileTooLarge => Refusal::over(code, 104_857_600),
        Code::FileQuota => Refusal::over(code, 1_073_741_824),
        Code::TooManyFiles => Refusal::over(code, 500),
        Code::FileNotReady | Code::TransferElsewhere => Refusal::after(code, wait),
        Code::Banned => Refusal::banned(Some(CHRISTMAS_EVE), Reason::cut("spam")),
        _ => code.into(),
    }
}
