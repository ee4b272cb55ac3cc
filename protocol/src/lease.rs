//! What a node tells routers and other nodes of itself, under a key that ends when the node does not
//! renew it.
//!
//! A lease lives at [`node_key`] for [`TTL`], and is written anew every [`RENEWAL`]. Besides, the number
//! of each node that may hold one is a member of the set at [`members_key`]: readers take the set and
//! then each lease of it, instead of looking through all keys of a server that others may use too. A
//! member without a lease is a node that is gone; whoever finds it may take it out of the set.

use std::net::SocketAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A node that did not renew its lease for so long is gone.
pub const TTL: Duration = Duration::from_secs(10);
pub const RENEWAL: Duration = Duration::from_secs(3);

/// One node as it was at its last renewal.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Lease {
    /// The number in the server ids of this node: 1 to [`LAST_LEASE`](crate::cid::ServerId::LAST_LEASE).
    pub id: u32,
    /// Another number for each process that holds this id, and higher than those before.
    pub epoch: u64,
    /// Whose data folder it is: 32 hexadecimal digits.
    pub owner: String,
    /// Where routers reach worker n, at index n - 1.
    #[serde(default)]
    pub workers: Vec<SocketAddr>,
    #[serde(default)]
    pub connections: u32,
    /// 0 to [`FULL`](crate::encapsulation::FULL).
    #[serde(default)]
    pub load: u8,
    #[serde(default)]
    pub draining: bool,
    #[serde(default)]
    pub presence: Digest,
}

/// By which others see that they know the same of who is online as the node itself.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
pub struct Digest {
    pub count: u32,
    pub hash: u64,
}

impl Lease {
    /// As JSON, so that an operator can read it.
    #[must_use]
    pub fn encode(&self) -> String {
        serde_json::to_string(self).expect("a lease has only numbers, texts and lists")
    }

    /// Fields that are not known are skipped.
    ///
    /// # Errors
    /// The bytes are no lease.
    pub fn decode(bytes: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(bytes)
    }
}

/// Where the lease of the node `id` is.
#[must_use]
pub fn node_key(prefix: &str, id: u32) -> String {
    format!("{prefix}node/{id}")
}

/// Where the numbers of all nodes are that may hold a lease.
#[must_use]
pub fn members_key(prefix: &str) -> String {
    format!("{prefix}nodes")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease {
            id: 7,
            epoch: 1_700_000_000_123,
            owner: "0123456789abcdef0123456789abcdef".into(),
            workers: vec!["10.0.0.7:2011".parse().unwrap(), "[2001:db8::1]:2012".parse().unwrap()],
            connections: 12,
            load: 3,
            draining: true,
            presence: Digest { count: 2, hash: u64::MAX },
        }
    }

    // Nodes and routers of two versions run beside each other, so the form stays as it is.
    #[test]
    fn a_lease_is_written_as_this_json() {
        let expected = "{\"id\":7,\"epoch\":1700000000123,\
            \"owner\":\"0123456789abcdef0123456789abcdef\",\
            \"workers\":[\"10.0.0.7:2011\",\"[2001:db8::1]:2012\"],\"connections\":12,\"load\":3,\
            \"draining\":true,\"presence\":{\"count\":2,\"hash\":18446744073709551615}}";
        assert_eq!(lease().encode(), expected);
        assert_eq!(Lease::decode(expected.as_bytes()).unwrap(), lease());
    }

    #[test]
    fn fields_of_later_versions_are_skipped_and_others_may_be_missing() {
        let text = r#"{"id":7,"epoch":1,"owner":"o","zone":{"name":"b"}}"#;
        let read = Lease::decode(text.as_bytes()).unwrap();
        assert_eq!((read.id, read.workers.len(), read.draining), (7, 0, false));
    }

    #[test]
    fn what_is_no_lease_is_an_error() {
        for text in [
            "",
            "null",
            "[]",
            "{\"id\":-1}",
            "{\"id\":7,\"epoch\":1,\"owner\":\"o\",\"workers\":[\"x\"]}",
        ] {
            assert!(Lease::decode(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn keys_begin_with_the_prefix_of_the_cluster() {
        assert_eq!(node_key("thrive:", 12), "thrive:node/12");
        assert_eq!(members_key("thrive:"), "thrive:nodes");
    }
}
