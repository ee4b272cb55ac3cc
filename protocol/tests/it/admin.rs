//! One sample of every order of an admin, every answer, and what else they brought. Exhaustive like the
//! chains of `samples`.

use thrive_protocol::admin::{
    Address, AdminAnswer, AdminCommand, AuditEntry, AuditText, Ban, BanEntry, BanFiles, CreateUser,
    Extension, OnlinePerson, Person, Until,
};
use thrive_protocol::bounded::List;
use thrive_protocol::ids::{Time, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::{Availability, Contact, Presence, Relation};
use thrive_protocol::request::CreateAccount;
use thrive_protocol::secret::Secret;
use thrive_protocol::text::{GroupName, Nickname, Reason, RequestText, StatusText};
use thrive_protocol::{ClientFrame, Code, Event, NodeFrame, Refusal, Reply, Request};

use crate::samples::{CHRISTMAS_EVE, Frame};

pub(crate) fn all() -> Vec<(String, Frame)> {
    let chain = std::iter::successors(command_after(None), |it| command_after(Some(it)));
    let mut frames: Vec<_> = chain
        .map(|command| {
            let name = format!("up_admin_{}", command.kind());
            (name, Frame::Up(ClientFrame { id: 9, rq: Request::Admin(command) }))
        })
        .collect();
    let chain = std::iter::successors(answer_after(None), |it| answer_after(Some(it)));
    frames.extend(chain.map(|answer| {
        let name = format!("down_reply_admin_{}", answer_kind(&answer));
        (name, Frame::Down(NodeFrame::Reply { re: 9, result: Ok(Reply::Admin(answer)) }))
    }));
    frames.extend(other_forms());
    frames
}

/// What differs from the main sample in what it leaves out or has beside it.
fn other_forms() -> Vec<(String, Frame)> {
    let up = |name: &str, rq| (format!("up_{name}"), Frame::Up(ClientFrame { id: 9, rq }));
    let event =
        |name: &str, event| (format!("down_event_{name}"), Frame::Down(NodeFrame::Event(event)));
    let ban = |until| Ban { username: "bob".into(), until, reason: String::new() };
    let invited = CreateAccount {
        username: "bob".into(),
        password: Secret::new("correct horse battery".into()),
        email: None,
        invite: Some(Secret::new("k7wm-4f2p-9cxt-h3ra".into())),
    };
    vec![
        up("admin_ban_for_ever", Request::Admin(AdminCommand::Ban(ban(Until::Forever {})))),
        up("admin_ban_for_a_while", Request::Admin(AdminCommand::Ban(ban(Until::ForSeconds(60))))),
        up("admin_audit_newest", Request::Admin(AdminCommand::Audit { before: None, limit: 20 })),
        up("create_account_invited", Request::CreateAccount(invited)),
        event("banned_for_ever", Event::Banned { until: None, reason: Reason::default() }),
        event(
            "contact_admin",
            Event::Contact(Contact {
                user: UserId(8),
                username: bob(),
                relation: Relation::Contact,
                blocked: false,
                nickname: Nickname::default(),
                group: GroupName::default(),
                request: RequestText::default(),
                presence: Presence::default(),
                admin: true,
            }),
        ),
        (
            "down_refusal_banned_for_ever".into(),
            Frame::Down(NodeFrame::Reply {
                re: 9,
                result: Err(Refusal { until: None, ..Code::Banned.into() }),
            }),
        ),
        (
            "down_reply_roster_admin".into(),
            Frame::Down(NodeFrame::Reply {
                re: 9,
                result: Ok(Reply::Roster {
                    contacts: List::default(),
                    presence: Presence::default(),
                    admin: true,
                }),
            }),
        ),
    ]
}

fn command_after(before: Option<&AdminCommand>) -> Option<AdminCommand> {
    use AdminCommand as C;
    let username = || "bob".to_owned();
    let Some(before) = before else { return Some(C::Promote { username: username() }) };
    let next = match before {
        C::Promote { .. } => C::Demote { username: username() },
        C::Demote { .. } => C::CreateUser(CreateUser {
            username: username(),
            password: Secret::new("correct horse battery".into()),
            email: Some(Address("bob@example.org".into())),
        }),
        C::CreateUser(_) => C::DeleteUser { username: username() },
        C::DeleteUser { .. } => C::Ban(Ban {
            username: username(),
            until: Until::At(CHRISTMAS_EVE),
            reason: "spam".into(),
        }),
        C::Ban(_) => C::Unban { username: username() },
        C::Unban { .. } => C::Alert { text: "The server moves at eight.".into() },
        C::Alert { .. } => C::Stop { all: true },
        C::Stop { .. } => C::Restart {},
        C::Restart {} => C::BanFiles(BanFiles {
            username: username(),
            extension: "exe".into(),
            until: Until::ForSeconds(259_200),
            reason: "viruses".into(),
        }),
        C::BanFiles(_) => C::UnbanFiles { username: username(), extension: Some("exe".into()) },
        C::UnbanFiles { .. } => C::Who {},
        C::Who {} => C::Bans {},
        C::Bans {} => C::Audit { before: Some(4_001), limit: 50 },
        C::Audit { .. } => return None,
    };
    Some(next)
}

fn answer_after(before: Option<&AdminAnswer>) -> Option<AdminAnswer> {
    use AdminAnswer as A;
    let (user, username) = (UserId(8), bob());
    let person = || Person { user, username: bob() };
    let exe = || Extension::cut("exe");
    let Some(before) = before else { return Some(A::Promoted(person())) };
    let next = match before {
        A::Promoted(_) => A::Demoted(person()),
        A::Demoted(_) => A::UserCreated(person()),
        A::UserCreated(_) => A::UserDeleted { user, username, sessions: 2 },
        A::UserDeleted { .. } => {
            A::Banned { user, username, until: Some(CHRISTMAS_EVE), sessions: 1 }
        }
        A::Banned { .. } => A::Unbanned(person()),
        A::Unbanned(_) => A::Alerted { nodes: 3, people: 17, alone: false },
        A::Alerted { .. } => A::Stopping { nodes: 3, alone: false },
        A::Stopping { .. } => A::Restarting {},
        A::Restarting {} => A::FilesBanned { user, username, extension: exe(), until: None },
        A::FilesBanned { .. } => A::FilesUnbanned { user, username, bans: 1 },
        A::FilesUnbanned { .. } => A::Online {
            people: List::cut(vec![OnlinePerson {
                user,
                username,
                presence: Presence::new(Availability::Away, StatusText::cut("at lunch")),
                admin: true,
            }]),
            more: false,
        },
        A::Online { .. } => A::Bans {
            bans: List::cut(vec![BanEntry {
                user,
                username,
                files: Some(exe()),
                until: Some(CHRISTMAS_EVE),
                reason: Reason::cut("viruses"),
            }]),
            more: false,
        },
        A::Bans { .. } => A::Audit {
            entries: List::cut(vec![AuditEntry {
                id: 4_000,
                time: Time(1_763_645_897_123),
                by: Username::parse("ann").ok(),
                action: "ban".into(),
                target: AuditText::cut("bob"),
                detail: AuditText::cut("until 2026-12-24 23:59 UTC: spam"),
                outcome: "done".into(),
            }]),
            more: true,
        },
        A::Audit { .. } => return None,
    };
    Some(next)
}

fn answer_kind(answer: &AdminAnswer) -> &'static str {
    match answer {
        AdminAnswer::Promoted(_) => "promoted",
        AdminAnswer::Demoted(_) => "demoted",
        AdminAnswer::UserCreated(_) => "user_created",
        AdminAnswer::UserDeleted { .. } => "user_deleted",
        AdminAnswer::Banned { .. } => "banned",
        AdminAnswer::Unbanned(_) => "unbanned",
        AdminAnswer::Alerted { .. } => "alerted",
        AdminAnswer::Stopping { .. } => "stopping",
        AdminAnswer::Restarting {} => "restarting",
        AdminAnswer::FilesBanned { .. } => "files_banned",
        AdminAnswer::FilesUnbanned { .. } => "files_unbanned",
        AdminAnswer::Online { .. } => "online",
        AdminAnswer::Bans { .. } => "bans",
        AdminAnswer::Audit { .. } => "audit",
    }
}

fn bob() -> Username {
    Username::parse("bob").expect("a user name")
}
