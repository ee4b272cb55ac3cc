//! What an append costs Postgres: `cargo run --release -p thrive-node --example append [-- ROWS…]`.
//!
//! For each size of a batch: rows per second over one connection after another, and the time on the
//! processor that all processes of Postgres took for 1 000 rows; beside it the least that storing can
//! cost, an insert of the same arrays into a table that has a primary key and nothing else.

use anyhow::Context as _;
use thrive_node::store::Append;
use thrive_protocol::ids::{ClientMsgId, ConversationId, UserId};
use thrive_protocol::text::MessageText;
use tokio_postgres::NoTls;

use self::measure::{Measure, NOW, people, say};

#[path = "shared/measure.rs"]
mod measure;

const BODY: usize = 100;

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut sizes: Vec<usize> = Vec::new();
    for argument in std::env::args().skip(1) {
        sizes.push(argument.parse().context("the rows of a batch are a number")?);
    }
    if sizes.is_empty() {
        sizes = vec![1, 16, 100, 400];
    }
    let server = thrive_services::Postgres::start()?;
    let url = server.fresh();
    let database = measure::connect(&url).await?;
    let pairs = people(&database).await?;
    let bare = Bare::prepare(&url).await?;
    say("rows  append rows/s  CPU-ms per 1 000  bare rows/s  CPU-ms per 1 000  times");
    let mut number = 0;
    for size in sizes {
        let body = MessageText::parse(&"x".repeat(BODY))?;
        let appends = Measure::begin(&server)?;
        while appends.goes_on() {
            let batch = batch(&pairs, size, &mut number, &body);
            database.append(batch).await?;
            appends.rows.set(appends.rows.get() + size);
        }
        let (append_rate, append_cpu) = appends.end()?;
        let inserts = Measure::begin(&server)?;
        while inserts.goes_on() {
            bare.insert(size, &mut number).await?;
            inserts.rows.set(inserts.rows.get() + size);
        }
        let (bare_rate, bare_cpu) = inserts.end()?;
        let times = append_cpu / bare_cpu;
        say(&format!(
            "{size:4}  {append_rate:13.0}  {append_cpu:16.2}  {bare_rate:11.0}  {bare_cpu:16.2}  {times:5.2}"
        ));
    }
    Ok(())
}

/// Ids rise as those of real clients do, and senders come in no order.
fn batch(
    pairs: &[(ConversationId, UserId)],
    size: usize,
    number: &mut u64,
    body: &MessageText,
) -> Vec<Append> {
    let items = (0..size).map(|_| {
        *number += 1;
        let at = (*number).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 33;
        let (conversation, sender) = pairs[usize::try_from(at).unwrap_or_default() % pairs.len()];
        let mut id = [7; 16];
        id[..8].copy_from_slice(&number.to_be_bytes());
        Append { conversation, sender, id: ClientMsgId(id), text: body.clone(), time: NOW }
    });
    items.collect()
}

struct Bare {
    client: tokio_postgres::Client,
    insert: tokio_postgres::Statement,
}

impl Bare {
    async fn prepare(url: &str) -> anyhow::Result<Self> {
        let (client, connection) = tokio_postgres::connect(url, NoTls).await?;
        tokio::spawn(connection);
        client
            .batch_execute(
                "CREATE TABLE bare (id BIGINT PRIMARY KEY, conversation BIGINT, sender BIGINT,
                   client_msg_id BYTEA, time BIGINT, body BYTEA)",
            )
            .await?;
        let insert = client
            .prepare(
                "INSERT INTO bare SELECT * FROM unnest($1::bigint[], $2::bigint[], $3::bigint[],
                   $4::bytea[], $5::bigint[], $6::bytea[])",
            )
            .await?;
        Ok(Self { client, insert })
    }

    async fn insert(&self, size: usize, number: &mut u64) -> anyhow::Result<()> {
        let first = i64::try_from(*number)?;
        *number += size as u64;
        let ids: Vec<i64> = (first..first + i64::try_from(size)?).collect();
        let keys: Vec<[u8; 16]> = vec![[7; 16]; size];
        let keys: Vec<&[u8]> = keys.iter().map(<[u8; 16]>::as_slice).collect();
        let body = [b'x'; BODY];
        let bodies: Vec<&[u8]> = vec![&body; size];
        self.client.execute(&self.insert, &[&ids, &ids, &ids, &keys, &ids, &bodies]).await?;
        Ok(())
    }
}
