//! The configuration: read once, whole, before anything is opened or bound.
//!
//! Weakest first: defaults, a TOML file, the environment (`THRIVE_ROUTER_LISTEN`, and two underscores for
//! a dot: `THRIVE_ROUTER_REDIS__URL`), flags. Every problem is reported together, with what was given,
//! what is allowed and where it came from. `deploy/thrive-router.example.toml` explains each key; a test
//! keeps it complete.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use tracing_subscriber::EnvFilter;

use crate::config::reader::Reader;
use crate::table::Member;

pub use thrive_protocol::url::Url;

pub use crate::config::problem::{Problem, Problems};
pub use crate::config::reader::Setting;
pub use crate::config::source::{Flag, Sources};

mod nodes;
mod problem;
mod reader;
mod source;

/// Everything that an operator decides.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Config {
    /// What clients dial.
    pub listen: SocketAddr,
    /// An IPv6 address to listen on takes IPv4 too.
    pub dual_stack: bool,
    /// Where nodes see the first worker. Each further worker has the next port.
    pub backend: SocketAddr,
    pub workers: usize,
    /// By which nodes tell routers apart, at most [`MOST_ID`]. Without it, one by chance.
    pub id: Option<u16>,
    /// The file with the secret that all nodes and routers share.
    pub secret: PathBuf,
    pub nodes: Nodes,
    /// Where the last list of nodes is kept.
    pub table: Option<PathBuf>,
    /// Which log lines are written, as `tracing_subscriber` filters are written.
    pub log: String,
    pub log_format: LogFormat,
}

/// Where the nodes are known from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Nodes {
    Listed(Vec<Member>),
    Leased(Redis),
}

/// Where the leases are.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Redis {
    pub url: Url,
    pub password_file: Option<PathBuf>,
    /// The certificate authority of the server, for `rediss://`, as PEM.
    pub ca: Option<PathBuf>,
    /// What every key begins with.
    pub prefix: String,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    Json,
    Text,
}

impl Config {
    /// With these nodes and this secret, for this machine only, and with any free ports.
    #[must_use]
    pub fn local(secret: PathBuf, nodes: Nodes) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            listen: any,
            dual_stack: true,
            backend: any,
            workers: 1,
            id: None,
            secret,
            nodes,
            table: None,
            log: "info".into(),
            log_format: LogFormat::Auto,
        }
    }

    /// Reads all sources. The settings tell the value and the origin of each key, in a fixed order.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(sources: &Sources) -> Result<(Self, Vec<Setting>), Problems> {
        let mut reader = Reader::new(sources);
        let address = "an IP address and a UDP port, such as 0.0.0.0:2005 or [::]:2005";
        let listen = reader.text("listen", LISTEN, address, |it| it.parse().ok());
        let dual_stack = reader.truth("dual_stack", true);
        let backend: SocketAddr = reader.text("backend", BACKEND, address, |it| it.parse().ok());
        let workers = reader.whole("workers", 1..=MOST_WORKERS as u64).unwrap_or(1) as usize;
        let id = reader.whole("id", 0..=u64::from(MOST_ID));
        let secret = reader.path("secret");
        if secret.is_none() {
            let allowed = "the file with the secret that all nodes and routers share";
            reader.missing("secret", allowed, "routers and nodes trust each other by it");
        }
        let listed = nodes::read(&mut reader);
        let redis = redis(&mut reader);
        let config = Self {
            listen,
            dual_stack,
            backend,
            workers,
            id: id.and_then(|it| u16::try_from(it).ok()),
            secret: secret.unwrap_or_default(),
            nodes: either(listed, redis, &mut reader),
            table: reader.path("table"),
            log: reader.text("log", "info", LOG, log_filter),
            log_format: reader.text("log_format", "auto", "auto, json or text", |it| match it {
                "auto" => Some(LogFormat::Auto),
                "json" => Some(LogFormat::Json),
                "text" => Some(LogFormat::Text),
                _ => None,
            }),
        };
        if backend.port() != 0 && usize::from(u16::MAX - backend.port()) < workers - 1 {
            reader.wrong("backend", "there are not enough ports above it for all workers");
        }
        let settings = reader.finish()?;
        Ok((config, settings))
    }
}

fn redis(reader: &mut Reader) -> Option<Redis> {
    let url = reader.url("redis.url", &["redis", "rediss"]);
    let password_file = reader.path("redis.password_file");
    let ca = reader.path("redis.ca");
    let allowed = "1 to 40 letters, digits, '-', '_', '.' or ':', as on the nodes";
    let prefix = reader.text("redis.prefix", "thrive:", allowed, prefix);
    if ca.is_some() && url.as_ref().is_some_and(|it| !it.expose().starts_with("rediss://")) {
        reader.wrong("redis.ca", "redis.url does not begin with rediss://, so nothing uses it");
    }
    Some(Redis { url: url?, password_file, ca, prefix })
}

/// The nodes are known from one place.
fn either(listed: Option<Vec<Member>>, redis: Option<Redis>, reader: &mut Reader) -> Nodes {
    match (listed, redis) {
        (Some(listed), None) => return Nodes::Listed(listed),
        (None, Some(redis)) => return Nodes::Leased(redis),
        (Some(_), Some(_)) => reader.wrong("nodes", "redis.url is set too, and tells the nodes"),
        (None, None) if reader.refused("nodes") => {}
        (None, None) => {
            let why = "a router without nodes serves nobody";
            reader.missing("redis.url", "redis.url where nodes hold leases, or nodes", why);
        }
    }
    Nodes::Listed(Vec::new())
}

fn prefix(raw: &str) -> Option<String> {
    let fine = |it: char| it.is_ascii_alphanumeric() || "-_.:".contains(it);
    ((1..=40).contains(&raw.len()) && raw.chars().all(fine)).then(|| raw.to_owned())
}

/// A word without a level is taken for a target by the library, so that a mistyped level would write
/// nothing at all. We ask for the level.
fn log_filter(raw: &str) -> Option<String> {
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    let clear = |it: &str| it.contains('=') || levels.contains(&it.to_ascii_lowercase().as_str());
    let fits = raw.split(',').map(str::trim).all(clear) && EnvFilter::builder().parse(raw).is_ok();
    fits.then(|| raw.to_owned())
}

/// This machine only, on the port that clients know.
const LISTEN: &str = "127.0.0.1:2005";
const BACKEND: &str = "127.0.0.1:2100";
/// Workers of one router.
pub const MOST_WORKERS: usize = 64;
/// So that each worker of each router has a number of its own in 16 bits.
pub const MOST_ID: u16 = (0x1_0000 / MOST_WORKERS - 1) as u16;
const LOG: &str =
    "a level (error, warn, info, debug, trace), or a list such as info,thrive_router=debug";

#[cfg(test)]
mod tests;
