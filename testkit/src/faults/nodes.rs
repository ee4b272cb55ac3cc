//! Nodes that die and nodes that are stopped: T1, T2, T3, T22, T24.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use thrive_node::faults::Point;

use super::{Cast, Plan, Report, Run, Site};
use crate::chaos::Dice;
use crate::crowd::Shape;
use crate::crowd::gather::come_in;
use crate::dial::{Dialer, Windows};
use crate::ledger::Invariant;
use crate::ledger::delay::Spread;
use crate::ledger::journal::What;

/// What a node may take to die at a point that it passes again and again.
const DEATH: Duration = Duration::from_secs(20);
/// Beyond the time that clients have to leave.
const STOP: Duration = Duration::from_secs(5);
/// What nodes of a test cluster give their clients to leave.
const DRAIN: Duration = Duration::from_secs(4);

/// How a client says that it was told by a stateless reset.
const RESTARTED: &str = "the server has restarted";
/// The others have noticed the silence first, and gone elsewhere.
const TOLD: f64 = 0.3;

/// T1: one of three.
pub async fn one_killed(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 3, 1, |it| it).await?;
    let mut run = Run::begin("t1", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(20.0, 3.0).await;
    let fault = run.now();
    run.site.act(|it| it.kill_node(0)).await?;
    // Some of those whose node died do not come back, so only their node's lease can tell.
    let gone = run.crowd.leave(0.1);
    run.report.count("left_for_good", gone);
    run.pass(5.0, 3.0).await;
    run.site.act(|it| it.start_node(0)).await?;
    let back = run.all_back(fault).await?;
    run.report.time("all_back_ms", back);
    run.pass(35.0, 3.0).await;
    run.delays("before", before);
    let after = run.since(fault);
    run.delays("after", after);
    run.comebacks(fault, after);
    run.stalls(fault);
    run.check().await
}

/// T2: all at once.
pub async fn all_killed(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 3, 1, |it| it).await?;
    let mut run = Run::begin("t2", plan, site, Cast::usual(plan)).await?;
    run.pass(10.0, 2.0).await;
    let mut backs = Vec::new();
    let rounds = if plan.short { 1 } else { 3 };
    for _ in 0..rounds {
        let fault = run.now();
        run.site.act(|it| (0..3).try_for_each(|node| it.kill_node(node))).await?;
        run.site.act(|it| (0..3).try_for_each(|node| it.start_node(node))).await?;
        backs.push(run.all_back(fault).await?);
        let after = run.since(fault);
        run.comebacks(fault, after);
        run.pass(10.0, 2.0).await;
        run.stalls(fault);
    }
    run.report.spread("all_back", Spread::of(backs));
    told_by_reset(&mut run, rounds);
    // Everybody was away at the same time, and nobody could say so of anybody.
    run.presence.absent = Duration::from_secs(15);
    run.check().await
}

/// What a node that has just started says to clients of the one before it. Who does not hear it waits
/// for silence, which is longer.
fn told_by_reset(run: &mut Run, rounds: usize) {
    let records = run.crowd.journal.records();
    let told = records
        .iter()
        .filter(|it| matches!(&it.what, What::Down { why } if why.contains(RESTARTED)))
        .count();
    let share = told as f64 / (run.crowd.devices.len() * rounds) as f64;
    run.report.figure("told_by_reset_share", (share * 100.0).round() / 100.0);
    if share < TOLD {
        let what = format!("only {told} times a client was told that its node has restarted");
        run.report.missed(Invariant::I16, what);
    }
}

/// T3: at each of the eight points of a send, again and again.
pub async fn killed_at_points(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let shape = Shape { people: plan.people.unwrap_or(24), group: 3, two_devices: 6 };
    let cast = Cast { shape, rate: plan.rate.unwrap_or(120.0) };
    let mut run = Run::begin("t3", plan, site, cast).await?;
    let mut dice = Dice::new(plan.seed);
    let rounds = if plan.short { 1 } else { 20 };
    let (mut deaths, mut missed, mut victim) = (0, 0, 0);
    run.site.act(|it| it.kill_node(0)).await?;
    for _ in 0..rounds {
        for point in Point::ALL {
            let times = match point {
                Point::MidDrain => 1,
                _ => 1 + dice.roll() % 20,
            };
            let order = format!("{}:{times}", point.word());
            if die_at(&run, victim, *point, &order).await? {
                deaths += 1;
            } else {
                missed += 1;
                let what = format!("the node did not die at {order}");
                run.report.missed(Invariant::I16, what);
            }
            victim = 1 - victim;
        }
    }
    run.site.act(|it| it.start_all()).await?;
    run.pass(3.0, 1.0).await;
    run.report.count("deaths", deaths);
    run.report.count("points_not_reached", missed);
    // Nobody is there to say so while there is no node.
    run.presence.absent = Duration::from_secs(15);
    run.check().await
}

