//! How often a member does what. Tests that wait for it have shorter ones.

use std::time::Duration;

use thrive_protocol::lease::{RENEWAL, TTL};

#[derive(Clone, Copy, Debug)]
pub struct Periods {
    /// A lease that is not renewed for so long is over.
    pub ttl: Duration,
    pub renewal: Duration,
    /// After the end of a lease its number stays with its owner for so long: longer than connections live
    /// that nobody keeps alive.
    pub quarantine: Duration,
    /// Between two looks at the leases of the others.
    pub poll: Duration,
    /// Between two signs of life on the channel.
    pub beat: Duration,
    /// A channel on which not even oneself is heard for so long is listened to anew.
    pub silence: Duration,
    /// Between two looks at what must be read of others.
    pub correct: Duration,
    /// Between two looks at the stored statuses of those who are connected.
    pub statuses: Duration,
    /// What one command may take.
    pub answer: Duration,
    /// After something failed.
    pub again: Duration,
}

impl Periods {
    pub const PRODUCTION: Self = Self {
        ttl: TTL,
        renewal: RENEWAL,
        quarantine: Duration::from_secs(70),
        poll: Duration::from_secs(1),
        beat: Duration::from_secs(2),
        silence: Duration::from_secs(4),
        correct: Duration::from_millis(250),
        statuses: Duration::from_secs(5),
        answer: Duration::from_secs(2),
        again: Duration::from_millis(500),
    };

    /// How long it may take others to say again that they are there, after the server forgot.
    pub(super) fn patience(&self) -> Duration {
        self.renewal * 2
    }
}
