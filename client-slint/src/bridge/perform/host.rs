//! Wishes about the host.

use thrive_client::Failure;

use super::{Bridge, tell};
use crate::bridge::words::{HostNews, HostWish, News};

impl Bridge {
    pub(super) async fn host(&mut self, wish: HostWish) {
        let HostWish::Order(command) = wish;
        let Some(connected) = &self.line else {
            let nobody = Err(Failure::NotLoggedIn);
            return tell(&self.news, News::Host(HostNews::Answered(nobody))).await;
        };
        let client = connected.client.clone();
        self.call(async move |news| {
            let result = client.admin(command).await;
            tell(&news, News::Host(HostNews::Answered(result))).await;
        });
    }
}
