//! What a cluster is to be like, and how its parts are put together.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use parking_lot::Mutex;
use thrive_services::{Postgres, PostgresOptions, Redis, free_udp_port};

use super::Cluster;
use super::slot::{Program, Slot};
use crate::chaos::{TcpProxy, UdpRelay};
use crate::process::{Place, RouterPlace};

/// What a cluster is to be like. Everything has a default but the number of nodes, which is 1.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct Builder {
    nodes: Option<usize>,
    routers: usize,
    programs: Option<PathBuf>,
    settings: Vec<(String, String)>,
    settings_of: BTreeMap<usize, Vec<(String, String)>>,
    environment_of: BTreeMap<usize, Vec<(String, String)>>,
    router_settings: Vec<(String, String)>,
    log: Option<String>,
    one_front: bool,
    links: bool,
    relays: Option<u64>,
    own_services: Option<PostgresOptions>,
}

impl Builder {
    pub fn nodes(mut self, nodes: usize) -> Self {
        self.nodes = Some(nodes);
        self
    }

    pub fn routers(mut self, routers: usize) -> Self {
        self.routers = routers;
        self
    }

    /// The folder with `thrive-node` and `thrive-router`; without it, that of the build which made this
    /// program. The build with the feature `faults` lies elsewhere.
    pub fn programs(mut self, folder: &Path) -> Self {
        self.programs = Some(folder.to_owned());
        self
    }

    /// One more setting for all nodes.
    pub fn set(mut self, key: &str, value: impl Display) -> Self {
        self.settings.push((key.to_owned(), value.to_string()));
        self
    }

    /// One more setting for node `n`; it wins over those for all.
    pub fn set_on(mut self, n: usize, key: &str, value: impl Display) -> Self {
        self.settings_of.entry(n).or_default().push((key.to_owned(), value.to_string()));
        self
    }

    /// A variable in the environment of node `n`, such as for a clock that is wrong.
    pub fn environment_of(mut self, n: usize, name: &str, value: &str) -> Self {
        self.environment_of.entry(n).or_default().push((name.to_owned(), value.to_owned()));
        self
    }

    /// One more setting for all routers.
    pub fn set_on_routers(mut self, key: &str, value: impl Display) -> Self {
        self.router_settings.push((key.to_owned(), value.to_string()));
        self
    }

    /// All routers listen on one port, and the system spreads clients over those that live: what an
    /// address does that several routers share. Their sockets must be of the kind that several workers
    /// share.
    pub fn one_front(mut self) -> Self {
        self.one_front = true;
        self
    }

    /// Which log lines nodes and routers write; without it, `info`.
    pub fn log(mut self, filter: &str) -> Self {
        self.log = Some(filter.to_owned());
        self
    }

    /// Puts a [`TcpProxy`] on each link to Postgres and Redis.
    pub fn links(mut self) -> Self {
        self.links = true;
        self
    }

    /// Puts a [`UdpRelay`] in front of each node and router, with chances from this seed.
    pub fn relays(mut self, seed: u64) -> Self {
        self.relays = Some(seed);
        self
    }

    /// Starts a Postgres and a Redis for this cluster alone, so that they may be stopped and killed.
    pub fn own_services(self) -> Self {
        self.own_services_with(PostgresOptions::default())
    }

    /// The same with a Postgres that has something special.
    pub fn own_services_with(mut self, options: PostgresOptions) -> Self {
        self.own_services = Some(options);
        self
    }

    /// Whether it was asked for services of its own.
    #[must_use]
    pub fn has_own_services(&self) -> bool {
        self.own_services.is_some()
    }

    /// Starts all of it and waits until each node and router is ready.
    ///
    /// # Errors
    /// Something does not start.
    pub fn ready(self) -> Result<Cluster> {
        let cluster = self.prepare()?;
        cluster.start_all()?;
        Ok(cluster)
    }

    /// Prepares everything and starts no node and no router yet, so that the store can be filled before.
    ///
    /// # Errors
    /// A service or a link does not start, or a program has not been built.
    pub fn prepare(self) -> Result<Cluster> {
        let (own_postgres, own_redis) = match &self.own_services {
            Some(options) => {
                let postgres = Postgres::start_with(options.clone())?;
                (Some(postgres), Some(Redis::start()?))
            }
            None => (None, None),
        };
        let postgres: Postgres =
            own_postgres.as_deref().unwrap_or_else(|| thrive_services::postgres()).clone();
        let redis: Redis = own_redis.as_deref().unwrap_or_else(|| thrive_services::redis()).clone();
        let folder = tempfile::Builder::new().prefix("thrive-testkit-cluster-").tempdir()?;
        let secret = folder.path().join("secret");
        write_secret(&secret)?;
        let parts = Parts {
            folder: folder.path(),
            secret: &secret,
            database: postgres.fresh(),
            redis: redis.url(),
            prefix: redis.fresh_prefix(),
            front: if self.one_front { Some(free_udp_port()?) } else { None },
        };
        let nodes = (0..self.nodes.unwrap_or(1)).map(|n| self.node(n, &parts));
        let nodes = nodes.collect::<Result<Vec<_>>>()?;
        let routers = (0..self.routers).map(|n| self.router(n, &parts));
        let routers = routers.collect::<Result<Vec<_>>>()?;
        let Parts { database, prefix, .. } = parts;
        Ok(Cluster {
            nodes,
            routers,
            database,
            prefix,
            postgres,
            redis,
            own_postgres,
            own_redis,
            folder: Some(folder),
            secret,
        })
    }

