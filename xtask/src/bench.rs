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
    /// Two nodes, a router, Postgres and Redis on this machine: the same, and rooms and arrivals.
    Cluster {
        /// Handed on to the load generator, after `--`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

pub(crate) fn run(bench: &Bench) -> Result<()> {
    let (what, arguments) = match bench {
        Bench::Local { arguments } => ("local", arguments),
        Bench::Cluster { arguments } => ("cluster", arguments),
    };
    system::ensure(&[system::BUILD, system::SERVICES])?;
    shell::run(&mut shell::cargo(&[
        "build",
        "--release",
        "--locked",
        "--package",
        "thrive-node",
        "--package",
        "thrive-router",
        "--package",
        "thrive-testkit",
        "--bins",
    ]))?;
    let program = config::target(&root()).join("release").join("thrive-bench");
    shell::run(shell::command(program).arg(what).args(arguments))
}
