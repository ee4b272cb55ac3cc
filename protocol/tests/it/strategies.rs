//! Any value of every type, with lengths up to the limits.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
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
use thrive_protocol::limits::{self, Limits};
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
use thrive_protocol::text::{Line, MessageText, WelcomeText};
use thrive_protocol::{ClientFrame, Code, Event, NodeFrame, Refusal, Reply, Request};

mod admin;

use self::admin::{admin_answer, admin_command};

pub(crate) fn client_frame() -> impl Strategy<Value = ClientFrame> {
    (any::<u32>(), request()).prop_map(|(id, rq)| ClientFrame { id, rq })
}

pub(crate) fn node_frame() -> impl Strategy<Value = NodeFrame> {
    prop_oneof![
        (any::<u32>(), prop_oneof![reply().prop_map(Ok), refusal().prop_map(Err)])
            .prop_map(|(re, result)| NodeFrame::Reply { re, result }),
        event().prop_map(NodeFrame::Event),
    ]
}

/// What somebody may type: often short, sometimes very long, any characters.
fn words() -> impl Strategy<Value = String> {
    prop_oneof![
        8 => "\\PC{0,24}",
        2 => any::<String>(),
        1 => (any::<char>(), 0_usize..5_000).prop_map(|(c, n)| c.to_string().repeat(n)),
    ]
}

fn secret() -> impl Strategy<Value = Secret> {
    words().prop_map(Secret::new)
}

fn user() -> impl Strategy<Value = UserId> {
    any::<i64>().prop_map(UserId)
}

fn conversation_id() -> impl Strategy<Value = ConversationId> {
    any::<i64>().prop_map(ConversationId)
}

fn seq() -> impl Strategy<Value = Seq> {
    prop_oneof![any::<u64>(), Just(u64::MAX), 0_u64..300].prop_map(Seq)
}

fn time() -> impl Strategy<Value = Time> {
    any::<i64>().prop_map(Time)
}

fn message_id() -> impl Strategy<Value = ClientMsgId> {
    any::<[u8; 16]>().prop_map(ClientMsgId)
}

fn username() -> impl Strategy<Value = Username> {
    "[a-z0-9][a-z0-9._-]{1,30}[a-z0-9]"
        .prop_filter_map("a reserved word", |raw| Username::parse(&raw).ok())
}

fn line<const MAX: usize>() -> impl Strategy<Value = Line<MAX>> {
    words().prop_map(|raw| Line::cut(Line::<MAX>::cut(&raw).as_str()))
}

fn list<T: std::fmt::Debug, const MAX: usize>(
    item: impl Strategy<Value = T>,
) -> impl Strategy<Value = List<T, MAX>> {
    vec(item, 0..MAX.min(12) + 1).prop_map(List::cut)
}

fn availability() -> impl Strategy<Value = Availability> {
    use Availability as A;
    prop::sample::select(vec![
        A::Offline,
        A::Invisible,
        A::DoNotDisturb,
        A::Busy,
        A::Away,
        A::Online,
    ])
}

fn preset() -> impl Strategy<Value = Option<Preset>> {
    option::of(prop::sample::select(Preset::ALL))
}

fn welcome_text() -> impl Strategy<Value = WelcomeText> {
    words().prop_map(|raw| WelcomeText::cut(WelcomeText::cut(&raw).as_str()))
}

fn listed() -> impl Strategy<Value = Listed> {
    (user(), username(), presence(), relation(), any::<[bool; 3]>()).prop_map(
        |(user, username, presence, relation, [blocked, you, admin])| Listed {
            user,
            username,
            presence,
            relation,
            blocked,
            you,
            admin,
        },
    )
}

fn relation() -> impl Strategy<Value = Relation> {
    use Relation as R;
    prop::sample::select(vec![R::None, R::Asked, R::AsksMe, R::Contact])
}

fn presence() -> impl Strategy<Value = Presence> {
    (availability(), preset(), line(), option::of(time())).prop_map(
        |(availability, preset, text, last_seen)| Presence {
            availability,
            preset,
            text,
            last_seen,
        },
    )
}

fn contact() -> impl Strategy<Value = Contact> {
    let flags = (any::<bool>(), any::<bool>());
    (user(), username(), relation(), flags, line(), line(), line(), presence()).prop_map(
        |(user, username, relation, (blocked, admin), nickname, group, request, presence)| {
            Contact { user, username, relation, blocked, nickname, group, request, presence, admin }
        },
    )
}

fn conversation() -> impl Strategy<Value = Conversation> {
    (conversation_id(), user(), username(), seq(), seq(), seq(), seq()).prop_map(
        |(conversation, peer, peer_name, head, read, peer_read, peer_delivered)| Conversation {
            conversation,
            peer,
            peer_name,
            head,
            read,
            peer_read,
            peer_delivered,
        },
    )
}

