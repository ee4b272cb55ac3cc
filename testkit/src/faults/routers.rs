//! Routers that die, with and without another one beside them: T11; and noise at every door: T26.

use std::net::{SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use thrive_protocol::limits;

use super::redis::slower;
use super::{Cast, Plan, Report, Run, Site, Thresholds};
use crate::chaos::Dice;
use crate::crowd::gather::come_in;
use crate::ledger::delay;
use crate::usage;

/// T11: the only router is killed and started again; then one of two.
pub async fn router_killed(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t11", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(10.0, 2.0).await;
    let fault = run.now();
    run.site.act(|it| it.kill_router(0)).await?;
    tokio::time::sleep(Duration::from_secs(1)).await;
    run.site.act(|it| it.start_router(0)).await?;
    run.pass(15.0, 5.0).await;
    let after = run.since(fault);
    run.delays("before", before);
    silence(&mut run, "only", fault);
    let records = run.crowd.journal.records();
    run.report.count("connections_lost_only", delay::losses(&records, after));
    let only = run.examine().await?;

    let mut report = only.and(one_of_two(plan).await?);
    report.judge(&Thresholds::ours()?)?;
    Ok(report)
}

async fn one_of_two(plan: &Plan) -> Result<Report> {
    // Two workers each, since only those share their port with others.
    let build = |it: crate::cluster::Builder| it.one_front().set_on_routers("workers", 2);
    let site = Site::cluster(plan, 2, 2, build).await?;
    let mut run = Run::begin("t11", plan, site, Cast::usual(plan)).await?;
    run.pass(10.0, 2.0).await;
    let fault = run.now();
    run.site.act(|it| it.kill_router(0)).await?;
    run.pass(10.0, 4.0).await;
    let after = run.since(fault);
    silence(&mut run, "one_of_two", fault);
    let records = run.crowd.journal.records();
    run.report.count("connections_lost_one_of_two", delay::losses(&records, after));
    run.site.act(|it| it.start_router(0)).await?;
    run.pass(5.0, 2.0).await;
    run.examine().await
}

/// The longest that anybody who wrote around the fault had to wait for an answer.
fn silence(run: &mut Run, name: &str, fault: Duration) {
    let around = delay::Window {
        from: fault.saturating_sub(Duration::from_millis(500)),
        until: fault + Duration::from_secs(4),
    };
    let records = run.crowd.journal.records();
    let sends = delay::sends(&records, around);
    run.report.time(format!("silence_{name}_ms"), sends.max);
    run.report.time(format!("silence_{name}_p99_ms"), sends.p99);
}

/// T26: random datagrams at the routers and nodes, and broken frames from somebody who is logged in.
pub async fn garbage(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t26", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(15.0, 3.0).await;
    let parts = run.site.parts()?;
    let targets = [parts.router_address(0)?, parts.node_address(0)?];
    let rate = if plan.short { 2_000 } else { 50_000 };
    let time = Duration::from_secs(if plan.short { 5 } else { 30 });
    let pids: Vec<_> = parts.node_pids().into_iter().chain(parts.router_pids()).collect();
    let used = || pids.iter().filter_map(|(_, pid)| usage::processor(*pid).ok()).sum::<Duration>();
    let cpu = used();
    let noise = Noise::start(targets.to_vec(), rate, time, plan.seed);
    broken_frames(&run, time).await?;
    let during = run.since(before.until);
    let (sent, back) = noise.join()?;
    run.report.figure("garbage_datagrams", sent.0 as f64);
    run.report.figure("garbage_amplification", back as f64 / sent.1.max(1) as f64);
    let share = (used() - cpu).as_secs_f64() / time.as_secs_f64();
    run.report.figure("cores_used_by_nodes_and_router", (share * 100.0).round() / 100.0);
    run.pass(3.0, 1.0).await;
    run.delays("before", before);
    run.delays("during", during);
    slower(&mut run, "send_before_p99_ms", "send_during_p99_ms", 2.0, 50.0);
    run.check_memory(64.0);
    run.check().await
}

/// One of the crowd says nonsense, is thrown out, and comes back, again and again.
async fn broken_frames(run: &Run, time: Duration) -> Result<()> {
    let door = run.site.door()?;
    let token = &run.crowd.people.first().context("somebody")?.token;
    let mut dice = Dice::new(run.plan().seed);
    let end = Instant::now() + time;
    while Instant::now() < end {
        let mut client = come_in(&door, token).await?;
        for _ in 0..20 {
            let length = 1 + dice.roll() as usize % 2_000;
            // Now and then a header that promises more than is allowed.
            let promised = if dice.chance(0.1) { limits::FRAME * 4 } else { length };
            let mut frame = (promised as u32).to_be_bytes().to_vec();
            frame.extend((0..length).map(|_| dice.roll() as u8));
            if client.write(&frame).await.is_err() {
                break;
            }
        }
        client.connection.close(0_u32.into(), b"");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// A thread that sends random datagrams.
struct Noise {
    thread: std::thread::JoinHandle<std::io::Result<(u64, u64)>>,
    listener: std::thread::JoinHandle<()>,
    done: Arc<AtomicBool>,
    back: Arc<AtomicU64>,
}

impl Noise {
    fn start(targets: Vec<SocketAddr>, rate: u32, time: Duration, seed: u64) -> Self {
        let (done, back) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let socket = UdpSocket::bind("127.0.0.1:0").map(Arc::new);
        let heard = socket.as_ref().map(Arc::clone).ok();
        let listener = std::thread::spawn({
            let (done, back) = (Arc::clone(&done), Arc::clone(&back));
            move || listen(heard.as_deref(), &done, &back)
        });
        let thread = std::thread::spawn(move || make(&*socket?, &targets, rate, time, seed));
        Self { thread, listener, done, back }
    }

    /// Datagrams and bytes that were sent, and bytes that came back.
    fn join(self) -> Result<((u64, u64), u64)> {
        let sent = self.thread.join().map_err(|_| anyhow::anyhow!("the noise broke off"))??;
        self.done.store(true, Ordering::Relaxed);
        self.listener.join().map_err(|_| anyhow::anyhow!("the listener broke off"))?;
        Ok((sent, self.back.load(Ordering::Relaxed)))
    }
}

fn make(
    socket: &UdpSocket,
    targets: &[SocketAddr],
    rate: u32,
    time: Duration,
    seed: u64,
) -> std::io::Result<(u64, u64)> {
    let mut dice = Dice::new(seed);
    let begun = Instant::now();
    let (mut datagrams, mut bytes) = (0_u64, 0_u64);
    let mut buffer = [0_u8; 1_400];
    while begun.elapsed() < time {
        let due = (begun.elapsed().as_secs_f64() * f64::from(rate)) as u64;
        while datagrams < due {
            let length = 1 + dice.roll() as usize % buffer.len();
            for part in buffer[..length].chunks_mut(8) {
                let random = dice.roll().to_ne_bytes();
                part.copy_from_slice(&random[..part.len()]);
            }
            // Half of them look like the first datagram of a new client.
            if dice.chance(0.5) {
                buffer[0] |= 0xC0;
                buffer[1..5.min(length).max(1)].fill(0);
                if 4 < length {
                    buffer[4] = 1;
                }
            }
            let target = targets[datagrams as usize % targets.len()];
            if socket.send_to(&buffer[..length], target).is_ok() {
                bytes += length as u64;
            }
            datagrams += 1;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
    Ok((datagrams, bytes))
}

fn listen(socket: Option<&UdpSocket>, done: &AtomicBool, back: &AtomicU64) {
    let Some(socket) = socket else { return };
    // So that it looks whether it is over.
    if socket.set_read_timeout(Some(Duration::from_millis(100))).is_err() {
        return;
    }
    let mut buffer = [0; 2_048];
    while !done.load(Ordering::Relaxed) {
        if let Ok((length, _)) = socket.recv_from(&mut buffer) {
            back.fetch_add(length as u64, Ordering::Relaxed);
        }
    }
}
