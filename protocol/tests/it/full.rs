//! Messages that are as large as their limits allow must fit into their frames; what cannot is cut
//! by whoever fills it, and the sizes here are what that is calculated with.

use thrive_protocol::admin::{AdminAnswer, AuditEntry, BanEntry, OnlinePerson};
use thrive_protocol::bounded::List;
use thrive_protocol::directory::{DirectoryPage, Listed};
use thrive_protocol::entry::{Body, Entry};
use thrive_protocol::event::Head;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Epoch, Seq, Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::{Availability, Contact, Conversation, Presence, Relation};
use thrive_protocol::preset::Preset;
use thrive_protocol::reply::{GroupRenamed, SyncPage};
use thrive_protocol::request::{MessageBody, Position, SendMessage, Sync};
use thrive_protocol::text::{Line, MessageText};
use thrive_protocol::{ClientFrame, Event, NodeFrame, Refusal, Reply, Request, limits};

/// The character that costs most.
const WIDE: &str = "\u{1f600}";

fn wide_line<const MAX: usize>() -> Line<MAX> {
    Line::cut(&WIDE.repeat(MAX))
}

fn longest_name() -> Username {
    Username::parse(&"x".repeat(limits::USERNAME_MAX)).expect("a name")
}

fn body_len(frame: &NodeFrame) -> usize {
    frame.encode().len() - 4
}

fn largest_entry() -> Entry {
    Entry {
        conversation: ConversationId(i64::MIN),
        seq: Seq(u64::MAX),
        sender: UserId(i64::MIN),
        time: Time(i64::MIN),
        body: Body::Message {
            id: ClientMsgId([0xff; 16]),
            text: MessageText::parse(&WIDE.repeat(limits::TEXT_CHARS)).expect("a text"),
        },
    }
}

fn largest_conversation() -> Conversation {
    Conversation {
        conversation: ConversationId(i64::MIN),
        peer: UserId(i64::MIN),
        peer_name: longest_name(),
        head: Seq(u64::MAX),
        read: Seq(u64::MAX),
        peer_read: Seq(u64::MAX),
        peer_delivered: Seq(u64::MAX),
    }
}

#[test]
fn the_longest_message_fits_into_a_control_frame_both_ways() {
    let up = ClientFrame {
        id: u32::MAX,
        rq: Request::SendMessage(SendMessage {
            conversation: ConversationId(i64::MIN),
            id: ClientMsgId([0xff; 16]),
            text: MessageBody(WIDE.repeat(limits::TEXT_CHARS)),
        }),
    };
    assert!(up.encode().len() <= limits::FRAME);
    assert!(body_len(&NodeFrame::Event(Event::Entry(largest_entry()))) <= limits::FRAME);
}

#[test]
fn a_sync_with_every_position_fits_into_a_control_frame() {
    let position = Position { conversation: ConversationId(i64::MIN), seq: Seq(u64::MAX) };
    let positions = List::cut(vec![position; limits::POSITIONS]);
    let sync = Request::Sync(Sync { epoch: Some(Epoch(i64::MIN)), positions });
    assert!(ClientFrame { id: u32::MAX, rq: sync }.encode().len() <= limits::FRAME);
}

#[test]
fn a_full_heads_hint_fits_into_a_control_frame() {
    let head = Head { conversation: ConversationId(i64::MIN), seq: Seq(u64::MAX) };
    let heads = List::cut(vec![head; limits::HEADS]);
    assert!(body_len(&NodeFrame::Event(Event::Heads { heads })) <= limits::FRAME);
}

#[test]
fn a_sync_page_with_every_conversation_leaves_room_for_entries() {
    let page = |entries| {
        body_len(&NodeFrame::Reply {
            re: u32::MAX,
            result: Ok(Reply::SyncPage(SyncPage {
                epoch: Epoch(i64::MIN),
                reset: true,
                conversations: List::cut(vec![largest_conversation(); limits::POSITIONS]),
                entries,
                more: true,
            })),
        })
    };
    assert!(page(List::cut(vec![largest_entry(); 30])) <= limits::FRAME_BULK);
}