fn entry() -> impl Strategy<Value = Entry> {
    let offer =
        (message_id(), file_id(), "[a-z]{1,40}\\.[a-z]{1,4}", any::<u64>(), file_hash(), time());
    let offer = offer.prop_filter_map("no name", |(id, file, name, size, sha256, expires)| {
        let name = FileName::parse(&name).ok()?;
        let content_type = ContentType::parse("text/plain");
        Some(Body::FileOffer(FileOffer { id, file, name, size, content_type, sha256, expires }))
    });
    let body = prop_oneof![
        1 => Just(Body::Unknown {}),
        2 => offer,
        2 => (file_id(), file_state()).prop_map(|(file, state)| Body::FileState { file, state }),
        9 => (message_id(), words()).prop_filter_map("no text", |(id, raw)| {
            Some(Body::Message { id, text: MessageText::parse(&raw).ok()? })
        }),
    ];
    (conversation_id(), seq(), user(), time(), body).prop_map(
        |(conversation, seq, sender, time, body)| Entry { conversation, seq, sender, time, body },
    )
}

fn file_id() -> impl Strategy<Value = FileId> {
    any::<i64>().prop_map(FileId)
}

fn file_hash() -> impl Strategy<Value = FileHash> {
    any::<[u8; 32]>().prop_map(FileHash)
}

fn file_state() -> impl Strategy<Value = FileState> {
    use FileState as F;
    prop::sample::select(vec![
        F::Accepted,
        F::Declined,
        F::Cancelled,
        F::Ready,
        F::Refused,
        F::Received,
        F::Unknown,
    ])
}

fn file_request() -> impl Strategy<Value = Request> {
    use Request as R;
    prop_oneof![
        (conversation_id(), message_id(), words(), any::<u64>(), words(), file_hash()).prop_map(
            |(conversation, id, name, size, content_type, sha256)| {
                let name = OfferedName(name);
                R::OfferFile(OfferFile { conversation, id, name, size, content_type, sha256 })
            }
        ),
        file_id().prop_map(|file| R::AcceptFile { file }),
        file_id().prop_map(|file| R::DeclineFile { file }),
        file_id().prop_map(|file| R::CancelFile { file }),
        file_id().prop_map(|file| R::FileReceived { file }),
        file_id().prop_map(|file| R::UploadFile { file }),
        (file_id(), any::<u64>()).prop_map(|(file, from)| R::DownloadFile { file, from }),
    ]
}

fn file_reply() -> impl Strategy<Value = Reply> {
    prop_oneof![
        (message_id(), seq(), time(), file_id(), time()).prop_map(
            |(id, seq, time, file, expires)| {
                Reply::FileOffered(FileOffered { id, seq, time, file, expires })
            }
        ),
        any::<u64>().prop_map(|from| Reply::Upload { from }),
        any::<u64>().prop_map(|size| Reply::Download { size }),
    ]
}

fn file_limits() -> impl Strategy<Value = FileLimits> {
    (any::<u64>(), any::<u64>(), any::<u64>(), list(words()))
        .prop_map(|(bytes, quota, keep_ms, refused)| FileLimits { bytes, quota, keep_ms, refused })
}

fn head() -> impl Strategy<Value = Head> {
    (conversation_id(), seq()).prop_map(|(conversation, seq)| Head { conversation, seq })
}

fn limits() -> impl Strategy<Value = Limits> {
    (any::<[u32; 7]>(), option::of(file_limits())).prop_map(
        |(
            [frame, frame_bulk, text_bytes, text_chars, status_chars, password_min, contacts],
            files,
        )| {
            Limits {
                frame,
                frame_bulk,
                text_bytes,
                text_chars,
                status_chars,
                password_min,
                contacts,
                files,
            }
        },
    )
}

fn sign_up() -> impl Strategy<Value = SignUp> {
    prop::sample::select(vec![SignUp::Open, SignUp::Invite, SignUp::Closed])
}

fn refusal() -> impl Strategy<Value = Refusal> {
    let numbers = (any::<Option<u64>>(), any::<Option<u64>>(), any::<Option<u64>>());
    (prop::sample::select(Code::ALL), numbers, option::of(time()), line()).prop_map(
        |(code, (retry_after_ms, limit, left), until, reason)| Refusal {
            code,
            retry_after_ms,
            limit,
            left,
            until,
            reason,
        },
    )
}

