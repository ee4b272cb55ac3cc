//! Writes what is kept outside the messages, one thing after the other on a thread of its own: the settings,
//! and whether the program starts by itself. A disk or a registry that is slow holds nobody up.

use std::io;
use std::path::PathBuf;
use std::thread::{self, JoinHandle};

use thrive_client::Failure;
use tokio::sync::mpsc::{self, Receiver, Sender};

use super::words::{Deed, News};
use crate::autostart::Autostart;
use crate::settings::Settings;

#[derive(Debug)]
enum Order {
    Keep(Box<Settings>),
    /// Asked for, or to be changed.
    StartAtLogin(Option<bool>),
}

pub(super) struct Keeper {
    orders: Sender<Order>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    pub(super) fn start(dir: PathBuf, autostart: Autostart, news: Sender<News>) -> Self {
        let (orders, asked) = mpsc::channel(ORDERS_MAX);
        let started = thread::Builder::new()
            .name("keeper".into())
            .spawn(move || serve(asked, |order| carry_out(order, &dir, &autostart), &news));
        if let Err(error) = &started {
            tracing::warn!(%error, "Nothing will be kept");
        }
        Self { orders, thread: started.ok() }
    }

    pub(super) async fn keep(&self, settings: Box<Settings>) {
        self.order(Order::Keep(settings)).await;
    }

    /// Asks whether the program starts by itself, or changes that.
    pub(super) async fn start_at_login(&self, to: Option<bool>) {
        self.order(Order::StartAtLogin(to)).await;
    }

    /// Waits only when very much waits already: what a person chose is not dropped.
    async fn order(&self, order: Order) {
        if self.orders.send(order).await.is_err() {
            tracing::warn!("Something is not kept");
        }
    }

    /// When everything has been written.
    pub(super) async fn finish(self) {
        drop(self.orders);
        let Some(thread) = self.thread else { return };
        if let Ok(Err(_)) | Err(_) = tokio::task::spawn_blocking(move || thread.join()).await {
            tracing::error!("The keeper did not end well");
        }
    }
}

fn serve(
    mut asked: Receiver<Order>,
    mut carry_out: impl FnMut(Order) -> Option<News>,
    news: &Sender<News>,
) {
    let mut next = asked.blocking_recv();
    while let Some(order) = next {
        next = asked.try_recv().ok();
        // What is replaced at once need not be written.
        let replaced = matches!((&order, &next), (Order::Keep(_), Some(Order::Keep(_))));
        if !replaced && let Some(item) = carry_out(order) {
            // Fails only when the windows are gone.
            drop(news.blocking_send(item));
        }
        if next.is_none() {
            next = asked.blocking_recv();
        }
    }
}

fn carry_out(order: Order, dir: &std::path::Path, autostart: &Autostart) -> Option<News> {
    let failed = |deed, error: io::Error| {
        tracing::warn!(%error, ?deed, "Something is not kept");
        Some(News::Done { deed, result: Err(Failure::Local(error.to_string())) })
    };
    match order {
        Order::Keep(settings) => match settings.save(dir) {
            Ok(()) => None,
            Err(error) => failed(Deed::KeepSettings, error),
        },
        Order::StartAtLogin(None) => Some(News::StartsAtLogin(autostart.is_on())),
        Order::StartAtLogin(Some(on)) => match autostart.set(on) {
            Ok(()) => None,
            Err(error) => failed(Deed::StartAtLogin, error),
        },
    }
}

/// More than a person does while a disk is busy.
const ORDERS_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn named(username: &str) -> Box<Settings> {
        Box::new(Settings { username: username.into(), ..Settings::default() })
    }

    #[tokio::test]
    async fn what_was_asked_for_last_is_what_stays_and_it_is_written_before_the_end() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Some(dir.path().join("autostart"));
        let autostart = Autostart { folder, program: "/thrive".into(), arguments: Vec::new() };
        let (news, mut heard) = mpsc::channel(8);
        let keeper = Keeper::start(dir.path().to_owned(), autostart, news);
        for at in 0..100 {
            keeper.keep(named(&at.to_string())).await;
        }
        keeper.start_at_login(Some(true)).await;
        keeper.start_at_login(None).await;
        keeper.finish().await;
        assert_eq!(Settings::load(dir.path()).username, "99");
        assert!(matches!(heard.recv().await, Some(News::StartsAtLogin(true))));
    }

    #[tokio::test]
    async fn what_cannot_be_written_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a file");
        std::fs::write(&file, "").unwrap();
        let autostart = Autostart { folder: None, program: "/t".into(), arguments: Vec::new() };
        let (news, mut heard) = mpsc::channel(8);
        let keeper = Keeper::start(file, autostart, news);
        keeper.keep(named("ann")).await;
        keeper.start_at_login(Some(true)).await;
        keeper.finish().await;
        for wanted in [Deed::KeepSettings, Deed::StartAtLogin] {
            let told = heard.recv().await;
            assert!(matches!(told, Some(News::Done { deed, result: Err(_) }) if deed == wanted));
        }
    }
}
