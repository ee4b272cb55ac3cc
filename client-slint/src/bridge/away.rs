//! Watches for how long nothing was touched, and lets others see that.

use std::time::Duration;

use thrive_client::away::AutoAway;
use thrive_client::{Availability, Client, Connection, Presence};
use tokio::sync::mpsc::Sender;
use tokio::time::sleep;

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
    let mut auto = AutoAway::after(limit);
    while client.connection() != Connection::Idle {
        let Some(untouched) = idle.read().await else {
            tell(&news, SocialNews::IdleKnown(false)).await;
            return;
        };
        let own = client.own_presence();
        if let Some(presence) = auto.observe(untouched, &own) {
            let away = presence.availability == Availability::Away;
            // Said first: a program that ends now must know it when it starts again.
            if away {
                tell(&news, SocialNews::AutoAway(true)).await;
            }
            match client.set_presence(presence).await {
                Ok(()) if !away => tell(&news, SocialNews::AutoAway(false)).await,
                Ok(()) => {}
                // It is given again the next time.
                Err(error) => tracing::debug!(%error, "The status is not set"),
            }
        }
        sleep(next_look(untouched, limit)).await;
    }
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
