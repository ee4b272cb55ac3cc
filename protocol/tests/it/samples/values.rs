//! The values that the samples are made of.

use super::*;

pub(super) fn offer() -> Body {
    Body::FileOffer(FileOffer {
        id: MESSAGE,
        file: FileId(5_100),
        name: FileName::parse("Choir ☕.pdf").expect("a file name"),
        size: 20_971_520,
        content_type: ContentType::parse("application/pdf"),
        sha256: HASH,
        expires: EXPIRES,
    })
}

pub(super) fn server_with_files() -> Reply {
    let files = FileLimits {
        bytes: 104_857_600,
        quota: 1_073_741_824,
        keep_ms: 604_800_000,
        refused: List::cut(vec!["exe".into(), "msi".into()]),
    };
    Reply::ServerInfo(ServerInfo {
        server: "The Lighthouse".into(),
        software: "thrive-node 0.1.0".into(),
        accounts: 1_204,
        online: 17,
        started: Time(1_763_600_000_000),
        sign_up: SignUp::Closed,
        email_required: false,
        host: None,
        port: None,
        limits: Limits { files: Some(files), ..Limits::default() },
    })
}

pub(super) const HASH: FileHash = FileHash([0xa5; 32]);
pub(super) const EXPIRES: Time = Time(1_764_250_697_123);
pub(super) const TIME: Time = Time(1_763_645_897_123);
/// The end of 2026-12-24 in UTC.
pub(crate) const CHRISTMAS_EVE: Time = Time(1_798_156_799_999);
pub(super) const TOKEN: &str = "q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA";
pub(super) const MESSAGE: ClientMsgId = ClientMsgId([
    0x01, 0x9a, 0x9f, 0x33, 0x0b, 0x63, 0x7c, 0x01, 0x8d, 0x2e, 0x00, 0xff, 0x10, 0x20, 0x30, 0x40,
]);

pub(super) fn secret(words: &str) -> Secret {
    Secret::new(words.into())
}

pub(super) fn username(name: &str) -> Username {
    Username::parse(name).expect("a user name")
}

pub(super) fn presence(availability: Availability, text: &str) -> Presence {
    Presence::new(availability, StatusText::cut(text))
}

pub(super) fn listed() -> Vec<Listed> {
    let person = |user, name, relation| Listed {
        user: UserId(user),
        username: username(name),
        presence: Presence::default(),
        relation,
        blocked: false,
        you: false,
        admin: false,
    };
    vec![
        Listed { you: true, admin: true, ..person(7, "ann", Relation::None) },
        Listed {
            presence: Presence {
                preset: Some(Preset::InTheShower),
                ..presence(Availability::Away, "singing")
            },
            ..person(8, "bob", Relation::Contact)
        },
        Listed { blocked: true, ..person(66_000, "mallory", Relation::None) },
    ]
}

pub(super) fn contact() -> Contact {
    Contact {
        user: UserId(8),
        username: username("bob"),
        relation: Relation::AsksMe,
        blocked: false,
        nickname: Nickname::cut("Böbchen"),
        group: GroupName::default(),
        request: RequestText::cut("It is Bob from the choir."),
        presence: presence(Availability::Online, "singing"),
        admin: false,
    }
}

pub(super) fn conversation() -> Conversation {
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

pub(super) fn head() -> Head {
    Head { conversation: ConversationId(12), seq: Seq(4) }
}

pub(super) fn entry(seq: u64, text: &str) -> Entry {
    Entry {
        conversation: ConversationId(12),
        seq: Seq(seq),
        sender: UserId(7),
        time: TIME,
        body: Body::Message { id: MESSAGE, text: MessageText::parse(text).expect("a text") },
    }
}
