//! The short forms of what `cargo xtask faults` does: something is broken under a crowd that talks, and
//! nobody may notice. The seed of a run that went wrong is in its line; the thresholds of all of them
//! are in `testkit/thresholds.toml`.

use anyhow::{Result, ensure};
use thrive_testkit::faults::{Plan, Scenario};

#[expect(clippy::print_stdout, reason = "the figures of a run are read when it has failed")]
async fn kept(scenario: Scenario, plan: Plan) -> Result<()> {
    let report = scenario.run(&plan).await?;
    println!("{}", report.line());
    ensure!(report.is_kept(), "seed {}:\n{}", plan.seed, report.complaints());
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_a_node_of_three_is_killed() -> Result<()> {
    kept(Scenario::T1, Plan::short(Plan::any_seed())?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_may_die_at_any_point_of_a_send() -> Result<()> {
    kept(Scenario::T3, Plan::short_with_orders(Plan::any_seed())?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_redis_stands_still() -> Result<()> {
    kept(Scenario::T4, Plan::short(Plan::any_seed())?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_arrives_in_time_when_nodes_tell_each_other_nothing() -> Result<()> {
    kept(Scenario::T7, Plan::short_with_orders(Plan::any_seed())?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_postgres_that_is_restarted_costs_no_message() -> Result<()> {
    kept(Scenario::T8, Plan::short(Plan::any_seed())?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn the_death_of_a_router_costs_no_connection() -> Result<()> {
    kept(Scenario::T11, Plan::short(Plan::any_seed())?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_sent_to_two_nodes_at_once_is_stored_once() -> Result<()> {
    kept(Scenario::T18, Plan::short(Plan::any_seed())?).await
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_notices_that_each_node_is_restarted() -> Result<()> {
    kept(Scenario::T22, Plan::short(Plan::any_seed())?).await
}
