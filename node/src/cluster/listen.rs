//! Hears what other nodes say of who is connected to them. That a connection stands means nothing: only
//! hearing oneself does.

use std::sync::Arc;
use std::time::Instant;

use tokio::time::{interval, sleep};
use tokio_util::sync::CancellationToken;

use super::Inner;
use crate::presence::{Gossip, Online};
use crate::redis::RedisError;

/// Until `stop`.
pub(super) async fn listen(inner: Arc<Inner>, online: Online, stop: CancellationToken) {
    let mut failed = false;
    loop {
        let heard = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            heard = hear(&inner, &online) => heard,
        };
        match heard {
            Ok(why) => {
                failed = false;
                tracing::info!(why, "Listening anew to who is online on other nodes");
            }
            Err(error) => {
                if !std::mem::replace(&mut failed, true) {
                    let error = &error as &dyn std::error::Error;
                    tracing::warn!(error, "Other nodes are not heard; trying again");
                }
            }
        }
        // After a success, too: a server may take the subscription each time and close at once.
        tokio::select! {
            biased;
            () = stop.cancelled() => return,
            () = sleep(inner.periods.again) => {}
        }
    }
}

/// Until nothing is heard any more. Says why.
///
/// # Errors
/// No connection could be made.
async fn hear(inner: &Inner, online: &Online) -> Result<&'static str, RedisError> {
    let mut pubsub = inner.redis.pubsub().await?;
    pubsub.subscribe(&[inner.channel()], inner.periods.answer).await?;
    // Whatever was said before is not heard.
    online.doubt();
    let mut tick = interval(inner.periods.silence / 8);
    let (mut heard, mut dropped) = (Instant::now(), 0);
    loop {
        tokio::select! {
            biased;
            message = pubsub.next() => {
                let Some(message) = message else { return Ok("the connection is gone") };
                let gossip = Gossip::decode(&message.payload);
                if gossip.is_some_and(|gossip| online.hear(gossip, Instant::now())) {
                    heard = Instant::now();
                }
            }
            _ = tick.tick() => {
                if inner.periods.silence < heard.elapsed() {
                    return Ok("nothing was heard");
                }
                if dropped < pubsub.dropped() {
                    dropped = pubsub.dropped();
                    online.doubt();
                }
            }
        }
    }
}
