//! What can be said about Redis without one.

use std::path::PathBuf;

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
    // Bound and never listening: nobody else can take the port meanwhile.
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    let error = error(&config(&format!("redis://127.0.0.1:{port}"))).await;
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
