//! The tray where this program does not know how to be in one: there is none, so windows are minimised.

use tokio::sync::mpsc::Sender;

use super::words::News;

#[derive(Debug)]
pub(super) struct Tray {
    news: Sender<News>,
}

impl Tray {
    pub(super) fn start(news: Sender<News>) -> Self {
        Self { news }
    }

    pub(super) fn ask(&self) {
        if self.news.try_send(News::Tray(false)).is_err() {
            tracing::debug!("The windows have too much to hear");
        }
    }

    pub(super) fn name(&self, _: String) {}
}
