//! Connection ids that tell a router, and nobody else, which node and worker they belong to.

use std::sync::Arc;
use std::time::Duration;

use quinn::{ConnectionId, ConnectionIdGenerator};
use quinn_proto::InvalidCid;
use thrive_protocol::cid::{self, Codec, ServerId};

use crate::random;

/// After so long a connection changes to new ids, so that a new key reaches the old ones too.
const LIFETIME: Duration = Duration::from_secs(6 * 60 * 60);

/// The ids of one endpoint.
pub(super) struct LeasedCids {
    codec: Arc<Codec>,
    server: ServerId,
    /// Of this endpoint in this process, so that none before it made the same ids.
    salt: [u8; 4],
    next: u64,
}

impl LeasedCids {
    pub(super) fn new(codec: Arc<Codec>, server: ServerId) -> Self {
        let next = u64::from_be_bytes(random::bytes());
        Self { codec, server, salt: random::bytes(), next }
    }
}

impl ConnectionIdGenerator for LeasedCids {
    fn generate_cid(&mut self) -> ConnectionId {
        let mut nonce = [0; 12];
        nonce[..4].copy_from_slice(&self.salt);
        nonce[4..].copy_from_slice(&self.next.to_be_bytes());
        self.next = self.next.wrapping_add(1);
        ConnectionId::new(&self.codec.encode(self.server, nonce))
    }

    /// Behind routers ids of other nodes are as good: after the death of one, another tells its clients,
    /// and a router lets that happen only then. Whom clients dial themselves answers for its own ids
    /// alone: else whoever has seen an id of somebody's connection could ask here for what ends it.
    fn validate(&self, cid: &ConnectionId) -> Result<(), InvalidCid> {
        let server = self.codec.decode(cid).ok_or(InvalidCid)?;
        let answers = match self.server.worker() {
            DIRECT => server == self.server,
            _ => server.worker() != DIRECT && server.worker() <= MOST_WORKERS,
        };
        if answers { Ok(()) } else { Err(InvalidCid) }
    }

    fn cid_len(&self) -> usize {
        cid::LEN
    }

    fn cid_lifetime(&self) -> Option<Duration> {
        Some(LIFETIME)
    }
}

/// The worker that clients dial themselves.
const DIRECT: u8 = 0;
/// What is configured at most. A guess that hits the first octet fails here three times out of four.
const MOST_WORKERS: u8 = 64;

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn codec(key: u8) -> Arc<Codec> {
        Arc::new(Codec::new(1, &[key; 16]))
    }

    fn server(lease: u32, worker: u8) -> ServerId {
        ServerId::new(lease, worker).unwrap()
    }

    #[test]
    fn ids_never_repeat_not_even_over_restarts() {
        let mut seen = HashSet::new();
        for _restart in 0..50 {
            let mut cids = LeasedCids::new(codec(1), server(7, 1));
            for _ in 0..200 {
                assert!(seen.insert(cids.generate_cid().to_vec()));
            }
        }
    }

    #[test]
    fn an_id_says_whose_it_is() {
        let mut cids = LeasedCids::new(codec(1), server(0x00AB_CDEF, 3));
        let cid = cids.generate_cid();
        assert_eq!(cid.len(), cids.cid_len());
        assert_eq!(codec(1).decode(&cid), Some(server(0x00AB_CDEF, 3)));
    }

    #[test]
    fn ids_of_siblings_are_known_and_those_of_another_cluster_are_not() {
        let here = LeasedCids::new(codec(1), server(1, 1));
        let mut sibling = LeasedCids::new(codec(1), server(900, 2));
        assert!(here.validate(&sibling.generate_cid()).is_ok());
        let mut stranger = LeasedCids::new(codec(2), server(1, 1));
        let known = (0..2_000).filter(|_| here.validate(&stranger.generate_cid()).is_ok()).count();
        // What another key made reads as a random number, and one in four of those is a worker.
        assert!(known < 700, "{known}");
    }

    #[test]
    fn who_is_dialled_directly_answers_for_nobody_else() {
        let direct = LeasedCids::new(codec(1), server(1, 0));
        let knows = |lease, worker| {
            let id = LeasedCids::new(codec(1), server(lease, worker)).generate_cid();
            direct.validate(&id).is_ok()
        };
        assert!(knows(1, 0));
        assert!(!knows(1, 1) && !knows(2, 0) && !knows(2, 1));
        let worker = LeasedCids::new(codec(1), server(1, 1));
        let id = LeasedCids::new(codec(1), server(1, 0)).generate_cid();
        assert!(worker.validate(&id).is_err());
    }

    #[test]
    fn what_nobody_made_is_unknown() {
        let here = LeasedCids::new(codec(1), server(1, 1));
        let random = || ConnectionId::new(&random::bytes::<17>());
        let known = (0..20_000).filter(|_| here.validate(&random()).is_ok()).count();
        // One in 1 024 has the right first octet and a number of a worker that may exist.
        assert!(known < 80, "{known}");
        assert!(here.validate(&ConnectionId::new(&[0x30; 8])).is_err());
    }
}
