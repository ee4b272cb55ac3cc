//! `cargo xtask cluster`: Postgres, Redis, three nodes and two routers on this machine, to look at and to
//! kill. What dies comes back after a moment, as an orchestrator would do it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use thrive_services::{OwnPostgres, Postgres, PostgresOptions};

use crate::services::Services;
use crate::stop::Stop;
use crate::{config, root, shell, system};

mod folder;
mod parts;

use self::folder::Folder;
use self::parts::{Part, Printer};

/// Where people expect a Thrive server, and so the first router.
const PORT: u16 = 2005;
/// How long what has died stays away.
const AWAY: Duration = Duration::from_secs(3);
/// How often is looked whether everything runs.
const LOOK: Duration = Duration::from_millis(200);
/// The database of the cluster.
const DATABASE: &str = "thrive";

#[derive(Args)]
pub(crate) struct Options {
    /// How many nodes.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=20))]
    nodes: u16,
    /// How many routers.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=10))]
    routers: u16,
    /// Build quickly instead of for speed.
    #[arg(long)]
    dev: bool,
    /// The folder for everything that the cluster keeps.
    #[arg(long, value_name = "DIR", default_value = ".data/cluster")]
    data: PathBuf,
    /// Begin with nothing, and forget what the folder holds from before.
    #[arg(long)]
    fresh: bool,
    /// Log lines to show: a level, or a list such as info,thrive_node=debug.
    #[arg(long, value_name = "FILTER", default_value = "info")]
    log: String,
}

/// Everything that runs. The fields end in this order.
struct Cluster {
    nodes: Vec<Part>,
    routers: Vec<Part>,
    services: Services,
}

pub(crate) fn run(options: &Options) -> Result<()> {
    let stop = Stop::listen()?;
    system::ensure(&[system::BUILD, system::SERVICES])?;
    let programs = build(options.dev)?;
    let folder = Folder::open(data(options)?, options.fresh)?;
    let data = folder.path();
    let printer = Printer::new(options.nodes.max(options.routers));
    let mut cluster = start(options, &programs, data, &printer, &stop)?;
    explain(&cluster, options, &programs, data);
    watch(&mut cluster, &printer, &stop);
    println!("\nEnding the nodes, then the routers, then Postgres and Redis.");
    cluster.end();
    println!("Ended. The data stays in {}.", data.display());
    Ok(())
}

fn build(dev: bool) -> Result<PathBuf> {
    let packages = ["--package", "thrive-node", "--package", "thrive-router"];
    let mut cargo = shell::cargo(&["build", "--locked", "--package", "thrive-client"]);
    cargo.args(packages).arg("--bins");
    if !dev {
        cargo.arg("--release");
        println!("Building for speed, which takes minutes the first time (--dev: half).");
    }
    shell::run(&mut cargo).context("mend what does not compile and start again")?;
    Ok(config::target(&root()).join(if dev { "debug" } else { "release" }))
}

fn data(options: &Options) -> Result<PathBuf> {
    // Relative to where the person stands, except for the default.
    if options.data == Path::new(".data/cluster") {
        return Ok(root().join(&options.data));
    }
    std::path::absolute(&options.data).context("--data is a folder name")
}

fn start(
    options: &Options,
    programs: &Path,
    data: &Path,
    printer: &Printer,
    stop: &Stop,
) -> Result<Cluster> {
    let secret = data.join(folder::SECRET);
    parts::keep_secret(&secret)?;
    println!("Starting Postgres and Redis.");
    let kept = PostgresOptions { folder: Some(data.join("postgres")), ..Default::default() };
    let services = Services::start_with(kept)?;
    make_database(&services.postgres)?;
    let shared = parts::Shared {
        programs,
        data,
        secret: &secret,
        log: &options.log,
        database: format!("postgres://thrive@127.0.0.1:{}/{DATABASE}", services.postgres.port()),
        password: services.postgres.password_file(),
        redis: services.redis.url(),
    };
    println!("Starting {} nodes and {} routers.", options.nodes, options.routers);
    let mut nodes = Vec::new();
    for number in 1..=options.nodes {
        let mut node = shared.node(number)?;
        if number == 1 {
            shell::output(&mut node.migration()).context("prepare the database")?;
        }
        node.start(printer, stop)?;
        nodes.push(node);
    }
    let mut routers = Vec::new();
    for number in 1..=options.routers {
        let mut router = shared.router(number, listen(number)?)?;
        router.start(printer, stop)?;
        routers.push(router);
    }
    Ok(Cluster { nodes, routers, services })
}

fn make_database(postgres: &OwnPostgres) -> Result<()> {
    let known = format!("SELECT count(*) FROM pg_database WHERE datname = '{DATABASE}'");
    if postgres.sql("postgres", &known)? == "0" {
        postgres.sql("postgres", &format!("CREATE DATABASE {DATABASE} TEMPLATE template0"))?;
    }
    Ok(())
}

/// The usual port and those after it, where they are free.
fn listen(number: u16) -> Result<SocketAddr> {
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, PORT + number - 1));
    if std::net::UdpSocket::bind(usual).is_ok() {
        return Ok(usual);
    }
    println!("UDP port {} is taken, so router {number} takes another one.", usual.port());
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, thrive_services::free_udp_port()?)))
}

