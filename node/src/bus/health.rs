//! Whether the bus works, as far as it knows: for the log, and for whoever repairs what it loses.

use std::future::pending;
use std::sync::Arc;

use tokio::sync::watch;

/// How the bus stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Standing {
    /// All partitions are subscribed to, and none is silent.
    pub hears: bool,
    /// The last batch was taken.
    pub speaks: bool,
    /// Counts what makes it likely that something was missed just now: a subscription that was made
    /// anew, or messages that were dropped. Everything is compared with the store then.
    pub(super) breaks: u64,
}

impl Standing {
    #[must_use]
    pub fn is_degraded(self) -> bool {
        !(self.hears && self.speaks)
    }
}

/// The watching end.
#[derive(Clone, Debug)]
pub struct Health {
    standing: watch::Receiver<Standing>,
}

/// The telling end.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    standing: Arc<watch::Sender<Standing>>,
}

impl Health {
    /// Of a bus that cannot fail.
    pub(super) fn perfect() -> Self {
        Self { standing: watch::channel(Standing { hears: true, speaks: true, breaks: 0 }).1 }
    }

    /// Of a bus that does not work.
    #[cfg(test)]
    pub(crate) fn degraded() -> Self {
        Reporter::start().1
    }

    #[must_use]
    pub fn now(&self) -> Standing {
        *self.standing.borrow()
    }

    /// Waits for a change and returns what it changed to. Cancel safe.
    pub async fn changed(&mut self) -> Standing {
        if self.standing.changed().await.is_err() {
            // Nobody is left who could change it.
            pending::<()>().await;
        }
        *self.standing.borrow_and_update()
    }
}

impl Reporter {
    /// Nothing is heard yet; that nothing was said yet is no failure.
    pub(super) fn start() -> (Self, Health) {
        let (sender, standing) = watch::channel(Standing { hears: false, speaks: true, breaks: 0 });
        (Self { standing: Arc::new(sender) }, Health { standing })
    }

    /// The server has confirmed all subscriptions.
    pub(super) fn hears(&self) {
        self.standing.send_modify(|it| {
            if !it.hears {
                tracing::info!("News of other nodes is heard");
            }
            it.hears = true;
            it.breaks += 1;
        });
    }

    /// The subscriptions are gone.
    pub(super) fn deaf(&self, error: &(dyn std::error::Error + 'static)) {
        let change = |it: &mut Standing| {
            if it.hears {
                tracing::warn!(
                    error,
                    "News of other nodes is not heard; what is missed comes late"
                );
            }
            std::mem::replace(&mut it.hears, false)
        };
        self.standing.send_if_modified(change);
    }

    /// Something was missed although the subscriptions stand.
    pub(super) fn missed(&self) {
        self.standing.send_modify(|it| it.breaks += 1);
    }

    /// A batch was taken.
    pub(super) fn speaks(&self) {
        let change = |it: &mut Standing| {
            if !it.speaks {
                tracing::info!("Other nodes hear from this one again");
            }
            !std::mem::replace(&mut it.speaks, true)
        };
        self.standing.send_if_modified(change);
    }

    /// A batch was lost.
    pub(super) fn mute(&self, error: &(dyn std::error::Error + 'static)) {
        let change = |it: &mut Standing| {
            if it.speaks {
                tracing::warn!(error, "Other nodes do not hear from this one; they find it late");
            }
            std::mem::replace(&mut it.speaks, false)
        };
        self.standing.send_if_modified(change);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_degraded_while_it_is_deaf_or_mute_and_says_each_change_once() {
        let (reporter, mut health) = Reporter::start();
        let mut changes = || {
            let changed = health.standing.has_changed().unwrap();
            (changed, health.standing.borrow_and_update().is_degraded())
        };
        assert_eq!(changes(), (false, true));
        reporter.hears();
        assert_eq!(changes(), (true, false));
        reporter.speaks();
        assert_eq!(changes(), (false, false));
        let error = std::io::Error::other("gone");
        reporter.mute(&error);
        assert_eq!(changes(), (true, true));
        reporter.mute(&error);
        assert_eq!(changes(), (false, true));
        reporter.deaf(&error);
        reporter.speaks();
        assert_eq!(changes(), (true, true));
        reporter.hears();
        assert_eq!(changes(), (true, false));
    }
}
