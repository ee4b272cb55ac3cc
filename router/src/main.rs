//! The process around a router: command line, configuration, log, signals, exit code.

use std::io;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::Parser as _;
use tokio::signal::unix::{SignalKind, signal};

use thrive_router::cli::{self, Cli, Command};
use thrive_router::config::{Config, Setting};
use thrive_router::{Router, log};

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
            say(io::stderr(), &format!("thrive-router: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

fn run(command: Option<Command>, config: Config, settings: &[Setting]) -> anyhow::Result<()> {
    match command {
        Some(Command::CheckConfig) => say(io::stdout(), cli::effective(settings).trim_end()),
        None => {
            log::start(&config)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(serve(config))?;
        }
    }
    Ok(())
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("listen for signals")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("listen for signals")?;
    let mut count = signal(SignalKind::user_defined1()).context("listen for signals")?;
    let mut router = tokio::select! {
        biased;
        _ = terminate.recv() => return Ok(()),
        _ = interrupt.recv() => return Ok(()),
        router = Router::start(config) => router?,
    };
    let nodes = router.nodes();
    tracing::info!(
        address = %router.address(),
        backends = ?router.backends(),
        nodes,
        version = env!("CARGO_PKG_VERSION"),
        "Ready"
    );
    if nodes == 0 {
        tracing::warn!("No node is known yet; the first clients have to wait for one");
    }
    say(io::stdout(), &format!("thrive-router ready on {}", router.address()));
    let end = loop {
        tokio::select! {
            biased;
            _ = terminate.recv() => break Ok(()),
            _ = interrupt.recv() => break Ok(()),
            why = router.ended() => break Err(anyhow::anyhow!("{why}; the log says why")),
            _ = count.recv() => say(io::stdout(), &router.figures().json()),
        }
    };
    tracing::info!("Asked to stop");
    say(io::stdout(), &router.stop().json());
    end
}

/// One message for whoever started us. If nobody listens, that is no reason to end.
fn say(mut to: impl io::Write, message: &str) {
    drop(writeln!(to, "{message}").and_then(|()| to.flush()));
}
