//! What only a server can do: be away, be shared, and stop in the middle.

use std::collections::BTreeSet;
use std::fs::Permissions;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use thrive_protocol::ids::Seq;
use thrive_services::{OwnPostgres, Postgres as Server};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::*;
use crate::domain::relation::{Pair, RelationRefusal};
use crate::store::addresses::DELETE_UNVERIFIED;
use crate::store::admins::{CANCEL_FILES, DECLINE_FILES, DELETE_CONTACTS, RAISE_LISTS};
use crate::store::contract::{NOW, account, ann_and_bob, fresh_postgres, message, postgres_at};
use crate::store::error::rule;
use crate::store::value::values;
use crate::store::{Database, Place, StoreError};

const COUNT: &str = "SELECT count(*) FROM account";

async fn refusal(settings: &config::Postgres) -> StoreError {
    Database::connect(settings).await.map(drop).unwrap_err()
}

/// Tries until it works; how long that took.
async fn until_it_works(database: &Database) -> Duration {
    let begun = Instant::now();
    while let Err(error) = database.read("count", COUNT, values![]).await {
        assert!(error.is_busy(), "{error:?}");
        assert!(begun.elapsed() < Duration::from_secs(20), "{error:?}");
        sleep(Duration::from_millis(20)).await;
    }
    begun.elapsed()
}

