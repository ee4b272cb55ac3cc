//! Clients that read slowly, and clients that come all at once: T16, T17; and guesses at passwords: T27.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use thrive_protocol::ids::{ConversationId, Seq};
use thrive_protocol::request::Position;
use thrive_protocol::secret::Secret;
use thrive_protocol::version::ALPN;
use thrive_protocol::{Event, NodeFrame};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::loud::Author;
use super::redis::slower;
use super::{Cast, Plan, Report, Run, Site};
use crate::chaos::Dice;
use crate::crowd::gather::come_in;
use crate::dial::{Dialer, Windows};
use crate::door::Door;
use crate::ledger::Invariant;
use crate::ledger::delay::Spread;

/// Bytes that a node keeps for a client that does not read: the least that can be set.
const OUTBOX: u64 = 128 * 1024;
/// What one message of a loud chat has.
const LOUD_BYTES: usize = 3_800;
/// What waits is there within this.
const SHORT: Duration = Duration::from_millis(100);
/// A slow client has everything within this, once it reads.
const COMPLETE: Duration = Duration::from_secs(5);

/// T16: some clients hardly read, in chats where a lot is written.
pub async fn slow_readers(plan: &Plan) -> Result<Report> {
    let slow = if plan.short { 6 } else { 20 };
    let outbox = OUTBOX.to_string();
    let set = |it: crate::cluster::Builder| it.set("limits.outbox_bytes", outbox);
    let site = Site::cluster(plan, 2, 0, set).await?;
    let mut run = Run::begin("t16", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(15.0, 3.0).await;
    let (wake, woken) = watch::channel(false);
    let mut readers = JoinSet::new();
    let mut loud = Vec::new();
    let chats = run.crowd.chats();
    ensure!(slow <= chats.len(), "there are chats enough");
    for (number, (chat, one, other)) in (0_u32..).zip(chats).take(slow) {
        let token = |person: u32| run.crowd.people[person as usize].token.clone();
        let windows = Windows { stream: 64 * 1_024, connection: 256 * 1_024 };
        let door = run.site.parts()?.door(0)?.by(Dialer::with(windows, &[ALPN])?);
        readers.spawn(read_slowly(door, token(one), chat, woken.clone()));
        let author = Author::new(number, &run.crowd.journal);
        loud.push((run.site.parts()?.door(1)?, token(other), author, chat));
    }
    // From here on the memory of the nodes is measured.
    run.memory_from_here();
    let (rate, seconds) = if plan.short { (80, 16) } else { (30, 40) };
    let mut writers = JoinSet::new();
    for (door, token, mut author, chat) in loud {
        writers.spawn(async move {
            let mut client = come_in(&door, &token).await?;
            let mut ticks = tokio::time::interval(Duration::from_secs(1));
            for _ in 0..seconds {
                ticks.tick().await;
                let drafts = (0..rate).map(|_| author.draft(chat, LOUD_BYTES)).collect();
                author.send(&mut client, drafts, 8).await?;
            }
            Ok::<_, anyhow::Error>(())
        });
    }
    while let Some(outcome) = writers.join_next().await {
        outcome??;
    }
    let during = run.since(before.until);
    // Each may cost its outbox, what QUIC keeps for it, and the rest of a connection.
    let most = slow as f64 * 0.4 + 16.0;
    run.check_memory(most);
    // So that there is an end to what the slow ones have to catch up with.
    run.hush();
    run.crowd.rest(Duration::from_secs(30)).await?;
    wake.send(true).context("somebody is to wake up")?;
    let mut caught_up = Vec::new();
    while let Some(outcome) = readers.join_next().await {
        match outcome? {
            Ok(took) => caught_up.push(took),
            Err(error) => run.report.missed(Invariant::I2, format!("a slow client: {error:#}")),
        }
    }
    let caught_up = Spread::of(caught_up);
    if COMPLETE < caught_up.max {
        let what = format!("a slow client needed {:?} to catch up", caught_up.max);
        run.report.missed(Invariant::I16, what);
    }
    run.report.spread("caught_up", caught_up);
    run.delays("before", before);
    run.delays("during", during);
    run.check().await
}

/// Reads a few frames now and then, so that it counts as alive, until it is woken; then everything, and
/// what was dropped from the store. How long that took.
async fn read_slowly(
    door: Door,
    token: Secret,
    conversation: ConversationId,
    mut woken: watch::Receiver<bool>,
) -> Result<Duration> {
    let mut client = come_in(&door, &token).await?;
    while !*woken.borrow() {
        tokio::select! {
            biased;
            changed = woken.changed() => changed.context("it is woken")?,
            () = tokio::time::sleep(Duration::from_secs(2)) => {
                // Enough that QUIC says so to the node, and a fraction of what is written.
                for _ in 0..8 {
                    let Ok(frame) = timeout(SHORT, client.down.next()).await else { break };
                    frame.context("it was not cut off")?;
                }
            }
        }
    }
    let begun = Instant::now();
    let mut hinted = Seq::START;
    // What waits for it, up to the hint that there is more.
    while let Ok(body) = timeout(Duration::from_millis(500), client.down.next()).await {
        match NodeFrame::decode(&body?)? {
            Some(NodeFrame::Event(Event::Entry(entry))) if entry.conversation == conversation => {
                hinted = hinted.max(entry.seq);
            }
            Some(NodeFrame::Event(Event::Heads { heads })) => {
                let mine = heads.iter().find(|it| it.conversation == conversation);
                hinted = mine.map_or(hinted, |head| hinted.max(head.seq));
            }
            _ => {}
        }
    }
    let epoch = client.me.as_ref().map(|me| me.epoch);
    let mut at = Seq::START;
    loop {
        let page = client.sync(epoch, &[Position { conversation, seq: at }]).await?;
        let mine = page.entries.iter().filter(|it| it.conversation == conversation);
        at = mine.map(|it| it.seq).max().unwrap_or(at);
        if !page.more {
            break;
        }
    }
    ensure!(at <= hinted, "it was told of {hinted} and nothing later, and {at} is there");
    Ok(begun.elapsed())
}

/// T17: thousands of light clients come in at once, go at once, and come again.
pub async fn storm(plan: &Plan) -> Result<Report> {
    let many = if plan.short { 300 } else { 3_000 };
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t17", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(10.0, 2.0).await;
    let drops = udp_drops();
    let tokens: Arc<[Secret]> = run.crowd.people.iter().map(|it| it.token.clone()).collect();
    let front = run.site.fronts()[0];
    let mut first = wave(front, &tokens, many).await?;
    run.report.spread("first_wave", first.spread());
    // All of them go in one moment, without a word, and are back in the next.
    first.clients.clear();
    let second = wave(front, &tokens, many).await?;
    run.report.spread("second_wave", second.spread());
    let during = run.since(before.until);
    run.report.figure("udp_drops", (udp_drops().saturating_sub(drops)) as f64);
    run.delays("before", before);
    run.delays("during", during);
    drop(second);
    run.pass(3.0, 1.0).await;
    run.check().await
}

struct Wave {
    clients: Vec<crate::raw::RawClient>,
    times: Vec<Duration>,
}

impl Wave {
    fn spread(&self) -> Spread {
        Spread::of(self.times.clone())
    }
}

/// Light clients that share one socket.
const PER_SOCKET: usize = 50;
/// What a whole wave may take.
const WAVE: Duration = Duration::from_secs(60);

async fn wave(front: std::net::SocketAddr, tokens: &Arc<[Secret]>, many: usize) -> Result<Wave> {
    let begun = Instant::now();
    let mut coming = JoinSet::new();
    for number in 0..many.div_ceil(PER_SOCKET) {
        let door = Door::new(front)?;
        for index in number * PER_SOCKET..many.min((number + 1) * PER_SOCKET) {
            let (door, tokens) = (door.clone(), Arc::clone(tokens));
            coming.spawn(async move {
                let mut dice = Dice::new(index as u64);
                let mut wait = Duration::from_millis(250);
                loop {
                    match door.resume(&tokens[index % tokens.len()]).await {
                        Ok(client) => return Ok((client, begun.elapsed())),
                        Err(error) if WAVE < begun.elapsed() => return Err(error),
                        Err(_) => tokio::time::sleep(dice.up_to(wait)).await,
                    }
                    wait = (wait * 2).min(Duration::from_secs(5));
                }
            });
        }
    }
    let mut wave = Wave { clients: Vec::new(), times: Vec::new() };
    while let Some(outcome) = coming.join_next().await {
        let (client, took) = outcome?.context("a light client comes in")?;
        wave.clients.push(client);
        wave.times.push(took);
    }
    Ok(wave)
}

/// Datagrams that the system threw away because a socket was full.
fn udp_drops() -> u64 {
    let table = std::fs::read_to_string("/proc/net/udp").unwrap_or_default();
    let last = |line: &str| line.split_whitespace().last()?.parse::<u64>().ok();
    table.lines().skip(1).filter_map(last).sum()
}

/// T27: wrong passwords, two hundred a second.
pub async fn guesses(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t27", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(15.0, 3.0).await;
    let time = Duration::from_secs(if plan.short { 5 } else { 20 });
    let door = run.site.door()?;
    let begun = Instant::now();
    let mut guessing = JoinSet::new();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    let mut number = 0;
    while begun.elapsed() < time {
        ticks.tick().await;
        number += 1;
        let door = door.clone();
        guessing.spawn(async move {
            let mut guest = door.guest().await?;
            // Nobody has this name, which costs a node as much as a wrong password.
            let name = format!("nobody{number}");
            door.try_log_in(&mut guest, &name, "a wrong password").await
        });
    }
    let (mut refused, mut broken_off) = (0, 0);
    while let Some(outcome) = guessing.join_next().await {
        match outcome? {
            Ok(Err(_)) => refused += 1,
            Ok(Ok(_)) => run.report.missed(Invariant::I12, "a wrong password was taken"),
            Err(_) => broken_off += 1,
        }
    }
    run.report.count("guesses_refused", refused);
    run.report.count("guesses_without_an_answer", broken_off);
    let during = run.since(before.until);
    run.pass(3.0, 1.0).await;
    run.delays("before", before);
    run.delays("during", during);
    slower(&mut run, "send_before_p99_ms", "send_during_p99_ms", 1.5, 30.0);
    // As many hashes at once as there are cores, each with 19 MiB.
    run.check_memory(19.0 * 2.0 * 2.0 + 16.0);
    run.check().await
}
