//! One node with a file: T30, killed again and again while people write.

use std::time::Duration;

use anyhow::{Context as _, Result};

use super::{Cast, Plan, Report, Run, Site};
use crate::chaos::Dice;
use crate::crowd::Shape;
use crate::ledger::Invariant;
use crate::ledger::delay::Spread;

/// T30: `kill -9`, a hundred times.
pub async fn killed_again_and_again(plan: &Plan) -> Result<Report> {
    let deaths = if plan.short { 5 } else { 100 };
    let shape = Shape { people: plan.people.unwrap_or(24), group: 2, two_devices: 0 };
    let cast = Cast { shape, rate: plan.rate.unwrap_or(100.0) };
    let mut run = Run::begin("t30", plan, Site::alone(plan, &[])?, cast).await?;
    let mut dice = Dice::new(plan.seed);
    let mut starts = Vec::new();
    for _ in 0..deaths {
        // Different each time, so that death comes in every phase of the work; now and then long enough
        // for everybody to be back.
        let life = Duration::from_millis(100 + dice.roll() % 1_500);
        tokio::time::sleep(life).await;
        run.site.only_node()?.kill()?;
        let begun = run.now();
        run.site.only_node()?.start(&[]).await.context("it starts again after its death")?;
        starts.push(run.now() - begun);
    }
    run.pass(3.0, 1.0).await;
    run.report.count("deaths", deaths);
    run.report.spread("start", Spread::of(starts));
    run.hush();
    if let Err(error) = run.crowd.rest(Duration::from_secs(60)).await {
        run.report.missed(Invariant::I16, format!("{error:#}"));
    }
    run.check().await
}
