//! A node of a cluster that is configured wrongly ends with one clear message, or waits and says so.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tempfile::TempDir;
use thrive_testkit::chaos::WrongClock;
use thrive_testkit::process::Place;
use thrive_testkit::{Cluster, PATIENCE};

/// A node as it should be, on services that are there.
struct Rig {
    folder: TempDir,
    place: Place,
}

impl Rig {
    fn new() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let secret = folder.path().join("secret");
        std::fs::write(&secret, [7; 32])?;
        let redis = thrive_services::redis();
        let mut place = Place::new(&folder.path().join("node"))?
            .set("database.url", thrive_services::postgres().fresh())
            .set("redis.url", redis.url())
            .set("redis.prefix", redis.fresh_prefix())
            .set("cluster.secret", secret.display())
            .set("cluster.listen", "127.0.0.1:0")
            .set("cluster.node", 1)
            .set("files.shared", "yes");
        place.log_filter = "info".into();
        Ok(Self { folder, place })
    }

    /// Starts it with this setting; it must end by itself with code 1. What it said last.
    fn ends_with(&self, key: &str, value: impl std::fmt::Display) -> Result<String> {
        let place = self.place.clone().set(key, value);
        let status = place.start_in_vain()?;
        let log = std::fs::read_to_string(place.log())?;
        let last = log.lines().last().unwrap_or_default().to_owned();
        ensure!(status.code() == Some(1), "{status}: {log}");
        ensure!(last.starts_with("thrive-node: "), "the last line is for people: {log}");
        Ok(last)
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}

#[test]
fn a_node_as_it_should_be_starts() -> Result<()> {
    let (running, _) = Rig::new()?.place.launch()?;
    assert_eq!(running.terminate()?.code(), Some(0));
    Ok(())
}

#[test]
fn a_wrong_password_or_database_ends_the_node() -> Result<()> {
    let rig = Rig::new()?;
    let right = thrive_services::postgres().fresh();
    let (user, rest) = right.rsplit_once('@').unwrap();
    let (user, password) = user.rsplit_once(':').unwrap();
    let said = rig.ends_with("database.url", format!("{user}:wrong@{rest}"))?;
    assert!(said.contains("does not let this node in"), "{said}");
    assert!(!said.contains(password) && !said.contains("wrong"), "{said}");
    let (server, _) = right.rsplit_once('/').unwrap();
    let said = rig.ends_with("database.url", format!("{server}/nowhere"))?;
    assert!(said.contains("nowhere") || said.contains("does not let this node in"), "{said}");
    Ok(())
}

#[test]
fn a_database_of_a_newer_program_ends_the_node() -> Result<()> {
    let rig = Rig::new()?;
    let url = thrive_services::postgres().fresh();
    let place = rig.place.clone().set("database.url", &url);
    assert!(place.migrate().output()?.status.success());
    let database = url.rsplit('/').next().unwrap();
    thrive_services::postgres().sql(
        database,
        "INSERT INTO migration (number, name, applied) VALUES (9999, 'from_the_future', 0)",
    )?;
    let said = rig.ends_with("database.url", &url)?;
    assert!(said.contains("9999") && said.contains("too old"), "{said}");
    Ok(())
}

#[test]
fn a_missing_or_short_secret_ends_the_node_and_is_named() -> Result<()> {
    let rig = Rig::new()?;
    let missing = rig.path().join("no-secret");
    let said = rig.ends_with("cluster.secret", missing.display())?;
    assert!(said.contains("no-secret"), "{said}");
    let short = rig.path().join("short-secret");
    std::fs::write(&short, b"short")?;
    let said = rig.ends_with("cluster.secret", short.display())?;
    assert!(said.contains("short-secret"), "{said}");
    Ok(())
}

#[test]
fn a_number_that_another_node_has_ends_the_node() -> Result<()> {
    let cluster = Cluster::start().nodes(1).ready()?;
    let rig = Rig::new()?;
    let Rig { folder: _folder, place } = rig;
    let place =
        place.set("redis.prefix", cluster.prefix()).set("database.url", cluster.database_url());
    let status = place.start_in_vain()?;
    let log = std::fs::read_to_string(place.log())?;
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.lines().last().unwrap().contains("another node has the number 1"), "{log}");
    assert!(cluster.node_runs(0)?, "the first one serves on");
    Ok(())
}

#[test]
fn a_redis_that_wants_a_password_ends_the_node() -> Result<()> {
    let options = thrive_services::RedisOptions {
        password: Some("a password that nobody gave".into()),
        ..thrive_services::RedisOptions::default()
    };
    let redis = thrive_services::Redis::start_with(options)?;
    let said = Rig::new()?.ends_with("redis.url", format!("redis://{}", redis.address()))?;
    assert!(said.contains("Redis"), "{said}");
    Ok(())
}

/// Waiting is right here: both may be starting as well.
#[test]
fn a_server_that_is_away_is_waited_for() -> Result<()> {
    for (key, scheme, expected) in [
        ("database.url", "postgres", "The database cannot be reached yet"),
        ("redis.url", "redis", "Waiting for Redis"),
    ] {
        let rig = Rig::new()?;
        // A port that nobody listens on: it was just given back.
        let port = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let place = rig.place.clone().set(key, format!("{scheme}://thrive@127.0.0.1:{port}/0"));
        let log = std::fs::File::create(place.log())?;
        let mut waiting = place.command().stderr(log).stdout(Stdio::null()).spawn()?;
        let heard = || std::fs::read_to_string(place.log()).unwrap_or_default();
        let deadline = Instant::now() + PATIENCE;
        while !heard().contains(expected) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(10));
        }
        let runs = waiting.try_wait()?.is_none();
        waiting.kill()?;
        waiting.wait()?;
        let log = heard();
        assert!(runs && log.contains(expected), "{log}");
        assert!(log.matches(expected).count() < 3, "it does not flood its log: {log}");
    }
    Ok(())
}

/// The clock of a machine decides what people read beside a message; the cluster has one.
#[test]
fn a_clock_that_is_far_off_ends_the_node() -> Result<()> {
    let clock = WrongClock::new()?;
    clock.set(2 * 3_600)?;
    let rig = Rig::new()?;
    let Rig { folder: _folder, mut place } = rig;
    place.environment = clock.environment().map(|(name, value)| (name.to_owned(), value)).into();
    let status = place.start_in_vain()?;
    let log = std::fs::read_to_string(place.log())?;
    assert_eq!(status.code(), Some(1), "{log}");
    assert!(log.lines().last().unwrap().contains("clock"), "{log}");
    Ok(())
}
