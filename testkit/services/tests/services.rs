//! What the tests of Thrive rely on, seen on the real servers.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use thrive_services::{
    OwnPostgres, OwnSmtp, Postgres, PostgresOptions, Redis, RedisOptions, Value,
};

/// The database of a URL.
fn name(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}

fn eventually(what: &str, mut look: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !look() {
        assert!(Instant::now() < deadline, "waited in vain until {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn with_a_row() -> (OwnPostgres, String) {
    let postgres = Postgres::start().expect("Postgres starts");
    let url = postgres.fresh();
    let statement = "CREATE TABLE said (word text); INSERT INTO said VALUES ('hi')";
    postgres.sql(name(&url), statement).expect("it takes a row");
    (postgres, url)
}

fn check_row(postgres: &Postgres, url: &str) {
    let row = postgres.sql(name(url), "SELECT word FROM said");
    assert_eq!(row.expect("the table is there"), "hi");
}

#[test]
fn every_fresh_database_is_empty_and_another_one() {
    let postgres = thrive_services::postgres();
    let (one, other) = (postgres.fresh(), postgres.fresh());
    assert_ne!(one, other);
    postgres.sql(name(&one), "CREATE TABLE here (a int)").unwrap();
    let count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
    assert_eq!(postgres.sql(name(&one), count).unwrap(), "1");
    assert_eq!(postgres.sql(name(&other), count).unwrap(), "0");
}

#[test]
fn the_database_is_as_durable_as_in_earnest_and_asks_for_the_password() {
    let postgres = thrive_services::postgres();
    let check = |setting: &str, value: &str| {
        assert_eq!(postgres.sql("postgres", &format!("SHOW {setting}")).unwrap(), value);
    };
    check("fsync", "on");
    check("synchronous_commit", "on");
    let (before, after) = postgres
        .url("postgres")
        .split_once("thrive:")
        .map(|(before, after)| (before.to_owned(), after.split_once('@').unwrap().1.to_owned()))
        .unwrap();
    let wrong = Postgres::at(&format!("{before}thrive:wrong@{after}")).unwrap();
    let error = wrong.sql("postgres", "SELECT 1").unwrap_err();
    assert!(error.to_string().contains("password"), "{error}");
}

#[test]
fn a_database_that_was_stopped_or_killed_keeps_what_was_committed() {
    let (postgres, url) = with_a_row();
    for stop in [OwnPostgres::stop_fast, OwnPostgres::stop_immediate, OwnPostgres::kill] {
        stop(&postgres).unwrap();
        assert!(postgres.sql("postgres", "SELECT 1").is_err(), "it does not run");
        postgres.start_again().unwrap();
        check_row(&postgres, &url);
    }
}

#[test]
fn a_kept_folder_brings_the_data_back_under_the_same_password() {
    let folder = tempfile::tempdir().unwrap();
    // As an unprivileged user, Postgres has to get to its folder.
    let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(folder.path(), open).unwrap();
    let options =
        PostgresOptions { folder: Some(folder.path().join("kept")), ..Default::default() };
    let first = Postgres::start_with(options.clone()).unwrap();
    let url = first.fresh();
    first.sql(name(&url), "CREATE TABLE said AS SELECT 'hi' AS word").unwrap();
    let password = std::fs::read_to_string(first.password_file()).unwrap();
    assert!(url.contains(&password));
    assert!(Postgres::start_with(options.clone()).is_err(), "one at a time");
    drop(first);
    let second = Postgres::start_with(options).unwrap();
    check_row(&second, &second.url(name(&url)));
}

#[test]
fn a_server_that_somebody_else_has_killed_can_be_started_again() {
    let redis = Redis::start().unwrap();
    assert!(redis.runs());
    let pid = redis.pid().to_string();
    assert!(Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    eventually("its end is seen", || !redis.runs());
    redis.start_again().unwrap();
    assert!(redis.runs());
}

#[test]
fn a_database_that_is_held_still_answers_when_it_may_go_on() {
    let (postgres, url) = with_a_row();
    postgres.pause().unwrap();
    std::thread::scope(|scope| {
        let asked = scope.spawn(|| check_row(&postgres, &url));
        let pid = postgres.pid();
        let state = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
        assert!(state.contains(") T "), "{state}");
        assert!(!asked.is_finished());
        postgres.resume().unwrap();
        asked.join().unwrap();
    });
}

#[test]
fn a_full_disk_refuses_writes_and_takes_them_when_there_is_room() {
    let options = PostgresOptions { disk: Some(120), ..PostgresOptions::default() };
    let postgres = Postgres::start_with(options).unwrap();
    let url = postgres.fresh();
    postgres.sql(name(&url), "CREATE TABLE said (word text)").unwrap();
    postgres.fill_disk().unwrap();
    let much = "INSERT INTO said SELECT repeat('x', 1000) FROM generate_series(1, 20000)";
    assert!(postgres.sql(name(&url), much).is_err());
    postgres.free_disk().unwrap();
    eventually("it writes again", || {
        postgres.sql(name(&url), "INSERT INTO said VALUES ('hi')").is_ok()
    });
}

#[test]
fn a_killed_redis_comes_back_empty_on_the_same_port() {
    let redis = Redis::start().unwrap();
    let key = redis.fresh_prefix() + "key";
    redis.command(&["SET", &key, "value"]).unwrap();
    assert_eq!(redis.command(&["GET", &key]).unwrap(), Value::Text("value".into()));
    let before = redis.url();
    redis.kill().unwrap();
    assert!(redis.command(&["PING"]).is_err());
    redis.start_again().unwrap();
    assert_eq!(redis.command(&["GET", &key]).unwrap(), Value::Nil);
    assert_eq!(redis.url(), before);
}

#[test]
fn a_cluster_has_all_slots_also_after_a_restart() {
    let redis =
        Redis::start_with(RedisOptions { cluster: true, ..RedisOptions::default() }).unwrap();
    for round in 0..2 {
        let answer = redis.command(&["SPUBLISH", "somewhere", "something"]).unwrap();
        assert_eq!(answer, Value::Number(0), "round {round}");
        redis.kill().unwrap();
        redis.start_again().unwrap();
    }
}

#[test]
fn a_redis_with_a_password_wants_it() {
    let options = RedisOptions { password: Some("geheim".into()), ..RedisOptions::default() };
    let redis = Redis::start_with(options).unwrap();
    assert_eq!(redis.command(&["PING"]).unwrap().text(), "PONG");
    let stranger = Redis::at(&format!("redis://{}", redis.address())).unwrap();
    assert!(stranger.command(&["PING"]).unwrap_err().root_cause().to_string().contains("NOAUTH"));
}

/// Started by the test below as another process, and killed by it.
#[test]
fn an_owner_that_is_killed_takes_its_servers_along() {
    if std::env::args().any(|argument| argument == "owner_to_be_killed") {
        let (postgres, redis) = (Postgres::start().unwrap(), Redis::start().unwrap());
        // Held still, they would not even notice that somebody is gone.
        postgres.pause().unwrap();
        println!("{} {}", postgres.pid(), redis.pid());
        std::thread::sleep(Duration::from_secs(600));
    }
    let mut owner = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "an_owner_that_is_killed_takes_its_servers_along", "--nocapture"])
        // Taken for the name of one more test, of which there is none.
        .arg("owner_to_be_killed")
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = std::io::BufRead::lines(std::io::BufReader::new(owner.stdout.take().unwrap()));
    let pids: Vec<u32> = lines
        .map_while(Result::ok)
        .map(|line| line.split_whitespace().flat_map(str::parse).collect::<Vec<_>>())
        .find(|pids| pids.len() == 2)
        .unwrap();
    let runs = |pid: &u32| std::path::Path::new(&format!("/proc/{pid}")).exists();
    assert!(pids.iter().all(runs));
    owner.kill().unwrap();
    owner.wait().unwrap();
    eventually("its servers are gone", || !pids.iter().any(runs));
    let prefix = format!("thrive-services-{}-", owner.id());
    eventually("its folders are gone", || {
        let mut entries = std::fs::read_dir(std::env::temp_dir()).unwrap().flatten();
        !entries.any(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
    });
}

/// One mail by hand, as far as the server lets it get; its last answer.
fn mail_by_hand(port: u16) -> String {
    use std::io::{BufRead as _, BufReader, Write as _};

    let stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let mut answers = BufReader::new(stream.try_clone().expect("a second handle")).lines();
    let mut answer = || answers.next().and_then(Result::ok).expect("it answers");
    answer();
    for line in [
        "HELO test",
        "MAIL FROM:<eve@example.org>",
        "RCPT TO:<ann@example.org>",
        "DATA",
        "Subject: Hi\r\n\r\nHello Ann\r\n.",
    ] {
        write!(&stream, "{line}\r\n").expect("it listens");
        let said = answer();
        if !said.starts_with(['2', '3']) || line.ends_with('.') {
            return said;
        }
    }
    unreachable!("the last line returns")
}

#[test]
fn a_mail_server_keeps_what_it_takes_and_refuses_and_rests_when_it_is_told_to() {
    let smtp = OwnSmtp::start().unwrap();
    assert!(mail_by_hand(smtp.port()).starts_with("250"));
    let mails = smtp.mails().unwrap();
    assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ann@example.org"));
    assert_eq!((mails[0].header("Subject"), mails[0].text.trim()), ("Hi", "Hello Ann"));
    smtp.refuse(550).unwrap();
    assert!(mail_by_hand(smtp.port()).starts_with("550"));
    smtp.stop().unwrap();
    assert!(std::net::TcpStream::connect(("127.0.0.1", smtp.port())).is_err());
    smtp.start_again().unwrap();
    smtp.take().unwrap();
    assert!(mail_by_hand(smtp.port()).starts_with("250"));
    assert_eq!(smtp.mails().unwrap().len(), 2, "what it had is still there");
}
