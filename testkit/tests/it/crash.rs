//! `kill -9` in the middle of writing, again and again: nothing that was acknowledged is lost or
//! doubled, and the log of the conversation has no gaps.

use std::collections::VecDeque;
use std::time::Duration;

use anyhow::{Context as _, Result, bail, ensure};
use parking_lot::Mutex;
use thrive_protocol::entry::Entry;
use thrive_protocol::ids::{ClientMsgId, ConversationId, Seq};
use thrive_protocol::request::Position;
use thrive_protocol::secret::Secret;
use thrive_protocol::{Event, NodeFrame, Reply};
use thrive_testkit::process::Place;
use thrive_testkit::{Door, Ledger, Pair, RawClient, message_id, raw};

/// Deaths of the node.
const ROUNDS: u64 = 100;
/// Messages that wait for their answer when the node dies.
const WINDOW: usize = 16;
/// New messages of one round: more than can be written in its time, except on a very quick machine.
const MOST: usize = 2_000;

/// Somebody who writes: what has no definite answer is sent again, with the same ids, in its order.
struct Writer {
    token: Secret,
    chat: ConversationId,
    unknown: VecDeque<ClientMsgId>,
}

impl Writer {
    async fn write(&mut self, door: &Door, ledger: &Mutex<Ledger>, mut new: usize) -> Result<()> {
        let mut client = door.resume(&self.token).await?;
        let mut again = self.unknown.clone();
        let mut under_way = VecDeque::new();
        loop {
            while under_way.len() < WINDOW {
                let id = match again.pop_front() {
                    Some(id) => id,
                    None if new == 0 => break,
                    None => {
                        new -= 1;
                        self.new_message(ledger)
                    }
                };
                let request = raw::message(self.chat, id, "something worth keeping");
                under_way.push_back((client.post(request).await?, id));
            }
            let Some(oldest) = under_way.front().map(|(re, _)| *re) else { return Ok(()) };
            let (re, result) = client.next_answer().await?;
            ensure!(re == oldest, "messages of one connection are answered in order");
            let (_, id) = under_way.pop_front().context("there was an oldest")?;
            let Ok(Reply::Stored(stored)) = result else { bail!("not stored but {result:?}") };
            ensure!(stored.id == id, "the answer is to this message");
            ledger.lock().acked(stored);
            self.unknown.retain(|it| *it != id);
        }
    }

    fn new_message(&mut self, ledger: &Mutex<Ledger>) -> ClientMsgId {
        let id = message_id();
        ledger.lock().attempt(self.chat, id);
        self.unknown.push_back(id);
        id
    }
}

/// Somebody who reads: what is pushed, and what was missed, each once.
struct Reader {
    token: Secret,
    chat: ConversationId,
    position: Seq,
}

impl Reader {
    /// Reads until the connection breaks.
    async fn read(&mut self, door: &Door, ledger: &Mutex<Ledger>) -> Result<()> {
        let mut client = door.resume(&self.token).await?;
        self.catch_up(&client, |entry| ledger.lock().shown("bob", entry)).await?;
        loop {
            let NodeFrame::Event(Event::Entry(entry)) = client.next_frame().await? else {
                continue;
            };
            // What is older was in the page; what is newer left a gap, and the next page has it.
            if entry.seq == self.position.next() {
                ledger.lock().shown("bob", &entry);
                self.position = entry.seq;
            }
        }
    }

    async fn catch_up(&mut self, client: &RawClient, mut show: impl FnMut(&Entry)) -> Result<()> {
        let epoch = client.me.as_ref().map(|me| me.epoch);
        loop {
            let positions = [Position { conversation: self.chat, seq: self.position }];
            let page = client.sync(epoch, &positions).await?;
            ensure!(!page.reset, "the history is the same one");
            for entry in page.entries.iter() {
                show(entry);
                self.position = entry.seq;
            }
            if !page.more {
                return Ok(());
            }
        }
    }
}

#[tokio::test]
async fn a_hundred_deaths_of_the_node_lose_and_double_nothing_that_was_acknowledged() -> Result<()>
{
    let folder = tempfile::Builder::new().prefix("thrive-testkit-").tempdir()?;
    let place = Place::new(&folder.path().join("node"))?;
    let node = place.start()?;
    let Pair { ann, bob, chat } = node.pair().await?;
    let mut writer = Writer { token: ann.token()?, chat, unknown: VecDeque::new() };
    let mut reader = Reader { token: bob.token()?, chat, position: Seq::START };
    drop((ann, bob));
    node.kill()?;

    let ledger = Mutex::new(Ledger::default());
    let (mut slowest_start, mut cut_off) = (Duration::ZERO, 0);
    for round in 0..ROUNDS {
        let node = place.start().context("the node starts again after its death")?;
        slowest_start = slowest_start.max(node.started_in);
        // Different each time, so that death comes in every phase of the work.
        let life = Duration::from_millis(20 + round * 37 % 130);
        let work =
            async { tokio::join!(writer.write(&node, &ledger, MOST), reader.read(&node, &ledger)) };
        // The clients are left as they are in this moment, with what is under way.
        drop(tokio::time::timeout(life, work).await);
        node.kill()?;
        cut_off += usize::from(!writer.unknown.is_empty());
    }

    let node = place.start()?;
    writer.write(&node, &ledger, 0).await.context("repeat what is unknown")?;
    ensure!(writer.unknown.is_empty(), "every message has a definite answer in the end");
    let client = node.resume(&reader.token).await?;
    reader.catch_up(&client, |entry| ledger.lock().shown("bob", entry)).await?;
    let mut store = Reader { position: Seq::START, ..reader };
    store.catch_up(&client, |entry| ledger.lock().stored(entry)).await?;

    let ledger = ledger.into_inner();
    println!(
        "{} messages tried, {} answers, {} places; {cut_off} of {ROUNDS} deaths left something \
         unknown; slowest start {slowest_start:?}",
        ledger.tried(),
        ledger.acknowledged(),
        store.position,
    );
    ledger.check()?;
    ensure!(ROUNDS < store.position.0, "there was something to lose");
    ensure!(ROUNDS / 2 < cut_off as u64, "and it was under way when the node died");
    Ok(())
}
