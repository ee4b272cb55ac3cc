//! Who writes to whom, when and how much: evenly in time, by the throws of a seed in everything else.

use std::ops::RangeInclusive;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinHandle;

use super::Crowd;
use super::device::Order;
use crate::chaos::Dice;

/// How much is written.
#[derive(Clone, Debug)]
pub struct Load {
    /// Messages a second, of all people together.
    pub rate: f64,
    pub bytes: RangeInclusive<usize>,
    pub seed: u64,
}

/// People who write until this is stopped, or dropped.
pub struct Talk {
    task: JoinHandle<()>,
    written: Arc<AtomicU64>,
    /// What was due and not written, since its author was still busy with others.
    skipped: Arc<AtomicU64>,
}

/// Short against the delays that are measured.
const TICK: Duration = Duration::from_millis(5);

impl Load {
    #[must_use]
    pub fn new(rate: f64, seed: u64) -> Self {
        Self { rate, bytes: 16..=512, seed }
    }
}

impl Talk {
    /// Lets the people of a crowd write. Whom the crowd has lost is left out.
    #[must_use]
    pub fn start(crowd: &Arc<Crowd>, load: Load) -> Self {
        let (written, skipped) = (Arc::<AtomicU64>::default(), Arc::<AtomicU64>::default());
        let task =
            tokio::spawn(talk(Arc::clone(crowd), load, Arc::clone(&written), Arc::clone(&skipped)));
        Self { task, written, skipped }
    }

    /// Ends it; how many were written, and how many were skipped.
    pub fn stop(self) -> (u64, u64) {
        self.task.abort();
        (self.written.load(Ordering::Relaxed), self.skipped.load(Ordering::Relaxed))
    }
}

impl Drop for Talk {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn talk(crowd: Arc<Crowd>, load: Load, written: Arc<AtomicU64>, skipped: Arc<AtomicU64>) {
    let mut dice = Dice::new(load.seed);
    let chats = crowd.chats();
    let begun = Instant::now();
    let mut ticks = tokio::time::interval(TICK);
    let mut done = 0.0;
    loop {
        ticks.tick().await;
        let due = begun.elapsed().as_secs_f64() * load.rate;
        while done < due {
            done += 1.0;
            let (_, one, other) = chats[pick(&mut dice, chats.len())];
            let (author, friend) = if dice.roll() & 1 == 0 { (one, other) } else { (other, one) };
            let devices: Vec<_> = crowd.devices.iter().filter(|it| it.person == author).collect();
            let device = devices[pick(&mut dice, devices.len())];
            let spread = load.bytes.end() - load.bytes.start();
            let bytes = load.bytes.start() + pick(&mut dice, spread + 1);
            let counter = if device.write(Order { friend, bytes }) { &written } else { &skipped };
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// One of so many.
fn pick(dice: &mut Dice, end: usize) -> usize {
    // The small unfairness of a remainder does not matter to load.
    (dice.roll() % end.max(1) as u64) as usize
}
