//! Measures real nodes on this machine: `thrive-bench local`, `thrive-bench cluster`.

use anyhow::Result;
use clap::{Parser, Subcommand};
use thrive_testkit::bench;

#[derive(Parser)]
#[command(about = "Measures real nodes on this machine")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// 1:1 messages through one embedded node of the same build, then the memory of idle connections
    Local(bench::local::Plan),
    /// Two nodes, a router, Postgres and Redis: messages, rooms, arrivals, memory
    Cluster(bench::cluster::Plan),
}

fn main() -> Result<()> {
    let Cli { what } = Cli::parse();
    // One thread: the node needs the other processor, and one is enough to load it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match what {
        What::Local(plan) => runtime.block_on(bench::local::run(&plan)),
        What::Cluster(plan) => runtime.block_on(bench::cluster::run(&plan)),
    }
}
