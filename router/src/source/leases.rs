//! The leases that nodes hold in Redis. Reads only.

use std::fs;
use std::time::Duration;

use redis::aio::{ConnectionLike as _, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, FromRedisValue, IntoConnectionInfo as _,
    ProtocolVersion, TlsCertificates, Value, cmd,
};
use thrive_protocol::lease::{Lease, members_key, node_key};
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::config::Redis;
use crate::source::SourceError;
use crate::source::copy::member;
use crate::table::{Listing, MOST};

/// Asks Redis for all leases.
pub struct Leases {
    info: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    prefix: String,
    link: Option<Link>,
}

#[derive(Clone)]
enum Link {
    Single(MultiplexedConnection),
    /// Keys are spread over several servers.
    Cluster(ClusterConnection),
}

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("Redis refused or cannot be reached")]
    Redis(#[from] redis::RedisError),
    #[error("Redis did not answer in time")]
    Slow,
}

/// How long a connection may take, log-in included.
const CONNECT: Duration = Duration::from_secs(1);
/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(1);

impl Leases {
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// A file cannot be read, or the settings make no sense.
    pub fn prepare(config: &Redis) -> Result<Self, SourceError> {
        let file = |path: &std::path::Path| {
            let path = path.to_owned();
            fs::read(&path).map_err(|source| SourceError::File { path, source })
        };
        let info = config.url.expose().into_connection_info().map_err(SourceError::Settings)?;
        let mut settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        if let Some(path) = &config.password_file {
            let password = Zeroizing::new(file(path)?);
            settings = settings.set_password(String::from_utf8_lossy(&password).trim_end());
        }
        let root = config.ca.as_deref().map(file).transpose()?;
        let certificates =
            root.map(|root| TlsCertificates { client_tls: None, root_cert: Some(root) });
        let info = info.set_redis_settings(settings);
        Ok(Self { info, certificates, prefix: config.prefix.clone(), link: None })
    }

    /// All nodes that hold a lease now.
    ///
    /// # Errors
    /// Redis is away. The next call connects anew.
    pub async fn read(&mut self) -> Result<Listing, ReadError> {
        let link = match self.link.take() {
            Some(link) => link,
            None => self.connect().await?,
        };
        let (listing, link) = self.list(link).await?;
        self.link = Some(link);
        Ok(listing)
    }

    async fn list(&self, mut link: Link) -> Result<(Listing, Link), ReadError> {
        let mut ids: Vec<u32> = link.ask(cmd("SMEMBERS").arg(members_key(&self.prefix))).await?;
        ids.sort_unstable();
        ids.truncate(MOST);
        let texts: Vec<Option<Vec<u8>>> = match &mut link {
            Link::Single(_) if ids.is_empty() => Vec::new(),
            Link::Single(_) => {
                let keys: Vec<_> = ids.iter().map(|id| node_key(&self.prefix, *id)).collect();
                link.ask(cmd("MGET").arg(keys)).await?
            }
            // Each key may be on another server.
            Link::Cluster(_) => {
                let mut texts = Vec::new();
                for id in &ids {
                    texts.push(link.ask(cmd("GET").arg(node_key(&self.prefix, *id))).await?);
                }
                texts
            }
        };
        let mut members = Vec::new();
        for (id, text) in ids.iter().zip(texts) {
            let Some(text) = text else { continue };
            match Lease::decode(&text) {
                Ok(lease) if lease.id == *id => members.push(member(lease)),
                Ok(_) | Err(_) => tracing::debug!(id, "A lease makes no sense"),
            }
        }
        Ok((Listing { members, leased: true }, link))
    }

    async fn connect(&self) -> Result<Link, ReadError> {
        let client = match self.certificates.clone() {
            Some(certificates) => Client::build_with_tls(self.info.clone(), certificates),
            None => Client::open(self.info.clone()),
        }?;
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(ANSWER));
        let single = client.get_multiplexed_async_connection_with_config(&settings);
        let single = timeout(CONNECT * 2, single).await.map_err(|_| ReadError::Slow)??;
        let mut link = Link::Single(single);
        let hello: Value = link.ask(&cmd("HELLO")).await?;
        if !says_cluster(&hello) {
            return Ok(link);
        }
        let mut builder = ClusterClient::builder([self.info.clone()])
            .use_protocol(ProtocolVersion::RESP3)
            .connection_timeout(CONNECT)
            .response_timeout(ANSWER);
        if let Some(certificates) = self.certificates.clone() {
            builder = builder.certs(certificates);
        }
        let cluster = builder.build()?;
        let cluster = timeout(CONNECT * 2, cluster.get_async_connection()).await;
        Ok(Link::Cluster(cluster.map_err(|_| ReadError::Slow)??))
    }
}

impl Link {
    async fn ask<T: FromRedisValue>(&mut self, command: &Cmd) -> Result<T, ReadError> {
        let answer = match self {
            Self::Single(it) => timeout(ANSWER, it.req_packed_command(command)).await,
            Self::Cluster(it) => timeout(ANSWER, it.req_packed_command(command)).await,
        };
        let value = answer.map_err(|_| ReadError::Slow)??;
        redis::from_redis_value(value).map_err(|error| ReadError::Redis(error.into()))
    }
}

fn says_cluster(hello: &Value) -> bool {
    let Value::Map(fields) = hello else { return false };
    let text = |value: &Value| match value {
        Value::BulkString(it) => String::from_utf8_lossy(it).into_owned(),
        Value::SimpleString(it) => it.clone(),
        _ => String::new(),
    };
    fields.iter().any(|(name, value)| text(name) == "mode" && text(value) == "cluster")
}
