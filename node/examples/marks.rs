//! What marks cost Postgres: `cargo run --release -p thrive-node --example marks [-- AT ONCE…]`.
//!
//! For each number of callers, each of which marks again as soon as it is answered: marks per second and
//! the time on the processor that all processes of Postgres took for 1 000 of them; beside it the same
//! with a transaction for each mark, over as many connections as the pool of a node has.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use anyhow::Context as _;
use futures_util::future::try_join_all;
use thrive_node::store::Database;
use thrive_protocol::ids::{ConversationId, Seq, UserId};
use tokio_postgres::{Client, NoTls, Statement};

use self::measure::{Measure, people, say};

#[path = "shared/measure.rs"]
mod measure;

const CONNECTIONS: usize = 7;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut callers: Vec<usize> = Vec::new();
    for argument in std::env::args().skip(1) {
        callers.push(argument.parse().context("how many mark at once is a number")?);
    }
    if callers.is_empty() {
        callers = vec![1, 8, 64, 500];
    }
    let server = thrive_services::Postgres::start()?;
    let url = server.fresh();
    let database = measure::connect(&url).await?;
    let places = people(&database).await?;
    let mut singles = Vec::new();
    for _ in 0..CONNECTIONS {
        singles.push(Single::prepare(&url).await?);
    }
    say("at once  marks/s  CPU-ms per 1 000  one by one/s  CPU-ms per 1 000");
    for at_once in callers {
        let marks = Measure::begin(&server)?;
        try_join_all((0..at_once).map(|_| mark(&database, &places, &marks))).await?;
        let (rate, cpu) = marks.end()?;
        let marks = Measure::begin(&server)?;
        let busy = singles.iter().take(at_once);
        try_join_all(busy.map(|it| it.mark(&places, &marks))).await?;
        let (single_rate, single_cpu) = marks.end()?;
        say(&format!("{at_once:7}  {rate:7.0}  {cpu:16.2}  {single_rate:12.0}  {single_cpu:16.2}"));
    }
    Ok(())
}

type Place = (ConversationId, UserId);

/// Somebody else each time, and each time further.
fn next(places: &[Place], marks: &Measure<'_>) -> (Place, Seq) {
    static POSITION: AtomicU64 = AtomicU64::new(1);
    let number = marks.rows.get();
    marks.rows.set(number + 1);
    (places[number % places.len()], Seq(POSITION.fetch_add(1, Relaxed)))
}

async fn mark(database: &Database, places: &[Place], marks: &Measure<'_>) -> anyhow::Result<()> {
    while marks.goes_on() {
        let ((conversation, member), seq) = next(places, marks);
        database.mark_delivered(member, conversation, seq).await?;
    }
    Ok(())
}

struct Single {
    client: Client,
    update: Statement,
}

impl Single {
    async fn prepare(url: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        let update = client
            .prepare(
                "UPDATE member SET delivered_seq = $3
                 WHERE conversation = $1 AND account = $2 AND delivered_seq < $3",
            )
            .await?;
        Ok(Self { client, update })
    }

    async fn mark(&self, places: &[Place], marks: &Measure<'_>) -> anyhow::Result<()> {
        while marks.goes_on() {
            let ((conversation, member), seq) = next(places, marks);
            let seq = i64::try_from(seq.0)?;
            self.client.execute(&self.update, &[&conversation.0, &member.0, &seq]).await?;
        }
        Ok(())
    }
}
