//! A Postgres of one's own, people in it, and what Postgres costs while something is done.

use std::cell::Cell;
use std::fs;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use thrive_node::config;
use thrive_node::store::Database;
use thrive_node::store::accounts::NewAccount;
use thrive_protocol::ids::{ConversationId, Time, UserId};
use thrive_protocol::name::Username;
use thrive_services::OwnPostgres;

pub(crate) const NOW: Time = Time(1_800_000_000_000);
const CONVERSATIONS: usize = 50;
const WINDOW: Duration = Duration::from_secs(6);

pub(crate) async fn connect(url: &str) -> anyhow::Result<Database> {
    let settings = config::Postgres {
        url: config::Url::parse(url, &["postgres"]).context("a URL")?,
        password_file: None,
        ca: None,
        connections: 12,
    };
    Ok(Database::connect(&settings).await?)
}

/// Conversations, each with both of its members.
pub(crate) async fn people(database: &Database) -> anyhow::Result<Vec<(ConversationId, UserId)>> {
    let mut pairs = Vec::new();
    for number in 0..CONVERSATIONS {
        let mut both = Vec::new();
        for side in ["anna", "bert"] {
            let new = NewAccount {
                username: Username::parse(&format!("{side}{number}"))?,
                password_hash: String::new(),
                created: NOW,
                freed_before: NOW,
                invite: None,
                first_is_admin: false,
                address: None,
            };
            both.push(database.create_account(new).await?.user);
        }
        let conversation = database.create_direct(both[0], both[1], NOW).await?;
        let conversation = conversation.context("a new conversation")?;
        pairs.extend(both.into_iter().map(|user| (conversation, user)));
    }
    Ok(pairs)
}

/// A window of time, and what Postgres did in it.
pub(crate) struct Measure<'s> {
    server: &'s OwnPostgres,
    begun: Instant,
    ticks: u64,
    pub(crate) rows: Cell<usize>,
}

impl<'s> Measure<'s> {
    pub(crate) fn begin(server: &'s OwnPostgres) -> anyhow::Result<Self> {
        // What the last one left for the disk is not this one's.
        server.sql("postgres", "CHECKPOINT")?;
        Ok(Self { server, begun: Instant::now(), ticks: ticks(server.pid())?, rows: 0.into() })
    }

    pub(crate) fn goes_on(&self) -> bool {
        self.begun.elapsed() < WINDOW
    }

    /// Rows per second, and milliseconds on the processor per 1 000 rows.
    pub(crate) fn end(self) -> anyhow::Result<(f64, f64)> {
        #[expect(clippy::cast_precision_loss, reason = "figures for people")]
        let (rows, ticks) =
            (self.rows.get() as f64, (ticks(self.server.pid())? - self.ticks) as f64);
        Ok((rows / self.begun.elapsed().as_secs_f64(), ticks * MS_PER_TICK / (rows / 1_000.0)))
    }
}

/// Of a process and its living children.
fn ticks(parent: u32) -> anyhow::Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir("/proc")? {
        let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) else { continue };
        let Some((before, after)) = stat.rsplit_once(')') else { continue };
        let fields: Vec<_> = after.split_whitespace().collect();
        let own = before.split_whitespace().next() == Some(parent.to_string().as_str());
        if own || fields.get(1) == Some(&parent.to_string().as_str()) {
            sum += fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        }
    }
    Ok(sum)
}

/// Of Linux, for programs: 100 ticks in a second.
const MS_PER_TICK: f64 = 10.0;

#[expect(clippy::print_stdout, reason = "the figures are what this program is for")]
pub(crate) fn say(line: &str) {
    println!("{line}");
}
