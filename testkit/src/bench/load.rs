//! Many pairs of people, of whom one writes and the other reads: as fast as the answers allow, or at a
//! given rate whatever the answers do.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use thrive_protocol::entry::Body;
use thrive_protocol::ids::{ClientMsgId, Seq};
use thrive_protocol::{Event, NodeFrame, Reply};
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::dial::Dialer;
use crate::door::{Door, Pair};
use crate::raw::{RawClient, message, message_id};

/// A message that has not arrived by then is lost.
const LOST_AFTER: Duration = Duration::from_secs(30);
/// Sockets of the generator, so that not all connections share one queue in the kernel.
const SOCKETS: usize = 8;

/// Pairs of people who are logged in.
pub struct People {
    pairs: Vec<Pair>,
}

/// What one run has shown. Histograms are in microseconds.
pub struct Figures {
    pub messages: u64,
    pub took: Duration,
    pub arrived: Histogram<u64>,
    pub answered: Histogram<u64>,
}

impl People {
    /// Makes accounts and contacts, two for each pair; their names begin with `name`.
    ///
    /// # Errors
    /// The node refuses something.
    pub async fn gather(door: &Door, pairs: usize) -> Result<Self> {
        Self::gather_at(door, door, "", pairs).await
    }

    /// The same, with writers at one door and readers at another.
    ///
    /// # Errors
    /// A node refuses something.
    pub async fn gather_at(
        writers: &Door,
        readers: &Door,
        name: &str,
        pairs: usize,
    ) -> Result<Self> {
        let mut gathering = JoinSet::new();
        let mut gathered = Vec::new();
        for socket in 0..SOCKETS {
            let (writers, readers) = (writers.by(Dialer::new()?), readers.by(Dialer::new()?));
            let (name, mine) = (name.to_owned(), (socket..pairs).step_by(SOCKETS));
            gathering.spawn(async move {
                let mut pairs = Vec::new();
                for number in mine {
                    let (one, other) =
                        (format!("{name}writer{number}"), format!("{name}reader{number}"));
                    pairs.push(writers.pair_across(&one, &readers, &other).await?);
                }
                Ok::<_, anyhow::Error>(pairs)
            });
        }
        while let Some(pairs) = gathering.join_next().await {
            gathered.extend(pairs??);
        }
        Ok(Self { pairs: gathered })
    }

    /// Sends `messages` all together, `window` at a time from each writer, and receives them.
    ///
    /// # Errors
    /// A message is refused, lost, doubled or out of order.
    pub async fn exchange(
        &mut self,
        messages: usize,
        window: usize,
        bytes: usize,
    ) -> Result<Figures> {
        let each = messages.div_ceil(self.pairs.len()) as u64;
        let text: Arc<str> = "x".repeat(bytes).into();
        let start = Arc::new(Barrier::new(self.pairs.len() + 1));
        let mut running = JoinSet::new();
        for pair in self.pairs.drain(..) {
            let (text, start) = (Arc::clone(&text), Arc::clone(&start));
            running.spawn(async move {
                start.wait().await;
                talk(pair, each, window, &text).await
            });
        }
        start.wait().await;
        let begun = Instant::now();
        let mut figures = Figures {
            messages: 0,
            took: Duration::ZERO,
            arrived: histogram()?,
            answered: histogram()?,
        };
        while let Some(outcome) = running.join_next().await {
            let (pair, part) = outcome??;
            self.pairs.push(pair);
            figures.messages += part.messages;
            figures.arrived.add(&part.arrived)?;
            figures.answered.add(&part.answered)?;
        }
        figures.took = begun.elapsed();
        Ok(figures)
    }
}

impl People {
    /// Sends `rate` messages a second in all for `time`, evenly spread and whatever the answers do, and
    /// receives them. Arrival counts from the moment at which a message was due.
    ///
    /// # Errors
    /// A message is refused, lost, doubled or out of order.
    pub async fn speak(&mut self, rate: f64, time: Duration, bytes: usize) -> Result<Figures> {
        let text: Arc<str> = "x".repeat(bytes).into();
        let each = (rate * time.as_secs_f64() / self.pairs.len() as f64).round().max(1.0) as u64;
        let every = Duration::from_secs_f64(self.pairs.len() as f64 / rate);
        let begun = Instant::now() + Duration::from_millis(50);
        let mut running = JoinSet::new();
        let count = self.pairs.len() as u32;
        for (number, pair) in self.pairs.drain(..).enumerate() {
            let text = Arc::clone(&text);
            let first = begun + every * number as u32 / count;
            running.spawn(async move { pace(pair, each, first, every, &text).await });
        }
        let mut figures =
            Figures { messages: 0, took: time, arrived: histogram()?, answered: histogram()? };
        while let Some(outcome) = running.join_next().await {
            let (pair, part) = outcome??;
            self.pairs.push(pair);
            figures.messages += part.messages;
            figures.arrived.add(&part.arrived)?;
            figures.answered.add(&part.answered)?;
        }
        figures.took = begun.elapsed();
        Ok(figures)
    }
}

