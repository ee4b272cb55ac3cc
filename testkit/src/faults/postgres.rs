//! Postgres restarted, held still, or without room on its disk: T8, T9, T20.

use std::time::Duration;

use anyhow::{Result, bail};
use thrive_services::PostgresOptions;

use super::{Cast, Plan, Report, Run, Site};
use crate::ledger::Invariant;
use crate::ledger::delay;

/// After Postgres answers again, messages are stored again within this.
const SERVING: Duration = Duration::from_secs(5);
/// The same after a disk has room again.
const ROOM: Duration = Duration::from_secs(10);
/// How long it is held still in a full run.
const STOPPED: Duration = Duration::from_secs(20);
/// Megabytes by which a node may grow while its database does not answer.
const GROWTH: f64 = 64.0;

/// T8: restarted in order, and then as after a crash.
pub async fn restarted(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t8", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(15.0, 2.0).await;
    run.site.act(|it| it.own_postgres()?.stop_fast()).await?;
    run.pass(3.0, 1.0).await;
    run.site.act(|it| it.own_postgres()?.start_again()).await?;
    serving(&mut run, "fast", SERVING).await;
    run.pass(10.0, 1.0).await;
    run.site.act(|it| it.own_postgres()?.stop_immediate()).await?;
    run.site.act(|it| it.own_postgres()?.start_again()).await?;
    serving(&mut run, "immediate", SERVING).await;
    let after = run.pass(15.0, 2.0).await;
    run.delays("before", before);
    run.delays("after", after);
    run.check().await
}

/// T9: held still, so that connections stay open and nothing answers.
pub async fn stopped(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let mut run = Run::begin("t9", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(15.0, 2.0).await;
    run.site.act(|it| it.own_postgres()?.pause()).await?;
    run.pass(STOPPED.as_secs_f64(), 5.0).await;
    run.site.act(|it| it.own_postgres()?.resume()).await?;
    serving(&mut run, "resume", SERVING).await;
    let after = run.pass(20.0, 3.0).await;
    run.delays("before", before);
    run.delays("after", after);
    run.check_memory(GROWTH);
    // Whoever has to be told is asked of the database.
    run.presence.ghost += STOPPED;
    run.check().await
}

/// T20: no room on the disk of Postgres.
pub async fn no_room(plan: &Plan) -> Result<Report> {
    if std::fs::metadata("/proc/self").is_ok_and(|it| std::os::unix::fs::MetadataExt::uid(&it) != 0)
    {
        bail!("a small disk can only be made by root");
    }
    let disk = PostgresOptions { disk: Some(220), ..PostgresOptions::default() };
    let site = Site::cluster(plan, 2, 1, |it| it.own_services_with(disk)).await?;
    let mut run = Run::begin("t20", plan, site, Cast::usual(plan)).await?;
    run.pass(5.0, 2.0).await;
    run.site.act(|it| it.own_postgres()?.fill_disk()).await?;
    let full = run.pass(15.0, 5.0).await;
    let records = run.crowd.journal.records();
    run.report.count("stored_while_full", delay::sends(&records, full).count);
    run.site.act(|it| it.own_postgres()?.free_disk()).await?;
    // Postgres ends when it cannot write its log; whoever runs it starts it again.
    let stopped = run.site.act(|it| Ok(it.postgres().sql("postgres", "SELECT 1").is_err())).await?;
    run.report.count("postgres_had_ended", usize::from(stopped));
    if stopped {
        run.site.act(|it| it.own_postgres()?.start_again()).await?;
    }
    serving(&mut run, "room", ROOM).await;
    run.pass(10.0, 2.0).await;
    run.check().await
}

/// Waits until anybody's message is stored again.
pub(super) async fn serving(run: &mut Run, name: &str, within: Duration) {
    let from = run.now();
    loop {
        if let Some(at) = run.crowd.journal.answer_since(from) {
            return run.report.time(format!("serving_after_{name}_ms"), at - from);
        }
        if from + within < run.now() {
            let what = format!("nothing is stored within {within:?} after {name}");
            return run.report.missed(Invariant::I16, what);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