/// A client whose nodes have died again and again: the longest pause before an attempt, an attempt that was cut
/// in its middle, and another pause.
const WORN: Duration = Duration::from_secs(50);

/// Starts the node that does not run with an order, kills the other one, so that everybody comes to this
/// one, and waits for its death.
async fn die_at(run: &Run, victim: usize, point: Point, order: &str) -> Result<bool> {
    let order = order.to_owned();
    let other = 1 - victim;
    let kill = |node: usize| {
        run.site.act(move |it| if it.node_runs(node)? { it.kill_node(node) } else { Ok(()) })
    };
    kill(victim).await?;
    run.site.act(move |it| it.start_node_with(victim, &[("faults.kill_at", &order)])).await?;
    kill(other).await?;
    if point == Point::MidDrain {
        // Somebody must be there to be drained, and have somewhere to go.
        let from = run.now();
        while run.crowd.journal.answer_since(from).is_none() && run.now() < from + DEATH {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        run.all_back_within(WORN, from).await?;
        run.site.act(move |it| it.start_node(other)).await?;
        let status = run.site.act(move |it| it.terminate_node(victim)).await?;
        return Ok(!status.success());
    }
    let deadline = Instant::now() + DEATH;
    while run.site.act(move |it| it.node_runs(victim)).await? {
        if deadline < Instant::now() {
            return Ok(false);
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // So that its place is free for the next one.
    run.site.act(move |it| it.wait_for_end_of_node(victim)).await?;
    Ok(true)
}

/// T22: each node is stopped as an operator stops it, and started again, while people write.
pub async fn rolling_restart(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 3, 1, |it| it).await?;
    let mut run = Run::begin("t22", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(15.0, 3.0).await;
    let fault = run.now();
    let mut stops = Vec::new();
    for node in 0..3 {
        let begun = run.now();
        let status = run.site.act(move |it| it.terminate_node(node)).await?;
        stops.push(run.now() - begun);
        if !status.success() {
            run.report.missed(Invariant::I16, format!("node {node} ended with {status}"));
        }
        run.site.act(move |it| it.start_node(node)).await?;
        run.pass(5.0, 1.5).await;
    }
    let after = run.since(fault);
    run.pass(5.0, 1.0).await;
    let stops = Spread::of(stops);
    if DRAIN + STOP < stops.max {
        run.report.missed(Invariant::I16, format!("a stop took {:?}", stops.max));
    }
    run.report.spread("stop", stops);
    run.delays("before", before);
    run.delays("during", after);
    run.comebacks(fault, after);
    run.check().await
}

/// T24: a client that neither reads nor leaves cannot hold a node up.
pub async fn stuck_client(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t24", plan, site, Cast::usual(plan)).await?;
    run.pass(3.0, 1.0).await;
    let windows = Windows { stream: 1_024, connection: 2_048 };
    let parts = run.site.parts()?;
    let door = parts.door(0)?.by(Dialer::with(windows, &[thrive_protocol::version::ALPN])?);
    let mut stuck = Vec::new();
    for person in run.crowd.people.iter().take(10) {
        // Logged in, and from here on it reads nothing.
        stuck.push(come_in(&door, &person.token).await.context("a client that gets stuck")?);
    }
    run.pass(3.0, 1.0).await;
    let begun = run.now();
    let status = run.site.act(|it| it.terminate_node(0)).await?;
    let took = run.now() - begun;
    run.report.time("stop_ms", took);
    if !status.success() || DRAIN + STOP < took {
        run.report.missed(Invariant::I16, format!("{status} after {took:?}"));
    }
    ensure!(stuck.len() == 10, "they were there until the end");
    drop(stuck);
    run.site.act(|it| it.start_node(0)).await?;
    run.pass(3.0, 1.0).await;
    run.check().await
}
