//! Measures a real node on this machine: `thrive-bench local`.

use anyhow::Result;
use clap::{Parser, Subcommand};
use thrive_testkit::bench;

#[derive(Parser)]
#[command(about = "Measures a real node on this machine")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// 1:1 messages through one embedded node of the same build, then the memory of idle connections
    Local(bench::local::Plan),
}

fn main() -> Result<()> {
    let Cli { what: What::Local(plan) } = Cli::parse();
    // One thread: the node needs the other processor, and one is enough to load it.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(bench::local::run(&plan))
}
