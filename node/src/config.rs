//! The configuration: read once, whole, before anything is opened or bound.
//!
//! Weakest first: defaults, a TOML file, the environment (`THRIVE_NODE_LISTEN`, and two underscores
//! for a dot: `THRIVE_NODE_LIMITS__CONNECTIONS`), flags. Every problem is reported together, with what
//! was given, what is allowed and where it came from. `deploy/thrive-node.example.toml` explains each
//! key; a test keeps it complete.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use thrive_protocol::reply::SignUp;
use thrive_protocol::version::DEFAULT_PORT;
use tracing_subscriber::EnvFilter;

use crate::config::reader::Reader;
use crate::faults::Orders;

pub use thrive_protocol::url::Url;

pub use crate::config::cluster::{Cluster, Postgres, Redis};
pub use crate::config::files::{FilePlace, Files, S3};
pub use crate::config::limits::Limits;
pub use crate::config::problem::{Problem, Problems};
pub use crate::config::reader::Setting;
pub use crate::config::smtp::{Sender, Smtp, SmtpLogin, SmtpSecurity};
pub use crate::config::source::{Flag, Sources};
pub use crate::config::welcome::Welcome;

mod cluster;
mod faults;
mod files;
mod limits;
mod problem;
mod reader;
mod smtp;
mod source;
mod welcome;

/// Everything that an operator decides.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The folder that holds all that must survive: database, certificate, keys.
    pub data: PathBuf,
    pub listen: SocketAddr,
    /// What people see as the name of this server.
    pub name: String,
    /// Where people reach this server, as a host and a port; only told to whoever asks about it.
    pub address: Option<(String, u16)>,
    pub sign_up: SignUp,
    pub welcome: Welcome,
    /// Which log lines are written, as `tracing_subscriber` filters are written.
    pub log: String,
    pub log_format: LogFormat,
    pub tls: Certificate,
    /// Without it, a file in the data folder.
    pub database: Option<Postgres>,
    /// Without it, this node is the only one.
    pub redis: Option<Redis>,
    /// Without it, there is no router, and clients dial this node.
    pub cluster: Option<Cluster>,
    /// Without it, no mail is sent, and no account needs an address.
    pub smtp: Option<Smtp>,
    pub limits: Limits,
    pub files: Files,
    /// What the fault runner orders; nothing in what is shipped.
    pub faults: Orders,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum LogFormat {
    /// Text on a terminal, JSON elsewhere.
    Auto,
    Json,
    Text,
}

/// Where the certificate comes from.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Certificate {
    /// Made at the first start and kept in the data folder.
    SelfSigned,
    /// PEM files that somebody else renews.
    Files { certificate: PathBuf, key: PathBuf },
}

impl Config {
    /// All defaults, with `data` as the folder. Listens on the usual port of loopback.
    #[must_use]
    pub fn defaults(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)),
            name: "Thrive".into(),
            address: None,
            sign_up: SignUp::Open,
            welcome: Welcome::default(),
            log: "info".into(),
            log_format: LogFormat::Auto,
            tls: Certificate::SelfSigned,
            database: None,
            redis: None,
            cluster: None,
            smtp: None,
            limits: Limits::default(),
            files: Files::defaults(data),
            faults: Orders::default(),
        }
    }

    /// Reads all sources. The settings tell the value and the origin of each key, in a fixed order.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn read(sources: &Sources) -> Result<(Self, Vec<Setting>), Problems> {
        let mut reader = Reader::new(sources);
        let data = reader.data_folder();
        let fallback = Self::defaults(&data);
        let config = Self {
            data,
            listen: reader.text(
                "listen",
                &fallback.listen.to_string(),
                "an IP address and a UDP port, such as 127.0.0.1:2005 or [::]:2005",
                |it| it.parse().ok(),
            ),
            name: reader.text(
                "name",
                &fallback.name,
                "1 to 60 characters, no control characters",
                server_name,
            ),
            sign_up: reader.text("sign_up", "open", "open, invite or closed", |it| match it {
                "open" => Some(SignUp::Open),
                "invite" => Some(SignUp::Invite),
                "closed" => Some(SignUp::Closed),
                _ => None,
            }),
            address: reader.optional(
                "address",
                "a host name and a UDP port, such as chat.example.org:2005",
                public_address,
            ),
            welcome: welcome::read(&mut reader),
            log: reader.text(
                "log",
                &fallback.log,
                "a level (error, warn, info, debug, trace), or a list such as info,thrive_node=debug",
                log_filter,
            ),
            log_format: reader.text("log_format", "auto", "auto, json or text", |it| match it {
                "auto" => Some(LogFormat::Auto),
                "json" => Some(LogFormat::Json),
                "text" => Some(LogFormat::Text),
                _ => None,
            }),
            tls: certificate(&mut reader),
            database: cluster::postgres(&mut reader),
            redis: cluster::redis(&mut reader),
            cluster: cluster::cluster(&mut reader),
            smtp: smtp::smtp(&mut reader),
            limits: Limits::read(&mut reader, &fallback.limits),
            files: Files::read(&mut reader, &fallback.files),
            faults: faults::read(&mut reader),
        };
        shares_what_it_must(&config, &mut reader);
        let settings = reader.finish()?;
        Ok((config, settings))
    }
}