fn request() -> impl Strategy<Value = Request> {
    use Request as R;
    let account = prop_oneof![
        (any::<u32>(), words(), list(words())).prop_map(|(version, client, features)| {
            R::Hello(Hello { version, client, features })
        }),
        Just(R::ServerInfo {}),
        (words(), secret(), option::of(secret()), option::of(secret())).prop_map(
            |(username, password, email, invite)| {
                R::CreateAccount(CreateAccount { username, password, email, invite })
            },
        ),
        (words(), secret(), words()).prop_map(|(username, password, device)| {
            R::LogIn(LogIn { username, password, device, presence: None })
        }),
        secret().prop_map(|token| R::Resume(Resume { token })),
        Just(R::LogOut {}),
        (secret(), secret(), any::<bool>()).prop_map(|(old, new, end_other_sessions)| {
            R::ChangePassword(ChangePassword { old, new, end_other_sessions })
        }),
        Just(R::ListSessions {}),
        any::<i64>().prop_map(|id| R::RevokeSession { session: SessionId(id) }),
    ];
    let people = prop_oneof![
        Just(R::ListContacts {}),
        (words(), words())
            .prop_map(|(username, text)| R::RequestContact(RequestContact { username, text })),
        user().prop_map(|user| R::AcceptContact { user }),
        user().prop_map(|user| R::DeclineContact { user }),
        user().prop_map(|user| R::RemoveContact { user }),
        words().prop_map(|username| R::BlockUser(BlockUser { username })),
        user().prop_map(|user| R::UnblockUser { user }),
        (user(), words()).prop_map(|(user, nickname)| R::NameContact { user, nickname }),
        (user(), words()).prop_map(|(user, group)| R::GroupContact { user, group }),
        (words(), words()).prop_map(|(group, name)| R::RenameGroup { group, name }),
        (availability(), preset(), words()).prop_map(|(availability, preset, text)| {
            R::SetPresence(SetPresence { availability, preset, text })
        }),
        (
            prop::sample::select(vec![Tab::Everyone, Tab::Online, Tab::Offline, Tab::Admins]),
            words(),
            option::of(words()),
            any::<u32>()
        )
            .prop_map(|(tab, search, after, limit)| R::Directory(Directory {
                tab,
                search,
                after,
                limit
            })),
        Just(R::GetPrivacy {}),
        any::<[Option<bool>; 3]>().prop_map(
            |[listed, presence_to_strangers, last_seen_to_contacts]| {
                R::SetPrivacy(SetPrivacy { listed, presence_to_strangers, last_seen_to_contacts })
            }
        ),
    ];
    let position = head().prop_map(|it| Position { conversation: it.conversation, seq: it.seq });
    let messages = prop_oneof![
        words().prop_map(|username| R::OpenConversation { username }),
        (conversation_id(), message_id(), words()).prop_map(|(conversation, id, text)| {
            R::SendMessage(SendMessage { conversation, id, text: MessageBody(text) })
        }),
        (conversation_id(), option::of(seq()), any::<u32>()).prop_map(
            |(conversation, before, limit)| R::History(History { conversation, before, limit })
        ),
        (option::of(any::<i64>().prop_map(Epoch)), list(position))
            .prop_map(|(epoch, positions)| R::Sync(Sync { epoch, positions })),
        (conversation_id(), seq())
            .prop_map(|(conversation, seq)| R::MarkRead { conversation, seq }),
        (conversation_id(), seq())
            .prop_map(|(conversation, seq)| R::MarkDelivered { conversation, seq }),
        (conversation_id(), any::<bool>())
            .prop_map(|(conversation, active)| R::Typing { conversation, active }),
        Just(R::Heartbeat {}),
    ];
    let mail = prop_oneof![
        words().prop_map(|username| R::ResendCode(ResendCode { username })),
        (words(), secret())
            .prop_map(|(username, code)| R::VerifyAccount(VerifyAccount { username, code })),
        secret().prop_map(|account| R::RequestReset(RequestReset { account })),
        (words(), secret(), secret()).prop_map(|(username, code, password)| {
            R::ResetPassword(ResetPassword { username, code, password })
        }),
        Just(R::ShowEmail {}),
        (secret(), secret())
            .prop_map(|(email, password)| R::ChangeEmail(ChangeEmail { email, password })),
        secret().prop_map(|code| R::ConfirmEmail { code }),
    ];
    // Boxed, or the sum of all of them takes more of the stack than a test has.
    let admin = admin_command().prop_map(R::Admin).boxed();
    prop_oneof![account, people, messages, mail, file_request(), admin]
}

