//! Files between people: real nodes, real clients, real folders, and whatever happens to nodes and programs
//! meanwhile.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use tempfile::TempDir;
use thrive_client::{
    Client, Code, Failure, File, FileState, MessageKey, Options, Secret, ServerAddress, UserId,
};
use thrive_testkit::{Cluster, PASSWORD, TestNode};
use tokio::task::spawn_blocking;
use tokio::time::timeout;

/// Long enough for a node that dies, a client that finds out, and 20 MB on a busy machine.
const PATIENCE: Duration = Duration::from_secs(50);
const MEGABYTE: usize = 1_000_000;

/// Where clients keep what they know, and people their files.
struct Home {
    folder: TempDir,
}

impl Home {
    fn new() -> Result<Self> {
        Ok(Self { folder: tempfile::Builder::new().prefix("thrive-testkit-").tempdir()? })
    }

    async fn client(&self, name: &str, port: u16) -> Result<Client> {
        let options = Options {
            dir: self.folder.path().join(name),
            server: ServerAddress { host: "127.0.0.1".into(), port },
            program: "thrive-testkit".into(),
            device: format!("{name}'s computer"),
        };
        let client = Client::open(options).await?;
        client.attend(true);
        Ok(client)
    }

    async fn log_in(&self, name: &str, port: u16) -> Result<Client> {
        let client = self.client(name, port).await?;
        client.log_in(name, Secret::new(PASSWORD.into())).await?;
        client.online(PATIENCE).await?;
        Ok(client)
    }

    /// A file in the outgoing folder, which is like no other.
    fn file(&self, name: &str, content: &[u8]) -> Result<PathBuf> {
        let folder = self.folder.path().join("outgoing");
        std::fs::create_dir_all(&folder)?;
        let path = folder.join(name);
        std::fs::write(&path, content)?;
        Ok(path)
    }

    fn incoming(&self) -> PathBuf {
        self.folder.path().join("incoming")
    }
}

