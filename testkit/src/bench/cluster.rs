//! A whole cluster of this build on this machine, and everything that is measured of it. Each figure is
//! one line of JSON; what was sent is always compared with what was received, and a run in which
//! anything is lost, doubled or out of order has no figure.

#![expect(clippy::print_stdout, reason = "it prints figures, and that is what it is for")]

use std::time::Duration;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use thrive_node::config;
use thrive_node::store::Database;
use thrive_services::PostgresOptions;

use crate::bench::costs::{Costs, round};
use crate::bench::fan_out::Room;
use crate::bench::idle;
use crate::bench::load::{self, People};
use crate::bench::sessions::{self, Entrance};
use crate::cluster::Cluster;
use crate::seed;
use crate::usage;

/// What to measure.
#[derive(Args, Clone, Debug)]
pub struct Plan {
    /// Only these parts; without it, all of them
    #[arg(long, value_enum, value_delimiter = ',')]
    only: Vec<Part>,
    /// Pairs of people who write to each other
    #[arg(long, default_value_t = 50)]
    pairs: usize,
    /// Messages of each run
    #[arg(long, default_value_t = 100_000)]
    messages: usize,
    /// Bytes of each message text
    #[arg(long, default_value_t = 100)]
    bytes: usize,
    /// Seconds of each run at a fixed rate, and of each run of arrivals
    #[arg(long, default_value_t = 15)]
    seconds: u64,
    /// Idle connections, one measurement each
    #[arg(long, value_delimiter = ',', default_values_t = [1_000, 5_000, 10_000])]
    idle: Vec<usize>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
enum Part {
    /// 1:1 as fast as it goes: on one node, over two nodes, many pairs
    Closed,
    /// The same through a router, beside a direct run
    Router,
    /// 1:1 at fixed rates over two nodes, through the router
    Open,
    /// One writer, 100 and 1 000 readers
    FanOut,
    /// Arrivals by connection, token and password
    Sessions,
    /// Memory of idle connections
    Idle,
}

/// What runs wants of its Postgres: safe, and with room, so that checkpoints are not what is measured.
const POSTGRES: &[(&str, &str)] = &[
    ("shared_buffers", "1GB"),
    ("max_wal_size", "8GB"),
    ("checkpoint_timeout", "30min"),
    ("jit", "off"),
];

/// # Errors
/// The cluster does not do what it should.
pub async fn run(plan: &Plan) -> Result<()> {
    let load = usage::load()?;
    println!(
        "Method: this build as processes on this machine over loopback, Postgres with fsync and \n\
         synchronous commit, Redis without persistence. The generator is one process with one thread \n\
         on the same processors. A message counts when its recipient has it; times are from the send \n\
         (at a fixed rate: from when it was due). Processor milliseconds are for 1 000 messages \n\
         delivered. Window: messages of one sender that wait for their answer.\n\
         Load of the machine before: {load} (over 0.2, something else runs, and figures are worse).\n"
    );
    let wanted = |part| plan.only.is_empty() || plan.only.contains(&part);
    if wanted(Part::Closed) {
        closed(plan).await?;
    }
    if wanted(Part::Router) {
        router(plan).await?;
    }
    if wanted(Part::Open) {
        open(plan).await?;
    }
    if wanted(Part::FanOut) {
        fan_out(plan).await?;
    }
    if wanted(Part::Sessions) {
        arrivals(plan).await?;
    }
    if wanted(Part::Idle) {
        for connections in &plan.idle {
            memory(*connections).await?;
        }
    }
    Ok(())
}

async fn closed(plan: &Plan) -> Result<()> {
    let cluster = cluster(2, 0)?;
    let (here, there) = (cluster.door(0)?, cluster.door(1)?);
    for (what, readers) in [("one node", &here), ("two nodes", &there)] {
        let name = what.replace(' ', "-");
        let mut people = People::gather_at(&here, readers, &name, plan.pairs).await?;
        for window in [1, 8] {
            let _warm = people.exchange(plan.messages / 10, window, plan.bytes).await?;
            measured(&cluster, &mut people, plan, what, window).await?;
        }
    }
    let mut people = People::gather_at(&here, &there, "many", plan.pairs * 10).await?;
    let _warm = people.exchange(plan.messages / 10, 4, plan.bytes).await?;
    measured(&cluster, &mut people, plan, "two nodes, ten times the pairs", 4).await?;
    Ok(())
}

/// One after the other and often, so that what else the machine does meets both.
async fn router(plan: &Plan) -> Result<()> {
    let cluster = cluster(1, 1)?;
    let (direct, routed) = (cluster.door(0)?, cluster.router_door(0)?);
    let mut direct = People::gather_at(&direct, &direct, "direct", plan.pairs).await?;
    let mut routed = People::gather_at(&routed, &routed, "routed", plan.pairs).await?;
    for window in [1, 8] {
        let mut ratios = Vec::new();
        for _ in 0..ROUNDS {
            let without = measured(&cluster, &mut direct, plan, "direct", window).await?;
            let with = measured(&cluster, &mut routed, plan, "through the router", window).await?;
            ratios.push(with / without);
        }
        ratios.sort_by(f64::total_cmp);
        let median = round(ratios[ROUNDS / 2]);
        println!("{}", json!({ "bench": "router", "window": window, "routed_to_direct": median }));
    }
    Ok(())
}

async fn open(plan: &Plan) -> Result<()> {
    let cluster = cluster(2, 1)?;
    let front = cluster.router_door(0)?;
    let (here, there) = (front.to(&server(0)), front.to(&server(1)));
    let mut people = People::gather_at(&here, &there, "open", plan.pairs).await?;
    let most = measured(&cluster, &mut people, plan, "two nodes through the router", 8).await?;
    let time = Duration::from_secs(plan.seconds);
    for rate in [500.0, most / 2.0] {
        let before = Costs::of(&cluster)?;
        let figures = people.speak(rate, time, plan.bytes).await?;
        let costs = Costs::of(&cluster)?.since(before);
        println!(
            "{}",
            json!({ "bench": "open", "rate": rate.round(), "messages": figures.messages,
                "arrival_ms": quantiles(&figures.arrived), "answer_ms": quantiles(&figures.answered),
                "cpu_ms_per_1000": costs.per_thousand(figures.messages) })
        );
    }
    Ok(())
}

async fn fan_out(plan: &Plan) -> Result<()> {
    let cluster = cluster(2, 0)?;
    let database = store(&cluster).await?;
    let doors = [cluster.door(0)?, cluster.door(1)?];
    for members in [100, 1_000] {
        let mut room = Room::gather(&database, cluster.database_url(), &doors, members).await?;
        let messages = (200_000 / members) as u64;
        for window in [1, 4] {
            let _warm = room.speak(messages / 10, window, plan.bytes).await?;
            let before = Costs::of(&cluster)?;
            let figures = room.speak(messages, window, plan.bytes).await?;
            let costs = Costs::of(&cluster)?.since(before);
            println!(
                "{}",
                json!({ "bench": "fan-out", "members": members, "window": window,
                    "deliveries_per_s": (figures.deliveries as f64 / figures.took.as_secs_f64()).round(),
                    "arrival_ms": quantiles(&figures.arrived), "last_ms": quantiles(&figures.complete),
                    "cpu_ms_per_1000": costs.per_thousand(figures.deliveries) })
            );
        }
    }
    database.close().await;
    Ok(())
}

async fn arrivals(plan: &Plan) -> Result<()> {
    let cluster = cluster(1, 1)?;
    let database = store(&cluster).await?;
    let people = seed::people(&database, "comer", ACCOUNTS).await?;
    database.close().await;
    let tokens = people.iter().map(|it| it.token.clone()).collect();
    let mut names = Vec::new();
    for number in 0..PASSWORDS {
        let name = format!("typist{number}");
        cluster.door(0)?.sign_up(&name).await?;
        names.push(name);
    }
    let time = Duration::from_secs(plan.seconds);
    for (how, entrance, at_once) in [
        ("connection", Entrance::Connection, 32),
        ("token", Entrance::Token(tokens), 32),
        ("password", Entrance::Password(names.into()), 8),
    ] {
        for (way, door) in [("direct", cluster.door(0)?), ("router", cluster.router_door(0)?)] {
            let before = Costs::of(&cluster)?;
            let figures = sessions::measure(&door, &entrance, at_once, time).await?;
            let costs = Costs::of(&cluster)?.since(before);
            println!(
                "{}",
                json!({ "bench": "arrivals", "by": how, "way": way, "at_once": at_once,
                    "per_s": round(figures.entered as f64 / figures.took.as_secs_f64()),
                    "ms": quantiles(&figures.times),
                    "cpu_ms_per_1000": costs.per_thousand(figures.entered) })
            );
        }
    }
    Ok(())
}

async fn memory(connections: usize) -> Result<()> {
    let cluster = cluster(1, 1)?;
    let database = store(&cluster).await?;
    let people = seed::people(&database, "idler", ACCOUNTS).await?;
    database.close().await;
    let tokens: Vec<_> = people.into_iter().map(|it| it.token).collect();
    let (_, pid) = *cluster.node_pids().first().context("a node")?;
    let memory = idle::measure(&cluster.router_door(0)?, pid, &tokens, connections).await?;
    println!(
        "{}",
        json!({ "bench": "idle", "connections": connections,
            "bytes_per_connection": memory.per_connection, "before": memory.before,
            "with": memory.with })
    );
    Ok(())
}

async fn measured(
    cluster: &Cluster,
    people: &mut People,
    plan: &Plan,
    what: &str,
    window: usize,
) -> Result<f64> {
    let before = Costs::of(cluster)?;
    let figures = people.exchange(plan.messages, window, plan.bytes).await?;
    let costs = Costs::of(cluster)?.since(before);
    let load::Figures { messages, took, arrived, answered } = figures;
    let rate = messages as f64 / took.as_secs_f64();
    println!(
        "{}",
        json!({ "bench": "closed", "what": what, "window": window, "messages": messages,
            "messages_per_s": rate.round(), "arrival_ms": quantiles(&arrived),
            "answer_ms": quantiles(&answered), "cpu_ms_per_1000": costs.per_thousand(messages) })
    );
    Ok(rate)
}

fn cluster(nodes: usize, routers: usize) -> Result<Cluster> {
    let settings = POSTGRES.iter().map(|(key, value)| ((*key).into(), (*value).into()));
    let options = PostgresOptions { settings: settings.collect(), ..PostgresOptions::default() };
    let mut builder = Cluster::start().nodes(nodes).routers(routers).log("warn");
    for node in 0..nodes {
        builder = builder.set_on(node, "name", server(node));
    }
    builder.own_services_with(options).ready()
}

/// What a node calls itself.
fn server(node: usize) -> String {
    format!("Node {node}")
}

/// The store itself, to put people into it.
async fn store(cluster: &Cluster) -> Result<Database> {
    let url = config::Url::parse(cluster.database_url(), &["postgres", "postgresql"]);
    let settings = config::Postgres {
        url: url.context("the URL of a Postgres")?,
        password_file: None,
        ca: None,
        connections: 4,
    };
    Ok(Database::connect(&settings).await?)
}

fn quantiles(histogram: &Histogram<u64>) -> Value {
    let ms = |quantile| round(histogram.value_at_quantile(quantile) as f64 / 1_000.0);
    json!({ "p50": ms(0.5), "p99": ms(0.99), "p999": ms(0.999), "max": ms(1.0) })
}

/// Accounts that come in by token.
const ACCOUNTS: usize = 200;
/// Accounts that come in by password: each costs a hash to make.
const PASSWORDS: usize = 20;
/// Runs of each kind where two are compared.
const ROUNDS: usize = 3;
