//! Two bugs that the fault runner plants: the sender, or everybody else, hears of a message before it
//! is stored. The numbers are guessed from the heads, and are right as long as nothing goes wrong.

use std::collections::HashMap;

use thrive_protocol::ids::ConversationId;

use super::{Desk, Over, Submission, tell};
use crate::faults::{self, Bug, Point};
use crate::store::append::Appended;

impl Desk {
    pub(super) async fn store_too_late(
        &self,
        conversations: Vec<ConversationId>,
        batch: Vec<Submission>,
    ) -> Over {
        let heads = self.database.heads(&conversations).await.unwrap_or_default();
        let mut next: HashMap<_, _> =
            heads.into_iter().map(|it| (it.conversation, it.seq)).collect();
        let appends: Vec<_> = batch.iter().map(|it| it.append.clone()).collect();
        let guess = |append: &crate::store::append::Append| {
            let seq = next.entry(append.conversation).or_default();
            *seq = seq.next();
            Ok(Appended { seq: *seq, time: append.time, duplicate: false })
        };
        let guessed = appends.iter().map(guess).collect();
        let news = tell(batch, guessed);
        // Told too early; a death from here on makes it a lie.
        faults::point(Point::BeforeCommit);
        if faults::bug(Bug::PublishBeforeCommit) {
            self.bus.publish_committed(news).await;
            drop(self.database.append(appends).await);
        } else if self.database.append(appends).await.is_ok() {
            self.bus.publish_committed(news).await;
        }
        Over { conversations, failed: None }
    }
}
