//! Runs the simulation with seeds of one's choice: `thrive-simulate --seed 7 --seeds 1`.
#![expect(clippy::print_stdout, reason = "a command line talks to its terminal")]

use std::time::Instant;

use anyhow::Result;
use clap::Parser;
use thrive_testkit::simulation::{self, Rules};

/// A cluster in one thread, without a clock: the same seed gives the same run.
#[derive(Parser)]
struct Cli {
    /// The first seed
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds, from the first on
    #[arg(long, default_value_t = 2_000)]
    seeds: u64,
    /// Tell what happens with the first seed, and run no other
    #[arg(long)]
    tell: bool,
}

fn main() -> Result<()> {
    let Cli { seed, seeds, tell } = Cli::parse();
    if tell {
        let (outcome, trail) = simulation::tell(seed, Rules::default());
        trail.iter().for_each(|line| println!("{line}"));
        println!("{:?}", outcome?);
        return Ok(());
    }
    let begun = Instant::now();
    let figures = simulation::many(seed..seed.saturating_add(seeds), Rules::default())?;
    println!("{figures:?} in {:.1} s", begun.elapsed().as_secs_f64());
    Ok(())
}
