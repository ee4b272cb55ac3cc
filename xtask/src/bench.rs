//! Measurements with optimised programs. The load generator itself lives in `testkit`.

use anyhow::Result;
use clap::Subcommand;

use crate::{config, root, shell, system};

#[derive(Subcommand)]
pub(crate) enum Bench {
    /// One embedded server on this machine: messages a second, delays, processor time, memory.
    Local {
        /// Handed on to the load generator, after `--`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

pub(crate) fn run(bench: &Bench) -> Result<()> {
    let Bench::Local { arguments } = bench;
    system::ensure(&[system::BUILD])?;
    shell::run(&mut shell::cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "thrive-node",
        "--package",
        "thrive-testkit",
        "--bins",
    ]))?;
    let program = config::target(&root()).join("release").join("thrive-bench");
    shell::run(shell::command(program).arg("local").args(arguments))
}
