//! Our commands. `cargo xtask run` and `cargo xtask test` do all set-up by themselves; the others
//! are parts of them, or measure.
#![expect(clippy::print_stdout, reason = "a command line talks to its terminal")]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod a11y;
mod bench;
mod children;
mod cluster;
mod config;
mod deadline;
mod demo;
mod faults;
mod package;
mod person;
mod run;
mod services;
mod shell;
mod simulate;
mod stop;
mod system;
mod test;
mod tidy;
mod tools;
mod windows;

/// The commands of the Thrive repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", max_term_width = 100)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, build, start a server and open the desktop client on it.
    Run(run::Options),
    /// Install what is missing and run every check and every test.
    Test(test::Options),
    /// Check the rules of the repository that no other tool knows.
    Tidy,
    /// Print the hash of the protocol's sources, or write it into docs/PROTOCOL.md.
    ProtocolHash {
        /// Write it into docs/PROTOCOL.md: say this only after the text was brought up to date.
        #[arg(long)]
        write: bool,
    },
    /// Run a whole cluster on this machine until Ctrl+C: Postgres, Redis, nodes and routers.
    Cluster(cluster::Options),
    /// Run a Postgres and a Redis for tests until Ctrl+C, and say how tests find them.
    Services,
    /// Break a cluster on purpose, in every way that is known, and check that nobody notices.
    Faults(faults::Options),
    /// Step a whole cluster by seeds, in one thread and without a clock.
    Simulate(simulate::Options),
    /// Walk the desktop client on a real accessibility bus, without a screen.
    A11y(a11y::Options),
    /// Make, try and sign what people install.
    #[command(subcommand)]
    Package(package::Package),
    /// Measure with optimised programs.
    #[command(subcommand)]
    Bench(bench::Bench),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Run(options) => run::run(&options).map(|()| true),
        Command::Test(options) => test::run(&options),
        Command::Tidy => tidy::run(),
        Command::ProtocolHash { write } => tidy::protocol::hash_command(write).map(|()| true),
        Command::Cluster(options) => cluster::run(&options).map(|()| true),
        Command::Services => services::command().map(|()| true),
        Command::Faults(options) => faults::run(&options).map(|()| true),
        Command::Simulate(options) => simulate::run(&options).map(|()| true),
        Command::A11y(options) => a11y::run(&options),
        Command::Package(package) => package::run(&package).map(|()| true),
        Command::Bench(bench) => bench::run(&bench).map(|()| true),
    };
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("\nxtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("xtask lies in the repository").to_owned()
}
