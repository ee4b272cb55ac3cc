//! Doing a transaction again that another node was in the way of.

use std::time::Duration;

use tokio::time::sleep;

use crate::random;
use crate::store::StoreError;
use crate::store::accounts::CreateAccountError;
use crate::store::contacts::ChangeContactError;
use crate::store::error::Cause;

/// An error that may say that somebody else was in the way.
pub(super) trait Collides {
    fn collided(&self) -> bool;
}

impl Collides for StoreError {
    fn collided(&self) -> bool {
        matches!(self.cause, Cause::Conflict)
    }
}

impl Collides for CreateAccountError {
    fn collided(&self) -> bool {
        match self {
            Self::Store(error) => error.collided(),
            Self::Taken | Self::NotInvited => false,
        }
    }
}

impl<E: std::error::Error + 'static> Collides for ChangeContactError<E> {
    fn collided(&self) -> bool {
        match self {
            Self::Store(error) => error.collided(),
            Self::Refused(_) | Self::Full => false,
        }
    }
}

/// Tries until nobody is in the way, or until it is better to tell the caller to come back.
pub(super) async fn undisturbed<T, E: Collides, F: Future<Output = Result<T, E>>>(
    attempt: impl Fn() -> F,
) -> Result<T, E> {
    let mut pause = FIRST_PAUSE;
    for _ in 1..ATTEMPTS {
        match attempt().await {
            // Both begin again at another moment, or they would meet again.
            Err(error) if error.collided() => sleep(pause.mul_f32(share())).await,
            other => return other,
        }
        pause *= 2;
    }
    attempt().await
}

/// From a half to one and a half.
fn share() -> f32 {
    let [random] = random::bytes();
    0.5 + f32::from(random) / 256.0
}

const ATTEMPTS: usize = 10;
/// About as long as a transaction takes.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
