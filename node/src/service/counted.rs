//! A number that anybody may ask for, and that takes the longer to count the more there is: counted now and
//! then, once at a time, however many ask.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Semaphore;
use tokio::time::timeout;

pub(super) struct Counted {
    /// The last count, and when it was made. Guards two fields for a line.
    known: Mutex<Option<(u64, Instant)>>,
    /// One turn, for whoever counts.
    turn: Semaphore,
}

impl Default for Counted {
    fn default() -> Self {
        Self { known: Mutex::default(), turn: Semaphore::new(1) }
    }
}

/// For so long a count is as good as another one.
const EVERY: Duration = Duration::from_secs(3);
/// How long the first count of somebody else is waited for.
const PATIENCE: Duration = Duration::from_secs(3);

impl Counted {
    /// As it was a moment ago; while somebody counts, as it was before. Only where nothing is known yet is
    /// the count of somebody else waited for.
    ///
    /// # Errors
    /// What the count fails with.
    pub(super) async fn get<E>(
        &self,
        count: impl AsyncFnOnce() -> Result<u64, E>,
    ) -> Result<u64, E> {
        let turn = match (*self.known.lock(), self.turn.try_acquire()) {
            (Some((known, at)), _) if at.elapsed() < EVERY => return Ok(known),
            (Some((known, _)), Err(_)) => return Ok(known),
            (_, Ok(turn)) => Some(turn),
            (None, Err(_)) => None,
        };
        let _turn = match turn {
            Some(turn) => Some(turn),
            // Whoever has waited for long counts too, so that failures do not queue up.
            None => timeout(PATIENCE, self.turn.acquire()).await.ok().and_then(Result::ok),
        };
        if let Some((known, at)) = *self.known.lock()
            && at.elapsed() < EVERY
        {
            return Ok(known);
        }
        let count = count().await?;
        *self.known.lock() = Some((count, Instant::now()));
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::convert::Infallible;

    use futures_util::future::join_all;

    use super::*;

    /// Counts how often it is counted; each count takes until somebody lets it go on.
    struct Slow {
        counted: Counted,
        counts: Cell<u64>,
        go: Semaphore,
    }

    impl Slow {
        async fn get(&self) -> u64 {
            let count = async || {
                self.counts.set(self.counts.get() + 1);
                self.go.acquire().await.unwrap().forget();
                Ok::<_, Infallible>(self.counts.get())
            };
            self.counted.get(count).await.unwrap()
        }

        fn age(&self) {
            let mut known = self.counted.known.lock();
            *known = known.map(|(count, at)| (count, at.checked_sub(EVERY).unwrap()));
        }
    }

    #[tokio::test]
    async fn however_many_ask_it_is_counted_once_at_a_time_and_nobody_waits_for_a_new_count() {
        let counted = Counted::default();
        let slow = Slow { counted, counts: Cell::new(0), go: Semaphore::new(0) };
        let crowd = || join_all((0..100).map(|_| slow.get()));
        let (first, ()) = tokio::join!(crowd(), async { slow.go.add_permits(1) });
        assert_eq!((first, slow.counts.get()), (vec![1; 100], 1));
        assert_eq!((crowd().await, slow.counts.get()), (vec![1; 100], 1));

        slow.age();
        let (second, ()) = tokio::join!(slow.get(), async {
            assert_eq!(crowd().await, vec![1; 100], "the one before, at once");
            slow.go.add_permits(1);
        });
        assert_eq!((second, slow.counts.get()), (2, 2));
        assert_eq!(slow.get().await, 2);
    }

    #[tokio::test]
    async fn a_count_that_fails_is_tried_by_the_next_who_asks() {
        let counted = Counted::default();
        assert_eq!(counted.get(async || Err("away")).await, Err("away"));
        assert_eq!(counted.get(async || Ok::<_, &str>(7)).await, Ok(7));
    }
}