#[tokio::test]
async fn one_message_over_two_nodes_at_once_is_one_row_and_one_answer() {
    let settings = fresh_postgres();
    let one = Database::connect(&settings).await.unwrap();
    let other = Database::connect(&settings).await.unwrap();
    let (ann, bob, conversation) = ann_and_bob(&one).await;
    for round in 0..50 {
        let item = message(conversation, ann, round);
        let beside = |number| message(conversation, bob, 1_000 + 2 * round + number);
        let (first, second) = tokio::join!(
            one.append(vec![item.clone(), beside(0)]),
            other.append(vec![beside(1), item.clone()]),
        );
        let (first, second) = (first.unwrap()[0].unwrap(), second.unwrap()[1].unwrap());
        assert_eq!((first.seq, first.time), (second.seq, second.time));
        assert_ne!(first.duplicate, second.duplicate, "exactly one of the two stored it");
    }
    let entries = one.entries_after(conversation, Seq(0), 1_000).await.unwrap();
    let seqs: Vec<_> = entries.iter().map(|entry| entry.seq.0).collect();
    assert_eq!(seqs, (1..=150).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_tasks_on_two_nodes_leave_logs_without_gaps() {
    const TASKS: u64 = 8;
    const BATCHES: u64 = 30;
    let settings = fresh_postgres();
    let nodes =
        [Database::connect(&settings).await.unwrap(), Database::connect(&settings).await.unwrap()];
    let ann = account(&nodes[0], "ann").await;
    let mut conversations = Vec::new();
    for i in 0..6 {
        let other = account(&nodes[0], &format!("user{i}")).await;
        conversations.push(nodes[0].create_direct(ann, other, NOW).await.unwrap().unwrap());
    }
    let mut tasks = JoinSet::new();
    for task in 0..TASKS {
        let database = nodes[usize::try_from(task % 2).unwrap()].clone();
        let conversations = conversations.clone();
        tasks.spawn(async move {
            for batch in 0..BATCHES {
                // All conversations, in another order each time: whoever locks as they come gets stuck.
                let items = (0..12).map(|i| {
                    let at = (i * 5 + batch * 7 + task) % 6;
                    let conversation = conversations[usize::try_from(at).unwrap()];
                    message(conversation, ann, task * 10_000 + batch * 100 + i)
                });
                let answers = database.append(items.collect()).await.unwrap();
                assert!(answers.iter().all(|it| it.is_ok_and(|it| !it.duplicate)));
            }
        });
    }
    tasks.join_all().await;
    let mut ids = BTreeSet::new();
    for conversation in &conversations {
        let entries = nodes[1].entries_after(*conversation, Seq(0), 10_000).await.unwrap();
        let seqs: Vec<_> = entries.iter().map(|entry| entry.seq.0).collect();
        assert_eq!(seqs, (1..=entries.len() as u64).collect::<Vec<_>>());
        ids.extend(entries.iter().map(|entry| format!("{:?}", entry.body)));
    }
    let stored = TASKS * BATCHES * 12;
    let heads = nodes[0].heads(&conversations).await.unwrap();
    assert_eq!(heads.iter().map(|head| head.seq.0).sum::<u64>(), stored);
    assert_eq!(ids.len() as u64, stored);
    let deadlocks = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()";
    let seen = nodes[0].read("count deadlocks", deadlocks, values![]).await.unwrap();
    assert_eq!(seen[0].get::<i64>(0).unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn changes_that_are_in_each_others_way_all_happen() {
    let settings = fresh_postgres();
    let nodes =
        [Database::connect(&settings).await.unwrap(), Database::connect(&settings).await.unwrap()];
    let (ann, bob, _) = ann_and_bob(&nodes[0]).await;
    let mut tasks = JoinSet::new();
    for task in 0..4 {
        let database = nodes[task % 2].clone();
        tasks.spawn(async move {
            for _ in 0..10 {
                let block = |pair: &mut Pair| {
                    pair.block();
                    Ok::<_, RelationRefusal>(())
                };
                let unblock = |pair: &mut Pair| {
                    pair.unblock();
                    Ok::<_, RelationRefusal>(())
                };
                let (me, them) = if task < 2 { (ann, bob) } else { (bob, ann) };
                database.change_contact(me, them, block).await.unwrap();
                database.change_contact(me, them, unblock).await.unwrap();
            }
        });
    }
    tasks.join_all().await;
    assert_eq!(nodes[0].pair(ann, bob).await.unwrap(), Pair::default());
}

#[tokio::test]
async fn a_server_that_restarts_is_found_again_and_no_answer_was_a_lie() {
    let server = Server::start().unwrap();
    let database = Database::connect(&postgres_at(&server.fresh())).await.unwrap();
    let (ann, _, conversation) = ann_and_bob(&database).await;
    let mut stored = 0;
    for restart in [OwnRestart::Fast, OwnRestart::Killed] {
        let sending = {
            let database = database.clone();
            tokio::spawn(async move {
                let mut seqs = Vec::new();
                let mut failed = false;
                // Until it has failed, and worked again for a while.
                for number in 0.. {
                    let item = message(conversation, ann, stored + number);
                    let begun = Instant::now();
                    loop {
                        match database.append(vec![item.clone()]).await {
                            Ok(answers) => break seqs.push(answers[0].unwrap().seq.0),
                            Err(error) => {
                                assert!(error.is_busy(), "{error:?}");
                                assert!(begun.elapsed() < Duration::from_secs(20));
                                failed = true;
                                sleep(Duration::from_millis(20)).await;
                            }
                        }
                    }
                    if failed && 200 < number {
                        break;
                    }
                }
                seqs
            })
        };
        sleep(Duration::from_millis(200)).await;
        match restart {
            OwnRestart::Fast => server.stop_fast().unwrap(),
            OwnRestart::Killed => server.kill().unwrap(),
        }
        sleep(Duration::from_millis(300)).await;
        server.start_again().unwrap();
        assert!(until_it_works(&database).await < Duration::from_secs(5));
        // Each number once, in the order of sending: a repeat after an unknown outcome got the first.
        let seqs = sending.await.unwrap();
        assert_eq!(seqs, (stored + 1..=stored + seqs.len() as u64).collect::<Vec<_>>());
        stored += seqs.len() as u64;
    }
    let head = database.heads(&[conversation]).await.unwrap()[0].seq;
    assert_eq!(head, Seq(stored));
    let entries = database.entries_after(conversation, Seq(0), 1_000_000).await.unwrap();
    assert_eq!(entries.len() as u64, stored);
}

enum OwnRestart {
    Fast,
    Killed,
}

#[tokio::test]
async fn a_server_that_stands_still_holds_nobody_for_long_and_is_used_again() {
    let server = Server::start().unwrap();
    let database = Database::connect(&postgres_at(&server.fresh())).await.unwrap();
    let (ann, _, conversation) = ann_and_bob(&database).await;
    let item = message(conversation, ann, 1);
    database.append(vec![item]).await.unwrap();
    database.mark_read(ann, conversation, Seq(1)).await.unwrap();
    server.pause().unwrap();
    let begun = Instant::now();
    let item = message(conversation, ann, 2);
    let (read, write, append, mark) = tokio::join!(
        database.read("count", COUNT, values![]),
        database.write("touch", "UPDATE account SET created = 1", values![]),
        database.append(vec![item.clone()]),
        database.mark_read(ann, conversation, Seq(2)),
    );
    assert!(begun.elapsed() < Duration::from_secs(9), "{:?}", begun.elapsed());
    let errors = [read.unwrap_err(), write.unwrap_err(), append.unwrap_err(), mark.unwrap_err()];
    for error in errors {
        assert!(error.is_busy(), "{error:?}");
    }
    server.resume().unwrap();
    assert!(until_it_works(&database).await < Duration::from_secs(5));
    assert!(database.mark_read(ann, conversation, Seq(2)).await.is_ok());
    // What was given up may have happened; sending it again finds out.
    let answers = database.append(vec![item]).await.unwrap();
    assert_eq!(answers[0].unwrap().seq, Seq(2));
    assert_eq!(database.heads(&[conversation]).await.unwrap()[0].seq, Seq(2));
}

#[tokio::test]
async fn connections_that_were_cut_while_idle_cost_nobody_an_answer() {
    let settings = fresh_postgres();
    let database = Database::connect(&settings).await.unwrap();
    let (ann, _, conversation) = ann_and_bob(&database).await;
    let other = Database::connect(&settings).await.unwrap();
    for number in 0..5 {
        database.append(vec![message(conversation, ann, number)]).await.unwrap();
        database.mark_read(ann, conversation, Seq(2 * number)).await.unwrap();
        let cut = "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid()";
        other.read("cut", cut, values![]).await.unwrap();
        assert!(database.read("count", COUNT, values![]).await.is_ok());
        assert!(database.append(vec![message(conversation, ann, 100 + number)]).await.is_ok());
        assert!(database.mark_read(ann, conversation, Seq(2 * number + 1)).await.is_ok());
    }
    assert_eq!(database.heads(&[conversation]).await.unwrap()[0].seq, Seq(10));
}

#[tokio::test]
async fn what_waiting_cannot_mend_is_told_from_what_it_can() {
    let url = thrive_services::postgres().fresh();
    Database::connect(&postgres_at(&url)).await.unwrap();
    let (before, after) = url.rsplit_once('@').unwrap();
    let (user, _) = before.rsplit_once(':').unwrap();
    let wrong_password = refusal(&postgres_at(&format!("{user}:wrong@{after}"))).await;
    let unknown = refusal(&postgres_at(&format!("{url}_not_there"))).await;
    for error in [&wrong_password, &unknown] {
        assert!(!error.is_busy() && matches!(error.cause, Cause::Refused(_)), "{error:?}");
    }
    // A port where nobody listens: bound, so that nobody else takes it meanwhile.
    let nobody = std::net::UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = refusal(&postgres_at(&format!("postgres://a:b@127.0.0.1:{nobody}/c"))).await;
    assert!(away.is_busy() && matches!(away.cause, Cause::Unreachable(_)), "{away:?}");
    // Somebody listens and says nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let silent_url = format!("postgres://a:b@{}/c", silent.local_addr().unwrap());
    let mute = refusal(&postgres_at(&silent_url)).await;
    assert!(mute.is_busy() && matches!(mute.cause, Cause::Unreachable(_)), "{mute:?}");
}

#[tokio::test]
async fn a_schema_from_the_future_is_refused_and_missing_steps_are_named() {
    let settings = fresh_postgres();
    let place = Place::Server(&settings);
    let all = Database::missing_steps(place).await.unwrap();
    assert_eq!(all.first().map(String::as_str), Some("0001_initial"));
    let database = Database::at(place).await.unwrap();
    assert!(Database::missing_steps(place).await.unwrap().is_empty());
    let future = "INSERT INTO migration (number, name, applied) VALUES (9999, 'later', 0)";
    database.write("come from the future", future, values![]).await.unwrap();
    for error in [refusal(&settings).await, Database::missing_steps(place).await.unwrap_err()] {
        assert!(!error.is_busy());
        assert!(matches!(error.cause, Cause::FromTheFuture { found: 9999, .. }), "{error:?}");
    }
}

#[tokio::test]
async fn nodes_that_start_together_make_one_schema_with_one_epoch() {
    let settings = fresh_postgres();
    let starts = (0..6).map(|_| Database::connect(&settings));
    let nodes: Vec<_> = futures_util::future::join_all(starts).await;
    let mut epochs = BTreeSet::new();
    for node in nodes {
        epochs.insert(node.unwrap().epoch().await.unwrap().0);
    }
    assert_eq!(epochs.len(), 1);
}

#[tokio::test]
async fn a_pool_that_is_all_in_use_says_busy_and_appends_go_on() {
    let settings = fresh_postgres();
    let database = Database::connect(&settings).await.unwrap();
    let (ann, _, conversation) = ann_and_bob(&database).await;
    let mut held = Vec::new();
    // Six connections: two of them for appends, and one for marks.
    for _ in 0..3 {
        held.push(database.begin("hold").await.unwrap());
    }
    let begun = Instant::now();
    let error = database.read("count", COUNT, values![]).await.unwrap_err();
    assert!(matches!(error.cause, Cause::Busy), "{error:?}");
    assert!(begun.elapsed() < Duration::from_secs(2));
    assert!(database.append(vec![message(conversation, ann, 1)]).await.is_ok());
    assert!(database.mark_delivered(ann, conversation, Seq(1)).await.is_ok());
    drop(held);
    assert!(database.read("count", COUNT, values![]).await.is_ok());
}

/// People who are each a contact of the next one, and offered them a file.
const FILL: [&str; 3] = [
    "INSERT INTO account (id, username, password_hash, created)
        SELECT at, 'person' || at, '', 0 FROM generate_series(1, 20000) AS at",
    "INSERT INTO contact (owner, other, relation)
        SELECT at, at + 1, 'contact' FROM generate_series(1, 19999) AS at",
    "INSERT INTO file (id, conversation, sender, recipient, name, size, content_type, sha256, expires)
        SELECT at, at, at, at + 1, 'a', 1, '', '', 9 FROM generate_series(1, 19999) AS at",
];

/// What such a statement reads, it also keeps from others until it is committed.
#[tokio::test]
async fn orders_of_admins_and_the_sweep_look_at_no_table_as_a_whole() {
    let database = Database::connect(&fresh_postgres()).await.unwrap();
    for fill in FILL {
        database.write("fill", fill, values![]).await.unwrap();
    }
    database.write("analyze", "ANALYZE", values![]).await.unwrap();
    let explain = async |sql: &str, params| {
        let plan = database.read("explain", format!("EXPLAIN {sql}"), params).await.unwrap();
        let lines: Vec<String> = plan.iter().map(|row| row.get(0).unwrap()).collect();
        lines.join("\n")
    };
    for (sql, params) in [
        (RAISE_LISTS, values![777]),
        (CANCEL_FILES, values![777, 7]),
        (DECLINE_FILES, values![777, 7]),
        (DELETE_CONTACTS, values![777]),
        (DELETE_UNVERIFIED, values![777, 200]),
    ] {
        let plan = explain(sql, params).await;
        assert!(!plan.contains("Seq Scan"), "{sql}\n{plan}");
    }
}

#[tokio::test]
async fn a_transaction_that_broke_a_rule_is_undone_and_does_not_pretend() {
    let database = Database::connect(&fresh_postgres()).await.unwrap();
    account(&database, "ann").await;
    let insert = "INSERT INTO account (id, username, password_hash, created)
        VALUES ($1, $2, '', 0)";
    let mut transaction = database.begin("test").await.unwrap();
    transaction.run(insert, values![1, "bob"]).await.unwrap();
    let broken = transaction.run(insert, values![2, "ann"]).await.unwrap_err();
    assert_eq!(broken.rule(), Some(rule::ACCOUNT_USERNAME_KEY));
    assert!(transaction.commit().await.is_err());
    let rows = database.read("count", COUNT, values![]).await.unwrap();
    assert_eq!(rows[0].get::<i64>(0).unwrap(), 1);
}

#[tokio::test]
async fn tls_is_required_and_checked_when_an_authority_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let make = |name: &str| {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::new(vec!["127.0.0.1".into()]).unwrap();
        params.distinguished_name.push(rcgen::DnType::CommonName, name);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let (certificate, key) = make("database");
    let (stranger, _) = make("stranger");
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let paths = [write("server.pem", &certificate), write("server.key", &key)];
    let server = Server::start().unwrap();
    use_tls(&server, folder.path(), &paths);
    let mut settings = postgres_at(&server.fresh());
    settings.ca = Some(paths[0].clone());
    let database = Database::connect(&settings).await.unwrap();
    let encrypted = "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let rows = database.read("look at TLS", encrypted, values![]).await.unwrap();
    assert!(rows[0].get::<bool>(0).unwrap());
    settings.ca = Some(write("stranger.pem", &stranger));
    let error = refusal(&settings).await;
    assert!(matches!(error.cause, Cause::Refused(_)), "{error:?}");
    // A server without TLS is not talked to.
    let mut plain = fresh_postgres();
    plain.ca = Some(paths[0].clone());
    let error = refusal(&plain).await;
    assert!(matches!(error.cause, Cause::Refused(_)), "{error:?}");
}

/// The server may run as somebody else, and takes a key only if nobody else may read it.
fn use_tls(server: &OwnPostgres, folder: &Path, [certificate, key]: &[PathBuf; 2]) {
    let runs_as = std::fs::metadata(format!("/proc/{}", server.pid())).unwrap();
    chown(key, Some(runs_as.uid()), Some(runs_as.gid())).unwrap();
    std::fs::set_permissions(key, Permissions::from_mode(0o600)).unwrap();
    std::fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    for setting in [
        format!("ssl_cert_file = '{}'", certificate.display()),
        format!("ssl_key_file = '{}'", key.display()),
        "ssl = on".to_owned(),
    ] {
        server.sql("postgres", &format!("ALTER SYSTEM SET {setting}")).unwrap();
    }
    server.sql("postgres", "SELECT pg_reload_conf()").unwrap();
    let begun = Instant::now();
    while server.sql("postgres", "SHOW ssl").unwrap() != "on" {
        assert!(begun.elapsed() < Duration::from_secs(5));
    }
}
