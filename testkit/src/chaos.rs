//! Bad networks, made of relays on loopback that do to the traffic what they are told while it flows, and
//! a bad clock.
//!
//! - [`TcpProxy`] stands between a node and its Postgres or Redis;
//! - [`UdpRelay`] stands between clients and a router or node;
//! - [`WrongClock`] is seen by one process.
//!
//! Each relay works on a thread of its own, so that a test which waits for a process does not hold it up.

use std::future::Future;
use std::io;
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;

mod clock;
mod tcp;
mod udp;

pub use self::clock::WrongClock;
pub use self::tcp::{TcpLink, TcpProxy};
pub use self::udp::{Traffic, UdpLink, UdpPath, UdpRelay};

/// Which part of the traffic is meant.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// From whoever dials to whoever is dialed.
    Up,
    Down,
    Both,
}

impl Way {
    fn includes(self, other: Self) -> bool {
        self == Self::Both || self == other
    }
}

/// Chances that come out the same again with the same seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Dice {
    state: u64,
}

impl Dice {
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// At least 0 and less than 1.
    pub fn fraction(&mut self) -> f64 {
        (self.roll() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True with this probability.
    pub fn chance(&mut self, probability: f64) -> bool {
        // Nothing is rolled for what cannot be, so that it does not change what comes later.
        probability > 0.0 && self.fraction() < probability
    }

    /// A part of a time.
    pub fn up_to(&mut self, most: Duration) -> Duration {
        if most.is_zero() { most } else { most.mul_f64(self.fraction()) }
    }
}

/// A thread with a runtime, which ends when this is dropped.
struct Stage {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Stage {
    fn start<F>(name: &str, work: impl FnOnce() -> F + Send + 'static) -> io::Result<Self>
    where
        F: Future<Output = ()>,
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (stop, stopped) = oneshot::channel();
        let play = move || {
            runtime.block_on(async move {
                tokio::select! {
                    biased;
                    _ = stopped => {}
                    () = work() => {}
                }
            });
        };
        let thread = thread::Builder::new().name(name.to_owned()).spawn(play)?;
        Ok(Self { stop: Some(stop), thread: Some(thread) })
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic was printed where it happened.
            drop(thread.join());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_chances() {
        let rolls = |seed| {
            let mut dice = Dice::new(seed);
            (0..100).map(|_| dice.chance(0.3)).collect::<Vec<_>>()
        };
        assert_eq!(rolls(7), rolls(7));
        assert_ne!(rolls(7), rolls(8));
    }

    #[test]
    fn a_chance_comes_true_about_as_often_as_it_says() {
        let mut dice = Dice::new(1);
        let hits = (0..10_000).filter(|_| dice.chance(0.2)).count();
        assert!((1_800..2_200).contains(&hits), "{hits}");
    }
}