#[test]
fn a_full_roster_fits_into_a_bulk_frame() {
    let contact = Contact {
        user: UserId(i64::MIN),
        username: longest_name(),
        relation: Relation::AsksMe,
        blocked: false,
        nickname: wide_line(),
        group: Line::default(),
        request: wide_line(),
        // Shown only of contacts, who have no open request.
        presence: Presence { last_seen: Some(Time(i64::MIN)), ..Presence::default() },
        admin: true,
    };
    let roster = |contact: Contact| {
        body_len(&NodeFrame::Reply {
            re: u32::MAX,
            result: Ok(Reply::Roster {
                contacts: List::cut(vec![contact; limits::CONTACTS]),
                presence: Presence::default(),
                admin: true,
            }),
        })
    };
    let asking = roster(contact.clone());
    let online = roster(Contact {
        relation: Relation::Contact,
        group: wide_line(),
        request: Line::default(),
        presence: Presence {
            preset: Some(Preset::HidingFromTheParents),
            ..Presence::new(Availability::DoNotDisturb, wide_line())
        },
        ..contact
    });
    assert!(online <= limits::FRAME_BULK && asking <= limits::FRAME_BULK, "{online}, {asking}");
}

#[test]
fn a_group_of_every_contact_fits_into_a_control_frame() {
    let users = List::cut(vec![UserId(i64::MIN); limits::CONTACTS]);
    let renamed = Reply::GroupRenamed(GroupRenamed { group: wide_line(), users });
    let frame = NodeFrame::Reply { re: u32::MAX, result: Ok(renamed) };
    assert!(body_len(&frame) <= limits::FRAME);
}

#[test]
fn a_full_page_of_the_directory_fits_into_a_bulk_frame() {
    let person = Listed {
        user: UserId(i64::MIN),
        username: longest_name(),
        presence: Presence {
            preset: Some(Preset::HidingFromTheParents),
            ..Presence::new(Availability::DoNotDisturb, wide_line())
        },
        relation: Relation::Contact,
        blocked: true,
        you: true,
        admin: true,
    };
    let page = body_len(&NodeFrame::Reply {
        re: u32::MAX,
        result: Ok(Reply::Directory(DirectoryPage {
            people: List::cut(vec![person; limits::DIRECTORY_PAGE]),
            next: Some(longest_name().to_string()),
        })),
    });
    assert!(page <= limits::FRAME_BULK, "{page}");
}

#[test]
fn the_longest_answers_to_an_admin_fit_into_a_bulk_frame() {
    let answer =
        |answer| body_len(&NodeFrame::Reply { re: u32::MAX, result: Ok(Reply::Admin(answer)) });
    let (user, username) = (UserId(i64::MIN), longest_name());
    let person = OnlinePerson {
        user,
        username: username.clone(),
        presence: Presence::new(Availability::DoNotDisturb, wide_line()),
        admin: true,
    };
    let people = List::cut(vec![person; limits::WHO]);
    assert!(answer(AdminAnswer::Online { people, more: true }) <= limits::FRAME_BULK);
    let ban = BanEntry {
        user,
        username: username.clone(),
        files: Some(wide_line()),
        until: Some(Time(i64::MAX)),
        reason: wide_line(),
    };
    let bans = List::cut(vec![ban; limits::BANS]);
    assert!(answer(AdminAnswer::Bans { bans, more: true }) <= limits::FRAME_BULK);
    let entry = AuditEntry {
        id: i64::MIN,
        time: Time(i64::MIN),
        by: Some(username),
        action: "unban_files".into(),
        target: wide_line(),
        detail: wide_line(),
        outcome: "extension_invalid".into(),
    };
    let entries = List::cut(vec![entry; limits::AUDIT_PAGE]);
    assert!(answer(AdminAnswer::Audit { entries, more: true }) <= limits::FRAME_BULK);
}

#[test]
fn a_refusal_with_a_reason_fits_into_a_frame_before_login() {
    let refusal = Refusal::banned(Some(Time(i64::MAX)), wide_line());
    let frame = NodeFrame::Reply { re: u32::MAX, result: Err(refusal) };
    assert!(body_len(&frame) <= limits::FRAME_BEFORE_LOGIN);
}
