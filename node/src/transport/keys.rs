//! The keys of QUIC: what makes a connection id, a stateless reset and a token of this node one of the
//! whole cluster, or of all runs of the one node that there is.

use std::sync::Arc;

use quinn::ConnectionIdGenerator;
use quinn::crypto::{HandshakeTokenKey, HmacKey};
use quinn_proto::HashedConnectionIdGenerator;
use ring::{hkdf, hmac};
use thrive_protocol::cid::{Codec, ServerId};
use thrive_protocol::cluster;
use thrive_protocol::encapsulation::EncapKey;

use super::BindError;
use super::cids::LeasedCids;
use crate::cluster_secret::{self, SecretError};
use crate::config::Config;
use crate::faults::{self, Bug};
use crate::random;

/// Who a node is to clients and routers.
#[derive(Clone)]
pub struct Identity {
    pub keys: Keys,
    /// The number by which routers know it. Without one, there are none.
    pub lease: Option<u32>,
}

/// Outlive the process, so that whoever comes after it can tell clients at once that their
/// connections are gone.
#[derive(Clone)]
pub struct Keys {
    reset: hmac::Key,
    token: hkdf::Prk,
    /// For ids that nobody but this node reads.
    cids: u64,
    shared: Option<Shared>,
}

/// What only nodes and routers of one cluster know.
#[derive(Clone)]
struct Shared {
    cids: Arc<Codec>,
    encapsulation: EncapKey,
}

/// Makes the generator of connection ids of one endpoint.
pub(super) type Maker = Box<dyn Fn() -> Box<dyn ConnectionIdGenerator> + Send + Sync>;

/// The configuration of ids that is in use; others are for when the key changes.
const CID_CONFIG: u8 = 1;

impl Keys {
    /// Those of the cluster, if the configuration names one, or else of this node alone: `secret` is
    /// what lies in the data folder.
    ///
    /// # Errors
    /// The secret of the cluster cannot be used.
    pub fn of(config: &Config, secret: &[u8; 32]) -> Result<Self, SecretError> {
        let Some(cluster) = &config.cluster else { return Ok(Self::of_node(secret)) };
        let keys = cluster_secret::read(&cluster.secret)?;
        cluster_secret::warn_if_open_to_others(&cluster.secret);
        Ok(Self::of_cluster(&keys))
    }

    /// For a node that is the only one.
    #[must_use]
    pub fn of_node(secret: &[u8; 32]) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let derive = |label: &[u8]| hmac::sign(&root, label);
        let cids = derive(b"quic connection ids");
        Self {
            reset: reset_key(derive(b"quic stateless reset").as_ref()),
            token: token_key(derive(b"quic address validation").as_ref()),
            cids: first_octets(cids.as_ref()),
            shared: None,
        }
    }

    /// For a node that is one of many.
    #[must_use]
    pub fn of_cluster(keys: &cluster::Keys) -> Self {
        let root = hmac::Key::new(hmac::HMAC_SHA256, &keys.cid);
        let cids = hmac::sign(&root, b"ids without a lease");
        Self {
            reset: reset_key(&keys.reset),
            token: token_key(&keys.token),
            cids: first_octets(cids.as_ref()),
            shared: Some(Shared {
                cids: Arc::new(Codec::new(CID_CONFIG, &keys.cid)),
                encapsulation: EncapKey::new(&keys.encapsulation),
            }),
        }
    }

    pub(super) fn reset(&self) -> Arc<dyn HmacKey> {
        Arc::new(self.reset.clone())
    }

    pub(super) fn token(&self) -> Arc<dyn HandshakeTokenKey> {
        Arc::new(self.token.clone())
    }

    /// The key of the header between routers and nodes.
    pub(super) fn encapsulation(&self) -> Option<EncapKey> {
        self.shared.as_ref().map(|it| it.encapsulation.clone())
    }

    /// Ids that routers can read.
    pub(super) fn leased(&self, server: ServerId) -> Result<Maker, BindError> {
        let shared = self.shared.as_ref().ok_or(BindError::Nameless)?;
        let codec = Arc::clone(&shared.cids);
        Ok(Box::new(move || Box::new(LeasedCids::new(Arc::clone(&codec), server))))
    }

    /// Ids of a node that clients dial themselves.
    pub(super) fn unleased(&self) -> Maker {
        let key = self.cids;
        Box::new(move || Box::new(HashedConnectionIdGenerator::from_key(key)))
    }
}

fn reset_key(secret: &[u8]) -> hmac::Key {
    if faults::bug(Bug::ResetKeyNotShared) {
        return hmac::Key::new(hmac::HMAC_SHA256, &random::bytes::<32>());
    }
    hmac::Key::new(hmac::HMAC_SHA256, secret)
}

fn token_key(secret: &[u8]) -> hkdf::Prk {
    hkdf::Salt::new(hkdf::HKDF_SHA256, &[]).extract(secret)
}

fn first_octets(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.first_chunk().copied().unwrap_or_default())
}