fn reply() -> impl Strategy<Value = Reply> {
    let session = (any::<i64>(), line(), time(), time(), any::<bool>()).prop_map(
        |(session, device, created, last_seen, current)| Session {
            session: SessionId(session),
            device,
            created,
            last_seen,
            current,
        },
    );
    let server = prop_oneof![
        Just(Reply::Done {}),
        (
            (any::<u32>(), words(), words()),
            (limits(), list(words()), sign_up(), time(), welcome_text(), any::<bool>())
        )
            .prop_map(
                |(
                    (version, server, software),
                    (limits, features, sign_up, time, text, email_required),
                )| {
                    Reply::Welcome(Welcome {
                        version,
                        server,
                        software,
                        limits,
                        features,
                        sign_up,
                        time,
                        text,
                        email_required,
                    })
                }
            ),
        (
            (words(), words(), any::<u64>(), any::<u64>(), time(), sign_up(), limits()),
            (option::of(words()), any::<Option<u16>>(), any::<bool>())
        )
            .prop_map(
                |(
                    (server, software, accounts, online, started, sign_up, limits),
                    (host, port, email_required),
                )| {
                    Reply::ServerInfo(ServerInfo {
                        server,
                        software,
                        accounts,
                        online,
                        started,
                        sign_up,
                        limits,
                        host,
                        port,
                        email_required,
                    })
                }
            ),
        ((user(), username(), any::<i64>(), option::of(secret()), any::<i64>()), welcome_text())
            .prop_map(|((user, username, session, token, epoch), text)| {
                let (session, epoch) = (SessionId(session), Epoch(epoch));
                Reply::LoggedIn(LoggedIn { user, username, session, token, epoch, text })
            }),
    ];
    let directory = prop_oneof![
        (list(listed()), option::of(words()))
            .prop_map(|(people, next)| Reply::Directory(DirectoryPage { people, next })),
        any::<[bool; 3]>().prop_map(|[listed, presence_to_strangers, last_seen_to_contacts]| {
            Reply::Privacy(Privacy { listed, presence_to_strangers, last_seen_to_contacts })
        }),
        list(session).prop_map(|sessions| Reply::Sessions { sessions }),
        (line(), list(user()))
            .prop_map(|(group, users)| Reply::GroupRenamed(GroupRenamed { group, users })),
    ];
    let content = prop_oneof![
        (list(contact()), presence(), any::<bool>()).prop_map(|(contacts, presence, admin)| {
            Reply::Roster { contacts, presence, admin }
        }),
        contact().prop_map(Reply::Contact),
        conversation().prop_map(Reply::Conversation),
        (message_id(), seq(), time())
            .prop_map(|(id, seq, time)| { Reply::Stored(Stored { id, seq, time }) }),
        (list(entry()), any::<bool>()).prop_map(|(entries, more)| Reply::Page { entries, more }),
        (any::<i64>(), any::<bool>(), list(conversation()), list(entry()), any::<bool>()).prop_map(
            |(epoch, reset, conversations, entries, more)| {
                let epoch = Epoch(epoch);
                Reply::SyncPage(SyncPage { epoch, reset, conversations, entries, more })
            }
        ),
        (list(head()), time()).prop_map(|(heads, time)| Reply::Heartbeat { heads, time }),
        (option::of(words()), option::of(words())).prop_map(|(address, changing_to)| {
            Reply::Email(EmailShown { address, changing_to })
        }),
    ];
    // On the heap: together they are too large for the stack of a test.
    let admin = admin_answer().prop_map(Reply::Admin).boxed();
    prop_oneof![admin, server.boxed(), directory.boxed(), content.boxed(), file_reply().boxed()]
}

fn event() -> impl Strategy<Value = Event> {
    let mark = (conversation_id(), user(), seq(), any::<bool>());
    prop_oneof![
        entry().prop_map(Event::Entry),
        conversation().prop_map(Event::Conversation),
        contact().prop_map(Event::Contact),
        user().prop_map(|user| Event::ContactGone { user }),
        (user(), presence()).prop_map(|(user, presence)| Event::Presence { user, presence }),
        mark.prop_map(|(conversation, user, seq, read)| match read {
            true => Event::Read { conversation, user, seq },
            false => Event::Delivered { conversation, user, seq },
        }),
        (conversation_id(), user(), any::<bool>()).prop_map(|(conversation, user, active)| {
            Event::Typing { conversation, user, active }
        }),
        list::<_, { limits::HEADS }>(head()).prop_map(|heads| Event::Heads { heads }),
        any::<u64>().prop_map(|deadline_ms| Event::GoAway { deadline_ms }),
        Just(Event::SessionEnded {}),
        (line(), time()).prop_map(|(text, time)| Event::Alert { text, time }),
        (option::of(time()), line()).prop_map(|(until, reason)| Event::Banned { until, reason }),
        Just(Event::AccountDeleted {}),
    ]
}
