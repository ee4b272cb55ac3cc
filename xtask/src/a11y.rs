//! The desktop client, walked with real keys on a real accessibility bus, against a real server.
//!
//! It sees what a screen reader sees and nothing else. Everything it waits for has a deadline, and
//! everything it starts ends with it.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;

use crate::children::Child;
use crate::person::Person;
use crate::{config, demo, root, run, shell, system};

pub(crate) mod desk;
mod events;
mod place;
mod post;
mod snapshot;
mod tree;
mod walk;
mod warnings;
mod window;

use self::desk::Desk;
use self::snapshot::Snapshots;

/// Whoever sits at the desktop client, and who is written to by the command line.
const NAMES: [&str; 4] = ["ann", "bob", "cleo", "dora"];

/// What somebody writes who is no contact, before anybody is at the desktop client.
const FROM_A_STRANGER: [&str; 2] = ["Good evening", "I sing beside you in the choir"];

/// A password of nobody.
const PASSWORD: &str = "copper kettle 51";

/// Any port of this computer.
const ANYWHERE: &str = "127.0.0.1:0";

/// What a server may take to start on a busy machine.
const START: Duration = Duration::from_secs(60);

#[derive(Args, Default)]
pub(crate) struct Options {
    /// Take what is seen now as right from now on.
    #[arg(long)]
    bless: bool,
}

/// A server with accounts, contacts and nobody at the desktop client yet.
pub(crate) struct Stage {
    /// Ends with the stage.
    _node: Child,
    server: SocketAddr,
    people: Vec<Person>,
    /// The folder of everything, gone afterwards.
    folder: tempfile::TempDir,
}

/// A desktop client: which program, its folder, and what it is told when it is started.
pub(crate) struct Seat {
    program: PathBuf,
    /// As somebody may write it.
    server: String,
    folder: PathBuf,
    /// The certificate that it trusts instead of those of the system, if there is one.
    trusts: Option<PathBuf>,
}

impl Seat {
    /// The program of the build.
    fn new(server: impl ToString, folder: PathBuf) -> Self {
        let program = config::target(&root()).join("debug").join("thrive-messenger");
        Self { program, server: server.to_string(), folder, trusts: None }
    }
}

/// True when everything was as it should be; complaints were printed.
pub(crate) fn run(options: &Options) -> Result<bool> {
    system::ensure(&[system::BUILD, system::SHOW, system::TEST, system::MAIL])?;
    // The same command as the build step of the tests, so that nothing is compiled twice.
    shell::run(&mut shell::cargo(&["build", "--workspace", "--all-targets", "--locked"]))?;

    let logs = config::target(&root()).join("a11y");
    desk::fresh(&logs)?;
    let stage = Stage::build(&logs)?;
    let mut desk = Desk::start(&logs)?;
    let snapshots = Snapshots::new(options.bless);
    let begin = Instant::now();
    let outcome = walk::walk(&desk, &stage, &snapshots);
    let outcome = outcome.and_then(|mut complaints| {
        complaints.extend(post::walk(&desk, &logs, &snapshots).context("a server with mail")?);
        complaints.extend(warnings::walk(&desk, &logs, &snapshots).context("what warns")?);
        Ok(complaints)
    });
    if outcome.is_err() {
        desk.photograph(&logs.join("screen.png"));
    }
    desk.stands()?;
    let complaints = outcome.with_context(|| {
        format!("the walk broke off; logs of all parts are in {}", logs.display())
    })?;
    for complaint in &complaints {
        println!("  {complaint}");
    }
    if complaints.is_empty() {
        println!("  The walk took {} s.", begin.elapsed().as_secs());
    }
    Ok(complaints.is_empty())
}

impl Stage {
    fn build(logs: &Path) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("thrive-stage-").tempdir()?;
        let programs = config::target(&root()).join("debug");
        let (node, server) =
            start_server(&folder.path().join("server"), logs, "server", ANYWHERE, &[])?;
        let password = folder.path().join("password");
        demo::write_private(&password, PASSWORD)?;
        let people = NAMES.map(|name| Person {
            name,
            program: programs.join("thrive"),
            folder: folder.path().join(name),
            password: password.clone(),
            server,
        });
        for person in &people {
            person.creates_account()?;
            person.logs_in()?;
        }
        let [ann, bob, cleo, dora] = &people;
        // A request that nobody has answered yet is a row of its own kind.
        cleo.does(&["contacts", "add", ann.name])?;
        bob.does(&["contacts", "add", ann.name])?;
        ann.does(&["contacts", "accept", bob.name])?;
        for text in FROM_A_STRANGER {
            dora.does(&["send", ann.name, text])?;
        }
        Ok(Self { _node: node, server, people: people.into(), folder })
    }

    /// Where the desktop client of the walk keeps its things, and which server it is told of.
    fn seat(&self) -> Seat {
        Seat::new(self.server, self.folder.path().join("desktop"))
    }

    /// Who writes to the desktop client.
    fn bob(&self) -> &Person {
        &self.people[1]
    }
}

/// Starts a server and gives where it is. Settings of its own come as variables.
fn start_server(
    data: &Path,
    logs: &Path,
    name: &str,
    listen: &str,
    settings: &[(&str, String)],
) -> Result<(Child, SocketAddr)> {
    let mut command = shell::command(config::target(&root()).join("debug").join("thrive-node"));
    command.arg("--data").arg(data).args(["--listen", listen]);
    command.envs(settings.iter().map(|(key, value)| (key, value))).stdout(Stdio::piped());
    let errors = logs.join(format!("{name}.log"));
    command.stderr(fs::File::create(&errors).context("the server's log")?);
    let mut node = Child::start("The server", &mut command)?;
    let lines = node.lines()?;
    let server = lines
        .find("the server's ready line", START, run::address)
        .with_context(|| format!("the server did not start, see {}", errors.display()))?;
    lines.show_rest();
    Ok((node, server))
}
