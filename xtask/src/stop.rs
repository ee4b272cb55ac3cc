//! The wish of the person at the terminal, or of the system, that we stop.

use std::cell::Cell;
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use anyhow::{Context, Result};

/// Once heard, the wish stands.
pub(crate) struct Stop {
    wish: Receiver<()>,
    heard: Cell<bool>,
}

impl Stop {
    /// Listens from now on. To be called before the first long step, so that Ctrl+C is never lost.
    pub(crate) fn listen() -> Result<Self> {
        let (sender, wish) = mpsc::sync_channel(1);
        ctrlc::set_handler(move || {
            // A full queue means that the wish is already known.
            sender.try_send(()).ok();
        })
        .context("nobody else listens for Ctrl+C")?;
        Ok(Self { wish, heard: Cell::new(false) })
    }

    /// Whether the wish is there, or comes in this time.
    pub(crate) fn within(&self, time: Duration) -> bool {
        self.heard.set(self.heard.get() || self.wish.recv_timeout(time).is_ok());
        self.heard.get()
    }

    pub(crate) fn wait(&self) {
        if !self.heard.get() {
            // An error means that nobody can ask us to stop any more, and then we stop.
            self.wish.recv().ok();
            self.heard.set(true);
        }
    }

    /// A wish that comes when the test says so.
    #[cfg(test)]
    pub(crate) fn told() -> (mpsc::SyncSender<()>, Self) {
        let (sender, wish) = mpsc::sync_channel(1);
        (sender, Self { wish, heard: Cell::new(false) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wish_that_was_heard_once_stands() {
        let (person, stop) = Stop::told();
        assert!(!stop.within(Duration::ZERO));
        person.send(()).expect("somebody listens");
        assert!(stop.within(Duration::ZERO));
        assert!(stop.within(Duration::ZERO));
    }
}
