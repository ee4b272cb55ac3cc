//! Passwords are hashed here and nowhere else: argon2id, on a few threads of its own, so that a rush
//! of logins cannot take the processor from those who are already talking.

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use argon2::ARGON2ID_IDENT;
use argon2::password_hash::{self, phc::PasswordHash};
use thrive_protocol::secret::Secret;
use thrive_protocol::{Code, Refusal};

use crate::news::{Answer, Fault};
use crate::password::pool::{Overloaded, Pool, Size};

pub use argon2::Params;

mod argon;
mod pool;

/// Hashes and verifies. A cheap handle; the threads end with the last one.
#[derive(Clone)]
pub struct Hasher {
    pool: Arc<Pool>,
    params: Params,
}

#[derive(Debug, thiserror::Error)]
pub enum HashError {
    #[error("too many passwords are being hashed")]
    Busy,
    #[error("hash a password")]
    Failed(#[source] password_hash::Error),
}

impl Hasher {
    /// With the cost that the design asks for, and as many threads as there are cores.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn start() -> io::Result<Self> {
        Self::with(Params::DEFAULT)
    }

    /// With another cost. Tests use a low one, to be quick.
    ///
    /// # Errors
    /// The system gives no thread.
    pub fn with(params: Params) -> io::Result<Self> {
        let workers = thread::available_parallelism().map_or(1, usize::from);
        let size = Size { workers, queue: QUEUE, patience: PATIENCE };
        Ok(Self { pool: Arc::new(Pool::start("password", size)?), params })
    }

    /// Hashes a new password with a salt of its own. The answer is a PHC string.
    ///
    /// # Errors
    /// See [`HashError`].
    pub async fn hash(&self, password: Secret) -> Result<String, HashError> {
        let params = self.params.clone();
        let hash =
            self.pool.run(move || argon::hash(&params, password.expose().as_bytes())).await?;
        hash.map(|it| it.to_string()).map_err(HashError::Failed)
    }

    /// Whether `password` is the one of `hash`. Without a hash, since nobody has that name, it does
    /// the same work and says no, so that the time does not tell who has an account.
    ///
    /// # Errors
    /// See [`HashError`].
    pub async fn verify(&self, password: Secret, hash: Option<String>) -> Result<bool, HashError> {
        let params = self.params.clone();
        let verdict = self.pool.run(move || {
            let password = password.expose().as_bytes();
            match hash {
                Some(hash) => argon::verify(&params, &hash, password),
                None => argon::hash(&params, password).map(|_unused| false),
            }
        });
        verdict.await?.map_err(HashError::Failed)
    }

    /// Whether `hash` was made with another cost than today's, so that the next right password is to
    /// be hashed again.
    #[must_use]
    pub fn needs_rehash(&self, hash: &str) -> bool {
        let Ok(hash) = PasswordHash::new(hash) else { return true };
        let Ok(params) = Params::try_from(&hash) else { return true };
        let cost = |it: &Params| (it.m_cost(), it.t_cost(), it.p_cost());
        hash.algorithm != ARGON2ID_IDENT || cost(&params) != cost(&self.params)
    }
}

impl From<Overloaded> for HashError {
    fn from(_: Overloaded) -> Self {
        Self::Busy
    }
}

impl Answer for HashError {
    fn refusal(&self) -> Refusal {
        match self {
            Self::Busy => Refusal::after(Code::Busy, PATIENCE),
            Self::Failed(_) => Code::Internal.into(),
        }
    }

    fn fault(&self) -> Fault {
        match self {
            Self::Busy => Fault::Policy,
            Self::Failed(_) => Fault::Ours,
        }
    }
}