    fn node(&self, n: usize, parts: &Parts<'_>) -> Result<Slot> {
        let mut place = Place::new(&parts.folder.join(format!("node-{n}")))?;
        if let Some(programs) = &self.programs {
            place.program = programs.join("thrive-node");
        }
        place.port = free_udp_port()?;
        let (postgres, database) = self.link(&parts.database)?;
        let (redis, bus) = self.link(&parts.redis)?;
        place = place
            .set("database.url", database)
            .set("redis.url", bus)
            .set("redis.prefix", &parts.prefix)
            .set("cluster.secret", parts.secret.display())
            .set("cluster.listen", "127.0.0.1:0")
            .set("cluster.node", n + 1)
            .set("files.folder", parts.folder.join("files").display())
            .set("files.shared", "yes")
            // A test does not wait for people who do not leave.
            .set("cluster.drain_seconds", 4);
        let special = self.settings_of.get(&n).into_iter().flatten();
        for (key, value) in self.settings.iter().chain(special) {
            place = place.set(key, value);
        }
        place.environment = self.environment_of.get(&n).cloned().unwrap_or_default();
        place.log_filter = self.log_filter();
        place.log_format = "text";
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, place.port));
        let relay = self.relay(address, n)?;
        Ok(Slot { postgres, redis, ..Slot::new(Program::Node(place), address, relay) })
    }

    fn router(&self, n: usize, parts: &Parts<'_>) -> Result<Slot> {
        let mut place = RouterPlace::new(&parts.folder.join(format!("router-{n}")))?;
        if let Some(programs) = &self.programs {
            place.program = programs.join("thrive-router");
        }
        place.port = parts.front.map_or_else(free_udp_port, Ok)?;
        let (redis, bus) = self.link(&parts.redis)?;
        place = place
            .set("redis.url", bus)
            .set("redis.prefix", &parts.prefix)
            .set("secret", parts.secret.display())
            // Nodes find it again after a restart without having heard of it.
            .set("backend", SocketAddr::from((Ipv4Addr::LOCALHOST, free_udp_port()?)))
            .set("id", (n + 1) * 100);
        for (key, value) in &self.router_settings {
            place = place.set(key, value);
        }
        place.log_filter = self.log_filter();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, place.port));
        let relay = self.relay(address, ROUTER_SEEDS + n)?;
        Ok(Slot { redis, ..Slot::new(Program::Router(place), address, relay) })
    }

    /// A proxy in front of the server of this URL, if links were asked for, and the URL to use.
    fn link(&self, url: &str) -> Result<(Option<TcpProxy>, String)> {
        if !self.links {
            return Ok((None, url.to_owned()));
        }
        let (address, range) = server(url)?;
        let proxy = TcpProxy::start(address)?;
        let mut through = url.to_owned();
        through.replace_range(range, &proxy.address().to_string());
        Ok((Some(proxy), through))
    }

    fn relay(&self, upstream: SocketAddr, number: usize) -> Result<Option<UdpRelay>> {
        let seed = self.relays.map(|seed| seed.wrapping_add(number as u64));
        seed.map(|seed| UdpRelay::start(upstream, seed)).transpose()
    }

    fn log_filter(&self) -> String {
        self.log.clone().unwrap_or_else(|| "info".into())
    }
}

/// So that no router has the chances of a node.
const ROUTER_SEEDS: usize = 1_000_000;

/// What all nodes and routers are told.
struct Parts<'a> {
    folder: &'a Path,
    secret: &'a Path,
    database: String,
    redis: String,
    prefix: String,
    /// The port of all routers, where they share one.
    front: Option<u16>,
}

impl Slot {
    fn new(place: Program, address: SocketAddr, relay: Option<UdpRelay>) -> Self {
        Self {
            place,
            address,
            postgres: None,
            redis: None,
            relay,
            running: Mutex::new(None),
            ready: Mutex::new(None),
        }
    }
}

/// The address in a URL and where it stands.
fn server(url: &str) -> Result<(SocketAddr, std::ops::Range<usize>)> {
    let begin = url.find("://").context("a URL has a scheme")? + 3;
    let end = url[begin..].find(['/', '?']).map_or(url.len(), |at| begin + at);
    let begin = url[begin..end].rfind('@').map_or(begin, |at| begin + at + 1);
    let address = url[begin..end].parse().context("the address of a service")?;
    Ok((address, begin..end))
}

/// A secret of this cluster alone, which only its owner may read.
fn write_secret(path: &Path) -> Result<()> {
    use std::io::Write as _;
    use std::os::unix::fs::OpenOptionsExt as _;
    let mut secret = [0_u8; 32];
    for half in secret.chunks_mut(16) {
        half.copy_from_slice(uuid::Uuid::new_v4().as_bytes());
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options.write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(&secret).context("write the secret of the cluster")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_of_a_service_is_found_in_its_url() {
        let check = |url: &str, address: &str| {
            let (found, range) = server(url).unwrap();
            assert_eq!((found.to_string().as_str(), &url[range]), (address, address));
        };
        check("postgres://thrive:ge@heim@127.0.0.1:15000/test_1", "127.0.0.1:15000");
        check("redis://127.0.0.1:16000", "127.0.0.1:16000");
        check("redis://:geheim@127.0.0.1:16000/0?protocol=resp3", "127.0.0.1:16000");
    }
}
