//! Watches for how long nothing was touched, and lets others see that.

use std::time::Duration;

use thrive_client::away::AutoAway;
use thrive_client::{Availability, Change, Changes, Client, Connection, Presence};
use tokio::sync::mpsc::Sender;
use tokio::time::{Instant, sleep, timeout};

use super::idle::Idle;
use super::words::{News, SocialNews};

/// Runs until it is ended, or nobody is logged in any more.
pub(super) async fn watch(
    client: Client,
    minutes: u8,
    shown_away: bool,
    wayland: bool,
    news: Sender<News>,
) {
    if shown_away {
        come_back(&client, &news).await;
    }
    let mut idle = Idle::find(wayland).await;
    tell(&news, SocialNews::IdleKnown(idle.is_known())).await;
    if minutes == 0 {
        return;
    }
    let limit = Duration::from_secs(60 * u64::from(minutes));
    let (mut auto, begun, mut told) = (AutoAway::after(limit), Instant::now(), false);
    let mut changes = client.changes();
    while client.connection() != Connection::Idle {
        let Some(untouched) = idle.read().await else {
            tell(&news, SocialNews::IdleKnown(false)).await;
            return;
        };
        let set = auto.observe(begun.elapsed(), untouched, &client.own_presence());
        if auto.is_away() && !told {
            // Said first: a program that ends now must know it when it starts again.
            told = true;
            tell(&news, SocialNews::AutoAway(true)).await;
        }
        if let Some(presence) = set {
            match client.set_presence(presence.clone()).await {
                Ok(()) => auto.set(&presence),
                // It is given again the next time.
                Err(error) => tracing::debug!(%error, "The status is not set"),
            }
        }
        if told && !auto.is_away() {
            told = false;
            tell(&news, SocialNews::AutoAway(false)).await;
        }
        let wait = if auto.awaits_touch() { SOON } else { next_look(untouched, limit) };
        until_changed(&mut changes, wait).await;
    }
}

/// Waits for so long, or until another status is there: what other devices do is to be seen when they do it.
async fn until_changed(changes: &mut Changes, wait: Duration) {
    let changed = async {
        while let Some(change) = changes.next().await {
            if matches!(change, Change::OwnPresence(_) | Change::Reload) {
                break;
            }
        }
    };
    // After the last change the client is closed, and the loop ends.
    drop(timeout(wait, changed).await);
}

/// An earlier watch has ended while I was shown as away: that was never my choice.
async fn come_back(client: &Client, news: &Sender<News>) {
    while client.connection() != Connection::Idle {
        let own = client.own_presence();
        match own.availability {
            // The server has not said yet how I am shown.
            Availability::Offline => {}
            Availability::Away => {
                let online = Presence { availability: Availability::Online, ..own };
                if client.set_presence(online).await.is_ok() {
                    break;
                }
            }
            Availability::Online
            | Availability::Busy
            | Availability::DoNotDisturb
            | Availability::Invisible => break,
        }
        sleep(SOON).await;
    }
    tell(news, SocialNews::AutoAway(false)).await;
}

/// Somebody who is away is noticed soon when they are back; nobody needs to be asked for before they
/// can have been away for so long.
fn next_look(untouched: Duration, limit: Duration) -> Duration {
    match limit.checked_sub(untouched) {
        Some(left) => left.clamp(SOON, LATE),
        None => SOON,
    }
}

async fn tell(news: &Sender<News>, item: SocialNews) {
    // Fails only when the windows are gone, and then nobody wants to know.
    if news.send(News::Social(item)).await.is_err() {
        tracing::debug!("News came after the last window was closed");
    }
}

const SOON: Duration = Duration::from_secs(3);
const LATE: Duration = Duration::from_secs(60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_computer_that_is_used_is_asked_rarely_and_one_that_is_not_is_asked_often() {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        assert_eq!(next_look(minutes(0), minutes(10)), LATE);
        assert_eq!(next_look(Duration::from_secs(575), minutes(10)), Duration::from_secs(25));
        assert_eq!(next_look(minutes(10), minutes(10)), SOON);
        assert_eq!(next_look(minutes(50), minutes(10)), SOON);
    }
}
