//! One embedded node, started for this on a folder of its own, and everything that is measured of it.

#![expect(clippy::print_stdout, reason = "it prints figures, and that is what it is for")]

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::json;
use thrive_protocol::secret::Secret;

use crate::bench::{idle, load};
use crate::process::{NodeProcess, Place};
use crate::usage;

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct Plan {
    /// Where to make the node's folder; what it is on decides how long a commit takes
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Pairs of people who write to each other
    #[arg(long, default_value_t = 50)]
    pairs: usize,
    /// Messages of each run
    #[arg(long, default_value_t = 60_000)]
    messages: usize,
    /// Bytes of each message text
    #[arg(long, default_value_t = 100)]
    bytes: usize,
    /// Idle connections for the measurement of memory; 0: do not measure it
    #[arg(long, default_value_t = 2_000)]
    idle: usize,
}

/// # Errors
/// The node does not do what it should, or a message is lost or doubled: then there is no figure.
pub async fn run(plan: &Plan) -> Result<()> {
    let parent = plan.folder.clone().unwrap_or_else(std::env::temp_dir);
    let folder = tempfile::Builder::new().prefix("thrive-bench-").tempdir_in(parent)?;
    let place = Place::new(&folder.path().join("node"))?;
    let node = place.start().context("start the node")?;
    let load = usage::load()?;
    println!(
        "Method: {} of this build on {}, SQLite there with full sync, QUIC over loopback; {} pairs, \n\
         texts of {} bytes, one direction for each pair; the generator is one process with one \n\
         thread on the same machine. Window: messages of one sender that wait for their answer. \n\
         A message counts when the recipient has it; arrival and answer are measured from the send. \n\
         Load of the machine before: {load} (over 0.2, something else runs, and figures are worse).\n",
        place.program.display(),
        folder.path().display(),
        plan.pairs,
        plan.bytes,
    );
    let resident = || usage::resident(node.pid()).map(|bytes| bytes as f64 / MIB);
    let at_start = resident()?;
    let mut people = load::People::gather(&node, plan.pairs).await?;
    let gathered = resident()?;
    let mut runs = Vec::new();
    for window in [1, 8] {
        // Not measured: the first messages of a node also fill its caches.
        people.exchange(plan.messages / 10, window, plan.bytes).await?;
        runs.push(measured(&node, &mut people, plan, window).await?);
    }
    drop(people);
    let worked = resident()?;
    println!(
        "memory of the node: {at_start:.1} MiB at its start, {gathered:.1} MiB with {} people who have \n  \
         signed up and logged in, {worked:.1} MiB after the runs",
        plan.pairs * 2,
    );
    let (node, memory) = match plan.idle {
        0 => (node, None),
        connections => {
            let tokens = idle::tokens(&node).await?;
            node.terminate()?;
            let node = place.start().context("start the node again")?;
            let memory = idle(&node, &tokens, connections).await?;
            (node, Some(memory))
        }
    };
    println!(
        "\n{}",
        json!({ "bench": "local", "pairs": plan.pairs, "bytes": plan.bytes,
        "runs": runs, "idle": memory })
    );
    let status = node.terminate()?;
    anyhow::ensure!(status.success(), "the node ends well: {status}");
    Ok(())
}

async fn measured(
    node: &NodeProcess,
    people: &mut load::People,
    plan: &Plan,
    window: usize,
) -> Result<serde_json::Value> {
    let processor = || -> Result<_> {
        Ok((usage::processor(node.pid())?, usage::processor(std::process::id())?))
    };
    let before = processor()?;
    let figures = people.exchange(plan.messages, window, plan.bytes).await?;
    let after = processor()?;
    let per_thousand = |used: Duration| used.as_secs_f64() * 1_000.0 / figures.messages as f64;
    let node_cpu = per_thousand(after.0 - before.0);
    let generator_cpu = per_thousand(after.1 - before.1);
    let rate = figures.messages as f64 / figures.took.as_secs_f64();
    let ms = |histogram: &hdrhistogram::Histogram<u64>, quantile| {
        histogram.value_at_quantile(quantile) as f64 / 1_000.0
    };
    let [arrived_p50, arrived_p99] = [0.5, 0.99].map(|it| ms(&figures.arrived, it));
    let [answered_p50, answered_p99] = [0.5, 0.99].map(|it| ms(&figures.answered, it));
    println!(
        "window {window}: {rate:.0} messages/s ({} in {:.2} s, each received exactly once)\n  \
         arrival  p50 {arrived_p50:.2} ms   p99 {arrived_p99:.2} ms\n  \
         answer   p50 {answered_p50:.2} ms   p99 {answered_p99:.2} ms\n  \
         processor for 1 000 messages: node {node_cpu:.3} s, generator {generator_cpu:.3} s",
        figures.messages,
        figures.took.as_secs_f64(),
    );
    Ok(json!({ "window": window, "messages": figures.messages, "messages_per_second": rate,
        "arrival_p50_ms": arrived_p50, "arrival_p99_ms": arrived_p99,
        "answer_p50_ms": answered_p50, "answer_p99_ms": answered_p99,
        "node_cpu_s_per_1000": node_cpu, "generator_cpu_s_per_1000": generator_cpu }))
}

async fn idle(
    node: &NodeProcess,
    tokens: &[Secret],
    connections: usize,
) -> Result<serde_json::Value> {
    let memory = idle::measure(node, node.pid(), tokens, connections).await?;
    println!(
        "idle: {} bytes of resident memory for each of {connections} connections that are logged in \n  \
         and synced, on a node started anew (it holds {:.1} MiB before, {:.1} MiB with them)",
        memory.per_connection,
        memory.before as f64 / MIB,
        memory.with as f64 / MIB,
    );
    Ok(json!({ "connections": connections, "bytes_per_connection": memory.per_connection,
        "before": memory.before, "with": memory.with }))
}

const MIB: f64 = 1_048_576.0;
