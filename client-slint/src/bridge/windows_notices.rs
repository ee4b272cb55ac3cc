//! Notices on the desktop of Windows: toasts. Where Windows shows none, nothing is shown, and that is no
//! failure. A thread of its own: a desktop that hangs holds nobody up.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::time::Duration;

use thrive_client::UserId;
use tokio::sync::mpsc::Sender;
use windows::Data::Xml::Dom::XmlDocument;
use windows::Foundation::TypedEventHandler;
use windows::UI::Notifications::{ToastNotification, ToastNotificationManager};
use windows::core::{HSTRING, Result};
use windows_registry::CURRENT_USER;

use super::toast::toast;
use super::words::News;
use crate::announce::Notice;
use crate::words;

/// What to do on the desktop.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Order {
    Show {
        peer: Option<UserId>,
        notice: Notice,
    },
    /// The chat was read.
    Close(UserId),
}

/// Where notices are asked for. Never waits.
#[derive(Debug)]
pub(super) struct Notices {
    orders: Option<SyncSender<Order>>,
    /// Nothing comes out of it, and its other end goes with the thread.
    thread: Receiver<()>,
}

impl Notices {
    pub(super) fn start(dir: &Path, news: Sender<News>) -> Self {
        let (orders, asked) = sync_channel(ORDERS_MAX);
        let dir = dir.to_owned();
        let (alive, thread) = sync_channel::<()>(1);
        let started = std::thread::Builder::new().name("notices".into()).spawn(move || {
            serve(&dir, &asked, &news);
            drop(alive);
        });
        if let Err(error) = &started {
            tracing::warn!(%error, "There will be no notices");
        }
        Self { orders: started.is_ok().then_some(orders), thread }
    }

    pub(super) fn show(&self, peer: Option<UserId>, notice: Notice) {
        self.order(Order::Show { peer, notice });
    }

    pub(super) fn close(&self, peer: UserId) {
        self.order(Order::Close(peer));
    }

    /// When so many wait, the desktop does not answer, and one more is worth nothing.
    fn order(&self, order: Order) {
        if self.orders.iter().any(|orders| orders.try_send(order.clone()).is_err()) {
            tracing::debug!("A notice was dropped");
        }
    }
}

impl Drop for Notices {
    /// What is shown goes with the program, if the desktop does not hang.
    fn drop(&mut self) {
        self.orders = None;
        if self.thread.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            tracing::debug!("The desktop keeps notices");
        }
    }
}

fn serve(dir: &Path, asked: &Receiver<Order>, news: &Sender<News>) {
    // Who clicks is told by these, so they are kept.
    let mut shown = HashMap::new();
    let mut introduced = false;
    for order in asked {
        if !introduced && matches!(order, Order::Show { .. }) {
            introduced = introduce(dir)
                .inspect_err(|error| tracing::debug!(%error, "Windows does not know the program"))
                .is_ok();
        }
        if let Err(error) = perform(order, &mut shown, news) {
            tracing::debug!(%error, "Windows shows no notice");
        }
    }
    // Nobody would hear a click on what is left.
    if introduced && let Err(error) = forget_all() {
        tracing::debug!(%error, "Windows keeps old notices");
    }
}

/// Tells Windows by which name and picture notices of this program are shown. Without an installation it
/// knows neither.
fn introduce(dir: &Path) -> io::Result<()> {
    let picture = picture(dir)?;
    let introduce = || {
        let key = CURRENT_USER.create(format!(r"Software\Classes\AppUserModelId\{KNOWN_AS}"))?;
        key.set_string("DisplayName", words::PROGRAM)?;
        key.set_string("IconUri", picture.to_string_lossy().as_ref())
    };
    introduce().map_err(io::Error::other)
}

/// The picture as a file, where it stays when the program is moved.
fn picture(dir: &Path) -> io::Result<PathBuf> {
    let file = std::path::absolute(dir)?.join("thrive-messenger.png");
    if !file.exists() {
        fs::write(&file, PICTURE)?;
    }
    Ok(file)
}

fn perform(
    order: Order,
    shown: &mut HashMap<UserId, ToastNotification>,
    news: &Sender<News>,
) -> Result<()> {
    match order {
        Order::Close(peer) => match shown.remove(&peer) {
            Some(_) => ToastNotificationManager::History()?.RemoveGroupedTagWithId(
                &tag(peer),
                &group(),
                &HSTRING::from(KNOWN_AS),
            ),
            None => Ok(()),
        },
        Order::Show { peer, notice } => {
            let text = XmlDocument::new()?;
            text.LoadXml(&HSTRING::from(toast(&notice)))?;
            let toast = ToastNotification::CreateToastNotification(&text)?;
            toast.SetGroup(&group())?;
            if let Some(peer) = peer {
                // One for each person: what comes next stands in the place of what came before.
                toast.SetTag(&tag(peer))?;
                let news = news.clone();
                toast.Activated(&TypedEventHandler::new(move |_, _| {
                    if news.try_send(News::Wanted(peer)).is_err() {
                        tracing::debug!("A notice was chosen that nobody hears of");
                    }
                    Ok(())
                }))?;
            }
            let desktop =
                ToastNotificationManager::CreateToastNotifierWithId(&HSTRING::from(KNOWN_AS))?;
            desktop.Show(&toast)?;
            if let Some(peer) = peer {
                shown.insert(peer, toast);
            }
            Ok(())
        }
    }
}

fn forget_all() -> Result<()> {
    ToastNotificationManager::History()?.RemoveGroupWithId(&group(), &HSTRING::from(KNOWN_AS))
}

fn tag(peer: UserId) -> HSTRING {
    HSTRING::from(peer.0.to_string())
}

/// Another Thrive of the same person may be logged in elsewhere.
fn group() -> HSTRING {
    HSTRING::from(std::process::id().to_string())
}

/// By this name Windows knows the program (the "AppUserModelID").
const KNOWN_AS: &str = "org.thrive.Messenger";
const PICTURE: &[u8] = include_bytes!("../../../packaging/icons/thrive-messenger-64.png");
/// More than a desktop shows at a time.
const ORDERS_MAX: usize = 16;
/// Whoever ends the program waits for it.
const PATIENCE: Duration = Duration::from_secs(1);
