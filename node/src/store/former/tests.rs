//! Former databases in each of their layouts, taken over into each engine.

use rusqlite::Connection;
use tempfile::TempDir;
use thrive_protocol::ids::{Seq, UserId};
use thrive_protocol::name::Username;
use thrive_protocol::people::Relation;

use super::*;
use crate::import::{ImportError, carry_out, plan};
use crate::password::{Hasher, Params};
use crate::store::Database;
use crate::store::contract::on_each_engine;

/// The layout of the first versions: names and passwords, and who has whom.
const FIRST: &str = "
    CREATE TABLE users (username TEXT PRIMARY KEY, password TEXT);
    CREATE TABLE contacts (owner TEXT, contact TEXT);";
/// With bans and blocks.
const MIDDLE: &str = "
    CREATE TABLE users (username TEXT PRIMARY KEY, password TEXT, banned_until TEXT, ban_reason TEXT);
    CREATE TABLE contacts (owner TEXT, contact TEXT, blocked INTEGER DEFAULT 0);";
/// With mail, rules for files, and messages for those who are offline.
const LAST: &str = "
    CREATE TABLE users (username TEXT PRIMARY KEY, password TEXT, banned_until TEXT, ban_reason TEXT,
      email TEXT, verification_code TEXT, is_verified INTEGER DEFAULT 0, reset_code TEXT,
      verification_code_at REAL, reset_code_at REAL);
    CREATE TABLE contacts (owner TEXT, contact TEXT, blocked INTEGER DEFAULT 0);
    CREATE TABLE file_bans (username TEXT, file_type TEXT, until_date TEXT, reason TEXT);
    CREATE TABLE offline_messages (id INTEGER PRIMARY KEY AUTOINCREMENT, recipient TEXT, sender TEXT,
      message TEXT, timestamp TEXT);";

const PEOPLE: &str = "
    INSERT INTO users (username, password) VALUES ('ann', 'plain words'), ('Bob', $hash), ('bob', 'x');
    INSERT INTO contacts (owner, contact) VALUES ('ann', 'Bob'), ('Bob', 'ann'), ('bob', 'ann');";

fn cheap() -> Hasher {
    Hasher::with(Params::new(64, 1, 1, None).unwrap()).unwrap()
}

struct Host {
    folder: TempDir,
}

impl Host {
    async fn new(layout: &str, rows: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let hash = cheap().hash(Secret::new("hashed words".into())).await.unwrap();
        let rows = rows.replace("$hash", &format!("'{hash}'"));
        let host = Self { folder };
        let database = Connection::open(host.path()).unwrap();
        database.execute_batch(&[layout, &rows].concat()).unwrap();
        host
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("thrive.db")
    }
}

async fn user(database: &Database, name: &str) -> UserId {
    let name = Username::parse(name).unwrap();
    database.find_user(&name).await.unwrap().unwrap()
}

async fn knows(database: &Database, name: &str, password: &str) -> bool {
    let name = Username::parse(name).unwrap();
    let known = database.credentials(&name).await.unwrap().unwrap();
    cheap().verify(Secret::new(password.into()), Some(known.password_hash)).await.unwrap()
}

async fn import_all(former: &Host, database: &Database) -> Vec<String> {
    let plan = plan(&former.path(), "ann\nBob\n", database, true).await.unwrap();
    let report = plan.report.clone();
    carry_out(plan, database, &cheap()).await.unwrap();
    report
}

#[tokio::test]
async fn people_of_every_layout_come_with_their_passwords_and_contacts_and_only_once() {
    for layout in [FIRST, MIDDLE, LAST] {
        let former = Host::new(layout, PEOPLE).await;
        on_each_engine(async |database| {
            let report = import_all(&former, &database).await;
            assert_eq!(report.iter().filter(|it| it.contains("imported")).count(), 8, "{report:?}");
            assert!(knows(&database, "ann", "plain words").await);
            assert!(knows(&database, "bob", "x").await && !knows(&database, "bob", "y").await);
            assert!(knows(&database, "bob-2", "hashed words").await);
            let ann = user(&database, "ann").await;
            let listed = database.list_contacts(ann).await.unwrap();
            let listed: Vec<_> =
                listed.iter().map(|it| (it.username.as_str(), it.side.relation)).collect();
            assert_eq!(listed, [("bob", Relation::AsksMe), ("bob-2", Relation::Contact)]);

            let again = import_all(&former, &database).await;
            assert!(again.iter().all(|it| it.contains("left out")), "{again:?}");
            assert_eq!(database.count_accounts().await.unwrap(), 3);
        })
        .await;
    }
}

