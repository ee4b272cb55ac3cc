//! Which server a client meets when nothing else says so: each router comes to the same answer without
//! asking the others, and when servers come and go, only those who met them meet another one.

use std::hash::Hasher as _;

use siphasher::sip::SipHasher24;
use thrive_protocol::cid::ServerId;

/// Chooses with a key that clients do not know, so that they cannot pick their server.
#[derive(Clone)]
pub struct Rendezvous(SipHasher24);

impl Rendezvous {
    #[must_use]
    pub fn new(key: &[u8; 16]) -> Self {
        Self(SipHasher24::new_with_key(key))
    }

    /// One of `servers` for `subject`. A server with twice the weight is met twice as often; one with
    /// weight 0 never.
    #[must_use]
    pub fn choose<T>(
        &self,
        subject: &[u8],
        servers: impl Iterator<Item = (ServerId, u8, T)>,
    ) -> Option<T> {
        let mut best: Option<(f64, T)> = None;
        for (server, weight, value) in servers {
            if weight == 0 {
                continue;
            }
            let distance = self.distance(subject, server, weight);
            if best.as_ref().is_none_or(|(nearest, _)| distance < *nearest) {
                best = Some((distance, value));
            }
        }
        best.map(|(_, value)| value)
    }

    /// The smallest of these meets. With -ln(u) for a uniform u, the chance is as the weight.
    fn distance(&self, subject: &[u8], server: ServerId, weight: u8) -> f64 {
        let mut hasher = self.0;
        hasher.write(subject);
        hasher.write(&server.bits().to_be_bytes());
        // 53 bits fill the fraction of a float; half a step keeps it away from 0, which has no logarithm.
        let uniform = ((hasher.finish() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        -uniform.ln() / f64::from(weight)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    fn server(lease: u32) -> ServerId {
        ServerId::new(lease, 1).unwrap()
    }

    fn choose(servers: &[(u32, u8)], subject: u32) -> Option<u32> {
        let servers = servers.iter().map(|&(lease, weight)| (server(lease), weight, lease));
        Rendezvous::new(&[4; 16]).choose(&subject.to_be_bytes(), servers)
    }

    #[test]
    fn everybody_meets_in_proportion_to_the_weights() {
        let servers = [(1, 16), (2, 8), (3, 1), (4, 0)];
        let mut met = HashMap::<u32, u32>::new();
        for subject in 0..25_000 {
            *met.entry(choose(&servers, subject).unwrap()).or_default() += 1;
        }
        let near = |lease, expected: u32| met[&lease].abs_diff(expected) < expected / 10 + 100;
        assert!(near(1, 16_000) && near(2, 8_000) && near(3, 1_000), "{met:?}");
        assert!(!met.contains_key(&4));
    }

    #[test]
    fn when_a_server_goes_only_those_who_met_it_meet_another() {
        let (all, fewer) = ([(1, 4), (2, 4), (3, 4)], [(1, 4), (3, 4)]);
        for subject in 0..1_000 {
            let before = choose(&all, subject);
            if before != Some(2) {
                assert_eq!(choose(&fewer, subject), before);
            }
        }
    }

    #[test]
    fn the_order_of_the_servers_is_of_no_matter_and_without_any_there_is_none() {
        for subject in 0..100 {
            assert_eq!(choose(&[(1, 3), (2, 5)], subject), choose(&[(2, 5), (1, 3)], subject));
        }
        assert_eq!(choose(&[], 1), None);
        assert_eq!(choose(&[(1, 0)], 1), None);
    }
}
