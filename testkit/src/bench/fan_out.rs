//! One sender, many receivers: a conversation with as many members as asked for, put straight into the
//! store, and delivered by the machinery that carries everything else.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use hdrhistogram::Histogram;
use parking_lot::Mutex;
use thrive_node::store::Database;
use thrive_protocol::ids::{ConversationId, Seq, Time};
use thrive_protocol::{Event, NodeFrame, Reply};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::dial::Dialer;
use crate::door::Door;
use crate::raw::{RawClient, message, message_id};
use crate::seed;

const LOST_AFTER: Duration = Duration::from_secs(30);
const SOCKETS: usize = 8;
const AT_ONCE: usize = 16;

/// People in one conversation, all connected; the first one writes.
pub struct Room {
    chat: ConversationId,
    writer: RawClient,
    members: Vec<RawClient>,
}

/// Histograms in microseconds.
pub struct Figures {
    pub deliveries: u64,
    pub took: Duration,
    /// From the send to each arrival.
    pub arrived: Histogram<u64>,
    /// From the send to the arrival at the last member.
    pub complete: Histogram<u64>,
}

impl Room {
    /// Members are spread over the doors in turn.
    ///
    /// # Errors
    /// The store or a node refuses.
    pub async fn gather(
        database: &Database,
        url: &str,
        doors: &[Door],
        members: usize,
    ) -> Result<Self> {
        let people = seed::people(database, &format!("room{members}x"), members + 1).await?;
        let chat = ConversationId(people[0].user.0);
        put(url, chat, &people).await?;
        let doors = (0..SOCKETS)
            .map(|it| Ok(doors[it % doors.len()].by(Dialer::new()?)))
            .collect::<Result<Vec<_>>>()?;
        let mut writer = None;
        let mut clients = Vec::new();
        let mut joining = JoinSet::new();
        for (number, person) in people.into_iter().enumerate() {
            let door = doors[number % SOCKETS].clone();
            joining.spawn(async move {
                Ok::<_, anyhow::Error>((number, door.resume(&person.token).await?))
            });
            if AT_ONCE <= joining.len()
                && let Some(joined) = joining.join_next().await
            {
                sort(joined??, &mut writer, &mut clients);
            }
        }
        while let Some(joined) = joining.join_next().await {
            sort(joined??, &mut writer, &mut clients);
        }
        Ok(Self { chat, writer: writer.context("a writer")?, members: clients })
    }

    /// Sends `messages`, `window` at a time; a message is over when every member has it.
    ///
    /// # Errors
    /// A message is refused, lost, doubled or out of order.
    pub async fn speak(&mut self, messages: u64, window: usize, bytes: usize) -> Result<Figures> {
        let text = "x".repeat(bytes);
        let count = self.members.len() as u64;
        // When each was sent, and how many have it; the first number is known from the first answer.
        let progress: Arc<Mutex<Vec<(Instant, u64)>>> = Arc::default();
        let (done, mut over) = mpsc::channel(window.max(1));
        let mut receiving = JoinSet::new();
        let first = Arc::new(Mutex::new(None::<Seq>));
        for mut member in self.members.drain(..) {
            let (progress, done, first) = (Arc::clone(&progress), done.clone(), Arc::clone(&first));
            receiving.spawn(async move {
                let mut arrived = histogram()?;
                let mut complete = histogram()?;
                let mut next: Option<Seq> = None;
                while arrived.len() < messages {
                    let body = timeout(LOST_AFTER, member.down.next())
                        .await
                        .context("a lost message")??;
                    let entry = match NodeFrame::decode(&body)? {
                        Some(NodeFrame::Event(Event::Entry(entry))) => entry,
                        Some(NodeFrame::Event(Event::Heads { .. })) => bail!("a slow member"),
                        _ => continue,
                    };
                    let start = *first.lock().get_or_insert(entry.seq);
                    ensure!(next.is_none_or(|it| it == entry.seq), "order at {}", entry.seq);
                    next = Some(entry.seq.next());
                    let place = usize::try_from(entry.seq.0 - start.0)?;
                    let last = {
                        let mut progress = progress.lock();
                        let (at, have) = &mut progress[place];
                        *have += 1;
                        arrived.record(micros(*at))?;
                        (*have == count).then_some(*at)
                    };
                    if let Some(at) = last {
                        complete.record(micros(at))?;
                        done.send(()).await.context("somebody counts")?;
                    }
                }
                Ok::<_, anyhow::Error>((member, arrived, complete))
            });
        }
        drop(done);
        let begun = Instant::now();
        let mut heard = Vec::new();
        let (mut posted, mut finished, mut answered) = (0, 0, 0);
        while finished < messages || answered < messages {
            while posted < messages && posted - finished < window as u64 {
                progress.lock().push((Instant::now(), 0));
                self.writer.post(message(self.chat, message_id(), &text)).await?;
                posted += 1;
            }
            tokio::select! {
                Some(()) = over.recv(), if finished < messages => finished += 1,
                answer = self.writer.next_answer(), if answered < posted => {
                    let (_, Ok(Reply::Stored(_))) = answer? else { bail!("not stored") };
                    answered += 1;
                }
                Some(outcome) = receiving.join_next() => heard.push(outcome??),
            }
        }
        let took = begun.elapsed();
        let mut figures = Figures {
            deliveries: messages * count,
            took,
            arrived: histogram()?,
            complete: histogram()?,
        };
        while let Some(outcome) = receiving.join_next().await {
            heard.push(outcome??);
        }
        for (member, arrived, complete) in heard {
            self.members.push(member);
            figures.arrived.add(&arrived)?;
            figures.complete.add(&complete)?;
        }
        Ok(figures)
    }
}

fn sort(
    (number, client): (usize, RawClient),
    writer: &mut Option<RawClient>,
    members: &mut Vec<RawClient>,
) {
    if number == 0 { *writer = Some(client) } else { members.push(client) }
}

/// A conversation of these people, as rooms will have it: rows of members and no pair.
async fn put(url: &str, chat: ConversationId, people: &[seed::Seeded]) -> Result<()> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await?;
    let running = tokio::spawn(connection);
    let now = Time(1).0;
    client
        .execute(
            "INSERT INTO conversation (id, kind, created, last_time) VALUES ($1, 'direct', $2, $2)",
            &[&chat.0, &now],
        )
        .await?;
    let members: Vec<i64> = people.iter().map(|it| it.user.0).collect();
    client
        .execute(
            "INSERT INTO member (conversation, account) SELECT $1, unnest($2::bigint[])",
            &[&chat.0, &members],
        )
        .await?;
    drop(client);
    running.await??;
    Ok(())
}

fn histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000, 3)?)
}

fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap_or(u64::MAX)
}