/// One pair at its pace: message `n` is due at `first + n * every`.
async fn pace(
    mut pair: Pair,
    each: u64,
    first: Instant,
    every: Duration,
    text: &str,
) -> Result<(Pair, Figures)> {
    let due = |number: u64| first + every.mul_f64(number as f64);
    // When each message was due, until it has arrived; what is under way is bounded by `LOST_AFTER`.
    let sent: Mutex<HashMap<ClientMsgId, Instant>> = Mutex::default();
    let (chat, ann, bob) = (pair.chat, &mut pair.ann, &mut pair.bob);
    let writing = async {
        let mut answered = histogram()?;
        let mut waiting: HashMap<u32, Instant> = HashMap::new();
        let mut posted = 0;
        while posted < each || !waiting.is_empty() {
            let next = if posted < each { due(posted) } else { Instant::now() + LOST_AFTER };
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(next.into()) => {
                    ensure!(posted < each, "an answer in time");
                    let id = message_id();
                    sent.lock().insert(id, next);
                    waiting.insert(ann.post(message(chat, id, text)).await?, next);
                    posted += 1;
                }
                answer = ann.next_answer() => {
                    let (re, result) = answer?;
                    let Ok(Reply::Stored(_)) = result else { bail!("not stored: {result:?}") };
                    answered.record(micros(waiting.remove(&re).context("an answer to a question")?))?;
                }
            }
        }
        Ok::<_, anyhow::Error>(answered)
    };
    let reading = receive(bob, each, &sent);
    let (answered, arrived) = tokio::try_join!(writing, reading)?;
    ensure!(sent.lock().is_empty(), "everything has arrived");
    let figures = Figures { messages: each, took: Duration::ZERO, arrived, answered };
    Ok((pair, figures))
}

/// Receives `each` messages, which must be in order and each once.
async fn receive(
    reader: &mut RawClient,
    each: u64,
    sent: &Mutex<HashMap<ClientMsgId, Instant>>,
) -> Result<Histogram<u64>> {
    let mut arrived = histogram()?;
    let mut last: Option<Seq> = None;
    while arrived.len() < each {
        let body = timeout(LOST_AFTER, reader.down.next()).await.context("a lost message")??;
        let entry = match NodeFrame::decode(&body)? {
            Some(NodeFrame::Event(Event::Entry(entry))) => entry,
            // An empty list only says to look at the contacts again.
            Some(NodeFrame::Event(Event::Heads { heads })) if !heads.is_empty() => {
                bail!("the reader was too slow")
            }
            _ => continue,
        };
        let Body::Message { id, .. } = entry.body else { bail!("not a message") };
        ensure!(last.is_none_or(|last| last.next() == entry.seq), "a gap before {}", entry.seq);
        last = Some(entry.seq);
        let at = sent.lock().remove(&id).context("sent, and received only once")?;
        arrived.record(micros(at))?;
    }
    Ok(arrived)
}

fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}

/// One pair: the writer keeps `window` messages under way, the reader checks each that comes.
async fn talk(mut pair: Pair, each: u64, window: usize, text: &str) -> Result<(Pair, Figures)> {
    // When each message was sent, until it has arrived; bounded by what is under way.
    let sent: Mutex<HashMap<ClientMsgId, Instant>> = Mutex::default();
    let begun = Instant::now();
    let (chat, ann, bob) = (pair.chat, &mut pair.ann, &mut pair.bob);

    let writing = async {
        let mut answered = histogram()?;
        let mut waiting: HashMap<u32, (ClientMsgId, Instant)> = HashMap::new();
        let (mut posted, mut last) = (0, Seq::START);
        while posted < each || !waiting.is_empty() {
            while posted < each && waiting.len() < window {
                let (id, now) = (message_id(), Instant::now());
                sent.lock().insert(id, now);
                waiting.insert(ann.post(message(chat, id, text)).await?, (id, now));
                posted += 1;
            }
            let (re, result) = ann.next_answer().await?;
            let Ok(Reply::Stored(stored)) = result else { bail!("not stored: {result:?}") };
            let (id, at) = waiting.remove(&re).context("an answer to a question")?;
            ensure!(stored.id == id && last < stored.seq, "answers are in order");
            last = stored.seq;
            answered.record(micros(at))?;
        }
        Ok::<_, anyhow::Error>(answered)
    };
    let reading = receive(bob, each, &sent);
    let (answered, arrived) = tokio::try_join!(writing, reading)?;
    ensure!(sent.lock().is_empty(), "everything has arrived");
    let figures = Figures { messages: each, took: begun.elapsed(), arrived, answered };
    Ok((pair, figures))
}
