//! The schema file, the migrations, and the words that both engines know.

use std::collections::BTreeMap;
use std::path::Path;

use rusqlite::Connection;

use super::migrations;
use thrive_protocol::ids::{ConversationId, Seq};

use crate::store::contract::postgres_at;
use crate::store::{Database, Place};

const SCHEMA: &str = include_str!("../../../schema.sql");

/// Words that only one of the engines knows, or knows in another way.
const FOREIGN: [&str; 22] = [
    "autoincrement",
    "identity",
    "serial",
    "integer",
    "int",
    "real",
    "boolean",
    "blob",
    "bytes",
    "varchar",
    "rowid",
    "pragma",
    "glob",
    "ifnull",
    "strftime",
    "datetime",
    "unixepoch",
    "timestamptz",
    "jsonb",
    "any",
    "ilike",
    "replace",
];

/// Every table and index, which both engines have alike, without comments and with single spaces.
fn shape(connection: &Connection) -> BTreeMap<String, String> {
    let all = "SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL AND type <> 'trigger'";
    let mut statement = connection.prepare(all).unwrap();
    let rows = statement.query_map((), |row| Ok((row.get(0)?, row.get::<_, String>(1)?)));
    rows.unwrap()
        .map(|row| {
            let (name, sql) = row.unwrap();
            (name, plain(&sql).split_whitespace().collect::<Vec<_>>().join(" "))
        })
        .collect()
}

fn plain(sql: &str) -> String {
    let lines = sql.lines().map(|line| line.split("--").next().unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}

fn words(sql: &str) -> impl Iterator<Item = String> {
    let parts = sql.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    parts.map(str::to_ascii_lowercase).collect::<Vec<_>>().into_iter()
}

#[test]
fn schema_sql_is_the_sum_of_the_migrations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thrive.db");
    drop(Database::open(&path).unwrap());
    let whole = Connection::open_in_memory().unwrap();
    whole.execute_batch(SCHEMA).unwrap();
    assert_eq!(shape(&Connection::open(path).unwrap()), shape(&whole));
}

/// Whoever deletes a row of the other table has the engine look who points to it, at each row without one.
#[test]
fn every_foreign_key_is_the_beginning_of_an_index() {
    let whole = Connection::open_in_memory().unwrap();
    whole.execute_batch(SCHEMA).unwrap();
    let all = |sql: &str, of: &str| -> Vec<(i64, i64, String)> {
        let mut statement = whole.prepare(sql).unwrap();
        let rows = statement.query_map([of], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)));
        rows.unwrap().map(Result::unwrap).collect()
    };
    let columns = |rows: Vec<(i64, i64, String)>, of: i64| -> Vec<String> {
        rows.into_iter().filter(|it| it.0 == of).map(|it| it.2).collect()
    };
    let tables =
        all("SELECT 0, 0, name FROM sqlite_master WHERE type = 'table' AND name <> ?1", "");
    let mut keys = 0;
    for (_, _, table) in tables {
        // Those of a part of the table are left out: who points to it may be in the other part.
        let indexes = "SELECT list.seq, info.seqno, info.name FROM pragma_index_list(?1) AS list
            JOIN pragma_index_info(list.name) AS info WHERE list.partial = 0 ORDER BY 1, 2";
        let indexes = all(indexes, &table);
        let pointing =
            all("SELECT id, seq, \"from\" FROM pragma_foreign_key_list(?1) ORDER BY 1, 2", &table);
        for (key, first, _) in pointing.clone() {
            let key = columns(pointing.clone(), key);
            let is_found = |index: i64| columns(indexes.clone(), index).starts_with(&key);
            assert!(first != 0 || indexes.iter().any(|it| is_found(it.0)), "{key:?} of {table}");
            keys += 1;
        }
    }
    assert!(10 < keys, "{keys}");
}

#[test]
fn every_table_says_what_it_is_for() {
    for (before, _) in SCHEMA.match_indices("\nCREATE TABLE").map(|(at, _)| SCHEMA.split_at(at)) {
        assert!(before.lines().next_back().unwrap().starts_with("--"), "{before}");
    }
}

