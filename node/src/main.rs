//! The process around a node: command line, configuration, log, signals, exit code.

mod host;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::Context as _;
use clap::Parser as _;
use tokio_util::sync::CancellationToken;

use thrive_node::cli::{self, Cli, Command};
use thrive_node::config::{Config, Setting};
use thrive_node::data_dir::DataDir;
use thrive_node::node::Node;
use thrive_node::orders::Ending;
use thrive_node::password::Hasher;
use thrive_node::store::{Database, Place};
use thrive_node::{console, drain, import, log, signals, srv_conf, tls};

/// The number of `EX_USAGE`: what was asked for is wrong, and trying again will not help.
const WRONG_USE: u8 = 64;
/// `migrate --check` has found something to do.
const STEPS_MISSING: u8 = 2;
/// What a node may take to end beyond the time that its people have to leave.
const GRACE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    // Once an update has replaced the file, the system calls this one deleted.
    let program = std::env::current_exe();
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
    match run(cli.command, config, &settings, program) {
        Ok(code) => code,
        Err(error) => {
            say(io::stderr(), &format!("thrive-node: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// `program`: where this one was started from.
fn run(
    command: Option<Command>,
    config: Config,
    settings: &[Setting],
    program: io::Result<PathBuf>,
) -> anyhow::Result<ExitCode> {
    match command {
        Some(Command::CheckConfig) => say(io::stdout(), cli::effective(settings).trim_end()),
        Some(Command::Fingerprint) => {
            let fingerprint = tls::fingerprint(&config);
            // A cluster derives it from its secret, and needs no start for that.
            let fingerprint = match &config.cluster {
                Some(_) => fingerprint?,
                None => fingerprint.context("the node makes its certificate at its first start")?,
            };
            say(io::stdout(), &fingerprint.to_string());
        }
        Some(Command::Restored) => {
            quietly(restored(&config))?;
            say(io::stdout(), "Clients will read everything again when they come back.");
        }
        Some(Command::Migrate { check }) => return quietly(migrate(&config, check)),
        Some(Command::Drain) => {
            let patience = config.cluster.as_ref().map_or(Duration::ZERO, |it| it.drain) + GRACE;
            drain::drain(&config.data, patience)?;
            say(io::stdout(), "The node has ended.");
        }
        Some(Command::ImportThrive { database, srv_conf, admins, dry_run }) => {
            let files = [srv_conf.as_deref(), admins.as_deref()];
            quietly(import(&config, &database, files, dry_run))?;
        }
        Some(Command::User(command)) => tell(host::user(&config, command))?,
        Some(Command::Admin(command)) => tell(host::admin(&config, command))?,
        Some(Command::Ban(command)) => tell(host::ban(&config, command))?,
        Some(Command::Invite(command)) => tell(host::invite(&config, command))?,
        None => {
            log::start(&config)?;
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
            let ending = runtime.block_on(serve(config))?;
            // A console still waits for a key.
            runtime.shutdown_background();
            match ending {
                Ending::Stop => {}
                Ending::Restart => restart(&program?)?,
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs a command of the host, and says what it did.
fn tell(work: impl Future<Output = anyhow::Result<String>>) -> anyhow::Result<()> {
    say(io::stdout(), &quietly(work)?);
    Ok(())
}

/// Puts this program in the place of this process again, as it is on the disk now, called as it was.
fn restart(program: &Path) -> anyhow::Result<()> {
    let mut again = std::process::Command::new(program);
    again.args(std::env::args_os().skip(1));
    #[cfg(unix)]
    return Err(std::os::unix::process::CommandExt::exec(&mut again)).context("start again");
    // There, a process cannot become another one.
    #[cfg(not(unix))]
    again.spawn().map(drop).context("start again")
}

/// Runs something short that needs a runtime, and no log.
fn quietly<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(work)
}

/// Gives the history another identity. On a file, no node may be running.
async fn restored(config: &Config) -> anyhow::Result<()> {
    let database = match &config.database {
        Some(server) => Database::at(Place::Server(server)).await?,
        None => {
            let data = DataDir::open(&config.data).context("open the data folder")?;
            anyhow::ensure!(data.database().exists(), "there is no database in this folder");
            Database::at(Place::File(&data.database())).await?
        }
    };
    let renewed = database.renew_epoch().await;
    database.close().await;
    Ok(renewed?)
}

/// Takes over a former host, or only says what would become of it. On a file, no node may be running.
async fn import(
    config: &Config,
    former: &Path,
    [srv_conf, admins]: [Option<&Path>; 2],
    dry_run: bool,
) -> anyhow::Result<()> {
    let read = |path: &Path| {
        let text = std::fs::read_to_string(path);
        text.with_context(|| format!("read {}", path.display()))
    };
    let admins = admins.map(read).transpose()?.unwrap_or_default();
    if let Some(text) = srv_conf.map(read).transpose()? {
        say(io::stdout(), &format!("# For thrive-node.toml:\n{}\n", srv_conf::translated(&text)));
    }
    let data;
    let database = match &config.database {
        Some(server) => Database::at(Place::Server(server)).await?,
        None => {
            data = DataDir::open(&config.data).context("open the data folder")?;
            // It would become the new one, with both in it.
            let same = former
                .canonicalize()
                .is_ok_and(|it| data.database().canonicalize().is_ok_and(|ours| ours == it));
            anyhow::ensure!(
                !same,
                "this is the database of the node itself: put the former one into another folder"
            );
            Database::at(Place::File(&data.database())).await?
        }
    };
    let done = take_over(former, &admins, &database, config.smtp.is_some(), dry_run).await;
    database.close().await;
    done
}

async fn take_over(
    former: &Path,
    admins: &str,
    database: &Database,
    has_mail: bool,
    dry_run: bool,
) -> anyhow::Result<()> {
    let plan = import::plan(former, admins, database, has_mail).await?;
    for line in &plan.report {
        say(io::stdout(), line);
    }
    let (people, messages) = (plan.people.len(), plan.messages.len());
    if !dry_run {
        import::carry_out(plan, database, &Hasher::start()?).await?;
    }
    let done = if dry_run { "would be imported; nothing was changed" } else { "imported" };
    say(io::stdout(), &format!("People: {people}, messages: {messages}; {done}."));
    Ok(())
}

/// Brings the database up to date; with `check`, only says what it lacks.
async fn migrate(config: &Config, check: bool) -> anyhow::Result<ExitCode> {
    let file = DataDir::database_in(&config.data);
    let place = config.database.as_ref().map_or(Place::File(&file), Place::Server);
    let missing = Database::missing_steps(place).await?;
    if missing.is_empty() {
        say(io::stdout(), "The database is up to date.");
        return Ok(ExitCode::SUCCESS);
    }
    for step in &missing {
        say(io::stdout(), &format!("{} {step}", if check { "missing:" } else { "applying:" }));
    }
    if check {
        return Ok(STEPS_MISSING.into());
    }
    // As the node does at its start; the folder is locked against one.
    let _data = match place {
        Place::File(_) => Some(DataDir::open(&config.data)?),
        Place::Server(_) => None,
    };
    Database::at(place).await?.close().await;
    say(io::stdout(), "The database is up to date now.");
    Ok(ExitCode::SUCCESS)
}

async fn serve(config: Config) -> anyhow::Result<Ending> {
    let stop = CancellationToken::new();
    // Before anything is opened, so that a long start can be broken off.
    signals::watch(stop.clone()).context("listen for signals")?;
    let mut node = tokio::select! {
        biased;
        () = stop.cancelled() => return Ok(Ending::Stop),
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
    let console = node.console().clone();
    let obey = async {
        let mut lines = console::lines();
        while let Some(line) = lines.recv().await {
            if !line.trim().is_empty() {
                say(io::stdout(), &console.obey(&line).await);
            }
        }
        std::future::pending().await
    };
    tokio::select! {
        biased;
        () = stop.cancelled() => {}
        ending = node.ended() => {
            return ending.context("the node ended by itself; the log says why");
        }
        () = obey => {}
    }
    node.stop().await;
    Ok(Ending::Stop)
}

/// One message for whoever started us. If nobody listens, that is no reason to end.
fn say(mut to: impl io::Write, message: &str) {
    drop(writeln!(to, "{message}").and_then(|()| to.flush()));
}
