//! What makes a node one of many: the database and the bus it shares with others, and how routers reach it.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use thrive_protocol::url::Url;

use crate::config::reader::Reader;

/// Postgres instead of the file in the data folder.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Postgres {
    pub url: Url,
    /// A file with the password, so that it is neither in the URL nor in the environment.
    pub password_file: Option<PathBuf>,
    /// The certificate authority of the server, as PEM. With it, TLS is required and checked.
    pub ca: Option<PathBuf>,
    /// Connections that this node opens at most.
    pub connections: usize,
}

/// Redis between the nodes.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redis {
    pub url: Url,
    pub password_file: Option<PathBuf>,
    /// The certificate authority of the server, for `rediss://`, as PEM. Without it, those of the system.
    pub ca: Option<PathBuf>,
    /// What every key and channel begins with, so that two clusters may share a server.
    pub prefix: String,
}

/// How routers and other nodes know this node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cluster {
    /// The file with the secret that all nodes and routers share.
    pub secret: PathBuf,
    /// Where routers reach this node. Each worker has a port of its own, counted from this one.
    pub listen: SocketAddr,
    /// What routers are told instead of `listen`, when they see this node at another address.
    pub advertise: Option<SocketAddr>,
    /// Endpoints that share the connections that come through routers.
    pub workers: usize,
    /// The number by which routers know this node. Without it, one is taken that is free.
    pub node: Option<u32>,
    /// How long clients have to move to other nodes when this one stops.
    pub drain: Duration,
}

impl Cluster {
    fn with_secret(secret: PathBuf) -> Self {
        Self {
            secret,
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, LISTEN)),
            advertise: None,
            workers: 1,
            node: None,
            drain: Duration::from_secs(10),
        }
    }
}

pub(super) fn postgres(reader: &mut Reader) -> Option<Postgres> {
    let url = reader.url("database.url", &["postgres", "postgresql"]);
    let password_file = reader.path("database.password_file");
    let ca = reader.path("database.ca");
    let connections = reader.count("database.connections", CONNECTIONS, 3..=200);
    let Some(url) = url else {
        for (key, given) in
            [("database.password_file", password_file.is_some()), ("database.ca", ca.is_some())]
        {
            if given {
                reader.missing("database.url", "the URL of the database", key);
            }
        }
        return None;
    };
    Some(Postgres { url, password_file, ca, connections })
}

pub(super) fn redis(reader: &mut Reader) -> Option<Redis> {
    let url = reader.url("redis.url", &["redis", "rediss"]);
    let password_file = reader.path("redis.password_file");
    let ca = reader.path("redis.ca");
    let allowed = "1 to 40 letters, digits, '-', '_', '.' or ':'";
    let prefix = reader.text("redis.prefix", "thrive:", allowed, prefix);
    Some(Redis { url: url?, password_file, ca, prefix })
}

pub(super) fn cluster(reader: &mut Reader) -> Option<Cluster> {
    let secret = reader.path("cluster.secret");
    let or = Cluster::with_secret(secret.clone().unwrap_or_default());
    let address = "an IP address and a UDP port, such as 10.0.0.7:2010";
    let listen =
        reader.text("cluster.listen", &or.listen.to_string(), address, |it| it.parse().ok());
    let advertise = reader.optional("cluster.advertise", address, |it| it.parse().ok());
    let workers = reader.count("cluster.workers", or.workers, 1..=MOST_WORKERS);
    let allowed = "a number from 1 to 16777215, another one for each node";
    let node = reader.optional("cluster.node", allowed, |it| {
        it.trim().parse().ok().filter(|it| (1..=MOST_NODES).contains(it))
    });
    let drain = reader.seconds("cluster.drain_seconds", or.drain, 1..=600);
    Some(Cluster { secret: secret?, listen, advertise, workers, node, drain })
}

fn prefix(raw: &str) -> Option<String> {
    let fine = |it: char| it.is_ascii_alphanumeric() || "-_.:".contains(it);
    ((1..=40).contains(&raw.len()) && raw.chars().all(fine)).then(|| raw.to_owned())
}

/// Beside the port that clients dial directly.
const LISTEN: u16 = 2010;
/// Three are enough for the appends; the others serve reads.
const CONNECTIONS: usize = 12;
/// One octet of a server id.
const MOST_WORKERS: usize = 64;
/// Three octets of a server id.
const MOST_NODES: u32 = 0x00FF_FFFF;
