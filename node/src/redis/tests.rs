//! Redis that is there, away, silent, or somebody else.

use std::path::PathBuf;

use thrive_services::{Redis as Server, RedisOptions};

use super::*;
use crate::config::Url;

fn config(url: &str) -> config::Redis {
    let url = Url::parse(url, &["redis", "rediss"]).unwrap();
    config::Redis { url, password_file: None, ca: None, prefix: "t:".to_owned() }
}

async fn error(config: &config::Redis) -> RedisError {
    Redis::connect(config).await.err().unwrap()
}

#[tokio::test]
async fn a_server_that_is_not_there_is_worth_waiting_for() {
    let error = error(&config("redis://127.0.0.1:1")).await;
    assert!(matches!(error, RedisError::Away(_)) && !error.is_permanent(), "{error:?}");
}

#[tokio::test]
async fn a_server_that_accepts_and_never_answers_holds_nobody() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = silent.local_addr().unwrap().port();
    let start = Instant::now();
    let error = error(&config(&format!("redis://127.0.0.1:{port}"))).await;
    assert!(matches!(error, RedisError::Slow) && !error.is_permanent(), "{error:?}");
    assert!(start.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn settings_that_cannot_work_are_permanent() {
    let mut without_tls = config("redis://127.0.0.1:1");
    without_tls.ca = Some(PathBuf::from("/nowhere/ca.pem"));
    assert!(matches!(error(&without_tls).await, RedisError::CaWithoutTls));
    let mut no_file = config("redis://127.0.0.1:1");
    no_file.password_file = Some(PathBuf::from("/nowhere/password"));
    let error = error(&no_file).await;
    assert!(matches!(error, RedisError::File { .. }) && error.is_permanent(), "{error:?}");
}

fn of(server: &thrive_services::Redis) -> config::Redis {
    config(&server.url())
}

async fn ping(redis: &Redis) -> Result<String, RedisError> {
    redis.query_within(&cmd("PING"), Duration::from_millis(300)).await
}

async fn until_it_answers(redis: &Redis) {
    let deadline = Instant::now() + Duration::from_secs(5);
    while ping(redis).await.is_err() {
        assert!(Instant::now() < deadline, "Redis never came back");
        sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn a_wrong_password_is_permanent_and_the_right_one_may_come_from_a_file() {
    let options = RedisOptions { password: Some("geheim".to_owned()), ..RedisOptions::default() };
    let server = Server::start_with(options).unwrap();
    let wrong = config(&server.url().replace("geheim", "falsch"));
    let refused = error(&wrong).await;
    assert!(matches!(refused, RedisError::Login(_)) && refused.is_permanent(), "{refused:?}");
    let waited = timeout(Duration::from_secs(5), Redis::reach(&wrong)).await.unwrap();
    assert!(matches!(waited, Err(RedisError::Login(_))));
    let folder = tempfile::tempdir().unwrap();
    let mut by_file = config(&server.url().replace(":geheim@", ""));
    assert!(error(&by_file).await.is_permanent());
    std::fs::write(folder.path().join("password"), "geheim\n").unwrap();
    by_file.password_file = Some(folder.path().join("password"));
    assert_eq!(ping(&Redis::connect(&by_file).await.unwrap()).await.unwrap(), "PONG");
}

#[tokio::test]
async fn a_user_who_may_not_do_something_is_told_so() {
    let server = Server::start().unwrap();
    server.command(&["ACL", "SETUSER", "ann", "on", ">pw", "~t:*", "+get", "+hello"]).unwrap();
    let url = server.url().replace("redis://", "redis://ann:pw@");
    let redis = Redis::connect(&config(&url)).await.unwrap();
    assert_eq!(redis.query::<Option<String>>(cmd("GET").arg("t:x")).await.unwrap(), None);
    let refused = redis.query::<String>(cmd("GET").arg("other")).await.unwrap_err();
    assert!(matches!(refused, RedisError::Forbidden(_)) && refused.is_permanent(), "{refused:?}");
}

#[tokio::test]
async fn what_is_no_redis_is_told_from_one_that_is_away() {
    let other = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = other.local_addr().unwrap().port();
    tokio::spawn(async move {
        use tokio::io::AsyncWriteExt as _;
        while let Ok((mut stream, _)) = other.accept().await {
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    let refused = error(&config(&format!("redis://127.0.0.1:{port}"))).await;
    assert!(matches!(refused, RedisError::Protocol(_)) && refused.is_permanent(), "{refused:?}");
}

#[tokio::test]
async fn a_server_that_comes_later_is_waited_for() {
    let server = Server::start().unwrap();
    server.stop().unwrap();
    let config = of(&server);
    let reaching = tokio::spawn(async move { Redis::reach(&config).await });
    sleep(Duration::from_millis(300)).await;
    assert!(!reaching.is_finished());
    server.start_again().unwrap();
    let redis = timeout(Duration::from_secs(5), reaching).await.unwrap().unwrap().unwrap();
    assert_eq!(ping(&redis).await.unwrap(), "PONG");
}

#[tokio::test]
async fn a_server_that_dies_fails_commands_at_once_and_is_found_again() {
    let server = Server::start().unwrap();
    let redis = Redis::connect(&of(&server)).await.unwrap();
    server.kill().unwrap();
    assert!(ping(&redis).await.is_err());
    let start = Instant::now();
    for _ in 0..100 {
        let error = ping(&redis).await.unwrap_err();
        assert!(!error.is_permanent(), "{error:?}");
    }
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());
    assert!(!redis.is_up());
    server.start_again().unwrap();
    until_it_answers(&redis).await;
}

#[tokio::test]
async fn a_server_that_stands_still_holds_nobody_and_is_found_again() {
    let server = Server::start().unwrap();
    let redis = Redis::connect(&of(&server)).await.unwrap();
    server.pause().unwrap();
    let start = Instant::now();
    for _ in 0..20 {
        assert!(ping(&redis).await.is_err());
    }
    // Some waited for their time, and the others found no connection.
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    server.resume().unwrap();
    until_it_answers(&redis).await;
}

#[tokio::test]
async fn a_listener_hears_what_is_published_and_learns_that_it_was_cut_off() {
    let server = Server::start().unwrap();
    let redis = Redis::connect(&of(&server)).await.unwrap();
    let mut pubsub = redis.pubsub().await.unwrap();
    let channels = ["t:one".to_owned(), "t:two".to_owned()];
    pubsub.subscribe(&channels, Duration::from_secs(1)).await.unwrap();
    let mut publish = cmd("PUBLISH");
    publish.arg("t:two").arg("news");
    redis.send_all(&[publish], ANSWER).await.unwrap();
    let message = timeout(ANSWER, pubsub.next()).await.unwrap().unwrap();
    assert_eq!((&message.channel[..], &message.payload[..]), (&b"t:two"[..], &b"news"[..]));
    server.command(&["CLIENT", "KILL", "TYPE", "pubsub"]).unwrap();
    assert_eq!(timeout(ANSWER, pubsub.next()).await.unwrap(), None);
}

#[tokio::test]
async fn one_wrong_command_among_many_is_an_error_and_a_transaction_does_all_or_nothing() {
    let redis = Redis::connect(&of(thrive_services::redis())).await.unwrap();
    let key = format!("{}k", thrive_services::redis().fresh_prefix());
    let (mut set, mut wrong) = (cmd("SET"), cmd("HSET"));
    set.arg(&key).arg(1);
    wrong.arg(&key);
    let refused = redis.transaction(&[set.clone(), wrong.clone()], ANSWER).await;
    assert!(matches!(refused, Err(RedisError::Refused(_))), "{refused:?}");
    assert_eq!(redis.query::<Option<i64>>(cmd("GET").arg(&key)).await.unwrap(), None);
    let refused = redis.send_all(&[set, wrong], ANSWER).await;
    assert!(matches!(refused, Err(RedisError::Refused(_))), "{refused:?}");
    assert_eq!(redis.query::<Option<i64>>(cmd("GET").arg(&key)).await.unwrap(), Some(1));
    let unknown = redis.query::<i64>(&cmd("NOSUCHWORD")).await;
    assert!(matches!(unknown, Err(RedisError::Refused(_))), "{unknown:?}");
}

#[tokio::test]
async fn a_server_that_became_a_replica_is_left() {
    let server = Server::start().unwrap();
    let redis = Redis::connect(&of(&server)).await.unwrap();
    server.command(&["REPLICAOF", "127.0.0.1", "1"]).unwrap();
    let mut set = cmd("SET");
    set.arg("k").arg(1);
    let refused = redis.query::<()>(&set).await.unwrap_err();
    assert!(!refused.is_permanent() && !redis.is_up(), "{refused:?}");
    server.command(&["REPLICAOF", "NO", "ONE"]).unwrap();
    until_it_answers(&redis).await;
    redis.query::<()>(&set).await.unwrap();
}

#[tokio::test]
async fn a_secure_connection_is_made_to_the_right_server_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let names = || vec!["127.0.0.1".to_owned()];
    let right = rcgen::generate_simple_self_signed(names()).unwrap();
    let wrong = rcgen::generate_simple_self_signed(names()).unwrap();
    std::fs::write(path("right.pem"), right.cert.pem()).unwrap();
    std::fs::write(path("right.key"), right.signing_key.serialize_pem()).unwrap();
    std::fs::write(path("wrong.pem"), wrong.cert.pem()).unwrap();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let word = |name: &str| path(name).to_string_lossy().into_owned();
    let arguments = [
        ("--tls-port", free.to_string()),
        ("--tls-cert-file", word("right.pem")),
        ("--tls-key-file", word("right.key")),
        ("--tls-ca-cert-file", word("right.pem")),
        ("--tls-auth-clients", "no".to_owned()),
    ];
    let arguments = arguments.into_iter().flat_map(|(key, value)| [key.to_owned(), value]);
    let options = RedisOptions { arguments: arguments.collect(), ..RedisOptions::default() };
    let _server = Server::start_with(options).unwrap();
    let mut secure = config(&format!("rediss://127.0.0.1:{free}"));
    for (ca, fine) in [(Some("right.pem"), true), (Some("wrong.pem"), false), (None, false)] {
        secure.ca = ca.map(path);
        match Redis::connect(&secure).await {
            Ok(redis) => assert!(fine && ping(&redis).await.is_ok(), "{ca:?}"),
            Err(error) => {
                assert!(!fine && matches!(error, RedisError::Tls(_)), "{ca:?}: {error:?}");
            }
        }
    }
}
