//! T19: the clock of one node jumps forth and back, and decides nothing.

use std::time::Duration;

use anyhow::Result;

use super::{Cast, Plan, Report, Run, Site};
use crate::chaos::WrongClock;
use crate::ledger::Invariant;

/// T19.
pub async fn jumps(plan: &Plan) -> Result<Report> {
    let clock = WrongClock::new()?;
    let environment = clock.environment();
    let build = move |it: crate::cluster::Builder| {
        environment.iter().fold(it, |it, (name, value)| it.environment_of(0, name, value))
    };
    let site = Site::cluster(plan, 2, 1, build).await?;
    let mut run = Run::begin("t19", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(10.0, 2.0).await;
    run.delays("before", before);
    for (name, seconds) in [("hour_ahead", 3_600), ("day_back", -86_400), ("right", 0)] {
        clock.set(seconds)?;
        run.pass(2.0, 1.0).await;
        let token = &run.crowd.people[0].token;
        let door = run.site.parts()?.door(0)?;
        if let Err(error) = door.resume(token).await {
            let what = format!("a token is no good with the clock {name}: {error:#}");
            run.report.missed(Invariant::I22, what);
        }
        let during = run.pass(10.0, 3.0).await;
        run.delays(name, during);
    }
    let after = run.since(before.until);
    run.comebacks(before.until, after);
    if run.report.get("connections_lost").is_some_and(|lost| 0.0 < lost) {
        run.report.missed(Invariant::I22, "a jump of the clock cost connections");
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    run.check().await
}
