//! The process around a node: command line, configuration, log, signals, exit code.

use std::io;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use tokio_util::sync::CancellationToken;

use thrive_node::cli::{self, Cli, Command};
use thrive_node::config::{Config, Setting};
use thrive_node::data_dir::DataDir;
use thrive_node::node::Node;
use thrive_node::store::Database;
use thrive_node::{log, signals, tls};

/// The number of `EX_USAGE`: what was asked for is wrong, and trying again will not help.
const WRONG_USE: u8 = 64;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(answer) => {
            // Help and version are answers too, and go to standard output.
            let wrong = answer.use_stderr();
            drop(answer.print());
            return if wrong { WRONG_USE.into() } else { ExitCode::SUCCESS };
        }
    };
    let (config, settings) = match Config::read(&cli.flags.sources()) {
        Ok(read) => read,
        Err(problems) => {
            say(io::stderr(), &problems.to_string());
            return WRONG_USE.into();
        }
    };
    match run(cli.command, config, &settings) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            say(io::stderr(), &format!("thrive-node: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Option<Command>, config: Config, settings: &[Setting]) -> anyhow::Result<()> {
    match command {
        Some(Command::CheckConfig) => say(io::stdout(), cli::effective(settings).trim_end()),
        Some(Command::Fingerprint) => {
            let fingerprint = tls::fingerprint(&config)
                .context("the node makes its certificate at its first start")?;
            say(io::stdout(), &fingerprint.to_string());
        }
        Some(Command::Restored) => {
            let data = DataDir::open(&config.data).context("open the data folder")?;
            anyhow::ensure!(data.database().exists(), "there is no database in this folder");
            let database = Database::open(&data.database()).context("open the database")?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(async {
                let renewed = database.renew_epoch().await;
                database.close().await;
                renewed
            })?;
            say(io::stdout(), "Clients will read everything again when they come back.");
        }
        None => {
            log::start(&config)?;
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            runtime.block_on(serve(config))?;
        }
    }
    Ok(())
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let stop = CancellationToken::new();
    // Before anything is opened, so that a long start can be broken off.
    signals::watch(stop.clone()).context("listen for signals")?;
    let mut node = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(()),
        node = Node::start(config) => node?,
    };
    tracing::info!(
        address = %node.address(),
        fingerprint = %node.fingerprint(),
        version = env!("CARGO_PKG_VERSION"),
        "Ready"
    );
    let (address, fingerprint) = (node.address(), node.fingerprint());
    say(io::stdout(), &format!("thrive-node ready on {address}, certificate {fingerprint}"));
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        () = node.ended() => anyhow::bail!("the node ended by itself; the log says why"),
    }
    node.stop().await;
    Ok(())
}

/// One message for whoever started us. If nobody listens, that is no reason to end.
fn say(mut to: impl io::Write, message: &str) {
    drop(writeln!(to, "{message}").and_then(|()| to.flush()));
}
