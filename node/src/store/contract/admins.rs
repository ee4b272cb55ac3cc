//! Orders of admins, what they keep somebody from, and the audit.

use thrive_protocol::Code;
use thrive_protocol::admin::{AuditEntry, Extension};
use thrive_protocol::ids::SessionId;
use thrive_protocol::mail::EmailAddress;
use thrive_protocol::people::Relation;
use thrive_protocol::text::{DeviceName, Reason, RequestText};

use super::*;
use crate::domain::relation::Pair;
use crate::store::accounts::{CreateAccountError, NewAddress};
use crate::store::admins::{By, Carried, Deed, Order};
use crate::store::bans::{BanInForce, FOREVER};
use crate::store::error::rule;
use crate::store::sessions::NewSession;

const LATER: Time = Time(NOW.0 + 1_000);

fn name(raw: &str) -> Username {
    Username::parse(raw).unwrap()
}

fn reason() -> Reason {
    Reason::cut("spam")
}

fn bans(raw: &str, ends: Time) -> Deed {
    Deed::Ban { username: name(raw), ends, reason: reason() }
}

async fn order(database: &Database, by: &By, deed: Deed) -> Result<Carried, Code> {
    let target = match &deed {
        Deed::Promote(it)
        | Deed::Demote(it)
        | Deed::Delete(it)
        | Deed::Ban { username: it, .. } => it.to_string(),
        _ => String::new(),
    };
    let (by, detail) = (by.clone(), "a detail".to_owned());
    let order = Order { by, now: NOW, action: "a test", target, detail, deed: Ok(deed) };
    database.administer(&order).await.unwrap().map_err(|refusal| refusal.code)
}

async fn begin(database: &Database, user: UserId, number: u8) -> Option<SessionId> {
    let new = NewSession {
        user,
        verified: HASH.into(),
        token_hash: [number; 32],
        device: DeviceName::cut("a test"),
        created: NOW,
        at_most: 9,
    };
    database.begin_session(&new).await.unwrap().map(|it| it.session)
}

/// Somebody who is logged in.
async fn person(database: &Database, raw: &str, number: u8) -> (UserId, By) {
    let user = account(database, raw).await;
    let session = begin(database, user, number).await.unwrap();
    (user, By::Account { user, session, username: name(raw) })
}

/// Ann, who is an admin, and Bob.
async fn admin_and_bob(database: &Database) -> ((UserId, By), (UserId, By)) {
    let ann = person(database, "ann", 1).await;
    order(database, &By::Host, Deed::Promote(name("ann"))).await.unwrap();
    (ann, person(database, "bob", 2).await)
}

async fn audited(database: &Database) -> Vec<AuditEntry> {
    database.audit(None, 100).await.unwrap()
}

#[tokio::test]
async fn only_an_admin_gives_orders_and_only_while_the_session_lives() {
    on_each_engine(async |database| {
        let ((ann, by_ann), (bob, by_bob)) = admin_and_bob(&database).await;
        let refused = order(&database, &by_bob, Deed::Promote(name("bob"))).await;
        assert_eq!(refused.unwrap_err(), Code::AdminOnly);
        assert!(!database.is_admin(bob).await.unwrap());

        let carried = order(&database, &by_ann, Deed::Promote(name("bob"))).await.unwrap();
        assert_eq!((carried.user, &carried.lists[..]), (Some(bob), &[bob][..]));
        assert_eq!(database.admins_among(&[ann, bob, UserId(7)]).await.unwrap().len(), 2);
        order(&database, &by_bob, Deed::Demote(name("ann"))).await.unwrap();
        let refused = order(&database, &by_ann, Deed::Demote(name("bob"))).await;
        assert_eq!(refused.unwrap_err(), Code::AdminOnly, "the right is gone at once");

        let By::Account { session, .. } = by_bob else { panic!("an account") };
        assert!(database.end_session(bob, session).await.unwrap());
        let refused = order(&database, &by_bob, Deed::Promote(name("ann"))).await;
        assert_eq!(refused.unwrap_err(), Code::AdminOnly, "a session that is over orders nothing");
    })
    .await;
}