/// Where to connect, and what to kill.
fn explain(cluster: &Cluster, options: &Options, programs: &Path, data: &Path) {
    let thrive = programs.join("thrive").display().to_string();
    let fronts: Vec<_> = cluster.routers.iter().map(Part::address).collect();
    let person = |name: &str, number: usize| {
        let server = fronts[number % fronts.len()];
        format!("{thrive} --server {server} --dir {}", data.join(name).display())
    };
    println!("\nThe cluster runs. Connect to any router; it is one server:\n");
    for router in &cluster.routers {
        println!("    {}  {}", router.address(), router.name());
    }
    if let Some(fingerprint) = cluster.nodes.iter().find_map(Part::fingerprint) {
        println!("    certificate {fingerprint}");
    }
    let (ann, bob) = (person("ann", 0), person("bob", 1));
    println!(
        "\nTwo people who chat through different routers:\n
    {ann} account create ann --login    # asks for a password
    {bob} account create bob --login
    {ann} contacts add bob
    {bob} contacts accept ann
    {bob} tail &
    {ann} send bob 'Good morning!'
\nKill what you like, and go on chatting; it comes back after {} s:\n",
        AWAY.as_secs()
    );
    for part in cluster.nodes.iter().chain(&cluster.routers) {
        println!("    kill -9 {:<8} # {} without a warning", part.id(), part.name());
    }
    if let Some(node) = cluster.nodes.first() {
        println!(
            "    kill {:<11} # {} hands its people over to the others, and ends",
            node.id(),
            node.name()
        );
    }
    let (redis, postgres) = (cluster.services.redis.pid(), cluster.services.postgres.pid());
    println!(
        "    kill -9 {redis:<8} # Redis: messages between nodes take seconds instead of moments
    kill -QUIT {postgres:<5} # Postgres: messages wait in the clients until it is back
\nLog level: {}. The data is in {}. Ctrl+C ends everything in order.\n",
        options.log,
        data.display()
    );
}

/// Starts again what has died, until the person wants to stop.
fn watch(cluster: &mut Cluster, printer: &Printer, stop: &Stop) {
    let (mut redis, mut postgres) = (Absence::of("Redis"), Absence::of("Postgres"));
    while !stop.within(LOOK) {
        let Services { redis: cache, postgres: database } = &cluster.services;
        redis.look_after(cache.runs(), AWAY, printer, || {
            cache.start_again()?;
            Ok(cache.pid())
        });
        postgres.look_after(database.runs(), AWAY, printer, || {
            database.start_again()?;
            Ok(database.pid())
        });
        for part in cluster.nodes.iter_mut().chain(&mut cluster.routers) {
            part.look_after(printer, AWAY);
        }
    }
}

/// Since when a service is away, or its last start failed.
struct Absence {
    name: &'static str,
    since: Option<Instant>,
}

impl Absence {
    fn of(name: &'static str) -> Self {
        Self { name, since: None }
    }

    /// `start` gives the id of the new process. If it fails, it is tried again after as long.
    fn look_after(
        &mut self,
        runs: bool,
        away: Duration,
        printer: &Printer,
        start: impl FnOnce() -> Result<u32>,
    ) {
        if runs {
            self.since = None;
            return;
        }
        let since = *self.since.get_or_insert_with(|| {
            let seconds = away.as_secs();
            printer.say(&format!("{} is gone; it comes back in {seconds} s.", self.name));
            Instant::now()
        });
        if since.elapsed() < away {
            return;
        }
        match start() {
            Ok(id) => printer.say(&format!("{} is back as process {id}.", self.name)),
            Err(error) => {
                printer.say(&format!("{} does not come back yet: {error:#}", self.name));
                self.since = Some(Instant::now());
            }
        }
    }
}

impl Cluster {
    fn end(self) {
        let Self { mut nodes, routers, services } = self;
        // All nodes at once, so that nobody is handed over from one to the next.
        for node in &mut nodes {
            node.ask_to_end();
        }
        drop(nodes);
        drop(routers);
        let Services { postgres, redis } = services;
        // What it still had to write is on its disk for the next time.
        postgres.stop_fast().ok();
        drop(redis);
    }
}

impl Services {
    fn start_with(options: PostgresOptions) -> Result<Self> {
        let postgres = Postgres::start_with(options)?;
        Ok(Self { postgres, redis: thrive_services::Redis::start()? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_that_does_not_start_is_tried_again_and_ends_nothing() {
        let printer = Printer::new(1);
        let mut absence = Absence::of("Redis");
        let mut tries = 0;
        for outcome in [Err("the port is taken"), Ok(7)] {
            absence.look_after(false, Duration::ZERO, &printer, || {
                tries += 1;
                outcome.map_err(anyhow::Error::msg)
            });
        }
        absence.look_after(true, Duration::ZERO, &printer, || unreachable!("it runs"));
        assert_eq!((tries, absence.since), (2, None));
        let never = Duration::from_secs(3_600);
        absence.look_after(false, never, &printer, || unreachable!("it is too early"));
        assert!(absence.since.is_some());
    }
}
