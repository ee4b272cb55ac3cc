//! Transactions, rules and the epoch.

use super::*;
use crate::store::error::rule;
use crate::store::values;

const COUNT: &str = "SELECT count(*) FROM freed_username";
const INSERT: &str = "INSERT INTO freed_username (username, freed) VALUES ($1, $2)";

async fn count(database: &Database) -> i64 {
    database.read("count", COUNT, values![]).await.unwrap()[0].get(0).unwrap()
}

#[tokio::test]
async fn what_is_not_committed_never_happened() {
    on_each_engine(async |database| {
        let mut dropped = database.begin("test").await.unwrap();
        dropped.run(INSERT, values!["one", 1]).await.unwrap();
        drop(dropped);
        // The next transaction begins after the dropped one was undone.
        let mut kept = database.begin("test").await.unwrap();
        let rows = kept.run(COUNT, values![]).await.unwrap();
        assert_eq!(rows[0].get::<i64>(0).unwrap(), 0);
        kept.run(INSERT, values!["two", 1]).await.unwrap();
        assert_eq!(count(&database).await, 0);
        kept.commit().await.unwrap();
        assert_eq!(count(&database).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_breaks_a_rule_names_it_and_spoils_nothing_else() {
    on_each_engine(async |database| {
        account(&database, "ann").await;
        let double = "INSERT INTO account (id, username, password_hash, created)
            VALUES ($1, 'ann', '', 0)";
        let writes = (0..20).map(|i| {
            let database = database.clone();
            async move {
                if i % 2 == 0 {
                    database.write("test", INSERT, values![format!("name{i}"), 1]).await
                } else {
                    database.write("test", double, values![i64::from(i)]).await
                }
            }
        });
        let outcomes = futures_util::future::join_all(writes).await;
        for (i, outcome) in outcomes.iter().enumerate() {
            match outcome {
                Ok(_) => assert!(i % 2 == 0),
                Err(error) => assert_eq!(error.rule(), Some(rule::ACCOUNT_USERNAME_KEY)),
            }
        }
        assert_eq!(count(&database).await, 10);
    })
    .await;
}

#[tokio::test]
async fn a_statement_that_makes_no_sense_fails_with_what_was_being_done() {
    on_each_engine(async |database| {
        let error = database.read("look around", "SELECT wrong FROM nowhere", values![]).await;
        assert_eq!(error.unwrap_err().to_string(), "look around");
        let error = database.write("look around", COUNT, values![1]).await;
        assert_eq!(error.unwrap_err().to_string(), "look around");
    })
    .await;
}

#[tokio::test]
async fn the_epoch_stays_as_long_as_the_database_unless_a_copy_was_put_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("thrive.db");
    let first = Database::open(&path).unwrap().epoch().await.unwrap();
    let again = Database::open(&path).unwrap().epoch().await.unwrap();
    let other = Database::open(&folder.path().join("other.db")).unwrap().epoch().await.unwrap();
    assert_eq!(first, again);
    assert_ne!(first, other);
    let restored = Database::open(&path).unwrap();
    restored.renew_epoch().await.unwrap();
    assert_ne!(restored.epoch().await.unwrap(), first);
}

#[tokio::test]
async fn what_was_answered_before_the_close_is_there_and_nothing_comes_after_it() {
    on_each_engine(async |database| {
        let writes = (0..50).map(|i| {
            let database = database.clone();
            async move { database.write("test", INSERT, values![format!("name{i}"), 1]).await }
        });
        let (outcomes, ()) =
            futures_util::future::join(futures_util::future::join_all(writes), database.close())
                .await;
        let stored = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(count(&database).await, i64::try_from(stored).unwrap());
        assert!(database.write("test", INSERT, values!["late", 1]).await.is_err());
        assert!(database.begin("test").await.is_err());
    })
    .await;
}
