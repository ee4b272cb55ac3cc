//! How often the bus looks, and how long it waits. Tests that lose things on purpose have shorter ones.

use std::time::Duration;

#[derive(Clone, Copy, Debug)]
pub struct Periods {
    /// Between two comparisons with the store while the bus is sound: how long a lost tail, or a lost
    /// invitation, may stay unnoticed. Jittered, so that nodes do not ask together.
    pub compare: Duration,
    /// The same while the bus is degraded.
    pub compare_degraded: Duration,
    /// Between two looks at the sessions that are connected: how long one that was ended may live on
    /// where the news of it was lost.
    pub sessions: Duration,
    /// How long a gap waits before the store is asked: what is missing is mostly on its way.
    pub gap: Duration,
    /// Between two words of a node to itself, on each partition.
    pub canary: Duration,
    /// A partition that is silent for so long is not listened to, whatever the connection says.
    pub silence: Duration,
    /// What one batch may take to be published. What takes longer is lost, and nobody waited for it.
    pub publish: Duration,
    /// What the confirmations of all subscriptions may take.
    pub subscribe: Duration,
    /// Before the first attempt to connect again, and before the later ones at most. Jittered.
    pub again: (Duration, Duration),
}

impl Periods {
    pub const PRODUCTION: Self = Self {
        compare: Duration::from_secs(3),
        compare_degraded: Duration::from_secs(1),
        sessions: Duration::from_secs(2),
        gap: Duration::from_millis(10),
        canary: Duration::from_secs(2),
        silence: Duration::from_secs(4),
        publish: Duration::from_millis(250),
        subscribe: Duration::from_secs(2),
        again: (Duration::from_millis(50), Duration::from_secs(1)),
    };
}
