//! T19: the clock of one node jumps forth and back, and decides nothing.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::{Cast, Plan, Report, Run, Site};
use crate::ledger::Invariant;

/// Where Debian puts it; `cargo xtask faults` installs it.
const LIBRARY: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

/// T19.
pub async fn jumps(plan: &Plan) -> Result<Report> {
    ensure!(Path::new(LIBRARY).exists(), "libfaketime is not installed");
    let folder = tempfile::Builder::new().prefix("thrive-faults-").tempdir()?;
    let file = folder.path().join("clock");
    fs::write(&file, "+0")?;
    let place = file.display().to_string();
    let build = move |it: crate::cluster::Builder| {
        it.environment_of(0, "LD_PRELOAD", LIBRARY)
            .environment_of(0, "FAKETIME_TIMESTAMP_FILE", &place)
            .environment_of(0, "FAKETIME_NO_CACHE", "1")
            // What measures durations goes on truly, as it does when people set a clock.
            .environment_of(0, "FAKETIME_DONT_FAKE_MONOTONIC", "1")
    };
    let site = Site::cluster(plan, 2, 1, build).await?;
    let mut run = Run::begin("t19", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(10.0, 2.0).await;
    run.delays("before", before);
    for (name, clock) in [("hour_ahead", "+3600"), ("day_back", "-86400"), ("right", "+0")] {
        // In one step, so that the library never reads half of it.
        let next = folder.path().join("next");
        fs::write(&next, clock)?;
        fs::rename(&next, &file)?;
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
