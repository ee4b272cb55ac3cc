//! The `thrive` command: Thrive Messenger for terminals, scripts and bots.

mod cli;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::args::Arguments;
use crate::cli::config::Environment;
use crate::cli::output::Output;

fn main() -> ExitCode {
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return cli::not_understood(&error),
    };
    let output = Output::new(arguments.json);
    let environment = Environment::read();
    cli::log(&environment);
    let runtime =
        tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let done = match runtime {
        Ok(runtime) => runtime.block_on(cli::run(arguments, environment, output)),
        Err(error) => Err(cli::Trouble::Local(format!("no runtime could be started: {error}"))),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(trouble) => output.trouble(&trouble),
    }
}