#[tokio::test]
async fn the_last_admin_can_neither_go_nor_be_kept_out() {
    on_each_engine(async |database| {
        let ((ann, by_ann), (_, by_bob)) = admin_and_bob(&database).await;
        let refused = async |deed| order(&database, &by_ann, deed).await.unwrap_err();
        assert_eq!(refused(Deed::Demote(name("ann"))).await, Code::LastAdmin);
        assert_eq!(refused(Deed::Delete(name("ann"))).await, Code::LastAdmin);
        assert_eq!(refused(bans("ann", FOREVER)).await, Code::LastAdmin);
        // An admin who is kept out is no help.
        order(&database, &by_ann, Deed::Promote(name("bob"))).await.unwrap();
        order(&database, &by_ann, bans("bob", LATER)).await.unwrap();
        assert_eq!(refused(Deed::Demote(name("ann"))).await, Code::LastAdmin);
        assert_eq!(order(&database, &by_bob, Deed::Nothing).await.unwrap_err(), Code::AdminOnly);
        order(&database, &By::Host, Deed::Demote(name("ann"))).await.unwrap();
        assert!(!database.is_admin(ann).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn a_ban_ends_sessions_lasts_to_its_last_moment_and_keeps_new_ones_out() {
    on_each_engine(async |database| {
        let ((_, by_ann), (bob, _)) = admin_and_bob(&database).await;
        let refused = order(&database, &by_ann, bans("bob", NOW)).await;
        assert_eq!(refused.unwrap_err(), Code::EndIsPast);
        let carried = order(&database, &by_ann, bans("bob", LATER)).await.unwrap();
        assert_eq!(carried.sessions.len(), 1);
        assert_eq!(begin(&database, bob, 3).await, None);
        let in_force = BanInForce { until: Some(LATER), reason: reason() };
        assert_eq!(database.ban(bob, LATER).await.unwrap(), Some(in_force));
        assert_eq!(database.ban(bob, Time(LATER.0 + 1)).await.unwrap(), None);
        order(&database, &by_ann, bans("bob", FOREVER)).await.unwrap();
        let [listed] = &database.bans(NOW, 9).await.unwrap()[..] else { panic!("one ban") };
        assert_eq!((listed.user, listed.until, listed.reason.as_str()), (bob, None, "spam"));
        order(&database, &by_ann, Deed::Unban(name("bob"))).await.unwrap();
        let refused = order(&database, &by_ann, Deed::Unban(name("bob"))).await;
        assert_eq!(refused.unwrap_err(), Code::NotBanned);
        assert!(begin(&database, bob, 4).await.is_some());
    })
    .await;
}

#[tokio::test]
async fn file_bans_are_of_a_kind_or_of_all_and_the_longest_counts() {
    on_each_engine(async |database| {
        let ((_, by_ann), (bob, _)) = admin_and_bob(&database).await;
        let ban = |kind: &str, ends| Deed::BanFiles {
            username: name("bob"),
            extension: Extension::cut(kind),
            ends,
            reason: reason(),
        };
        order(&database, &by_ann, ban("exe", FOREVER)).await.unwrap();
        order(&database, &by_ann, ban("*", LATER)).await.unwrap();
        let until =
            async |kind, now| database.file_ban(bob, kind, now).await.unwrap().map(|it| it.until);
        assert_eq!(until("EXE", NOW).await, Some(None));
        assert_eq!(until("txt", NOW).await, Some(Some(LATER)));
        assert_eq!(until("txt", Time(LATER.0 + 1)).await, None);
        assert_eq!(database.bans(NOW, 9).await.unwrap().len(), 2);
        let unban = |kind: Option<&str>| Deed::UnbanFiles {
            username: name("bob"),
            extension: kind.map(Extension::cut),
        };
        let refused = order(&database, &by_ann, unban(Some("txt"))).await;
        assert_eq!(refused.unwrap_err(), Code::NoSuchFileBan);
        assert_eq!(order(&database, &by_ann, unban(None)).await.unwrap().number, 2);
        assert_eq!(until("exe", NOW).await, None);
    })
    .await;
}

/// The roles of the messenger that we carry on hung on names: whoever took the name of a deleted admin was
/// an admin.
#[tokio::test]
async fn weakness_04_whoever_gets_the_name_of_a_deleted_admin_is_none() {
    on_each_engine(async |database| {
        let ((_, by_ann), (bob, _)) = admin_and_bob(&database).await;
        order(&database, &by_ann, Deed::Promote(name("bob"))).await.unwrap();
        order(&database, &by_ann, Deed::Delete(name("bob"))).await.unwrap();
        assert!(!database.is_admin(bob).await.unwrap());
        let again = |freed_before| NewAccount {
            username: name("bob"),
            password_hash: HASH.into(),
            created: LATER,
            freed_before,
            invite: None,
            first_is_admin: false,
            address: None,
        };
        let early = database.create_account(again(Time(NOW.0 - 1))).await;
        assert!(matches!(early, Err(CreateAccountError::Taken)), "the name rests");
        let new = database.create_account(again(LATER)).await.unwrap().user;
        assert_ne!(new, bob);
        assert!(!database.is_admin(new).await.unwrap());
        // And nobody is one who does not exist.
        let refused = order(&database, &by_ann, Deed::Promote(name("nobody"))).await;
        assert_eq!(refused.unwrap_err(), Code::NoSuchUser);
    })
    .await;
}

#[tokio::test]
async fn a_deleted_account_is_gone_from_lists_and_accepts_nothing_any_more() {
    on_each_engine(async |database| {
        let ((_, by_ann), (bob, _)) = admin_and_bob(&database).await;
        let eve = account(&database, "eve").await;
        let chat = database.create_direct(bob, eve, NOW).await.unwrap().unwrap();
        let ask = |pair: &mut Pair| pair.request(&RequestText::default());
        database.change_contact(eve, bob, ask).await.unwrap();
        database.change_contact(bob, eve, Pair::accept).await.unwrap();
        assert_eq!(database.list_contacts(eve).await.unwrap()[0].side.relation, Relation::Contact);

        let mut carried = order(&database, &by_ann, Deed::Delete(name("bob"))).await.unwrap();
        carried.lists.sort_unstable();
        let mut both = [bob, eve];
        both.sort_unstable();
        assert_eq!((carried.sessions.len(), &carried.lists[..]), (1, &both[..]));
        assert!(database.list_contacts(eve).await.unwrap().is_empty());
        assert_eq!(database.find_user(&name("bob")).await.unwrap(), None);
        let said = append_one(&database, message(chat, eve, 1)).await;
        assert!(matches!(said, Err(AppendRefusal::Blocked)), "{said:?}");
        let seen = database.conversation(eve, chat).await.unwrap().unwrap();
        assert_eq!(seen.peer_name.as_str(), format!("deleted-{bob}"));
        let listed = database.accounts_after("", 9).await.unwrap();
        let names: Vec<_> = listed.iter().map(|it| (it.username.as_str(), it.is_admin)).collect();
        assert_eq!(names, [("ann", true), ("eve", false)]);
    })
    .await;
}

#[tokio::test]
async fn the_audit_has_every_order_and_loses_none() {
    on_each_engine(async |database| {
        let ((ann, by_ann), (_, by_bob)) = admin_and_bob(&database).await;
        order(&database, &by_bob, Deed::Promote(name("bob"))).await.unwrap_err();
        order(&database, &by_ann, bans("nobody", LATER)).await.unwrap_err();
        order(&database, &by_ann, Deed::Nothing).await.unwrap();
        order(&database, &by_ann, Deed::Look).await.unwrap();
        order(&database, &by_bob, Deed::Look).await.unwrap_err();
        let mut lines: Vec<_> = audited(&database)
            .await
            .into_iter()
            .map(|it| {
                let by = it.by.map_or_else(|| "host".to_owned(), |by| by.to_string());
                // Of whoever may give no orders, no word is kept.
                let detail = if it.outcome == "admin_only" { "" } else { "a detail" };
                assert_eq!((it.time, it.detail.as_str()), (NOW, detail));
                (by, it.target.as_str().to_owned(), it.outcome)
            })
            .collect();
        // All in one millisecond, so in any order.
        lines.sort();
        let line = |by: &str, target: &str, outcome: &str| {
            (by.to_owned(), target.to_owned(), outcome.to_owned())
        };
        assert_eq!(
            lines,
            [
                line("ann", "", "done"),
                line("ann", "nobody", "no_such_user"),
                line("bob", "", "admin_only"),
                line("bob", "", "admin_only"),
                line("host", "ann", "done"),
            ]
        );
        let mut tampering = vec!["DELETE FROM audit", "UPDATE audit SET outcome = 'never'"];
        // Only there can an insert take a line away.
        if matches!(database, Database::Sqlite(_)) {
            tampering.push("INSERT OR REPLACE INTO audit SELECT * FROM audit");
        }
        let before = audited(&database).await;
        for change in tampering {
            assert!(database.write("tamper", change, Vec::new()).await.is_err(), "{change}");
        }
        assert_eq!(audited(&database).await, before);
        let again = "INSERT INTO audit (id, time, actor, action, outcome)
            SELECT id, 0, 0, 'again', 'done' FROM audit";
        let taken = database.write("give a number twice", again, Vec::new()).await.unwrap_err();
        assert_eq!(taken.rule(), Some(rule::AUDIT_PKEY), "so that it is tried with another one");
        // What is deleted stays in it under its name.
        order(&database, &By::Host, Deed::Delete(name("ann"))).await.unwrap();
        let all = audited(&database).await;
        assert_eq!(all.len(), 6);
        assert!(all.iter().any(|it| it.by == Some(name("ann"))), "{ann}");
        let [first, second] = &database.audit(None, 2).await.unwrap()[..] else { panic!("two") };
        assert!(second.id < first.id);
        let older = database.audit(Some(second.id), 100).await.unwrap();
        assert_eq!(older.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn an_invitation_is_used_up() {
    on_each_engine(async |database| {
        let code_hash = [7; 32];
        let make = Deed::MakeInvite { code_hash, uses: 2, ends: LATER };
        let id = order(&database, &By::Host, make).await.unwrap().number;
        let create = async |raw: &str, created| {
            let new = NewAccount {
                username: name(raw),
                password_hash: HASH.into(),
                created,
                freed_before: NOW,
                invite: Some(code_hash),
                first_is_admin: false,
                address: None,
            };
            database.create_account(new).await
        };
        assert!(database.is_invited(code_hash, LATER).await.unwrap());
        assert!(!database.is_invited([8; 32], NOW).await.unwrap());
        let late = create("late", Time(LATER.0 + 1)).await;
        assert!(matches!(late, Err(CreateAccountError::NotInvited)));
        create("ann", NOW).await.unwrap();
        // What did not become an account has used nothing up.
        assert!(matches!(create("ann", NOW).await, Err(CreateAccountError::Taken)));
        let [left] = database.invites(NOW).await.unwrap()[..] else { panic!("one") };
        assert_eq!((left.id, left.uses, left.ends), (id, 1, LATER));
        create("bob", NOW).await.unwrap();
        assert!(matches!(create("eve", NOW).await, Err(CreateAccountError::NotInvited)));
        assert!(database.invites(NOW).await.unwrap().is_empty());
        let revoke = async || order(&database, &By::Host, Deed::RevokeInvite(id)).await;
        revoke().await.unwrap();
        assert_eq!(revoke().await.unwrap_err(), Code::InviteInvalid);
    })
    .await;
}

#[tokio::test]
async fn the_first_account_of_a_new_server_is_its_admin_and_no_later_one() {
    on_each_engine(async |database| {
        let create = async |raw: &str| {
            let new = NewAccount {
                username: name(raw),
                password_hash: HASH.into(),
                created: NOW,
                freed_before: NOW,
                invite: None,
                first_is_admin: true,
                address: None,
            };
            database.create_account(new).await.unwrap()
        };
        let (ann, bob) = (create("ann").await, create("bob").await);
        assert!(ann.is_admin && !bob.is_admin);
        assert!(database.is_admin(ann.user).await.unwrap());
        assert!(!database.is_admin(bob.user).await.unwrap());
        let [line] = &audited(&database).await[..] else { panic!("one line") };
        assert_eq!((line.by.clone(), line.action.as_str()), (None, "promote"));
        // A server of which all are gone is not new.
        for raw in ["ann", "bob"] {
            order(&database, &By::Host, Deed::Delete(name(raw))).await.unwrap();
        }
        assert!(!create("eve").await.is_admin);
    })
    .await;
}

#[tokio::test]
async fn whoever_waits_for_a_code_is_nobody_whom_an_order_is_about() {
    on_each_engine(async |database| {
        let waits = emails::waiting(&database, "eve", "eve@example.org", NOW).await.unwrap();
        let promote = order(&database, &By::Host, Deed::Promote(name("eve"))).await;
        assert_eq!(promote.unwrap_err(), Code::NoSuchUser);
        assert!(!database.is_admin(waits).await.unwrap());
        assert!(database.people(&[waits]).await.unwrap().is_empty());
        let create = |address: &str, raw: &str, created| {
            Deed::Create(NewAccount {
                username: name(raw),
                password_hash: HASH.into(),
                created,
                freed_before: created,
                invite: None,
                first_is_admin: false,
                address: Some(NewAddress {
                    email: EmailAddress::parse(address).unwrap(),
                    unverified_until: Time(0),
                }),
            })
        };
        let taken = order(&database, &By::Host, create("ann@example.org", "eve", NOW)).await;
        assert_eq!(taken.unwrap_err(), Code::UsernameTaken);
        // What an admin makes has its address at once, and counts for it.
        for raw in ["ann", "bob", "cleo"] {
            order(&database, &By::Host, create("Ann@example.org", raw, NOW)).await.unwrap();
        }
        let full = order(&database, &By::Host, create("ann@Example.org", "dora", NOW)).await;
        assert_eq!(full.unwrap_err(), Code::TooManyAccounts);
        let address = EmailAddress::parse("ann@example.org").unwrap();
        assert_eq!(database.accounts_of(&address).await.unwrap().len(), 3);
        // Whoever is deleted leaves no address behind.
        order(&database, &By::Host, Deed::Delete(name("bob"))).await.unwrap();
        let left = database.accounts_of(&address).await.unwrap();
        assert_eq!(left.len(), 2);
        let kept =
            "SELECT id FROM account WHERE deleted <> 0 AND (email <> '' OR email_folded <> '')";
        assert!(database.read("look", kept, super::super::values![]).await.unwrap().is_empty());
        order(&database, &By::Host, create("ann@example.org", "dora", NOW)).await.unwrap();
    })
    .await;
}
