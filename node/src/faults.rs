//! What the fault runner orders a node to do wrong, to prove that it sees it: to die at a named point,
//! to lose every hint, or to break the contract in a known way.
//!
//! Only a build with the feature `faults` can be ordered anything; in what is shipped, every function
//! here is a constant "no" and costs nothing. Orders come from the keys `faults.*` of the configuration.

/// What was ordered; the default is nothing.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Orders {
    /// Die like by SIGKILL at this point, when it is passed for the n-th time (1: the first).
    pub kill_at: Option<(Point, u64)>,
    pub bug: Option<Bug>,
    /// Publish nothing to other nodes, and say nothing about it.
    pub drop_hints: bool,
}

macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$meta:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug, Eq, PartialEq)]
        pub enum $name { $($(#[$meta])* $variant,)* }

        impl $name {
            pub const ALL: &[Self] = &[$(Self::$variant,)*];

            #[must_use]
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }

            #[must_use]
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|it| it.word() == word)
            }
        }
    };
}

words! {
    /// A place in the life of a message, or of a node.
    Point {
        BeforeBegin = "before-begin",
        AfterLock = "after-lock",
        BeforeCommit = "before-commit",
        AfterCommit = "after-commit",
        AfterAck = "after-ack",
        MidPublish = "mid-publish",
        MidFanOut = "mid-fan-out",
        MidDrain = "mid-drain",
    }
}

words! {
    /// A way to break the contract.
    Bug {
        /// The sender hears "stored" before it is.
        AckBeforeCommit = "ack-before-commit",
        /// A message that is sent again is stored again.
        NoDuplicateCheck = "no-duplicate-check",
        /// Nothing looks for what the bus lost.
        NoReconcile = "no-reconcile",
        /// The next number is read without holding the row.
        SequenceWithoutLock = "sequence-without-lock",
        /// Who was online on a node that died stays so.
        PresenceWithoutEpoch = "presence-without-epoch",
        /// Each node makes its own key for stateless resets.
        ResetKeyNotShared = "reset-key-not-shared",
        /// Others hear of a message before it is stored.
        PublishBeforeCommit = "publish-before-commit",
        /// What waits for a slow client has no limit.
        OutboxUnbounded = "outbox-unbounded",
    }
}

#[cfg(all(feature = "faults", unix))]
mod armed {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{Bug, Orders, Point};

    static ORDERS: OnceLock<Orders> = OnceLock::new();
    static PASSED: AtomicU64 = AtomicU64::new(0);

    /// Takes the orders of this process. The first word counts.
    pub fn arm(orders: Orders) {
        if ORDERS.set(orders).is_ok() && orders != Orders::default() {
            tracing::warn!(?orders, "This node does wrong on purpose");
        }
    }

    fn orders() -> Orders {
        ORDERS.get().copied().unwrap_or_default()
    }

    /// Passes a point, or dies there.
    pub fn point(point: Point) {
        if let Some((at, times)) = orders().kill_at
            && at == point
            && PASSED.fetch_add(1, Ordering::SeqCst) + 1 == times
        {
            let me = rustix::process::getpid();
            let _sent = rustix::process::kill_process(me, rustix::process::Signal::KILL);
            // The signal may take a moment, and nothing may happen in it.
            loop {
                std::thread::park();
            }
        }
    }

    /// Whether it is to die at some point, so that steps which are one must be taken apart.
    #[must_use]
    pub fn dies() -> bool {
        orders().kill_at.is_some()
    }

    #[must_use]
    pub fn bug(bug: Bug) -> bool {
        orders().bug == Some(bug)
    }

    #[must_use]
    pub fn drops_hints() -> bool {
        orders().drop_hints
    }
}

#[cfg(not(all(feature = "faults", unix)))]
mod armed {
    use super::{Bug, Orders, Point};

    /// Without the feature there are no orders to take.
    pub fn arm(_: Orders) {}

    /// Passes a point.
    #[inline]
    pub fn point(_: Point) {}

    /// Whether it is to die at some point.
    #[must_use]
    #[inline]
    pub fn dies() -> bool {
        false
    }

    #[must_use]
    #[inline]
    pub fn bug(_: Bug) -> bool {
        false
    }

    #[must_use]
    #[inline]
    pub fn drops_hints() -> bool {
        false
    }
}

pub use self::armed::{arm, bug, dies, drops_hints, point};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_has_a_word_of_its_own() {
        for point in Point::ALL {
            assert_eq!(Point::parse(point.word()), Some(*point));
        }
        for bug in Bug::ALL {
            assert_eq!(Bug::parse(bug.word()), Some(*bug));
        }
        assert_eq!((Point::ALL.len(), Bug::ALL.len()), (8, 8));
    }
}