/// What two cores hash in about one second: longer than that, people press the button again.
const QUEUE: usize = 64;
/// Half of the time after which a client takes its connection for dead.
const PATIENCE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn quick() -> Hasher {
        Hasher::with(Params::new(64, 1, 1, None).unwrap()).unwrap()
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.into())
    }

    #[tokio::test]
    async fn only_the_right_password_is_verified() {
        let hasher = quick();
        let hash = hasher.hash(secret("open sesame")).await.unwrap();
        assert!(hasher.verify(secret("open sesame"), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify(secret("open sesam"), Some(hash.clone())).await.unwrap());
        assert!(!hasher.verify(secret(""), Some(hash)).await.unwrap());
    }

    #[tokio::test]
    async fn nobody_has_a_password() {
        let hasher = quick();
        assert!(!hasher.verify(secret("open sesame"), None).await.unwrap());
        assert!(!hasher.verify(secret(""), None).await.unwrap());
    }

    #[tokio::test]
    async fn the_same_password_never_has_the_same_hash() {
        let hasher = quick();
        let hash = hasher.hash(secret("open sesame")).await.unwrap();
        assert_ne!(hash, hasher.hash(secret("open sesame")).await.unwrap());
    }

    #[tokio::test]
    async fn the_default_cost_is_the_one_of_the_design_and_is_written_into_the_hash() {
        let hash = Hasher::start().unwrap().hash(secret("open sesame")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
    }

    #[tokio::test]
    async fn a_hash_of_another_cost_is_verified_and_is_to_be_renewed() {
        let old = quick().hash(secret("open sesame")).await.unwrap();
        let hasher = Hasher::with(Params::new(128, 1, 1, None).unwrap()).unwrap();
        assert!(hasher.verify(secret("open sesame"), Some(old.clone())).await.unwrap());
        assert!(hasher.needs_rehash(&old));
        assert!(!hasher.needs_rehash(&hasher.hash(secret("open sesame")).await.unwrap()));
        assert!(hasher.needs_rehash("no hash at all"));
    }

    #[tokio::test]
    async fn a_stored_hash_that_is_damaged_is_our_fault_and_verifies_nothing() {
        let failed =
            quick().verify(secret("open sesame"), Some("damaged".into())).await.unwrap_err();
        assert_eq!((failed.fault(), failed.refusal().code), (Fault::Ours, Code::Internal));
    }

    #[tokio::test]
    async fn more_logins_at_once_than_the_pool_takes_are_told_to_come_back() {
        let hasher = Hasher::with(Params::new(1_024, 1, 1, None).unwrap()).unwrap();
        let many = (0..500).map(|_| hasher.verify(secret("open sesame"), None));
        let answers = futures_util::future::join_all(many).await;
        let busy = answers.iter().filter(|it| matches!(it, Err(HashError::Busy))).count();
        let answered = answers.iter().filter(|it| matches!(it, Ok(false))).count();
        assert!(0 < busy && QUEUE <= answered, "{busy} busy, {answered} answered");
        assert_eq!(busy + answered, 500);
        assert_eq!(HashError::Busy.refusal().code, Code::Busy);
    }

    #[tokio::test]
    async fn an_unknown_name_takes_as_long_as_a_wrong_password() {
        let hasher = Hasher::with(Params::new(4_096, 2, 1, None).unwrap()).unwrap();
        let hash = hasher.hash(secret("open sesame")).await.unwrap();
        let (mut unknown, mut wrong) = (Vec::new(), Vec::new());
        for _ in 0..21 {
            let start = Instant::now();
            hasher.verify(secret("wrong"), Some(hash.clone())).await.unwrap();
            wrong.push(start.elapsed());
            let start = Instant::now();
            hasher.verify(secret("wrong"), None).await.unwrap();
            unknown.push(start.elapsed());
        }
        // The fastest of each is what the work takes when nothing else wants the processor.
        let fastest = |times: &[Duration]| times.iter().min().unwrap().as_secs_f64();
        let ratio = fastest(&unknown) / fastest(&wrong);
        assert!((0.5..2.0).contains(&ratio), "unknown names take {ratio:.2} of the time");
    }
}
