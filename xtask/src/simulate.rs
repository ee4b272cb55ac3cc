//! `cargo xtask simulate`: a cluster in one thread, under as many seeds as one likes; and one seed again,
//! with what happens in it.

use anyhow::Result;
use clap::Args;

use crate::{config, root, shell, system};

#[derive(Args)]
pub(crate) struct Options {
    /// The first seed: with the one that a failure names, this is the same run again.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// How many seeds, from the first on; one if the first is named.
    #[arg(long)]
    seeds: Option<u64>,
    /// Tell what happens with the first seed, and run no other.
    #[arg(long)]
    tell: bool,
}

/// As many as the tests do when no seed is named.
const SEEDS: u64 = 2_000;

pub(crate) fn run(options: &Options) -> Result<()> {
    system::ensure(&[system::BUILD])?;
    let package = ["build", "--locked", "--package", "thrive-testkit", "--bin", "thrive-simulate"];
    shell::run(&mut shell::cargo(&package))?;
    let program = config::target(&root()).join("debug").join("thrive-simulate");
    let mut command = shell::command(program);
    let seeds = options.seeds.unwrap_or(if options.seed == 0 { SEEDS } else { 1 });
    command.args(["--seed", &options.seed.to_string(), "--seeds", &seeds.to_string()]);
    if options.tell {
        command.arg("--tell");
    }
    shell::run(&mut command)
}
