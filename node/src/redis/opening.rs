//! How a connection is made: address, user, password, certificates, protocol, and how long each may take.

use std::sync::Arc;
use std::time::Duration;

use ::redis::aio::{AsyncPushSender, ConnectionLike as _, MultiplexedConnection};
use ::redis::cluster::ClusterClient;
use ::redis::cluster_async::ClusterConnection;
use ::redis::{
    AsyncConnectionConfig, Client, ConnectionInfo, IntoConnectionInfo, ProtocolVersion, PushInfo,
    TlsCertificates, Value,
};
use tokio::time::timeout;

use super::error::RedisError;
use super::listen::{PubSub, listener};
use crate::config;

/// A connection.
#[derive(Clone)]
pub(super) enum Link {
    Single(MultiplexedConnection),
    Cluster(ClusterConnection),
}

/// All that is needed for one.
pub(super) struct Opening {
    client: Client,
    info: ConnectionInfo,
    certificates: Option<TlsCertificates>,
    cluster: bool,
}

/// How long a connection may take to be made, log-in included.
const CONNECT: Duration = Duration::from_secs(1);
/// The longest that any command may take; callers have shorter limits of their own.
const LONGEST: Duration = Duration::from_secs(5);

impl Opening {
    /// # Errors
    /// The settings are of no use.
    pub(super) fn prepare(config: &config::Redis) -> Result<Self, RedisError> {
        let info = config.url.expose().into_connection_info().map_err(RedisError::Settings)?;
        let mut settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        if let Some(path) = &config.password_file {
            let password = std::fs::read_to_string(path)
                .map_err(|source| RedisError::File { path: path.clone(), source })?;
            settings = settings.set_password(password.trim_end_matches(['\r', '\n']));
        }
        let info = info.set_redis_settings(settings);
        let secure = config.url.expose().starts_with("rediss://");
        let certificates = match &config.ca {
            None => None,
            Some(_) if !secure => return Err(RedisError::CaWithoutTls),
            Some(path) => {
                let pem = std::fs::read(path)
                    .map_err(|source| RedisError::File { path: path.clone(), source })?;
                Some(TlsCertificates { client_tls: None, root_cert: Some(pem) })
            }
        };
        let client = match certificates.clone() {
            Some(it) => Client::build_with_tls(info.clone(), it),
            None => Client::open(info.clone()),
        };
        let client = client.map_err(RedisError::Settings)?;
        Ok(Self { client, info, certificates, cluster: false })
    }

    pub(super) fn is_cluster(&self) -> bool {
        self.cluster
    }

    /// Connects and learns what the server is.
    pub(super) async fn first(mut self) -> Result<(Self, Link), RedisError> {
        let mut single = self.single(None).await?;
        let hello = ::redis::cmd("HELLO");
        let hello = timeout(CONNECT, single.req_packed_command(&hello)).await;
        let hello = hello.map_err(|_| RedisError::Slow)??;
        self.cluster = says_cluster(&hello);
        let link = if self.cluster { self.link().await? } else { Link::Single(single) };
        Ok((self, link))
    }

    pub(super) async fn link(&self) -> Result<Link, RedisError> {
        if self.cluster {
            return self.spread(None).await.map(Link::Cluster);
        }
        self.single(None).await.map(Link::Single)
    }

    pub(super) async fn pubsub(&self) -> Result<PubSub, RedisError> {
        let (sender, receiver) = listener(self.cluster);
        let sender = Arc::new(move |info: PushInfo| sender.push(info));
        let link = if self.cluster {
            Link::Cluster(self.spread(Some(sender)).await?)
        } else {
            Link::Single(self.single(Some(sender)).await?)
        };
        Ok(receiver.on(link))
    }

    async fn single(
        &self,
        push: Option<Arc<dyn AsyncPushSender>>,
    ) -> Result<MultiplexedConnection, RedisError> {
        let mut settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(CONNECT))
            .set_response_timeout(Some(LONGEST))
            .set_pipeline_buffer_size(PIPELINE);
        if let Some(push) = push {
            settings = settings.set_push_sender(push);
        }
        let link = self.client.get_multiplexed_async_connection_with_config(&settings);
        // The library's own limit does not cover all of it.
        Ok(timeout(CONNECT * 2, link).await.map_err(|_| RedisError::Slow)??)
    }

    async fn spread(
        &self,
        push: Option<Arc<dyn AsyncPushSender>>,
    ) -> Result<ClusterConnection, RedisError> {
        let mut builder = ClusterClient::builder([self.info.clone()])
            .use_protocol(ProtocolVersion::RESP3)
            .connection_timeout(CONNECT)
            .response_timeout(LONGEST);
        if let Some(certificates) = self.certificates.clone() {
            builder = builder.certs(certificates);
        }
        if let Some(push) = push {
            builder = builder.push_sender(push);
        }
        let client = builder.build().map_err(RedisError::Settings)?;
        let link = client.get_async_connection();
        Ok(timeout(CONNECT * 2, link).await.map_err(|_| RedisError::Slow)??)
    }
}

/// Commands that may wait to be written.
const PIPELINE: usize = 1_024;

fn says_cluster(hello: &Value) -> bool {
    let Value::Map(fields) = hello else { return false };
    let text = |value: &Value| match value {
        Value::BulkString(it) => String::from_utf8_lossy(it).into_owned(),
        Value::SimpleString(it) => it.clone(),
        _ => String::new(),
    };
    fields.iter().any(|(name, value)| text(name) == "mode" && text(value) == "cluster")
}
