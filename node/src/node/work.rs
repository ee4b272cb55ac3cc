//! What runs in the background of a node for as long as the node does.

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Tasks without which the node must not go on: one that stored messages and is no more would leave a
/// node that takes people in and refuses everything they say.
#[derive(Default)]
pub(super) struct Work {
    tasks: TaskTracker,
    broken: CancellationToken,
}

impl Work {
    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let broken = self.broken.clone().drop_guard();
        self.tasks.spawn(async move {
            task.await;
            // Not reached by a panic.
            broken.disarm();
        });
    }

    /// Returns when one of them has panicked.
    pub(super) async fn broken(&self) {
        self.broken.cancelled().await;
    }

    /// Returns when all of them have ended.
    pub(super) async fn ended(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_task_that_panics_is_noticed_and_one_that_ends_is_not() {
        let work = Work::default();
        work.spawn(async {});
        work.spawn(std::future::ready(()));
        timeout(Duration::from_secs(5), work.ended()).await.unwrap();
        assert!(timeout(Duration::ZERO, work.broken()).await.is_err());
        work.spawn(async {
            tokio::task::yield_now().await;
            panic!("as planned");
        });
        timeout(Duration::from_secs(5), work.broken()).await.unwrap();
        timeout(Duration::from_secs(5), work.ended()).await.unwrap();
    }
}