/// Nodes that hear each other must read the same database.
fn shares_what_it_must(config: &Config, reader: &mut Reader) {
    if config.redis.is_some() && config.database.is_none() {
        reader.missing("database.url", "the URL of the database that all nodes share", "redis.url");
    }
    if config.redis.is_some() && config.cluster.is_none() {
        reader.missing("cluster.secret", "the file with the secret of the cluster", "redis.url");
    }
    files::are_shared(config, reader);
    let Some(cluster) = &config.cluster else { return };
    if config.redis.is_none() && cluster.node.is_none() {
        let allowed =
            "a number of its own for each node, since there is no redis.url to take one from";
        reader.missing("cluster.node", allowed, "cluster.secret");
    }
    if cluster.listen.ip().is_unspecified() && cluster.advertise.is_none() {
        let allowed =
            "the address at which routers find this node, since cluster.listen names none";
        reader.missing("cluster.advertise", allowed, "cluster.listen");
    }
}

/// A word without a level is taken for a target by the library, so that a mistyped level would write
/// nothing at all. We ask for the level.
fn log_filter(raw: &str) -> Option<String> {
    let levels = ["error", "warn", "info", "debug", "trace", "off"];
    let clear = |it: &str| it.contains('=') || levels.contains(&it.to_ascii_lowercase().as_str());
    let fits = raw.split(',').map(str::trim).all(clear) && EnvFilter::builder().parse(raw).is_ok();
    fits.then(|| raw.to_owned())
}

fn server_name(raw: &str) -> Option<String> {
    let name = raw.trim();
    let fits = (1..=60).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    fits.then(|| name.to_owned())
}

/// The brackets of an IPv6 address are not part of it.
fn public_address(raw: &str) -> Option<(String, u16)> {
    let (host, port) = raw.trim().rsplit_once(':')?;
    let host = host.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(host);
    let fits = (1..=253).contains(&host.len())
        && host.chars().all(|it| it.is_ascii_alphanumeric() || "-_.:".contains(it));
    let port = port.parse().ok().filter(|port| 0 < *port)?;
    fits.then(|| (host.to_ascii_lowercase(), port))
}

fn certificate(reader: &mut Reader) -> Certificate {
    let certificate = reader.path("tls.certificate");
    let key = reader.path("tls.key");
    match (certificate, key) {
        (Some(certificate), Some(key)) => Certificate::Files { certificate, key },
        (None, None) => Certificate::SelfSigned,
        (Some(_), None) => {
            reader.missing("tls.key", "the file of the private key", "tls.certificate");
            Certificate::SelfSigned
        }
        (None, Some(_)) => {
            reader.missing("tls.certificate", "the file of the certificate", "tls.key");
            Certificate::SelfSigned
        }
    }
}

#[cfg(test)]
mod tests;
