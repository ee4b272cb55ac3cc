//! The bus of a node that is alone: straight to its own hub.

use super::Committed;
use super::reconcile::fill;
use crate::hub::Hub;
use crate::news::News;
use crate::store::Database;

#[derive(Clone)]
pub struct Local {
    hub: Hub,
    /// Where gaps are filled from.
    database: Database,
}

impl Local {
    #[must_use]
    pub fn new(hub: Hub, database: Database) -> Self {
        Self { hub, database }
    }

    pub(super) async fn deliver(&self, committed: Vec<Committed>) {
        let gaps = self.hub.deliver(committed.into_iter().map(|it| (it.entry, it.origin)));
        fill(&self.hub, &self.database, gaps).await;
    }

    pub(super) fn tell(&self, news: &[News]) {
        for one in news {
            self.hub.tell(one);
        }
    }
}