#[test]
fn no_statement_uses_the_words_of_one_engine() {
    let mut sources = vec![("schema.sql".to_owned(), plain(SCHEMA))];
    sources.extend(migrations::ALL.iter().map(|step| (step.name.to_owned(), plain(step.sql))));
    let store = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    for file in std::fs::read_dir(store).unwrap().map(|file| file.unwrap().path()) {
        if file.is_file() && file.file_name().is_none_or(|name| name != "schema_tests.rs") {
            let source = std::fs::read_to_string(&file).unwrap();
            // Statements are the strings that begin with a verb.
            let statements = source.split('"').skip(1).step_by(2).filter(|text| {
                let verb = words(text).find(|word| !word.is_empty());
                verb.is_some_and(|it| {
                    ["select", "insert", "update", "delete", "with", "create"].contains(&&*it)
                })
            });
            sources.push((file.display().to_string(), statements.collect::<Vec<_>>().join("\n")));
        }
    }
    assert!(8 < sources.len());
    for (origin, sql) in sources {
        for word in words(&sql) {
            assert!(!FOREIGN.contains(&word.as_str()), "{word} in {origin}");
        }
    }
}

#[test]
fn a_database_from_the_future_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thrive.db");
    drop(Database::open(&path).unwrap());
    let future = "INSERT INTO migration (number, name, applied) VALUES (9999, 'later', 0)";
    Connection::open(&path).unwrap().execute(future, ()).unwrap();
    let error = Database::open(&path).map(drop).unwrap_err();
    let why = std::error::Error::source(&error).unwrap().to_string();
    assert!(why.contains("migration 9999"), "{why}");
}

#[test]
fn a_file_that_is_no_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thrive.db");
    std::fs::write(&path, "This is a letter, not a database. ".repeat(100)).unwrap();
    assert!(Database::open(&path).is_err());
    assert!(Database::open(&folder.path().join("no/such/folder.db")).is_err());
}

/// A database as the first migration left it, with two messages. The bytes are written as text, which
/// both engines take for bytes here.
fn first_version() -> String {
    [
        migrations::CREATE_MIGRATION,
        ";",
        migrations::ALL[0].sql,
        "INSERT INTO migration (number, name, applied) VALUES (1, 'initial', 0);
         INSERT INTO account (id, username, password_hash, created)
           VALUES (1, 'ann', '', 0), (2, 'bob', '', 0);
         INSERT INTO conversation (id, created, last_seq) VALUES (5, 0, 2);
         INSERT INTO message (conversation, seq, sender, client_msg_id, time, kind, body)
           VALUES (5, 1, 1, '0123456789abcdef', 10, 77, 'x'),
             (5, 2, 2, '0123456789abcdef', 20, 77, 'y');",
    ]
    .concat()
}

async fn later_steps_keep_what_is_there(place: Place<'_>) {
    let missing = Database::missing_steps(place).await.unwrap();
    assert_eq!(missing.len(), migrations::ALL.len() - 1);
    let database = Database::at(place).await.unwrap();
    assert!(Database::missing_steps(place).await.unwrap().is_empty());
    let entries = database.entries_after(ConversationId(5), Seq(0), 9).await.unwrap();
    let found: Vec<_> = entries.iter().map(|it| (it.seq.0, it.sender.0, it.time.0)).collect();
    assert_eq!(found, [(1, 1, 10), (2, 2, 20)]);
}

#[tokio::test]
async fn a_database_of_the_first_version_is_brought_up_to_date_with_what_it_holds() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thrive.db");
    let all = Database::missing_steps(Place::File(&path)).await.unwrap();
    assert_eq!((all.len(), path.exists()), (migrations::ALL.len(), false));
    Connection::open(&path).unwrap().execute_batch(&first_version()).unwrap();
    later_steps_keep_what_is_there(Place::File(&path)).await;

    let url = thrive_services::postgres().fresh();
    let name = url.rsplit('/').next().unwrap();
    thrive_services::postgres().sql(name, &first_version()).unwrap();
    later_steps_keep_what_is_there(Place::Server(&postgres_at(&url))).await;
}
