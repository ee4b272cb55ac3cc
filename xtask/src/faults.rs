//! Breaking things on purpose, with optimised programs that take orders to do wrong. The runner itself
//! lives in `testkit`; the programs are built into a folder of their own, so that what is shipped never
//! has that feature.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::{config, root, shell, system};

#[derive(Args)]
pub(crate) struct Options {
    /// Names such as t1, or all.
    #[arg(value_name = "NAME", default_value = "all")]
    names: Vec<String>,
    /// Repeats the load and the faults of an earlier run.
    #[arg(long)]
    seed: Option<u64>,
    /// Few people and few seconds.
    #[arg(long)]
    short: bool,
    /// Plant each bug that is known, and see whether it is found.
    #[arg(long, conflicts_with = "names")]
    planted: bool,
    /// Say what there is to break.
    #[arg(long, conflicts_with_all = ["names", "planted"])]
    list: bool,
    /// Handed on to the runner, after `--`: people, rate, journal.
    #[arg(last = true)]
    arguments: Vec<String>,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    system::ensure(&[system::BUILD, system::SERVICES, CLOCK])?;
    let programs = build()?;
    let mut runner = shell::command(programs.join("thrive-faults"));
    match (options.list, options.planted) {
        (true, _) => drop(runner.arg("list")),
        (_, true) => drop(runner.arg("planted")),
        _ => drop(runner.arg("run").args(&options.names)),
    }
    if let Some(seed) = options.seed {
        runner.args(["--seed", &seed.to_string()]);
    }
    if options.short {
        runner.arg("--short");
    }
    shell::run(runner.args(&options.arguments))
}

/// For the scenario in which a clock jumps.
const CLOCK: &[&str] = &["libfaketime"];

fn build() -> Result<PathBuf> {
    let folder = config::target(&root()).join("faults");
    let mut cargo = shell::cargo(&["build", "--release", "--locked", "--bins"]);
    cargo.args(["--features", "thrive-node/faults"]);
    for package in ["thrive-node", "thrive-router", "thrive-testkit"] {
        cargo.args(["--package", package]);
    }
    // Linking once for all would take as long as the rest of the build, and measures the same.
    cargo.env("CARGO_PROFILE_RELEASE_LTO", "off");
    cargo.arg("--target-dir").arg(&folder);
    shell::run(&mut cargo)?;
    Ok(folder.join("release"))
}
