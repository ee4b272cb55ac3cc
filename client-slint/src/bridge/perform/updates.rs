//! Wishes about newer versions. They need no server, and threads that may wait for a slow page.

use tokio::sync::mpsc::Sender;

use super::Bridge;
use crate::bridge::words::{News, UpdateNews, UpdateWish};
use crate::clock;
use crate::updates::{self, Feed, Fetcher, Refusal, Verdict, Version, visits};

impl Bridge {
    pub(super) fn updates(&self, wish: UpdateWish) {
        let Some(feed) = self.place.updates.clone() else { return };
        let dir = self.place.dir.clone();
        let news = self.news.clone();
        // Not one of the calls: it may last hours, and the program must be able to end.
        let started =
            std::thread::Builder::new().name("updates".into()).spawn(move || match wish {
                UpdateWish::Look => {
                    let result = updates::look(&feed, &Fetcher::default(), &dir, Version::own());
                    tell(&news, UpdateNews::Looked(result.map_err(|it| told(&it))));
                }
                UpdateWish::LookOnceADay => {
                    if !visits::due(&dir, clock::now_ms()) {
                        return;
                    }
                    match updates::look(&feed, &Fetcher::default(), &dir, Version::own()) {
                        Ok(Verdict::Newer(offer)) => tell(&news, UpdateNews::Noticed(offer)),
                        Ok(Verdict::Newest) => {}
                        Err(refusal) => {
                            tracing::warn!(%refusal, "No newer version is looked for today")
                        }
                    }
                }
                UpdateWish::Install(offer) => {
                    let result = install(&feed, &offer, &dir, &news);
                    let result = result.map(|()| offer.version).map_err(|it| told(&it));
                    tell(&news, UpdateNews::Installed(result));
                }
            });
        if let Err(error) = started {
            tracing::warn!(%error, "There is no thread for newer versions");
        }
    }
}

fn install(
    feed: &Feed,
    offer: &updates::Offer,
    dir: &std::path::Path,
    news: &Sender<News>,
) -> Result<(), Refusal> {
    let mut progress = |percent| tell(news, UpdateNews::Progress(percent));
    updates::install(feed, offer, &Fetcher::default(), dir, &mut progress)
}

fn told(refusal: &Refusal) -> String {
    tracing::warn!(%refusal, "There is no update");
    refusal.sentence()
}

fn tell(news: &Sender<News>, what: UpdateNews) {
    // Fails only when the windows are gone.
    drop(news.blocking_send(News::Update(what)));
}
