//! One sample of every message. The chains below are exhaustive matches, so that a new variant does
//! not compile before it has a sample; the bytes of each are kept in `tests/vectors` for ever.

use bytes::Bytes;
use thrive_protocol::admin::{AdminAnswer, AdminCommand, Person};
use thrive_protocol::bounded::List;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Epoch, Seq, SessionId, Time, UserId};
use thrive_protocol::limits::Limits;
use thrive_protocol::name::Username;
use thrive_protocol::people::{Availability, Contact, Conversation, Presence, Relation, Session};
use thrive_protocol::reply::{LoggedIn, ServerInfo, SignUp, Stored, SyncPage, Welcome};
use thrive_protocol::request::{
    BlockUser, ChangePassword, CreateAccount, Hello, History, LogIn, MessageBody, Position,
    RequestContact, Resume, SendMessage, SetPresence, Sync,
};
use thrive_protocol::secret::Secret;
use thrive_protocol::text::{
    AlertText, DeviceName, MessageText, Nickname, Reason, RequestText, StatusText,
};
use thrive_protocol::{ClientFrame, Code, Event, NodeFrame, Refusal, Reply, Request};

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
    };
    vec![
        up(
            "history_from_the_end",
            Request::History(History { conversation: ConversationId(12), before: None, limit: 50 }),
        ),
        up("sync_first", Request::Sync(Sync { epoch: None, positions: List::default() })),
        (
            "down_reply_logged_in_by_token".into(),
            Frame::Down(NodeFrame::Reply { re: 2, result: Ok(Reply::LoggedIn(resumed)) }),
        ),
        event(
            "contact_plain",
            Event::Contact(Contact {
                user: UserId(8),
                username: username("bob"),
                relation: Relation::None,
                blocked: true,
                nickname: Nickname::default(),
                request: RequestText::default(),
                presence: Presence::default(),
                admin: false,
            }),
        ),
        event(
            "entry_unknown",
            Event::Entry(Entry { body: Body::Unknown {}, ..entry(4, "not shown") }),
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
            invite: None,
        }),
        R::CreateAccount(_) => R::LogIn(LogIn {
            username: "ann".into(),
            password: secret("correct horse battery"),
            device: "Ann's laptop".into(),
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
        R::Heartbeat {} => R::Admin(AdminCommand::Promote { username: "bob".into() }),
        R::Admin(_) => return None,
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
        }),
        Reply::Welcome(_) => Reply::ServerInfo(ServerInfo {
            server: "The Lighthouse".into(),
            software: "thrive-node 0.1.0".into(),
            accounts: 1_204,
            online: 17,
            started: Time(1_763_600_000_000),
            sign_up: SignUp::Closed,
            limits: Limits::default(),
        }),
        Reply::ServerInfo(_) => Reply::LoggedIn(LoggedIn {
            user: UserId(7),
            username: username("ann"),
            session: SessionId(90_001),
            token: Some(secret(TOKEN)),
            epoch: Epoch(-5_411_658_792_100_001),
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
        Reply::Heartbeat { .. } => Reply::Admin(AdminAnswer::Promoted(Person {
            user: UserId(8),
            username: username("bob"),
        })),
        Reply::Admin(_) => return None,
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
        Reply::Admin(_) => "admin",
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
        Code::NicknameTooLong => Refusal::over(code, 40),
        Code::Banned => Refusal::banned(Some(CHRISTMAS_EVE), Reason::cut("spam")),
        _ => code.into(),
    }
}

const TIME: Time = Time(1_763_645_897_123);
/// The end of 2026-12-24 in UTC.
pub(crate) const CHRISTMAS_EVE: Time = Time(1_798_156_799_999);
const TOKEN: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA";
const MESSAGE: ClientMsgId = ClientMsgId([
    0x01, 0x9a, 0x9f, 0x33, 0x0b, 0x63, 0x7c, 0x01, 0x8d, 0x2e, 0x00, 0xff, 0x10, 0x20, 0x30, 0x40,
]);

fn secret(words: &str) -> Secret {
    Secret::new(words.into())
}

fn username(name: &str) -> Username {
    Username::parse(name).expect("a user name")
}

fn presence(availability: Availability, text: &str) -> Presence {
    Presence { availability, text: StatusText::cut(text) }
}

fn contact() -> Contact {
    Contact {
        user: UserId(8),
        username: username("bob"),
        relation: Relation::AsksMe,
        blocked: false,
        nickname: Nickname::cut("Böbchen"),
        request: RequestText::cut("It is Bob from the choir."),
        presence: presence(Availability::Online, "singing"),
        admin: false,
    }
}

fn conversation() -> Conversation {
    Conversation {
        conversation: ConversationId(12),
        peer: UserId(8),
        peer_name: username("bob"),
        head: Seq(4),
        read: Seq(3),
        peer_read: Seq(2),
        peer_delivered: Seq(4),
    }
}

fn head() -> Head {
    Head { conversation: ConversationId(12), seq: Seq(4) }
}

fn entry(seq: u64, text: &str) -> Entry {
    Entry {
        conversation: ConversationId(12),
        seq: Seq(seq),
        sender: UserId(7),
        time: TIME,
        body: Body::Message { id: MESSAGE, text: MessageText::parse(text).expect("a text") },
    }
}
