//! The frames of one whole session, in order: the worked example of `docs/PROTOCOL.md`. Their bytes
//! are vectors like all others.

use thrive_protocol::bounded::List;
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Epoch, Seq, SessionId, Time, UserId};
use thrive_protocol::limits::Limits;
use thrive_protocol::name::Username;
use thrive_protocol::people::{Availability, Contact, Conversation, Presence, Relation};
use thrive_protocol::reply::{LoggedIn, SignUp, Stored, SyncPage, Welcome};
use thrive_protocol::request::{Hello, LogIn, MessageBody, Position, SendMessage, Sync};
use thrive_protocol::secret::Secret;
use thrive_protocol::text::{
    GroupName, MessageText, Nickname, RequestText, StatusText, WelcomeText,
};
use thrive_protocol::{ClientFrame, Event, NodeFrame, Reply, Request};

use crate::samples::Frame;

/// Ann logs in, catches up, writes to Bob, and reads what he answers.
pub(crate) fn all() -> Vec<(String, Frame)> {
    let frames = [
        ("hello", up(1, hello())),
        ("welcome", down(1, welcome())),
        ("log_in", up(2, log_in())),
        ("logged_in", down(2, logged_in())),
        ("sync", up(0, Request::Sync(Sync { epoch: None, positions: List::default() }))),
        ("sync_page", down(0, page(2, List::cut(vec![hi(), how()])))),
        ("list_contacts", up(0, Request::ListContacts {})),
        ("roster", down(0, roster())),
        ("send_message", up(3, send())),
        ("stored", down(3, Reply::Stored(Stored { id: id(3), seq: Seq(3), time: time(900) }))),
        ("delivered", event(Event::Delivered { conversation: CHAT, user: BOB, seq: Seq(3) })),
        ("typing", event(Event::Typing { conversation: CHAT, user: BOB, active: true })),
        ("entry", event(Event::Entry(entry(4, BOB, "Half past eight?")))),
        ("mark_read", up(4, Request::MarkRead { conversation: CHAT, seq: Seq(4) })),
        ("done", down(4, Reply::Done {})),
        ("heartbeat", up(5, Request::Heartbeat {})),
        (
            "heads",
            down(5, Reply::Heartbeat { heads: List::cut(vec![head(6)]), time: time(21_000) }),
        ),
        ("sync_again", up(0, sync_again())),
        (
            "sync_page_again",
            down(0, page(6, List::cut(vec![entry(5, BOB, "Or nine."), entry(6, BOB, "Nine!")]))),
        ),
        ("go_away", event(Event::GoAway { deadline_ms: 500 })),
    ];
    let name = |(at, (name, frame)): (usize, (&str, _))| (format!("session_{at:02}_{name}"), frame);
    (1..).zip(frames).map(name).collect()
}

const CHAT: ConversationId = ConversationId(57_221_004_318_901);
const ANN: UserId = UserId(57_220_918_555_136);
const BOB: UserId = UserId(57_220_931_137_792);
const EPOCH: Epoch = Epoch(6_917_529_027_641_081_856);

fn up(id: u32, rq: Request) -> Frame {
    Frame::Up(ClientFrame { id, rq })
}

fn down(re: u32, reply: Reply) -> Frame {
    Frame::Down(NodeFrame::Reply { re, result: Ok(reply) })
}

fn event(event: Event) -> Frame {
    Frame::Down(NodeFrame::Event(event))
}

fn time(after_ms: i64) -> Time {
    Time(1_795_000_000_000 + after_ms)
}

fn id(number: u8) -> ClientMsgId {
    let mut bytes = [0x01, 0xa1, 0xec, 0xd5, 0x4e, 0x00, 0x70, 0, 0x80, 0, 0, 0, 0, 0, 0, 0];
    bytes[15] = number;
    ClientMsgId(bytes)
}

fn username(name: &str) -> Username {
    Username::parse(name).expect("a user name")
}

fn entry(seq: u8, sender: UserId, text: &str) -> Entry {
    Entry {
        conversation: CHAT,
        seq: Seq(seq.into()),
        sender,
        time: time(i64::from(seq) * 300),
        body: Body::Message { id: id(seq), text: MessageText::parse(text).expect("a text") },
    }
}

fn hi() -> Entry {
    entry(1, ANN, "Hi Bob!")
}

fn how() -> Entry {
    entry(2, BOB, "Hi Ann. Choir tonight?")
}

fn head(seq: u64) -> Head {
    Head { conversation: CHAT, seq: Seq(seq) }
}

fn hello() -> Request {
    Request::Hello(Hello { version: 1, client: "example 1.0".into(), features: List::default() })
}

fn welcome() -> Reply {
    Reply::Welcome(Welcome {
        version: 1,
        server: "The Lighthouse".into(),
        software: "thrive-node 0.1.0".into(),
        limits: Limits::default(),
        features: List::default(),
        sign_up: SignUp::Open,
        time: time(0),
        email_required: false,
        text: WelcomeText::default(),
    })
}

fn log_in() -> Request {
    Request::LogIn(LogIn {
        username: "Ann".into(),
        password: Secret::new("correct horse battery".into()),
        device: "kitchen".into(),
        presence: None,
    })
}

fn logged_in() -> Reply {
    Reply::LoggedIn(LoggedIn {
        user: ANN,
        username: username("ann"),
        session: SessionId(57_221_100_000_001),
        token: Some(Secret::new("q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA".into())),
        epoch: EPOCH,
        text: WelcomeText::default(),
    })
}

fn page(head: u64, entries: List<Entry, { thrive_protocol::limits::SYNC_PAGE }>) -> Reply {
    Reply::SyncPage(SyncPage {
        epoch: EPOCH,
        reset: false,
        conversations: List::cut(vec![Conversation {
            conversation: CHAT,
            peer: BOB,
            peer_name: username("bob"),
            head: Seq(head),
            read: Seq(head.min(4)),
            peer_read: Seq(head - 1),
            peer_delivered: Seq(head - 1),
        }]),
        entries,
        more: false,
    })
}

fn roster() -> Reply {
    let online = Presence::new(Availability::Online, StatusText::cut("singing"));
    Reply::Roster {
        contacts: List::cut(vec![Contact {
            user: BOB,
            username: username("bob"),
            relation: Relation::Contact,
            blocked: false,
            nickname: Nickname::default(),
            group: GroupName::default(),
            request: RequestText::default(),
            presence: online,
            admin: false,
        }]),
        presence: Presence::new(Availability::Online, StatusText::default()),
        admin: false,
    }
}

fn send() -> Request {
    Request::SendMessage(SendMessage {
        conversation: CHAT,
        id: id(3),
        text: MessageBody("Yes! At eight?".into()),
    })
}

fn sync_again() -> Request {
    let position = Position { conversation: CHAT, seq: Seq(4) };
    Request::Sync(Sync { epoch: Some(EPOCH), positions: List::cut(vec![position]) })
}
