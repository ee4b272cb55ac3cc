//! The client library that people use, behind a router: nodes stop, die and fall silent, and whoever
//! talks over them sees nothing but their messages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use thrive_client::{
    Arrival, Change, Changes, Client, Connection, Options, Secret, ServerAddress, UserId,
};
use thrive_testkit::{Cluster, PASSWORD};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

/// Long enough for a client that waits before it comes back.
const REUNION: Duration = Duration::from_secs(45);
/// Long before anybody gives a silent connection up, or a paused node goes on. How soon it really is, the
/// fault runner measures; here something else may hold the processor.
const SOON: Duration = Duration::from_secs(9);
/// Between two messages of Ann.
const PACE: Duration = Duration::from_millis(50);

/// Ann writes to Bob without a pause, over a router and two nodes.
struct Talk {
    cluster: Arc<Cluster>,
    ann: Client,
    bob: Client,
    writing: JoinHandle<Result<()>>,
    listening: JoinHandle<Result<Heard>>,
    _folder: TempDir,
}

/// What one of them was shown.
#[derive(Default)]
struct Heard {
    /// When each message came.
    at: Vec<Instant>,
    /// Messages that were shown as something that was missed.
    late: usize,
    /// How often the connection was lost, as people are told of it.
    lost: usize,
}

impl Heard {
    fn longest_gap(&self) -> Duration {
        self.at.windows(2).map(|it| it[1] - it[0]).max().unwrap_or_default()
    }
}

const LAST: &str = "the last one";

impl Talk {
    async fn begin() -> Result<Self> {
        let start = || Cluster::start().nodes(2).routers(1).ready();
        let cluster = Arc::new(spawn_blocking(start).await??);
        let door = cluster.router_door(0)?;
        drop(door.pair().await?);
        let folder = tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?;
        let port = door.address.port();
        let (ann, bob) = (open(&folder, "ann", port).await?, open(&folder, "bob", port).await?);
        let bob_is = bob.account().context("bob is logged in")?.user;
        let listening = tokio::spawn(listen(bob.changes(), ann.changes()));
        let writing = tokio::spawn(write(ann.clone(), bob_is));
        Ok(Self { cluster, ann, bob, writing, listening, _folder: folder })
    }

    /// Does something to the cluster that takes its time.
    async fn then(&self, act: impl FnOnce(&Cluster) -> Result<()> + Send + 'static) -> Result<()> {
        let cluster = Arc::clone(&self.cluster);
        spawn_blocking(move || act(&cluster)).await?
    }

    /// Waits until everything that was written was shown, once and in order.
    async fn end(self) -> Result<Heard> {
        ensure!(!self.writing.is_finished(), "whatever happens, a message can be written");
        self.writing.abort();
        let bob_is = self.bob.account().context("bob is logged in")?.user;
        let ann_is = self.ann.account().context("ann is logged in")?.user;
        self.ann.online(REUNION).await?;
        self.ann.send(bob_is, LAST).await?;
        let heard = timeout(REUNION, self.listening).await.context("the last one in time")???;
        let wrote = self.ann.messages(bob_is, 10_000).await?;
        let shown = self.bob.messages(ann_is, 10_000).await?;
        let texts = |messages: Vec<thrive_client::Message>| -> Vec<String> {
            messages.into_iter().map(|it| it.text).collect()
        };
        ensure!(texts(wrote) == texts(shown), "both have the same history");
        self.ann.close().await;
        self.bob.close().await;
        Ok(heard)
    }
}

async fn open(folder: &TempDir, name: &str, port: u16) -> Result<Client> {
    let options = Options {
        dir: folder.path().join(name),
        server: ServerAddress { host: "127.0.0.1".into(), port },
        program: "thrive-testkit".into(),
        device: format!("{name}'s computer"),
    };
    let client = Client::open(options).await?;
    client.attend(true);
    client.log_in(name, Secret::new(PASSWORD.into())).await?;
    client.online(REUNION).await?;
    Ok(client)
}

async fn write(ann: Client, bob: UserId) -> Result<()> {
    for number in 0.. {
        ann.send(bob, &format!("message {number}")).await?;
        tokio::time::sleep(PACE).await;
    }
    Ok(())
}

/// Notes what Bob is shown, until the last one; each message must be the one after the one before.
async fn listen(mut bob: Changes, mut ann: Changes) -> Result<Heard> {
    let mut heard = Heard::default();
    loop {
        let change = tokio::select! {
            change = bob.next() => change.context("bob is there")?,
            change = ann.next() => match change.context("ann is there")? {
                change @ Change::Connection(_) => change,
                _ => continue,
            },
        };
        match change {
            Change::Message { before: None, now, arrival } if !now.mine => {
                if now.text == LAST {
                    return Ok(heard);
                }
                let expected = format!("message {}", heard.at.len());
                ensure!(now.text == expected, "{} came instead of {expected}", now.text);
                heard.at.push(Instant::now());
                heard.late += usize::from(arrival != Arrival::Live);
            }
            Change::Connection(Connection::Connecting { .. }) => heard.lost += 1,
            Change::Reload => bail!("the test listens quickly enough"),
            _ => {}
        }
    }
}

async fn a_while() {
    tokio::time::sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn nodes_that_stop_one_after_the_other_are_not_noticed() -> Result<()> {
    let talk = Talk::begin().await?;
    a_while().await;
    for node in 0..2 {
        talk.then(move |cluster| {
            let status = cluster.terminate_node(node)?;
            ensure!(status.success(), "{status}");
            cluster.start_node(node)
        })
        .await?;
        a_while().await;
    }
    let heard = talk.end().await?;
    assert_eq!((heard.lost, heard.late), (0, 0), "nobody is told of anything");
    let gap = heard.longest_gap();
    assert!(gap < SOON, "{gap:?}");
    Ok(())
}

#[tokio::test]
async fn the_death_of_each_node_in_turn_costs_seconds_and_no_message() -> Result<()> {
    let talk = Talk::begin().await?;
    a_while().await;
    for node in 0..2 {
        talk.then(move |cluster| cluster.kill_node(node)).await?;
        tokio::time::sleep(Duration::from_secs(6)).await;
        talk.then(move |cluster| cluster.start_node(node)).await?;
        a_while().await;
    }
    let heard = talk.end().await?;
    let gap = heard.longest_gap();
    assert!(gap < SOON, "{gap:?}");
    Ok(())
}

#[tokio::test]
async fn a_node_that_falls_silent_is_left_for_another_one() -> Result<()> {
    let talk = Talk::begin().await?;
    a_while().await;
    for node in 0..2 {
        talk.then(move |cluster| cluster.pause_node(node)).await?;
        tokio::time::sleep(SOON).await;
        talk.then(move |cluster| cluster.resume_node(node)).await?;
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let heard = talk.end().await?;
    let gap = heard.longest_gap();
    assert!(gap < SOON, "somebody waited for the silent one: {gap:?}");
    Ok(())
}
