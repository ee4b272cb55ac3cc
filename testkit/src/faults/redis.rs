//! Redis away, empty, deaf or silent: T4 to T7.

use std::time::Duration;

use anyhow::Result;

use super::{Cast, Plan, Report, Run, Site};
use crate::ledger::Invariant;

/// Within this everything is shown that the bus lost: the interval of the comparison, and one second.
const REPAIRED: Duration = Duration::from_secs(4);
/// After Redis is back, everything is as before within this.
const NORMAL: Duration = Duration::from_secs(5);
/// Presence is whole again within this.
const PRESENT: Duration = Duration::from_secs(6);

/// In a short run, milliseconds below which a delay may be of the machine.
const NOTICED: f64 = 3_000.0;

/// T4: stopped, so that connections stay open and nothing answers.
pub async fn stopped(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t4", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(20.0, 3.0).await;
    run.site.act(|it| it.own_redis()?.pause()).await?;
    let during = run.pass(15.0, 6.0).await;
    run.site.act(|it| it.own_redis()?.resume()).await?;
    tokio::time::sleep(NORMAL).await;
    let after = run.pass(15.0, 3.0).await;
    run.delays("before", before);
    run.delays("during", during);
    run.delays("after", after);
    run.shown_within(during, REPAIRED);
    slower(&mut run, "send_before_p99_ms", "send_during_p99_ms", 2.0, 20.0);
    slower(&mut run, "delivery_before_p99_ms", "delivery_after_p99_ms", 2.0, 50.0);
    run.check().await
}

/// T5: killed, and started again with nothing in it.
pub async fn emptied(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t5", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(10.0, 3.0).await;
    run.site.act(|it| it.own_redis()?.kill()).await?;
    let during = run.pass(10.0, 3.0).await;
    run.site.act(|it| it.own_redis()?.start_again()).await?;
    let back = run.now();
    match run.crowd.presences(PRESENT).await {
        Ok(_) => run.report.time("presence_whole_ms", run.now() - back),
        Err(error) => run.report.missed(Invariant::I10, format!("{error:#}")),
    }
    tokio::time::sleep(PRESENT).await;
    // Not only does everybody see everybody: what changes from now on is seen, too.
    let gone = run.crowd.leave(0.05);
    run.report.count("left_for_good", gone);
    let left = run.now();
    match run.crowd.presences(Duration::from_secs(15)).await {
        Ok(_) => run.report.time("leaving_seen_ms", run.now() - left),
        Err(error) => run.report.missed(Invariant::I10, format!("{error:#}")),
    }
    let after = run.pass(5.0, 2.0).await;
    run.delays("before", before);
    run.delays("during", during);
    run.delays("after", after);
    run.shown_within(during, REPAIRED);
    run.check().await
}

/// T6: whoever listens is cut off, again and again.
pub async fn cut_off(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t6", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(10.0, 2.0).await;
    let from = run.now();
    for _ in 0..if plan.short { 3 } else { 10 } {
        let kill = ["CLIENT", "KILL", "TYPE", "pubsub"];
        let cut = run.site.act(move |it| Ok(it.redis().command(&kill)?.number())).await?;
        let all = run.report.get("subscribers_cut").unwrap_or_default();
        run.report.figure("subscribers_cut", all + cut as f64);
        tokio::time::sleep(Duration::from_secs(2)).await;
    }
    let during = run.since(from);
    run.pass(5.0, 2.0).await;
    run.delays("before", before);
    run.delays("during", during);
    run.shown_within(during, REPAIRED);
    run.check().await
}

/// T7: nothing is ever published to other nodes, and nobody says so.
pub async fn mute(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it.set("faults.drop_hints", true)).await?;
    let mut run = Run::begin("t7", plan, site, Cast::usual(plan)).await?;
    let all = run.pass(40.0, 8.0).await;
    run.delays("mute", all);
    run.shown_within(all, REPAIRED);
    run.check().await
}

/// A figure may be so many times another one; below `floor` milliseconds nobody notices.
pub(super) fn slower(run: &mut Run, before: &str, now: &str, times: f64, floor: f64) {
    let figure = |name| run.report.get(name);
    // A short run goes beside others, and one of them may hold the processor for as long as this.
    let floor = if run.is_short() { floor.max(NOTICED) } else { floor };
    if let (Some(was), Some(is)) = (figure(before), figure(now))
        && (was * times).max(floor) < is
    {
        let what = format!("{now} is {is}, more than {times} times {before}, which is {was}");
        run.report.missed(Invariant::I9, what);
    }
}
