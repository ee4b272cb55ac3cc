//! Links that are cut, slow, lossy or moving: T10, T13, T14, T15.

use std::time::Duration;

use anyhow::Result;

use super::{Cast, Plan, Report, Run, Site};
use crate::chaos::{UdpLink, UdpPath, UdpRelay, Way};
use crate::ledger::Invariant;
use crate::ledger::delay;

/// A client that is in use notices a dead path within this.
const NOTICED: Duration = Duration::from_secs(10);
/// How long a node keeps a connection from which nothing comes, and a little more.
const IDLE: Duration = Duration::from_secs(66);

/// The links of one node that can be cut.
#[derive(Clone, Copy, Debug)]
enum Link {
    Redis,
    Postgres,
    Routers,
}

/// T10: one node is cut off from Redis, from Postgres, and from the routers; both ways and each way.
pub async fn partitions(plan: &Plan) -> Result<Report> {
    // Routers reach the first node through this only.
    let port = thrive_services::free_udp_port()?;
    let behind = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let relay = UdpRelay::start(behind, plan.seed)?;
    let advertised = relay.address();
    let build = |it: crate::cluster::Builder| {
        it.links().set_on(0, "cluster.listen", behind).set_on(0, "cluster.advertise", advertised)
    };
    let site = Site::cluster(plan, 2, 1, build).await?;
    let mut run = Run::begin("t10", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(10.0, 2.0).await;
    run.delays("before", before);
    for link in [Link::Redis, Link::Postgres, Link::Routers] {
        for way in [Way::Both, Way::Up, Way::Down] {
            let name = format!("{link:?}_{way:?}").to_lowercase();
            let cluster = run.site.parts()?;
            let set = |cut: bool| -> Result<()> {
                match (link, cut) {
                    (Link::Redis, true) => cluster.redis_link(0)?.blackhole(way),
                    (Link::Redis, false) => cluster.redis_link(0)?.pass(),
                    (Link::Postgres, true) => cluster.postgres_link(0)?.blackhole(way),
                    (Link::Postgres, false) => cluster.postgres_link(0)?.pass(),
                    (Link::Routers, true) => relay.blackhole(way),
                    (Link::Routers, false) => relay.pass(),
                }
                Ok(())
            };
            set(true)?;
            let during = run.pass(12.0, 4.0).await;
            set(false)?;
            let healed = run.now();
            match run.all_back(healed).await {
                Ok(took) => run.report.time(format!("all_back_after_{name}_ms"), took),
                Err(error) => run.report.missed(Invariant::I16, format!("{name}: {error:#}")),
            }
            run.pass(6.0, 2.0).await;
            run.delays(&name, during);
        }
    }
    // A node that no router and no other node reaches still knows its clients; they are elsewhere by then.
    run.presence.absent = Duration::from_secs(15);
    run.presence.ghost = Duration::from_secs(20);
    run.check().await
}

/// T13: for a part of the clients, the network is gone without a word.
pub async fn half_open(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let (site, relay) = site.with_relay(plan.seed)?;
    let mut run = Run::begin("t13", plan, site, Cast::usual(plan)).await?;
    run.pass(10.0, 2.0).await;
    let fault = run.now();
    relay.blackhole(Way::Both);
    let during = run.pass(40.0, 20.0).await;
    relay.pass();
    let healed = run.now();
    let back = run.all_back(healed).await?;
    run.report.time("all_back_ms", back);
    run.pass(5.0, 2.0).await;
    let records = run.crowd.journal.records();
    let behind = run.crowd.at(relay.address()).count();
    let noticed = delay::noticed(&records, fault, during);
    run.report.count("behind_the_relay", behind);
    if noticed.count < behind {
        let what = format!("{} of {behind} clients noticed that they were cut off", noticed.count);
        run.report.missed(Invariant::I16, what);
    }
    if NOTICED < noticed.p99 {
        let what = format!("noticing that the path is dead took {:?}", noticed.p99);
        run.report.missed(Invariant::I16, what);
    }
    run.report.spread("noticed", noticed);
    run.delays("during", during);
    // Until the node gives the silent connection up, it is right to show them.
    run.presence.ghost = IDLE;
    run.check().await
}

/// T14: the clients' addresses change every few seconds.
pub async fn rebinding(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let (site, relay) = site.with_relay(plan.seed)?;
    let site = site.only_through(relay.address());
    let mut run = Run::begin("t14", plan, site, Cast::usual(plan)).await?;
    let before = run.pass(10.0, 2.0).await;
    relay.rebind_every(Some(Duration::from_secs(5)));
    let during = run.pass(30.0, 11.0).await;
    relay.rebind_every(None);
    run.pass(3.0, 1.0).await;
    run.delays("before", before);
    run.delays("during", during);
    let after = run.since(before.until);
    run.comebacks(before.until, after);
    run.check().await
}

/// T15: loss, narrow and long links, repeats and disorder.
pub async fn bad_links(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 1, |it| it).await?;
    let (site, relay) = site.with_relay(plan.seed)?;
    let site = site.only_through(relay.address());
    let mut run = Run::begin("t15", plan, site, Cast::usual(plan)).await?;
    let ms = Duration::from_millis;
    let phases = [
        ("clear", UdpPath::default()),
        ("loss_5", UdpPath { loss: 0.05, ..UdpPath::default() }),
        ("loss_20", UdpPath { loss: 0.2, ..UdpPath::default() }),
        ("narrow", UdpPath { bandwidth: Some(128_000 / 8), ..UdpPath::default() }),
        ("long", UdpPath { delay: ms(300), ..UdpPath::default() }),
        ("disorder", UdpPath { duplicate: 0.1, jitter: ms(40), ..UdpPath::default() }),
    ];
    for (name, path) in phases {
        relay.set(UdpLink::both(path));
        let during = run.pass(15.0, 4.0).await;
        run.delays(name, during);
    }
    relay.pass();
    run.pass(5.0, 2.0).await;
    let overflowed = relay.traffic().overflowed;
    run.report.figure("relay_overflowed", overflowed as f64);
    run.check().await
}
