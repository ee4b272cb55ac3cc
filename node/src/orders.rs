//! That this node is to end, because an admin says so. The first order counts.

use std::sync::Arc;

use tokio::sync::watch;

/// What is to come after the end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ending {
    Stop,
    /// The program is to be started again.
    Restart,
}

/// A cheap handle.
#[derive(Clone, Debug, Default)]
pub struct Orders {
    given: Arc<watch::Sender<Option<Ending>>>,
}

impl Orders {
    pub fn give(&self, ending: Ending) {
        self.given.send_if_modified(|given| given.replace(given.unwrap_or(ending)).is_none());
    }

    /// Returns when there is one.
    pub async fn given(&self) -> Ending {
        let mut given = self.given.subscribe();
        match given.wait_for(Option::is_some).await.map(|it| *it) {
            Ok(Some(ending)) => ending,
            Ok(None) | Err(_) => std::future::pending().await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_first_order_counts_whoever_waits_when() {
        let orders = Orders::default();
        let waiting = tokio::spawn({
            let orders = orders.clone();
            async move { orders.given().await }
        });
        orders.give(Ending::Restart);
        orders.give(Ending::Stop);
        assert_eq!(waiting.await.unwrap(), Ending::Restart);
        assert_eq!(orders.given().await, Ending::Restart);
    }
}
