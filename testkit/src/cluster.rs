//! A real cluster on this machine: nodes and routers as processes over a Postgres database and a Redis
//! prefix of their own, with bad networks between them when they are wanted.
//!
//! ```no_run
//! # fn main() -> anyhow::Result<()> {
//! let cluster = thrive_testkit::Cluster::start().nodes(3).routers(2).ready()?;
//! cluster.kill_node(0)?;
//! cluster.start_node(0)?;
//! # Ok(())
//! # }
//! ```
//!
//! Nodes and routers are counted from 0; node `n` has the server number `n + 1`. Each keeps its ports
//! when it is started again. All its words wait for what they say and may be said from any thread; in
//! asynchronous code, say those that start or end a process on a thread that may wait.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;

use anyhow::{Context as _, Result, ensure};
use tempfile::TempDir;
use thrive_services::{OwnPostgres, OwnRedis, Postgres, Redis};

use crate::bin::in_test;
use crate::chaos::{TcpProxy, UdpRelay};
use crate::door::Door;
use crate::process::{Running, last_lines};

mod builder;
mod slot;

pub use self::builder::Builder;
use self::slot::Slot;

/// What of each log is shown at the end, which is read only when a test has failed.
const LAST_WORDS: usize = 25;

/// A cluster. Everything ends when this is dropped.
pub struct Cluster {
    // First, so that the processes end before what they stand on.
    nodes: Vec<Slot>,
    routers: Vec<Slot>,
    database: String,
    prefix: String,
    postgres: Postgres,
    redis: Redis,
    own_postgres: Option<OwnPostgres>,
    own_redis: Option<OwnRedis>,
    folder: Option<TempDir>,
    secret: PathBuf,
}

impl Cluster {
    /// Says what it is to be like; nothing is started yet.
    pub fn start() -> Builder {
        Builder::default()
    }

    /// Brings the database up to date and starts every node and router that does not run.
    ///
    /// # Errors
    /// One does not start; the error ends with its log.
    pub fn start_all(&self) -> Result<()> {
        self.migrate()?;
        let stopped = |slots: &[Slot]| -> Vec<usize> {
            (0..slots.len()).filter(|number| !slots[*number].runs()).collect()
        };
        for node in stopped(&self.nodes) {
            self.start_node(node)?;
        }
        for router in stopped(&self.routers) {
            self.start_router(router)?;
        }
        Ok(())
    }

