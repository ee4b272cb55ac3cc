//! T18: every message is sent one to five times, on connections to two nodes at once.

use std::sync::Arc;

use anyhow::Result;
use tokio::task::JoinSet;

use super::loud::{Author, Draft};
use super::{Cast, Plan, Report, Run, Site};
use crate::chaos::Dice;
use crate::crowd::Shape;
use crate::crowd::gather::come_in;
use crate::dial::Dialer;

/// Messages of one round, which go out together.
const ROUND: usize = 40;
/// Copies on one connection that wait for their answers.
const WINDOW: usize = 64;

/// T18.
pub async fn sent_again_and_again(plan: &Plan) -> Result<Report> {
    let site = Site::cluster(plan, 2, 0, |it| it).await?;
    let shape = Shape { people: plan.people.unwrap_or(12), group: 2, two_devices: 0 };
    let cast = Cast { shape, rate: plan.rate.unwrap_or(40.0) };
    let mut run = Run::begin("t18", plan, site, cast).await?;
    let rounds = if plan.short { 6 } else { 60 };
    let mut writing = JoinSet::new();
    for (number, (chat, one, other)) in (0_u32..).zip(run.crowd.chats()) {
        // Both of the chat write, and so both nodes number the same log at the same time.
        for (side, person) in [one, other].into_iter().enumerate() {
            let author = Author::new(number * 2 + side as u32, &run.crowd.journal);
            let token = run.crowd.people[person as usize].token.clone();
            let doors = [run.site.parts()?.door(0)?, run.site.parts()?.door(1)?];
            let seed = plan.seed.wrapping_add(u64::from(number) * 2 + side as u64);
            writing.spawn(async move {
                let mut author = author;
                let mut dice = Dice::new(seed);
                let doors = [doors[0].by(Dialer::new()?), doors[1].by(Dialer::new()?)];
                let (mut a, mut b) =
                    (come_in(&doors[0], &token).await?, come_in(&doors[1], &token).await?);
                let mut copies = 0;
                for _ in 0..rounds {
                    let (first, second) = round(&mut author, chat, &mut dice);
                    copies += first.len() + second.len();
                    let shared = Arc::new(&author);
                    tokio::try_join!(
                        shared.send(&mut a, first, WINDOW),
                        shared.send(&mut b, second, WINDOW)
                    )?;
                }
                Ok::<_, anyhow::Error>(copies)
            });
        }
    }
    let mut copies = 0;
    while let Some(outcome) = writing.join_next().await {
        copies += outcome??;
    }
    run.report.count("copies_sent", copies);
    run.pass(3.0, 1.0).await;
    run.check().await
}

/// The copies for each of two connections, in one order on both.
fn round(
    author: &mut Author,
    chat: thrive_protocol::ids::ConversationId,
    dice: &mut Dice,
) -> (Vec<Draft>, Vec<Draft>) {
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for _ in 0..ROUND {
        let draft = author.draft(chat, 16 + dice.roll() as usize % 200);
        for _ in 0..1 + dice.roll() % 5 {
            let at = if dice.chance(0.5) { &mut first } else { &mut second };
            at.push(draft.clone());
        }
    }
    (first, second)
}
