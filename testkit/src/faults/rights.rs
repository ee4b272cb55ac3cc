//! Blocks and ended sessions hold everywhere: I11, I12; with the bus, and without it.

use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use thrive_protocol::ids::ConversationId;
use thrive_protocol::request::{BlockUser, Resume};
use thrive_protocol::{Code, Event, Reply, Request};

use super::{Plan, Report, Site, Thresholds};
use crate::ledger::Invariant;
use crate::raw::{RawClient, message_id};

/// A session that was ended is over everywhere within this; the second figure is without the bus.
const REVOKED: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(4)];

/// Blocks and revoked sessions, over two nodes.
pub async fn hold_everywhere(plan: &Plan) -> Result<Report> {
    let mut report = Report::new("rights", plan.seed, plan.short);
    for (mute, limit) in [false, true].into_iter().zip(REVOKED) {
        let set = move |it: crate::cluster::Builder| it.set("faults.drop_hints", mute);
        let site = Site::cluster(plan, 2, 0, set).await?;
        let name = if mute { "mute" } else { "usual" };
        for round in 0..if plan.short { 2 } else { 10 } {
            block(&site, round, &mut report).await?;
            let took = revoke(&site, round, limit, &mut report).await?;
            let slowest = report.get(&format!("revoked_{name}_max_ms")).unwrap_or_default();
            let took = (took.as_secs_f64() * 1_000.0).max(slowest).round();
            report.figure(format!("revoked_{name}_max_ms"), took);
        }
    }
    report.judge(&Thresholds::ours()?)?;
    Ok(report)
}

/// I11: from the moment at which a block is confirmed, nothing comes through, from any node.
async fn block(site: &Site, round: u32, report: &mut Report) -> Result<()> {
    let doors = [site.parts()?.door(0)?, site.parts()?.door(1)?];
    let (ann, bob) = (format!("ann{round}"), format!("bob{round}"));
    let pair = doors[0].pair_of(&ann, &bob).await?;
    let mut writer = doors[1].resume(&pair.ann.token()?).await?;
    let mut reader = pair.bob;
    writer.say(pair.chat, "this may be read").await?;
    reader.entry().await.context("what came before the block")?;
    reader.ok(Request::BlockUser(BlockUser { username: ann })).await?;
    for client in [&mut writer, &mut { pair.ann }] {
        if let Ok(stored) = try_to_write(client, pair.chat).await? {
            let what = format!("a message was stored after the block: {stored:?}");
            report.missed(Invariant::I11, what);
        }
    }
    let heard = reader.events_until(Duration::from_millis(500)).await?;
    if heard.iter().any(|it| matches!(it, Event::Entry(_))) {
        report.missed(Invariant::I11, "something was delivered after the block");
    }
    Ok(())
}

async fn try_to_write(
    client: &mut RawClient,
    chat: ConversationId,
) -> Result<Result<thrive_protocol::reply::Stored, Code>> {
    let answer = client.send(chat, message_id(), "this may not").await?;
    Ok(answer.map_err(|no| no.code))
}

/// I12: how long a session lives on another node after it was ended. Its token is void at once.
async fn revoke(site: &Site, round: u32, limit: Duration, report: &mut Report) -> Result<Duration> {
    let doors = [site.parts()?.door(0)?, site.parts()?.door(1)?];
    let name = format!("eve{round}");
    let mut keeps = doors[0].newcomer(&name).await?;
    let loses = doors[1].log_in(&name).await?;
    let session = loses.me.as_ref().context("logged in")?.session;
    let begun = Instant::now();
    keeps.ok(Request::RevokeSession { session }).await?;
    for door in &doors {
        let mut guest = door.guest().await?;
        match guest.ask(Request::Resume(Resume { token: loses.token()? })).await? {
            Err(refusal) if refusal.code == Code::SessionEnded => {}
            Err(other) => bail!("an odd refusal: {other:?}"),
            Ok(Reply::LoggedIn(_)) => {
                report.missed(Invariant::I12, "a token was taken after its session was ended");
            }
            Ok(other) => bail!("an odd answer: {other:?}"),
        }
    }
    let closed = tokio::time::timeout(limit * 2, loses.connection.closed()).await;
    let took = begun.elapsed();
    if closed.is_err() || limit < took {
        let what = format!("a session was still open {took:?} after it was ended");
        report.missed(Invariant::I12, what);
    }
    Ok(took)
}
