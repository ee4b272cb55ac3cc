//! What is broken and healed: nodes, and what stands around them, in the two forms that there are.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use thrive_node::config;
use thrive_node::store::Database;

use super::alone::Alone;
use super::{Plan, Report};
use crate::chaos::UdpRelay;
use crate::cluster::{Builder, Cluster};
use crate::door::Door;
use crate::ledger::Invariant;
use crate::seed::{self, Seeded};
use crate::usage;

/// Nodes to talk to, and where clients dial them.
pub struct Site {
    form: Form,
    fronts: Vec<SocketAddr>,
    /// Nodes whose end is a part of the plan; any other that has ended by itself has crashed.
    expected_down: bool,
    _relay: Option<Arc<UdpRelay>>,
}

enum Form {
    /// One node with a file.
    Alone(Box<Alone>),
    Cluster(Arc<Cluster>),
}

impl Site {
    /// One embedded node on a port of its own, with these settings beside the usual ones. It does not
    /// run before people are made.
    ///
    /// # Errors
    /// There is no folder, port or program.
    pub fn alone(plan: &Plan, settings: &[(&str, &str)]) -> Result<Self> {
        let alone = Alone::prepare(plan, settings)?;
        let fronts = vec![alone.front()];
        Ok(Self { form: Form::Alone(Box::new(alone)), fronts, expected_down: false, _relay: None })
    }

    /// A cluster with a Postgres and a Redis of its own, which runs.
    ///
    /// # Errors
    /// A part of it does not start.
    pub async fn cluster(
        plan: &Plan,
        nodes: usize,
        routers: usize,
        more: impl FnOnce(Builder) -> Builder,
    ) -> Result<Self> {
        let programs = plan.node.parent().context("programs lie in a folder")?;
        let mut builder = Cluster::start()
            .nodes(nodes)
            .routers(routers)
            .programs(programs)
            .log("warn,thrive_node=info,thrive_router=info");
        if let Some(bug) = plan.bug {
            builder = builder.set("faults.bug", bug.word());
        }
        let mut builder = more(builder);
        if !builder.has_own_services() {
            builder = builder.own_services();
        }
        // Starting programs waits, and others go on meanwhile.
        let cluster = tokio::task::spawn_blocking(move || builder.ready()).await??;
        let fronts = cluster.fronts();
        let form = Form::Cluster(Arc::new(cluster));
        Ok(Self { form, fronts, expected_down: false, _relay: None })
    }

    /// Some clients dial a relay instead of the first front: every second, third… one, as there are
    /// fronts. The relay.
    ///
    /// # Errors
    /// There is no port to be had.
    pub fn with_relay(mut self, seed: u64) -> Result<(Self, Arc<UdpRelay>)> {
        let relay = Arc::new(UdpRelay::start(*self.fronts.first().context("a front")?, seed)?);
        self.fronts.push(relay.address());
        self._relay = Some(Arc::clone(&relay));
        Ok((self, relay))
    }

    /// All clients dial this.
    #[must_use]
    pub fn only_through(mut self, front: SocketAddr) -> Self {
        self.fronts = vec![front];
        self
    }

    /// Makes people, and starts whatever does not run yet.
    ///
    /// # Errors
    /// The store or a program says no.
    pub async fn seed(&mut self, people: usize) -> Result<Vec<Seeded>> {
        match &mut self.form {
            Form::Alone(alone) => alone.seed(people).await,
            Form::Cluster(cluster) => {
                let url = config::Url::parse(cluster.database_url(), &["postgres"]);
                let settings = config::Postgres {
                    url: url.context("the URL of a Postgres")?,
                    password_file: None,
                    ca: None,
                    connections: 4,
                };
                let database = Database::connect(&settings).await?;
                let people = seed::people(&database, "person", people).await?;
                database.close().await;
                Ok(people)
            }
        }
    }

    /// Where clients dial.
    #[must_use]
    pub fn fronts(&self) -> &[SocketAddr] {
        &self.fronts
    }

    /// A way in for whoever reads the store.
    ///
    /// # Errors
    /// There is no socket to be had.
    pub fn door(&self) -> Result<Door> {
        let address = *self.fronts.first().context("a front")?;
        Door::new(address)
    }

    /// The cluster.
    ///
    /// # Errors
    /// There is one node only.
    pub fn parts(&self) -> Result<Arc<Cluster>> {
        match &self.form {
            Form::Alone(_) => bail!("one node is no cluster"),
            Form::Cluster(cluster) => Ok(Arc::clone(cluster)),
        }
    }

    /// The one node.
    ///
    /// # Errors
    /// There are several.
    pub fn only_node(&mut self) -> Result<&mut Alone> {
        match &mut self.form {
            Form::Alone(alone) => Ok(alone),
            Form::Cluster(_) => bail!("a cluster has several nodes"),
        }
    }

    /// Does something to the cluster on a thread that may wait.
    ///
    /// # Errors
    /// As what is done.
    pub async fn act<T: Send + 'static>(
        &self,
        deed: impl FnOnce(&Cluster) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let cluster = self.parts()?;
        tokio::task::spawn_blocking(move || deed(&cluster)).await?
    }

    /// From now on nodes may be down, or end by themselves.
    pub fn expect_ends(&mut self) {
        self.expected_down = true;
    }

    /// The memory of each node that runs, by its process, since a node that was started again is another
    /// one.
    #[must_use]
    pub fn memory(&self) -> Vec<(u32, u64)> {
        let pids = match &self.form {
            Form::Alone(alone) => alone.pid().into_iter().collect(),
            Form::Cluster(cluster) => {
                cluster.node_pids().into_iter().map(|(_, pid)| pid).collect::<Vec<_>>()
            }
        };
        pids.into_iter().filter_map(|pid| Some((pid, usage::resident(pid).ok()?))).collect()
    }

    /// What the parts of the site say of themselves at the end.
    pub fn check(&self, report: &mut Report) {
        let Form::Cluster(cluster) = &self.form else {
            return report.count("nodes", 1);
        };
        report.count("nodes", cluster.nodes());
        report.count("routers", cluster.routers());
        let down = (0..cluster.nodes()).filter(|n| !cluster.node_runs(*n).unwrap_or(false));
        let down: Vec<_> = down.collect();
        if !down.is_empty() && !self.expected_down {
            report.missed(Invariant::I16, format!("nodes {down:?} have ended by themselves"));
        }
        let (mut errors, mut panics) = (0, 0);
        for node in 0..cluster.nodes() {
            let Ok(path) = cluster.node_log(node) else { continue };
            let log = std::fs::read_to_string(path).unwrap_or_default();
            errors += log.lines().filter(|line| line.contains(" ERROR ")).count();
            panics += log.lines().filter(|line| line.contains("panicked at")).count();
        }
        report.count("error_lines", errors);
        if 0 < panics {
            report.missed(Invariant::I16, format!("{panics} panics in the logs of the nodes"));
        }
    }

    /// The ends of all logs, for whoever looks for the reason.
    #[must_use]
    pub fn last_words(&self) -> String {
        match &self.form {
            Form::Alone(alone) => alone.last_words(),
            Form::Cluster(cluster) => cluster.last_words(),
        }
    }
}