    /// What an operator does before the first node of a version starts.
    fn migrate(&self) -> Result<()> {
        let Some(node) = self.nodes.first() else { return Ok(()) };
        let Some(mut migrate) = node.place.migrate() else { return Ok(()) };
        let output = migrate.output().context("run thrive-node migrate")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "thrive-node migrate: {}", said.trim());
        Ok(())
    }

    /// Runs a command of the host, such as `admin create ann`, on the machine of node `n`; what it said.
    ///
    /// # Errors
    /// It did not do it.
    pub fn host(&self, n: usize, arguments: &[&str]) -> Result<String> {
        let command = self.node(n)?.place.host(arguments);
        let output = command.context("a node")?.output().context("run thrive-node")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "thrive-node {}: {}", arguments.join(" "), said.trim());
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    #[must_use]
    pub fn nodes(&self) -> usize {
        self.nodes.len()
    }

    #[must_use]
    pub fn routers(&self) -> usize {
        self.routers.len()
    }

    /// Where clients dial node `n` directly.
    ///
    /// # Errors
    /// There is no such node.
    pub fn node_address(&self, n: usize) -> Result<SocketAddr> {
        Ok(self.node(n)?.front())
    }

    /// Where clients dial router `n`.
    ///
    /// # Errors
    /// There is no such router.
    pub fn router_address(&self, n: usize) -> Result<SocketAddr> {
        Ok(self.router(n)?.front())
    }

    /// Where clients dial: all routers, or all nodes where there are none.
    #[must_use]
    pub fn fronts(&self) -> Vec<SocketAddr> {
        let slots = if self.routers.is_empty() { &self.nodes } else { &self.routers };
        slots.iter().map(Slot::front).collect()
    }

    /// A door to node `n`, past the routers.
    ///
    /// # Errors
    /// There is no such node, or no runtime around this.
    pub fn door(&self, n: usize) -> Result<Door> {
        Door::new(self.node_address(n)?)
    }

    /// A door through router `n`, to whichever node it chooses.
    ///
    /// # Errors
    /// There is no such router, or no runtime around this.
    pub fn router_door(&self, n: usize) -> Result<Door> {
        Door::new(self.router_address(n)?)
    }

    /// Starts node `n` at its old place.
    ///
    /// # Errors
    /// It runs already, or does not start.
    pub fn start_node(&self, n: usize) -> Result<()> {
        self.node(n)?.start(&[]).with_context(|| format!("start node {n}"))
    }

    /// Starts node `n` with more settings for this once, such as an order to die at a point.
    ///
    /// # Errors
    /// It runs already, or does not start.
    pub fn start_node_with(&self, n: usize, settings: &[(&str, &str)]) -> Result<()> {
        self.node(n)?.start(settings).with_context(|| format!("start node {n}"))
    }

    /// # Errors
    /// It runs already, or does not start.
    pub fn start_router(&self, n: usize) -> Result<()> {
        self.router(n)?.start(&[]).with_context(|| format!("start router {n}"))
    }

    /// SIGKILL to node `n`.
    ///
    /// # Errors
    /// It does not run.
    pub fn kill_node(&self, n: usize) -> Result<()> {
        self.node(n)?.take()?.kill()
    }

    /// # Errors
    /// It does not run.
    pub fn kill_router(&self, n: usize) -> Result<()> {
        self.router(n)?.take()?.kill()
    }

    /// SIGTERM to node `n`, which hands its people over, and how it ended.
    ///
    /// # Errors
    /// It does not run, or does not end.
    pub fn terminate_node(&self, n: usize) -> Result<ExitStatus> {
        self.node(n)?.take()?.terminate()
    }

    /// # Errors
    /// It does not run, or does not end.
    pub fn terminate_router(&self, n: usize) -> Result<ExitStatus> {
        self.router(n)?.take()?.terminate()
    }

    /// Waits until node `n` has ended by itself.
    ///
    /// # Errors
    /// It does not run, or goes on running.
    pub fn wait_for_end_of_node(&self, n: usize) -> Result<ExitStatus> {
        self.node(n)?.take()?.wait()
    }

    /// Whether node `n` runs; false also when it has ended by itself.
    ///
    /// # Errors
    /// There is no such node.
    pub fn node_runs(&self, n: usize) -> Result<bool> {
        Ok(self.node(n)?.runs())
    }

    /// Holds node `n` still (SIGSTOP).
    ///
    /// # Errors
    /// It does not run.
    pub fn pause_node(&self, n: usize) -> Result<()> {
        self.node(n)?.with(Running::pause)
    }

    /// # Errors
    /// It does not run.
    pub fn resume_node(&self, n: usize) -> Result<()> {
        self.node(n)?.with(Running::resume)
    }

    /// Holds router `n` still (SIGSTOP).
    ///
    /// # Errors
    /// It does not run.
    pub fn pause_router(&self, n: usize) -> Result<()> {
        self.router(n)?.with(Running::pause)
    }

    /// # Errors
    /// It does not run.
    pub fn resume_router(&self, n: usize) -> Result<()> {
        self.router(n)?.with(Running::resume)
    }

    /// What router `n` has counted since its start.
    ///
    /// # Errors
    /// It does not run, or prints no figures.
    pub fn router_figures(&self, n: usize) -> Result<serde_json::Value> {
        let line = self.router(n)?.with(Running::figures)?;
        serde_json::from_str(&line).context("figures are JSON")
    }

    /// The process ids of the nodes that run, with their numbers.
    #[must_use]
    pub fn node_pids(&self) -> Vec<(usize, u32)> {
        pids(&self.nodes)
    }

    #[must_use]
    pub fn router_pids(&self) -> Vec<(usize, u32)> {
        pids(&self.routers)
    }

    /// The link between node `n` and Postgres.
    ///
    /// # Errors
    /// It was not asked for with [`Builder::links`].
    pub fn postgres_link(&self, n: usize) -> Result<&TcpProxy> {
        self.node(n)?.postgres.as_ref().context("the cluster has no bad links")
    }

    /// The link between node `n` and Redis.
    ///
    /// # Errors
    /// It was not asked for with [`Builder::links`].
    pub fn redis_link(&self, n: usize) -> Result<&TcpProxy> {
        self.node(n)?.redis.as_ref().context("the cluster has no bad links")
    }

    /// The link between router `n` and Redis.
    ///
    /// # Errors
    /// It was not asked for with [`Builder::links`].
    pub fn router_redis_link(&self, n: usize) -> Result<&TcpProxy> {
        self.router(n)?.redis.as_ref().context("the cluster has no bad links")
    }

    /// The network between clients and node `n`, when they dial it directly.
    ///
    /// # Errors
    /// It was not asked for with [`Builder::relays`].
    pub fn node_relay(&self, n: usize) -> Result<&UdpRelay> {
        self.node(n)?.relay.as_ref().context("the cluster has no relays")
    }

    /// The network between clients and router `n`.
    ///
    /// # Errors
    /// It was not asked for with [`Builder::relays`].
    pub fn router_relay(&self, n: usize) -> Result<&UdpRelay> {
        self.router(n)?.relay.as_ref().context("the cluster has no relays")
    }

    /// The URL of the database, past all links.
    #[must_use]
    pub fn database_url(&self) -> &str {
        &self.database
    }

    /// What the keys and channels of this cluster begin with.
    #[must_use]
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    #[must_use]
    pub fn postgres(&self) -> &Postgres {
        &self.postgres
    }

    #[must_use]
    pub fn redis(&self) -> &Redis {
        &self.redis
    }

    /// The Postgres of this cluster alone, to be stopped and killed.
    ///
    /// # Errors
    /// It was not asked for with [`Builder::own_services`].
    pub fn own_postgres(&self) -> Result<&OwnPostgres> {
        self.own_postgres.as_ref().context("the cluster shares its Postgres with others")
    }

    /// The Redis of this cluster alone, to be stopped and killed.
    ///
    /// # Errors
    /// It was not asked for with [`Builder::own_services`].
    pub fn own_redis(&self) -> Result<&OwnRedis> {
        self.own_redis.as_ref().context("the cluster shares its Redis with others")
    }

    /// The file with the secret that nodes and routers share.
    #[must_use]
    pub fn secret(&self) -> &std::path::Path {
        &self.secret
    }

    /// The fingerprint that node `n` has printed.
    ///
    /// # Errors
    /// It has not been started.
    pub fn fingerprint(&self, n: usize) -> Result<String> {
        self.node(n)?.fingerprint().context("the node has printed no fingerprint yet")
    }

    /// Where node `n` logs to.
    ///
    /// # Errors
    /// There is no such node.
    pub fn node_log(&self, n: usize) -> Result<PathBuf> {
        Ok(self.node(n)?.place.log())
    }

    /// # Errors
    /// There is no such router.
    pub fn router_log(&self, n: usize) -> Result<PathBuf> {
        Ok(self.router(n)?.place.log())
    }

    /// The end of each log, with its name.
    #[must_use]
    pub fn last_words(&self) -> String {
        let slots = self.nodes.iter().chain(&self.routers);
        let words = slots.map(|slot| {
            let log = slot.place.log();
            format!("--- the end of {}\n{}\n", log.display(), last_lines(&log, LAST_WORDS))
        });
        words.collect()
    }

    /// Keeps the folder with all logs after the end, and says where it is.
    pub fn keep(&mut self) -> Option<PathBuf> {
        self.folder.take().map(TempDir::keep)
    }

    fn node(&self, n: usize) -> Result<&Slot> {
        self.nodes.get(n).with_context(|| format!("there is no node {n}"))
    }

    fn router(&self, n: usize) -> Result<&Slot> {
        self.routers.get(n).with_context(|| format!("there is no router {n}"))
    }
}

/// A test runner shows what a test has printed only when it has failed, and that is when these help.
impl Drop for Cluster {
    #[expect(clippy::print_stderr, reason = "the output of a test that has failed")]
    fn drop(&mut self) {
        if in_test() {
            eprintln!("{}", self.last_words());
        }
    }
}

fn pids(slots: &[Slot]) -> Vec<(usize, u32)> {
    let numbered = slots.iter().enumerate();
    numbered.filter_map(|(number, slot)| Some((number, slot.pid()?))).collect()
}
