//! The bus of a node that is alone: straight to its own hub.

use std::sync::Arc;

use super::Committed;
use super::figures::{Figures, add};
use super::filler::fill_now;
use crate::hub::{Delivery, Hub};
use crate::news::News;
use crate::store::Database;

#[derive(Clone)]
pub struct Local {
    pub(super) hub: Hub,
    /// Where gaps are filled from.
    pub(super) database: Database,
    pub(super) figures: Arc<Figures>,
}

impl Local {
    #[must_use]
    pub fn new(hub: Hub, database: Database) -> Self {
        Self { hub, database, figures: Arc::default() }
    }

    pub(super) async fn deliver(&self, committed: Vec<Committed>) {
        let deliveries: Vec<_> = committed.into_iter().map(Delivery::from).collect();
        let gaps = self.hub.deliver(&deliveries);
        if gaps.is_empty() {
            return;
        }
        // It happens to somebody who has just come, at most: a node that is alone says all in order.
        add(&self.figures.gaps, gaps.len());
        if let Err(error) = fill_now(&self.hub, &self.database, &self.figures, &gaps).await {
            let error = &error as &dyn std::error::Error;
            tracing::warn!(error, "A gap could not be read; the next comparison finds it");
        }
    }

    pub(super) fn tell(&self, news: &[News]) {
        for one in news {
            self.hub.tell(one);
        }
    }

    pub(super) fn figures(&self) -> &Arc<Figures> {
        &self.figures
    }
}
