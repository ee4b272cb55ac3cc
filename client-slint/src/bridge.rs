//! The only crossing between the thread of the windows and the thread of the network: wishes go one
//! way, news the other, both as plain values over bounded queues.

mod away;
#[cfg_attr(not(target_os = "linux"), path = "bridge/other_chooser.rs")]
mod chooser;
#[cfg(all(test, target_os = "linux"))]
mod desktop_bus;
#[cfg_attr(not(target_os = "linux"), path = "bridge/idle_elsewhere.rs")]
mod idle;
mod keeper;
pub mod logs;
#[cfg_attr(windows, path = "bridge/windows_notices.rs")]
#[cfg_attr(not(any(windows, target_os = "linux")), path = "bridge/no_notices.rs")]
mod notices;
mod perform;
#[cfg(any(windows, test))]
mod toast;
#[cfg_attr(windows, path = "bridge/windows_tray.rs")]
#[cfg_attr(not(any(windows, target_os = "linux")), path = "bridge/no_tray.rs")]
mod tray;
#[cfg(any(windows, test))]
mod tray_bar;
pub mod words;

use std::path::PathBuf;
use std::rc::Rc;

use jiff::tz::TimeZone;
use tokio::sync::mpsc::{self, Receiver, Sender};

use crate::autostart::Autostart;
use crate::updates::Feed;

pub use words::{
    Deed, DoorNews, DoorWish, FileDeed, FileNews, FileWish, HostNews, HostWish, News, OpenedChat,
    SocialNews, SocialWish, TrayChoice, UpdateNews, UpdateWish, Wish,
};

/// Where wishes are sent from the thread of the windows. Never waits.
#[derive(Clone, Debug)]
pub struct Line {
    wishes: Sender<Wish>,
}

impl Line {
    /// A line and its other end; tests hold the other end themselves.
    #[must_use]
    pub fn new() -> (Self, Receiver<Wish>) {
        let (wishes, asked) = mpsc::channel(WISHES_MAX);
        (Self { wishes }, asked)
    }

    /// Sends a wish. It is false when so many wait already that one more makes no sense.
    #[must_use]
    pub fn ask(&self, wish: Wish) -> bool {
        self.wishes.try_send(wish).is_ok()
    }
}

/// What the thread of the network needs to know.
#[derive(Clone, Debug)]
pub struct Place {
    pub dir: PathBuf,
    pub documents: PathBuf,
    pub zone: TimeZone,
    pub device: String,
    pub autostart: Autostart,
    /// The desktop speaks Wayland.
    pub wayland: bool,
    /// Where newer versions are, if the package says it.
    pub updates: Option<Feed>,
}

/// Starts the thread of the network. It ends when the line is dropped, and `News::Ended` is its last.
///
/// # Errors
/// The system gave no thread, or the runtime did not start.
pub fn start(place: Place, asked: Receiver<Wish>) -> std::io::Result<Receiver<News>> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("network")
        .enable_all()
        .build()?;
    let (news, heard) = mpsc::channel(NEWS_MAX);
    std::thread::Builder::new()
        .name("bridge".into())
        .spawn(move || runtime.block_on(perform::run(place, asked, news)))?;
    Ok(heard)
}

/// Delivers what another thread says on the thread of the windows, until that thread ends.
///
/// # Errors
/// The event loop is not there.
pub fn deliver<T: 'static>(
    mut heard: Receiver<T>,
    to: Rc<dyn Fn(T)>,
) -> Result<(), slint::EventLoopError> {
    slint::spawn_local(async move {
        while let Some(news) = heard.recv().await {
            to(news);
        }
    })?;
    Ok(())
}

/// More wishes than a person has in the time of one; the next one is refused and said so.
const WISHES_MAX: usize = 256;
/// As many as the library keeps for a slow listener; then the network thread waits, and the library
/// says `Reload`.
const NEWS_MAX: usize = 1_024;