/// Bytes that are no program, and in which no place is like another.
fn content(len: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut bytes = b"not a program ".to_vec();
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

/// Waits until a file is as it is wanted.
async fn until(
    client: &Client,
    message: MessageKey,
    wanted: impl Fn(&File) -> bool,
) -> Result<File> {
    let mut changes = client.changes();
    let waited = timeout(PATIENCE, async {
        loop {
            let file = client.file(message).await?;
            if wanted(&file) {
                return Ok::<_, anyhow::Error>(file);
            }
            changes.next().await.context("the client is open")?;
        }
    });
    match waited.await {
        Ok(file) => file,
        Err(_) => {
            let file = client.file(message).await?;
            bail!("in time; it is {file:?}, and the client {:?}", client.connection())
        }
    }
}

/// The files that somebody was offered, once there are so many, the oldest first.
async fn offers(client: &Client, count: usize) -> Result<Vec<File>> {
    let mut changes = client.changes();
    let waited = timeout(PATIENCE, async {
        loop {
            let mut files = client.files().await?;
            files.retain(|file| !file.mine);
            if files.len() == count {
                files.reverse();
                return Ok::<_, anyhow::Error>(files);
            }
            changes.next().await.context("the client is open")?;
        }
    });
    waited.await.context("the offers in time")?
}

fn is(state: FileState) -> impl Fn(&File) -> bool {
    move |file| file.state == state
}

fn user(client: &Client) -> Result<UserId> {
    Ok(client.account().context("somebody is logged in")?.user)
}

/// What lies in the folder of a node, of all files together.
fn parts(folder: &Path) -> usize {
    let files = std::fs::read_dir(folder).into_iter().flatten().flatten();
    files.map(|it| std::fs::read_dir(it.path()).into_iter().flatten().count()).sum()
}

async fn until_nothing_is_kept(folder: &Path) -> Result<()> {
    let swept = timeout(PATIENCE, async {
        while parts(folder) != 0 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    swept.await.with_context(|| format!("{} parts are kept", parts(folder)))
}

#[tokio::test(flavor = "multi_thread")]
async fn weakness_22_a_large_file_survives_the_death_of_both_nodes_in_bounded_memory() -> Result<()>
{
    let start = || Cluster::start().nodes(2).ready();
    let cluster = Arc::new(spawn_blocking(start).await??);
    drop(cluster.door(0)?.pair().await?);
    let home = Home::new()?;
    let at = |n: usize| Ok::<_, anyhow::Error>(cluster.node_address(n)?.port());
    let (ann, bob) = (home.log_in("ann", at(0)?).await?, home.log_in("bob", at(1)?).await?);
    let again = |n: usize| {
        let cluster = Arc::clone(&cluster);
        spawn_blocking(move || {
            cluster.kill_node(n)?;
            cluster.start_node(n)
        })
    };
    let before = peak(&cluster)?;
    let content = content(20 * MEGABYTE, 1);
    let path = home.file("a film.bin", &content)?;
    let message = ann.offer_file(user(&bob)?, &path).await?;

    // The node dies in the middle of the upload, and the offer is accepted meanwhile.
    until(&ann, message, |file| 4 * MEGABYTE as u64 <= file.done).await?;
    again(0).await??;
    let theirs = offers(&bob, 1).await?.remove(0);
    bob.accept_file(theirs.message, Some(&home.incoming())).await?;
    until(&ann, message, is(FileState::Available)).await?;

    // And the other one in the middle of the download.
    until(&bob, theirs.message, |file| MEGABYTE as u64 <= file.done).await?;
    again(1).await??;
    let saved = until(&bob, theirs.message, |file| file.saved.is_some()).await?;
    ensure!(std::fs::read(saved.saved.context("a path")?)? == content, "it is what was sent");
    until(&ann, message, is(FileState::Received)).await?;
    let left: Vec<_> = std::fs::read_dir(home.incoming())?.collect();
    ensure!(left.len() == 1, "no half of it is left: {left:?}");

    // The nodes of now have seen the larger part of it.
    let grown = peak(&cluster)?.saturating_sub(before);
    ensure!(grown < 48 * 1024, "a node has grown by {grown} kB for a file of 20 MB");
    ann.close().await;
    bob.close().await;
    Ok(())
}

/// The most memory that a node has had, in kB.
fn peak(cluster: &Cluster) -> Result<u64> {
    let peaks = cluster.node_pids().into_iter().map(|(_, pid)| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status"))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next());
        number.and_then(|it| it.parse::<u64>().ok()).context("a peak")
    });
    peaks.collect::<Result<Vec<_>>>()?.into_iter().max().context("a node runs")
}

#[tokio::test(flavor = "multi_thread")]
async fn weakness_22_somebody_who_is_away_gets_several_files_later_and_answers_each() -> Result<()>
{
    let start = || Cluster::start().nodes(2).routers(1).ready();
    let cluster = Arc::new(spawn_blocking(start).await??);
    let door = cluster.router_door(0)?;
    drop(door.pair().await?);
    let (home, port) = (Home::new()?, door.address.port());
    let bob = home.log_in("bob", port).await?;
    let (bob_is, token) = (user(&bob)?, bob.account().context("bob is logged in")?.token);
    bob.close().await;

    let ann = home.log_in("ann", port).await?;
    ann.open_chat("bob").await?;
    let names = ["one.txt", "two.txt", "three.txt"];
    let mut sent = Vec::new();
    for (seed, name) in (2..).zip(names) {
        let content = content(1_200_000, seed);
        let message = ann.offer_file(bob_is, &home.file(name, &content)?).await?;
        sent.push((message, content));
    }
    for (message, _) in &sent {
        until(&ann, *message, is(FileState::Ready)).await?;
    }
    let ann_token = ann.account().context("ann is logged in")?.token;
    ann.close().await;

    let bob = home.client("bob", port).await?;
    bob.resume("bob", token).await?;
    let theirs = offers(&bob, 3).await?;
    let offered: Vec<_> = theirs.iter().map(|file| file.name.as_str()).collect();
    ensure!(offered == names, "in their order: {offered:?}");
    std::fs::create_dir_all(home.incoming())?;
    std::fs::write(home.incoming().join("one.txt"), "mine")?;
    bob.accept_file(theirs[0].message, Some(&home.incoming())).await?;
    bob.decline_file(theirs[1].message).await?;
    bob.accept_file(theirs[2].message, Some(&home.incoming())).await?;
    for (at, name) in [(0, "one (1).txt"), (2, "three.txt")] {
        let file = until(&bob, theirs[at].message, |file| file.saved.is_some()).await?;
        let path = file.saved.context("a path")?;
        ensure!(path == home.incoming().join(name), "{path:?}");
        ensure!(std::fs::read(path)? == sent[at].1, "{name}");
    }
    ensure!(std::fs::read(home.incoming().join("one.txt"))? == b"mine", "nothing is written over");

    let ann = home.client("ann", port).await?;
    ann.resume("ann", ann_token).await?;
    let states = [FileState::Received, FileState::Declined, FileState::Received];
    for ((message, _), state) in sent.iter().zip(states) {
        until(&ann, *message, is(state)).await?;
    }
    ann.close().await;
    bob.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_program_has_begun_to_send_and_to_fetch_goes_on_after_its_restart() -> Result<()> {
    let node = TestNode::start().await?;
    drop(node.pair().await?);
    let (home, port) = (Home::new()?, node.address.port());
    let (ann, bob) = (home.log_in("ann", port).await?, home.log_in("bob", port).await?);
    let content = content(12 * MEGABYTE, 7);
    let message = ann.offer_file(user(&bob)?, &home.file("a.bin", &content)?).await?;
    until(&ann, message, |file| 2 * MEGABYTE as u64 <= file.done).await?;
    let token = ann.account().context("ann is logged in")?.token;
    ann.close().await;
    let ann = home.client("ann", port).await?;
    ann.resume("ann", token).await?;
    until(&ann, message, is(FileState::Ready)).await?;

    let theirs = offers(&bob, 1).await?.remove(0);
    bob.accept_file(theirs.message, Some(&home.incoming())).await?;
    until(&bob, theirs.message, |file| MEGABYTE as u64 <= file.done).await?;
    let token = bob.account().context("bob is logged in")?.token;
    bob.close().await;
    let bob = home.client("bob", port).await?;
    bob.resume("bob", token).await?;
    let saved = until(&bob, theirs.message, |file| file.saved.is_some()).await?;
    ensure!(std::fs::read(saved.saved.context("a path")?)? == content, "it is what was sent");
    until(&ann, message, is(FileState::Received)).await?;
    ann.close().await;
    bob.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_or_lost_on_its_way_is_called_so_and_nobody_is_accused() -> Result<()> {
    let node = TestNode::start().await?;
    drop(node.pair().await?);
    let (home, port) = (Home::new()?, node.address.port());
    let (ann, bob) = (home.log_in("ann", port).await?, home.log_in("bob", port).await?);
    let under_way = |file: &File| MEGABYTE as u64 <= file.done;
    let first = home.file("first.bin", &content(12 * MEGABYTE, 9))?;
    let message = ann.offer_file(user(&bob)?, &first).await?;
    until(&ann, message, under_way).await?;
    ann.cancel_file(message).await?;
    until(&ann, message, is(FileState::Cancelled)).await?;
    let theirs = offers(&bob, 1).await?.remove(0);
    until(&bob, theirs.message, is(FileState::Cancelled)).await?;

    // The file goes while the program is closed.
    let second = home.file("second.bin", &content(12 * MEGABYTE, 10))?;
    let message = ann.offer_file(user(&bob)?, &second).await?;
    until(&ann, message, under_way).await?;
    let token = ann.account().context("ann is logged in")?.token;
    ann.close().await;
    std::fs::remove_file(second)?;
    let ann = home.client("ann", port).await?;
    ann.resume("ann", token).await?;
    let failed = until(&ann, message, |file| file.failed.is_some()).await?;
    ensure!(failed.state != FileState::Ready, "{failed:?}");
    let theirs = offers(&bob, 2).await?.remove(1);
    until(&bob, theirs.message, is(FileState::Cancelled)).await?;
    ann.close().await;
    bob.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn weakness_06_a_program_that_is_called_a_text_is_refused_and_nothing_is_kept() -> Result<()>
{
    let node = TestNode::start().await?;
    drop(node.pair().await?);
    let (home, port) = (Home::new()?, node.address.port());
    let (ann, bob) = (home.log_in("ann", port).await?, home.log_in("bob", port).await?);
    let mut program = content(3 * MEGABYTE, 9);
    program[..8].copy_from_slice(b"MZ\x90\0\x03\0\0\0");
    let message = ann.offer_file(user(&bob)?, &home.file("a.txt", &program)?).await?;
    until(&ann, message, is(FileState::NotAsOffered)).await?;
    let theirs = offers(&bob, 1).await?.remove(0);
    until(&bob, theirs.message, is(FileState::NotAsOffered)).await?;
    let late = bob.accept_file(theirs.message, Some(&home.incoming())).await;
    ensure!(matches!(late, Err(Failure::Refused { code: Code::FileGone, .. })), "{late:?}");
    until_nothing_is_kept(&node.folder().join("files")).await?;

    let named = home.file("a.exe", &program)?;
    let refused = ann.offer_file_and_wait(user(&bob)?, &named).await;
    let code = Code::FileTypeRefused;
    ensure!(matches!(refused, Err(Failure::Refused { code: it, .. }) if it == code), "{refused:?}");
    // What has changed since it was offered is not sent as something else.
    let path = home.file("b.txt", b"as it was")?;
    let message = ann.offer_file(user(&bob)?, &path).await?;
    until(&ann, message, is(FileState::Ready)).await?;
    ann.close().await;
    bob.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_taken_back_is_deleted_and_makes_room_in_the_quota() -> Result<()> {
    let node = TestNode::start_with(|config| {
        config.files.quota = 2_500_000;
        config.files.most = 2_000_000;
    })
    .await?;
    drop(node.pair().await?);
    let (home, port) = (Home::new()?, node.address.port());
    let (ann, bob) = (home.log_in("ann", port).await?, home.log_in("bob", port).await?);
    let bob_is = user(&bob)?;
    let refused = async |name: &str, len: usize| -> Result<Failure> {
        match ann.offer_file_and_wait(bob_is, &home.file(name, &content(len, 3))?).await {
            Err(failure) => Ok(failure),
            other => bail!("{name}: {other:?}"),
        }
    };
    let limit = Some(2_000_000);
    let large = Failure::Refused { code: Code::FileTooLarge, retry_after_ms: None, limit };
    ensure!(refused("large", 2_000_001).await? == large);
    let first = ann.offer_file(bob_is, &home.file("first", &content(1_500_000, 4))?).await?;
    until(&ann, first, is(FileState::Ready)).await?;
    let full = Failure::OverQuota { limit: 2_500_000, left: 1_000_000 };
    ensure!(refused("second", 1_500_000).await? == full);
    ann.cancel_file(first).await?;
    until(&ann, first, is(FileState::Cancelled)).await?;
    until_nothing_is_kept(&node.folder().join("files")).await?;
    let third = ann.offer_file(bob_is, &home.file("third", &content(1_500_000, 5))?).await?;
    until(&ann, third, is(FileState::Ready)).await?;
    ann.close().await;
    bob.close().await;
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn weakness_22_what_nobody_fetches_expires_and_leaves_nothing() -> Result<()> {
    let keep = Duration::from_secs(3);
    let node = TestNode::start_with(|config| config.files.keep = keep).await?;
    drop(node.pair().await?);
    let (home, port) = (Home::new()?, node.address.port());
    let (ann, bob) = (home.log_in("ann", port).await?, home.log_in("bob", port).await?);
    let message = ann.offer_file(user(&bob)?, &home.file("old", &content(50_000, 5))?).await?;
    // On a slow machine it may expire before all of it is there.
    let over = |file: &File| matches!(file.state, FileState::Ready | FileState::Expired);
    until(&ann, message, over).await?;
    let theirs = offers(&bob, 1).await?.remove(0);
    until_nothing_is_kept(&node.folder().join("files")).await?;
    let theirs = bob.file(theirs.message).await?;
    ensure!(theirs.state == FileState::Expired, "{theirs:?}");
    match bob.accept_file(theirs.message, None).await {
        Err(Failure::Refused { code: Code::NoSuchFile | Code::FileGone, .. }) => {}
        other => bail!("{other:?}"),
    }
    ann.close().await;
    bob.close().await;
    Ok(())
}