#[tokio::test]
async fn messages_that_wait_come_in_order_with_their_time_and_what_is_not_taken_over_is_told() {
    let rows = "
        INSERT INTO users
          (username, password, is_verified, email, banned_until, ban_reason, verification_code)
          VALUES ('ann', 'x', 1, 'ann@example.org', '', '', ''),
            ('bob', 'x', 1, '', '12/31/9999', 'no spam', ''),
            ('eve', 'x', 0, 'eve@example.org', NULL, NULL, 'A1B2C3');
        INSERT INTO contacts (owner, contact, blocked) VALUES ('bob', 'ann', 0), ('ann', 'eve', 1);
        INSERT INTO file_bans (username, file_type) VALUES ('bob', '*');
        INSERT INTO offline_messages (recipient, sender, message, timestamp) VALUES
          ('bob', 'ann', 'first', '2026-02-20T15:04:05'), ('ann', 'bob', 'second', '1771600000.5'),
          ('bob', 'eve', 'secret', '2026-02-20T15:04:05');";
    let former = Host::new(LAST, rows).await;
    on_each_engine(async |database| {
        let report = import_all(&former, &database).await.join("\n");
        for line in [
            "user \"eve\": left out, eve was never verified by mail",
            "contact \"eve\" of \"ann\": left out, \"eve\": was never verified by mail",
            "message 3: left out, \"eve\": was never verified by mail",
            "file ban of \"bob\", \"*\": imported, for ever",
            "ban of \"bob\": imported, for ever",
            "address of \"ann\": imported",
            "address of \"eve\": left out, was never verified by mail",
            "admin \"Bob\": left out, there is no such user",
        ] {
            assert!(report.contains(line), "{line}\n{report}");
        }
        for secret in ["secret", "first", "example.org", "A1B2C3"] {
            assert!(!report.contains(secret), "{secret}\n{report}");
        }
        let (ann, bob) = (user(&database, "ann").await, user(&database, "bob").await);
        let now = crate::clock::now();
        let ban = database.ban(bob, now).await.unwrap().unwrap();
        assert_eq!((ban.until, ban.reason.as_str()), (None, "no spam"));
        assert_eq!(database.ban(ann, now).await.unwrap(), None);
        assert!(database.file_ban(bob, "exe", now).await.unwrap().is_some());
        assert!(database.file_ban(ann, "exe", now).await.unwrap().is_none());
        assert!(database.is_admin(ann).await.unwrap() && !database.is_admin(bob).await.unwrap());
        let [line] = &database.audit(None, 9).await.unwrap()[..] else { panic!("one line") };
        assert_eq!((line.action.as_str(), line.target.as_str()), ("promote", "ann"));
        let (address, _) = database.addresses(ann, now).await.unwrap();
        assert_eq!(address.unwrap().as_str(), "ann@example.org");
        let chat = database.find_direct(ann, bob).await.unwrap().unwrap();
        let entries = database.entries_after(chat, Seq(0), 9).await.unwrap();
        let found: Vec<_> = entries.iter().map(|it| (it.seq.0, it.sender, it.time.0)).collect();
        assert_eq!(found, [(1, ann, 1_771_599_845_000), (2, bob, 1_771_600_000_500)]);
        let seen = database.conversation(bob, chat).await.unwrap().unwrap();
        assert_eq!((seen.head, seen.read), (Seq(2), Seq(0)));
        // And it goes on from there.
        let next = crate::store::contract::message(chat, ann, 77);
        let [stored] = database.append(vec![next]).await.unwrap().try_into().unwrap();
        assert_eq!(stored.unwrap().seq, Seq(3));
    })
    .await;
}

#[tokio::test]
async fn what_is_no_former_database_is_refused_and_a_plan_alone_changes_nothing() {
    let former = Host::new(FIRST, PEOPLE).await;
    let other = Host::new("CREATE TABLE letters (text TEXT);", "").await;
    on_each_engine(async |database| {
        assert_eq!(plan(&former.path(), "", &database, false).await.unwrap().people.len(), 3);
        assert_eq!(database.count_accounts().await.unwrap(), 0);
        let foreign = plan(&other.path(), "", &database, false).await;
        assert!(matches!(foreign, Err(ImportError::Former(FormerError::Foreign))));
        let nowhere = plan(Path::new("/nonexistent/thrive.db"), "", &database, false).await;
        assert!(matches!(nowhere, Err(ImportError::Former(FormerError::Unreadable(_)))));
    })
    .await;
}
