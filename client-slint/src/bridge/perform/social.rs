//! Wishes about people beyond the contact list.

use thrive_client::{Change, Client, Connection, Contact, Failure, UserId};
use tokio::sync::mpsc::Sender;

use super::{Bridge, tell};
use crate::bridge::away;
use crate::bridge::words::{News, SocialNews, SocialWish};

impl Bridge {
    pub(super) async fn social(&mut self, wish: SocialWish) {
        let Some(connected) = &self.line else { return };
        let client = connected.client.clone();
        match wish {
            SocialWish::Directory { tab, search, after, asked } => self.call(async move |news| {
                let result = client.directory(tab, &search, after).await;
                tell_social(&news, SocialNews::Directory { asked, result }).await;
            }),
            SocialWish::Talks => self.call(async move |news| {
                tell_social(&news, SocialNews::Talks(client.conversations().await)).await;
            }),
            SocialWish::Add(username) => self.call(async move |news| {
                let result = client.add_contact(username.as_str(), "").await;
                tell_social(&news, SocialNews::Added(result)).await;
            }),
            SocialWish::Name { user, nickname, group } => self.call(async move |news| {
                let result = name(&client, user, nickname, group).await;
                tell_social(&news, SocialNews::Named(result)).await;
            }),
            SocialWish::RenameGroup { group, name } => self.call(async move |news| {
                let result = client.rename_group(&group, &name).await;
                tell_social(&news, SocialNews::GroupRenamed { group, result }).await;
            }),
            SocialWish::Away { minutes, shown_away } => {
                self.away.shutdown().await;
                let (wayland, news) = (self.place.wayland, self.news.clone());
                self.away.spawn(away::watch(client, minutes, shown_away, wayland, news));
            }
            SocialWish::Privacy => self.call(async move |news| {
                tell_social(&news, SocialNews::Privacy(client.privacy().await)).await;
            }),
            SocialWish::SetPrivacy(set) => self.call(async move |news| {
                tell_social(&news, SocialNews::Privacy(client.set_privacy(set).await)).await;
            }),
            SocialWish::StatusLimit => {
                self.call(async move |news| match client.server_info().await {
                    Ok(info) => {
                        tell_social(&news, SocialNews::StatusLimit(info.status_chars)).await
                    }
                    Err(error) => tracing::debug!(%error, "The longest status is not known"),
                })
            }
        }
    }
}

/// Both, or the first that is refused.
async fn name(
    client: &Client,
    user: UserId,
    nickname: Option<String>,
    group: Option<String>,
) -> Result<Contact, Failure> {
    let mut contact = client.contact(user).ok_or(Failure::NotLoggedIn);
    if let Some(nickname) = nickname {
        contact = Ok(client.name_contact(user, &nickname).await?);
    }
    if let Some(group) = group {
        contact = Ok(client.group_contact(user, &group).await?);
    }
    contact
}

/// What was missed comes before the news that everything has been read.
pub(super) async fn missed_before(change: &Change, client: &Client, news: &Sender<News>) {
    if *change == Change::Connection(Connection::Online) {
        tell_missed(client, news).await;
    }
}

pub(super) async fn tell_missed(client: &Client, news: &Sender<News>) {
    tell_social(news, SocialNews::Missed(client.missed())).await;
}

async fn tell_social(news: &Sender<News>, item: SocialNews) {
    tell(news, News::Social(item)).await;
}
